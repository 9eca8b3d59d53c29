"""A declared field as pydantic reads it from JSON: its annotation, its constraints, the exact spelling, the form in which it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional

from pydantic import AfterValidator, AnyUrl, BeforeValidator, ConfigDict, EmailStr, StringConstraints
from pydantic.fields import FieldInfo

from backroom.resources.fields import Field, Kind
from backroom.validation.texts import NATIVE, READERS, WANTED, bare_address, bounded, in_utc, refuse, safe, storable, unsigned_zero

#: Nothing is coerced, no infinity passes; unknown names are told by `rows`, which knows whose they are.
STRICT = ConfigDict(strict=True, allow_inf_nan=False)

#: With more digits than this a double may stand for another decimal number than the one written.
EXACT_DIGITS = 15

_READ_FROM_TEXT: frozenset[Kind] = frozenset({"decimal", "date", "datetime", "time", "timedelta", "uuid", "bytes"})


def wire_type(field: Field, *, from_code: bool = False, stored: bool = True) -> Any:
    """The type to build schemas of: reads JSON, gives the value in the field's own type as it is stored (an Enum's value, JSON as data).

    `from_code`: reads what Python code gives instead, a date for a date and never its text. `stored=False`: gives Enum members and models to code.
    """
    constraints = dict(field.options.constraints)
    annotation: Any = field.annotation
    marks: list[Any] = []
    if field.kind == "text":
        marks += _text_marks(field, constraints)
    elif constraints:
        marks.append(FieldInfo(**constraints))
    if field.kind == "float":
        marks += [FieldInfo(allow_inf_nan=False), AfterValidator(unsigned_zero)]
    if field.kind == "integer" and field.choices is None:
        marks.append(AfterValidator(safe))
    if annotation is EmailStr:
        marks.append(BeforeValidator(bare_address))
    if field.kind in _READ_FROM_TEXT:
        marks.append(BeforeValidator(_reader(field.kind)))
    if field.kind == "integer" and field.choices is not None:
        marks.append(BeforeValidator(_whole))
    if from_code:
        annotation = Literal[field.choices] if field.choices else annotation
        marks.append(BeforeValidator(_native(field)))
    convert = _stored(field, annotation) if stored else None
    if convert is not None:
        marks.append(AfterValidator(convert))
    marked = Annotated[(annotation, *marks)] if marks else annotation
    return Optional[marked] if field.nullable else marked  # noqa: UP045 - a type made at run time


def _text_marks(field: Field, constraints: dict[str, Any]) -> list[Any]:
    marks: list[Any] = []
    if field.options.strip:
        marks.append(StringConstraints(strip_whitespace=True))  # pydantic trims before it counts
    least = None if field.options.strip else constraints.pop("min_length", None)
    if constraints:
        marks.append(FieldInfo(**constraints))
    if least:
        marks.append(AfterValidator(_at_least(least)))
    return marks


def _at_least(least: int) -> Callable[[Any], Any]:
    def count(value: Any) -> Any:
        trimmed = str(value).strip()
        if len(trimmed) < least:
            refuse(*too_short(trimmed, least))
        return value

    return count


def too_short(trimmed: str, least: int) -> tuple[str, str]:
    """Code and phrase for text that has too few characters."""
    if not trimmed:
        return "blank", "must not be blank"
    return "too_short", f"needs at least {least} characters"


def _reader(kind: Kind) -> Callable[[Any], Any]:
    read, native = READERS[kind], NATIVE[kind]

    def convert(value: Any) -> Any:
        if type(value) is str:
            return read(value)
        if kind == "decimal" and type(value) in (int, float):
            return _from_number(value)
        if type(value) is bool or not isinstance(value, native):
            refuse("type", WANTED[kind])
        if isinstance(value, datetime) and kind == "datetime":
            return in_utc(value) if value.tzinfo is not None else refuse("type", "has no offset; write `datetime.now(UTC)`")
        if isinstance(value, timedelta):
            return storable(value)
        return bounded(value) if isinstance(value, Decimal) else value

    return convert


def _from_number(value: float) -> Decimal:
    if abs(value) >= 10**EXACT_DIGITS and isinstance(value, int):
        refuse("type", "has more digits than a JSON number keeps; send it in quotes")
    return bounded(Decimal(int(value)) if value == int(value) else Decimal(repr(value)))  # repr: the shortest spelling of this very number


def _whole(value: Any) -> Any:
    """Python holds that True == 1 == 1.0, and so does a Literal."""
    return value if type(value) is not bool and isinstance(value, int | Enum) else refuse("type", WANTED["integer"])


def _native(field: Field) -> Callable[[Any], Any]:
    kind, types = field.kind, NATIVE[field.kind]

    def guard(value: Any) -> Any:
        plain = value.value if isinstance(value, Enum) else str(value) if isinstance(value, AnyUrl) else value
        lookalike = (type(plain) is bool and kind != "boolean") or (kind == "date" and isinstance(plain, datetime))
        if lookalike or not isinstance(plain, types):
            refuse("type", f"must be {' or '.join(each.__name__ for each in types)}, not {type(value).__name__}")
        return plain

    return guard


def _stored(field: Field, annotation: Any) -> Callable[[Any], Any] | None:
    if field.kind == "json":
        dump = field.adapter.dump_python

        def as_data(value: Any) -> Any:
            return dump(value, mode="json", by_alias=True)

        return as_data
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum_value
    if isinstance(annotation, type) and issubclass(annotation, AnyUrl):
        return str
    return None


def _enum_value(member: Enum) -> Any:
    return member.value


def stored_form(field: Field, value: Any) -> Any:
    """A Python value that code gives (a default, a row's attribute) in the form that a body's value has. No constraints are asked."""
    if value is None:
        return None
    if field.kind == "json":
        return field.adapter.dump_python(field.adapter.validate_python(value), mode="json", by_alias=True)
    if isinstance(value, Enum):
        return value.value
    if field.kind == "datetime" and value.tzinfo is not None:
        return in_utc(value)
    return str(value) if isinstance(value, AnyUrl) else field.adapter.validate_python(value) if field.choices is None else value


def labels_of(fields: Mapping[str, Field]) -> dict[str, str]:
    """Column -> its name in a sentence: `due_date` is "Due date", `owner_id` is "Owner"."""
    return {column: human(field.name) for column, field in fields.items()}


def human(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else name
