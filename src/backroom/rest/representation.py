"""Rows as JSON bytes. An encoder is generated once per projection: unpacking a row into a struct is twice as fast as building a dict."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from backroom.calls import Row
from backroom.sql import printed
from backroom.sql.printed import Page
from backroom.sql.select import Projection
from backroom.sql.values import DialectName, printer

_encode = msgspec.json.Encoder().encode


class Representation:
    """How the rows of one projection go out: the bytes of one, of many, and the ETag of one."""

    def __init__(self, projection: Projection, dialect: DialectName) -> None:
        self.projection = projection
        self.names = tuple(field.column for field in projection.fields)
        self._make = _maker(projection, dialect)
        self._flags = tuple((len(self.names) + index, field.column) for index, field in enumerate(projection.conditional))
        self._version_at = len(self.names) + len(self._flags)
        self._suffix = _digest(self.names)

    def one(self, row: Row) -> bytes:
        return _encode(self.value(row))

    def many(self, rows: Sequence[Row]) -> bytes:
        if self._flags:
            return _encode([self.value(row) for row in rows])
        make = self._make
        return _encode([make(row) for row in rows])

    def some(self, row: Row, names: tuple[str, ...]) -> tuple[bytes, bytes]:
        """ETag and JSON of these columns alone; those that are hidden in this row are left out."""
        value: Any = self.value(row)
        whole: dict[str, Any] = value if self._flags else dict(zip(self.names, msgspec.structs.astuple(value), strict=True))
        shown = {name: whole[name] for name in names if name in whole}
        return f'"{row[self._version_at]}-{_digest(tuple(shown))}"'.encode(), _encode(shown)

    def page_of(self, rows: Sequence[Row], limit: int) -> Page:
        """The page, of which one row more than `limit` was asked for."""
        if len(rows) <= limit:
            return Page(len(rows), False, self.many(rows))
        return Page(limit, True, self.many(rows[:limit]), self.one(rows[limit - 1]) if limit else None)

    def csv_page_of(self, rows: Sequence[Row], limit: int) -> Page:
        """`page_of` as lines of comma-separated values under a line of names. What is hidden in a row is empty there."""
        page = self.page_of(rows, limit)
        return page._replace(body=csv_lines(self.names, json.loads(page.body)))

    def value(self, row: Row) -> Any:
        """What msgspec writes: a struct, or a mapping without the keys that are hidden in this row."""
        made = self._make(row)
        if not self._flags:
            return made
        shown = msgspec.structs.asdict(made)
        hidden = {column for position, column in self._flags if not row[position]}
        return {column: value for column, value in zip(self.names, shown.values(), strict=True) if column not in hidden}

    def etag(self, row: Row) -> bytes:
        """The hidden counter of writes, and which keys this caller is shown in this row (RULES.md, 21)."""
        suffix = self._suffix
        if self._flags:
            hidden = {column for position, column in self._flags if not row[position]}
            suffix = _digest(tuple(name for name in self.names if name not in hidden))
        return f'"{row[self._version_at]}-{suffix}"'.encode()


class Selected:
    """How rows go out whose JSON the database wrote: in place of a `Representation` in replies to writes. Each row is its key and its JSON."""

    names = ("id",)

    def __init__(self, projection: Projection) -> None:
        self.projection = projection

    def one(self, row: Row) -> bytes:
        text: bytes = row[1]
        return text

    def many(self, rows: Sequence[Row]) -> bytes:
        return b"[%b]" % b",\n".join(row[1] for row in rows)


def csv_of(names: Sequence[str]) -> Callable[[Sequence[Row], int], Page]:
    """`printed.page_of` as lines of comma-separated values under these names."""

    def page_of(rows: Sequence[Row], limit: int) -> Page:
        page = printed.page_of(rows, limit)
        return page._replace(body=csv_lines(names, json.loads(page.body)))

    return page_of


def csv_lines(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A line of the names, and one of each row's values."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(names)
    lines.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as PostgREST writes it into CSV: JSON for what is no plain value, nothing for null."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _digest(names: tuple[str, ...]) -> str:
    return hashlib.sha256(",".join(names).encode()).hexdigest()[:10]


def version_of(etag: str) -> int | None:
    """The counter in an If-Match tag; None for a tag that no row of ours ever had."""
    counter, dash, _ = etag.strip().strip('"').partition("-")
    return int(counter) if dash and counter.isascii() and counter.isdigit() and len(counter) < 19 and not etag.strip().startswith("W/") else None


def _maker(projection: Projection, dialect: DialectName) -> Callable[[Row], Any]:
    """`lambda r: Row(r[0], None if r[1] is None else p1(r[1]), ...)`, written out."""
    struct = msgspec.defstruct(
        "Row",
        [(f"f{index}", Any) for index in range(len(projection.fields))],
        rename={f"f{index}": field.column for index, field in enumerate(projection.fields)},
    )
    scope: dict[str, Any] = {"Row": struct}
    cells: list[str] = []
    for index, field in enumerate(projection.fields):
        convert = printer(field.kind, dialect)
        if convert is None:
            cells.append(f"r[{index}]")
        else:
            scope[f"p{index}"] = convert
            maskable = field.nullable or field in projection.conditional
            cells.append(f"None if r[{index}] is None else p{index}(r[{index}])" if maskable else f"p{index}(r[{index}])")
    maker: Callable[[Row], Any] = eval(f"lambda r: Row({', '.join(cells)})", scope)  # noqa: S307 - built from positions alone
    return maker
