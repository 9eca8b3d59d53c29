"""Reading rows for a caller: one, a page, a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select
from sqlalchemy.sql.elements import ClauseElement

from backroom.calls import Actor, Row, Statement
from backroom.orm.reach import Channel, Reach, Store, reached_by
from backroom.resources.access import Action
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, Constant, In, Node
from backroom.resources.relations import Cell
from backroom.resources.selections import Selection
from backroom.rules.authorize import Rights, authorize
from backroom.sql import delete, select
from backroom.sql.embedding import Printing
from backroom.sql.normal import normal
from backroom.sql.placeholders import lifted, lifted_selection
from backroom.sql.printed import can_print, printed
from backroom.sql.select import Nulls, Ordering, Projection
from backroom.sql.values import load, store

_ALL = Always(True)


def project(definition: Definition, rights: Rights, *, code: bool, fields: Sequence[Field] | None = None) -> Projection:
    """What comes back of a row: for `code` also hidden and write-only fields, never what the caller's rules hide from him altogether."""
    chosen = definition.fields if fields is None else fields
    shown = tuple(field for field in chosen if (code or field.readable) and not rights.sees(field).never)
    return Projection(shown, tuple(field for field in shown if not rights.sees(field).always))


async def read_one(
    store_: Store, definition: Definition, actor: Actor, key: Any, projection: Projection, channel: Channel | None = None
) -> Row | None:
    """The row, or None: missing and not readable are one. Raises 401/403 where this caller can read no row at all."""
    reach = store_.reach(definition, actor)
    predicate = authorize("read", store_.rules.grant(definition.name, actor), actor)
    statement = reach.statement(("one", projection), lambda: select.read_one(store_.tables, definition, projection, reach.view, predicate))
    rows = await (channel or store_.database).read(statement.text, statement.bind(reach.bound(key=store(definition.key.kind, key, store_.dialect))))
    return rows[0] if rows else None


async def read_list(
    store_: Store,
    definition: Definition,
    actor: Actor,
    projection: Projection,
    where: Node = _ALL,
    order: tuple[Ordering, ...] = (),
    limit: int = -1,
    offset: int = 0,
    channel: Channel | None = None,
) -> list[Row]:
    """The readable rows that fulfill `where` (resolved), in a total order. `limit` -1: all."""
    reach = store_.reach(definition, actor, along=[where])
    authorize("read", store_.rules.grant(definition.name, actor), actor)
    asked, values = lifted(normal(where), store_.dialect)
    statement = list_statement(store_, definition, reach, projection, asked, order, paged=limit >= 0)
    bounded = limit if limit >= 0 else 2**63 - 1
    return await (channel or store_.database).read(statement.text, statement.bind(reach.bound(**values, limit=bounded, offset=offset)))


def list_statement(
    store_: Store,
    definition: Definition,
    reach: Reach,
    projection: Projection,
    where: Node,
    order: tuple[Ordering, ...],
    *,
    paged: bool,
    after: Nulls | None = None,
) -> Statement:
    """Binds `limit`, `offset`, the caller's values and those lifted out of `where`. `paged`: `limit` is that of a page, not "all"."""

    def write() -> Select[Any]:
        view, predicate = reach.view, reach.rights.read
        return select.read_list(store_.tables, definition, projection, view, predicate, where, order, paged=paged, after=after)

    return reach.statement(("list", projection, where, order, paged, after), write)


def page_statement(
    store_: Store,
    definition: Definition,
    reach: Reach,
    projection: Projection,
    where: Node,
    order: tuple[Ordering, ...],
    after: Nulls | None = None,
) -> tuple[Statement, bool]:
    """`list_statement` of a page that goes out as JSON; and whether the database prints it (see `sql.printed`)."""
    if not can_print(projection, store_.dialect):
        return list_statement(store_, definition, reach, projection, where, order, paged=True, after=after), False
    fields = replace(projection, version=False)

    def write() -> ClauseElement:
        return printed(select.read_list(store_.tables, definition, fields, reach.view, reach.rights.read, where, order, after=after), fields)

    return reach.statement(("page", fields, where, order, after), write), True


