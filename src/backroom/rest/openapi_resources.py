"""The operations of one resource, described: what its actions take and answer."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from backroom.resources.access import Action
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always
from backroom.resources.outcomes import possible
from backroom.rest.actions import ACTION_TABLE
from backroom.rest.faces import POSTGREST
from backroom.rest.idempotency import METHODS as KEYED_METHODS
from backroom.rest.implication import row_rule, sees_created, sees_updated
from backroom.rest.openapi_names import Components, pascal
from backroom.rest.openapi_problems import ALWAYS, IDEMPOTENCY_KEY, KEYED, WITH_BODY, WRITING, header_refs, refusals
from backroom.rest.openapi_queries import filters, listing, parameter, select
from backroom.rest.schemas import Schema, create_body, field_schema, is_sent, is_shown, replace_body, row, update_body
from backroom.settings import Settings

#: Nothing of the row: it was written by somebody who may not read it.
UNREADABLE: Schema = {"type": "object", "maxProperties": 0, "description": "Written, and not this caller's to read."}
_IF_MATCH: Schema = {"$ref": "#/components/parameters/If-Match"}
_SAFE_METHODS = ("get", "head")
_PREFER: Schema = {"$ref": "#/components/parameters/Prefer"}
_SILENT: dict[str, Any] = {"description": "Done. `Content-Range` tells how many rows it was.", "headers": header_refs("Content-Range")}
#: Either way of saying who is asking; `{}` in front: nobody.
SIGNED_IN: list[dict[str, list[str]]] = [{"cookie": []}, {"bearer": []}]


class Described(NamedTuple):
    """What the operations of one resource share."""

    catalog: Catalog
    definition: Definition
    names: Mapping[str, str]  # resource -> its row among the components
    settings: Settings
    auth: bool

    @property
    def name(self) -> str:
        return self.names[self.definition.name]

    def of(self, resource: str) -> Described:
        return self._replace(definition=self.catalog.definitions[resource])

    @property
    def fields(self) -> list[Field]:
        """The columns that some caller sees."""
        return [field for field in self.definition.fields if is_shown(self.definition, field) != "never"]

    @property
    def changes(self) -> bool:
        """There is something that some caller may change."""
        return any(is_sent(self.definition, field, "update") for field in self.definition.fields)

    def may(self, action: Action) -> bool:
        return row_rule(self.definition, action) != Always(False)


def related(resource: Described, components: Components) -> Schema:
    """A row as an app's own code returns it: with the relations that it loaded, or `{}` where the caller may not read it."""
    definition = resource.definition
    if not definition.references and not definition.collections:
        return {"anyOf": [_ref(resource.name), UNREADABLE]}
    name = resource.name + "Related"
    if name not in components.schemas:
        components.schemas[name] = {}  # rows may lead back here
        schema = row(definition, components.adopt)
        for reference in definition.references:
            if is_shown(definition, reference) != "never":
                schema["properties"][reference.name] = related(resource.of(reference.target or ""), components)
        for collection in definition.collections.values():
            holder = resource.catalog.definitions[collection.junction or collection.target]
            if any(is_shown(holder, way) == "never" for way in (collection.via, collection.far) if way is not None):
                continue
            schema["properties"][collection.name] = _array(related(resource.of(collection.target), components))
        components.schemas[name] = {"description": f"A {resource.name} with the relations that the code loaded."} | schema
    return {"anyOf": [_ref(name), UNREADABLE]}


def summary_of(cls: type) -> str:
    """The class's own docstring; what a base class says is not about it."""
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "")


def describe(resource: Described, components: Components) -> dict[str, Any]:
    """The paths of a resource. Its schemas go to `components`. Actions whose rule is `nobody` are left out."""
    _add_schemas(resource, components)
    address = f"/api/{resource.definition.name}"
    key = field_schema(resource.definition.key, "out", components.adopt)
    paths: dict[str, Any] = {}
    for action in ACTION_TABLE:
        if action.face is POSTGREST:
            continue
        if resource.may(_RULES[action.name]) and (_RULES[action.name] != "update" or resource.changes):
            path = f"{address}/{{id}}" if action.item else address
            start = {"parameters": [parameter("id", key, "The id of the row.", where="path")]} if action.item else {}
            paths.setdefault(path, start)[action.method.lower()] = _DESCRIBED[action.name](resource)
    return paths


