"""Chance -> a question about one resource of a scene: every operator, nested; orders, pages, columns; now and then what must be refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from tests.rules.oracle.draw import Table
from tests.rules.oracle.queries.kinds import STRUCTURED, TEXTS, VALUES
from tests.rules.oracle.queries.questions import Condition, Group, Negated, Question, Sort, Test
from tests.rules.oracle.queries.scene import Rows, value, values

FACES = ("/api", "/rest/v1")
#: Operators by what they take. The last are refused for this kind.
_COMPARING = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "isdistinct", "is")
_PATTERNS = ("like", "ilike")
_HOLDING = ("cs", "cd", "ov")
_QUANTIFIED = ("eq", "gt", "gte", "lt", "lte", "like", "ilike")


class Asking:
    """Draws the questions of one caller about these rows. `known`: by resource, the columns that exist for him."""

    def __init__(self, chance: Random, tables: Mapping[str, Table], rows: Rows, known: Callable[[str], frozenset[str]]) -> None:
        self.chance, self.tables, self.rows, self.known = chance, tables, rows, known
        self.keys = {name: [*found] for name, found in rows.items()}

    def read(self) -> Question:
        chance = self.chance
        name = chance.choice([*self.tables, *(each for each in self.tables if each != "users")])
        face = chance.choice(FACES)
        if face == "/api" and chance.random() < 0.12:
            return Question(face, "GET", name, self.key(name), self.select(name), style=chance.getrandbits(8))
        limit = chance.choice((None, None, None, None, 0, 1, 2, 3, 5, 1000))
        return Question(
            face,
            "HEAD" if chance.random() < 0.05 else "GET",
            name,
            select=self.select(name),
            where=self.where(name),
            order=self.order(name),
            limit=limit,
            offset=chance.choice((None,) * 8 + (0, 1, 1, 2, 9)),
            span=chance.choice(((0, 0), (0, 2), (1, None), (2, 3))) if chance.random() < 0.1 else None,
            counted=chance.random() < 0.4,
            one=chance.random() < 0.04,
            style=chance.getrandbits(8),
        )

    def key(self, name: str) -> Any:
        """Mostly of a row that is there."""
        return self.absent(name) if self.chance.random() < 0.1 or not self.keys[name] else self.chance.choice(self.keys[name])

    def absent(self, name: str) -> Any:
        return 99 if self.tables[name].key == "integer" else "99999999-0000-4000-8000-000000000000"

    def names(self, name: str) -> list[str]:
        """Mostly those that exist for the caller."""
        names = ["id", *self.tables[name].columns, *(f"{each}_id" for each in self.tables[name].references)]
        return names if self.chance.random() < 0.05 else [each for each in names if each in self.known(name)]

    def kind(self, name: str, column: str) -> str:
        table = self.tables[name]
        if column == "id":
            return table.key
        if column in table.columns:
            return table.columns[column][0]
        target = table.references[column.removesuffix("_id")][0]
        return self.tables[target].key

    def select(self, name: str) -> tuple[str, ...] | None:
        if self.chance.random() < 0.7:
            return None
        names = self.names(name)
        return tuple(self.chance.sample(names, self.chance.randint(1, len(names)))) if self.chance.random() < 0.9 else ("*",)

    def order(self, name: str) -> tuple[Sort, ...]:
        chance = self.chance
        if chance.random() < 0.4:
            return ()
        names = self.names(name)
        chosen = chance.sample(names, min(len(names), chance.choice((1, 1, 1, 2, 3))))
        return tuple(
            Sort(column, chance.choice((None, True, False)), chance.choice((None, None, True, False)))
            for column in chosen
            if self.kind(name, column) not in STRUCTURED or chance.random() < 0.03
        )

    # ---------------------------------------------------------------- writes
    def write(self) -> Question:
        return self.chance.choice((self.patch, self.patch, self.delete, self.post, self.post, self.upsert, self.upsert))(self.table())

    def table(self) -> str:
        return self.chance.choice([each for each in self.tables if each != "users"])

    def patch(self, name: str) -> Question:
        body = self.body(name)
        sent = {column: body[column] for column in self.chance.sample([*body], min(len(body), self.chance.choice((0, 1, 1, 2))))}
        return replace(self.wishing(name, "PATCH"), where=self.where(name, least=self.chance.random() < 0.97), body=sent)

    def delete(self, name: str) -> Question:
        return replace(self.wishing(name, "DELETE"), where=self.where(name, least=self.chance.random() < 0.97))

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
                body |= {"id": self.key(name)} if chance.random() < 0.8 else {}
            elif chance.random() < 0.7 and self.rows.get(name):
                there = chance.choice([*self.rows[name].values()])
                body |= {column: there[column] for column in place or ()}
        if chance.random() < 0.03:
            place = ("id", "a")
        how = chance.choice(("merge-duplicates", "merge-duplicates", "ignore-duplicates"))
        sent = bodies if len(bodies) > 1 or chance.random() < 0.5 else bodies[0]
        return replace(self.wishing(name, "POST"), body=sent, on_conflict=place, resolution=how)

    def wishing(self, name: str, method: str) -> Question:
        chance = self.chance
        returns = chance.choice((None, None, "representation", "representation", "minimal"))
        one = chance.random() < 0.08
        return Question(
            chance.choice(FACES), method, name, select=self.select(name), counted=chance.random() < 0.3, one=one, returns=returns, style=chance.getrandbits(8)
        )

    def body(self, name: str) -> dict[str, Any]:
        row = values(self.chance, self.tables[name], dict(self.keys))
        for reference, (target, _, _) in self.tables[name].references.items():
            if target != "users" and row[f"{reference}_id"] is not None and self.chance.random() < 0.08:
                row[f"{reference}_id"] = self.absent(target)
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

    # ---------------------------------------------------------------- conditions
    def where(self, name: str, *, least: int = 0) -> tuple[Condition, ...]:
        return tuple(self.condition(name, 2) for _ in range(max(least, self.chance.choice((0, 1, 1, 1, 2)))))

    def condition(self, name: str, depth: int) -> Condition:
        chance = self.chance
        if depth and chance.random() < 0.35:
            parts = tuple(self.condition(name, depth - 1) for _ in range(chance.choice((1, 2, 2, 3))))
            return self.maybe_not(Group(chance.choice(("and", "or", "or")), parts))
        return self.maybe_not(self.test(name))

    def maybe_not(self, part: Condition) -> Condition:
        return Negated(part) if self.chance.random() < 0.25 else part

    def test(self, name: str) -> Test:
        chance = self.chance
        column = chance.choice(self.names(name)) if chance.random() < 0.99 else "zzz"
        kind = "text" if column == "zzz" else self.kind(name, column)
        operators = (*_HOLDING, "is") if kind in STRUCTURED else (*_COMPARING, *_COMPARING, *(_PATTERNS * 3 if kind in TEXTS else ()))
        operator = chance.choice(operators)
        if chance.random() < 0.01:
            return Test(column, chance.choice((*_HOLDING, *_PATTERNS) if kind not in STRUCTURED else (*_PATTERNS, "gt")), (value(chance, kind),))
        return self.asked(name, column, kind, operator)

    def asked(self, name: str, column: str, kind: str, operator: str) -> Test:
        chance = self.chance
        if operator == "is":
            words = ("null", "not_null", "null", *(("true", "false", "unknown") * 2 if kind == "boolean" else ()))
            return Test(column, "is", (chance.choice(words),))
        draw = self.pattern if operator in _PATTERNS else lambda: self.literal(name, column, kind)
        if operator == "in":
            return Test(column, "in", tuple(draw() for _ in range(chance.choice((0, 1, 2, 2, 3)))))
        if operator in _QUANTIFIED and chance.random() < 0.15:
            return Test(column, operator, tuple(draw() for _ in range(chance.choice((0, 1, 2, 2, 3)))), chance.choice(("any", "all")))
        return Test(column, operator, (draw(),))

    def literal(self, name: str, column: str, kind: str) -> Any:
        """Mostly a value that is there. Keys are small numbers, or those of people and rows."""
        if column == "id":
            return self.key(name)
        if column.removesuffix("_id") in self.tables[name].references:
            return self.key(self.tables[name].references[column.removesuffix("_id")][0])
        if kind in STRUCTURED and self.chance.random() < 0.5:
            return self.part(kind)
        return value(self.chance, kind)

    def part(self, kind: str) -> Any:
        """A piece of a list or of JSON: what `cs` finds."""
        chosen = self.chance.choice(VALUES[kind])
        if isinstance(chosen, dict):
            return {name: held for name, held in chosen.items() if self.chance.random() < 0.6}
        return [each for each in chosen if self.chance.random() < 0.6]

    def pattern(self) -> str:
        chance = self.chance
        text: str = chance.choice(VALUES["text"])
        letters = [chance.choice(("*", "%", "_", letter, letter, letter)) if letter not in "\\%_*" else f"\\{letter}" for letter in text]
        return chance.choice(("", "*", "%")) + "".join(letters).swapcase() + chance.choice(("", "", "*")) if chance.random() < 0.4 else "".join(letters) + chance.choice(("", "*"))
