"""The database without us: rows are put in, looked at and put back by the bare driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw

from backroom.database import functions
from tests.postgres import connect
from tests.rules.oracle.draw import Table
from tests.rules.oracle.queries.kinds import loaded, stored
from tests.rules.oracle.queries.scene import Rows

_THEN = "2024-01-01T00:00:00.000Z"


class Driver:
    """`tables` without people: they are written by the app alone."""

    def __init__(self, url: str, tables: Mapping[str, Table]) -> None:
        self.url, self.tables = url, tables
        self.sqlite = url.startswith("sqlite:")

    async def open(self) -> None:
        if self.sqlite:
            self.lite: Any = apsw.Connection(self.url.removeprefix("sqlite:"))
            functions.install(self.lite)  # the collation of its columns
            self.lite.set_busy_timeout(5000)
            self.lite.pragma("synchronous", "OFF")
            return
        self.wire = await connect(self.url)
        await self.wire.execute("SET session_replication_role = replica")  # rows come in any order, whatever they refer to
        await self.wire.execute("SET synchronous_commit = off")

    async def close(self) -> None:
        if self.sqlite:
            self.lite.close()
        else:
            await self.wire.close()

    def kinds(self, name: str) -> dict[str, str]:
        table = self.tables[name]
        kinds = {"id": table.key, **{column: kind for column, (kind, _) in table.columns.items()}}
        return kinds | {f"{reference}_id": self.tables[target].key for reference, (target, _, _) in table.references.items()}

    # ---------------------------------------------------------------- rows
    async def put(self, rows: Rows) -> None:
        """These rows, and no others."""
        await self.run("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")
        for name, found in rows.items():
            await self.run(f'DELETE FROM "{name}"')
            await self.insert(name, list(found.values()))
            if not self.sqlite and self.tables[name].key == "integer":
                greatest = f'(SELECT greatest(1000, max(id)) FROM public."{name}")'  # rows may have come of this sequence
                await self.run(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {greatest})")
        await self.run("COMMIT")

    async def insert(self, name: str, rows: list[dict[str, Any]]) -> None:
        kinds = {**self.kinds(name), "created_at": "datetime", "updated_at": "datetime"}
        cells = [
            [stored(kind, {**row, "created_at": _THEN, "updated_at": _THEN}[column], sqlite=self.sqlite) for column, kind in kinds.items()]
            for row in rows
        ]
        marks = ", ".join("?" if self.sqlite else f"${index}" for index in range(1, len(kinds) + 1))
        text = f'INSERT INTO "{name}"({", ".join(kinds)}) VALUES ({marks})'
        if self.sqlite:
            self.lite.executemany(text, cells)
        elif cells:
            await self.wire.executemany(text, cells)

    async def run(self, text: str, *values: Any) -> list[Any]:
        return list(self.lite.execute(text, values)) if self.sqlite else list(await self.wire.fetch(text, *values))

    async def dump(self) -> Rows:
        found: Rows = {}
        for name in self.tables:
            kinds = self.kinds(name)
            rows = await self.run(f'SELECT {", ".join(kinds)} FROM "{name}" ORDER BY id')
            whole = [{column: loaded(kinds[column], cell) for column, cell in zip(kinds, row, strict=True)} for row in rows]
            found[name] = {row["id"]: row for row in whole}
        return found
