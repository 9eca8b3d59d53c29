"""SQLAlchemy over apsw, for making and inspecting tables.

Two SQLite libraries in one process must not open one file (closing it in one drops the other's locks), so SQLAlchemy gets the same
library that everything else here uses, and never the one in Python's standard library.
"""

# apsw leaves a type in its stubs unknown below Python 3.12, and SQLAlchemy's dialects are typed in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeArgument=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.pool import StaticPool


class Cursor:
    """A DB-API cursor (PEP 249). Rows are fetched at once: apsw forgets the columns of a statement that has ended."""

    arraysize = 1

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid = 0

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        self.description = None
        cursor = self._connection.cursor()
        cursor.set_exec_trace(self._describe)
        self._rows = list(cursor.execute(statement, tuple(parameters)))
        self.rowcount = self._connection.changes()
        self.lastrowid = self._connection.last_insert_rowid()
        return self

    def executemany(self, statement: str, sets: Iterable[Sequence[Any]]) -> Cursor:
        for parameters in sets:
            self.execute(statement, parameters)
        return self

    def _describe(self, cursor: apsw.Cursor, _: str, __: Any) -> bool:
        self.description = [(column[0], column[1], None, None, None, None, None) for column in cursor.get_description()] or None
        return True

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Any]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._rows = []


class Link:
    """A DB-API connection over an apsw one."""

    def __init__(self, raw: apsw.Connection) -> None:
        self.raw = raw

    def cursor(self) -> Cursor:
        return Cursor(self.raw)

    def commit(self) -> None:
        if self.raw.in_transaction:
            self.raw.execute("COMMIT")

    def rollback(self) -> None:
        if self.raw.in_transaction:
            self.raw.execute("ROLLBACK")

    def close(self) -> None:
        self.raw.close()


class Driver:
    """The DB-API module that SQLAlchemy asks for."""

    apilevel = "2.0"
    threadsafety = 1
    paramstyle = "qmark"
    sqlite_version_info = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    Error = apsw.Error
    InterfaceError = DatabaseError = DataError = OperationalError = InternalError = ProgrammingError = NotSupportedError = apsw.Error
    IntegrityError = apsw.ConstraintError


class ApswDialect(SQLiteDialect):
    driver = "apsw"
    default_paramstyle = "qmark"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return Driver

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:  # noqa: ARG002 - as SQLAlchemy calls it
        return Driver.sqlite_version_info

    def do_begin(self, dbapi_connection: Any) -> None:
        # The write lock at once: two processes that prepare the same file go one after the other.
        dbapi_connection.raw.execute("BEGIN IMMEDIATE")

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:  # noqa: ARG002 - as SQLAlchemy calls it
        return isinstance(e, apsw.ConnectionClosedError)


registry.register("sqlite.apsw", __name__, "ApswDialect")


def engine(connect: Callable[[], apsw.Connection]) -> Engine:
    """An engine over one connection, made by `connect`. `engine.begin()` takes the write lock; `engine.dispose()` closes."""
    return create_engine("sqlite+apsw://", creator=lambda: Link(connect()), poolclass=StaticPool)
