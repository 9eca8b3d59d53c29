"""The tables of the contenders, reached around them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

import apsw
import httpx2

from benchmarks.contender import Account, Place, titles
from benchmarks.postgres import connect

_T = TypeVar("_T")
DUE = date(2026, 12, 24)
BULK = 1000
TODOS = ("todos.title",)

Connection = Any  # apsw's types of bindings name a class of Python 3.12
SqliteRow = Callable[[str, str], tuple[Any, ...]]


def counting(column: str, parameter: str) -> str:
    table, _, name = column.partition(".")
    return f"select count(*) from {table} where {name} like {parameter}"


def by_wire(place: Place, owner: Account, resource: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Backroom's bulk create, a thousand rows a time; returns their keys."""
    keys: list[str] = []
    with httpx2.Client(base_url=place.url, headers={"authorization": f"Bearer {owner.token}"}, timeout=60) as client:
        for start in range(0, len(rows), BULK):
            content = json.dumps(rows[start : start + BULK])
            reply = client.post(f"/api/{resource}", content=content, headers={"content-type": "application/json"})
            if reply.status_code != 201:
                raise RuntimeError(f"bulk create answered {reply.status_code}: {reply.text[:500]}")
            keys += [str(row["id"]) for row in reply.json()]
    return keys


def now_text(separator: str = "T") -> str:
    return datetime.now(UTC).strftime(f"%Y-%m-%d{separator}%H:%M:%S.000Z")


class SqliteRows:
    """`insert` takes a key and then the values of `row(title, owner)`; a key is the next rowid, written as `key_format` says.

    `counted`: the columns (`table.column`) that workloads write their titles into.
    """

    def __init__(self, file: str, insert: str, row: SqliteRow, *, key_format: str = "{}", counted: tuple[str, ...] = TODOS) -> None:
        self._file, self._insert, self._row, self._key_format, self._counted = file, insert, row, key_format, counted

    def _open(self, place: Place) -> Connection:
        connection: Connection = apsw.Connection(str(place.folder / self._file), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(30_000)
        return connection

    def add(self, place: Place, owner: Account, count: int) -> list[str]:
        return self.insert(place, "todos", self._insert, [self._row(title, owner.key) for title in titles(count)])

    def insert(self, place: Place, table: str, statement: str, rows: Sequence[tuple[Any, ...]]) -> list[str]:
        """Run it for each row, a new key before its values; returns the keys."""
        connection = self._open(place)
        highest = int(connection.execute(f"select coalesce(max(rowid), 0) from {table}").get)
        keys = [self._key_format.format(highest + number) for number in range(1, len(rows) + 1)]
        with connection:
            connection.executemany(statement, ((key, *row) for key, row in zip(keys, rows, strict=True)))
        connection.close()
        return keys

    def count(self, place: Place, *, title_prefix: str = "") -> int:
        connection = self._open(place)
        found = sum(int(connection.execute(counting(column, "?"), (title_prefix + "%",)).get) for column in self._counted)
        connection.close()
        return found

    def settle(self, place: Place) -> None:
        connection = self._open(place)
        connection.execute("pragma optimize=0x10002")
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.close()


class PostgresRows:
    """The tables of `place.database`; Postgres hands out the keys. `counted` as for SQLite."""

    def __init__(self, counted: tuple[str, ...] = TODOS) -> None:
        self._counted = counted

    def _run(self, place: Place, work: Callable[[Any], Awaitable[_T]]) -> _T:
        async def run() -> _T:
            connection = await connect(place.database)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(run())

    def add(self, place: Place, owner: Account, count: int) -> list[str]:
        insert = """insert into todos (title, done, due, owner_id, created_at, updated_at)
                    select title, false, $2, $3, $4, $4 from unnest($1::text[]) as title returning id"""
        given = (titles(count), DUE, UUID(owner.key), datetime.now(UTC).replace(microsecond=0))
        return [str(row[0]) for row in self._run(place, lambda connection: connection.fetch(insert, *given))]

    def count(self, place: Place, *, title_prefix: str = "") -> int:
        async def all_of(connection: Any) -> int:
            return sum([int(await connection.fetchval(counting(column, "$1"), title_prefix + "%")) for column in self._counted])

        return self._run(place, all_of)

    def settle(self, place: Place) -> None:
        self._run(place, lambda connection: connection.execute("vacuum analyze"))


class RowsByWire:
    """Backroom's rows are made by its documented bulk create, so that nothing here depends on how it stores them; counting looks at the table."""

    def __init__(self, looking: SqliteRows | PostgresRows) -> None:
        self._looking = looking

    def add(self, place: Place, owner: Account, count: int) -> list[str]:
        return by_wire(place, owner, "todos", [{"title": title, "due": DUE.isoformat()} for title in titles(count)])

    def count(self, place: Place, *, title_prefix: str = "") -> int:
        return self._looking.count(place, title_prefix=title_prefix)

    def settle(self, place: Place) -> None:
        self._looking.settle(place)
