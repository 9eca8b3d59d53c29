"""The seam: what the rooms above may ask of a database, whichever it is.

    rows = await database.read("select title from todos where id = ?", (key,))
    row = await database.write(create)              # `create` is called and yields questions; all of them in one transaction

Every read is bounded by MAX_QUERY_SECONDS (503 `database.timeout`). Every write is whole or absent, and stored on the disk before
its result is delivered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from backroom.calls import Row, Unit
from backroom.database.refusals import TRIES, TRY_SECONDS, pause
from backroom.database.refusals import NotRead as NotRead
from backroom.database.refusals import SerializationFailure as SerializationFailure
from backroom.database.refusals import Violation as Violation
from backroom.errors import SettingsError

if TYPE_CHECKING:
    from backroom.settings import Settings

T = TypeVar("T")


class Reader(Protocol):
    """Several reads that see the same moment."""

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]: ...


class Transaction(Protocol):
    """A transaction that waits for its caller between two questions. For hooks and `async with db.transaction()`."""

    async def run(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        """One statement. A `Violation` undoes that statement only; the transaction goes on."""
        ...

    async def drive(self, unit: Unit[T]) -> T:
        """A whole unit inside this transaction; if it raises, what it did is undone and the transaction goes on."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """What happens inside is undone if it raises. May be nested."""
        ...

    def after_commit(self, callback: Callable[[], None]) -> None:
        """`callback` runs once on the event loop, when the transaction is stored; never if it is undone."""
        ...


class Database(Protocol):
    """SQLite or Postgres. Parameters come in storage form: what the driver itself takes."""

    @property
    def name(self) -> Literal["sqlite", "postgresql"]: ...

    async def open(self) -> None:
        """Connect. SQLite: makes the file if it is missing. Raises `SettingsError` when it can't be opened."""
        ...

    async def close(self) -> None:
        """Finish the writes that wait, then let go of every connection."""
        ...

    async def read(self, text: str, parameters: tuple[Any, ...] = (), *, long: bool = False) -> list[Row]:
        """One statement on a snapshot of its own. `long`: it may take its time (search, count, export) and must not hold up others."""
        ...

    async def read_named(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Mapping[str, Any]]:
        """One statement of an app's own, as `read` has it, with rows by column name. Raises `NotRead` for one that writes."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """Several reads of one reply on one snapshot: `async with database.snapshot() as reader`."""
        ...

    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T:
        """One transaction, all or nothing. `unit` may be called again when another writer was in the way, so it may touch nothing outside.

        A `Violation` is thrown into it at its `yield`, and undoes it: it may raise something else or return, but not ask again.

        `single` promises: it asks exactly one question, and once that has changed something it doesn't raise.
        """
        ...

    def transaction(self, *, seconds: float = 2.0) -> AbstractAsyncContextManager[Transaction]:
        """A transaction question by question. Undone after `seconds` with 503 `app.timeout`; on SQLite nobody else writes meanwhile."""
        ...


def connect(settings: Settings) -> Database:
    """The database that DATABASE_URL names, not opened yet. Raises `SettingsError` if the address can't be one.

    `sqlite:data/app.db` (a path, relative to where the server starts), `sqlite:/var/lib/app.db`, `postgresql://user@host/name`.
    """
    address = settings.DATABASE_URL.get_secret_value()
    scheme, _, rest = address.partition(":")
    if scheme == "sqlite":
        from backroom.database.sqlite import Sqlite

        # Of a stored row, too: an array of new ones arrives as one value, which may take more room than its body.
        most_bytes = max(settings.MAX_REPLY_BYTES, 4 * settings.MAX_BODY_BYTES)
        return Sqlite(_path(rest), seconds=settings.MAX_QUERY_SECONDS, most_bytes=most_bytes)
    if scheme.partition("+")[0] in ("postgresql", "postgres") and rest.startswith("//"):
        try:
            from backroom.database.postgres import Postgres
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise SettingsError("DATABASE_URL names Postgres, whose driver is not installed; run: pip install 'backroom[postgres]'") from None
        try:
            urlsplit(rest)
        except ValueError as error:
            raise SettingsError(f"DATABASE_URL is no address: {error}; percent-encode what is special in the password") from None
        return Postgres(f"postgresql:{rest}", seconds=settings.MAX_QUERY_SECONDS)
    raise SettingsError("DATABASE_URL is neither `sqlite:PATH` nor `postgresql://...`; write, for example, DATABASE_URL=sqlite:data/app.db")


def _path(rest: str) -> str:
    # SQLAlchemy and Django write sqlite:///relative and sqlite:////absolute; people bring such addresses along.
    path = rest.removeprefix("///") if rest.startswith("///") else rest
    if not path or path.startswith(("//", ":memory:")) or "\0" in path:
        raise SettingsError("DATABASE_URL=sqlite: needs the path of a file; write, for example, DATABASE_URL=sqlite:data/app.db")
    return path


async def retrying(database: Database, work: Callable[[Transaction], Awaitable[T]], *, seconds: float = 2.0) -> T:
    """`work` in an interactive transaction, run again from the start when Postgres could not serialize it. SQLite runs it once.

    At most 8 tries and 2 seconds in all, then `SerializationFailure` (503 `database.busy`).
    """
    begun = time.monotonic()
    for attempt in range(1, TRIES + 1):
        try:
            async with database.transaction(seconds=seconds) as transaction:
                return await work(transaction)
        except SerializationFailure:
            if attempt == TRIES or time.monotonic() - begun > TRY_SECONDS:
                raise
            await asyncio.sleep(pause(attempt))
    raise AssertionError("unreachable: the last try returns or raises")
