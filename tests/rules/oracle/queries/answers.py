"""A question that reads, over V(me) -> the reply."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.rules.oracle.queries.levels import Fault, Level
from tests.rules.oracle.queries.questions import Question
from tests.rules.oracle.queries.selections import Bag, groups, shown
from tests.rules.oracle.queries.sight import Sight

GREATEST = 1000


class Answer(NamedTuple):
    """`body` None: not foretold. `span`: Content-Range. `more`: there is a next page."""

    status: int
    body: Any = None
    span: str | None = None
    more: bool | None = None


def read(sight: Sight, question: Question) -> Answer:
    name = question.resource
    closed = sight.closed(name, "read")
    if closed is not None and not question.is_postgrest:
        return Answer(closed)
    try:
        level = Level(sight, name, question.items, question.where, question.order)
    except Fault:
        return Answer(400)
    if question.key is not None:
        row = sight.rows(name).get(question.key)
        return Answer(404) if row is None else Answer(200, shown(level, row))
    found = level.matching(list(sight.rows(name).values()))
    if level.grouped:
        return page(question, groups(level, found))
    return page(question, level.ordered(found), level)


def page(question: Question, found: list[Any], level: Level | None = None) -> Answer:
    """`found`: rows of the level, or groups, which are shown as they are."""
    offset, limit = bounds(question)
    if limit > GREATEST and not question.is_postgrest:
        return Answer(400)
    limit, total = min(limit, GREATEST), len(found)
    chosen = found[offset : offset + limit]
    more = total > offset + limit
    if question.one and len(chosen) + more != 1:
        return Answer(406)
    if question.counted and question.is_postgrest and offset > total:
        return Answer(416)
    length = len(chosen)
    span = f"{f'{offset}-{offset + length - 1}' if length else '*'}/{total if question.counted else '*'}"
    status = 206 if question.counted and question.is_postgrest and length < total else 200
    rows = Bag(chosen) if level is None else [shown(level, row) for row in chosen]
    return Answer(status, rows if not question.one else rows[0] if rows else None, span, more and limit > 0)


def bounds(question: Question) -> tuple[int, int]:
    offset, limit = question.offset or 0, question.limit
    if question.span is not None:
        first, last = question.span
        offset = offset or first
        limit = limit if limit is not None or last is None else last - first + 1
    return offset, (GREATEST if question.is_postgrest else 100) if limit is None else limit
