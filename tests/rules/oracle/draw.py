"""A random app, as tuples: columns, references, rules, people, rows, questions. Knows nothing of Backroom."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

#: ("and" | "or", parts) ("not", part) ("compare", operator, left, right) ("in", left, rights) ("in_claim", left, claim) ("null", cell)
#: ("starts", left, right) ("true", cell) ("any", path, condition) ("signed_in",) ("anonymous",) ("role", name) ("always", bool)
Rule: TypeAlias = "tuple[Any, ...]"
#: ("row", path) ("me", name) ("claim", name) ("constant", value) ("now",)
Operand: TypeAlias = "tuple[Any, ...]"

KINDS = ("text", "integer", "decimal", "boolean", "datetime")
VALUES: dict[str, tuple[Any, ...]] = {
    "text": ("", "a", "ab", "A", "b", "é", "a%", "draft"),
    "integer": (-1, 0, 1, 2, 10, 2**40),
    "decimal": ("0", "99.5", "100", "1.50", "1.5", "-3"),
    "boolean": (True, False),
    "datetime": ("2020-01-01T00:00:00.000Z", "2024-06-01T12:30:00.500Z", "2999-01-01T00:00:00.000Z"),
    # kinds that the oracle of queries draws beside those
    "float": (-1.5, 0.0, 0.25, 2.0, 1e20),
    "date": ("1999-12-31", "2020-02-29", "2024-06-01", "2999-01-01"),
    "time": ("00:00:00", "09:30:00", "09:30:00.250000", "23:59:59"),
    "timedelta": ("-PT5M", "PT0S", "PT1H30M", "P1D", "P400DT0.5S"),
    "uuid": ("00000000-0000-4000-8000-00000000000a", "0190b6c4-7b1e-7cc2-a4f7-0242ac120002", "f0000000-0000-4000-8000-000000000000"),
}
CLAIMS: tuple[Any, ...] = (
    "a",
    "ab",
    "",
    "draft",
    1,
    0,
    2**40,
    2**63,
    "99.5",
    "1.5",
    True,
    False,
    [],
    {},
    ["a", "b"],
    [1, 2],
    [1, "a"],
    "2024-06-01T12:30:00.500Z",
)
CLAIM_NAMES = ("plan", "team", "until")
ROLES = ("hr", "staff")
ACTIONS = ("read", "create", "update", "delete")


@dataclass
class Table:
    """One resource: its value columns (kind, may be empty), its references (target, may be empty, on_delete), its collections."""

    columns: dict[str, tuple[str, bool]]
    references: dict[str, tuple[str, bool, str]]
    collections: dict[str, tuple[str, ...]]  # ("via", target, field) or ("through", junction, near, target, far)
    rules: dict[str, Rule] = field(default_factory=dict[str, Rule])  # by action, and "update_check"
    fields: dict[str, dict[str, Rule]] = field(default_factory=dict[str, dict[str, Rule]])
    key: str = "integer"
    unique: tuple[tuple[str, ...], ...] = ()  # groups of fields
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    aggregates: bool = False
    searched: tuple[str, ...] = ()


@dataclass
class Caller:
    """Somebody who asks. `name` None: nobody."""

    name: str | None
    roles: tuple[str, ...] = ()
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    id: str | None = None
    email: str | None = None


def schema(chance: Random) -> dict[str, Table]:
    def columns(*names: str) -> dict[str, tuple[str, bool]]:
        return {name: (chance.choice(KINDS), chance.random() < 0.6) for name in names}

    def reference(target: str, nullable: bool | None = None) -> tuple[str, bool, str]:
        empty = chance.random() < 0.5 if nullable is None else nullable
        return target, empty, chance.choice(("refuse", "cascade", "set_null") if empty else ("refuse", "cascade"))

    return {
        "teams": Table(
            columns("a", "b"),
            {"boss": ("users", chance.random() < 0.5, "refuse")},
            {"ties": ("via", "ties", "team"), "items": ("via", "items", "team"), "linked": ("through", "links", "team", "items", "item")},
        ),
        "items": Table(
            columns("a", "b", "c"),
            {"team": reference("teams"), "author": ("users", chance.random() < 0.6, "refuse"), "parent": reference("items", True)},
            {"children": ("via", "items", "parent"), "linked": ("through", "links", "item", "teams", "team")},
        ),
        "ties": Table(columns("a"), {"team": reference("teams"), "user": ("users", chance.random() < 0.5, "refuse")}, {}),
        "links": Table(columns("a"), {"item": reference("items"), "team": reference("teams")}, {}),
    }  # fmt: skip


class Draw:
    """Draws rules over one schema."""

    def __init__(self, chance: Random, tables: dict[str, Table]) -> None:
        self.chance, self.tables = chance, tables

    def rule(self, resource: str, depth: int = 3) -> Rule:
        chance = self.chance
        if depth and chance.random() < 0.6:
            word = chance.choice(("and", "or", "or", "not"))
            if word == "not":
                return ("not", self.rule(resource, depth - 1))
            return (word, tuple(self.rule(resource, depth - 1) for _ in range(chance.choice((2, 2, 3)))))
        return self.leaf(resource, depth)

    def leaf(self, resource: str, depth: int) -> Rule:
        chance = self.chance
        draw = chance.choices(
            (self.mine, self.value, self.claimed, self.among, self.empty, self.beginning, self.caller, self.clock, self.pair, self.mixed, self.some),
            (5, 4, 3, 3, 2, 2, 4, 2, 1, 2, 5 if depth else 1),
        )[0]
        return draw(resource) if draw != self.some else self.some(resource, depth)

    def path(self, resource: str) -> tuple[tuple[str, ...], str]:
        """Up to two references away: the steps, and where they lead."""
        steps: tuple[str, ...] = ()
        for _ in range(self.chance.choice((0, 0, 0, 1, 1, 2))):
            ways = [(name, target) for name, (target, _, _) in self.tables[resource].references.items() if target != "users"]
            if not ways:
                break
            name, resource = self.chance.choice(ways)
            steps = (*steps, name)
        return steps, resource

    def cell(self, resource: str, kind: str | None = None) -> tuple[Operand, str] | None:
        steps, end = self.path(resource)
        names = [(name, its) for name, (its, _) in self.tables[end].columns.items() if kind in (None, its)]
        if not names:
            return None
        name, its = self.chance.choice(names)
        return ("row", (*steps, name)), its

    def mine(self, resource: str) -> Rule:
        steps, end = self.path(resource)
        people = [name for name, (target, _, _) in self.tables[end].references.items() if target == "users"]
        if not people:
            return self.caller(resource)
        return ("compare", self.chance.choice(("eq", "eq", "eq", "ne")), ("row", (*steps, self.chance.choice(people))), ("me", "id"))

    def operator(self, kind: str) -> str:
        return self.chance.choice(("eq", "ne", "lt", "le", "gt", "ge"))

    def value(self, resource: str) -> Rule:
        found = self.cell(resource)
        if found is None:
            return self.caller(resource)
        cell, kind = found
        if kind == "boolean" and self.chance.random() < 0.6:
            return ("true", cell)
        return ("compare", self.operator(kind), cell, ("constant", self.chance.choice(VALUES[kind]), kind))

    def claimed(self, resource: str) -> Rule:
        found = self.cell(resource)
        if found is None:
            return self.caller(resource)
        claim = self.chance.choice(CLAIM_NAMES)
        if self.chance.random() < 0.3:
            return ("in_claim", found[0], claim)
        return ("compare", self.operator(found[1]), found[0], ("claim", claim))

    def among(self, resource: str) -> Rule:
        found = self.cell(resource)
        if found is None:
            return self.caller(resource)
        cell, kind = found
        return ("in", cell, tuple(("constant", self.chance.choice(VALUES[kind]), kind) for _ in range(self.chance.choice((0, 1, 2, 3)))))

    def mixed(self, resource: str) -> Rule:
        """`me.in_([this.boss, this.author])`"""
        steps, end = self.path(resource)
        people = [("row", (*steps, name)) for name, (target, _, _) in self.tables[end].references.items() if target == "users"]
        return ("in", ("me", "id"), tuple(people)) if people else self.caller(resource)

    def empty(self, resource: str) -> Rule:
        steps, end = self.path(resource)
        names = [*self.tables[end].columns, *self.tables[end].references]
        return ("null", ("row", (*steps, self.chance.choice(names))))

    def beginning(self, resource: str) -> Rule:
        found = self.cell(resource, "text")
        if found is None:
            return self.caller(resource)
        if self.chance.random() < 0.5:
            return ("starts", found[0], ("constant", self.chance.choice(VALUES["text"]), "text"))
        return ("starts", *self.chance.choice(((found[0], ("claim", self.chance.choice(CLAIM_NAMES))), (("me", "email"), found[0]))))

    def caller(self, resource: str) -> Rule:
        chance = self.chance
        claim = ("claim", chance.choice(CLAIM_NAMES))
        constant = ("constant", chance.choice(("a", "ab", 1, 0, True)), None)
        return chance.choice((
            ("signed_in",), ("signed_in",), ("role", chance.choice(ROLES)), ("role", chance.choice(ROLES)), ("anonymous",),
            ("compare", chance.choice(("eq", "ne", "lt", "ge")), claim, constant), ("in", claim, (constant, ("constant", "b", None))),
            ("starts", claim, ("constant", "a", "text")),
        ))  # fmt: skip

    def clock(self, resource: str) -> Rule:
        moment = ("constant", self.chance.choice(VALUES["datetime"]), "datetime")
        found = self.cell(resource, "datetime")
        other = self.chance.choice((moment, ("claim", "until"), found[0] if found else moment))
        return ("compare", self.chance.choice(("lt", "le", "gt", "ge")), *self.chance.choice(((other, ("now",)), (("now",), other))))

    def pair(self, resource: str) -> Rule:
        found = self.cell(resource)
        other = self.cell(resource, found[1]) if found else None
        return ("compare", self.operator(found[1]), found[0], other[0]) if found and other else self.mine(resource)

    def some(self, resource: str, depth: int = 0) -> Rule:
        steps, end = self.path(resource)
        if not self.tables[end].collections:
            return self.mine(resource)
        name = self.chance.choice(list(self.tables[end].collections))
        found = self.tables[end].collections[name]
        inner = ("always", True) if self.chance.random() < 0.1 else self.rule(found[1] if found[0] == "via" else found[3], min(depth, 1))
        return ("any", (*steps, name), inner)


def application(chance: Random) -> dict[str, Table]:
    """Tables with their rules."""
    tables = schema(chance)
    draw = Draw(chance, tables)
    for name, table in tables.items():
        table.rules = {action: ("always", True) if chance.random() < 0.12 else draw.rule(name, chance.choice((0, 1, 2, 3))) for action in ACTIONS}
        if chance.random() < 0.3:
            table.rules["update_check"] = draw.rule(name, 1)
        hideable = [each for each, (_, nullable) in table.columns.items() if nullable] + [
            each for each, (_, nullable, _) in table.references.items() if nullable
        ]
        for column in chance.sample(hideable, min(len(hideable), chance.choice((0, 0, 1, 2)))):
            if chance.random() < 0.5:
                rule = draw.rule(name, 1)
                table.fields[column] = dict.fromkeys(("read", "create", "update"), rule)
            else:
                table.fields[column] = {
                    action: ("always", True) if chance.random() < 0.3 else draw.rule(name, 1) for action in ("read", "create", "update")
                }
    return tables


def callers(chance: Random) -> list[Caller]:
    def claims() -> dict[str, Any]:
        return {name: chance.choice(CLAIMS) for name in CLAIM_NAMES if chance.random() < 0.7}

    people = [Caller(name, tuple(role for role in ROLES if chance.random() < 0.4), claims()) for name in ("ann", "bob", "cas")]
    return [Caller(None), *people]


def values(chance: Random, tables: dict[str, Table], name: str, known: dict[str, list[Any]]) -> dict[str, Any]:
    """A row by column, in JSON's forms. `known`: keys by resource that a reference may hold."""
    table = tables[name]
    row: dict[str, Any] = {}
    for column, (kind, nullable) in table.columns.items():
        row[column] = None if nullable and chance.random() < 0.3 else chance.choice(VALUES[kind])
    for column, (target, nullable, _) in table.references.items():
        choices = known.get(target) or []
        row[f"{column}_id"] = chance.choice(choices) if choices and not (nullable and chance.random() < 0.25) else None
    return row