def _add_schemas(resource: Described, components: Components) -> None:
    definition, name, schemas, adopt = resource.definition, resource.name, components.schemas, components.adopt
    told = summary_of(definition.cls)
    about: Schema = {"description": told} if told else {}
    schemas[name] = about | row(definition, adopt)
    schemas[name + "Part"] = {"description": f"Those columns of a {name} that `select` names."} | row(definition, adopt, whole=False)
    if resource.may("create"):
        schemas[name + "Create"] = {"description": f"A new {name}. Absent fields take their defaults."} | create_body(definition, adopt)
    if resource.may("update"):
        schemas[name + "Replace"] = {"description": f"A whole {name}: absent fields take their defaults."} | replace_body(definition, adopt)
        schemas[name + "Update"] = {"description": f"What changes of a {name}; all else is kept."} | update_body(definition, adopt)


# ---------------------------------------------------------------- the operations
def _list(resource: Described) -> dict[str, Any]:
    schema = {"anyOf": [_array(_ref(resource.name)), _array(_ref(resource.name + "Part"))]}
    success = _reply("The rows that the caller may see, in order.", schema, "Content-Range", "Link")
    parameters = [*listing(resource.definition, resource.fields), _PREFER]
    name, summary = f"list{pascal(resource.definition.name)}", f"List {_words(resource)}"
    return _operation(resource, "read", "get", name, summary, {"200": success}, parameters=parameters)


def _create(resource: Described) -> dict[str, Any]:
    definition = resource.definition
    body = {"oneOf": [_ref(resource.name + "Create"), _array(_ref(resource.name + "Create"), maxItems=resource.settings.MAX_BULK_ROWS)]}
    readable = resource.may("read")
    shown: list[Schema] = [_ref(resource.name), _array(_ref(resource.name))] if readable else [_array(UNREADABLE, maxItems=0)]
    if not readable or not sees_created(resource.catalog.definitions, definition):
        shown.append(UNREADABLE)
    told = "Stored: the row, or the rows of an array in its order (all or none)."
    success = _reply(told, {"anyOf": shown}, "Content-Range", *(("Location", "ETag") if readable else ()))
    name = f"create{resource.name}"
    return _operation(resource, "create", "post", name, f"Create {_word(resource)}", {"201": success}, _clashes(resource), body=body)


def _read(resource: Described) -> dict[str, Any]:
    success = _reply("The row.", {"anyOf": [_ref(resource.name), _ref(resource.name + "Part")]}, "ETag")
    same = {"description": "Not changed since the version that `If-None-Match` names.", "headers": header_refs("ETag")}
    parameters = [select(resource.fields), {"$ref": "#/components/parameters/If-None-Match"}]
    name = f"read{resource.name}"
    return _operation(resource, "read", "get", name, f"Read {_word(resource)}", {"200": success, "304": same}, [404], parameters=parameters)


def _replace(resource: Described) -> dict[str, Any]:
    success = _item(resource, "The row as it is now.")
    replies = {"200": success}
    if resource.definition.options.client_key:
        replies["201"] = _item(resource, "There was no row of this id: it is created.", "Location")
    refused = [404, 412, *_clashes(resource)]
    body = _ref(resource.name + "Replace")
    name, summary = f"replace{resource.name}", f"Replace {_word(resource)}"
    return _operation(resource, "update", "put", name, summary, replies, refused, parameters=[_IF_MATCH], body=body)


def _update(resource: Described) -> dict[str, Any]:
    replies = {"200": _item(resource, "The row as it is now.")}
    refused = [404, 412, *_clashes(resource)]
    body = _ref(resource.name + "Update")
    name, summary = f"update{resource.name}", f"Update {_word(resource)}"
    return _operation(resource, "update", "patch", name, summary, replies, refused, parameters=[_IF_MATCH], body=body)


def _delete(resource: Described) -> dict[str, Any]:
    gone = {"204": {"description": "Deleted. A retry may meet 404: treat it as done."}}
    refused = [404, 412, *_held(resource)]
    name, summary = f"delete{resource.name}", f"Delete {_word(resource)}"
    return _operation(resource, "delete", "delete", name, summary, gone, refused, parameters=[_IF_MATCH])


