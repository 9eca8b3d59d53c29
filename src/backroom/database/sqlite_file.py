"""The database file: made once, opened with the right pragmas, watched while it is in use."""

# apsw leaves one type of its stubs unknown below Python 3.12.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Any, cast

import apsw

from backroom.calls import Row
from backroom.database import functions
from backroom.database.refusals import busy, unavailable
from backroom.errors import SettingsError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: SQLite's own lock is polled, without turns
    fcntl = None

BUSY_SECONDS = 5.0
#: A statement that takes longer than this on the event loop is stopped and asked again in a thread, where it holds up nobody.
INLINE_SECONDS = 0.02
#: The longest value, and the longest reply that SQLite prints, in bytes, where no setting says otherwise.
MOST_BYTES = 16_777_216
_POLL_SECONDS = 0.0002
_STEPS = 2000  # of SQLite's machine between two looks at the clock: some 50 us
_SOUND = (3, 51, 3)


def _by_name(cursor: apsw.Cursor, row: tuple[Any, ...]) -> Any:
    return dict(zip((column[0] for column in cursor.get_description()), row, strict=True))


def require_sound_library(version: str) -> None:
    """Refuse a SQLite that can damage a file which two connections write (fixed in 3.51.3: sqlite.org/wal.html#walresetbug)."""
    if tuple(int(part) for part in version.split(".")[:3]) < _SOUND:
        raise SettingsError(f"SQLite {version} can damage a database that two processes write; run: pip install -U apsw (3.51.3 or later)")


class Connection:
    """One connection to the file, for one thread at a time.

    `seconds` is the longest that one statement may run, `limit` a moment (of `time.monotonic`) that none may pass. `most_bytes` bounds each value
    and row that it stores or answers with.
    """

    __slots__ = ("deadline", "execute", "limit", "raw", "seconds")

    def __init__(self, path: str, *, seconds: float, reads: bool, cache_kib: int, most_bytes: int) -> None:
        self.seconds = seconds
        self.limit = float("inf")
        #: 0.0 until the clock is looked at for the first time. Set it before each statement.
        self.deadline = 0.0
        self.raw = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=512)
        # First of all: the next lines already may meet another process that starts at the same time.
        self.raw.set_busy_timeout(int(BUSY_SECONDS * 1000))
        functions.install(self.raw)
        for pragma, value in (
            ("synchronous", "FULL"),
            ("fullfsync", "ON"),  # macOS: without it a drive may keep the commit in its cache
            ("foreign_keys", "ON"),
            ("trusted_schema", "OFF"),
            ("recursive_triggers", "ON"),  # without it REPLACE deletes rows unseen by the triggers that keep the words to search for
            ("cache_size", -cache_kib),
            ("query_only", "ON" if reads else "OFF"),
        ):
            self.raw.execute(f"PRAGMA {pragma} = {value}")
        self.raw.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        self.raw.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        # Rows within rows multiply: their JSON is put together in the machine's memory, and would take all of it before its time is over.
        self.raw.limit(apsw.SQLITE_LIMIT_LENGTH, most_bytes)
        # A plan may not depend on bound values: without this SQLite prepares anew whatever has `LIMIT ?`, each time, which took a third of a list.
        self.raw.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        self.raw.set_progress_handler(self._is_late, _STEPS)
        # One cursor for good: a new one per statement costs half a microsecond.
        self.execute: Callable[[str, tuple[Any, ...]], Any] = self.raw.cursor().execute

    def run(self, text: str, parameters: tuple[Any, ...] = (), named: bool = False) -> list[Row]:
        """One statement with its time limit. `named`: rows by column name. Raises apsw's own errors."""
        self.deadline = 0.0
        if named:
            cursor = self.raw.cursor()
            cursor.row_trace = _by_name
            return cast("list[Row]", cursor.execute(text, parameters).fetchall())
        rows: list[Row] = self.execute(text, parameters).fetchall()
        return rows

    def _is_late(self) -> bool:
        now = time.monotonic()
        if not self.deadline:
            self.deadline = min(now + self.seconds, self.limit)
        return now > self.deadline

    def close(self) -> None:
        self.raw.close()


class File:
    """The file at `path`, with its log beside it and the lock file by which processes take turns."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._identity: list[tuple[int, int]] = []
        self._turn: int | None = None

    def make(self) -> None:
        """Make the file and its folder if they are missing (readable by the owner alone), check that it can be used, and set WAL."""
        require_sound_library(apsw.sqlite_lib_version())
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            if fcntl is not None:
                self._turn = os.open(self.path + "-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._set_wal()
        except OSError as error:
            raise SettingsError(
                f"DATABASE_URL: {self.path} can't be written ({error.strerror}); give the folder to the user that runs the server"
            ) from None
        except apsw.NotADBError:
            raise SettingsError(f"DATABASE_URL: {self.path} is not a SQLite database; name another file, or restore it from a backup") from None
        except apsw.Error as error:
            raise SettingsError(f"DATABASE_URL: {self.path} can't be opened: {error}") from None

    def _set_wal(self) -> None:
        connection = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchall()
            if mode != [("wal",)]:
                raise SettingsError(f"DATABASE_URL: the file system of {self.path} can't share memory between processes; use a local disk")
        finally:
            connection.close()

    def connect(self, *, seconds: float, reads: bool, cache_kib: int, most_bytes: int = MOST_BYTES) -> Connection:
        """A connection to the existing file; it never makes one."""
        return Connection(self.path, seconds=seconds, reads=reads, cache_kib=cache_kib, most_bytes=most_bytes)

    def remember(self) -> None:
        """Call once a connection has read: then the log exists, and stays while anybody is connected."""
        self._identity = self._look()

    def require_in_place(self) -> None:
        """Refuse when the file or its log was moved, deleted or replaced: what is written now would be lost."""
        try:
            here = self._look()
        except OSError:
            here = []
        if here != self._identity:
            raise unavailable("The database file was moved, deleted or replaced. Put it back, or restart the server.")

    def _look(self) -> list[tuple[int, int]]:
        return [(found.st_dev, found.st_ino) for found in (os.stat(self.path), os.stat(self.path + "-wal"), os.stat(self.path + "-shm"))]

    @contextlib.contextmanager
    def turn(self, until: float) -> Generator[None]:
        """Held while one waits for SQLite's write lock, so that processes get it in turn. Raises `database.busy` at `until`.

        Without it whoever has just committed takes the lock again before the other wakes up.
        """
        if fcntl is None or self._turn is None:
            yield
            return
        while True:
            try:
                fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait(until)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None


def wait(until: float) -> None:
    """A short sleep between two looks at a lock: SQLite's own waits grow to 100 ms, which everybody behind would feel."""
    if time.monotonic() >= until:
        raise busy()
    time.sleep(_POLL_SECONDS)
