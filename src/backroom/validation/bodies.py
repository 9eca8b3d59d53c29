"""Bodies of creates, replaces and updates: one reader per resource, built at start, that names every fault at once.

    strict_json  one meaning per body, bounded depth
    rows         one schema of all columns that a body may name
    faults       what is wrong, as sentences with the cure

Which of the columns this caller may *write* is not asked here: read-only, immutable and owner columns are read and returned, to be
compared with what is stored by whoever holds the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from backroom.errors import DeclarationError, Fault
from backroom.resources.definition import Definition
from backroom.resources.fields import CALLER, MISSING, Field
from backroom.settings import Settings
from backroom.validation.attributes import AttributeReader
from backroom.validation.faults import refusal
from backroom.validation.rows import Mode, RowSchema, Values
from backroom.validation.strict_json import is_array, is_object, read_json
from backroom.validation.wire import stored_form


class BodyReader:
    """Reads the bodies of one resource. Raises `Problem` (400) with a `Fault` for every fault; a column outside `known` does not exist.

    `read` and `read_many` give column -> value for what was sent, in the field's own type; JSON columns as plain data, an Enum as its value.

    >>> reader = BodyReader(definition, settings)                                # doctest: +SKIP
    >>> reader.read(b'{"due": "2026-12-01"}', "update", frozenset({"title", "due"}))  # doctest: +SKIP
    {'due': datetime.date(2026, 12, 1)}
    """

    def __init__(self, definition: Definition, settings: Settings) -> None:
        self._bounds = (settings.MAX_JSON_DEPTH, settings.MAX_JSON_VALUES)
        self._max_rows = settings.MAX_BULK_ROWS
        self._schema = _schema(definition)
        self._template, self._factories, self._callers = _defaults(definition)

    def read(self, raw: bytes, mode: Mode, known: frozenset[str]) -> Values:
        """One object."""
        tree = read_json(raw, *self._bounds, spelled=self._schema.spelled)
        if not is_object(tree):
            raise refusal([Fault(None, "type", "The body must be a JSON object.")])
        return self._schema.read_one(raw, tree, mode, known)

    def read_many(self, raw: bytes, mode: Mode, known: frozenset[str]) -> list[Values] | Values:
        """An array of objects (a list, also of one row or none), or one object (a dict)."""
        tree = read_json(raw, *self._bounds, spelled=self._schema.spelled)
        if is_object(tree):
            return self._schema.read_one(raw, tree, mode, known)
        if not is_array(tree):
            raise refusal([Fault(None, "type", "The body must be a JSON object, or an array of them.")])
        if len(tree) > self._max_rows:
            raise refusal([Fault(None, "too_many", f"The body has {len(tree)} rows; send at most {self._max_rows} at once.")])
        return self._schema.read_rows(raw, tree, mode, known)

    def complete(self, given: Mapping[str, Any], *, caller: Any, moment: datetime) -> Values:
        """A whole new row by column, `id` only if given: absent columns take their default, the caller's id, or None.

        `caller` is the id of the person who asks (None: nobody). `moment` becomes `created_at` and `updated_at`, whatever was given.
        """
        row = {**self._template, **given, "created_at": moment, "updated_at": moment}
        for column, make in self._factories:
            if column not in given:
                row[column] = make()
        for column in self._callers:
            if column not in given:
                row[column] = caller
        return row


def _schema(definition: Definition) -> RowSchema:
    try:
        return RowSchema(definition.name, {field.column: field for field in definition.fields if not field.options.hidden})
    except DeclarationError as error:
        raise definition.error(str(error)) from error


def _defaults(definition: Definition) -> tuple[Values, list[tuple[str, Callable[[], Any]]], list[str]]:
    template: Values = {}
    factories: list[tuple[str, Callable[[], Any]]] = []
    callers: list[str] = []
    for field in definition.fields[1:]:
        options = field.options
        template[field.column] = None
        if field.caller_default:
            callers.append(field.column)
        elif options.default_factory is not None:
            factories.append((field.column, _made(field, options.default_factory)))
        elif options.default is not MISSING and options.default is not CALLER:
            if field.kind == "json":  # a fresh copy for each row
                factories.append((field.column, _made(field, field.default_value)))
            else:
                template[field.column] = stored_form(field, options.default)
    return template, factories, callers


def _made(field: Field, factory: Callable[[], Any]) -> Callable[[], Any]:
    def make() -> Any:
        return stored_form(field, factory())

    return make


# ---------------------------------------------------------------- rows made by code
_readers: WeakKeyDictionary[Definition, AttributeReader] = WeakKeyDictionary()


def check_row(definition: Definition, values: Mapping[str, Any], mode: Mode) -> Values:
    """Python values by column, judged as a request's would be: same constraints, same faults, all at once. Defaults are not filled in.

    Returns them as they are to be stored (text trimmed where `strip=True`, JSON as data, an Enum as its value, times in UTC).
    """
    reader = _readers.get(definition)
    if reader is None:
        reader = _readers[definition] = AttributeReader(definition)
    return reader.read(values, mode)