def selected_page(store_: Store, reach: Reach, selection: Selection, keys: tuple[Field, ...], after: Nulls | None) -> Statement:
    """A selection (its conditions lifted) as one text of JSON, and that of the `keys` of its rows."""
    return reach.statement(
        ("selected", selection, keys, after), lambda: Printing(store_.tables, reach.view).page(selection, reach.rights.read, keys, after)
    )


def groups_statement(store_: Store, reach: Reach, selection: Selection) -> Statement:
    """How many groups a selection (its conditions lifted) has."""
    return reach.statement(("groups", selection), lambda: Printing(store_.tables, reach.view).count(selection, reach.rights.read))


async def read_selected(
    store_: Store, definition: Definition, actor: Actor, selection: Selection, keys: Sequence[Any], channel: Channel | None = None
) -> list[bytes | None]:
    """JSON of the rows of these (Python) keys as the caller reads them now, in the order of the keys; None where he can't."""
    if store_.rules.grant(definition.name, actor).rights.read.never:
        return [None] * len(keys)
    among = In(Cell((), definition.key, definition.name), tuple(Constant(key) for key in keys))
    asked, values = lifted_selection(replace(selection, where=among, order=(), limit=None, offset=0), store_.dialect)
    reach = store_.reach(definition, actor, beyond=reached_by(asked))
    statement = reach.statement(("rows", asked), lambda: Printing(store_.tables, reach.view).rows(asked, reach.rights.read))
    rows = await (channel or store_.database).read(statement.text, statement.bind(reach.bound(**values, limit=len(keys), offset=0)))
    found = {row[0]: row[1].encode() for row in rows}
    return [found.get(store(definition.key.kind, key, store_.dialect)) for key in keys]


async def count(store_: Store, definition: Definition, actor: Actor, where: Node = _ALL, channel: Channel | None = None) -> int:
    """How many readable rows fulfill `where`."""
    reach = store_.reach(definition, actor, along=[where])
    authorize("read", store_.rules.grant(definition.name, actor), actor)
    asked, values = lifted(normal(where), store_.dialect)
    statement = count_statement(store_, definition, reach, asked)
    rows = await (channel or store_.database).read(statement.text, statement.bind(reach.bound(**values)))
    return int(rows[0][0])


def count_statement(store_: Store, definition: Definition, reach: Reach, where: Node) -> Statement:
    """As `list_statement`, without a page."""
    return reach.statement(("count", where), lambda: select.count(store_.tables, definition, reach.view, reach.rights.read, where))


async def keys_for(store_: Store, definition: Definition, actor: Actor, action: Action, where: Node, channel: Channel) -> list[Any]:
    """The (Python) keys of the rows that fulfill `where` and that the caller may touch so. Raises 401/403 where there can be none."""
    reach = store_.reach(definition, actor, along=[where])
    predicate = authorize(action, store_.rules.grant(definition.name, actor), actor)
    asked, values = lifted(normal(where), store_.dialect)
    statement = reach.statement((action, "keys", asked), lambda: delete.keys_where(store_.tables, definition, reach.view, predicate, asked))
    rows = await channel.read(statement.text, statement.bind(reach.bound(**values)))
    return [load(definition.key.kind, row[0], store_.dialect) for row in rows]


async def read_keys(
    store_: Store, definition: Definition, actor: Actor, projection: Projection, keys: Sequence[Any], channel: Channel | None = None
) -> list[Row | None]:
    """The rows of these (Python) keys as the caller reads them now, in the order of the keys; None where he can't."""
    if store_.rules.grant(definition.name, actor).rights.read.never:
        return [None] * len(keys)
    with_key = (
        projection
        if definition.key in projection.fields
        else Projection((definition.key, *projection.fields), projection.conditional, projection.version)
    )
    where = In(Cell((), definition.key, definition.name), tuple(Constant(key) for key in keys))
    rows = await read_list(store_, definition, actor, with_key, where, channel=channel)
    position = with_key.fields.index(definition.key)
    found = {row[position]: row if with_key is projection else row[1:] for row in rows}
    return [found.get(store(definition.key.kind, key, store_.dialect)) for key in keys]


def key_alone(store_: Store, definition: Definition, key: Any) -> Row:
    """What stands for a written row that the caller may not read: its (Python) key, in storage form."""
    return (store(definition.key.kind, key, store_.dialect),)
