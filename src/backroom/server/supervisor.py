"""The process that watches the others: starts them, starts again what dies, reloads in development, ends all at a signal. It loads no app."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from backroom.errors import SettingsError
from backroom.server.loading import folder_of
from backroom.server.plan import Plan, listen, url_of
from backroom.server.process import CANNOT_START, FINISH_SECONDS, main

STOP_SECONDS = FINISH_SECONDS + 5
#: glibc keeps what was freed: every password hash borrows 19 MB, and without these a process of 97 MB grew to 135 after a few sign-ins.
GIVES_BACK = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576"}
#: How often in a row a process may die young or not come up again before the server ends, and the longest pause between two tries.
MOST_FAILURES = 6
YOUNG_SECONDS = 10.0
GREATEST_PAUSE_SECONDS = 8.0


def serve(target: str, *, host: str = "localhost", port: int = 8000, workers: int = 1, development: bool = False, reload: bool = False) -> int:
    """Serve an app until SIGTERM or Ctrl-C; the exit code: 0 after a stop, 1 when it could not start (one sentence on standard error).

    `workers` processes share the port. `development`: `.env`, automatic tables, friendly errors. `reload`: a saved
    `.py` file below the app's folder starts a new process. Raises `SettingsError` for an address that can't be listened on.

    >>> serve("app.py", port=8000, workers=2)  # doctest: +SKIP
    0
    """
    if workers < 1:
        raise SettingsError(f"--workers {workers} would serve nobody; write --workers 1")
    if sys.platform == "win32":  # no socket can be handed to a child there
        plan = Plan(target, url_of(host, port), development, tuple(each.detach() for each in listen(host, port)))
        return 1 if main(plan) == CANNOT_START else 0
    return asyncio.run(Supervisor(Plan(target, url_of(host, port), development), host, port, workers, reload).run())


def become_supervisor(target: str, *, host: str, port: int, workers: int) -> int:
    """`serve` for production, from the command line: this process is replaced by a lean one.

    What the command line has loaded would weigh 15 MB for as long as the server runs.
    """
    if sys.platform == "win32":
        return serve(target, host=host, port=port, workers=workers)
    given = json.dumps({"target": target, "host": host, "port": port, "workers": workers})
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "backroom.server", "supervise", given])  # noqa: S606 - ourselves, with values of the command line


def tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - a server's own voice


class Worker:
    """One serving process."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.process = process
        self._line = line
        self.served = False

    @classmethod
    async def start(cls, plan: Plan) -> Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: the working folder may hold a file called like a module of Python's own. The app's folder joins the path with the app.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "backroom.server", plan.text(), str(theirs.fileno())),
                pass_fds=[theirs.fileno(), *plan.sockets],
                env={**GIVES_BACK, **os.environ},
            )
        ours.setblocking(False)
        return cls(process, ours)

    async def is_up(self) -> bool:
        """Waits until it serves; False: it ended first."""
        with suppress(ConnectionError):
            self.served = bool(await asyncio.get_running_loop().sock_recv(self._line, 1))
        return self.served

    async def ended(self) -> int:
        code = await self.process.wait()
        self._line.close()
        return code

    async def stop(self) -> None:
        """Let it finish its requests, then make sure that it is gone."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.ended(), STOP_SECONDS)
        except TimeoutError:
            tell(f"Process {self.process.pid} did not stop within {STOP_SECONDS:g} seconds; killing it.")
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.ended()


class Supervisor:
    """Keeps `workers` processes serving one plan."""

    def __init__(self, plan: Plan, host: str, port: int, workers: int, reload: bool) -> None:
        self._plan, self._host, self._port, self._size, self._reload = plan, host, port, workers, reload
        self._sockets: list[socket.socket] = []
        self._stop = asyncio.Event()
        self._workers: set[Worker] = set()
        self._turns: set[asyncio.Task[None]] = set()
        self._failed = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        self._open()
        if self._reload:
            await self._develop()
        else:
            await self._produce()
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._close()
        return 1 if self._failed else 0

    def _open(self) -> None:
        if not self._sockets:
            self._sockets = listen(self._host, self._port)
            self._plan = replace(self._plan, sockets=tuple(each.fileno() for each in self._sockets))

    def _close(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    # ------------------------------------------------------------ production
    async def _produce(self) -> None:
        first = await self._start()  # alone: it makes the tables of an empty database
        if first is None:
            self._failed = not self._stop.is_set()
            return
        tell(f"Serving on {self._plan.url} with {self._size} process{'es' if self._size > 1 else ''}.")
        self._keep(first)
        for _ in range(self._size - 1):
            worker = await self._start()
            if worker is None:
                self._failed = not self._stop.is_set()
                return
            self._keep(worker)
        await self._stop.wait()

    def _keep(self, worker: Worker) -> None:
        turn = asyncio.ensure_future(self._replaced(worker))
        self._turns.add(turn)

    async def _replaced(self, worker: Worker) -> None:
        """Start another whenever it dies; give up, and end the server, when none comes up any more."""
        loop, failures = asyncio.get_running_loop(), 0
        born = loop.time()
        while failures < MOST_FAILURES:
            code = await worker.ended()
            if self._stop.is_set():
                return  # Ctrl-C reaches the processes too
            self._workers.discard(worker)
            tell(f"Process {worker.process.pid} ended unexpectedly ({_reason(code)}); starting another.")
            failures = failures + 1 if loop.time() - born < YOUNG_SECONDS else 0
            found = None
            while found is None and failures < MOST_FAILURES:
                if failures:
                    await asyncio.sleep(min(0.5 * 2.0 ** (failures - 1), GREATEST_PAUSE_SECONDS))
                born = loop.time()
                found = await self._start()
                if found is None:
                    failures += 1
            worker = found or worker
        tell("error: No process stays up; the server ends. Its log above says why.")
        self._failed = True
        self._stop.set()

    async def _start(self) -> Worker | None:
        """A process that serves; None: it could not start (it has said why), or a signal came first."""
        worker = await Worker.start(self._plan)
        self._workers.add(worker)
        if await self._first(worker.is_up()):
            return worker
        if self._stop.is_set():
            return None
        self._workers.discard(worker)
        code = await worker.ended()
        if code != CANNOT_START:
            tell(f"error: The server process ended before it served ({_reason(code)}).")
        return None

    async def _first(self, up: Coroutine[Any, Any, bool]) -> bool:
        """Up, or stopped? Whatever comes first."""
        coming, stopping = asyncio.ensure_future(up), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((coming, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if coming.done():
            return coming.result()
        coming.cancel()
        return False

    # ------------------------------------------------------------ development
    async def _develop(self) -> None:
        from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType] - its types name trio's, which isn't here

        folder = folder_of(self._plan.target)
        saves = awatch(folder, watch_filter=PythonFiles(folder), stop_event=self._stop, debounce=200, step=20)
        coming = asyncio.ensure_future(anext(saves, None))  # it watches from here on: what is saved while the app loads counts
        current = await self._start()
        if current is not None:
            tell(f"Serving on {self._plan.url} (Ctrl-C ends it; a saved .py file reloads it).")
            self._mourn(current)
        else:
            self._wait_for_a_save()
        while (changes := await coming) and not self._stop.is_set():
            names = sorted({Path(path).name for _, path in changes})
            tell(f"{', '.join(names[:3])} changed; reloading.")
            current = await self._exchange(current)
            coming = asyncio.ensure_future(anext(saves, None))

    async def _exchange(self, old: Worker | None) -> Worker | None:
        """The new process comes up beside the old one, which then leaves; if it can't start, nobody serves what is no longer written."""
        self._open()
        new = await self._start()
        if old is not None:
            await self._dismiss(old)
        if new is None:
            self._wait_for_a_save()
        else:
            self._mourn(new)
        return new

    def _mourn(self, worker: Worker) -> None:
        """A process that dies while somebody writes is told at once; connections are refused rather than left hanging."""

        async def wait() -> None:
            code = await worker.process.wait()
            if worker in self._workers and not self._stop.is_set():
                self._workers.discard(worker)
                tell(f"The server ended unexpectedly ({_reason(code)}).")
                self._wait_for_a_save()

        self._turns.add(asyncio.ensure_future(wait()))

    def _wait_for_a_save(self) -> None:
        if not self._stop.is_set():
            self._close()  # refuse connections rather than let them hang
            tell("Waiting for the next save.")

    async def _dismiss(self, worker: Worker) -> None:
        self._workers.discard(worker)
        await worker.stop()


class PythonFiles:
    """Which changes reload: the app's own `.py` files and its `.env`, not those of an environment installed beside them."""

    LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages", "data", "public", "dist"})

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, change: object, path: str) -> bool:  # noqa: ARG002 - as watchfiles calls it
        inner: Sequence[str] = Path(path).relative_to(self._folder).parts
        if any(part in self.LEFT_OUT or part.startswith(".") for part in inner[:-1]):
            return False
        return inner[-1] == ".env" or inner[-1].endswith(".py")


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
