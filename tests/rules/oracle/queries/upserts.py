"""Upsert by RULES.md 32: the create rule of every row first; then, row by row, what is there is changed and what isn't is made."""

from __future__ import annotations

from typing import Any

from tests.rules.oracle.queries.scene import Rows, clashes
from tests.rules.oracle.queries.sight import Sight
from tests.rules.oracle.queries.writes import New, Outcome, Refused, Row, Writes


def upsert(writes: Writes, bodies: list[Row], place: tuple[str, ...]) -> Outcome:
    for body in bodies:
        writes.judge_new(writes.sight, writes.complete(body), body)
    work = _Work(writes, place)
    for number, body in enumerate(bodies):
        work.put(body, New(number))
    status = 201 if work.made or writes.question.resolution == "ignore-duplicates" else 200
    return Outcome(status, work.sight.all, tuple(work.touched))


class _Work:
    """The tables in the middle of an upsert."""

    def __init__(self, writes: Writes, place: tuple[str, ...]) -> None:
        self.writes, self.place, self.name = writes, place, writes.name
        self.sight: Sight = writes.sight
        self.touched: list[Any] = []
        self.made = 0

    @property
    def ignores(self) -> bool:
        return self.writes.question.resolution == "ignore-duplicates"

    def put(self, body: Row, new: New) -> None:
        row = self.writes.complete(body)
        found = self.found(row)
        if found is not None:
            if not self.ignores:
                self.change(found, body)
            return
        if self.place == ("id",) and row["id"] is not None:
            raise Refused(404)
        self.create(row, body, new)

    def found(self, row: Row) -> Row | None:
        """Of the rows that he may read, the one in this place."""
        if any(row[column] is None for column in self.place):
            return None
        for key, shown in self.sight.rows(self.name).items():
            if all(column in shown and self.writes.equal(column, shown[column], row[column]) for column in self.place):
                return self.sight.all[self.name][key]
        return None

    def create(self, row: Row, body: Row, new: New) -> None:
        self.writes.judge_new(self.sight, row, body)
        self.writes.require(self.writes.refers(self.sight, row, body), 409)
        made = {**row, "id": new}
        rows = self.sight.all[self.name]
        if clashes(self.writes.table, made, rows.values()):
            if self.ignores:  # there, and not his to see
                return
            raise Refused(409)
        self.move({**self.sight.all, self.name: {**rows, new: made}})
        self.made += 1
        self.touched.append(new)

    def change(self, row: Row, body: Row) -> None:
        writes, sight = self.writes, self.sight
        changes = {column: value for column, value in body.items() if column not in self.place and column != "id"}
        candidate = {**row, **changes}
        check = "update_check" if "update_check" in writes.table.rules else "update"
        allowed = (
            sight.closed(self.name, "update") is None
            and writes.is_true(sight, "update", row)
            and all(writes.field_allows(sight, column, "update", row, candidate) for column in changes)
            and writes.is_true(sight, check, candidate)
        )
        if not allowed:
            raise Refused(404 if self.place == ("id",) else 409)
        writes.require(writes.refers(sight, candidate, changes), 409)
        self.move(writes.stored(sight.all, [candidate]))
        self.touched.append(row["id"])

    def move(self, rows: Rows) -> None:
        self.sight = self.sight.at(rows)
