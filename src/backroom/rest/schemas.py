"""JSON Schemas of what travels: each field as it is sent and as it is shown, and a resource's row and bodies made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic_core import to_jsonable_python

from backroom.resources.definition import Definition
from backroom.resources.fields import CALLER, MISSING, Field, Kind
from backroom.resources.nodes import Always
from backroom.rest.implication import field_rule, implies, row_rule
from backroom.sql.values import moment_text
from backroom.validation.strict_json import MAX_SAFE_INTEGER

Schema: TypeAlias = "dict[str, Any]"
Direction: TypeAlias = Literal["in", "out"]
Adopt: TypeAlias = Callable[[Schema, Direction], Schema]

REF = "#/components/schemas/{model}"
_SAFE: Schema = {"type": "integer", "minimum": -MAX_SAFE_INTEGER, "maximum": MAX_SAFE_INTEGER}
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"
_DECIMAL_TEXT: Schema = {"type": "string", "pattern": r"^-?[0-9]{1,50}(\.[0-9]{1,50})?$"}
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
#: Greatest decimal number that is taken as a JSON number: 15 digits survive a double.
_EXACT = 10**15 - 1

#: Kinds whose text is the same for every type of theirs; the others are described by pydantic.
_SHOWN: Mapping[Kind, Schema] = {
    "integer": _SAFE,
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "decimal": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time", "pattern": _MOMENT},
    "time": {"type": "string", "pattern": _TIME},
    "timedelta": {"type": "string", "format": "duration"},
    "uuid": {"type": "string", "format": "uuid"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}
_SENT: Mapping[Kind, Schema] = {
    **_SHOWN,
    "decimal": {"anyOf": [_DECIMAL_TEXT, {"type": "number", "minimum": -_EXACT, "maximum": _EXACT}]},
    "datetime": {"type": "string", "format": "date-time"},
}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "multiple_of": "multipleOf"}
_PHRASES = {"ge": "At least {}.", "gt": "Greater than {}.", "le": "At most {}.", "lt": "Less than {}.", "multiple_of": "A multiple of {}."}

#: What a value of each kind looks like, where the field gives no example.
EXAMPLES: Mapping[Kind, str] = {
    "text": "milk",
    "integer": "42",
    "float": "1.5",
    "boolean": "true",
    "decimal": "49.90",
    "date": "2026-12-01",
    "datetime": "2026-12-01T09:00:00.000Z",
    "time": "09:30:00",
    "timedelta": "PT1H30M",
    "uuid": "0190b6c4-7b1e-7cc2-a4f7-0242ac120002",
    "bytes": "aGVsbG8=",
    "json": "{}",
}


# ---------------------------------------------------------------- one field
def field_schema(field: Field, direction: Direction, adopt: Adopt) -> Schema:
    """One value of this field as it is sent ("in") or shown ("out"). `adopt` gives shared models their home among the components."""
    schema = _sent(field, adopt) if direction == "in" else _shown(field, adopt)
    notes = _notes(field, direction)
    if field.nullable:
        schema = _or_null(schema)
    if notes:
        schema["description"] = " ".join(notes)
    example = _json(field, field.options.example)
    if example is not MISSING:
        schema["examples"] = [example]
    if direction == "in":
        default = _json(field, field.options.default)
        if default is not MISSING:
            schema["default"] = default
    return schema


def _shown(field: Field, adopt: Adopt) -> Schema:
    if field.choices is not None:
        return {"type": "string" if field.kind == "text" else "integer", "enum": list(field.choices)}
    if field.kind in _SHOWN:
        return dict(_SHOWN[field.kind])
    described = _described(field.annotation, "out", adopt)
    if field.kind != "text":
        return described
    return {name: value for name, value in described.items() if name not in ("minLength", "maxLength", "pattern")}  # rows may be older than those


def _sent(field: Field, adopt: Adopt) -> Schema:
    if field.choices is not None:
        return {"type": "string" if field.kind == "text" else "integer", "enum": list(field.choices)}
    if field.kind == "text":
        return _text(_described(field.constrained, "in", adopt))
    if field.kind == "json":
        return _described(field.constrained, "in", adopt)
    schema = dict(_SENT[field.kind])
    if field.kind in ("integer", "float"):
        described = _described(field.constrained, "in", adopt)  # also what an `Annotated[int, Ge(0)]` says
        bounds = {name: described[name] for name in _BOUNDS.values() if name in described}
        schema = _SAFE | bounds if field.kind == "integer" else schema | bounds
    elif field.kind == "decimal":
        schema["anyOf"] = [schema["anyOf"][0], schema["anyOf"][1] | _number_bounds(field)]
    return schema


def _text(schema: Schema) -> Schema:
    if schema.get("minLength", 0) < 1:
        return schema
    if "pattern" in schema:
        return schema | {"allOf": [{"pattern": r"\S"}]}
    return schema | {"pattern": r"\S"}  # only blanks is nothing


def _number_bounds(field: Field) -> Schema:
    return {_BOUNDS[name]: float(value) for name, value in field.options.constraints.items() if name in _BOUNDS}


def _described(annotation: Any, direction: Direction, adopt: Adopt) -> Schema:
    """The type as pydantic describes it; `{}` (anything) for types that have no JSON Schema."""
    try:
        schema = TypeAdapter(annotation).json_schema(ref_template=REF, mode="validation" if direction == "in" else "serialization")
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        return {}
    adopted = adopt(schema, direction)
    adopted.pop("title", None)
    return adopted


def type_schema(annotation: Any, direction: Direction, adopt: Adopt) -> Schema:
    """Any other type: an endpoint's model or reply. `{}` where pydantic can't say."""
    return _described(annotation, direction, adopt)


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return schema | {"type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str):
        return schema | {"type": [schema["type"], "null"]}
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]} if schema else schema


def _notes(field: Field, direction: Direction) -> list[str]:
    notes = [field.options.description] if field.options.description else []
    if field.target is not None:
        notes.append(f"The id of a row of `{field.target}`.")
    if direction == "out":
        return notes
    if field.kind not in ("integer", "float", "text"):
        notes += [_PHRASES[name].format(value) for name, value in field.options.constraints.items() if name in _PHRASES]
    if field.options.strip:
        notes.append("Stored without the blanks around it.")
    if field.options.default is CALLER:
        notes.append("Left out, it is the caller.")
    return notes


def _json(field: Field, value: Any) -> Any:
    """A default or an example as JSON; MISSING where there is none."""
    if value is MISSING or value is CALLER:
        return MISSING
    if field.kind == "datetime" and hasattr(value, "astimezone"):
        return moment_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return to_jsonable_python(value, bytes_mode="base64", fallback=str)


# ---------------------------------------------------------------- one resource
def is_shown(definition: Definition, field: Field) -> Literal["always", "sometimes", "never"]:
    """In the rows that a caller reads. "sometimes": it depends on the caller or the row, so its key may be absent."""
    rule = field_rule(definition, field, "read")
    if not field.readable or rule == Always(False):
        return "never"
    return "always" if implies(row_rule(definition, "read"), rule) else "sometimes"


def is_sent(definition: Definition, field: Field, action: Literal["create", "update"]) -> bool:
    """Somebody may set it so. A name hidden from everybody does not exist, not even to be written."""
    if field.name == "id" and definition.options.client_key and action == "create":
        return True
    hidden = not field.options.write_only and is_shown(definition, field) == "never"
    fixed = action == "update" and field.options.immutable
    return field.writable and not hidden and not fixed and field_rule(definition, field, action) != Always(False)


def row(definition: Definition, adopt: Adopt, *, whole: bool = True) -> Schema:
    """A row as it is shown. `whole=False`: only the columns that `select` names."""
    shown = {field.column: is_shown(definition, field) for field in definition.fields}
    properties = {field.column: field_schema(field, "out", adopt) for field in definition.fields if shown[field.column] != "never"}
    for column, schema in properties.items():
        if shown[column] == "sometimes":
            schema["description"] = _joined(schema, "Absent where the caller may not see it.")
    return _object(properties, [column for column in properties if whole and shown[column] == "always"])


def create_body(definition: Definition, adopt: Adopt) -> Schema:
    """What a POST may hold. Absent fields take their defaults."""
    fields = [field for field in definition.fields if is_sent(definition, field, "create")]
    required = [field.column for field in fields if is_given(definition, field)]
    return _object({field.column: _sent_by_some(definition, field, "create", adopt) for field in fields}, required)


def is_given(definition: Definition, field: Field) -> bool:
    """Every new row has to bring it."""
    return not field.has_default and (not field.server_set or definition.key.kind == "text")


def replace_body(definition: Definition, adopt: Adopt) -> Schema:
    """What a PUT may hold: absent fields that this caller may read and write take their defaults, all others keep their value."""
    properties = _changes(definition, adopt, keep_defaults=True)
    return _object(properties, [field.column for field in definition.fields if field.column in properties and _required_again(definition, field)])


def update_body(definition: Definition, adopt: Adopt) -> Schema:
    """What a PATCH may hold: only what changes."""
    return _object(_changes(definition, adopt, keep_defaults=False), [])


def _changes(definition: Definition, adopt: Adopt, *, keep_defaults: bool) -> dict[str, Schema]:
    properties: dict[str, Schema] = {}
    for field in definition.fields:
        if is_sent(definition, field, "update"):
            schema = _sent_by_some(definition, field, "update", adopt)
            properties[field.column] = schema if keep_defaults else without_default(schema)
        elif is_shown(definition, field) != "never":
            schema = properties[field.column] = field_schema(field, "out", adopt) | {"readOnly": True}
            otherwise = "412" if field.name == "updated_at" else "400"
            schema["description"] = _joined(
                schema, f"Taken when equal to what is stored (a row that was read can be sent back), otherwise {otherwise}."
            )
    return properties


def _sent_by_some(definition: Definition, field: Field, action: Literal["create", "update"], adopt: Adopt) -> Schema:
    schema = field_schema(field, "in", adopt)
    if not implies(row_rule(definition, action), field_rule(definition, field, action)):
        schema["description"] = _joined(schema, "Not everybody may set it.")
    return schema


def without_default(schema: Schema) -> Schema:
    """What changes has none: left out means kept."""
    return {name: value for name, value in schema.items() if name != "default"}


def _required_again(definition: Definition, field: Field) -> bool:
    unconditional = is_shown(definition, field) == "always" and implies(row_rule(definition, "update"), field_rule(definition, field, "update"))
    return not field.has_default and unconditional and is_sent(definition, field, "update")


def _joined(schema: Schema, sentence: str) -> str:
    return f"{schema['description']} {sentence}" if schema.get("description") else sentence


def _object(properties: Mapping[str, Schema], required: Iterable[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    listed = list(required)
    if listed:
        schema["required"] = listed
    return schema


# ---------------------------------------------------------------- patterns
_UNPORTABLE = re.compile(r"\(\?(?![:=!])|\\[AzZGpPuUxkQEhHRKX]|[*+?}]\+|\[\[|&&")


def is_portable(pattern: str) -> bool:
    """JavaScript, Python and Rust read this pattern alike."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return _UNPORTABLE.search(pattern) is None
