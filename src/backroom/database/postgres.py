"""Postgres: reads, long reads and writes on three stacks of connections; writes are serializable, and run again when they lost a race."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

from backroom.calls import Row, Unit
from backroom.database.connections import Connections, Wire
from backroom.database.drive import Abandoned, drive_async
from backroom.database.postgres_errors import translate
from backroom.database.refusals import TRIES, TRY_SECONDS, NotRead, SerializationFailure, pause
from backroom.errors import Problem, SettingsError

T = TypeVar("T")

READING = 8
LONG = 3
WRITING = 8
_READS = {"default_transaction_read_only": "on"}


class Postgres:
    """The `Database` over asyncpg."""

    name: Literal["postgresql"] = "postgresql"

    def __init__(self, address: str, *, seconds: float = 5.0) -> None:
        self.address = address
        self._reading = Connections(address, READING, seconds=seconds, **_READS)
        # A plan made for these very values: a search with a plan for any values may read the whole table.
        self._long = Connections(address, LONG, seconds=seconds, plan_cache_mode="force_custom_plan", **_READS)
        self._ending: set[asyncio.Task[None]] = set()
        self._writing = Connections(address, WRITING, seconds=seconds, default_transaction_isolation="serializable")

    async def open(self) -> None:
        try:
            wire = await self._writing.take()
        except Problem as problem:
            place = urlsplit(self.address)
            cause = problem.__cause__ or problem
            raise SettingsError(f"DATABASE_URL: Postgres at {place.hostname or 'the local socket'} can't be used: {cause}; is it running?") from None
        self._writing.give(wire)

    async def close(self) -> None:
        if self._ending:
            await asyncio.wait(self._ending, timeout=2)
        for connections in (self._reading, self._long, self._writing):
            await connections.close()

    # Reading

    async def read(self, text: str, parameters: tuple[Any, ...] = (), *, long: bool = False) -> list[Row]:
        connections = self._long if long else self._reading
        wire = await connections.take()
        try:
            rows: list[Row] = await wire.fetch(text, *parameters)
        except BaseException as error:
            connections.give_later(wire)
            raise _reading_refusal(error, text) from error
        connections.give(wire)
        return rows

    async def read_named(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Mapping[str, Any]]:
        rows: list[Any] = await self.read(text, parameters, long=True)
        return [dict(row.items()) for row in rows]

    def snapshot(self) -> Snapshot:
        return Snapshot(self._reading)

    # Writing

    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T:
        begun = time.monotonic()
        attempt = 1
        while True:
            try:
                return await (self._write_single(unit()) if single else self._write_unit(unit()))
            except SerializationFailure:
                if attempt == TRIES or time.monotonic() - begun > TRY_SECONDS:
                    raise
            await asyncio.sleep(pause(attempt))
            attempt += 1

    async def _write_single(self, unit: Unit[T]) -> T:
        """One statement is a transaction by itself: no BEGIN, no COMMIT."""
        wire = await self._writing.take()
        try:
            result = await drive_async(unit, Asking(wire).run, single=True)
        except Abandoned as abandoned:
            self._writing.give(wire)
            result = abandoned.result
        except BaseException:
            self._writing.give_later(wire)
            raise
        else:
            self._writing.give(wire)
        return result

    async def _write_unit(self, unit: Unit[T]) -> T:
        wire = await self._writing.take()
        asking = Asking(wire)
        try:
            await asking.execute("BEGIN")
            result = await drive_async(unit, asking.run)
            await asking.commit()
        except Abandoned as abandoned:
            self._writing.give_later(wire)
            result = abandoned.result
        except BaseException:
            self._writing.give_later(wire)
            raise
        else:
            self._writing.give(wire)
        return result

    @asynccontextmanager
    async def transaction(self, *, seconds: float = 2.0) -> AsyncGenerator[PostgresTransaction]:
        wire = await self._writing.take()
        transaction = PostgresTransaction(wire)
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                await transaction.execute("BEGIN")
                yield transaction
            if clock.expired():  # the body swallowed its cancellation
                raise TimeoutError
        except BaseException as error:
            self._writing.give_later(wire, reset=True)
            if isinstance(error, TimeoutError) and clock.expired():
                raise Problem("app.timeout") from None
            raise
        # A caller that leaves now must not leave a stored transaction whose callbacks never ran.
        ending = asyncio.get_running_loop().create_task(self._end(wire, transaction))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.shield(ending)

    async def _end(self, wire: Wire, transaction: PostgresTransaction) -> None:
        try:
            await transaction.commit()
        finally:
            self._writing.give_later(wire, reset=True)
        for callback in transaction.callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - what is stored is stored: the log has it, the caller is not told
                asyncio.get_running_loop().call_exception_handler({"message": "after_commit failed", "exception": error})


class Asking:
    """One connection, whose errors come in our words."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]:
        try:
            rows = await self._wire.fetch(text, *parameters)
        except Exception as error:
            raise translate(error, text) from error
        return [cast("Row", dict(row.items())) for row in rows] if named else rows

    async def execute(self, text: str) -> str:
        try:
            return await self._wire.execute(text)
        except Exception as error:
            raise translate(error, text) from error

    async def commit(self) -> None:
        # Postgres answers COMMIT with "ROLLBACK", and no error, where a failure inside was swallowed.
        if await self.execute("COMMIT") != "COMMIT":
            raise SerializationFailure


class PostgresTransaction(Asking):
    """The `Transaction` over one connection."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.callbacks: list[Callable[[], None]] = []
        self._marked = False

    async def run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]:
        # After an error Postgres refuses everything up to the last savepoint, where SQLite just goes on.
        if text.lstrip()[:6].upper() == "SELECT":
            return await super().run(text, parameters, named)
        await self._mark("statement")
        try:
            return await super().run(text, parameters, named)
        except SerializationFailure:
            raise
        except Exception:
            await self.execute("ROLLBACK TO SAVEPOINT statement")
            raise

    async def drive(self, unit: Unit[T]) -> T:
        try:
            async with self.savepoint():
                return await drive_async(unit, super().run)
        except Abandoned as abandoned:
            result: T = abandoned.result
            return result

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        await self._mark("nested")
        try:
            yield
        except SerializationFailure:
            raise
        except (Exception, asyncio.CancelledError):
            self._marked = False
            await asyncio.shield(self.execute("ROLLBACK TO SAVEPOINT nested; RELEASE SAVEPOINT nested"))
            raise
        self._marked = False
        await self.execute("RELEASE SAVEPOINT nested")

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    async def _mark(self, name: str) -> None:
        """One round trip: the last statement's savepoint is let go together with the new one's beginning."""
        await self.execute(("RELEASE SAVEPOINT statement; " if self._marked else "") + f"SAVEPOINT {name}")
        self._marked = name == "statement"


class Snapshot:
    """Several reads in one read-only transaction."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Snapshot:
        self._wire = await self._connections.take()
        try:
            await self._wire.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        except BaseException as error:
            self._connections.give_later(self._wire)
            raise _reading_refusal(error, "") from error
        return self

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        try:
            return await self._wire.fetch(text, *parameters)
        except BaseException as error:
            raise _reading_refusal(error, text) from error

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connections.give_later(self._wire)


def _reading_refusal(error: BaseException, text: str) -> BaseException:
    if not isinstance(error, Exception):
        return error
    if getattr(error, "sqlstate", None) == "25006":
        return NotRead()
    return translate(error, text)
