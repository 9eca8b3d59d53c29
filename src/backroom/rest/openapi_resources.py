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
from backroom.resources.relations import Relation
from backroom.rest.actions import ACTION_TABLE
from backroom.rest.faces import POSTGREST
from backroom.rest.idempotency import METHODS as KEYED_METHODS
from backroom.rest.implication import field_rule, may_hold, row_rule, sees_created, sees_updated
from backroom.rest.openapi_names import Components, pascal
from backroom.rest.openapi_patterns import conditions
from backroom.rest.openapi_problems import ALWAYS, BODY, FOREIGN, IDEMPOTENCY_KEY, KEYED, SIGNED_OUT, WRITING, header_refs, refusals
from backroom.rest.openapi_queries import Asked, filters, listing, parameter, select
from backroom.rest.openapi_writes import columns, on_conflict, prefer
from backroom.rest.schemas import Schema, create_body, field_schema, is_sent, is_shown, replace_body, row, update_body
from backroom.rest.typescript_relations import declared_relations
from backroom.settings import Settings

#: Nothing of the row: it was written by somebody who may not read it.
UNREADABLE: Schema = {"type": "object", "maxProperties": 0, "description": "Written, and not this caller's to read."}
#: A row as `select` asks for it.
SELECTED: Schema = {
    "type": "object",
    "description": "A row where `select` asks for more, less or other than the columns: its keys, and what stands under them, are those that it "
    "names. Without `select` a reply holds the resource's own rows.",
}
_IF_MATCH: Schema = {"$ref": "#/components/parameters/If-Match"}
_SAFE_METHODS = ("get", "head")
_SILENT: dict[str, Any] = {
    "description": "Done. `Content-Range` tells how many rows it was.",
    "headers": header_refs("Content-Range", "Preference-Applied"),
}
_PAGES = """\
`Range: 0-19` (unit `items`) is another spelling of `offset` and `limit`; where it ends before it begins, 416. `Accept: text/csv` asks for lines, \
`application/vnd.pgrst.object+json` for the only row as an object (406 if there are none or several)."""
_MANY = "Needs at least one filter (400 `rest.no_filter`): all rows are never meant by accident. All or none."
_CREATE = """\
With `Prefer: resolution=merge-duplicates` a row that is there already (by its id, or by the columns that `on_conflict` names) is changed, and \
stays as it is with `resolution=ignore-duplicates`. `Prefer: return=minimal` answers 201 without a body."""
SELECTED_REF: Schema = {"$ref": "#/components/schemas/Selected"}
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
    def selected(self) -> Schema:
        """A row that was asked for by `select`; empty only where all that is named may be hidden."""
        whole = all(is_shown(self.definition, field) == "always" for field in self.fields)
        return {"allOf": [SELECTED_REF], "minProperties": 1} if whole else SELECTED_REF

    @property
    def sent(self) -> list[Field]:
        """The columns that somebody may give a new row."""
        return [field for field in self.definition.fields if is_sent(self.definition, field, "create")]

    @property
    def changes(self) -> bool:
        """There is something that some caller may change."""
        return any(is_sent(self.definition, field, "update") for field in self.definition.fields)

    @property
    def asked(self) -> Asked:
        """What queries may name."""
        signed_out = _open_to_all(self.definition, "read")
        related: dict[str, tuple[Relation, list[Field]]] = {}
        for name, relation in declared_relations(self.catalog, self.definition.name).items():
            ways = [(definition := self.catalog.definitions[there], definition.by_column[column]) for there, column in relation.columns]
            target = self.catalog.definitions[relation.target]
            if all(_is_certain(holder, way, signed_out=signed_out) for holder, way in ways):
                related[name] = (relation, [field for field in target.fields if _is_certain(target, field, signed_out=signed_out)])
        certain = [field for field in self.fields if _is_certain(self.definition, field, signed_out=signed_out)]
        return Asked(self.definition, self.fields, certain, related, _ref(f"{self.name}Conditions"))

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
    schemas[name + "Conditions"] = conditions(resource.asked.certain)
    if resource.may("create"):
        schemas[name + "Create"] = {"description": f"A new {name}. Absent fields take their defaults."} | create_body(definition, adopt)
    if resource.may("update"):
        schemas[name + "Replace"] = {"description": f"A whole {name}: absent fields take their defaults."} | replace_body(definition, adopt)
        schemas[name + "Update"] = {"description": f"What changes of a {name}; all else is kept."} | update_body(definition, adopt)


# ---------------------------------------------------------------- the operations
def _list(resource: Described) -> dict[str, Any]:
    success = _rows(resource, "The rows that the caller may see, in order.", "Link", "Preference-Applied", lines=True)
    parameters = [*listing(resource.asked), prefer("count")]
    codes = ("http.preference", "rest.not_single", "rest.range", "database.too_large")
    name, summary = f"list{pascal(resource.definition.name)}", f"List {_words(resource)}"
    return _operation(resource, "read", "get", name, summary, {"200": success}, codes, parameters=parameters, about=_PAGES)


