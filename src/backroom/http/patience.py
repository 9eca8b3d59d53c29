"""Time limits for tasks that wait on a client, at a tenth of the price of a timer each: one look a second finds all that are late."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

_EVERY_SECONDS = 1.0


class Waiting:
    """One task that waits. `extra` seconds are granted on top of its limit: raise it while the client makes progress."""

    __slots__ = ("extra", "late", "limit", "since", "task")

    def __init__(self, task: asyncio.Task[Any], since: float, limit: float) -> None:
        self.task = task
        self.since = since
        self.limit = limit
        self.extra = 0.0
        self.late = False


class Patience:
    """The waiting tasks of one event loop. While nobody waits, no timer runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limit: float) -> Waiting:
        """Cancel the current task if it hasn't called `end` after `limit` seconds (plus up to a second, plus what it was granted)."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A body can only be read inside a task.")
        waiting = Waiting(task, self.loop.time(), limit)
        self._waiting.add(waiting)
        if self._timer is None:
            self._timer = self.loop.call_later(min(_EVERY_SECONDS, limit), self._look)
        return waiting

    def end(self, waiting: Waiting) -> None:
        self._waiting.discard(waiting)

    def ran_out(self, waiting: Waiting) -> bool:
        """Was it this watch, and nobody else, that cancelled the task? Then the task may go on."""
        return waiting.late and waiting.task.uncancel() == 0

    def _look(self) -> None:
        now = self.loop.time()
        soonest = _EVERY_SECONDS
        for waiting in self._waiting:
            left = waiting.since + waiting.limit + waiting.extra - now
            if left > 0:
                soonest = min(soonest, left)
            elif not waiting.late:
                waiting.late = True
                waiting.task.cancel()
        self._timer = self.loop.call_later(soonest, self._look) if self._waiting else None


class _Here(threading.local):
    patience: Patience | None = None


_here = _Here()


def patience_here() -> Patience:
    """The watch of the running event loop."""
    loop = asyncio.get_running_loop()
    patience = _here.patience
    if patience is None or patience.loop is not loop:
        patience = _here.patience = Patience(loop)
    return patience
