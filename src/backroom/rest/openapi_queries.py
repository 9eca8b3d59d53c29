"""The query parameters of a list, described: one filter a column in PostgREST's spelling, order, page, columns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from backroom.resources.definition import Definition
from backroom.resources.fields import Field, Kind
from backroom.resources.words import MAX_LENGTH, MAX_WORDS
from backroom.rest.endpoint import GREATEST_LIMIT
from backroom.rest.faces import API
from backroom.rest.schemas import EXAMPLES
from backroom.validation.queries import MAX_OFFSET

#: What a value looks like in a query. Only as exact as a reader can take in; the server reads exactly.
_VALUES: Mapping[Kind, str] = {
    "integer": r"-?[0-9]{1,16}",
    "float": r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?",
    "boolean": r"(true|false)",
    "decimal": r"-?[0-9]{1,50}(\.[0-9]{1,50})?",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "datetime": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})",
    "time": r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?",
    "timedelta": r"[+-]?P[0-9.TYMWDHS]+",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "bytes": r"[A-Za-z0-9+/]*={0,2}",
}
_ANYTHING = r"[\s\S]*"
_SYNTAX = re.compile(r"[\^$\\.*+?()\[\]{}|/]")  # what JavaScript lets a pattern escape; `re.escape` escapes more


def filters(fields: Sequence[Field]) -> list[dict[str, Any]]:
    """One parameter a column, and the two that combine conditions."""
    return [_filter(field) for field in fields] + [_group(word, fields[0]) for word in ("or", "and", "not.or", "not.and")]


def listing(definition: Definition, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Everything a list takes in its query."""
    greatest = definition.options.max_limit or GREATEST_LIMIT
    limit = {"type": "integer", "minimum": 0, "maximum": greatest, "default": min(API.limit, greatest)}
    offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
    return [
        *filters(fields),
        order(definition, fields),
        parameter("limit", limit, "At most so many rows."),
        parameter("offset", offset, "Skip so many rows first. The `Link` header leads to the next ones."),
        select(fields),
        *search(fields),
    ]


def order(definition: Definition, fields: Sequence[Field]) -> dict[str, Any]:
    sortable = [field.column for field in fields if field.kind != "json"]
    one = rf"({'|'.join(sortable)})(\.(asc|desc))?(\.(nullsfirst|nullslast))?"
    usual = ",".join(f"{field.column}.desc" if descending else field.column for field, descending in definition.order) or "id"
    told = f"Columns to sort by, the first first: `created_at.desc`, `{sortable[-1]}.asc.nullslast`. Left out: `{usual}`. Ties are settled by `id`."
    return parameter("order", {"type": "string", "pattern": f"^{one}(,{one})*$"}, told, {"newest first": "created_at.desc"})


def select(fields: Sequence[Field]) -> dict[str, Any]:
    one = f"({'|'.join(field.column for field in fields)})"
    schema = {"type": "string", "pattern": rf"^(\*|{one}(,{one})*)$", "default": "*"}
    return parameter("select", schema, "Only these columns, with commas between.", {"two columns": ",".join(field.column for field in fields[:2])})


def search(fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Only where there is something to search."""
    searched = [field.column for field in fields if field.options.search]
    if not searched:
        return []
    word = rf"[A-Za-z0-9]{{1,{MAX_LENGTH // 2}}}\*?"
    told = (
        f"Only rows in which every one of these words stands, in {' or '.join(f'`{name}`' for name in searched)}; without `order` the best first. "
        f"Case and accents don't count; `*` after a word also finds longer ones. At most {MAX_WORDS} words."
    )
    schema = {"type": "string", "pattern": rf"^{word}( {word}){{0,{MAX_WORDS - 1}}}$"}
    return [parameter("search", schema, told, {"two words": "fresh milk", "while somebody types": "mil*"})]


def parameter(name: str, schema: dict[str, Any], description: str, examples: Mapping[str, Any] | None = None, where: str = "query") -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "in": where, "required": where == "path", "description": description, "schema": schema}
    if examples:
        found["examples"] = {told: {"summary": told, "value": value} for told, value in examples.items()}
    return found


def _filter(field: Field) -> dict[str, Any]:
    examples = _examples(field)
    first = next(iter(examples.values()))
    told = f"Only rows whose `{field.column}` is so: `{field.column}={first}`."
    return parameter(field.column, {"type": "string", "pattern": _pattern(field)}, told, examples)


def _examples(field: Field) -> dict[str, str]:
    if field.kind == "json":
        return {"has one": "is.not_null", "has none": "is.null"}
    if field.kind == "boolean":
        return {"is so": "is.true", "is not so": "is.false"}
    if field.choices is not None:
        value, others = str(field.choices[0]), ",".join(_listed(str(choice)) for choice in field.choices[:2])
        examples = {"this one": f"eq.{value}", "one of these": f"in.({others})"}
    elif field.kind in ("text", "uuid", "bytes") or field.is_reference or field.name == "id":
        value = _value(field)
        examples = {"this one": f"eq.{value}", "one of these": f"in.({_listed(value)})"}
    else:
        value = _value(field)
        examples = {"before or less": f"lt.{value}", "from there on": f"gte.{value}", "exactly": f"eq.{value}"}
    return examples | {"has none": "is.null"} if field.nullable else examples


def _value(field: Field) -> str:
    """A value of the field as a query spells it: its own example, if that is text."""
    if field.kind != "text":
        return EXAMPLES[field.kind]
    for candidate in (field.options.example, EXAMPLES["text"], "ann@example.com"):
        try:
            if isinstance(candidate, str) and field.adapter.validate_python(candidate) is not None:
                return candidate
        except ValidationError:
            continue
    return "https://example.com"


def _listed(value: str) -> str:
    """A value inside `in.(...)`: in quotes where it holds what the list is written with."""
    return json.dumps(value, ensure_ascii=False) if re.search(r'[,()"\\]', value) else value


def _pattern(field: Field) -> str:
    if field.kind == "json":
        return r"^(not\.)?is\.(null|not_null)$"
    words = "true|false|unknown|null|not_null" if field.kind == "boolean" else "null|not_null"
    value = _VALUES.get(field.kind, _ANYTHING)
    if field.choices is not None:
        value = "(" + "|".join(_SYNTAX.sub(r"\\\g<0>", str(choice)) for choice in field.choices) + ")"
    return rf"^(not\.)?((eq|neq|gt|gte|lt|lte)\.{value}|in\.\({_ANYTHING}\)|is\.({words}))$"


def _group(word: str, field: Field) -> dict[str, Any]:
    told = {
        "or": "At least one of these conditions holds.",
        "and": "All of these conditions hold: for use with `or` and `not` inside.",
        "not.or": "None of these conditions holds.",
        "not.and": "At least one of these conditions fails.",
    }[word]
    example = f"({field.column}.{next(iter(_examples(field).values()))},{field.column}.is.null)"
    return parameter(word, {"type": "string", "pattern": rf"^\({_ANYTHING}\)$"}, told, {"two conditions": example})
