"""An interactive SQLite transaction: the writer thread belongs to one caller, who asks question after question from the event loop."""

from __future__ import annotations

import queue
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from backroom.calls import Row, Unit
from backroom.database.drive import Abandoned, drive
from backroom.errors import Problem

T = TypeVar("T")


class Desk(Protocol):
    """The part of the writer that a hold works with, in the writer's thread."""

    def run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]: ...
    def commit(self) -> None: ...
    def send(self, callback: Callable[[], None]) -> None: ...
    @property
    def in_transaction(self) -> bool: ...


class _Step(NamedTuple):
    work: Callable[[Desk], Any]
    future: Future[Any]
    ends: bool


class Hold:
    """`ready` is done when the transaction has begun. `since` is a moment of `time.monotonic`."""

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        self.seconds = seconds
        self.since = time.monotonic()
        self.ready: Future[None] = loop.create_future()
        self._loop = loop
        self._lock = threading.Lock()
        self._inbox: queue.SimpleQueue[_Step] = queue.SimpleQueue()
        self._over: Exception | None = None
        self._committed: list[Callable[[], None]] = []

    # On the event loop

    def post(self, work: Callable[[Desk], T], *, ends: bool = False) -> Future[T]:
        """Have `work` done in the writer's thread. `ends`: it is the last, and the thread is free again."""
        future: Future[T] = self._loop.create_future()
        with self._lock:
            if self._over is None:
                self._inbox.put(_Step(work, future, ends))
            else:
                future.set_exception(self._over)
        return future

    def drive(self, unit: Unit[T]) -> Future[T]:
        return self.post(lambda desk: _sheltered(desk, unit))

    def commit(self) -> Future[None]:
        return self.post(lambda desk: desk.commit(), ends=True)

    def abandon(self) -> None:
        """Undo, without waiting for it."""
        self.forget(lambda desk: None, ends=True)

    def forget(self, work: Callable[[Desk], Any], *, ends: bool = False) -> None:
        """`post` without anybody to hear how it went."""
        self.post(work, ends=ends).add_done_callback(lambda done: done.exception())

    def after_commit(self, callback: Callable[[], None]) -> None:
        self._committed.append(callback)

    # In the writer's thread

    def serve(self, desk: Desk, until: float) -> None:
        why: Exception = RuntimeError("this transaction has ended")
        try:
            while True:
                step = self._inbox.get(timeout=max(0.0, until - time.monotonic()))
                try:
                    result = step.work(desk)
                except BaseException as error:  # noqa: BLE001 - it belongs to the caller, who gets it; the thread lives on
                    told = _told(error, late=time.monotonic() > until)
                    if not desk.in_transaction:  # SQLite undoes it by itself when the disk is full or a write was interrupted
                        why = told
                    self._refuse(desk, step, told)
                else:
                    self._accept(desk, step, result)
                if step.ends or not desk.in_transaction:
                    return
        except queue.Empty:
            why = Problem("app.timeout")
        finally:
            self._end(desk, why)

    def _accept(self, desk: Desk, step: _Step, result: Any) -> None:
        stored = step.ends and not desk.in_transaction
        desk.send(lambda: self._tell(step.future, result, stored))

    def _refuse(self, desk: Desk, step: _Step, error: Exception) -> None:
        desk.send(lambda: None if step.future.done() else step.future.set_exception(error))

    def _tell(self, future: Future[Any], result: Any, stored: bool) -> None:
        if stored:
            for callback in self._committed:
                self._loop.call_soon(callback)
        if not future.done():
            future.set_result(result)

    def _end(self, desk: Desk, why: Exception) -> None:
        with self._lock:
            self._over = why
        while not self._inbox.empty():
            self._refuse(desk, self._inbox.get(), why)


def _told(error: BaseException, *, late: bool) -> Exception:
    if late and getattr(error, "code", "") == "database.timeout":
        return Problem("app.timeout")
    if isinstance(error, Exception):
        return error
    failure = RuntimeError("the unit ended the interpreter")
    failure.__cause__ = error
    return failure


def _sheltered(desk: Desk, unit: Unit[T]) -> T:
    desk.run("SAVEPOINT unit")
    try:
        result = drive(unit, desk.run)
    except BaseException as error:
        if desk.in_transaction:
            desk.run("ROLLBACK TO unit")
            desk.run("RELEASE unit")
        if isinstance(error, Abandoned):
            abandoned: T = error.result
            return abandoned
        raise
    desk.run("RELEASE unit")
    return result
