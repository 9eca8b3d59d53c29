"""One test of the wire (`due=lt.2026-01-01`) as a condition: operator and text, read by the column's type."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from backroom.resources.fields import Field
from backroom.resources.nodes import Compare, Constant, In, IsNull, Node, Not, Truth
from backroom.resources.relations import Cell
from backroom.validation.faults import nearest
from backroom.validation.grammar import OPERATORS, NoOperator, Test
from backroom.validation.texts import READERS, refuse

#: The wire's operator -> the condition's.
_COMPARISONS = {"eq": "eq", "neq": "ne", "gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}


def node_of_test(cell: Cell, test: Test) -> Node:
    """The condition, without the test's own `not.`. Refuses (see `texts.refuse`) values that are none of the column's."""
    if isinstance(test.value, tuple):
        _refuse_json(cell.field)
        return In(cell, tuple(Constant(value_of(cell.field, text)) for text in test.value))
    if test.operator == "is":
        return _is(cell, test.value)
    _refuse_json(cell.field)
    return Compare(_COMPARISONS[test.operator], cell, Constant(value_of(cell.field, test.value)))


def _is(cell: Cell, word: str) -> Node:
    boolean = cell.field.kind == "boolean"
    if word == "null" or (word == "unknown" and boolean):
        return IsNull(cell)
    if word == "not_null":
        return Not(IsNull(cell))
    if word in ("true", "false") and boolean:
        return Truth(cell) if word == "true" else Not(Truth(cell))
    words = "`is.true`, `is.false`, `is.null` or `is.not_null`" if boolean else "`is.null` or `is.not_null`"
    refuse("type", f"takes {words}; to compare write `eq.{word[:60]}`")


def _refuse_json(field: Field) -> None:
    if field.kind == "json":
        refuse("unavailable", "holds JSON, which can't be compared yet; it takes `is.null` and `is.not_null`")


def value_of(field: Field, text: str) -> Any:
    """The text as a value of the field, never coerced."""
    if text == "null" and field.kind != "text":
        refuse("type", "is compared with null, which nothing equals; write `is.null`")
    value = READERS[field.kind](text)
    if field.choices is not None:
        if value not in field.choices:
            refuse("choice", f"must be one of {', '.join(map(str, field.choices))}")
    elif field.kind == "text" and field.annotation is not str:
        try:
            return str(field.adapter.validate_python(value))  # an address is stored as its type spells it
        except ValidationError as error:
            refuse("invalid", f"can't be {text[:60]!r}: {error.errors(include_url=False)[0]['msg'].rstrip('.')}")
    return value


def explain(field: Field, error: NoOperator) -> str:
    """What to write instead of a value without operator."""
    name, shown = field.column, error.value
    if error.word is not None and (near := nearest(error.word.lower(), OPERATORS)):
        return f"`{name}`: there is no operator `{error.word}`; did you mean `{name}={near}.{shown[len(error.word) + 1 :]}`?"
    if shown == "null" or (shown in ("true", "false") and field.kind == "boolean"):
        return f"`{name}` needs an operator: write `{name}=is.{shown}`."
    operators = ", ".join(OPERATORS)
    return f"`{name}` needs an operator ({operators}): write `{name}=eq.{shown}`."
