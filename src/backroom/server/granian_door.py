"""granian, inside this process, on a socket that listens already."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from granian import _futures, _granian  # pyright: ignore[reportPrivateUsage]
from granian.constants import HTTPModes
from granian.http import HTTP1Settings

from backroom.server.plan import BACKLOG

#: How long a client may take over its headers.
HEADER_MILLISECONDS = 15_000
_NO_TLS: tuple[Any, ...] = (False, None, None, None, "tls1.3", None, [], False)


class GranianDoor:
    """Serves one ASGI app on one socket, by the worker that granian's own processes run.

    Not by granian's servers: their way to a socket (SO_REUSEPORT, one per process) lets a second server in on the same port and loses what waits
    when a process ends, and the embedded one runs connections on another runtime, slower in what was measured of it. Hence the private names, and
    granian's upper bound in pyproject.toml.
    """

    def __init__(self, number: int, door: Any) -> None:
        self._number, self._door = number, door
        self._signal: Any = _granian.WorkerSignal()

    async def serve(self) -> None:
        """Answers until `stop`; requests that have begun are finished."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._signal.add_cb(lambda: loop.call_soon_threadsafe(ended.set))
        granian: Any = _granian  # its types leave out what these take
        listening = granian.SocketHolder(os.dup(self._number), False, BACKLOG)
        threads = (1, 512, 1, 30)  # of its runtime, at most for blocking work there, for Python (one: the loop's), seconds that they idle
        protocols = (HTTPModes.auto, HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS), None, True)  # HTTP/1, HTTP/2 by its defaults, websockets
        worker = granian.ASGIWorker(1, (None, listening), None, *threads, BACKLOG, *protocols, None, *_NO_TLS, (None, None))
        futures: Any = _futures
        worker.serve_mtr(futures._new_cbscheduler(loop, self._answer, impl_asyncio=True), loop, self._signal)
        await ended.wait()

    async def _answer(self, watcher: Any) -> None:
        """One request, as granian's own wrappers run it, without what they add for lifespans and access logs."""
        proto = watcher.proto
        try:
            await self._door(watcher.scope, proto.receive, proto.send)
        except BaseException as error:  # noqa: BLE001 - granian closes the connection by it
            watcher.err(error)
        else:
            watcher.done()

    def stop(self) -> None:
        self._signal.set()
