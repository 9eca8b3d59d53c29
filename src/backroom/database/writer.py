"""The writer: one thread per process through which every SQLite write goes.

It takes whatever waits, runs it in one transaction, commits once, and only then delivers: results and refusals alike. So an
acknowledged write is on the disk, and thirty-two writers share the cost of one flush.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

import apsw

from backroom.calls import Row, Unit
from backroom.database.drive import Abandoned, drive
from backroom.database.hold import Hold
from backroom.database.refusals import Violation, busy, unavailable
from backroom.database.sqlite_errors import translate
from backroom.database.sqlite_file import BUSY_SECONDS, Connection, File, wait
from backroom.errors import Problem

GROUP = 128
WAITING = 10_000


class Job(NamedTuple):
    """One unit that waits for its turn. `since` is a moment of `time.monotonic`."""

    unit: Callable[[], Unit[Any]]
    future: Future[Any]
    since: float
    single: bool


class Outcome(NamedTuple):
    future: Future[Any]
    result: Any
    error: Exception | None


class _Undone(Exception):
    """What led to `outcome` has undone the whole transaction; the others of the group have to run again."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Writer:
    def __init__(self, file: File, connection: Connection, loop: AbstractEventLoop) -> None:
        self._file = file
        self._connection = connection
        self._run_raw = connection.run
        self._loop = loop
        self._queue: SimpleQueue[Job | Hold | None] = SimpleQueue()
        self._submitted: list[Job | Hold] = []
        self._again: deque[Job | Hold | None] = deque()
        self._until = 0.0
        self._stopped = False
        connection.raw.set_busy_handler(self._poll)
        self._thread = threading.Thread(target=self._serve, name="backroom-writer", daemon=True)
        self._thread.start()

    # On the event loop

    def submit(self, job: Job | Hold) -> None:
        if self._stopped:
            raise unavailable("The server is shutting down.")
        if self._queue.qsize() + len(self._submitted) >= WAITING:
            raise busy()
        if not self._submitted:
            self._loop.call_soon(self._hand_over)
        self._submitted.append(job)

    def _hand_over(self) -> None:
        """All that one turn of the loop has submitted: waking the thread for each costs more than the writes, which then share no flush."""
        for job in self._submitted:
            self._queue.put(job)
        self._submitted.clear()

    async def stop(self) -> None:
        """Finish what waits, then end the thread."""
        self._stopped = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        for future, result, error in outcomes:
            if future.done():  # its caller has gone
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    # In the thread

    def _serve(self) -> None:
        while True:
            first = self._again.popleft() if self._again else self._queue.get()
            if first is None:
                return
            if isinstance(first, Hold):
                self._lend(first)  # tells its caller of everything that goes wrong
                continue
            jobs = self._gather(first)
            try:
                self._group(jobs)
            except BaseException as error:  # noqa: BLE001 - a unit that raises SystemExit must neither end the thread nor leave anybody waiting
                self._rollback()
                failure = RuntimeError("the writer failed")
                failure.__cause__ = error
                self._send([Outcome(job.future, None, failure) for job in jobs])

    def _gather(self, first: Job) -> list[Job]:
        jobs = [first]
        while len(jobs) < GROUP and (self._again or not self._queue.empty()):
            following = self._again.popleft() if self._again else self._queue.get()
            if not isinstance(following, Job):
                self._again.appendleft(following)
                break
            jobs.append(following)
        return jobs

    def _group(self, jobs: list[Job]) -> None:
        jobs = [job for job in jobs if not job.future.cancelled()]
        if not jobs:
            return
        try:
            self._begin(jobs[0].since + BUSY_SECONDS)
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            self._refuse(jobs, error)
            return
        try:
            alone = len(jobs) == 1
            outcomes = [self._attempt(job, alone) for job in jobs]
            self._file.require_in_place()
            self._run("COMMIT")
        except _Undone as undone:
            self._rollback()
            self._send([undone.outcome])
            self._again.extendleft(reversed([job for job in jobs if job.future is not undone.outcome.future]))
        except Violation as violation:
            # A deferred constraint speaks only now, and not of whom: alone each meets its own.
            self._rollback()
            if len(jobs) == 1:
                self._send([Outcome(jobs[0].future, None, violation)])
            else:
                for job in jobs:
                    self._group([job])
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            self._rollback()
            self._send([Outcome(job.future, None, error) for job in jobs])
        else:
            self._send(outcomes)

    def _attempt(self, job: Job, alone: bool) -> Outcome:
        """Run one unit so that its failure undoes nobody else's work."""
        raw = self._connection.raw
        sheltered = not (alone or job.single)
        if sheltered:
            self._run("SAVEPOINT unit")
        before = raw.total_changes()
        try:
            result = drive(job.unit(), self._run, single=job.single)
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            refused = Outcome(job.future, error.result, None) if isinstance(error, Abandoned) else Outcome(job.future, None, error)
            if sheltered and raw.in_transaction:
                self._run("ROLLBACK TO unit")
                self._run("RELEASE unit")
            elif alone or not raw.in_transaction or raw.total_changes() != before:
                raise _Undone(refused) from None
            return refused
        if sheltered:
            self._run("RELEASE unit")
        return Outcome(job.future, result, None)

    def _lend(self, hold: Hold) -> None:
        """Begin a transaction and answer its holder's questions until it ends or its time is over."""
        if hold.ready.cancelled():
            return
        try:
            self._begin(hold.since + BUSY_SECONDS)
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            if self._is_early(hold.since, error):
                self._again.appendleft(hold)
            else:
                self._send([Outcome(hold.ready, None, error)])
            return
        self._connection.limit = time.monotonic() + hold.seconds
        self._send([Outcome(hold.ready, None, None)])
        try:
            hold.serve(self, self._connection.limit)
        finally:
            self._connection.limit = float("inf")
            self._rollback()

    # What a hold asks for

    def run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]:
        return self._run(text, parameters, named)

    def commit(self) -> None:
        self._connection.limit = float("inf")
        self._file.require_in_place()
        self._run("COMMIT")

    @property
    def in_transaction(self) -> bool:
        return self._connection.raw.in_transaction

    def send(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)

    # SQLite

    def _run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]:
        try:
            return self._run_raw(text, parameters, named)
        except (apsw.Error, OverflowError) as error:
            raise translate(error, self._connection.run, text) from error

    def _begin(self, until: float) -> None:
        with self._file.turn(until):
            self._until = until
            self._run("BEGIN IMMEDIATE")

    def _poll(self, _: int) -> bool:
        try:
            wait(self._until)
        except Problem:
            return False
        return True

    def _rollback(self) -> None:
        if self._connection.raw.in_transaction:
            with contextlib.suppress(apsw.Error):  # SQLite then has rolled back by itself
                self._connection.run("ROLLBACK")

    def _refuse(self, jobs: list[Job], error: Exception) -> None:
        """Tell those who have waited long enough (or everybody, if it isn't a matter of waiting); the others wait on."""
        early = [job for job in jobs if self._is_early(job.since, error)]
        self._again.extendleft(reversed(early))
        self._send([Outcome(job.future, None, error) for job in jobs if job not in early])

    def _is_early(self, since: float, error: Exception) -> bool:
        return getattr(error, "code", "") == "database.busy" and time.monotonic() < since + BUSY_SECONDS

    def _send(self, outcomes: Sequence[Outcome]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._deliver, outcomes)
