"""One process that serves: loads the app, opens the database, answers until told to stop, finishes what it began.

The supervisor runs it as `python -m backroom.server PLAN FD`: FD is a socket on which it says that it is up, and whose end means that the
supervisor is gone.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from backroom.errors import DeclarationError, SettingsError
from backroom.server.loading import folder_of, load_app, sentence_of
from backroom.server.plan import Plan

CANNOT_START = 3
UP = b"u"
FINISH_SECONDS = 10.0
log = logging.getLogger("backroom.server")


async def run(plan: Plan, is_up: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises `SettingsError` or `DeclarationError` when the app can't start."""
    from backroom.settings import load, require_safe

    folder = folder_of(plan.target)
    settings = load(development=plan.development, env_file=str(folder / ".env"))
    if "PUBLIC_URL" not in settings.model_fields_set:
        settings = settings.model_copy(update={"PUBLIC_URL": plan.url})
    if not plan.development:
        require_safe(settings)
    app = load_app(plan.target)
    try:
        backend = app.backend(settings)
        await backend.start()
    except (DeclarationError, SettingsError):
        raise
    except Exception as error:
        if not plan.development:
            log.exception("The app could not start.")
        raise DeclarationError(f"The app can't start: {sentence_of(error, folder)}") from error
    gc.collect()
    gc.freeze()  # what is there now stays: later collections need not walk it
    # SQLite lets go of Python's lock at every row; at the default of 5 ms, whoever takes it meanwhile keeps the loop waiting.
    sys.setswitchinterval(0.0005)
    try:
        await (_uvicorn if sys.platform == "win32" else _granian)(plan, backend.door, is_up, stop)
    finally:
        await backend.stop()


async def _granian(plan: Plan, door: Any, is_up: Callable[[], None], stop: asyncio.Event) -> None:
    from backroom.server.granian_door import GranianDoor

    servers = [GranianDoor(number, door) for number in plan.sockets]
    serving: asyncio.Future[Any] = asyncio.gather(*(server.serve() for server in servers))
    await asyncio.sleep(0)  # so that they begin
    if not serving.done():
        is_up()  # the sockets listen already: who connects now is served in a moment
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for server in servers:
        server.stop()
    try:
        await asyncio.wait_for(serving, FINISH_SECONDS)
    except TimeoutError:
        log.warning("Some requests were still running after %g seconds and were ended.", FINISH_SECONDS)


async def _uvicorn(plan: Plan, door: Any, is_up: Callable[[], None], stop: asyncio.Event) -> None:
    """Where granian's shutdown does not work (Windows): slower."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(door, lifespan="off", log_level="warning"))
    serving = asyncio.ensure_future(server.serve([socket.socket(fileno=number) for number in plan.sockets]))
    is_up()
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving


async def _main(plan: Plan, line: socket.socket | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)

    def is_up() -> None:
        if line is not None:
            line.send(UP)

    async def outlive_nobody() -> None:
        """A killed supervisor can't say goodbye; a process that nobody watches would keep the port."""
        assert line is not None
        line.setblocking(False)
        while await loop.sock_recv(line, 64):
            pass
        stop.set()

    watch = asyncio.ensure_future(outlive_nobody()) if line is not None else None
    try:
        await run(plan, is_up, stop)
    finally:
        if watch is not None:
            watch.cancel()


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it runs; None: asyncio's own."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def main(plan: Plan, line: socket.socket | None = None) -> int:
    """The exit code: 0 after a stop, CANNOT_START after one sentence on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s" if plan.development else "%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("backroom").setLevel(logging.INFO if plan.development else logging.WARNING)
    try:
        with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
            runner.run(_main(plan, line))
    except (DeclarationError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the one sentence that a person waits for
        return CANNOT_START
    except KeyboardInterrupt:
        return 130
    return 0
