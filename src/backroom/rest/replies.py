"""What an app's own code returns, as JSON. Rows leave through the caller's field rules, whoever read them (RULES.md, 40)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, cast
from uuid import UUID

import msgspec
from pydantic import BaseModel
from typing_extensions import TypeVar

from backroom.calls import Actor
from backroom.errors import Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Response, header
from backroom.orm.reach import Channel, Store
from backroom.orm.session import Db
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.resource import Resource
from backroom.rules.authorize import Rights
from backroom.sql.values import printer
from backroom.sql.values import store as stored

#: What a reply carries; plain `Reply` may carry anything.
T = TypeVar("T", default=Any)


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An answer with a status or headers of its own: `return Reply(todo, status=201, headers={"Location": "/todos/1"})`.

    >>> Reply({"queued": True}, status=202).status
    202
    """

    value: T = None  # type: ignore[assignment]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


async def render(store: Store, actor: Actor, returned: Any, channel: Channel | None = None) -> Response:
    """200 with the value, 204 for None, or what a `Reply` says. `channel`: the open transaction that saw the rows."""
    reply: Reply[Any] = cast("Any", returned) if isinstance(returned, Reply) else Reply(returned, status=204 if returned is None else 200)
    headers = [PRIVATE, VARY_CREDENTIALS, *(header(name, value) for name, value in reply.headers.items())]
    if reply.value is None and (reply.status == 204 or isinstance(returned, Reply)):
        return Response(reply.status, headers, b"")
    return Response(reply.status, [JSON, *headers], msgspec.json.encode(await presentable(store, actor, reply.value, channel)))


async def presentable(store: Store, actor: Actor, value: Any, channel: Channel | None = None) -> Any:
    """The value in the forms of JSON that the rest of the API uses (APP.md, 9). Of a list, rows that the caller may not read are left out."""
    if isinstance(value, Resource):
        return await _row(store, actor, cast("Any", value), channel)
    pairs = _pairs(value)
    if pairs is not None:
        return {_name(key): await presentable(store, actor, item, channel) for key, item in pairs.items()}
    if isinstance(value, list | tuple | set | frozenset):
        shown = [(item, await presentable(store, actor, item, channel)) for item in cast("Iterable[Any]", value)]
        whole = isinstance(value, tuple)  # its places have meanings
        return [json for item, json in shown if whole or json or not isinstance(item, Resource)]
    if isinstance(value, datetime) and value.tzinfo is None:
        raise TypeError("a reply holds a datetime without time zone; use datetime.now(UTC)")
    for kind, python in (("datetime", datetime), ("timedelta", timedelta), ("decimal", Decimal), ("uuid", UUID)):
        if isinstance(value, python):
            return _printed(kind, value)
    return value.value if isinstance(value, Enum) else value


def _pairs(value: Any) -> Mapping[Any, Any] | None:
    """What goes out as an object: a mapping, a dataclass, a model without the fields that it excludes."""
    if isinstance(value, BaseModel):
        declared = type(value).model_fields
        return {name: item for name, item in value if name not in declared or not declared[name].exclude}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return dict(cast("Iterable[tuple[Any, Any]]", value.items())) if isinstance(value, Mapping) else None


def _name(key: Any) -> str:
    """A key as text. Anything else than a plain value would go out as its `repr`: a row with all its fields."""
    plain = key.value if isinstance(key, Enum) else key
    if not isinstance(plain, str | int | float | date | Decimal | UUID):
        raise TypeError(f"a reply has a {type(key).__name__} as a key; use its id, or text")
    return str(plain)


def _printed(kind: Any, value: Any) -> Any:
    text = stored(kind, value, "sqlite")
    convert = printer(kind, "sqlite")
    return convert(text) if convert is not None and text is not None else text


async def _row(store: Store, actor: Actor, row: Resource[Any], channel: Channel | None) -> dict[str, Any]:
    """A row read by this very caller is masked already; any other is asked for again in his name, and `{}` if he may not read it."""
    definition = store.catalog.of(type(row))
    rights = store.rules.grant(definition.name, actor).rights
    if row.__dict__.get("_reader") is not actor:
        again = await _as_read_by(store, actor, definition, row, channel) if "id" in row.__dict__ and not rights.read.never else None
        if again is None:
            return {}
        row = again
    values = {each.column: _cell(each, row) for each in definition.fields if each.column in rights.known and each.name in row.__dict__}
    return {**values, **await _relations(store, actor, definition, rights, row, channel)}


async def _as_read_by(store: Store, actor: Actor, definition: Definition, row: Resource[Any], channel: Channel | None) -> Any:
    """The same row, with the same relations loaded, as the caller reads it now."""
    try:
        return await Db(store, actor, channel).get(definition.cls, row.id, include=list(_loaded(store, definition, row)))
    except Problem as problem:
        if problem.code != "rest.not_found":
            raise
        return None


def _loaded(store: Store, definition: Definition, row: Resource[Any]) -> Iterator[str]:
    """The names of the relations that the code included, dotted where they go on."""
    names: dict[str, None] = {}
    for name in (*(each.name for each in definition.references), *definition.collections):
        held: Any = row.__dict__.get(name)
        if isinstance(held, list):
            members: Iterable[Any] = cast("Iterable[Any]", held)
        elif isinstance(held, Resource) and _is_loaded(cast("Any", held)):
            members = (cast("Any", held),)
        else:
            continue
        names[name] = None
        for member in members:
            names |= {f"{name}.{further}": None for further in _loaded(store, store.catalog.of(cast("Any", type(member))), member)}
    yield from names


def _is_loaded(row: Any) -> bool:
    """It holds more than its key."""
    return not row.__dict__.keys() <= {"id", "_via"}


def _cell(each: Field, row: Resource[Any]) -> Any:
    value: Any = row.__dict__[each.name]
    if isinstance(value, Resource):
        value = value.__dict__.get("id")
    elif value is None:
        value = row.__dict__.get("_unread", {}).get(each.name)
    return None if value is None else _printed(each.kind, getattr(value, "value", value))


async def _relations(
    store: Store, actor: Actor, definition: Definition, rights: Rights, row: Resource[Any], channel: Channel | None
) -> dict[str, Any]:
    """The relations that the code included, each row through the same rules. Who may not see a reference doesn't see what lies behind it."""
    found: dict[str, Any] = {}
    for each in definition.references:
        target = row.__dict__.get(each.name)
        if each.column in rights.known and isinstance(target, Resource) and _is_loaded(cast("Any", target)):
            found[each.name] = await presentable(store, actor, target, channel)
    for name, collection in definition.collections.items():
        holder = store.rules.grant(collection.junction or collection.target, actor).rights
        seen = all(way.column in holder.known for way in (collection.via, collection.far) if way is not None)
        if name in row.__dict__ and seen:
            found[name] = await presentable(store, actor, row.__dict__[name], channel)
    return found
