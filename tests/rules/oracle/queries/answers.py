"""A question over V(me) -> the reply. Kleene's three truths over dicts: a cell that is hidden in a row is unknown to every operator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from tests.rules.oracle.queries.kinds import STRUCTURED, TEXTS, key
from tests.rules.oracle.queries.questions import Condition, Group, Negated, Question, Sort, Test, tests_of
from tests.rules.oracle.queries.sight import Sight
from tests.rules.oracle.truth import Truth, kleene_and, kleene_not, kleene_or

Shown = Mapping[str, Any]
GREATEST = 1000


class Answer(NamedTuple):
    """`body` None: not foretold. `ordered`: its rows stand in this order. `span`: Content-Range. `more`: there is a next page."""

    status: int
    body: Any = None
    ordered: bool = True
    span: str | None = None
    more: bool | None = None


# ---------------------------------------------------------------- reading
def read(sight: Sight, question: Question) -> Answer:
    name = question.resource
    closed = sight.closed(name, "read")
    if closed is not None and not question.is_postgrest:
        return Answer(closed)
    if faulty(sight, question):
        return Answer(400)
    if question.key is not None:
        row = sight.rows(name).get(question.key)
        return Answer(404) if row is None else Answer(200, chosen(question, row))
    found = ordered(sight, name, matching(sight, name, question.where), question.order)
    return page(question, found, [chosen(question, row) for row in found])


def page(question: Question, found: list[Any], bodies: list[Any]) -> Answer:
    offset, limit = bounds(question)
    if limit > GREATEST and not question.is_postgrest:
        return Answer(400)
    limit, total = min(limit, GREATEST), len(found)
    body = bodies[offset : offset + limit]
    more = total > offset + limit
    if question.one:
        if len(body) + more != 1:
            return Answer(406)
        body = body[0] if body else None
    length = min(limit, max(0, total - offset))
    span = f"{offset}-{offset + length - 1}" if length else "*"
    status = 200
    if question.counted and question.is_postgrest:
        if offset > total:
            return Answer(416)
        status = 206 if length < total else 200
    return Answer(status, body, True, f"{span}/{total if question.counted else '*'}", more and limit > 0)


def bounds(question: Question) -> tuple[int, int]:
    offset, limit = question.offset or 0, question.limit
    if question.span is not None:
        first, last = question.span
        offset = offset or first
        limit = limit if limit is not None or last is None else last - first + 1
    return offset, (GREATEST if question.is_postgrest else 100) if limit is None else limit


def chosen(question: Question, row: Shown) -> dict[str, Any]:
    if question.select in (None, ("*",)):
        return dict(row)
    return {name: row[name] for name in question.select or () if name in row}


# ---------------------------------------------------------------- what is refused
def faulty(sight: Sight, question: Question) -> bool:
    name, known = question.resource, sight.known(question.resource)
    names = [*(question.select or ()), *(sort.column for sort in question.order)]
    if any(each not in known for each in names if each != "*"):
        return True
    if any(sight.kind(name, sort.column) in STRUCTURED for sort in question.order):
        return True
    return not all(fits(sight, name, test) for condition in question.where for test in tests_of(condition))


def fits(sight: Sight, name: str, test: Test) -> bool:
    """The column exists for this caller, and the operator is for values like its."""
    if test.column not in sight.known(name):
        return False
    kind = sight.kind(name, test.column)
    match test.operator:
        case "is":
            return kind == "boolean" or test.values[0] in ("null", "not_null")
        case "like" | "ilike":
            return kind in TEXTS
        case "cs" | "cd" | "ov":
            return kind in STRUCTURED
        case _:
            return kind not in STRUCTURED or not test.values


# ---------------------------------------------------------------- conditions
def matching(sight: Sight, name: str, where: tuple[Condition, ...]) -> list[dict[str, Any]]:
    return [row for row in sight.rows(name).values() if all(asked(sight, name, condition, row) is True for condition in where)]


def asked(sight: Sight, name: str, condition: Condition, row: Shown) -> Truth:
    match condition:
        case Group("and", parts):
            return kleene_and([asked(sight, name, part, row) for part in parts])
        case Group(_, parts):
            return kleene_or([asked(sight, name, part, row) for part in parts])
        case Negated(part):
            return kleene_not(asked(sight, name, part, row))
        case Test():
            return tested(condition, sight.kind(name, condition.column), row)


def tested(test: Test, kind: str, row: Shown) -> Truth:
    if test.column not in row:
        return None
    held = row[test.column]
    if test.operator == "is":
        return _is(test.values[0], held)
    if test.operator == "in" or test.quantifier == "any":
        truths = [compared("eq" if test.operator == "in" else test.operator, kind, held, each) for each in test.values]
        return None if held is None else kleene_or(truths)
    if test.quantifier == "all":
        return None if held is None else kleene_and([compared(test.operator, kind, held, each) for each in test.values])
    return compared(test.operator, kind, held, test.values[0])


def _is(word: str, held: Any) -> Truth:
    match word:
        case "null" | "unknown":
            return held is None
        case "not_null":
            return held is not None
        case _:
            return None if held is None else held is (word == "true")


def compared(operator: str, kind: str, held: Any, value: Any) -> Truth:  # noqa: C901, PLR0912 - one line an operator
    if operator == "isdistinct":
        return held is None or key(kind, held) != key(kind, value)
    if held is None:
        return None
    match operator:
        case "like" | "ilike":
            return like(value, operator == "ilike").fullmatch(held) is not None
        case "cs":
            return holds(held, value)
        case "cd":
            return holds(value, held)
        case "ov":
            return isinstance(held, list) and isinstance(value, list) and any(alike(one, other) for one in held for other in value)
    one, other = key(kind, held), key(kind, value)
    match operator:
        case "eq":
            return bool(one == other)
        case "neq":
            return bool(one != other)
        case "gt":
            return bool(one > other)
        case "gte":
            return bool(one >= other)
        case "lt":
            return bool(one < other)
        case _:
            return bool(one <= other)


@lru_cache(4096)
def like(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    body = "".join(".*" if part in "*%" else "." if part == "_" else re.escape(part[-1]) for part in parts)
    return re.compile(body, re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else 0))


def holds(whole: Any, part: Any, *, top: bool = True) -> bool:
    """JSON that holds JSON, as Postgres says it."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and holds(whole[name], held, top=False) for name, held in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(holds(each, held, top=False) for each in whole) for held in part)
    return alike(whole, part) or (top and isinstance(whole, list) and any(alike(each, part) for each in whole))


def alike(one: Any, other: Any) -> bool:
    """Equal to JSON: 1 and 1.0 are one number, and 1 is not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


# ---------------------------------------------------------------- order
def ordered(sight: Sight, name: str, rows: list[dict[str, Any]], order: tuple[Sort, ...]) -> list[dict[str, Any]]:
    """A total order: the key comes last, the way of the last that was asked for."""
    if not any(sort.column == "id" for sort in order):
        order = (*order, Sort("id", order[-1].descending if order else False))
    found = list(rows)
    for sort in reversed(order):
        kind, down = sight.kind(name, sort.column), bool(sort.descending)
        full = sorted((row for row in found if row.get(sort.column) is not None), key=lambda row: key(kind, row[sort.column]), reverse=down)
        empty = [row for row in found if row.get(sort.column) is None]
        first = down if sort.nulls_first is None else sort.nulls_first
        found = [*empty, *full] if first else [*full, *empty]
    return found
