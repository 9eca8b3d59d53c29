"""The writer: one connection per process through which every SQLite write goes, a group at a time.

    what waits -> BEGIN, the statements, COMMIT -> results and refusals alike

Nothing is delivered before the commit: an acknowledged write is on the disk, and thirty-two writers share the cost of one flush. Only COMMIT waits
for the disk, so short statements run on the event loop and their commit in a thread. (A thread lets go of Python's lock at each statement and waits
to get it back, which took twice as long as the statement.) What may take its time runs in the thread from BEGIN on.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

import apsw

from backroom.calls import Row, Unit
from backroom.database.drive import Abandoned, drive
from backroom.database.hold import Hold
from backroom.database.refusals import Violation, busy, unavailable
from backroom.database.sqlite_errors import translate
from backroom.database.sqlite_file import BUSY_SECONDS, INLINE_SECONDS, Connection, File, wait
from backroom.errors import Problem

#: Units that share a commit; on the event loop fewer, since it answers nobody meanwhile.
GROUP = 128
GROUP_INLINE = 32
WAITING = 10_000


class Job(NamedTuple):
    """One unit that waits for its turn. `since` is a moment of `time.monotonic`. `single`: one statement, as `Database.write` says."""

    unit: Callable[[], Unit[Any]]
    future: Future[Any]
    since: float
    single: bool


class Outcome(NamedTuple):
    future: Future[Any]
    result: Any
    error: Exception | None


class _Task(NamedTuple):
    """Work for the thread, and who waits for it."""

    work: Callable[[], Sequence[Outcome]]
    futures: Sequence[Future[Any]]


class _Undone(Exception):
    """What led to `outcome` has undone the whole transaction; the others of the group have to run again."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Writer:
    """The connection is used by the event loop and by the thread, never by both: it is the thread's while `_away`."""

    def __init__(self, file: File, connection: Connection, loop: AbstractEventLoop) -> None:
        self._file = file
        self._connection = connection
        self._run_raw = connection.run
        self._loop = loop
        self._waiting: deque[Job | Hold] = deque()
        self._away = False
        self._called = False
        self._stopped = False
        self._idle = asyncio.Event()
        self._until = 0.0
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._again: list[Job | Hold] = []
        connection.raw.set_busy_handler(self._poll)
        self._thread = threading.Thread(target=self._serve, name="backroom-writer", daemon=True)
        self._thread.start()

    # On the event loop

    def submit(self, job: Job | Hold) -> None:
        if self._stopped:
            raise unavailable("The server is shutting down.")
        if len(self._waiting) >= WAITING:
            raise busy()
        self._waiting.append(job)
        if not (self._away or self._called):  # once per turn of the loop: what it submits together shares a commit
            self._called = True
            self._loop.call_soon(self._next)

    async def stop(self) -> None:
        """Finish what waits, then end the thread."""
        self._stopped = True
        while self._away or self._waiting:
            self._idle.clear()
            await self._idle.wait()
        self._tasks.put(None)
        await asyncio.to_thread(self._thread.join)

    def _next(self) -> None:
        self._called = False
        while self._waiting and not self._away:
            if isinstance(self._waiting[0], Hold):
                hold = self._waiting.popleft()
                assert isinstance(hold, Hold)
                self._send_away(partial(self._lend, hold), [hold.ready])
            elif jobs := self._group():
                outcomes = self._attempt_inline(jobs) if jobs[0].single else None
                work = partial(self._write, jobs) if outcomes is None else partial(self._commit, jobs, outcomes)
                self._send_away(work, [job.future for job in jobs])
        if not self._away:
            self._idle.set()

    def _group(self) -> list[Job]:
        """Those who wait longest: all of them single, or of any kind."""
        jobs: list[Job] = []
        inline, most = False, GROUP
        while self._waiting and len(jobs) < most:
            following = self._waiting[0]
            if isinstance(following, Hold) or (inline and not following.single):
                break
            if not jobs and following.single:
                inline, most = True, GROUP_INLINE
            self._waiting.popleft()
            if not following.future.cancelled():
                jobs.append(following)
        return jobs

    def _attempt_inline(self, jobs: list[Job]) -> list[Outcome] | None:
        """Their outcomes if they are committed; None: nothing was done, and the thread shall begin anew.

        So it is when another process writes, and whatever takes long or goes wrong: the thread has the time, and tells it.
        """
        connection = self._connection
        connection.limit = time.monotonic() + INLINE_SECONDS  # of them all: nobody is answered meanwhile
        try:
            self._begin(0.0)
            outcomes = [self._attempt(job, alone=False) for job in jobs]
            if time.monotonic() < connection.limit:
                return outcomes
            self._rollback()
            return None
        except (Exception, SystemExit):  # noqa: BLE001 - it is met again in the thread, which tells it to whom it belongs
            self._rollback()
            return None
        finally:
            connection.limit = float("inf")

    def _send_away(self, work: Callable[[], Sequence[Outcome]], futures: Sequence[Future[Any]]) -> None:
        self._away = True
        self._tasks.put(_Task(work, futures))

    def _settled(self, outcomes: Sequence[Outcome], again: Sequence[Job | Hold]) -> None:
        self._away = False
        self._waiting.extendleft(reversed(again))
        self._deliver(outcomes)
        self._next()

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
        while (task := self._tasks.get()) is not None:
            self._again = []
            try:
                outcomes = task.work()
            except BaseException as error:  # noqa: BLE001 - a unit that raises SystemExit must neither end the thread nor leave anybody waiting
                self._rollback()
                failure = RuntimeError("the writer failed")
                failure.__cause__ = error
                outcomes = [Outcome(future, None, failure) for future in task.futures]
            self.send(partial(self._settled, outcomes, self._again))

    def _write(self, jobs: list[Job]) -> Sequence[Outcome]:
        try:
            self._begin(jobs[0].since + BUSY_SECONDS)
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            return self._refused(jobs, error)
        try:
            outcomes = [self._attempt(job, alone=len(jobs) == 1) for job in jobs]
        except _Undone as undone:
            self._rollback()
            self._again += [job for job in jobs if job.future is not undone.outcome.future]
            return [undone.outcome]
        return self._commit(jobs, outcomes)

    def _commit(self, jobs: list[Job], outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        try:
            self.commit()
        except Violation as violation:
            # A deferred constraint speaks only now, and not of whom: alone each meets its own.
            self._rollback()
            if len(jobs) == 1:
                return [Outcome(jobs[0].future, None, violation)]
            return [outcome for job in jobs for outcome in self._write([job])]
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            self._rollback()
            return [Outcome(job.future, None, error) for job in jobs]
        return outcomes

    def _refused(self, jobs: list[Job], error: Exception) -> Sequence[Outcome]:
        """Those who have waited long enough (or everybody, if it isn't a matter of waiting) are told; the others wait on."""
        early = [job for job in jobs if self._is_early(job.since, error)]
        self._again += early
        return [Outcome(job.future, None, error) for job in jobs if job not in early]

    def _is_early(self, since: float, error: Exception) -> bool:
        return getattr(error, "code", "") == "database.busy" and time.monotonic() < since + BUSY_SECONDS

    def _lend(self, hold: Hold) -> Sequence[Outcome]:
        """Begin a transaction and answer its holder's questions until it ends or its time is over."""
        if hold.ready.cancelled():
            return []
        try:
            self._begin(hold.since + BUSY_SECONDS)
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who get it
            if self._is_early(hold.since, error):
                self._again.append(hold)
                return []
            return [Outcome(hold.ready, None, error)]
        self._connection.limit = time.monotonic() + hold.seconds
        self.send(partial(self._deliver, [Outcome(hold.ready, None, None)]))
        try:
            hold.serve(self, self._connection.limit)
        finally:
            self._connection.limit = float("inf")
            self._rollback()
        return []

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

    # SQLite, for whoever has the connection

    def _attempt(self, job: Job, *, alone: bool) -> Outcome:
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

    def _run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]:
        try:
            return self._run_raw(text, parameters, named)
        except (apsw.Error, OverflowError) as error:
            raise translate(error, self._connection.run, text) from error

    def _begin(self, until: float) -> None:
        """BEGIN, once no other process writes. Raises `database.busy` at `until`, a moment of `time.monotonic`."""
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
