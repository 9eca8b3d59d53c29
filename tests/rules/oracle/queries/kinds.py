"""Kinds of values: which are drawn, how they compare, how the wire and the databases spell them. A value is kept in JSON's form."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeGuard
from uuid import UUID

from tests.rules.oracle import draw
from tests.rules.oracle.truth import seconds

#: Kinds with an order, and those without.
ORDERED = ("text", "integer", "decimal", "boolean", "datetime", "float", "date", "time", "timedelta", "uuid")
STRUCTURED = ("json", "texts", "numbers")
KINDS = (*ORDERED, "bytes", *STRUCTURED)
#: Those that patterns look at. People's addresses are text of a certain form.
TEXTS = ("text", "email")

VALUES: dict[str, tuple[Any, ...]] = {
    **draw.VALUES,
    "text": (*draw.VALUES["text"], "a,b", 'q"(o)', "back\\slash", "a_b*", "Ab", "ab\nc", "null", "\U0001f95b", "é.a", " a "),
    "email": ("ann@example.com", "bob@example.com", "zoe@example.com"),
    "bytes": ("", "AA==", "aGk=", "/+8="),
    "json": (
        {},
        {"a": 1},
        {"a": "x", "b": [1, 2]},
        {"a": {"b": "y", "c": None}},
        {"a": [{"b": 1}, {"b": True}], "c": 1.5},
        {"b": "1", "a": True},
        {"a": "1"},
        {"a": 10, "c": ""},
    ),
    "texts": ([], ["a"], ["a", "b"], ["b", "a,b"], ["x y", 'q"'], ["a", "a"]),
    "numbers": ([], [1], [1, 2], [2, 3, -1]),
}
#: Other spellings of the same value, as a query may write it.
_OTHERWISE: dict[str, dict[Any, tuple[str, ...]]] = {
    "decimal": {"1.50": ("1.5", "1.500"), "100": ("1e2", "100.0"), "0": ("-0", "0.00")},
    "datetime": {
        "2024-06-01T12:30:00.500Z": ("2024-06-01T14:30:00.5+02:00", "2024-06-01 12:30:00.500900Z"),
        "2020-01-01T00:00:00.000Z": ("2020-01-01T00:00Z",),
    },
    "float": {0.25: ("0.250", "2.5e-1"), 2.0: ("2",)},
    "time": {"09:30:00": ("09:30",)},
    "timedelta": {"PT1H30M": ("PT90M",), "P1D": ("PT24H",)},
    "uuid": {"f0000000-0000-4000-8000-000000000000": ("F0000000-0000-4000-8000-000000000000",)},
}  # fmt: skip


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def key(kind: str, value: Any) -> Any:
    """What compares as values of this kind do."""
    match kind:
        case "text" | "email":
            return value.encode()
        case "decimal":
            return Decimal(value)
        case "datetime":
            return datetime.fromisoformat(value).astimezone(UTC)
        case "date":
            return date.fromisoformat(value)
        case "time":
            return time.fromisoformat(value)
        case "timedelta":
            return seconds(value)
        case "bytes":
            return b64decode(value)
        case _:
            return value


def spellings(kind: str, value: Any) -> list[str]:
    """How a query may write the value: the plain way first."""
    if kind in STRUCTURED:
        text = compact(value)
        return [text] if kind == "json" else [text, "{" + ",".join(map(_element, value)) + "}"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    plain = repr(value) if isinstance(value, float) else str(value)
    return [plain, *_OTHERWISE.get(kind, {}).get(value, ())]


def compact(value: Any) -> str:
    """JSON as the server stores it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _element(value: Any) -> str:
    text = str(value)
    if isinstance(value, int):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if set(text) & set('",{}\\ ') or text in ("", "null") else text


# ---------------------------------------------------------------- the databases, without us
_SQLITE: dict[str, Callable[[Any], Any]] = {
    "boolean": int,
    "timedelta": lambda text: int(seconds(text) * 1_000_000),
    "bytes": b64decode,
    **dict.fromkeys(STRUCTURED, compact),
}
_POSTGRES: dict[str, Callable[[Any], Any]] = {
    **_SQLITE,
    "boolean": bool,
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "uuid": UUID,
}


def stored(kind: str, value: Any, *, sqlite: bool) -> Any:
    """JSON's form -> what a driver takes."""
    return None if value is None else (_SQLITE if sqlite else _POSTGRES).get(kind, lambda same: same)(value)


def loaded(kind: str, cell: Any) -> Any:
    """What a driver gives -> JSON's form."""
    if cell is None:
        return None
    match kind:
        case "boolean":
            return bool(cell)
        case "timedelta":
            return duration(cell)
        case "bytes":
            return b64encode(bytes(cell)).decode()
        case "json" | "texts" | "numbers":
            return json.loads(cell)
        case "datetime" if isinstance(cell, datetime):
            return cell.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case "decimal":
            return format(cell, "f") if isinstance(cell, Decimal) else cell
        case _ if isinstance(cell, date | time):
            return cell.isoformat()
        case _:
            return str(cell) if isinstance(cell, UUID) else cell


def duration(microseconds: int) -> str:
    """As the wire writes it: days, hours, minutes, seconds, without what is zero."""
    span = timedelta(microseconds=abs(microseconds))
    hours, rest = divmod(span.seconds, 3600)
    minutes, whole = divmod(rest, 60)
    fraction = f".{span.microseconds:06}".rstrip("0") if span.microseconds else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{whole}{fraction}S" if whole or fraction else "")
    text = (f"{span.days}D" if span.days else "") + (f"T{clock}" if clock else "")
    return ("-" if microseconds < 0 else "") + "P" + (text or "T0S")
