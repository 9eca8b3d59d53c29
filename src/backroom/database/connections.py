"""Our own stack of Postgres connections.

asyncpg's pool asks a reset query each time a connection comes back: a second round trip per read. Ours run nothing but our own
statements, which leave nothing behind; only what ran a caller's own transaction is reset.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import asyncpg

from backroom.database.postgres_errors import translate
from backroom.database.refusals import busy

WAIT_SECONDS = 5.0
CONNECT_SECONDS = 3.0
_SETTLE_SECONDS = 3.0


class Wire(Protocol):
    """The part of an asyncpg connection that we use."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def execute(self, query: str) -> str: ...
    async def reset(self) -> None: ...
    async def close(self, *, timeout: float) -> None: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...


class Connections:
    """Up to `limit` connections with the same settings. Whoever comes when all are taken waits his turn, five seconds at most."""

    def __init__(self, address: str, limit: int, *, seconds: float, **settings: str) -> None:
        self._address = address
        self._limit = limit
        self._seconds = seconds
        self._settings = {
            "application_name": "backroom",
            "timezone": "UTC",
            "jit": "off",  # it compiles for longer than our statements run
            "statement_timeout": str(max(1, int(seconds * 1000))),
            "idle_in_transaction_session_timeout": "30000",
            **settings,
        }
        self._idle: list[Wire] = []
        self._count = 0
        self._waiting: deque[Future[Wire | None]] = deque()
        self._settling: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self) -> Wire:
        """A live connection. Raises `database.busy` or `http.unavailable`."""
        while self._idle:
            wire = self._idle.pop()
            if not wire.is_closed():
                return wire
            self._count -= 1
        if self._count >= self._limit:
            given = await self._wait()
            if given is not None:
                return given
        return await self._connect()

    async def _wait(self) -> Wire | None:
        """The connection that somebody gives back; None: a place for a new one is free."""
        turn: Future[Wire | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                try:
                    return await turn
                except asyncio.CancelledError:
                    if not turn.cancelled():  # it was given one in the moment it left
                        self._pass_on(turn.result())
                    raise
        except TimeoutError:
            raise busy() from None

    async def _connect(self) -> Wire:
        self._count += 1
        try:
            connect: Callable[..., Awaitable[Wire]] = asyncpg.connect  # pyright: ignore[reportUnknownMemberType]
            return await connect(
                self._address,
                timeout=CONNECT_SECONDS,
                # A little more than the server's own limit: for a network that swallows the answer.
                command_timeout=self._seconds + 2,
                server_settings=self._settings,
                statement_cache_size=512,
            )
        except BaseException as error:
            self._count -= 1
            self._pass_on(None)
            raise translate(error, "") if isinstance(error, Exception) else error from error

    def give(self, wire: Wire) -> None:
        """Back, as it was taken."""
        if wire.is_closed() or self._closed:
            self.drop(wire)
        else:
            self._pass_on(wire)

    def drop(self, wire: Wire) -> None:
        """Away with one that is broken."""
        wire.terminate()
        self._count -= 1
        self._pass_on(None)

    def give_later(self, wire: Wire, *, reset: bool = False) -> None:
        """Back, once whatever it was doing is stopped and undone. Nobody waits for that."""
        task = asyncio.get_running_loop().create_task(self._settle(wire, reset))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, wire: Wire, reset: bool) -> None:
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                await wire.execute("ROLLBACK")
                if reset:
                    await wire.reset()
        except Exception:  # noqa: BLE001 - whatever it was, a new connection is the cure; whoever was using it has been told
            self.drop(wire)
        except BaseException:
            self.drop(wire)
            raise
        else:
            self.give(wire)

    def _pass_on(self, wire: Wire | None) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(wire)
                return
        if wire is not None:
            self._idle.append(wire)

    async def close(self) -> None:
        """Close those that are idle; those in use close when they come back."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=_SETTLE_SECONDS)
        self._closed = True
        closing: list[Coroutine[Any, Any, None]] = [wire.close(timeout=2) for wire in self._idle]
        self._idle.clear()
        await asyncio.gather(*closing, return_exceptions=True)