def _create(resource: Described) -> dict[str, Any]:
    definition = resource.definition
    body = {"oneOf": [_ref(resource.name + "Create"), _array(_ref(resource.name + "Create"), maxItems=resource.settings.MAX_BULK_ROWS)]}
    readable = resource.may("read")
    row: Schema = {"anyOf": [_ref(resource.name), resource.selected]}
    shown: list[Schema] = [row, _array(row)] if readable else [_array(UNREADABLE, maxItems=0)]
    if not readable or not sees_created(resource.catalog.definitions, definition):
        shown.append(UNREADABLE)
    headers = ("Content-Range", "Preference-Applied", *(("Location", "ETag") if readable else ()))
    success = _reply("Stored: the row, or the rows of an array in its order (all or none).", {"anyOf": shown}, *headers, single=shown[0])
    upserted = _reply("With `Prefer: resolution=merge-duplicates`: changed, nothing is new.", {"anyOf": shown}, *headers, single=shown[0])
    parameters = [*select(resource.asked), columns(definition, resource.sent), on_conflict(definition), prefer("return", "resolution", "missing")]
    codes = ["http.preference", "rest.not_single", "rules.field", "database.unique", *_clashes(resource)]
    name, summary = f"create{resource.name}", f"Create {_word(resource)}"
    replies = {"200": upserted, "201": success}
    return _operation(resource, "create", "post", name, summary, replies, codes, parameters=parameters, body=body, about=_CREATE)


def _read(resource: Described) -> dict[str, Any]:
    success = _reply("The row.", {"anyOf": [_ref(resource.name), SELECTED_REF]}, "ETag")
    same = {"description": "Not changed since the version that `If-None-Match` names.", "headers": header_refs("ETag")}
    parameters = [*select(resource.asked), {"$ref": "#/components/parameters/If-None-Match"}]
    codes = [*_missing(), "database.too_large"]
    return _operation(
        resource, "read", "get", f"read{resource.name}", f"Read {_word(resource)}", {"200": success, "304": same}, codes, parameters=parameters
    )


def _replace(resource: Described) -> dict[str, Any]:
    success = _item(resource, "The row as it is now.")
    replies = {"200": success}
    if resource.definition.options.client_key:
        replies["201"] = _item(resource, "There was no row of this id: it is created.", "Location")
    codes = [*_missing(), "rest.stale", "rules.field", *_clashes(resource)]
    body = _ref(resource.name + "Replace")
    name, summary = f"replace{resource.name}", f"Replace {_word(resource)}"
    return _operation(resource, "update", "put", name, summary, replies, codes, parameters=[_IF_MATCH], body=body)


def _update(resource: Described) -> dict[str, Any]:
    replies = {"200": _item(resource, "The row as it is now.")}
    codes = [*_missing(), "rest.stale", "rules.field", *_clashes(resource)]
    body = _ref(resource.name + "Update")
    name, summary = f"update{resource.name}", f"Update {_word(resource)}"
    return _operation(resource, "update", "patch", name, summary, replies, codes, parameters=[_IF_MATCH], body=body)


def _delete(resource: Described) -> dict[str, Any]:
    gone = {"204": {"description": "Deleted. A retry may meet 404: treat it as done."}}
    codes = [*_missing(), "rest.stale", *_held(resource)]
    name, summary = f"delete{resource.name}", f"Delete {_word(resource)}"
    return _operation(resource, "delete", "delete", name, summary, gone, codes, parameters=[_IF_MATCH])


def _update_many(resource: Described) -> dict[str, Any]:
    replies = {"200": _rows(resource, "The rows as they are now, those that the caller may still see.", "Preference-Applied"), "204": _SILENT}
    body, name = _ref(resource.name + "Update"), f"updateMany{pascal(resource.definition.name)}"
    asked = resource.asked
    parameters = [*filters(asked), *select(asked), prefer("return", "count")]
    codes = [*_FILTERED, "rest.stale", "rules.field", *_clashes(resource)]
    summary = f"Update {_words(resource)} by filter"
    return _operation(resource, "update", "patch", name, summary, replies, codes, parameters=parameters, body=body, about=_MANY)


def _delete_many(resource: Described) -> dict[str, Any]:
    replies = {"200": _rows(resource, "The rows as they were (`Prefer: return=representation`).", "Preference-Applied"), "204": _SILENT}
    name, asked = f"deleteMany{pascal(resource.definition.name)}", resource.asked
    parameters = [*filters(asked), *select(asked), prefer("return", "count")]
    codes = [*_FILTERED, *_held(resource)]
    summary = f"Delete {_words(resource)} by filter"
    return _operation(resource, "delete", "delete", name, summary, replies, codes, parameters=parameters, about=_MANY)


