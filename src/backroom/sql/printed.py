"""A page as JSON, printed by SQLite itself: one value instead of twenty rows.

Python's lock is let go and taken again at every row that SQLite hands out, and other threads wait for it meanwhile; and each cell would become an
object only to become text again. Postgres prints faster than it is asked to: there the rows are the better question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, Select, cast, func, literal_column, select

from backroom.calls import Row
from backroom.resources.fields import Kind
from backroom.sql.json_text import PLAIN, plain, word
from backroom.sql.select import Projection
from backroom.sql.values import DialectName

#: JSON escapes the ends of lines within texts, so one that stands in a page parts two rows.
_BETWEEN = b",\n"


#: Kinds that SQLite prints exactly as `sql.values.printer` would.
_PRINTABLE = PLAIN | {"boolean", "json"}


def can_print(projection: Projection, dialect: DialectName) -> bool:
    """A cell hidden in some rows leaves no key there, and JSON made by SQL has the same keys in every row."""
    return dialect == "sqlite" and not projection.conditional and all(field.kind in _PRINTABLE for field in projection.fields)


def printed(page: Select[Any], projection: Projection) -> Select[int, bytes]:
    """The page, asked as one row: how many there are, and their JSON, to be read by `page_of`."""
    rows = page.subquery("page")
    cells = [part for field in projection.fields for part in (word(field.column), _cell(field.kind, rows.c[field.column]))]
    text = func.group_concat(func.json_object(*cells), literal_column("char(44, 10)"))
    return select(func.count(), cast(text, LargeBinary)).select_from(rows)


def _cell(kind: Kind, stored: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.json(stored) if kind == "json" else plain(kind, stored)


class Page(NamedTuple):
    """How many rows a page has, whether more follow, its JSON array, and, if more do, JSON that holds the keys of its last row."""

    length: int
    more: bool
    body: bytes
    last: bytes | None = None


def page_of(rows: Sequence[Row], limit: int) -> Page:
    """The page, of which one row more than `limit` was asked for."""
    found, *texts = rows[0]
    text, *keys = [text.encode() if isinstance(text, str) else text or b"" for text in texts]
    if found <= limit:
        return Page(found, False, b"[%b]" % text)
    if not limit:
        return Page(0, True, b"[]")
    shown = text[: text.rindex(_BETWEEN)]
    return Page(limit, True, b"[%b]" % shown, keys[0].split(_BETWEEN)[limit - 1] if keys else _last(shown))


def _last(shown: bytes) -> bytes:
    before = shown.rfind(_BETWEEN)
    return shown if before < 0 else shown[before + len(_BETWEEN) :]
