"""True, false or unknown (None), by Kleene's tables over plain dicts. Imports nothing of Backroom: not its rules, not its SQL.

A row is a dict in JSON's forms, by column. A world is {resource: {key: row}}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias, cast

from tests.rules.oracle.draw import Caller, Operand, Rule, Table

World: TypeAlias = "Mapping[str, Mapping[Any, Mapping[str, Any]]]"
Truth: TypeAlias = "bool | None"
_MISSING = object()


def list_of(claim: Any) -> list[Any] | None:
    return cast("Any", claim) if isinstance(claim, list) else None


def kleene_and(parts: Iterable[Truth]) -> Truth:
    seen = list(parts)
    return False if False in [each for each in seen if each is not None] else None if None in seen else True


def kleene_or(parts: Iterable[Truth]) -> Truth:
    return kleene_not(kleene_and(kleene_not(part) for part in parts))


def kleene_not(part: Truth) -> Truth:
    return None if part is None else not part


def is_missing(value: Any) -> bool:
    """Not there, or not of the kind it is compared with."""
    return value is _MISSING


class Judge:
    """What rules say to one caller about rows of one world."""

    def __init__(self, tables: Mapping[str, Table], world: World, caller: Caller, now: datetime | None = None) -> None:
        self.tables, self.world, self.caller = tables, world, caller
        self.now = now or datetime.now(UTC)

    def says(self, rule: Rule, resource: str, row: Mapping[str, Any]) -> Truth:
        match rule:
            case ("always", value):
                return bool(value)
            case ("and", parts):
                return kleene_and([self.says(part, resource, row) for part in parts])
            case ("or", parts):
                return kleene_or([self.says(part, resource, row) for part in parts])
            case ("not", part):
                return kleene_not(self.says(part, resource, row))
            case ("any", path, condition):
                found = [self.says(condition, target, each) for target, each in self.members(resource, row, path)]
                return True if any(each is True for each in found) else None if self.lacks(condition, self.end(resource, path)) else False
            case _:
                return self.leaf(rule, resource, row)

    def leaf(self, rule: Rule, resource: str, row: Mapping[str, Any] | None) -> Truth:
        match rule:
            case ("signed_in",):
                return self.caller.name is not None
            case ("anonymous",):
                return None if self.caller.name is None else False
            case ("role", name):
                return None if self.caller.name is None else name in self.caller.roles
            case ("null", ("row", path)):
                return self.at(resource, row, path)[0] is None
            case ("true", ("row", path)):
                value = self.at(resource, row, path)[0]
                return None if value is None else bool(value)
            case ("compare", operator, left, right):
                return self.compare(operator, left, right, resource, row)
            case ("in", left, rights):
                if not rights:
                    return None if self.pair(left, left, resource, row)[0] is _MISSING else False
                return kleene_or([self.compare("eq", left, right, resource, row) for right in rights])
            case ("in_claim", left, claim):
                return self.in_claim(left, claim, resource, row)
            case ("starts", left, right):
                return self.starts(left, right, resource, row)
            case _:
                raise AssertionError(rule)

    # ---------------------------------------------------------------- values
    def compare(self, operator: str, left: Operand, right: Operand, resource: str, row: Mapping[str, Any] | None) -> Truth:
        one, other = self.pair(left, right, resource, row)
        if one is _MISSING or other is _MISSING:
            return None
        return bool({"eq": one == other, "ne": one != other, "lt": one < other, "le": one <= other, "gt": one > other, "ge": one >= other}[operator])

    def pair(self, left: Operand, right: Operand, resource: str, row: Mapping[str, Any] | None) -> tuple[Any, Any]:
        kinds = [self.kind(side, resource) for side in (left, right)]
        kind = next((each for each in kinds if each is not None), None)
        if kind is not None:
            one, other = (self.read(side, kind, resource, row) for side in (left, right))
            return one, other
        one, other = (self.bare(side) for side in (left, right))
        alike = type(one) is type(other) and isinstance(one, str | int)
        return (one, other) if alike else (_MISSING, _MISSING)

    def kind(self, operand: Operand, resource: str) -> str | None:
        """The kind that a side brings along: a cell's, or the clock's."""
        if operand[0] == "now":
            return "datetime"
        return self.kind_at(resource, operand[1]) if operand[0] == "row" else None

    def read(self, operand: Operand, kind: str, resource: str, row: Mapping[str, Any] | None) -> Any:
        if operand[0] == "now":
            return self.now
        value = self.at(resource, row, operand[1])[0] if operand[0] == "row" else operand[1] if operand[0] == "constant" else self.bare(operand)
        return as_kind(kind, value)

    def bare(self, operand: Operand) -> Any:
        """A value of the caller, or a constant, as it is."""
        match operand:
            case ("constant", value, _):
                return value
            case ("me", name):
                value = getattr(self.caller, name)
                return _MISSING if value is None else value
            case ("claim", name):
                return self.caller.claims.get(name, _MISSING)
            case _:
                raise AssertionError(operand)

    def in_claim(self, left: Operand, claim: str, resource: str, row: Mapping[str, Any] | None) -> Truth:
        listed, kind = list_of(self.caller.claims.get(claim)), self.kind(left, resource)
        if listed is None or kind is None:
            return None
        options = [as_kind(kind, each) for each in listed]
        value = self.read(left, kind, resource, row)
        if any(each is _MISSING for each in options) or value is _MISSING:
            return None
        return any(value == each for each in options)

    def starts(self, left: Operand, right: Operand, resource: str, row: Mapping[str, Any] | None) -> Truth:
        texts = [self.read(side, "text", resource, row) for side in (left, right)]
        if any(each is _MISSING for each in texts) or (right[0] != "row" and right[0] != "constant" and texts[1] == b""):
            return None
        return bool(texts[0].startswith(texts[1]))

    # ---------------------------------------------------------------- ways
    def at(self, resource: str, row: Mapping[str, Any] | None, path: tuple[str, ...]) -> tuple[Any, str]:
        """The value at the end of a path (None where any step is empty), and whose it is."""
        here = row
        for step in path[:-1]:
            target = self.tables[resource].references[step][0]
            here = self.world[target].get(here[f"{step}_id"]) if here is not None and here[f"{step}_id"] is not None else None
            resource = target
        return (None if here is None else here[self.column(resource, path[-1])]), resource

    def column(self, resource: str, name: str) -> str:
        return f"{name}_id" if name in self.tables[resource].references else name

    def kind_at(self, resource: str, path: tuple[str, ...]) -> str:
        for step in path[:-1]:
            resource = self.tables[resource].references[step][0]
        references = self.tables[resource].references
        if path[-1] in references:
            target = references[path[-1]][0]
            return "uuid" if target == "users" else self.tables[target].key
        return self.tables[resource].key if path[-1] == "id" else self.tables[resource].columns[path[-1]][0]

    def end(self, resource: str, path: tuple[str, ...]) -> str:
        for step in path[:-1]:
            resource = self.tables[resource].references[step][0]
        found = self.tables[resource].collections[path[-1]]
        return found[1] if found[0] == "via" else found[3]

    def members(self, resource: str, row: Mapping[str, Any], path: tuple[str, ...]) -> list[tuple[str, Mapping[str, Any]]]:
        """The rows of a collection."""
        key = row["id"]
        *steps, name = path
        if steps:
            key, _ = self.at(resource, row, tuple(steps))
        for step in steps:
            resource = self.tables[resource].references[step][0]
        if key is None:  # None == None would join every ownerless row
            return []
        found = self.tables[resource].collections[name]
        if found[0] == "via":
            return [(found[1], each) for each in self.world[found[1]].values() if each[f"{found[2]}_id"] == key]
        _, junction, near, target, far = found
        keys = [each[f"{far}_id"] for each in self.world[junction].values() if each[f"{near}_id"] == key]
        return [(target, self.world[target][each]) for each in keys if each is not None]

    # ---------------------------------------------------------------- without a row
    def lacks(self, rule: Rule, resource: str) -> bool:
        """The rule mentions a value of the caller that is missing."""
        match rule:
            case ("and" | "or", parts):
                return any(self.lacks(part, resource) for part in parts)
            case ("not", part):
                return self.lacks(part, resource)
            case ("always", _):
                return False
            case ("any", path, condition):
                return self.lacks(condition, self.end(resource, path))
            case ("in", left, rights) if any(side[0] in ("row", "now") for side in (left, *rights)):
                return any(self.lacks(("compare", "eq", left, right), resource) for right in rights)
            case _:
                return (self.is_settled(rule) and self.leaf(rule, resource, None) is None) or self.misses(rule, resource)

    def is_settled(self, leaf: Rule) -> bool:
        """Nothing of the row, nothing of the clock."""
        return not any(isinstance(side, tuple) and side[:1] in (("row",), ("now",)) for side in _sides(leaf))

    def misses(self, leaf: Rule, resource: str) -> bool:
        match leaf:
            case ("compare", _, left, right):
                kind = self.kind(left, resource) or self.kind(right, resource)
                return kind is not None and any(side[0] in ("me", "claim") and as_kind(kind, self.bare(side)) is _MISSING for side in (left, right))
            case ("in_claim", left, claim):
                listed, kind = list_of(self.caller.claims.get(claim)), self.kind(left, resource)
                return listed is None or kind is None or any(as_kind(kind, each) is _MISSING for each in listed)
            case ("starts", left, right):
                empty = right[0] == "claim" and self.bare(right) == ""
                return empty or any(side[0] in ("me", "claim") and as_kind("text", self.bare(side)) is _MISSING for side in (left, right))
            case _:
                return False

    def possible(self, rule: Rule, resource: str) -> frozenset[Truth]:
        """What the rule could say to this caller about any row at all, with each question about rows left open."""
        everything: frozenset[Truth] = frozenset((True, False, None))
        match rule:
            case ("always", value):
                return frozenset((bool(value),))
            case ("not", part):
                return frozenset(kleene_not(each) for each in self.possible(part, resource))
            case ("and" | "or" as word, parts):
                join = kleene_and if word == "and" else kleene_or
                found: frozenset[Truth] = frozenset((word == "and",))
                for part in parts:
                    found = frozenset(join((one, other)) for one in found for other in self.possible(part, resource))
                return found
            case ("any", path, condition):
                end = self.end(resource, path)
                if True in self.possible(condition, end):
                    return frozenset((True, None)) if self.lacks(condition, end) else everything
                return frozenset((None,)) if self.lacks(condition, end) else frozenset((False,))
            case ("in", left, rights) if rights and not self.is_settled(rule):
                parts = tuple(("compare", "eq", left, right) for right in rights)
                return everything if all(right[0] == "constant" for right in rights) else self.possible(("or", parts), resource)
            case _:
                if self.is_settled(rule):
                    return frozenset((self.leaf(rule, resource, None),))
                return frozenset((None,)) if self.misses(rule, resource) else everything


def _sides(leaf: Rule) -> list[Any]:
    match leaf:
        case ("in", left, rights):
            return [left, *rights]
        case ("in_claim", left, _) | ("null", left) | ("true", left):
            return [left]
        case ("compare", _, left, right) | ("starts", left, right):
            return [left, right]
        case _:
            return []


def as_kind(kind: str, value: Any) -> Any:
    """A value of JSON as one that compares like this kind; what can't be one is missing."""
    if value is None or value is _MISSING or (isinstance(value, bool) and kind != "boolean") or (isinstance(value, str) and "\0" in value):
        return _MISSING
    match kind:
        case "boolean":
            return value if isinstance(value, bool) else _MISSING
        case "text":
            return value.encode() if isinstance(value, str) else _MISSING
        case "uuid":
            return value if isinstance(value, str) and len(value) == 36 and value.count("-") == 4 else _MISSING
        case "integer":
            return value if isinstance(value, int) and abs(value) < 2**63 else _MISSING
        case "decimal":
            try:
                return Decimal(value) if isinstance(value, str | int) else _MISSING
            except InvalidOperation:
                return _MISSING
        case "float":
            return float(value) if isinstance(value, int | float) else _MISSING
        case "timedelta":
            return seconds(value) if isinstance(value, str) and _DURATION.fullmatch(value) else _MISSING
        case _:
            read = {"date": date.fromisoformat, "time": time.fromisoformat, "datetime": datetime.fromisoformat}[kind]
            try:
                return read(value) if isinstance(value, str) and (kind != "datetime" or "T" in value) else _MISSING
            except ValueError:
                return _MISSING


_DURATION = re.compile(r"(-?)P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9.]+)S)?)?")


def seconds(duration: str) -> Decimal:
    """`P1DT2H` in seconds."""
    found = _DURATION.fullmatch(duration)
    assert found is not None
    sign, *parts = found.groups()
    total = sum(Decimal(part or 0) * size for part, size in zip(parts, (86_400, 3_600, 60, 1), strict=True))
    return Decimal(-total if sign else total)
