"""Chance -> a write: by filter, of new rows, into the place that a unique key says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.rules.oracle.queries.asking import FACES
from tests.rules.oracle.queries.questions import Condition, Embed, Item, Question
from tests.rules.oracle.queries.scene import absent, values
from tests.rules.oracle.queries.selecting import Selecting, counts


class AskingWrites(Selecting):
    def draw(self) -> Question:
        return self.chance.choice((self.patch, self.patch, self.delete, self.post, self.post, self.upsert, self.upsert))(self.table())

    def table(self) -> str:
        return self.chance.choice([each for each in self.tables if each != "users"])

    def patch(self, name: str) -> Question:
        body = self.body(name)
        sent = {column: body[column] for column in self.chance.sample([*body], min(len(body), self.chance.choice((0, 1, 1, 2))))}
        return replace(self.filtered(name, "PATCH"), body=sent)

    def delete(self, name: str) -> Question:
        return self.filtered(name, "DELETE")

    def post(self, name: str) -> Question:
        chance = self.chance
        bodies = [self.new(name) for _ in range(chance.choice((0, 1, 2, 2, 3)))]
        question = replace(self.wishing(name, "POST"), body=bodies if chance.random() < 0.6 or not bodies else bodies[0])
        if chance.random() < 0.4:
            question = replace(question, named=self.named(name), missing=chance.choice((None, "default", "null")))
        return question

    def upsert(self, name: str) -> Question:
        chance, table = self.chance, self.tables[name]
        groups = [tuple(f"{each}_id" if each in table.references else each for each in group) for group in table.unique]
        place = chance.choice((None, ("id",), *(groups * 4)))
        bodies = [self.new(name) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
        for body in bodies:
            if place in (None, ("id",)):
                body.update({"id": self.key(name)} if chance.random() < 0.8 else {})
            elif chance.random() < 0.7 and self.rows.get(name):
                there = chance.choice([*self.rows[name].values()])
                body.update({column: there[column] for column in place or ()})
        if chance.random() < 0.03:
            place = ("id", "a")
        how = chance.choice(("merge-duplicates", "merge-duplicates", "ignore-duplicates"))
        sent = bodies if len(bodies) > 1 or chance.random() < 0.5 else bodies[0]
        return replace(self.wishing(name, "POST"), body=sent, on_conflict=place, resolution=how)

    def filtered(self, name: str, method: str) -> Question:
        """Of the rows that a filter matches; relations that `select` names may be part of it."""
        question = self.wishing(name, method)
        where: list[Condition] = list(self.where(name, least=self.chance.random() < 0.97))
        where += [test for item in question.items if isinstance(item, Embed) for test in self.presence(name, item)]
        return replace(question, where=tuple(where))

    def columns_or_relations(self, name: str) -> tuple[Item, ...] | None:
        self.left = self.chance.choice((0, 0, 1, 2))
        items = self.select(name, 0) if self.left else self.columns(name)
        return self.columns(name) if any(map(counts, items or ())) and self.chance.random() < 0.9 else items

    def wishing(self, name: str, method: str) -> Question:
        chance = self.chance
        returns = chance.choice((None, None, "representation", "representation", "minimal"))
        one = chance.random() < 0.08
        return Question(
            chance.choice(FACES),
            method,
            name,
            select=self.columns_or_relations(name),
            counted=chance.random() < 0.3,
            one=one,
            returns=returns,
            style=chance.getrandbits(8),
        )

    def body(self, name: str) -> dict[str, Any]:
        row = values(self.chance, self.tables[name], dict(self.keys))
        for reference, (target, _, _) in self.tables[name].references.items():
            if target != "users" and row[f"{reference}_id"] is not None and self.chance.random() < 0.08:
                row[f"{reference}_id"] = absent(self.tables[target])
        strange = self.chance.random() < 0.05
        return row if strange else {column: held for column, held in row.items() if column in self.known(name)}

    def new(self, name: str) -> dict[str, Any]:
        """All that a row needs, and some of the rest."""
        table, row = self.tables[name], self.body(name)
        needed = {column for column, (_, empty) in table.columns.items() if not empty and column not in table.defaults}
        needed |= {f"{reference}_id" for reference, (_, empty, _) in table.references.items() if not empty}
        whole = {**values(self.chance, table, dict(self.keys)), **row}
        return {column: held for column, held in whole.items() if column in needed or (column in row and self.chance.random() < 0.6)}

    def named(self, name: str) -> tuple[str, ...]:
        table = self.tables[name]
        needed = [column for column, (_, empty) in table.columns.items() if not empty and column not in table.defaults]
        needed += [f"{reference}_id" for reference, (_, empty, _) in table.references.items() if not empty]
        others = [each for each in self.names(name) if each not in needed and each != "id"]
        return (*needed, *(each for each in others if self.chance.random() < 0.5)) or ("id",)