def _update_many(resource: Described) -> dict[str, Any]:
    shown = _array({"anyOf": [_ref(resource.name), _ref(resource.name + "Part")]})
    replies = {"200": _reply("The rows as they are now, those that the caller may still see.", shown, "Content-Range"), "204": _SILENT}
    body, name = _ref(resource.name + "Update"), f"updateMany{pascal(resource.definition.name)}"
    parameters = [*filters(resource.fields), select(resource.fields), _PREFER]
    refused = [412, *_clashes(resource)]
    return _operation(resource, "update", "patch", name, f"Update {_words(resource)} by filter", replies, refused, parameters=parameters, body=body)


def _delete_many(resource: Described) -> dict[str, Any]:
    shown = _array({"anyOf": [_ref(resource.name), _ref(resource.name + "Part")]})
    replies = {"200": _reply("The rows as they were (`Prefer: return=representation`).", shown, "Content-Range"), "204": _SILENT}
    name = f"deleteMany{pascal(resource.definition.name)}"
    parameters = [*filters(resource.fields), select(resource.fields), _PREFER]
    return _operation(resource, "delete", "delete", name, f"Delete {_words(resource)} by filter", replies, _held(resource), parameters=parameters)


_DESCRIBED: Mapping[str, Callable[[Described], dict[str, Any]]] = {
    "list": _list,
    "create": _create,
    "update many": _update_many,
    "delete many": _delete_many,
    "read": _read,
    "replace": _replace,
    "update": _update,
    "delete": _delete,
}
#: Action of the table -> the action whose rule it asks.
_RULES: Mapping[str, Action] = {
    "list": "read",
    "create": "create",
    "update many": "update",
    "delete many": "delete",
    "read": "read",
    "replace": "update",
    "update": "update",
    "delete": "delete",
}


# ---------------------------------------------------------------- parts
def _operation(
    resource: Described,
    action: Action,
    method: str,
    name: str,
    summary: str,
    replies: Mapping[str, Any],
    refused: Iterable[int] = (),
    *,
    parameters: Iterable[Mapping[str, Any]] = (),
    body: Schema | None = None,
) -> dict[str, Any]:
    writes = method not in _SAFE_METHODS
    statuses = [*(status for status in ALWAYS if status != 406 or method != "delete"), *refused]
    statuses += WRITING if writes else ()
    statuses += WITH_BODY if body is not None else ()
    if writes and any(resource.definition.hooks.around(each) for each in (("create", "update") if method == "put" else (action,))):
        statuses += [404, 409, 429]  # a hook refuses as it likes
    if resource.auth:
        statuses += [401, 403]
    elif row_rule(resource.definition, action) != Always(True):
        statuses += [401]
    operation: dict[str, Any] = {"operationId": name, "tags": [resource.definition.name], "summary": summary}
    listed = list(parameters)
    if method.upper() in KEYED_METHODS:
        listed.append(IDEMPOTENCY_KEY)
        statuses += KEYED
    if listed:
        operation["parameters"] = listed
    if body is not None:
        operation["requestBody"] = json_body(body)
    operation["responses"] = dict(replies) | refusals(statuses)
    if resource.auth:
        operation["security"] = security(_open_to_all(resource.definition, action))
    return operation


def json_body(schema: Schema, *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def security(open_to_all: bool) -> list[dict[str, list[str]]]:
    return [{}, *SIGNED_IN] if open_to_all else SIGNED_IN


def _open_to_all(definition: Definition, action: Action) -> bool:
    return True in possible(row_rule(definition, action), creating=action == "create", signed_in=False)


def _item(resource: Described, told: str, *headers: str) -> dict[str, Any]:
    schema = _ref(resource.name) if sees_updated(resource.definition) else {"anyOf": [_ref(resource.name), UNREADABLE]}
    return _reply(told, schema, "ETag", *headers)


def _reply(told: str, schema: Schema, *headers: str) -> dict[str, Any]:
    reply: dict[str, Any] = {"description": told}
    if headers:
        reply["headers"] = header_refs(*headers)
    return reply | {"content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def _words(resource: Described) -> str:
    return resource.definition.name.replace("_", " ")


def _word(resource: Described) -> str:
    """`TeamMember` -> `team member`"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", resource.name).lower()


def _clashes(resource: Described) -> list[int]:
    """409 where something can clash: a unique value, a check, a reference, a key of the client's own."""
    definition = resource.definition
    possible_clash = definition.unique or definition.references or definition.check is not None or definition.options.client_key
    return [409] if possible_clash else []


def _held(resource: Described) -> list[int]:
    """409 where other rows may refer to this one."""
    name = resource.definition.name
    return [409] if any(field.target == name for each in resource.catalog.definitions.values() for field in each.references) else []
