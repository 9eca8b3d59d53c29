"""The replies that Idempotency-Key keeps: a table that is no resource, so no route, filter, relation or import reaches it.

A reply is stored in the transaction whose effect it tells of, and is gone with the person it was for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import Column, ForeignKey, Index, Table, bindparam, delete, select

from backroom.calls import Ask, Unit
from backroom.database.database import SerializationFailure, Violation
from backroom.errors import Problem
from backroom.http.response import Response
from backroom.orm.reach import Channel, Store
from backroom.resources.fields import Kind
from backroom.sql.compiled import compiled
from backroom.sql.tables import Tables, column_type, index_name
from backroom.sql.values import DialectName, load, store

NAME = "_idempotency"
KEPT_SECONDS = 86_400.0
#: Replies past their time that one statement removes. One in `rest.idempotency.SWEEP_EVERY` requests does it, so that they go faster than they come.
SWEPT = 20
#: Seconds since 1970; a test lets a day go by.
Clock: TypeAlias = Callable[[], float]

_LOCK = "SELECT pg_advisory_xact_lock($1)"


class KeptReply(NamedTuple):
    """What was answered, and to which request: `fingerprint` is a hash of it. `expired`: past its time, and not removed yet."""

    fingerprint: str
    response: Response
    expired: bool


class KeptReplies:
    """The table and its statements. `name` is a row's key: a hash of the caller and the key that the caller chose."""

    def __init__(self, store_: Store, clock: Clock) -> None:
        self._database, self._clock = store_.database, clock
        self._dialect: DialectName = store_.dialect
        table = add_table(store_.tables)
        name = bindparam("name", type_=table.c.name.type)
        wanted = (table.c.fingerprint, table.c.status, table.c.headers, table.c.body, table.c.created_at)
        old = select(table.c.name).where(table.c.created_at < bindparam("moment", type_=table.c.created_at.type))
        row: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c}
        self._find = compiled(select(*wanted).where(table.c.name == name), self._dialect)
        self._insert = compiled(table.insert().values(row), self._dialect, writes=True)
        self._remove = compiled(delete(table).where(table.c.name == name), self._dialect, writes=True)
        self._sweep = compiled(delete(table).where(table.c.name.in_(old.order_by(table.c.created_at).limit(SWEPT))), self._dialect, writes=True)

    async def find(self, name: str) -> KeptReply | None:
        """As it is stored now, whatever an open transaction sees."""
        rows = await self._database.read(self._find.text, self._find.bind({"name": name}))
        if not rows:
            return None
        fingerprint, status, headers, body, created_at = rows[0]
        pairs = msgspec.json.decode(headers, type=list[tuple[str, str]])
        response = Response(status, [(key.encode("latin-1"), value.encode("latin-1")) for key, value in pairs], bytes(body))
        return KeptReply(fingerprint, response, load("datetime", created_at, self._dialect).timestamp() < self._clock() - KEPT_SECONDS)

    async def take_turn(self, channel: Channel, name: str) -> None:
        """Wait until no other process works on this key. On SQLite the transaction itself has waited for its turn."""
        if self._dialect == "postgresql":
            await channel.read(_LOCK, (int.from_bytes(bytes.fromhex(name[:16]), signed=True),))

    async def keep(self, channel: Channel, name: str, person: UUID | None, fingerprint: str, response: Response, *, anew: bool) -> None:
        """Store it in this transaction. `anew`: in the place of one that is past its time."""
        pairs = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in response.headers]
        values = {
            "name": name,
            "user_id": store("uuid", person, self._dialect),
            "fingerprint": fingerprint,
            "status": response.status,
            "headers": msgspec.json.encode(pairs).decode(),
            "body": response.body,
            "created_at": self._moment(0),
        }

        def unit() -> Unit[None]:
            if anew:
                yield Ask(self._remove.text, self._remove.bind(values))
            yield Ask(self._insert.text, self._insert.bind(values))

        try:
            await channel.write(unit)
        except Violation as violation:
            if violation.kind == "foreign_key":  # the account was deleted a moment ago
                raise Problem("auth.required") from None
            raise SerializationFailure from None  # somebody stored the same key: what was done here is undone, and his reply is told

    async def sweep(self) -> None:
        """Remove some of those that are past their time."""

        def unit() -> Unit[None]:
            yield Ask(self._sweep.text, self._sweep.bind({"moment": self._moment(-KEPT_SECONDS)}))

        await self._database.write(unit, single=True)

    def _moment(self, offset: float) -> Any:
        return store("datetime", datetime.fromtimestamp(self._clock() + offset, UTC), self._dialect)


def add_table(tables: Tables) -> Table:
    """Add the table to the app's MetaData, before the database is prepared."""

    def column(name: str, kind: Kind, *constraints: Any, nullable: bool = False, primary_key: bool = False) -> Column[Any]:
        return Column(name, column_type(kind, tables.dialect), *constraints, nullable=nullable, primary_key=primary_key)

    return Table(
        NAME,
        tables.metadata,
        column("name", "text", primary_key=True),
        column("user_id", "uuid", ForeignKey("users.id", name=f"{NAME}_user_id_fkey", ondelete="CASCADE"), nullable=True),
        column("fingerprint", "text"),
        column("status", "integer"),
        column("headers", "text"),
        column("body", "bytes"),
        column("created_at", "datetime"),
        Index(index_name(NAME, ("user_id",)), "user_id"),
        Index(index_name(NAME, ("created_at",)), "created_at"),
        sqlite_strict=True,
    )
