"""Names of the OpenAPI document's components: one per resource, and a home for every model that pydantic describes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.rest.schemas import REF, Direction, Schema, is_portable

#: What is made of a resource's name: `Todo`, `TodoCreate`, ...
SUFFIXES = ("", "Conditions", "Related", "Create", "Replace", "Update")
#: Their values are data, in which `pattern` and `$ref` mean nothing.
_DATA = frozenset({"default", "example", "examples", "enum", "const"})
_PREFIX = REF.format(model="")


def pascal(name: str) -> str:
    """`due_dates` -> `DueDates`"""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name) if part)


def family(base: str) -> list[str]:
    """All names that are made of a row's."""
    return [base + suffix for suffix in SUFFIXES]


def resource_names(catalog: Catalog, taken: Iterable[str]) -> dict[str, str]:
    """Resource -> the name of its row: its class's, unless that is taken."""
    used = set(taken)
    found: dict[str, str] = {}
    for definition in catalog.definitions.values():
        base = next(name for name in _candidates(definition) if used.isdisjoint(family(name)))
        used.update(family(base))
        found[definition.name] = base
    return found


def _candidates(definition: Definition) -> Iterable[str]:
    cls = re.sub(r"[^A-Za-z0-9._-]", "", definition.cls.__name__) or "Row"  # the letters that a component's name may have
    yield cls
    yield f"{cls}Row"
    yield pascal(definition.name)
    for number in range(2, 1000):
        yield f"{cls}{number}"


class Components:
    """`components.schemas` while it is filled. Equal models share one place; different ones of one name get another."""

    def __init__(self, given: Mapping[str, Schema], reserved: Iterable[str]) -> None:
        self.schemas: dict[str, Schema] = dict(given)
        self._reserved = frozenset(reserved)

    def adopt(self, schema: Schema, direction: Direction) -> Schema:
        """The schema with its `$defs` moved here."""
        definitions: dict[str, Schema] = {name: _closed(body) for name, body in schema.pop("$defs", {}).items()}
        renamed = {name: name for name in definitions}
        attempts = dict.fromkeys(definitions, 0)
        while clashing := [name for name, body in definitions.items() if not self._fits(renamed[name], _rewritten(body, renamed))]:
            for name in clashing:
                attempts[name] += 1
                renamed[name] = _variant(name, definitions[name], direction, attempts[name])
        for name, body in definitions.items():
            self.schemas[renamed[name]] = _rewritten(body, renamed)
        adopted: Schema = _rewritten(_closed(schema), renamed)
        return adopted

    def _fits(self, name: str, body: Schema) -> bool:
        return name not in self._reserved and self.schemas.get(name, body) == body


def _closed(model: Schema) -> Schema:
    """Names that a model doesn't declare are refused, and never shown."""
    return {"additionalProperties": False} | model if "properties" in model else model


def is_enumeration(schema: Schema) -> bool:
    """Some values and no others. A class of one value is described as a constant."""
    return "enum" in schema or "const" in schema


def _variant(name: str, body: Schema, direction: Direction, attempt: int) -> str:
    if is_enumeration(body):  # the same both ways
        return f"{name}{attempt + 1}"
    return f"{name}{'Input' if direction == 'in' else 'Output'}{attempt if attempt > 1 else ''}"


def _rewritten(node: Any, renamed: Mapping[str, str]) -> Any:
    """With references by their new names, and without patterns that JavaScript would read differently."""
    if isinstance(node, list):
        return [_rewritten(each, renamed) for each in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", node).items():
        if key in _DATA:
            found[key] = value
        elif key == "$ref" and isinstance(value, str):
            name = value.removeprefix(_PREFIX)
            found[key] = _PREFIX + renamed.get(name, name)
        elif key == "pattern" and isinstance(value, str) and not is_portable(value):
            found["x-pattern"] = value
        else:
            found[key] = _rewritten(value, renamed)
    return found
