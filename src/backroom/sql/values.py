"""How a Python value is stored and read back, per kind and database; and how a stored value goes out as JSON.

SQLite holds what goes out (ISO text, UUID text), so that reading a row converts nothing. Postgres holds its own types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from backroom.resources.fields import Kind

DialectName: TypeAlias = Literal["sqlite", "postgresql"]
Convert: TypeAlias = Callable[[Any], Any]

_json_encode = msgspec.json.Encoder().encode
_json_decode = msgspec.json.Decoder().decode


def _same(value: Any) -> Any:
    return value


def moment_text(moment: datetime) -> str:
    """`2026-12-01T09:00:00.000Z`: UTC, always milliseconds, so that text order is time order."""
    if moment.tzinfo is not UTC:
        moment = _aware(moment).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"  # without its +00:00


def _aware(moment: datetime) -> datetime:
    """asyncpg keeps the first instant of year 1 as `-infinity`, and gives it back without its zone."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _milliseconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _span(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)


def _span_text(microseconds: int) -> str:
    """`P400DT1H30M`. Never years or months: to a calendar they are no fixed number of days."""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    shown = f"{seconds}.{fraction:06}".rstrip("0").rstrip(".") if fraction else str(seconds)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (shown, "S")) if number not in (0, "0"))
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"{'-' if microseconds < 0 else ''}P{text or 'T0S'}"


def _json_text(value: Any) -> str:
    return _json_encode(value).decode()


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _decimal_text(value: Decimal) -> str:
    return format(value, "f")


_STORE: Mapping[DialectName, Mapping[Kind, Convert]] = {
    "sqlite": {
        "boolean": int,
        "decimal": _decimal_text,
        "date": date.isoformat,
        "datetime": moment_text,
        "time": time.isoformat,
        "timedelta": _microseconds,
        "uuid": str,
        "json": _json_text,
        "float": float,
        "text": str,
    },
    "postgresql": {"datetime": _milliseconds, "timedelta": _microseconds, "json": _json_text, "float": float, "text": str},
}
_LOAD: Mapping[DialectName, Mapping[Kind, Convert]] = {
    "sqlite": {
        "boolean": bool,
        "decimal": Decimal,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
        "time": time.fromisoformat,
        "timedelta": _span,
        "uuid": UUID,
        "json": _json_decode,
    },
    "postgresql": {"datetime": _aware, "timedelta": _span, "json": _json_decode},
}
_PRINT: Mapping[DialectName, Mapping[Kind, Convert]] = {
    "sqlite": {"boolean": bool, "timedelta": _span_text, "json": _raw},
    "postgresql": {"datetime": moment_text, "timedelta": _span_text, "json": _raw, "decimal": _decimal_text},
}


def storer(kind: Kind, dialect: DialectName) -> Convert:
    """Python value -> stored value, for values that are not None."""
    return _STORE[dialect].get(kind, _same)


def loader(kind: Kind, dialect: DialectName) -> Convert:
    """Stored value -> Python value, for values that are not None."""
    return _LOAD[dialect].get(kind, _same)


def printer(kind: Kind, dialect: DialectName) -> Convert | None:
    """Stored value -> what msgspec writes as JSON; None where the stored value is written as it is."""
    return _PRINT[dialect].get(kind)


def store(kind: Kind, value: Any, dialect: DialectName) -> Any:
    """One value in storage form; None stays None."""
    return None if value is None else storer(kind, dialect)(value)


def load(kind: Kind, value: Any, dialect: DialectName) -> Any:
    """One stored value as Python sees it; None stays None."""
    return None if value is None else loader(kind, dialect)(value)
