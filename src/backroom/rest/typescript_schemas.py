"""Python's types as TypeScript writes them: scalars by their JSON form, models and enumerations by name, each once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from textwrap import indent
from typing import Any, NamedTuple, cast

from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from backroom.resources.fields import Field, Kind
from backroom.rest.openapi_names import Components, is_enumeration
from backroom.rest.schemas import REF, Direction, Schema

NOTHING = "{ [_ in never]: never }"
OPEN = "{ [key: string]: Json | undefined }"
_PREFIX = REF.format(model="")

#: APP.md, 9. Every other kind travels as text.
_SCALARS: Mapping[Kind, str] = {"integer": "number", "float": "number", "boolean": "boolean"}
_JSON_TYPES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
#: What no type of a module may be called: words of the language, its own types, and the global one that the document names.
_WORDS = frozenset(
    """any as async await bigint boolean break case catch class const continue debugger default delete do else enum export extends false finally for
    function if implements import in infer instanceof interface is keyof let namespace never new null number object package private protected public
    readonly return satisfies static string super switch symbol this throw true try type typeof undefined unique unknown var void while with yield
    Record""".split()  # noqa: SIM905 - a list of this length is unreadable
)


# ---------------------------------------------------------------- writing
class Member(NamedTuple):
    """One property of an object type."""

    name: str
    type: str
    optional: bool = False
    comment: str = ""


def object_of(members: Iterable[Member]) -> str:
    """`{ ... }`, one property a line."""
    lines = [_property(each) for each in members]
    return "{\n" + indent("\n".join(lines), "  ") + "\n}" if lines else NOTHING


def _property(member: Member) -> str:
    name = member.name if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", member.name) else literal(member.name)
    return f"{comment(member.comment)}{name}{'?' if member.optional else ''}:{'' if member.type.startswith(chr(10)) else ' '}{member.type}"


def overloads(signatures: Iterable[str]) -> str:
    """One signature, or a union of them."""
    each = list(signatures)
    return each[0] if len(each) == 1 else "".join(f"\n  | {indent(text, '    ').lstrip()}" for text in each)


def tuple_of(items: Iterable[str]) -> str:
    lines = [f"{indent(item, '  ')}," for item in items]
    return "\n".join(["[", *lines, "]"]) if lines else "[]"


def first_paragraph(text: str) -> str:
    """What a docstring says first: the rest is for who reads the Python."""
    return text.strip().partition("\n\n")[0]


def comment(text: str) -> str:
    """`/** text */` and a line break, or nothing."""
    lines = text.replace("*/", "*\\/").strip().splitlines()
    if len(lines) < 2:
        return f"/** {lines[0].strip()} */\n" if lines else ""
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */", ""])


def literal(value: object) -> str:
    """A value as its own type: `"small"`, `1`, `true`, `null`."""
    return json.dumps(value, ensure_ascii=not str(value).isprintable())


def union(parts: Iterable[str]) -> str:
    """`A | B`, each once; `Json` holds everything."""
    each = list(dict.fromkeys(parts))
    return "Json" if "Json" in each else " | ".join(each)


def array_of(item: str) -> str:
    return f"({item})[]" if " | " in item or " & " in item else f"{item}[]"


# ---------------------------------------------------------------- reading
class _Whole(GenerateJsonSchema):
    """What goes out is whole: a model's defaults were filled in when it came in. Only a TypedDict may lack what it says it may."""

    # No default is written here. RUF012: the base class has it so.
    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "serialization" and field["type"] != "typed-dict-field":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)


class Types:
    """The named types of one document while they are gathered. `reserved` are names that the document takes for itself."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._components = Components({}, _WORDS.union(reserved))

    def of_field(self, field: Field, direction: Direction) -> str:
        """The type of one value of the field, `null` where it may be empty."""
        shown = self._of_field(field, direction)
        return union((shown, "null")) if field.nullable else shown

    def _of_field(self, field: Field, direction: Direction) -> str:
        annotation: object = field.annotation
        if field.kind == "json" or (isinstance(annotation, type) and issubclass(annotation, Enum)):
            return self.of(field.annotation, direction)
        if field.choices is not None:
            return union(literal(value) for value in field.choices)
        return _SCALARS.get(field.kind, "string")

    def of(self, annotation: Any, direction: Direction) -> str:
        """Any type as JSON carries it, sent ("in") or shown ("out"); `Json` where pydantic can't say."""
        listed = cast("Any", list)[annotation]  # what stands alone is described in place; in a list it is given a name
        try:
            schema = TypeAdapter(listed).json_schema(
                ref_template=REF, mode="validation" if direction == "in" else "serialization", schema_generator=_Whole
            )
        except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
            return "Json"
        return self.written(self._components.adopt(schema, direction).get("items", {}))

    def models(self) -> dict[str, str]:
        """Name -> the type's text, of everything but enumerations."""
        named = {_identifier(name): schema for name, schema in self._components.schemas.items() if not is_enumeration(schema)}
        return {name: f"{comment(_told(schema))}export type {name} = {self.written(schema)}" for name, schema in named.items()}

    def enumerations(self) -> list[Member]:
        """Name -> its values."""
        schemas = self._components.schemas.items()
        return [Member(name, self.written(schema), comment=_told(schema)) for name, schema in schemas if is_enumeration(schema)]

    def written(self, schema: Schema) -> str:
        """A JSON Schema as a type."""
        if "$ref" in schema:
            return self._referred(schema["$ref"].removeprefix(_PREFIX))
        if "const" in schema:
            return literal(schema["const"])
        if "enum" in schema:
            return union(literal(value) for value in schema["enum"])
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return union(self.written(each) for each in schema[choice])
        if "allOf" in schema:
            return " & ".join(f"({self.written(each)})" for each in schema["allOf"])
        kinds: object = schema.get("type", "object" if "properties" in schema else "")
        return union(self._of_type(str(kind), schema) for kind in (cast("list[object]", kinds) if isinstance(kinds, list) else [kinds]))

    def _referred(self, name: str) -> str:
        if is_enumeration(self._components.schemas.get(name, {})):
            return f'Database["public"]["Enums"][{literal(name)}]'
        return _identifier(name)

    def _of_type(self, kind: str, schema: Schema) -> str:
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema)
        return _JSON_TYPES.get(kind, "Json")

    def _array(self, schema: Schema) -> str:
        if "prefixItems" in schema:
            return f"[{', '.join(self.written(each) for each in schema['prefixItems'])}]"
        return array_of(self.written(schema.get("items", {})))

    def _object(self, schema: Schema) -> str:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        rest: bool | Schema = schema.get("additionalProperties", "patternProperties" not in schema)
        if properties:
            members = [Member(name, self.written(each), name not in required, _told(each)) for name, each in properties.items()]
            return object_of(members) + (f" & {OPEN}" if rest is not False else "")
        kinds: list[Schema] = [*schema.get("patternProperties", {}).values(), *([] if isinstance(rest, bool) else [rest])]
        if rest is True:
            return "{ [key: string]: Json }"
        return f"{{ [key: string]: {union(self.written(each) for each in kinds)} }}" if kinds else NOTHING


def _told(schema: Schema) -> str:
    return first_paragraph(str(schema.get("description", "")))


def _identifier(name: str) -> str:
    """pydantic's names may hold dots and dashes."""
    return re.sub(r"\W", "_", name)
