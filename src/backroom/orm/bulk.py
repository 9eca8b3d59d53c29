"""Many rows at once, by filter: changed or removed, each under its rules, all or none; hooks, where there are any, run for each row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from backroom.calls import Actor
from backroom.errors import Problem
from backroom.orm import reads, writes
from backroom.orm.creates import reply_needs_select
from backroom.orm.deletes import Removal
from backroom.orm.reach import Channel, Store
from backroom.orm.refusals import Allow, anything
from backroom.orm.updates import Updated, update_where
from backroom.resources.access import Action
from backroom.resources.definition import Definition
from backroom.resources.nodes import Node
from backroom.sql.normal import normal
from backroom.sql.select import Projection
from backroom.sql.values import load


async def change_where(
    store: Store,
    definition: Definition,
    actor: Actor,
    where: Node,
    given: Mapping[str, Any],
    projection: Projection,
    channel: Channel | None = None,
    *,
    allow: Allow = anything,
) -> Updated:
    """Change every row that `where` (resolved) matches and the caller may change. Raises `Problem`: one candidate that may not be refuses all."""
    moment = {**given, "updated_at": datetime.now(UTC)}
    hooked = bool(definition.hooks.around("update"))
    if not hooked and not reply_needs_select(store.reach(definition, actor), definition, projection):
        return await update_where(store, definition, actor, normal(where), moment, projection, channel, allow=allow)

    async def work(within: Channel) -> Updated:
        if hooked:
            keys = await _each(store, definition, actor, "update", where, within, allow, lambda key: _change(key, within))
        else:
            done = await update_where(store, definition, actor, normal(where), moment, key_only(definition), within, allow=allow)
            keys = [load(definition.key.kind, row[0], store.dialect) for row in done.rows]
        rows = await reads.read_keys(store, definition, actor, projection, keys, within) if keys else []
        shown = [row if row is not None else reads.key_alone(store, definition, key) for row, key in zip(rows, keys, strict=True)]
        return Updated(shown, [row is not None for row in rows])

    async def _change(key: Any, within: Channel) -> None:
        await writes.change_row(store, definition, actor, key, given, key_only(definition), None, within)

    changed: Updated = await writes.in_transaction(store, channel, work)
    return changed


async def remove_where(
    store: Store, definition: Definition, actor: Actor, where: Node, channel: Channel | None = None, *, allow: Allow = anything
) -> list[Any]:
    """Delete every row that `where` (resolved) matches and the caller may delete, with what they cascade to. Their (Python) keys."""
    hooked = writes.hooks_below(store, definition)
    if not hooked and allow is anything:
        return _loaded(store, definition, await Removal(store, definition, actor, None, normal(where)).run(channel))

    async def work(within: Channel) -> list[Any]:
        if hooked:
            return await _each(store, definition, actor, "delete", where, within, allow, lambda key: _remove(key, within))
        keys = await Removal(store, definition, actor, None, normal(where)).run(within)
        allow(len(keys))
        return _loaded(store, definition, keys)

    async def _remove(key: Any, within: Channel) -> None:
        await writes.remove_judged(store, definition, actor, key, within)

    removed: list[Any] = await writes.in_transaction(store, channel, work)
    return removed


def _loaded(store: Store, definition: Definition, keys: list[Any]) -> list[Any]:
    return [load(definition.key.kind, key, store.dialect) for key in keys]


async def _each(
    store: Store,
    definition: Definition,
    actor: Actor,
    action: Action,
    where: Node,
    within: Channel,
    allow: Allow,
    act: Callable[[Any], Awaitable[None]],
) -> list[Any]:
    """`act` on every row that `where` matches and the caller may touch so; those that were there for it."""
    keys = await reads.keys_for(store, definition, actor, action, where, within)
    allow(len(keys))
    done: list[Any] = []
    for key in keys:
        try:
            await act(key)
        except Problem as problem:
            if problem.code != "rest.not_found":  # an earlier one has taken it along
                raise
        else:
            done.append(key)
    return done


def key_only(definition: Definition) -> Projection:
    """Nothing of a row but its key."""
    return Projection((definition.key,), version=False)
