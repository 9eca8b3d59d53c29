"""Values as the wire writes them, read exactly: one spelling per type, in bodies and in queries.

Every reader takes the text and returns the Python value, or raises through `refuse` (code, phrase). The phrase continues "Due ...".
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from backroom.resources.fields import Kind
from backroom.validation.strict_json import MAX_SAFE_INTEGER

#: Longest Decimal, in digits before and after the point together, as it is written out without an exponent.
MAX_DECIMAL_DIGITS = 100

MAX_DURATION_DAYS = 100_000_000

#: What each kind is, as a phrase.
WANTED: Mapping[Kind, str] = {
    "text": "must be text",
    "integer": "must be a whole number",
    "float": "must be a number",
    "boolean": "must be true or false",
    "decimal": 'must be a decimal number like "49.90"',
    "date": 'must be a date like "2026-12-01"',
    "datetime": 'must be a time with its offset, like "2026-12-01T09:00:00.000Z"',
    "time": 'must be a time of day like "09:30:00"',
    "timedelta": 'must be a duration like "PT1H30M"',
    "uuid": 'must be a UUID like "0190b6c4-7b1e-7cc2-a4f7-0242ac120002"',
    "bytes": "must be bytes in base64",
    "json": "must be JSON of its declared shape",
}

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z")
_FLOAT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?\Z")
_DECIMAL = re.compile(r"-?[0-9]{1,200}(\.[0-9]{1,200})?([eE][+-]?[0-9]{1,3})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DATETIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,30})?)?)(Z|z|[+-][0-9]{2}:?[0-9]{2})?\Z")
_LOST_PLUS = re.compile(r".*:[0-9.]+ [0-9]{2}:?[0-9]{2}\Z")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?\Z")
_DURATION = re.compile(r"[+-]?P[0-9.TYMWDHS]{2,40}\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_duration = TypeAdapter(timedelta).validate_python


def refuse(code: str, phrase: str) -> NoReturn:
    """The one way in which values are refused; `faults` turns it into a Fault with the field's name in front."""
    raise PydanticCustomError("backroom", "{phrase}", {"code": code, "phrase": phrase})


def integer(text: str) -> int:
    if not _INTEGER.match(text):
        refuse("type", WANTED["integer"])
    return safe(int(text))


def safe(value: int) -> int:
    """The integer, if every JavaScript number holds it exactly."""
    if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        refuse(
            "too_large" if value > 0 else "too_small", f"must lie between -{MAX_SAFE_INTEGER} and {MAX_SAFE_INTEGER}, or JSON.parse would change it"
        )
    return value


def real(text: str) -> float:
    value = float(text) if _FLOAT.match(text) else refuse("type", WANTED["float"])
    if value in (float("inf"), float("-inf")):
        refuse("too_large", "is too large for a number")
    return unsigned_zero(value)


def unsigned_zero(value: float) -> float:
    """SQLite forgets the sign of a zero, and Postgres keeps it: one value must not read differently."""
    return value + 0.0


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        refuse("type", WANTED["boolean"])
    return text == "true"


def decimal(text: str) -> Decimal:
    if not _DECIMAL.match(text):
        refuse("type", WANTED["decimal"])
    return bounded(Decimal(text))


def bounded(value: Decimal) -> Decimal:
    """The Decimal, if it is finite and can be written out in a reasonable number of digits."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        refuse("type", WANTED["decimal"])
    if max(len(digits), len(digits) + exponent, -exponent) > MAX_DECIMAL_DIGITS:
        refuse("too_large", f"may have at most {MAX_DECIMAL_DIGITS} digits")
    return value or value.copy_abs()  # SQLite would keep the sign of a zero, Postgres forgets it


def day(text: str) -> date:
    try:
        return date.fromisoformat(text if _DATE.match(text) else "")
    except ValueError:
        refuse("type", WANTED["date"] + (", nothing longer" if _DATE.match(text[:10]) and len(text) > 10 else ""))


def moment(text: str) -> datetime:
    """In UTC, cut to milliseconds: the wire shows no more, so a value that was read and sent back is the same value."""
    found = _DATETIME.match(text)
    if found is None:
        lost = "; in an address write `+` as %2B" if _LOST_PLUS.match(text) else "; send `new Date(v).toISOString()`" if _DATE.match(text) else ""
        refuse("type", WANTED["datetime"] + lost)
    if found[3] is None:
        refuse("type", "has no offset; send `new Date(v).toISOString()`")
    try:
        value = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].upper()}")
    except ValueError:
        refuse("type", WANTED["datetime"])
    return in_utc(value)


def in_utc(value: datetime) -> datetime:
    try:
        moved = value.astimezone(UTC)
    except OverflowError:  # year 1 or 9999, moved over the edge by its offset
        refuse("type", "lies outside the years 1 to 9999 in UTC")
    return moved.replace(microsecond=moved.microsecond // 1000 * 1000)


def clock(text: str) -> time:
    try:
        return time.fromisoformat(text if _TIME.match(text) else "")
    except ValueError:
        refuse("type", WANTED["time"])


def duration(text: str) -> timedelta:
    try:
        return storable(_duration(text if _DURATION.match(text) else ""))
    except ValidationError:
        refuse("type", WANTED["timedelta"])


def storable(span: timedelta) -> timedelta:
    """The duration, if its microseconds fit into 64 bits, as both databases need."""
    if abs(span.days) > MAX_DURATION_DAYS:
        refuse("too_large" if span.days > 0 else "too_small", f"may span at most {MAX_DURATION_DAYS} days")
    return span


def uuid(text: str) -> UUID:
    return UUID(text) if _UUID.match(text) else refuse("type", WANTED["uuid"])


def base64(text: str) -> bytes:
    try:
        return b64decode(text.encode(), validate=True)
    except binascii.Error:
        refuse("type", WANTED["bytes"])


def bare_address(value: Any) -> Any:
    """What may be an email address: pydantic would take `Ann <ann@example.com>` and drop the name without a word."""
    if isinstance(value, str) and "<" in value:
        refuse("invalid", "must be an email address without a name, like ann@example.com")
    return value


#: Kind -> reader of its text. Text is itself; JSON has no text form in a query.
READERS: Mapping[Kind, Callable[[str], Any]] = {
    "text": str,
    "integer": integer,
    "float": real,
    "boolean": boolean,
    "decimal": decimal,
    "date": day,
    "datetime": moment,
    "time": clock,
    "timedelta": duration,
    "uuid": uuid,
    "bytes": base64,
}

#: Kind -> the Python types that hold it.
NATIVE: Mapping[Kind, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "float": (float, int),
    "boolean": (bool,),
    "decimal": (Decimal, int),
    "date": (date,),
    "datetime": (datetime,),
    "time": (time,),
    "timedelta": (timedelta,),
    "uuid": (UUID,),
    "bytes": (bytes,),
}
