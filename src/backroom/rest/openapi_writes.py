"""What writes take beside their rows, described: `columns`, `on_conflict`, and the header Prefer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.rest.openapi_queries import parameter
from backroom.rest.schemas import Schema, is_given

#: Preference -> what it asks for, and its values.
_PREFERENCES: Mapping[str, tuple[str, Sequence[str]]] = {
    "count": ("`Content-Range` tells how many rows there are in all", ("exact", "planned", "estimated")),
    "return": ("with the rows, or with nothing but headers (`minimal`)", ("representation",)),
    "resolution": ("a row that is there already is changed, or left as it is", ("merge-duplicates", "ignore-duplicates")),
    "missing": ("what `columns` names and a row lacks takes its default", ("default",)),
}
_STRICT = "Writes by filter take `handling=strict, max-affected=10`: more rows than that, and nothing is changed (400 `rest.max_affected`)."


def columns(definition: Definition, sent: Sequence[Field]) -> dict[str, Any]:
    """Which names of the rows count."""
    needed = [field.column for field in sent if is_given(definition, field)]
    one = f"(?:{'|'.join(field.column for field in sent)})" if sent else ""
    pattern = ",".join(needed) + (rf"(?:,{one})*" if needed else rf"{one}(?:,{one})*")
    told = "Only these columns of the rows that are sent, in any order, with all that a row must have; null where a row lacks one that may be null."
    return parameter("columns", {"type": "string", "pattern": f"^{pattern}$"}, told)


def on_conflict(definition: Definition) -> dict[str, Any]:
    """The unique keys by which a row may be there already."""
    keys = [(definition.key,), *definition.unique]
    told = "The unique columns that say whether a row is there already; needs `Prefer: resolution=...` (400 without). Left out: the id."
    schema: Schema = {"enum": list(dict.fromkeys(",".join(field.column for field in key) for key in keys))}
    return parameter("on_conflict", schema, told)


def prefer(*names: str) -> dict[str, Any]:
    """The header, with the preferences that count here. Any other is no fault, unless `handling=strict` asks for it."""
    lines = [f"- `{name}={'`, `'.join(values)}`: {told}" for name, (told, values) in _PREFERENCES.items() if name in names]
    if names == ("return", "count"):
        lines += ["", _STRICT]
    known = "|".join(f"{name}=(?:{'|'.join(_PREFERENCES[name][1])})" for name in names)
    first = f"{names[0]}={_PREFERENCES[names[0]][1][0]}"
    schema: Schema = {"anyOf": [{"type": "string", "pattern": rf"^(?:{known})(?:, (?:{known}))*$"}, {"type": "string"}]}
    return parameter("Prefer", schema, "\n".join(["What the reply should be like; with commas between:", "", *lines]), {first: first}, where="header")
