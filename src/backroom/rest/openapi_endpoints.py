"""An app's own endpoints and functions, described from their arguments and their reply."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import UnionType
from typing import Any, Protocol, TypeGuard, Union, get_args, get_origin

from backroom.resources.catalog import Catalog
from backroom.resources.fields import Field, split_optional
from backroom.resources.nodes import Node
from backroom.resources.outcomes import possible
from backroom.resources.resource import Resource
from backroom.rest.custom import BODILESS
from backroom.rest.idempotency import METHODS as KEYED_METHODS
from backroom.rest.openapi_names import Components
from backroom.rest.openapi_problems import ALWAYS, BODY, FOREIGN, IDEMPOTENCY_KEY, KEYED, SIGNED_OUT, WRITING, refusals
from backroom.rest.openapi_resources import Described, json_body, related, security
from backroom.rest.replies import Reply
from backroom.rest.schemas import Schema, field_schema, type_schema

#: What an app's own code may meet through `db`, whatever it does with it.
_MET = (
    *("validation.failed", "rest.not_found", "http.not_found", "rules.forbidden", "rules.field", "rest.stale"),
    *("reference.not_found", "reference.in_use", "database.unique", "database.check", "database.full", "app.timeout"),
)


class ArgumentFields(Protocol):
    """The arguments of one function by the place they come from. `model` is the pydantic model that is the whole body, or None."""

    @property
    def path(self) -> Mapping[str, Field]: ...
    @property
    def query(self) -> Mapping[str, Field]: ...
    @property
    def body(self) -> Mapping[str, Field]: ...
    @property
    def model(self) -> Any: ...


class CustomEndpoint(Protocol):
    """What the document needs to know of one endpoint of the app's own.

    `path` is whole and in the router's spelling (`/api/todos/{id}/archive`), `description` the docstring or "", `returns` the annotation of what is
    returned. `requires_person`: somebody must be signed in; `access`: what else is asked of the caller, or None. `reads_only`: a function by GET.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def returns(self) -> Any: ...
    @property
    def requires_person(self) -> bool: ...
    @property
    def reads_only(self) -> bool: ...
    @property
    def access(self) -> Node | None: ...
    @property
    def arguments(self) -> ArgumentFields: ...


def plain_path(path: str) -> str:
    """`/x/{id:int}` -> `/x/{id}`"""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def describe_endpoint(endpoint: CustomEndpoint, app: Described, components: Components) -> dict[str, Any]:
    """The operation. Its models go to `components`; its rows are the resources' own."""
    summary, _, rest = inspect.cleandoc(endpoint.description).partition("\n\n")
    words = endpoint.name.replace("_", " ").strip()
    name = f"read_{endpoint.name}" if endpoint.reads_only else endpoint.name
    operation: dict[str, Any] = {"operationId": operation_name(name), "tags": [_tag(endpoint.path, app.catalog)]}
    operation["summary"] = " ".join(summary.split()).removesuffix(".") or words[:1].upper() + words[1:]
    if endpoint.reads_only:
        rest += "\n\nBy GET it may change nothing (405)."
    if rest:
        operation["description"] = rest.strip()
    parameters = [_argument(field, "path", components) for field in endpoint.arguments.path.values()]
    parameters += [_argument(field, "query", components) for field in endpoint.arguments.query.values()]
    keyed = endpoint.method in KEYED_METHODS
    parameters += [IDEMPOTENCY_KEY] if keyed else []
    if parameters:
        operation["parameters"] = parameters
    body = _body(endpoint, components)
    if body is not None:
        operation["requestBody"] = body
    codes = [*ALWAYS, *_MET, *SIGNED_OUT, *(() if endpoint.method in ("GET", "HEAD") else (*WRITING, *FOREIGN)), *(KEYED if keyed else ())]
    codes += BODY if endpoint.method not in BODILESS else ()
    codes += ["rest.read_only"] if endpoint.reads_only else []
    operation["responses"] = _replies(endpoint.returns, app, components) | refusals(codes, open_to_others=True)
    if app.auth:
        open_to_all = endpoint.access is None or True in possible(endpoint.access, signed_in=False)
        operation["security"] = security(open_to_all and not endpoint.requires_person)
    return operation


def operation_name(name: str) -> str:
    """`send_report` -> `sendReport`"""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", name) if part] or ["endpoint"]
    return first[:1].lower() + first[1:] + "".join(part[:1].upper() + part[1:] for part in rest)


def _tag(path: str, catalog: Catalog) -> str:
    _, api, *rest = [*path.split("/"), ""]
    if api == "api" and rest[0] == "rpc":
        return "functions"
    return rest[0] if api == "api" and rest[0] in catalog.definitions else "endpoints"


def _argument(field: Field, where: str, components: Components) -> dict[str, Any]:
    schema = field_schema(field, "in", components.adopt)
    told = schema.pop("description", None)
    found: dict[str, Any] = {"name": field.name, "in": where, "required": where == "path" or not field.has_default, "schema": schema}
    return found | ({"description": told} if told else {})


def _body(endpoint: CustomEndpoint, components: Components) -> dict[str, Any] | None:
    if endpoint.arguments.model is not None:
        return json_body(type_schema(endpoint.arguments.model, "in", components.adopt))
    fields = endpoint.arguments.body
    if not fields:
        return None
    required = [name for name, field in fields.items() if not field.has_default]
    properties = {name: field_schema(field, "in", components.adopt) for name, field in fields.items()}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return json_body(schema | ({"required": required} if required else {}), required=bool(required))


def _replies(annotation: Any, app: Described, components: Components) -> dict[str, Any]:
    if annotation is Reply or get_origin(annotation) is Reply:
        return {"2XX": _reply("As the code decides.", reply_schema(next(iter(get_args(annotation)), Any), app, components))}
    inner, nothing = split_optional(annotation)
    replies: dict[str, Any] = {}
    if annotation not in (None, type(None)):
        replies["200"] = _reply("Done.", reply_schema(inner, app, components))
    if nothing or annotation in (None, type(None), Any):
        replies["204"] = {"description": "Done; there is nothing to say."}
    return replies


def _reply(told: str, schema: Schema) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": schema}}}


def reply_schema(annotation: Any, app: Described, components: Components) -> Schema:
    """What an endpoint returns: rows are their resources' schemas, also inside lists, dicts and unions; the rest is pydantic's."""
    if is_resource(annotation):
        return related(app.of(app.catalog.of(annotation).name), components)
    inner, nullable = split_optional(annotation)
    if nullable:
        return {"anyOf": [reply_schema(inner, app, components), {"type": "null"}]}
    if not holds_rows(annotation):
        return type_schema(annotation, "out", components.adopt)
    parts: list[Any] = [part for part in get_args(annotation) if part is not ...]
    schemas = [reply_schema(part, app, components) for part in parts]
    origin = get_origin(annotation)
    if origin is dict:
        return {"type": "object", "additionalProperties": schemas[-1]}
    if origin is tuple and ... not in get_args(annotation):
        return {"type": "array", "prefixItems": schemas, "minItems": len(schemas), "maxItems": len(schemas)}
    if origin in (Union, UnionType):
        return {"anyOf": schemas}
    return {"type": "array", "items": schemas[0]} if len(schemas) == 1 else {}


def holds_rows(annotation: Any) -> bool:
    """A resource's class, or a type made of one."""
    return is_resource(annotation) or any(holds_rows(part) for part in get_args(annotation))


def is_resource(annotation: Any) -> TypeGuard[type[Resource[Any]]]:
    return isinstance(annotation, type) and issubclass(annotation, Resource)
