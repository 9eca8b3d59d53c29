"""Stored cells as JSON text, written by the database: exactly what `sql.values.printer` and msgspec would write of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Date, Double, Text, case, cast, func, literal_column

from backroom.resources.fields import Kind
from backroom.sql.values import DialectName

Expression = ColumnElement[Any]


def word(plain: str) -> Expression:
    """A word of ours in SQL: nothing in it needs escaping."""
    return literal_column(f"'{plain}'", Text())


_NULL = word("null")
_QUOTE = word('"')


def json_text(dialect: DialectName, kind: Kind, cell: Expression) -> Expression:
    """The JSON of a cell, never NULL."""
    return _WRITE[dialect][kind](cell)


def plain(kind: Kind, cell: Expression) -> Expression:
    """What SQLite's `json_object` prints as the JSON of a cell of a kind in `PLAIN`, or of a boolean."""
    return func.json(case((cell == literal_column("1"), word("true")), (cell == literal_column("0"), word("false")))) if kind == "boolean" else cell


def turned(dialect: DialectName, kind: Kind, into: Kind, cell: Expression) -> Expression:
    """The cell cast into another kind; `resources.selections.cast_of` says which casts there are."""
    if into == "float":
        return cast(cell, Double())
    if into == "date":
        return func.substr(cell, 1, 10) if dialect == "sqlite" else cast(_in_utc(cell), Date())
    written = json_text(dialect, kind, cell)
    if kind in _SPELLED:
        unquoted = func.substr(written, 2, func.length(written) - 2) if kind != "text" else cell
        return case((cell.is_not(None), unquoted))
    return case((cell.is_not(None), written.concat(word(""))))  # concatenated, it is a text and no JSON to SQLite


def _quoted(text: Expression) -> Expression:
    """Text in which nothing needs escaping, in quotes; NULL as null."""
    return func.coalesce(_QUOTE.concat(text).concat(_QUOTE), _NULL)


# ---------------------------------------------------------------- SQLite
def _boolean(cell: Expression) -> Expression:
    return case((cell == literal_column("1"), word("true")), (cell == literal_column("0"), word("false")), else_=_NULL)


def _or_null(cell: Expression) -> Expression:
    return func.coalesce(cell, _NULL)


def _base64(cell: Expression) -> Expression:
    return func.json_quote(func.base64_text(cell))


# ---------------------------------------------------------------- Postgres
def _as_json(cell: Expression) -> Expression:
    return _or_null(cast(func.to_json(cell), Text()))


def _as_is(cell: Expression) -> Expression:
    return _or_null(cast(cell, Text()))


def _as_quoted(cell: Expression) -> Expression:
    return _quoted(cast(cell, Text()))


def _in_utc(cell: Expression) -> Expression:
    return cell.op("AT TIME ZONE")(word("UTC"))


def _moment(cell: Expression) -> Expression:
    """asyncpg stores the first instant of year 1 as `-infinity`."""
    shown = func.to_char(_in_utc(cell), word('YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    first = cell == literal_column("'-infinity'::timestamptz")
    return _quoted(case((first, word("0001-01-01T00:00:00.000Z")), else_=shown))


def _day(cell: Expression) -> Expression:
    return _quoted(func.to_char(cell, word("YYYY-MM-DD")))


def _clock(cell: Expression) -> Expression:
    """Six digits of a second, or none, as Python writes them."""
    fraction = func.to_char(cell, word(".US"))
    return _quoted(func.to_char(cell, word("HH24:MI:SS")).concat(case((fraction == word(".000000"), word("")), else_=fraction)))


def _bytes(cell: Expression) -> Expression:
    return _quoted(func.replace(func.encode(cell, word("base64")), literal_column("chr(10)"), word("")))


# ---------------------------------------------------------------- both
def _duration(cell: Expression) -> Expression:
    """Microseconds as `P400DT1H30M5.25S`; see `sql.values.span_text`."""
    whole: Expression = func.abs(cell)

    def part(unit: int, most: int | None, letter: str) -> Expression:
        number: Expression = whole.op("/")(literal_column(str(unit)))
        number = number if most is None else number.op("%")(literal_column(str(most)))
        return case((number > literal_column("0"), cast(number, Text()).concat(word(letter))), else_=word(""))

    rest: Expression = whole.op("%")(literal_column("1000000"))
    seconds: Expression = whole.op("/")(literal_column("1000000")).op("%")(literal_column("60"))
    digits = func.rtrim(func.substr(cast(rest + literal_column("1000000"), Text()), 2), word("0"))
    fraction = case((rest > literal_column("0"), word(".").concat(digits)), else_=word(""))
    second = case(
        ((seconds > literal_column("0")) | (rest > literal_column("0")), cast(seconds, Text()).concat(fraction).concat(word("S"))), else_=word("")
    )
    clock = part(3_600_000_000, 24, "H").concat(part(60_000_000, 60, "M")).concat(second)
    days = part(86_400_000_000, None, "D")
    time = case((clock != word(""), word("T").concat(clock)), (days == word(""), word("T0S")), else_=word(""))
    sign = case((cell < literal_column("0"), word("-")), else_=word(""))
    return case((cell.is_not(None), _QUOTE.concat(sign).concat(word("P")).concat(days).concat(time).concat(_QUOTE)), else_=_NULL)


#: Kinds that SQLite stores as JSON has them, but for quotes.
PLAIN: frozenset[Kind] = frozenset({"text", "integer", "float", "decimal", "date", "datetime", "time", "uuid"})
#: Kinds whose JSON is a string.
_SPELLED: frozenset[Kind] = frozenset({"text", "decimal", "date", "datetime", "time", "timedelta", "uuid", "bytes"})
_SQLITE: Mapping[Kind, Callable[[Expression], Expression]] = {
    **dict.fromkeys(PLAIN, func.json_quote),
    "boolean": _boolean,
    "json": _or_null,
    "bytes": _base64,
    "timedelta": _duration,
}
_POSTGRES: Mapping[Kind, Callable[[Expression], Expression]] = {
    "text": _as_json,
    "integer": _as_is,
    "float": _as_json,
    "boolean": _as_is,
    "json": _as_is,
    "decimal": _as_quoted,
    "uuid": _as_quoted,
    "date": _day,
    "datetime": _moment,
    "time": _clock,
    "bytes": _bytes,
    "timedelta": _duration,
}
_WRITE: Mapping[DialectName, Mapping[Kind, Callable[[Expression], Expression]]] = {"sqlite": _SQLITE, "postgresql": _POSTGRES}
