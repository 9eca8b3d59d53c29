"""Deleting rows, children first: by our own hand and with full rights, so that hooks, files and events can follow (RULES.md, 33)."""

from __future__ import annotations

import graphlib
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from backroom.calls import Actor, Ask, Unit
from backroom.database.database import Violation
from backroom.errors import NotFound, Problem
from backroom.orm.reach import Channel, Reach, Store
from backroom.orm.refusals import label
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Node
from backroom.rules.authorize import authorize
from backroom.sql import delete
from backroom.sql.compiled import compiled
from backroom.sql.placeholders import lifted
from backroom.sql.values import load, store

#: A cascade beyond this is refused: it would hold the database for everybody else.
MAX_CASCADE = 10_000


def too_many() -> Problem:
    return Problem("reference.in_use", f"Deleting this would delete more than {MAX_CASCADE} other rows; delete those first.")


def referrers(store_: Store, definition: Definition) -> Iterator[tuple[Definition, Field]]:
    """Who refers to this resource, and by which field."""
    for child in store_.catalog.definitions.values():
        for field in child.references:
            if field.target == definition.name:
                yield child, field


def follows_children(store_: Store, definition: Definition) -> bool:
    """Deleting here deletes or changes other rows."""
    return any(field.options.on_delete != "refuse" for _, field in referrers(store_, definition))


class Removal:
    """One delete by key (`where` None) or by filter, without hooks."""

    def __init__(
        self, store_: Store, definition: Definition, actor: Actor, key: Any, where: Node | None = None, *, if_version: int | None = None
    ) -> None:
        self.if_version = if_version
        self.store, self.definition, self.actor = store_, definition, actor
        self.where: Node | None = None
        filtered: dict[str, Any] = {}
        if where is not None:
            self.where, filtered = lifted(where, store_.dialect)
        self.predicate = authorize("delete", store_.rules.grant(definition.name, actor), actor)
        self.reach: Reach = store_.reach(definition, actor, along=[where] if where is not None else [])
        self.cascades = follows_children(store_, definition)
        self.values = self.reach.bound(**filtered, key=store(definition.key.kind, key, store_.dialect), if_version=if_version)

    def unit(self) -> Unit[list[Any]]:
        """The (stored) keys that were deleted."""
        asked = (self.store.tables, self.definition, self.reach.view, self.predicate, self.where, self.if_version is not None)
        key = asked[-2:]
        if self.cascades:
            found = self.reach.statement(("doomed", *key), lambda: delete.keys_where(*asked))
            rows = yield Ask(found.text, found.bind(self.values))
            keys = [row[0] for row in rows]
            if keys:
                yield from self._remove(keys)
            return keys
        statement = self.reach.statement(("delete", *key), lambda: delete.delete_where(*asked), writes=True)
        rows = yield Ask(statement.text, statement.bind(self.values))
        return [row[0] for row in rows]

    def _remove(self, keys: list[Any]) -> Unit[None]:
        """These rows, and all that their references cascade to."""
        tables, dialect = self.store.tables, self.store.dialect
        doomed = yield from self._doomed(keys)
        moment = store("datetime", datetime.now(UTC), dialect)
        for name, below in doomed.items():
            for child, field in referrers(self.store, self.store.catalog.definitions[name]):
                if field.options.on_delete == "set_null":
                    cleared = compiled(delete.clear_reference(tables, child, field), dialect, writes=True)
                    yield Ask(cleared.text, cleared.bind({**delete.bind_keys(tables, list(below)), "moment": moment}))
        for definition in self._children_first(list(doomed)):
            removed = compiled(delete.delete_keys(tables, definition), dialect, writes=True)
            yield Ask(removed.text, removed.bind(delete.bind_keys(tables, list(doomed[definition.name]))))

    def _doomed(self, keys: list[Any]) -> Unit[dict[str, dict[Any, None]]]:
        """Resource -> keys, level by level. Each row once: references may go round in a circle."""
        doomed: dict[str, dict[Any, None]] = {self.definition.name: dict.fromkeys(keys)}
        waiting = deque([(self.definition, keys)])
        while waiting:
            if sum(map(len, doomed.values())) > MAX_CASCADE:
                raise too_many()
            definition, level = waiting.popleft()
            for child, field in referrers(self.store, definition):
                if field.options.on_delete != "cascade":
                    continue
                found = compiled(delete.children(self.store.tables, child, field), self.store.dialect)
                rows = yield Ask(found.text, found.bind(delete.bind_keys(self.store.tables, level)))
                known = doomed.setdefault(child.name, {})
                fresh = [row[0] for row in rows if row[0] not in known]
                known.update(dict.fromkeys(fresh))
                if fresh:
                    waiting.append((child, fresh))
        return doomed

    def _children_first(self, names: list[str]) -> list[Definition]:
        """Rows of one resource go in one statement, so those that refer to each other are no trouble; two resources in a circle keep their order."""
        definitions = self.store.catalog.definitions
        parents = {name: {field.target for field in definitions[name].references if field.target in names and field.target != name} for name in names}
        try:
            ordered = list(graphlib.TopologicalSorter(parents).static_order())
        except graphlib.CycleError:
            ordered = names
        return [definitions[str(name)] for name in reversed(ordered)]

    async def cascaded(self, channel: Channel, definition: Definition, key: Any) -> list[tuple[Definition, Any]]:
        """The (Python) keys of the rows that a delete of this one takes along, one level down."""
        found: list[tuple[Definition, Any]] = []
        bound = delete.bind_keys(self.store.tables, [store(definition.key.kind, key, self.store.dialect)])
        for child, field in referrers(self.store, definition):
            if field.options.on_delete == "cascade":
                statement = compiled(delete.children(self.store.tables, child, field), self.store.dialect)
                rows = await channel.read(statement.text, statement.bind(bound))
                found += [(child, load(child.key.kind, row[0], self.store.dialect)) for row in rows]
        return found

    async def explain(self, channel: Channel) -> Problem | None:
        """404, 403 or 412; None when by now nothing would be wrong."""
        statement = self.reach.statement("judge delete", lambda: delete.judge(self.store.tables, self.definition, self.reach.view, self.predicate))
        rows = await channel.read(statement.text, statement.bind(self.values))
        if not rows:
            return NotFound(code="rest.not_found")
        if not rows[0][0]:
            return Problem("rules.forbidden")
        return Problem("rest.stale") if self.if_version is not None and rows[0][1] != self.if_version else None

    async def run(self, channel: Channel | None = None) -> list[Any]:
        """The keys that were deleted. By key, at least one, or `Problem` 404/403. Still referred to: 409, nothing deleted."""
        channel = channel or self.store.database
        for _ in range(3):
            try:
                keys = await channel.write(self.unit, single=not self.cascades)
            except Violation:
                raise await self._in_use(channel) from None
            if keys or self.where is not None:
                return keys
            told = await self.explain(channel)
            if told is not None:
                raise told
        raise Problem("database.busy")

    async def _in_use(self, channel: Channel) -> Problem:
        """Names the resource that still refers here, if the caller may list it; never ids or counts."""
        if self.where is None:
            for child, field in referrers(self.store, self.definition):
                if self.store.rules.grant(child.name, self.actor).rights.read.never or field.options.on_delete != "refuse":
                    continue
                statement = compiled(delete.children(self.store.tables, child, field), self.store.dialect)
                if await channel.read(statement.text, statement.bind(delete.bind_keys(self.store.tables, [self.values["key"]]))):
                    return Problem("reference.in_use", f"{child.name} still refer to this ({label(field)}). Delete or change those first.")
        return Problem("reference.in_use")
