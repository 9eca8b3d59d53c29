"""Large tables in seconds: copies of a row that was made by the wire, so that nothing here depends on how it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

import apsw

from benchmarks.contender import Place
from benchmarks.postgres import connect


class Asking(Protocol):
    def __call__(self, text: str) -> list[Any]: ...


class Cloning:
    """Over one database; `numbers` is the SQL of a table `numbers(n)` from 1 to `{}`, `columns` that of the columns of `{}`."""

    def __init__(self, ask: Asking, numbers: str, columns: str) -> None:
        self._ask, self._numbers, self._columns = ask, numbers, columns

    def last(self, table: str) -> int:
        """The key of the newest row."""
        return int(self._ask(f"select max(id) from {table}")[0][0])

    def clone(self, table: str, key: int, count: int, **other: str) -> None:
        """Insert `count` copies of the row with this key; `other`: column -> the SQL of its value, which may name `numbers.n`."""
        names = [row[0] for row in self._ask(self._columns.format(table)) if row[0] != "id"]
        values = ", ".join(other.get(name, f'source."{name}"') for name in names)
        into = ", ".join(f'"{name}"' for name in names)
        self._ask(f"insert into {table} ({into}) select {values} from {table} as source, {self._numbers.format(count)} where source.id = {key}")


@contextmanager
def cloning(place: Place) -> Generator[Cloning]:
    """Over the database of this place."""
    if place.database is not None:
        with asyncio.Runner() as loop:
            connection = loop.run(connect(place.database))
            columns = "select column_name from information_schema.columns where table_name = '{}' order by ordinal_position"
            yield Cloning(lambda text: loop.run(connection.fetch(text)), "generate_series(1, {}) as numbers(n)", columns)
            loop.run(connection.close())
        return
    file: Any = apsw.Connection(str(place.folder / "app.db"), flags=apsw.SQLITE_OPEN_READWRITE)
    file.set_busy_timeout(30_000)
    numbers = "(with recursive g(n) as (select 1 union all select n + 1 from g where n < {}) select n from g) as numbers"
    yield Cloning(lambda text: file.execute(text).fetchall(), numbers, "select name from pragma_table_info('{}')")
    file.close()
