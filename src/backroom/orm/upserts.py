"""Upsert: create a row, or change the one that is there under the same unique key (RULES.md, 32)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from backroom.calls import Actor, Row
from backroom.errors import NotFound, Problem
from backroom.orm import reads, writes
from backroom.orm.bulk import key_only
from backroom.orm.creates import Creation, Values
from backroom.orm.reach import Channel, Store
from backroom.orm.refusals import taken
from backroom.orm.rows import new_key
from backroom.orm.units import as_unit
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Compare, Constant
from backroom.resources.relations import Cell
from backroom.sql.normal import all_of
from backroom.sql.select import Projection
from backroom.sql.values import load


class Put(NamedTuple):
    """The rows by the projection asked, whether the caller may read each, and how many of them are new."""

    rows: list[Row]
    visible: list[bool]
    created: int


class Upsert:
    """Rows that go where `fields`, unique together, say.

    Every row must be the caller's to create, whatever becomes of it. One that is there and isn't the caller's to change is a 409, as for a plain
    create; by a key that the server sets a row is only found, else 404. `ignore`: what is there stays as it is and is left out of the reply.
    """

    def __init__(self, store: Store, definition: Definition, actor: Actor, fields: Sequence[Field], *, ignore: bool = False) -> None:
        self._store, self._definition, self._actor, self._fields, self._ignore = store, definition, actor, fields, ignore
        self._by_key = list(fields) == [definition.key] and not definition.options.client_key
        self._key_only = key_only(definition)

    async def run(self, rows: Sequence[Values], given: Sequence[frozenset[str]], projection: Projection, channel: Channel | None = None) -> Put:
        """All rows or none; of one that is there, the columns `given` for it are changed and no others. Raises `Problem`."""

        async def work(within: Channel) -> Put:
            await self._require_rights(rows, given, within)
            done = [outcome for row, sent in zip(rows, given, strict=True) if (outcome := await self._put(row, sent, within)) is not None]
            keys = [key for key, _ in done]
            seen = await reads.read_keys(self._store, self._definition, self._actor, projection, keys, within) if keys else []
            shown = [row if row is not None else reads.key_alone(self._store, self._definition, key) for row, key in zip(seen, keys, strict=True)]
            return Put(shown, [row is not None for row in seen], sum(new for _, new in done))

        hooks = self._definition.hooks
        if channel is None and not (self._ignore or hooks.around("create") or hooks.around("update")):
            return await self._store.database.write(as_unit(work))
        put: Put = await writes.in_transaction(self._store, channel, work)
        return put

    async def _require_rights(self, rows: Sequence[Values], given: Sequence[frozenset[str]], within: Channel) -> None:
        """The create rule, before anything else: a clash must not answer strangers."""
        for row, sent in zip(rows, given, strict=True):
            refused = await Creation(self._store, self._definition, self._actor, [row], self._key_only, sent).explain(within, rule_only=True)
            if refused is not None:
                raise refused

    async def _put(self, row: Values, sent: frozenset[str], within: Channel) -> tuple[Any, bool] | None:
        """The (Python) key and whether it is new; None: left as it is."""
        found = await self._find(row, within)
        if found is None:
            if self._by_key and row.get("id") is not None:
                raise NotFound(code="rest.not_found")
            if "id" not in row and self._definition.key.kind == "uuid":
                row = {**row, "id": new_key()}
            return await self._create(row, sent, within)
        return None if self._ignore else await self._change(found, row, sent, within)

    async def _find(self, row: Values, within: Channel) -> Any:
        if any(row.get(field.column) is None for field in self._fields):
            return None  # an empty value is no key: nothing equals it
        name = self._definition.name
        if self._store.rules.grant(name, self._actor).rights.read.never:
            return None  # who reads no row finds none: what is there answers as it does to a plain create
        where = all_of([Compare("eq", Cell((), field, name), Constant(row[field.column])) for field in self._fields])
        found = await reads.read_list(self._store, self._definition, self._actor, self._key_only, where, limit=1, channel=within)
        return load(self._definition.key.kind, found[0][0], self._store.dialect) if found else None

    async def _create(self, row: Values, sent: frozenset[str], within: Channel) -> tuple[Any, bool] | None:
        async def alone(inner: Channel) -> Any:
            return await writes.create_rows(self._store, self._definition, self._actor, [row], self._key_only, sent, inner)

        try:
            created = await writes.in_transaction(self._store, within, alone)  # a savepoint: the clash undoes no neighbor
        except Problem as problem:
            if self._ignore and problem.code == "database.unique":  # there, and not the caller's to see
                return None
            raise
        return load(self._definition.key.kind, created.rows[0][0], self._store.dialect), True

    async def _change(self, key: Any, row: Values, sent: frozenset[str], within: Channel) -> tuple[Any, bool]:
        changes = {column: row[column] for column in sent if self._is_changed(self._definition.by_column[column])}
        try:
            await writes.change_row(self._store, self._definition, self._actor, key, changes, self._key_only, None, within)
        except Problem as problem:
            if problem.code not in ("auth.required", "rules.forbidden", "rules.field", "rest.not_found"):  # a hook's own refusal is told as it is
                raise
            raise NotFound(code="rest.not_found") if self._by_key else taken(self._fields, sent) from None
        return key, False

    def _is_changed(self, field: Field) -> bool:
        return field not in self._fields and not (field.options.immutable or field.options.owner or field.server_set)
