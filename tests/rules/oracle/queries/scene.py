"""A drawn app with its people and rows, as data: two to four resources that refer to each other in every way that can be declared."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from tests.rules.oracle.draw import ACTIONS, CLAIM_NAMES, CLAIMS, ROLES, Caller, Draw, Operand, Rule, Table
from tests.rules.oracle.queries.kinds import KINDS, ORDERED, VALUES

NAMES = ("areas", "boats", "coins", "doors")
PEOPLE = ("ann", "bob", "cas", "dee")
#: Kinds that a unique key is declared over.
_UNIQUE = ("text", "integer", "decimal", "date", "uuid")
#: More lists than the oracle of rules has.
_CLAIMS: tuple[Any, ...] = (*CLAIMS, [], [], [1, 2, 10], ["a", "b", "draft"], [True])
_OWN: Rule = ("compare", "eq", ("row", ("id",)), ("me", "id"))
_ALWAYS: Rule = ("always", True)

Rows = dict[str, dict[Any, dict[str, Any]]]


@dataclass
class Scene:
    """`callers` are those who ask; `rows` by resource and key, without people, who come with `people`."""

    tables: dict[str, Table]
    people: list[Caller]
    rows: Rows

    @property
    def callers(self) -> list[Caller]:
        return [Caller(None), *self.people[:-1]]


def scene(chance: Random) -> Scene:
    tables = schema(chance)
    rule(chance, tables)
    people = [
        Caller(
            name,
            tuple(role for role in ROLES if chance.random() < 0.4),
            {claim: chance.choice(_CLAIMS) for claim in CLAIM_NAMES if chance.random() < 0.75},
            str(UUID(int=index + 1, version=4)),
            f"{name}@example.com",
        )
        for index, name in enumerate(PEOPLE)
    ]
    return Scene(tables, people, rows(chance, tables, [str(each.id) for each in people]))


# ---------------------------------------------------------------- tables
def schema(chance: Random) -> dict[str, Table]:
    names = NAMES[: chance.choice((2, 3, 3, 4, 4))]
    tables: dict[str, Table] = {}
    for index, name in enumerate(names):
        columns = {
            letter: (chance.choice(KINDS if chance.random() < 0.7 else ORDERED), chance.random() < 0.6)
            for letter in "abcd"[: chance.choice((2, 3, 3, 4))]
        }
        tables[name] = Table(
            columns, _references(chance, names, index), {}, key="uuid" if chance.random() < 0.15 else "integer", aggregates=chance.random() < 0.8
        )
        tables[name].defaults = {
            column: chance.choice(VALUES[kind]) for column, (kind, _) in columns.items() if kind in ORDERED and chance.random() < 0.2
        }
    if len(names) > 2 and chance.random() < 0.8:  # a junction between two others, with nothing else to say
        near, far = chance.sample(names[:-1], 2)
        ties = {each[:-1]: (each, False, chance.choice(("refuse", "cascade"))) for each in (near, far)}
        tables[names[-1]].references = {**ties, **({"boss": ("users", True, "refuse")} if chance.random() < 0.4 else {})}
        tables[names[-1]].unique = ((near[:-1], far[:-1]),) if chance.random() < 0.6 else ()
    _uncircled(tables)
    for name, table in tables.items():
        _collections(chance, tables, name)
        if not table.unique and chance.random() < 0.5:
            table.unique = _unique(chance, table)
    tables["users"] = Table({"email": ("email", False), "roles": ("texts", False), "nick": ("text", True)}, {}, {}, key="uuid")
    return tables


def _references(chance: Random, names: tuple[str, ...], index: int) -> dict[str, tuple[str, bool, str]]:
    """Required ones point at earlier resources, so that rows can be made; two may have one target."""
    found: dict[str, tuple[str, bool, str]] = {}
    for number in range(chance.choice((0, 1, 1, 2, 2, 3))):
        target = chance.choice(names)
        earlier = names.index(target) < index
        nullable = not earlier or chance.random() < 0.5
        cascades = ("cascade",) if names.index(target) <= index else ()  # cascades that go round in a circle are another subject
        on_delete = chance.choice(("refuse", *cascades, *(("set_null",) if nullable else ())))
        found[target[:-1] if number == 0 or target[:-1] not in found else f"{target[:-1]}{number}"] = (target, nullable, on_delete)
    if chance.random() < 0.7:
        found["boss"] = ("users", chance.random() < 0.5, "refuse")
    if chance.random() < 0.2:
        found["mate"] = ("users", True, "refuse")
    return found


def _uncircled(tables: dict[str, Table]) -> None:
    """Rows that cascade back to those which refer to them are refused where all of them go (docs/limits-and-shortcomings.md); they are let go of."""
    below: dict[str, set[str]] = {name: {name} for name in tables}
    for _ in tables:
        for name, table in tables.items():
            below[name] |= {each for target, _, how in table.references.values() if how == "cascade" for each in below[target]}
    for name, table in tables.items():
        for reference, (target, nullable, how) in table.references.items():
            if how == "refuse" and nullable and target not in ("users", name) and name in below[target]:
                table.references[reference] = (target, nullable, "set_null")


def _collections(chance: Random, tables: dict[str, Table], name: str) -> None:
    """The other side of references, and of those to both sides of a junction."""
    for child, table in tables.items():
        for reference, (target, _, _) in table.references.items():
            if target == name and chance.random() < 0.7:
                tables[name].collections[f"{child}_of_{reference}"] = ("via", child, reference)
        ends = [(reference, target) for reference, (target, _, _) in table.references.items() if target != "users"]
        for near, target in ends:
            for far, other in ends:
                alone = [each for _, each in ends].count(target) == [each for _, each in ends].count(other) == 1
                if target == name and other != name and child not in (name, other) and alone and chance.random() < 0.8:
                    tables[name].collections[f"{other}_through_{child}"] = ("through", child, near, other, far)


def _unique(chance: Random, table: Table) -> tuple[tuple[str, ...], ...]:
    columns = [column for column, (kind, _) in table.columns.items() if kind in _UNIQUE]
    if not columns:
        return ()
    first = chance.choice(columns)
    others = [each for each in (*columns, *table.references) if each != first]
    if table.references and chance.random() < 0.25:  # one row for each that it refers to
        return ((chance.choice([*table.references]),),)
    return ((first, chance.choice(others)),) if others and chance.random() < 0.5 else ((first,),)


# ---------------------------------------------------------------- rules
class Ruling(Draw):
    """Rules over cells that can be compared."""

    def cell(self, resource: str, kind: str | None = None) -> tuple[Operand, str] | None:
        steps, end = self.path(resource)
        names = [(name, its) for name, (its, _) in self.tables[end].columns.items() if its in ORDERED and kind in (None, its)]
        if not names:
            return None
        name, its = self.chance.choice(names)
        return ("row", (*steps, name)), its

    def claimed(self, resource: str) -> Rule:
        """Lists are where an empty cell, an empty list and a negation meet."""
        found = self.cell(resource)
        if found is None or self.chance.random() < 0.6:
            return super().claimed(resource)
        listed: Rule = ("in_claim", found[0], self.chance.choice(CLAIM_NAMES))
        return ("not", listed) if self.chance.random() < 0.5 else listed


def rule(chance: Random, tables: dict[str, Table]) -> None:
    draw = Ruling(chance, tables)
    for name, table in tables.items():
        if name == "users":
            continue
        table.rules = {action: _generous(draw, name) for action in ACTIONS}
        if chance.random() < 0.2:
            table.rules["update_check"] = draw.rule(name, 1)
        masked = chance.sample([*table.columns], min(len(table.columns), chance.choice((0, 0, 1, 1, 2))))
        for column in [*masked, *(each for each in table.references if chance.random() < 0.3)]:
            required = not (table.columns.get(column) or table.references[column])[1]
            table.fields[column] = _field_rules(draw, name, required)
        words = [column for column, (kind, _) in table.columns.items() if kind == "text" and column not in table.fields]
        table.searched = tuple(column for column in words if chance.random() < 0.6)
    people = tables["users"]
    people.rules = {
        "read": chance.choice((_OWN, _OWN, ("signed_in",), _ALWAYS, ("or", (_OWN, ("role", "staff"))))),
        "create": ("always", False),
        "update": _OWN,
        "delete": ("always", False),
    }
    closed: Rule = ("always", False)
    people.fields = {column: {"read": _OWN, "create": closed, "update": closed} for column in ("email", "roles")}
    if chance.random() < 0.4:
        people.fields["email"]["read"] = chance.choice((("role", "hr"), ("signed_in",), _ALWAYS))


def _generous(draw: Ruling, name: str) -> Rule:
    """Rules that let nobody in compare nothing."""
    what = draw.chance.random()
    if what < 0.25:
        return _ALWAYS
    drawn = draw.rule(name, draw.chance.choice((0, 1, 2, 3)))
    if what < 0.45:
        return ("or", (drawn, draw.rule(name, 1)))
    return ("or", (draw.leaf(name, 0), ("and", (("signed_in",), drawn)))) if what < 0.65 else drawn


def _field_rules(draw: Ruling, name: str, required: bool) -> dict[str, Rule]:
    """Of the row, or of the caller alone; one for all actions, or one each."""
    chance = draw.chance
    one = draw.caller(name) if chance.random() < 0.3 else draw.rule(name, 1)
    if chance.random() < 0.4:
        one = ("or", (draw.leaf(name, 0), one))
    if chance.random() < 0.5:
        return {"read": one, "create": _ALWAYS if required else one, "update": one}
    return {
        "read": one,
        "create": _ALWAYS if required or chance.random() < 0.5 else draw.rule(name, 1),
        "update": _ALWAYS if chance.random() < 0.3 else draw.rule(name, 1),
    }


# ---------------------------------------------------------------- rows
def rows(chance: Random, tables: dict[str, Table], people: list[str]) -> Rows:
    keys: dict[str, list[Any]] = {"users": people}
    for place, (name, table) in enumerate(tables.items()):
        if name != "users":
            count = chance.choice((3, 5, 8, 8))
            keys[name] = [str(UUID(int=(place << 32) + index + 1, version=4)) if table.key == "uuid" else index + 1 for index in range(count)]
    made: Rows = {}
    for name, table in tables.items():
        if name == "users":
            continue
        found = [{"id": key, **values(chance, table, keys)} for key in keys[name]]
        made[name] = {}
        for row in found:
            if not clashes(table, row, made[name].values()):
                made[name][row["id"]] = row
    return _without_danglers(tables, made)


def _without_danglers(tables: dict[str, Table], made: Rows) -> Rows:
    """A row that was left out takes with it those that need it."""
    while True:
        lost = [
            (name, row["id"], column if nullable else None)
            for name, rows_ in made.items()
            for row in rows_.values()
            for column, (target, nullable, _) in tables[name].references.items()
            if target != "users" and row[f"{column}_id"] is not None and row[f"{column}_id"] not in made[target]
        ]
        if not lost:
            return made
        name, key, column = lost[0]
        if column is None:
            del made[name][key]
        else:
            made[name][key][f"{column}_id"] = None


def values(chance: Random, table: Table, keys: dict[str, list[Any]]) -> dict[str, Any]:
    """A row by column, in JSON's forms."""
    row: dict[str, Any] = {column: value(chance, kind, nullable) for column, (kind, nullable) in table.columns.items()}
    for column, (target, nullable, _) in table.references.items():
        row[f"{column}_id"] = None if nullable and chance.random() < 0.25 else chance.choice(keys[target])
    return row


def absent(table: Table) -> Any:
    """A key that no row has."""
    return 99 if table.key == "integer" else "99999999-0000-4000-8000-000000000000"


def value(chance: Random, kind: str, nullable: bool = False) -> Any:
    return None if nullable and chance.random() < 0.3 else chance.choice(VALUES[kind])


def clashes(table: Table, row: dict[str, Any], others: Any) -> bool:
    """Some other row has the same values under a unique key; an empty value equals nothing."""
    from tests.rules.oracle.queries.kinds import key

    for group in table.unique:
        columns = [(f"{name}_id", "") if name in table.references else (name, table.columns[name][0]) for name in group]
        wanted = [None if row[column] is None else key(kind, row[column]) if kind else row[column] for column, kind in columns]
        for other in others:
            held = [None if other[column] is None else key(kind, other[column]) if kind else other[column] for column, kind in columns]
            if None not in wanted and held == wanted and other.get("id") != row.get("id", object()):
                return True
    return False
