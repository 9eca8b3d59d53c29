"""Conditions of a query, over the rows that one caller is shown. Kleene's three truths: a cell hidden in a row is unknown to every operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from tests.rules.oracle.queries.kinds import compact, is_list, is_object, key
from tests.rules.oracle.queries.questions import Condition, Group, Keys, Negated, Test
from tests.rules.oracle.truth import Truth, kleene_and, kleene_not, kleene_or

Shown = Mapping[str, Any]
#: At the end of a path that leads nowhere; JSON's null is None.
NOTHING: Any = object()


def holding(condition: Condition, row: Shown, kinds: Mapping[str, str], some: Mapping[str, bool]) -> Truth:
    """`some`: whether each relation of the level reaches a row."""
    match condition:
        case Group("and", parts):
            return kleene_and([holding(part, row, kinds, some) for part in parts])
        case Group(_, parts):
            return kleene_or([holding(part, row, kinds, some) for part in parts])
        case Negated(part):
            return kleene_not(holding(part, row, kinds, some))
        case Test() if condition.column not in kinds:
            return some[condition.column] is (condition.values[0] == "not_null")
        case Test():
            return tested(condition, kinds[condition.column], row)


def tested(test: Test, kind: str, row: Shown) -> Truth:
    if test.column not in row:
        return None
    held = row[test.column]
    if test.keys:
        kind, held = read(test, held)
    if test.operator == "is":
        return _is(test.values[0], held, json_is_there=bool(test.keys) and not test.as_text)
    if held is NOTHING:
        held = None
    if test.operator == "in" or test.quantifier == "any":
        truths = [compared("eq" if test.operator == "in" else test.operator, kind, held, each) for each in test.values]
        return None if held is None else kleene_or(truths)
    if test.quantifier == "all":
        return None if held is None else kleene_and([compared(test.operator, kind, held, each) for each in test.values])
    if test.operator in ("cs", "cd", "ov") and test.keys and held is None and within(row[test.column], test.keys) is None:
        return False  # JSON's null is a value
    return compared(test.operator, kind, held, test.values[0])


def _is(word: str, held: Any, *, json_is_there: bool) -> Truth:
    if word in ("true", "false"):
        return held is (word == "true") if isinstance(held, bool) else None
    empty = held is NOTHING or (held is None and not json_is_there)
    return empty is (word != "not_null")


# ---------------------------------------------------------------- into JSON
def within(held: Any, keys: Keys) -> Any:
    """What lies at the end of a path."""
    for step in keys:
        held = _inside(held, step)
    return held


def _inside(held: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return held[step] if is_list(held) and -len(held) <= step < len(held) else NOTHING
    return held[step] if is_object(held) and step in held else NOTHING


def text_of(held: Any) -> Any:
    """`->>`: a text as it is, JSON of the rest."""
    return held if held is NOTHING or held is None or isinstance(held, str) else compact(held)


def read(test: Test, held: Any) -> tuple[str, Any]:
    """The kind that the values have, and what lies at the path as one of it."""
    found = NOTHING if held is None else within(held, test.keys)
    if test.as_text:
        return "text", text_of(found)
    if test.operator in ("is", "cs", "cd", "ov"):
        return "json", found
    kind = kind_of(test.values[0]) if test.values else "text"
    return kind, found if found is not NOTHING and found is not None and kind_of(found) == kind else None


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "json"


# ---------------------------------------------------------------- operators
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"eq": eq, "neq": ne, "gt": gt, "gte": ge, "lt": lt, "lte": le}


def compared(operator: str, kind: str, held: Any, value: Any) -> Truth:
    if operator == "isdistinct":
        return held is None or key(kind, held) != key(kind, value)
    if held is None:
        return None
    if operator in _COMPARE:
        return _COMPARE[operator](key(kind, held), key(kind, value))
    match operator:
        case "like" | "ilike":
            return like(value, operator == "ilike").fullmatch(held) is not None
        case "cs":
            return holds(held, value)
        case "cd":
            return holds(value, held)
        case _:
            return is_list(held) and is_list(value) and any(alike(one, other) for one in held for other in value)


@lru_cache(4096)
def like(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    body = "".join(".*" if part in "*%" else "." if part == "_" else re.escape(part[-1]) for part in parts)
    return re.compile(body, re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else 0))


def holds(whole: Any, part: Any, *, top: bool = True) -> bool:
    """JSON that holds JSON, as Postgres says it."""
    if is_object(part):
        return is_object(whole) and all(name in whole and holds(whole[name], held, top=False) for name, held in part.items())
    if is_list(part):
        return is_list(whole) and all(any(holds(each, held, top=False) for each in whole) for held in part)
    return alike(whole, part) or (top and is_list(whole) and any(alike(each, part) for each in whole))


def alike(one: Any, other: Any) -> bool:
    """Equal to JSON: 1 and 1.0 are one number, and 1 is not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
