"""`/openapi.json`: all that the server answers, said of the same facts that it answers by (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from backroom.resources.catalog import Catalog
from backroom.rest.openapi_accounts import ACCOUNT_NAMES, describe_accounts, security_schemes
from backroom.rest.openapi_batch import describe_batch
from backroom.rest.openapi_endpoints import CustomEndpoint, describe_endpoint, plain_path
from backroom.rest.openapi_names import Components, family, resource_names
from backroom.rest.openapi_patterns import filter_schemas
from backroom.rest.openapi_problems import SCHEMAS, headers, refusals, responses
from backroom.rest.openapi_resources import SELECTED, Described, describe, summary_of
from backroom.settings import Settings

_PREFIX = "#/components/schemas/"
_TAGS = {
    "account": "Sign up, sign in, sign out, who am I: the session is a cookie that no script can read.",
    "auth": "The same with tokens, in the shapes that GoTrue's clients read.",
    "batch": "Several requests in one transaction.",
    "functions": "The app's own functions.",
    "endpoints": "The app's own endpoints.",
    "server": "The server itself.",
}
_CONVENTIONS = """\
**Requests** hold JSON with the names of the schemas; an unknown name is a 400 that says the nearest right one.

**Lists** are bare arrays; filters are PostgREST's (`?done=is.false&due=lt.2026-12-01&order=due`), and a filter given twice must hold twice.

**Refusals** are `application/problem+json`: `code` is for programs, `detail` for people, `errors` for each field at once.

Every GET answers HEAD too, every address OPTIONS; any other method is a 405 with `Allow`. Every reply carries `X-Request-Id`."""
_PARAMETERS: dict[str, Any] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` of the row as it was read: if it has changed meanwhile, nothing is done and the reply is 412.",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` that is known already: if it is still right, the reply is 304.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A fresh random text for each thing to be done, like `crypto.randomUUID()`. Sent again with the same request within 24 hours, "
        "the first reply comes back (`Idempotent-Replayed: true`) and nothing is done twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    },
}


def document(
    catalog: Catalog, settings: Settings, *, title: str, description: str, version: str, endpoints: Sequence[CustomEndpoint] = (), auth: bool = True
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an app, ready for JSON. The same declarations give the same document, byte for byte.

    `catalog` is frozen. `title`, `description` (Markdown) and `version` are the app's. `endpoints` are the app's own; one at the address of
    an action takes its place. `auth=False` leaves out accounts, sessions and the security schemes.

    >>> document(catalog, settings, title="Todos", description="", version="1")["openapi"]  # doctest: +SKIP
    '3.1.0'
    """
    shared = {**SCHEMAS, **filter_schemas(), "Selected": SELECTED}
    reserved = {*shared, *ACCOUNT_NAMES}
    names = resource_names(catalog, reserved)
    components = Components(shared, reserved | {name for base in names.values() for name in family(base)})
    app = Described(catalog, catalog.definitions["users"], names, settings, auth)
    paths: dict[str, Any] = {}
    for definition in catalog.definitions.values():
        paths |= describe(app.of(definition.name), components)
    for endpoint in endpoints:
        _put(paths, endpoint, describe_endpoint(endpoint, app, components))
    paths |= describe_batch(app)
    if auth:
        paths |= describe_accounts(app, components)
    paths["/health"] = {"get": _health("readHealth", "Is the server alive?")}
    paths["/health/ready"] = {"get": _health("readReadiness", "Does its database answer?")}
    _tell_apart(paths)
    refused = responses(_responses(paths))
    used = set(_references([paths, refused], components.schemas))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": "\n\n".join(filter(None, (description.strip(), _CONVENTIONS)))},
        "tags": _tags(catalog, paths),
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.schemas.items() if name in used},
            "responses": refused,
            "headers": headers(),
            "parameters": _PARAMETERS,
            **({"securitySchemes": security_schemes(settings)} if auth else {}),
        },
    }


def _health(name: str, summary: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    alive = {"description": "Yes.", "content": {"application/json": {"schema": schema}}}
    return {
        "operationId": name,
        "tags": ["server"],
        "summary": summary,
        "responses": {"200": alive} | refusals(["http.internal", "http.unavailable", "database.busy", "database.timeout"]),
        "security": [],
    }


def _put(paths: dict[str, Any], endpoint: CustomEndpoint, operation: dict[str, Any]) -> None:
    """At its address. Two spellings of one address (`{id}`, `{key}`) are one: the parameters take the names that are there."""
    path = plain_path(endpoint.path)
    shape = re.sub(r"\{\w+\}", "{}", path)
    there = next((each for each in paths if re.sub(r"\{\w+\}", "{}", each) == shape), path)
    renamed = dict(zip(re.findall(r"\{(\w+)\}", path), re.findall(r"\{(\w+)\}", there), strict=True))
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") == "path":
            parameter["name"] = renamed[parameter["name"]]
    paths.setdefault(there, {})[endpoint.method.lower()] = operation


def _operations(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for item in paths.values() for method, operation in item.items() if method != "parameters")


def _responses(paths: dict[str, Any]) -> Iterator[str]:
    """The names of the shared responses that operations refer to."""
    for operation in _operations(paths):
        for response in operation["responses"].values():
            if "$ref" in response:
                yield response["$ref"].rpartition("/")[2]


def _tell_apart(paths: dict[str, Any]) -> None:
    """No operationId stands twice: the later one gets a number."""
    used: set[str] = set()
    for operation in _operations(paths):
        name, number = operation["operationId"], 2
        while operation["operationId"] in used:
            operation["operationId"], number = f"{name}{number}", number + 1
        used.add(operation["operationId"])


def _tags(catalog: Catalog, paths: dict[str, Any]) -> list[dict[str, str]]:
    used = {tag for operation in _operations(paths) for tag in operation["tags"]}
    told = {name: summary_of(definition.cls) for name, definition in catalog.definitions.items()} | _TAGS
    return [{"name": name, **({"description": text} if text else {})} for name, text in told.items() if name in used]


def _references(node: Any, schemas: dict[str, Any]) -> Iterator[str]:
    """Every schema that is reached from here."""
    seen: set[str] = set()
    waiting: list[Any] = [node]
    while waiting:
        part: Any = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            mapping = cast("dict[str, Any]", part)
            name = str(mapping.get("$ref", "")).removeprefix(_PREFIX)
            if name in schemas and name not in seen:
                seen.add(name)
                waiting.append(schemas[name])
            waiting += mapping.values()
    return iter(seen)
