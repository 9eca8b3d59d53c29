"""SQLite: short reads on the event loop, long ones in threads, writes through the one writer thread."""

from __future__ import annotations

import asyncio
import time
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, TypeVar, cast

import apsw

from backroom.calls import Row, Unit
from backroom.database.hold import Hold
from backroom.database.refusals import NotRead, busy, unavailable
from backroom.database.sqlite_errors import translate
from backroom.database.sqlite_file import BUSY_SECONDS, INLINE_SECONDS, MOST_BYTES, Connection, File
from backroom.database.writer import Job, Writer
from backroom.errors import Problem

T = TypeVar("T")

THREADS = 4
CONNECTIONS = 16
_WATCH_SECONDS = 0.5


class Sqlite:
    """The `Database` over one file. Open it on the event loop that uses it."""

    name: Literal["sqlite"] = "sqlite"

    def __init__(self, path: str, *, seconds: float = 5.0, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._file = File(path)
        self._idle: list[Connection] = []
        self._lent = 0
        self._waiting: deque[Future[None]] = deque()
        self._gone: Problem | None = None

    async def open(self) -> None:
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        self._file.make()
        writing = self._file.connect(seconds=self._seconds, reads=False, cache_kib=8192, most_bytes=self._most_bytes)
        writing.run("PRAGMA journal_size_limit = 67108864")
        self._inline = self._file.connect(seconds=min(INLINE_SECONDS, self._seconds), reads=True, cache_kib=16_384, most_bytes=self._most_bytes)
        self._inline.raw.set_busy_timeout(int(INLINE_SECONDS * 1000))
        self._inline.run("SELECT count(*) FROM sqlite_schema")
        self._file.remember()
        self._execute = self._inline.execute
        self._threads = ThreadPoolExecutor(THREADS, "backroom-read")
        self._writer = Writer(self._file, writing, self._loop)
        self._writing = writing
        self._watch()

    async def close(self) -> None:
        self._watcher.cancel()
        await self._writer.stop()
        await asyncio.to_thread(self._threads.shutdown)
        for connection in (*self._idle, self._inline, self._writing):
            connection.close()
        self._idle.clear()
        self._file.close()

    # Reading

    async def read(self, text: str, parameters: tuple[Any, ...] = (), *, long: bool = False) -> list[Row]:
        if self._gone is not None:
            raise self._gone
        if not long:
            inline = self._inline
            inline.deadline = 0.0
            try:
                rows: list[Row] = self._execute(text, parameters).fetchall()
                return rows
            except (apsw.InterruptError, apsw.BusyError):
                pass
            except (apsw.Error, OverflowError) as error:
                raise _refusal(error, inline, text) from error
        async with self.snapshot() as reader:
            return await reader.read_aside(text, parameters)

    async def read_named(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Mapping[str, Any]]:
        async with self.snapshot() as reader:
            return cast("list[Mapping[str, Any]]", await reader.read_aside(text, parameters, named=True))

    def snapshot(self) -> Snapshot:
        return Snapshot(self)

    async def borrow(self) -> Connection:
        """A reading connection for one caller alone; 503 `database.busy` if none gets free within five seconds."""
        if self._gone is not None:
            raise self._gone
        if self._lent >= CONNECTIONS:
            turn: Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            try:
                async with asyncio.timeout(BUSY_SECONDS):
                    try:
                        await turn
                    except asyncio.CancelledError:
                        if not turn.cancelled():  # it was given a connection in the moment it left
                            self._wake()
                        raise
            except TimeoutError:
                raise busy() from None
        connection = self._idle.pop() if self._idle else self._another()
        self._lent += 1
        return connection

    def _another(self) -> Connection:
        try:
            connection = self._file.connect(seconds=self._seconds, reads=True, cache_kib=4096, most_bytes=self._most_bytes)
            connection.raw.set_busy_timeout(int(INLINE_SECONDS * 1000))  # it may be used on the event loop
            return connection
        except apsw.Error as error:
            raise unavailable("The database file can't be opened.") from error

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def give_back(self, connection: Connection) -> None:
        self._lent -= 1
        connection.limit = float("inf")
        if connection.raw.in_transaction:
            connection.run("ROLLBACK")
        self._idle.append(connection)
        self._wake()

    def connect_for_schema(self) -> Connection:
        """A writing connection of one's own, for making and changing tables; close it."""
        return self._file.connect(seconds=600.0, reads=False, cache_kib=4096)

    def in_thread(self, work: Callable[[], T]) -> Future[T]:
        return self._loop.run_in_executor(self._threads, work)

    # Writing

    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T:
        future: Future[T] = self._loop.create_future()
        self._writer.submit(Job(unit, future, time.monotonic(), single))
        return await future

    @asynccontextmanager
    async def transaction(self, *, seconds: float = 2.0) -> AsyncGenerator[SqliteTransaction]:
        # A little more in the thread than here: it is there for the case that the event loop itself is stuck.
        hold = Hold(self._loop, seconds + 0.1)
        self._writer.submit(hold)
        clock = asyncio.timeout(seconds)
        try:
            await hold.ready
            async with clock:
                yield SqliteTransaction(hold)
            if clock.expired():  # the body swallowed its cancellation
                raise TimeoutError
        except BaseException as error:
            hold.abandon()
            if isinstance(error, TimeoutError) and clock.expired():
                raise Problem("app.timeout") from None
            raise
        await hold.commit()

    def _watch(self) -> None:
        try:
            self._file.require_in_place()
            self._gone = None
        except Problem as problem:
            self._gone = problem
        self._watcher = self._loop.call_later(_WATCH_SECONDS, self._watch)


class Snapshot:
    """A connection of one's own inside a read transaction."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database
        self._running: Future[list[Row]] | None = None

    async def __aenter__(self) -> Snapshot:
        self._connection = await self._database.borrow()
        self._connection.run("BEGIN")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._running is None or self._running.done():
            self._database.give_back(self._connection)
        else:  # the caller has gone: the connection is free when its statement has noticed
            self._running.add_done_callback(self._abandoned)

    def _abandoned(self, running: Future[list[Row]]) -> None:
        running.exception()
        self._database.give_back(self._connection)

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        connection = self._connection
        seconds, connection.seconds = connection.seconds, min(INLINE_SECONDS, connection.seconds)
        try:
            return connection.run(text, parameters)
        except (apsw.InterruptError, apsw.BusyError):
            pass
        except (apsw.Error, OverflowError) as error:
            raise _refusal(error, connection, text) from error
        finally:
            connection.seconds = seconds
        return await self.read_aside(text, parameters)

    async def read_aside(self, text: str, parameters: tuple[Any, ...], *, named: bool = False) -> list[Row]:
        """The same in a thread. When the caller goes, the statement is stopped."""
        connection = self._connection

        def patiently() -> list[Row]:
            connection.raw.set_busy_timeout(int(BUSY_SECONDS * 1000))
            try:
                return connection.run(text, parameters, named)
            finally:
                connection.raw.set_busy_timeout(int(INLINE_SECONDS * 1000))

        self._running = self._database.in_thread(patiently)
        try:
            return await asyncio.shield(self._running)
        except asyncio.CancelledError:
            connection.limit = 0.0
            connection.raw.interrupt()
            raise
        except (apsw.Error, OverflowError) as error:
            raise _refusal(error, connection, text) from error


class SqliteTransaction:
    """The `Transaction` over the writer's thread."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    async def run(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        return await self._hold.post(lambda desk: desk.run(text, parameters))

    async def drive(self, unit: Unit[T]) -> T:
        return await self._hold.drive(unit)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        await self.run("SAVEPOINT nested")
        try:
            yield
        except BaseException:
            # Not awaited: the steps keep their order, and a caller that is being cancelled should not wait.
            self._hold.forget(lambda desk: (desk.run("ROLLBACK TO nested"), desk.run("RELEASE nested")))
            raise
        await self.run("RELEASE nested")

    def after_commit(self, callback: Callable[[], None]) -> None:
        self._hold.after_commit(callback)


def _refusal(error: Exception, connection: Connection, text: str) -> Exception:
    if isinstance(error, apsw.ReadOnlyError):
        return NotRead()
    return translate(error, connection.run, text)
