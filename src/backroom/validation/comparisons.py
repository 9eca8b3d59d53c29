"""One test of the wire (`due=lt.2026-01-01`) as a condition: operator and text, read by the column's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from backroom.errors import Problem
from backroom.resources.fields import Field
from backroom.resources.nodes import And, Compare, Constant, In, IsNull, Matches, Node, Not, Or, Truth
from backroom.resources.relations import Cell
from backroom.validation.faults import nearest
from backroom.validation.grammar import OPERATORS, Misspelled, NoOperator, Test, parse_list
from backroom.validation.strict_json import read_json
from backroom.validation.texts import READERS, refuse

#: The wire's operator -> the condition's.
_COMPARISONS = {"eq": "eq", "neq": "ne", "gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}
#: Those that somebody is told who knows none.
_USUAL = ("eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is")
_PATTERNS = frozenset({"like", "ilike"})
_HOLDING = frozenset({"cs", "cd", "ov"})
#: Of JSON in an address.
_MOST_DEPTH, _MOST_VALUES = 16, 1000
#: How the elements of `{a,b}` are read, by the list's element type; others are text.
_ELEMENTS: Mapping[Any, Callable[[str], Any]] = {int: READERS["integer"], float: READERS["float"], bool: READERS["boolean"]}


def node_of_test(cell: Cell, test: Test) -> Node:
    """The condition, without the test's own `not.`. Refuses (see `texts.refuse`) values that are none of the column's."""
    operator, value = test.operator, test.value
    if isinstance(value, tuple):
        if test.quantifier is None:
            _refuse_json(cell.field)
            return In(cell, tuple(Constant(value_of(cell.field, text)) for text in value))
        each = tuple(_one(cell, operator, text) for text in value)
        return each[0] if len(each) == 1 else Or(each) if test.quantifier == "any" else And(each) if each else _none(cell, test.quantifier)
    return _is(cell, value) if operator == "is" else _one(cell, operator, value)


def _none(cell: Cell, quantifier: str) -> Node:
    """Any of no values is no row, all of none is every row that has a value: as `in.()` and its negation are read."""
    empty = In(cell, ())
    return empty if quantifier == "any" else Not(empty)


def _one(cell: Cell, operator: str, text: str) -> Node:
    field = cell.field
    if operator in _PATTERNS:
        if field.kind != "text":
            refuse("type", f"is no text; `{operator}` looks at text alone")
        return Matches(operator, cell, Constant(_pattern(text)))
    if operator in _HOLDING:
        if field.kind != "json":
            refuse("type", f"holds one value; `{operator}` is for lists and JSON")
        return Matches(operator, cell, Constant(_json_of(field, text)))
    _refuse_json(field)
    value = Constant(value_of(field, text))
    return Matches("isdistinct", cell, value) if operator == "isdistinct" else Compare(_COMPARISONS[operator], cell, value)


def _pattern(text: str) -> str:
    """`*` is written for `%`, which an address would have to escape."""
    if (len(text) - len(text.rstrip("\\"))) % 2:
        refuse("syntax", "ends in a backslash, which escapes nothing; write two for one")
    return text.replace("*", "%")


def _json_of(field: Field, text: str) -> Any:
    """`{a,b}` as a list of the field's element type; else JSON."""
    (element, *_) = (*get_args(field.annotation), str) if get_origin(field.annotation) is list else (None,)
    if text.startswith("{") and element is not None:
        try:
            items = parse_list(text)
        except Misspelled as error:
            refuse("syntax", f"is compared with {text[:60]!r}, which is no list: {error}")
        read = _ELEMENTS.get(element, str)
        return [None if item is None else read(item) for item in items]
    try:
        return read_json(text.encode(), _MOST_DEPTH, _MOST_VALUES)
    except Problem:
        shape = 'a list like `{a,b}` or JSON like `["a"]`' if element is not None else 'JSON like `{"a":1}`'
        refuse("syntax", f"is compared with {text[:60]!r}; write {shape}")


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
        refuse("unavailable", "holds JSON, which has no order and is equal to no text; it takes `cs`, `cd`, `ov`, `is.null` and `is.not_null`")


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
    return f"`{name}` needs an operator ({', '.join(_USUAL)}): write `{name}=eq.{shown}`."
