"""Every write of a declared resource passes here, from the wire and from code: with hooks in one transaction, without them in one statement.

create   rule on the candidate -> before_create -> INSERT with the rule -> after_create -> what the caller may read of it
change   before_update -> UPDATE with the rule -> after_update -> what the caller may read of it
remove   before_delete, children first -> DELETE with the rule -> after_delete
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from backroom.calls import Actor, Row
from backroom.database.database import Transaction, retrying
from backroom.orm.creates import Created, Creation, Values, create, run
from backroom.orm.deletes import MAX_CASCADE, Removal, referrers, too_many
from backroom.orm.reach import Channel, ReadOnly, Store, Within, read_only
from backroom.orm.reads import key_alone, project, read_keys, read_one
from backroom.orm.rows import RowLoader, columns_of, from_columns
from backroom.orm.units import InUnit
from backroom.orm.updates import Revision
from backroom.resources.definition import Definition
from backroom.resources.hooks import MAX_SECONDS, Moment
from backroom.resources.resource import Resource
from backroom.sql.select import Projection
from backroom.sql.values import load
from backroom.validation.bodies import check_row

T = TypeVar("T")


async def in_transaction(store: Store, channel: Channel | None, work: Any) -> Any:
    """`work(channel)` inside the open transaction or unit, or in one of its own that is run again if Postgres can't serialize it."""
    if isinstance(channel, Within):
        async with channel.savepoint():
            return await work(channel)

    if isinstance(channel, InUnit):
        return await work(channel)

    if isinstance(channel, ReadOnly):
        raise read_only()

    async def begin(transaction: Transaction) -> Any:
        return await work(Within(transaction))

    return await retrying(store.database, begin, seconds=MAX_SECONDS)


async def run_hooks(store: Store, definition: Definition, moment: Moment, actor: Actor, channel: Channel, *rows: Any) -> Any:
    """The hooks of a moment, one after the other, with full rights. The last value returned that isn't None."""
    returned = None
    hooks = definition.hooks.at(moment)
    if not hooks:
        return None
    db = store.open_session(Actor.TRUSTED, channel)
    me = await person(store, actor, channel)
    for hook in hooks:
        outcome = await hook(*rows, me=me, db=db)
        if outcome is not None:
            returned = outcome
            rows = (outcome, *rows[1:])
    return returned


async def person(store: Store, actor: Actor, channel: Channel | None) -> Any:
    """The caller's users row, read with full rights; None for nobody."""
    if actor.id is None:
        return None
    return await _full(store, store.catalog.definitions["users"], actor.id, channel)


async def _full(store: Store, definition: Definition, key: Any, channel: Channel | None) -> Any:
    """The whole row, with full rights."""
    rights = store.rules.grant(definition.name, Actor.TRUSTED).rights
    projection = project(definition, rights, code=True)
    row = await read_one(store, definition, Actor.TRUSTED, key, projection, channel)
    return RowLoader(store.catalog, definition, projection, store.dialect).load(row) if row is not None else None


# ---------------------------------------------------------------- create
async def create_rows(
    store: Store,
    definition: Definition,
    actor: Actor,
    rows: Sequence[Values],
    projection: Projection,
    given: frozenset[str],
    channel: Channel | None = None,
    sent: Sequence[frozenset[str]] | None = None,
) -> Created:
    """All rows or none. The reply holds what the caller may read of them when everything is done. Raises `Problem`.

    `given`: the columns that count as named by the caller; `sent`: those of each row, where they are not all of these.
    """
    hooked = definition.hooks.around("create")
    creation = Creation(store, definition, actor, rows, projection, given, sent)
    if not hooked and not creation.plan.reads_again:
        return await run(creation, given, channel)

    async def work(within: Channel) -> Created:
        keys_only = Projection((definition.key,), version=False)
        candidates: Sequence[Values] = rows
        if hooked:
            refused = await Creation(store, definition, actor, rows, keys_only, given, sent).explain(within, rule_only=True)
            if refused is not None:
                raise refused  # before any hook: its errors must not answer strangers
            candidates = [await _before_create(store, definition, actor, within, row) for row in rows]
        # What a hook has changed is not the caller's any more.
        named = sent or [given] * len(rows)
        still = [
            frozenset(column for column in columns if row[column] == candidate[column])
            for row, candidate, columns in zip(rows, candidates, named, strict=True)
        ]
        kept = frozenset(column for columns in still for column in columns)
        created = await create(store, definition, actor, candidates, keys_only, kept, within, still)
        keys = [load(definition.key.kind, row[0], store.dialect) for row in created.rows]
        for key in keys if hooked else ():
            await run_hooks(store, definition, "after_create", actor, within, await _full(store, definition, key, within))
        seen = await read_keys(store, definition, actor, projection, keys, within)
        shown = [row if row is not None else key_alone(store, definition, key) for row, key in zip(seen, keys, strict=True)]
        return Created(shown, [row is not None for row in seen])

    created: Created = await in_transaction(store, channel, work)
    return created


