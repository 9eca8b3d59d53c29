"""Bring the stored tables to the declared ones, as far as nothing can be lost by it.

    await prepare(database, metadata, allow="create")       # into an empty database; otherwise they must agree
    await prepare(database, metadata, allow="additive")     # development: new tables, columns and indexes follow the file
    await prepare(database, metadata, allow="none")         # they must agree

A hash of the declared tables is kept beside them, so that an unchanged app costs two reads, and Alembic is not even imported.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import Dialect, MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from backroom.database.derived import derived_from
from backroom.database.postgres_address import sqlalchemy_address
from backroom.errors import DeclarationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from backroom.database.database import Database

Allow: TypeAlias = Literal["create", "additive", "none"]

_LOCK = 0x6261636B726F6F6D  # "backroom"
_KEPT = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = '_backroom_schema'",
    "postgresql": "SELECT relname FROM pg_class WHERE oid = to_regclass('_backroom_schema')",
}


async def prepare(database: Database, metadata: MetaData, *, allow: Allow) -> list[str]:
    """What was done, one sentence a step; [] if the stored tables are the declared ones already.

    Raises `DeclarationError`, one sentence that says what differs and what to do, and then has changed nothing.
    """
    wanted = fingerprint(metadata, database.name)
    if await database.read(_KEPT[database.name]):
        kept = await database.read("SELECT value FROM _backroom_schema WHERE key = 'hash'")
        if kept and kept[0][0] == wanted:
            return []
    if database.name == "sqlite":
        return await asyncio.to_thread(_on_sqlite, database, metadata, allow, wanted)
    return await _on_postgres(database, metadata, allow, wanted)


def _postgres() -> Dialect:
    from sqlalchemy.dialects import postgresql  # 7 MB that SQLite never needs

    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return dialect


def fingerprint(metadata: MetaData, name: Literal["sqlite", "postgresql"]) -> str:
    """A hash of all that the declared tables say, the parts included that can't be read back from a database."""
    dialect = sqlite.dialect() if name == "sqlite" else _postgres()
    told: list[str] = []
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        told.append(str(CreateTable(table).compile(dialect=dialect)))
        told += sorted(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
        derived = derived_from(table)
        told += derived.make if derived is not None else ()
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _on_sqlite(database: Database, metadata: MetaData, allow: Allow, wanted: str) -> list[str]:
    from backroom.database.apsw_dialect import engine
    from backroom.database.sqlite import Sqlite

    assert isinstance(database, Sqlite)
    made = engine(lambda: database.connect_for_schema().raw)
    try:
        with made.begin() as connection:
            return _bring(connection, metadata, allow, wanted, f"delete {database.path} to start anew in development")
    finally:
        made.dispose()


async def _on_postgres(database: Database, metadata: MetaData, allow: Allow, wanted: str) -> list[str]:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    from backroom.database.postgres import Postgres

    assert isinstance(database, Postgres)
    made = create_async_engine(sqlalchemy_address(database.address), poolclass=NullPool)
    async with made.begin() as connection:
        # Held to the end of the transaction: a second process waits here, then finds everything done.
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        return await connection.run_sync(_bring, metadata, allow, wanted, "drop its tables to start anew in development")


def _bring(connection: Connection, metadata: MetaData, allow: Allow, wanted: str, anew: str) -> list[str]:
    from backroom.database import schema

    kept = schema.kept(connection)
    if kept.get("hash") == wanted:  # somebody else was quicker
        return []
    cure = f"{anew}, or keep the data and write a migration"
    existing = schema.existing(connection)
    if not existing & set(metadata.tables) and not kept:
        if allow == "none":
            raise DeclarationError("The database is empty: its tables are made by `backroom dev`, or by the first start in production.")
        try:
            metadata.create_all(connection)
        except DBAPIError as error:
            raise DeclarationError(f"The database refuses to make the tables ({error.orig}).") from error
        steps = [f"Made the table {name}." for name in metadata.tables]  # unsorted: references may go round in a circle
    else:
        plan = schema.compare(connection, metadata, kept, cure)
        if plan and allow != "additive":
            raise DeclarationError(f"The stored tables are not those of app.py ({plan[0].sentence.rstrip('.')}): {cure}.")
        for step in plan:
            try:
                step.apply(connection)
            except DBAPIError as error:
                raise DeclarationError(f"The database refuses a change ({step.sentence.rstrip('.')}: {error.orig}): {cure}.") from error
        steps = [step.sentence for step in plan]
    if allow != "none":
        schema.keep(connection, metadata, wanted)
    return steps