def is_complete(tables: dict[str, Table], name: str, row: dict[str, Any]) -> bool:
    """Every reference that may not be empty is there."""
    return all(row[f"{column}_id"] is not None or nullable for column, (_, nullable, _) in tables[name].references.items())


def query(chance: Random, tables: dict[str, Table], name: str) -> tuple[Rule | None, tuple[str, bool] | None]:
    """A filter over the row's own columns, and an order (column, descending)."""
    table = tables[name]

    def test() -> Rule:
        column = chance.choice(list(table.columns))
        kind = table.columns[column][0]
        cell = ("row", (column,))
        what = chance.random()
        if what < 0.2:
            return ("null", cell)
        if what < 0.35:
            return ("in", cell, tuple(("constant", chance.choice(VALUES[kind]), kind) for _ in range(2)))
        if kind == "boolean":
            return ("true", cell)
        return ("compare", chance.choice(("eq", "ne", "lt", "le", "gt", "ge")), cell, ("constant", chance.choice(VALUES[kind]), kind))

    def condition(depth: int) -> Rule:
        if depth and chance.random() < 0.5:
            word = chance.choice(("and", "or", "not"))
            return ("not", condition(depth - 1)) if word == "not" else (word, (condition(depth - 1), condition(depth - 1)))
        return test()

    where = condition(2) if chance.random() < 0.8 else None
    order = (chance.choice([*table.columns, "id"]), chance.random() < 0.5) if chance.random() < 0.6 else None
    return where, order