#: What writes by filter may be refused with.
_FILTERED = ("http.preference", "rest.no_filter", "rest.max_affected", "rest.not_single", "database.too_large")
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
    codes: Iterable[str],
    *,
    parameters: Iterable[Mapping[str, Any]] = (),
    body: Schema | None = None,
    about: str = "",
) -> dict[str, Any]:
    writes, keyed = method not in _SAFE_METHODS, method.upper() in KEYED_METHODS
    hooked = writes and any(resource.definition.hooks.around(each) for each in (("create", "update") if method == "put" else (action,)))
    met = {*ALWAYS, *codes, *_refused(resource, action), *(WRITING if writes else ()), *(BODY if body is not None else ()), *(KEYED if keyed else ())}
    if resource.auth and writes:
        met |= {*FOREIGN, "rules.forbidden"}
    operation: dict[str, Any] = {"operationId": name, "tags": [resource.definition.name], "summary": summary}
    if about:
        operation["description"] = about
    listed = [*parameters, *([IDEMPOTENCY_KEY] if keyed else [])]
    if listed:
        operation["parameters"] = listed
    if body is not None:
        operation["requestBody"] = json_body(body)
    operation["responses"] = dict(replies) | refusals(met, open_to_others=hooked)
    if resource.auth:
        operation["security"] = security(_open_to_all(resource.definition, action))
    return operation


def _refused(resource: Described, action: Action) -> list[str]:
    """By the rule alone, before any row is read: 401 where somebody must be signed in, 403 where that is not enough."""
    rule = row_rule(resource.definition, action)
    if resource.auth:
        return [*SIGNED_OUT, *([] if may_hold(rule, signed_in=True) else ["rules.forbidden"])]
    return [] if rule == Always(True) else ["auth.required"]


def _is_certain(definition: Definition, field: Field, *, signed_out: bool) -> bool:
    """The column exists for every caller who may read rows at all."""
    if is_shown(definition, field) == "never":
        return False
    rule = field_rule(definition, field, "read")
    return may_hold(rule, signed_in=True) and (not signed_out or may_hold(rule, signed_in=False))


def json_body(schema: Schema, *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def security(open_to_all: bool) -> list[dict[str, list[str]]]:
    return [{}, *SIGNED_IN] if open_to_all else SIGNED_IN


def _open_to_all(definition: Definition, action: Action) -> bool:
    return True in possible(row_rule(definition, action), creating=action == "create", signed_in=False)


def _item(resource: Described, told: str, *headers: str) -> dict[str, Any]:
    schema = _ref(resource.name) if sees_updated(resource.definition) else {"anyOf": [_ref(resource.name), UNREADABLE]}
    return _reply(told, schema, "ETag", *headers)


def _reply(told: str, schema: Schema, *headers: str, single: Schema | None = None, lines: bool = False) -> dict[str, Any]:
    """`single`: what `Accept: application/vnd.pgrst.object+json` gets, `lines`: so can `text/csv`."""
    reply: dict[str, Any] = {"description": told}
    if headers:
        reply["headers"] = header_refs(*headers)
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if single is not None:
        content["application/vnd.pgrst.object+json"] = {"schema": single}
    if lines:
        content["text/csv"] = {"schema": {"type": "string"}}
    return reply | {"content": content}


def _rows(resource: Described, told: str, *headers: str, lines: bool = False) -> dict[str, Any]:
    """Rows as they are, or as `select` has them."""
    own, selected = _ref(resource.name), SELECTED_REF
    return _reply(
        told, {"anyOf": [_array(own), _array(selected)]}, "Content-Range", *headers, single={"anyOf": [own, selected, UNREADABLE]}, lines=lines
    )


def _missing() -> list[str]:
    return ["rest.not_found", "http.not_found"]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def _words(resource: Described) -> str:
    return resource.definition.name.replace("_", " ")


def _word(resource: Described) -> str:
    """`TeamMember` -> `team member`"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", resource.name).lower()


def _clashes(resource: Described) -> list[str]:
    """409 where something can clash: a unique value, a check, a reference, a key of the client's own."""
    definition = resource.definition
    found = ["database.unique"] if definition.unique or definition.options.client_key else []
    found += ["database.check"] if definition.check is not None else []
    return [*found, "reference.not_found"] if definition.references else found


def _held(resource: Described) -> list[str]:
    """409 where other rows may refer to this one."""
    name = resource.definition.name
    return ["reference.in_use"] if any(field.target == name for each in resource.catalog.definitions.values() for field in each.references) else []
