"""One test of the wire (`due=lt.2026-01-01`) as a condition: operator and text, read by the column's type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from pydantic import EmailStr, ValidationError

from backroom.errors import Problem
from backroom.resources.fields import Field, Kind
from backroom.resources.nodes import And, Compare, Constant, In, IsNull, Matches, Node, Not, Or, Truth
from backroom.resources.relations import Cell, Extract
from backroom.validation.faults import nearest
from backroom.validation.grammar import OPERATORS, SEARCHING, NoOperator, Test, parse_list
from backroom.validation.scanner import Column, Misspelled
from backroom.validation.searching import words_in
from backroom.validation.strict_json import read_json
from backroom.validation.texts import READERS, bare_address, refuse

#: The wire's operator -> the condition's.
_COMPARISONS = {"eq": "eq", "neq": "ne", "gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}
#: Those that somebody is told who knows none.
_USUAL = ("eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is")
_PATTERNS = frozenset({"like", "ilike"})
#: Regular expressions, which SQLite has none of.
REGULAR = frozenset({"match", "imatch"})
_HOLDING = frozenset({"cs", "cd", "ov"})
#: Of JSON in an address.
_MOST_DEPTH, _MOST_VALUES = 16, 1000
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?\Z")
#: How the elements of `{a,b}` are read, by the list's element type; others are text.
_ELEMENTS: Mapping[Any, Callable[[str], Any]] = {int: READERS["integer"], float: READERS["float"], bool: READERS["boolean"]}


def node_of_test(cell: Cell, test: Test) -> Node:
    """The condition, without the test's own `not.`. Refuses (see `texts.refuse`) values that are none of the column's."""
    operator, value = test.operator, test.value
    if test.column.keys:
        cell = within(cell, test.column, lambda: _literal(operator, value))
    if operator in SEARCHING and isinstance(value, str):
        return words_in(cell.field, operator, value, test.config)
    if isinstance(value, tuple):
        if test.quantifier is None:
            _refuse_json(cell)
            return In(cell, tuple(Constant(_value(cell, text)) for text in value))
        each = tuple(_one(cell, operator, text) for text in value)
        if len(each) < 2:
            return each[0] if each else _none(cell, test.quantifier)
        return Or(each) if test.quantifier == "any" else And(each)
    return _is(cell, value) if operator == "is" else _one(cell, operator, value)


def _none(cell: Cell, quantifier: str) -> Node:
    """Any of no values is no row, all of none is every row that has a value: as `in.()` and its negation are read."""
    empty = In(cell, ())
    return empty if quantifier == "any" else Not(empty)


def _one(cell: Cell, operator: str, text: str) -> Node:
    if operator in _PATTERNS or operator in REGULAR:
        if cell.kind != "text" or (cell.extract is not None and not cell.extract.as_text):
            refuse("type", f"is no text; `{operator}` looks at text alone")
        return Matches(operator, cell, Constant(text if operator in REGULAR else _pattern(text)))
    if operator in _HOLDING:
        if cell.kind != "json":
            refuse("type", f"holds one value; `{operator}` is for lists and JSON")
        return Matches(operator, cell, Constant(_json_of(cell, text)))
    _refuse_json(cell)
    value = Constant(_value(cell, text))
    return Matches("isdistinct", cell, value) if operator == "isdistinct" else Compare(_COMPARISONS[operator], cell, value)


def _pattern(text: str) -> str:
    """`*` is written for `%`, which an address would have to escape."""
    if (len(text) - len(text.rstrip("\\"))) % 2:
        refuse("syntax", "ends in a backslash, which escapes nothing; write two for one")
    return text.replace("*", "%")


def within(cell: Cell, column: Column, literal: Callable[[], Kind]) -> Cell:
    """The value at `column.keys` in a JSON cell; of `->`, read as the kind of what it is compared with."""
    if cell.field.kind != "json":
        refuse("type", "holds no JSON, so no path leads into it")
    extract = Extract(column.keys, "text", as_text=True) if column.as_text else Extract(column.keys, literal())
    return Cell(cell.hops, cell.field, cell.resource, extract)


def _literal(operator: str, value: str | tuple[str, ...]) -> Kind:
    """The kind that a JSON value must have to be compared with these. A list has the kind of its first."""
    if operator == "is":
        return "boolean" if value in ("true", "false") else "json"
    if operator in _HOLDING:
        return "json"
    first = value if isinstance(value, str) else value[0] if value else '""'
    kind: Kind | None = "decimal" if _NUMBER.match(first) else "boolean" if first in ("true", "false") else "text" if first.startswith('"') else None
    if kind is None:
        refuse("syntax", f'is compared with {first[:60]!r}; write JSON, like `5` or `"text"`, or reach text with `->>`')
    return kind


def _value(cell: Cell, text: str) -> Any:
    if cell.extract is None:
        return value_of(cell.field, text)
    if cell.extract.as_text:
        return text
    if cell.kind == "text":
        value = _json_text(text)
        return value if isinstance(value, str) else refuse("type", "is compared with a text and with something else")
    return READERS[cell.kind](text)


def _json_text(text: str) -> Any:
    try:
        return read_json(text.encode(), 1, 1)
    except Problem:
        refuse("syntax", f'is compared with {text[:60]!r}; write JSON, like `"text"`')


def _json_of(cell: Cell, text: str) -> Any:
    """`{a,b}` as a list of the field's element type; else JSON."""
    field = cell.field
    (element, *_) = (*get_args(field.annotation), str) if get_origin(field.annotation) is list and cell.extract is None else (None,)
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
    boolean = cell.kind == "boolean"
    if word == "null" or (word == "unknown" and boolean):
        return IsNull(cell)
    if word == "not_null":
        return Not(IsNull(cell))
    if word in ("true", "false") and boolean:
        return Truth(cell) if word == "true" else Not(Truth(cell))
    words = "`is.true`, `is.false`, `is.null` or `is.not_null`" if boolean else "`is.null` or `is.not_null`"
    cure = f"write `is.{word.lower()}`" if f"`is.{word.lower()}`" in words else f"to compare write `eq.{word[:60]}`"
    refuse("type", f"takes {words}; {cure}")


def _refuse_json(cell: Cell) -> None:
    if cell.kind == "json":
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
        if field.annotation is EmailStr:
            bare_address(value)
        try:
            return str(field.adapter.validate_python(value))  # an address is stored as its type spells it
        except ValidationError as error:
            refuse("invalid", f"can't be {text[:60]!r}: {error.errors(include_url=False)[0]['msg'].rstrip('.')}")
    return value


def explain(field: Field, error: NoOperator) -> str:
    """What to write instead of a value without operator."""
    name, shown = str(error.column), error.value
    if error.word is not None and (near := nearest(error.word.lower(), OPERATORS)):
        return f"`{name}`: there is no operator `{error.word}`; did you mean `{name}={near}.{shown[len(error.word) + 1 :]}`?"
    if shown == "null" or (shown in ("true", "false") and field.kind == "boolean"):
        return f"`{name}` needs an operator: write `{name}=is.{shown}`."
    return f"`{name}` needs an operator ({', '.join(_USUAL)}): write `{name}=eq.{shown}`."
