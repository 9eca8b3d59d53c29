"""What `Matches` is in SQL: patterns, distinctness, JSON that holds JSON. NULL on either side stays NULL, `isdistinct` aside."""

from __future__ import annotations

import re
from typing import Any, cast

from sqlalchemy import ColumnElement, case, func, literal_column, select
from sqlalchemy.dialects import postgresql

from backroom.sql.values import DialectName

_ONE: ColumnElement[Any] = literal_column("1")
_ZERO: ColumnElement[Any] = literal_column("0")
_ESCAPED = re.compile(r"\\(.)|([%_*?\[])", re.DOTALL)
#: Postgres' regular expressions. One that a caller wrote may run for seconds or fail, so it may never meet a row that he may not read.
REGULAR = {"match": "~", "imatch": "~*"}
_GLOB = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


def glob(pattern: str) -> str:
    """A pattern of LIKE as one of GLOB, SQLite's only pattern that heeds upper and lower case.

    >>> glob("50\\\\%_*")
    '50%?[*]'
    """
    return _ESCAPED.sub(lambda found: _literal(found[1]) if found[1] is not None else _GLOB[found[2]], pattern)


def _literal(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter


def matches(dialect: DialectName, operator: str, column: ColumnElement[Any], value: ColumnElement[Any], negated: bool) -> ColumnElement[bool]:
    """`column operator value`, or its negation. SQLite's `like` gets its value from `glob`."""
    if operator == "isdistinct":
        return column.is_not_distinct_from(value) if negated else column.is_distinct_from(value)
    if operator in ("cs", "cd", "ov"):
        return _holding(dialect, operator, column, value, negated)
    if dialect == "sqlite":
        if operator == "like":
            return cast("ColumnElement[bool]", column.op("NOT GLOB" if negated else "GLOB", is_comparison=True)(value))
        return column.not_like(value, escape="\\") if negated else column.like(value, escape="\\")  # heeds no case, of ASCII letters
    if operator in REGULAR:
        return cast("ColumnElement[bool]", column.op(("!" if negated else "") + REGULAR[operator], is_comparison=True)(value))
    word = f"NOT {operator.upper()}" if negated else operator.upper()
    return cast("ColumnElement[bool]", column.op(word, is_comparison=True)(value))


def _holding(dialect: DialectName, operator: str, column: ColumnElement[Any], value: ColumnElement[Any], negated: bool) -> ColumnElement[bool]:
    if dialect == "sqlite":
        sides = (value, column) if operator == "cd" else (column, value)
        answer: ColumnElement[Any] = (func.json_overlaps if operator == "ov" else func.json_contains)(*sides)
        return answer == (_ZERO if negated else _ONE)
    if operator == "ov":
        found: Any = _shared(column, value)
    else:
        found = column.op("@>" if operator == "cs" else "<@", is_comparison=True)(value)
    return cast("ColumnElement[bool]", ~found if negated else found)


def _shared(column: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Some element of the one list is in the other. NULL where the column is; a JSON value that is no list has no elements."""
    empty: ColumnElement[Any] = literal_column("'[]'::jsonb", postgresql.JSONB())
    left, right = (
        func.jsonb_array_elements(case((func.jsonb_typeof(side) == literal_column("'array'"), side), else_=empty)).table_valued("value", name=name)
        for side, name in ((column, "held"), (value, "wanted"))
    )
    return case((column.is_not(None), select(_ONE).select_from(left, right).where(left.c.value == right.c.value).exists()))
