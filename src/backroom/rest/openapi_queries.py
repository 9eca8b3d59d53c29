"""The parameters of a query, described: one filter a column in PostgREST's spelling, order, page, columns, relations.

What stands in a pattern is taken from every caller. What only words can say, because it depends on another parameter, comes with an example
that runs: `?select=...`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.relations import Relation
from backroom.resources.words import MAX_LENGTH, MAX_WORDS
from backroom.rest.endpoint import GREATEST_LIMIT
from backroom.rest.faces import API
from backroom.rest.openapi_patterns import each_once, filter_schema
from backroom.rest.schemas import EXAMPLES, Schema
from backroom.validation.queries import MAX_OFFSET

_CURSOR = (
    "Where the page before ended: an opaque text that the `Link` header of that page holds, for the same query and the same caller. "
    "Empty: the first page."
)


@dataclass(frozen=True)
class Asked:
    """What queries of one resource may name. `fields`: the columns that some caller sees, `certain`: those that every caller sees who reads rows.

    `relations`: those that every caller may follow, by name, each with the certain columns of its target. `conditions` is what groups take.
    """

    definition: Definition
    fields: Sequence[Field]
    certain: Sequence[Field]
    relations: Mapping[str, tuple[Relation, Sequence[Field]]]
    conditions: Schema


def filters(asked: Asked) -> list[dict[str, Any]]:
    """One parameter a column, and the four that combine conditions."""
    groups = [_group(word, asked) for word in ("or", "and", "not.or", "not.and")] if asked.certain else []
    return [_filter(field, certain=field in asked.certain) for field in asked.fields] + groups


def listing(asked: Asked) -> list[dict[str, Any]]:
    """Everything a list takes in its query."""
    greatest = asked.definition.options.max_limit or GREATEST_LIMIT
    limit = {"type": "integer", "minimum": 0, "maximum": greatest, "default": min(API.limit, greatest)}
    offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
    return [
        *filters(asked),
        *order(asked),
        parameter("limit", limit, "At most so many rows."),
        parameter("offset", offset, "Skip so many rows first. Not together with `after`."),
        parameter("after", {"type": "string", "format": "cursor"}, _CURSOR),
        *select(asked, listed=True),
        *search(asked.fields),
    ]


def order(asked: Asked) -> list[dict[str, Any]]:
    definition, sortable = asked.definition, [field.column for field in asked.certain if field.kind != "json"]
    if not sortable:
        return []
    one = rf"(?:{'|'.join(sortable)})(?:\.(?:asc|desc))?(?:\.nulls(?:first|last))?"
    usual = ",".join(f"{field.column}.desc" if descending else field.column for field, descending in definition.order) or "id"
    told = f"Columns to sort by, the first first: `created_at.desc`, `{sortable[-1]}.asc.nullslast`. Left out: `{usual}`. Ties are settled by `id`."
    above = next((name for name, (relation, fields) in asked.relations.items() if relation.to_one and fields), None)
    if above is not None:
        told += f" By the row that a relation of `select` reaches: `?select=*,{above}(*)&order={above}(id).desc`; such a list has no `after`."
    return [parameter("order", {"type": "string", "pattern": f"^{each_once([one])}$"}, told, {"newest first": "created_at.desc"})]


def select(asked: Asked, *, listed: bool = False) -> list[dict[str, Any]]:
    """`listed`: of a list, which takes parameters of relations, too, and answers aggregates."""
    columns = [field.column for field in asked.certain]
    if not columns:
        return []
    schema: Schema = {"type": "string", "default": "*"}
    if not asked.relations:  # relations nest, which no pattern can say
        one = rf"(?:{'|'.join(columns)})(?:::text)?"
        schema["pattern"] = rf"^(?:\*|{each_once([one])})$"
    return [parameter("select", schema, "\n".join(_grammar(asked, listed=listed)), {"two columns": ",".join(columns[:2])})]


def _grammar(asked: Asked, *, listed: bool) -> Iterator[str]:
    """What `select` takes beyond columns, with examples of this very resource."""
    first = asked.certain[0].column
    yield "Only these columns, with commas between. The pattern is the plain part of the grammar; it goes on:\n"
    yield f"- under another name, as text: `?select=name:{first},as_text:{first}::text`"
    for field in asked.certain:
        if field.kind == "json":
            yield f"- a value inside `{field.column}`, as JSON or as text: `?select={first},{field.column}->a,b:{field.column}->a->>b`"
    for name, (relation, fields) in asked.relations.items():
        yield from _grammar_of(name, relation, [each.column for each in fields], listed=listed)
    if listed:
        yield "- the number of rows: `?select=count()`"
    number = next((field.column for field in asked.certain if field.kind in ("integer", "float", "decimal") and field.name != "id"), None)
    if listed and asked.definition.options.aggregates and number is not None:
        yield f"- per group, beside what it is grouped by: `?select={first},{number}.sum(),count()`; also `avg()`, `min()`, `max()`"
    if asked.relations:
        yield "\nA relation may stand in a relation, 5 deep. Who may not see a row or a column doesn't see it there either."


def _grammar_of(name: str, relation: Relation, columns: Sequence[str], *, listed: bool) -> Iterator[str]:
    what, some = "the row" if relation.to_one else "the rows", ",".join(columns[:2])
    yield f"- {what} of `{relation.target}` that `{name}` reaches: `?select=*,{name}(*)`, under another name `?select=*,other:{name}({some})`"
    if not listed or not columns:
        return
    yield f"- only rows that reach some: `?select=*,{name}!inner(*)`, none: `?select=*,{name}()&{name}=is.null`, how many: `?select=id,{name}(count)`"
    yield f"- filters of `{name}`: `?select=*,{name}(*)&{name}.{columns[0]}=not.is.null&{name}.or=({columns[0]}.is.null,{columns[0]}.not.is.null)`"
    if not relation.to_one:
        yield f"- their order, and a part: `?select=*,{name}(*)&{name}.order={columns[0]}.desc&{name}.limit=5&{name}.offset=0`"


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


def _filter(field: Field, *, certain: bool) -> dict[str, Any]:
    examples = _examples(field)
    first = next(iter(examples.values()))
    told = f"Only rows whose `{field.column}` is so: `{field.column}={first}`."
    if field.kind == "json":
        told += f" A value inside: `?{field.column}->>a=eq.b`, `?{field.column}->a=gt.5`."
    if not certain:
        told += " Who may not see it in any row gets a 400: for him there is no such name."
    return parameter(field.column, filter_schema(field), told, examples)


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


def _group(word: str, asked: Asked) -> dict[str, Any]:
    told = {
        "or": "At least one of these conditions holds.",
        "and": "All of these conditions hold: for use with `or` and `not` inside.",
        "not.or": "None of these conditions holds.",
        "not.and": "At least one of these conditions fails.",
    }[word]
    field = asked.certain[0]
    example = f"({field.column}.{_nested(next(iter(_examples(field).values())))},{field.column}.is.null)"
    return parameter(word, asked.conditions, told, {"two conditions": example})


def _nested(condition: str) -> str:
    operator, _, value = condition.partition(".")
    return condition if operator == "in" else f"{operator}.{_listed(value)}"
