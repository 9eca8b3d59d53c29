"""Values inside JSON cells, typed: `->` and `->>` on both databases. What is of another type than the one asked for is NULL, never an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, Numeric, Text, bindparam, case, cast, func, literal_column

from backroom.resources.fields import Kind
from backroom.resources.relations import Extract
from backroom.sql.values import DialectName

#: Kind -> what the two databases call its JSON type.
_TYPES: Mapping[DialectName, Mapping[Kind, tuple[str, ...]]] = {
    "sqlite": {"text": ("text",), "decimal": ("integer", "real"), "boolean": ("true", "false")},
    "postgresql": {"text": ("string",), "decimal": ("number",), "boolean": ("boolean",)},
}


def extracted(dialect: DialectName, column: ColumnElement[Any], extract: Extract) -> ColumnElement[Any]:
    """The value of `extract.kind` at those keys; of kind json, the JSON there. The keys travel as bind parameters."""
    found = column
    for key in extract.keys:
        found = found.op("->")(_key(dialect, key))
    if extract.kind == "json":
        return found
    whole = as_text(dialect, found)
    if extract.as_text:
        return whole
    kind = type_of(dialect, found)
    fits = kind.in_([literal_column(f"'{name}'") for name in _TYPES[dialect][extract.kind]])
    value = case((fits, _typed(dialect, whole, extract)))
    return value.collate("decimal") if dialect == "sqlite" and extract.kind == "decimal" else value


def _key(dialect: DialectName, key: str | int) -> ColumnElement[Any]:
    """One step. SQLite takes a bare text for a path or a mistake where it looks like one (`$`, `[0]`, a backslash); in a path it is a name."""
    if isinstance(key, int):
        return bindparam(None, key, type_=Integer(), unique=True)
    named = key if dialect == "postgresql" else f"$.{json.dumps(key, ensure_ascii=False)}"
    return bindparam(None, named, type_=Text(), unique=True)


def type_of(dialect: DialectName, found: ColumnElement[Any]) -> ColumnElement[Any]:
    """The name of a JSON value's type, in the database's words."""
    return func.json_type(found) if dialect == "sqlite" else func.jsonb_typeof(found)


def as_text(dialect: DialectName, found: ColumnElement[Any]) -> ColumnElement[Any]:
    """A JSON value as text: a string without its quotes, null as NULL, the rest as JSON."""
    if dialect == "postgresql":
        return found.op("#>>")(literal_column("'{}'"))
    kind = func.json_type(found)
    text = found.op("->>")(literal_column("'$'"))
    rest = found.concat(literal_column("''"))  # concatenated, it is a text and no JSON to SQLite
    return case((kind == literal_column("'text'"), text), (kind != literal_column("'null'"), rest))


def _typed(dialect: DialectName, text: ColumnElement[Any], extract: Extract) -> ColumnElement[Any]:
    if extract.kind == "boolean":
        return text == literal_column("'true'")
    if extract.kind == "decimal" and dialect == "postgresql":
        return cast(text, Numeric())
    return text


def _number(plain: int) -> ColumnElement[Any]:
    return literal_column(str(plain))


#: Postgres' order of JSON values: texts, numbers, booleans, then lists and objects; null and what is absent count as empty.
_RANKS: tuple[tuple[Kind, int], ...] = (("text", 1), ("decimal", 2), ("boolean", 3))


def in_order(dialect: DialectName, column: ColumnElement[Any], extract: Extract) -> list[ColumnElement[Any]]:
    """What to sort by: the text of `->>`; of `->` the type first, then the value."""
    if extract.as_text:
        return [extracted(dialect, column, extract)]
    found = extracted(dialect, column, Extract(extract.keys, "json"))
    names: list[tuple[Kind, list[Any], int]] = [
        (kind, [literal_column(f"'{name}'") for name in _TYPES[dialect][kind]], rank) for kind, rank in _RANKS
    ]
    null: ColumnElement[Any] = literal_column("'null'")
    named = type_of(dialect, found)
    ranks: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = [(named.in_(listed), _number(rank)) for _, listed, rank in names]
    rank = case(*ranks, (named != null, _number(4)))
    return [rank, *(extracted(dialect, column, Extract(extract.keys, each)) for each in ("text", "decimal", "boolean"))]