async def _before_create(store: Store, definition: Definition, actor: Actor, channel: Channel, row: Values) -> Values:
    returned = await run_hooks(store, definition, "before_create", actor, channel, from_columns(store.catalog, definition, row))
    if returned is None:
        return row
    if not isinstance(returned, Resource):
        raise TypeError(f"before_create of {definition.cls.__name__} must return the row or None, not {type(returned).__name__}")
    return {**row, **_checked(definition, columns_of(definition, cast("Any", returned)), row)}


def _checked(definition: Definition, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What a hook has changed, validated as a request's body would be. The server's own columns stay."""
    changed = {
        column: value
        for column, value in wanted.items()
        if not definition.by_column[column].server_set and (column not in before or value != before[column])
    }
    return dict(check_row(definition, changed, "update"))


# ---------------------------------------------------------------- change
async def change_row(
    store: Store,
    definition: Definition,
    actor: Actor,
    key: Any,
    given: Mapping[str, Any],
    projection: Projection,
    if_version: int | None = None,
    channel: Channel | None = None,
) -> tuple[Row, bool]:
    """The row as it now stands, and whether the caller may read it. Raises `Problem`."""
    given = {**given, "updated_at": datetime.now(UTC)}
    hooked = definition.hooks.around("update")
    revision = Revision(store, definition, actor, key, given, projection, if_version)
    if not hooked and not revision.plan.reads_again:
        return await revision.run(channel)

    async def work(within: Channel) -> tuple[Row, bool]:
        changes: Mapping[str, Any] = given
        before = await _full(store, definition, key, within) if hooked else None
        if hooked:
            refused = await revision.explain(within)
            if refused is not None:
                raise refused
            changes = await _before_update(store, definition, actor, within, before, given)
        done = Revision(
            store,
            definition,
            actor,
            key,
            changes,
            projection,
            if_version,
            by_caller=frozenset(column for column, value in given.items() if column in changes and changes[column] == value),
        )
        row, _ = await done.run(within)
        if hooked:
            await run_hooks(store, definition, "after_update", actor, within, await _full(store, definition, key, within), before)
        seen = (await read_keys(store, definition, actor, projection, [key], within))[0]
        return (seen, True) if seen is not None else (row, False)

    changed: tuple[Row, bool] = await in_transaction(store, channel, work)
    return changed


async def _before_update(
    store: Store, definition: Definition, actor: Actor, channel: Channel, before: Any, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    changes = {definition.by_column[column].name: value for column, value in given.items() if column != "updated_at"}
    row = from_columns(store.catalog, definition, {**columns_of(definition, before), **given}) if before is not None else None
    returned = await run_hooks(store, definition, "before_update", actor, channel, row, changes)
    if returned is None:
        return given
    if not isinstance(returned, Resource):
        raise TypeError(f"before_update of {definition.cls.__name__} must return the row or None, not {type(returned).__name__}")
    changed = _checked(definition, columns_of(definition, cast("Any", returned)), columns_of(definition, cast("Any", before)))
    return {**changed, "updated_at": given["updated_at"]}


# ---------------------------------------------------------------- remove
async def remove_rows(
    store: Store, definition: Definition, actor: Actor, key: Any, channel: Channel | None = None, *, if_version: int | None = None
) -> None:
    """One row by key, with what its references cascade to. Raises `Problem` 401/403/404/409/412."""
    removal = Removal(store, definition, actor, key, if_version=if_version)
    if not hooks_below(store, definition):
        await removal.run(channel)
        return

    async def work(within: Channel) -> None:
        refused = await removal.explain(within)
        if refused is not None:
            raise refused
        await _remove_hooked(store, definition, actor, key, within, removal)

    await in_transaction(store, channel, work)


async def remove_judged(store: Store, definition: Definition, actor: Actor, key: Any, channel: Channel) -> None:
    """One row of many, hooks and all, whose rule was asked before the first of them went: it may have rested on one that is gone by now."""
    await _remove_hooked(store, definition, actor, key, channel, Removal(store, definition, Actor.TRUSTED, key))


def hooks_below(store: Store, definition: Definition, seen: frozenset[str] = frozenset()) -> bool:
    """A delete here runs some hook, of this resource or of one that it cascades to."""
    if definition.hooks.around("delete"):
        return True
    below = [child for child, field in referrers(store, definition) if field.options.on_delete == "cascade" and child.name not in seen]
    return any(hooks_below(store, child, seen | {definition.name}) for child in below)


async def _remove_hooked(store: Store, definition: Definition, actor: Actor, key: Any, channel: Channel, removal: Removal) -> None:
    """Every row that goes is told to its hooks: before, parents first, while all are there; after, children first, when all are gone."""
    going: dict[tuple[str, Any], Any] = {(definition.name, key): None}
    waiting = deque([(definition, key)])
    while waiting:
        here, each = waiting.popleft()
        if here.hooks.around("delete"):
            row = going[here.name, each] = await _full(store, here, each, channel)
            await run_hooks(store, here, "before_delete", actor, channel, row)
        below = [(child, child_key) for child, child_key in await removal.cascaded(channel, here, each) if (child.name, child_key) not in going]
        going.update(((child.name, child_key), None) for child, child_key in below)
        waiting += below
        if len(going) > MAX_CASCADE:
            raise too_many()
    await removal.run(channel)
    for (name, _), row in reversed(going.items()):
        await run_hooks(store, store.catalog.definitions[name], "after_delete", actor, channel, row)
