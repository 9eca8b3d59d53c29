"""Values that code gives (a row's attributes), judged as a request's would be; what differs is only that a date is a date, not text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from backroom.errors import Fault, Problem
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.validation.faults import faults_of, refusal, unknown
from backroom.validation.rows import Mode, Values, row_type
from backroom.validation.strict_json import read_json
from backroom.validation.wire import labels_of, wire_type

_MAX_DEPTH = 200  # pydantic's own


class AttributeReader:
    """Reads Python values by column. Hidden columns too: code sets them."""

    def __init__(self, definition: Definition) -> None:
        fields = definition.by_column
        self._labels = labels_of(fields)
        self._nullable = frozenset(column for column, field in fields.items() if field.nullable)
        self._required = tuple(column for column, field in fields.items() if field.writable and not field.has_default)
        self._readers: dict[str, Callable[[dict[str, Any]], Values]] = {column: _reader(field) for column, field in fields.items()}

    def read(self, values: Mapping[str, Any], mode: Mode) -> Values:
        """Column -> value as it is stored. Raises `Problem` with every fault."""
        given: Values = {}
        faults: list[Fault] = []
        for column, value in values.items():
            reader = self._readers.get(column)
            if reader is None:
                faults.append(unknown(column, self._readers.keys()))
                continue
            try:
                given |= reader({column: value})
            except ValidationError as error:
                faults += (fault for _, fault in faults_of(error, {column: value}, self._labels, self._nullable))
            except Problem as problem:
                faults += problem.errors or (Fault(column, "type", problem.sentence),)
        if mode != "update":
            faults += (Fault(column, "required", f"{self._labels[column]} is required.") for column in self._required if column not in values)
        if faults:
            raise refusal(faults)
        return given


def _reader(field: Field) -> Callable[[dict[str, Any]], Values]:
    """Takes and gives a dict of the one column, so that faults carry its name."""
    if field.kind != "json":
        validate = TypeAdapter(row_type(field.column, {field.column: wire_type(field, from_code=True)})).validator.validate_python

        def read_scalar(value: dict[str, Any]) -> Values:
            for text in value.values():
                if isinstance(text, str):
                    _refuse_unstorable(field, text)
            given: Values = validate(value, strict=True)
            return given

        return read_scalar
    read = TypeAdapter(row_type(field.column, {field.column: wire_type(field)})).validator.validate_json

    def read_data(value: dict[str, Any]) -> Values:
        raw = _as_json(field, value)
        read_json(raw, _MAX_DEPTH, len(raw))  # code is trusted to know how much it stores
        given: Values = read(raw, strict=True)
        return given

    return read_data


def _refuse_unstorable(field: Field, text: str) -> None:
    try:
        text.encode()
        storable = "\0" not in text
    except UnicodeEncodeError:
        storable = False
    if not storable:
        raise refusal([Fault(field.column, "character", f"`{field.column}` holds U+0000 or half of a surrogate pair, which can't be stored.")])


def _as_json(field: Field, value: dict[str, Any]) -> bytes:
    """A JSON column as a request would send it: models, dates and sets as data."""
    try:
        return to_json(value, by_alias=True, inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise refusal([Fault(field.column, "type", f"`{field.column}` holds something that JSON can't: {error}.")]) from None
