"""One caller and the resources one statement touches: his view, his values, and the statements compiled for callers like him."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from sqlalchemy.sql.elements import ClauseElement

from backroom.calls import Actor, Row, Statement, Unit
from backroom.database.database import Database, Transaction
from backroom.errors import Problem
from backroom.resources.access import walk
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.nodes import Node, Related, Some
from backroom.resources.relations import Cell, Gathered, Relation
from backroom.resources.selections import Selection
from backroom.rules.authorize import Rights, Rules
from backroom.sql.compiled import compiled
from backroom.sql.filters import View
from backroom.sql.tables import Tables
from backroom.sql.values import DialectName, store

MAX_STATEMENTS = 512
T = TypeVar("T")


class Channel(Protocol):
    """Where questions go: the database itself, each question its own transaction, or an open transaction."""

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]: ...
    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T: ...


#: For each open transaction that this task is in, whose turn it is among the calls of one block. The tasks that it starts inherit it.
_turns: ContextVar[Mapping[Within, asyncio.Lock]] = ContextVar("turns", default=MappingProxyType({}))


class Within:
    """An open transaction as a channel. It is one line of statements: calls at the same time (`asyncio.gather`) wait for each other.

    Without turns two savepoints could interleave, and the refusal of one call would undo another that had been told of its success.
    """

    __slots__ = ("_turn", "transaction")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self._turn = asyncio.Lock()

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        async with _turns.get().get(self, self._turn):
            return await self.transaction.run(text, parameters)

    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T:  # noqa: ARG002 - as every Channel is called
        async with _turns.get().get(self, self._turn):
            return await self.transaction.drive(unit())

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """What happens inside is undone if it raises, and nobody outside comes in between. May be nested."""
        before = _turns.get()
        async with before.get(self, self._turn), self.transaction.savepoint():
            _turns.set({**before, self: asyncio.Lock()})
            try:
                yield
            finally:
                _turns.set(before)


class Readable(Protocol):
    """What answers reads: the database, a transaction, a snapshot."""

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]: ...


class ReadOnly:
    """A channel that only reads. A write is 405: what was asked by GET may change nothing."""

    __slots__ = ("read",)

    def __init__(self, inner: Readable) -> None:
        self.read = inner.read

    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T:  # noqa: ARG002 - as every Channel is called
        raise read_only()


def read_only() -> Problem:
    return Problem("rest.read_only", headers={"Allow": "POST, OPTIONS"})


class Reach:
    """What one caller may touch of some resources. Short-lived: kept in `actor.memo`, as long as the cached actor lives."""

    __slots__ = ("_kept", "clock", "dialect", "rights", "values", "view")

    def __init__(self, rights: Rights, view: View, values: Mapping[str, Any], kept: dict[Any, Any], dialect: DialectName, clock: bool) -> None:
        self.rights = rights
        self.view = view
        self.values = values
        self.dialect: DialectName = dialect
        self.clock = clock
        self._kept = kept

    def statement(self, key: Any, write: Callable[[], ClauseElement], *, writes: bool = False) -> Statement:
        """The statement of this key for this shape of caller: written and compiled the first time it is asked for."""
        return self.kept(key, lambda: compiled(write(), self.dialect, writes=writes))

    def kept(self, key: Any, make: Callable[[], T]) -> T:
        """Whatever is the same for all callers of this shape: made once, kept with the statements."""
        found: T | None = self._kept.get(key)
        if found is None:
            if len(self._kept) >= MAX_STATEMENTS:
                self._kept.clear()
            found = self._kept[key] = make()
        return found

    def bound(self, **given: Any) -> dict[str, Any]:
        """The caller's values and these, ready to bind; `now` and `today` are one value per request."""
        values = {**self.values, **given}
        if self.clock:
            moment = datetime.now(UTC)
            values.setdefault("now", store("datetime", moment, self.dialect))
            values.setdefault("today", store("date", moment.date(), self.dialect))
        return values


class Store:
    """The joined rooms that every question passes: catalog, tables, rules, database. One per app."""

    def __init__(self, database: Database, catalog: Catalog, tables: Tables, rules: Rules) -> None:
        self.database = database
        self.catalog = catalog
        self.tables = tables
        self.rules = rules
        self.dialect: DialectName = tables.dialect
        self._kept: dict[Any, dict[Any, Any]] = {}
        #: Opens a session for hooks; set where the session is joined (`orm.session.join`), since a session writes through this room.
        self.open_session: Callable[[Actor, Channel | None], Any]
        self._nearby = {name: _nearby(definition) for name, definition in catalog.definitions.items()}

    def reach(self, definition: Definition, actor: Actor, *, along: Iterable[Node] = (), beyond: tuple[str, ...] = ()) -> Reach:
        """The caller's reach: this resource, what it refers to, whatever the conditions `along` walk through, and the resources `beyond`."""
        key: Any = (definition.name, beyond) if beyond else definition.name
        if along:
            beyond = (*beyond, *(name for node in along for name in _walked(node)))
            key = (definition.name, frozenset(beyond)) if beyond else definition.name
        memo: dict[Any, Reach] | None = actor.memo.get(self)
        if memo is None:
            memo = actor.memo[self] = {}
        found = memo.get(key)
        if found is None:
            names = {*self._nearby[definition.name], *beyond} - {definition.name}
            found = memo[key] = self._reach(definition, tuple(sorted(names)), actor)
        return found

    def _reach(self, definition: Definition, others: tuple[str, ...], actor: Actor) -> Reach:
        own = self.rules.grant(definition.name, actor)
        values = dict(own.values)
        shapes = [own.rights]
        clock = self.rules.uses_clock(definition.name)
        for name in others:
            grant = self.rules.grant(name, actor)
            values |= grant.values
            shapes.append(grant.rights)
            clock = clock or self.rules.uses_clock(name)
        kept = self._kept.setdefault((definition.name, tuple(shapes)), {})
        return Reach(own.rights, lambda name: self.rules.grant(name, actor).rights, values, kept, self.dialect, clock)


def _nearby(definition: Definition) -> tuple[str, ...]:
    return tuple(sorted({field.target for field in definition.references if field.target is not None} - {definition.name}))


def _walked(node: Node) -> set[str]:
    names: set[str] = set()
    for part in walk(node):
        if isinstance(part, Related):
            names |= touched(part.relation)
        for side in (getattr(part, name, None) for name in ("left", "right", "path", "operand")):
            if isinstance(side, Cell | Gathered):
                names |= {hop.target for hop in side.hops}
            if isinstance(part, Some) and isinstance(side, Gathered):
                names |= {name for name in (side.collection.target, side.collection.junction) if name is not None}
    return names


def reached_by(selection: Selection) -> tuple[str, ...]:
    """The other resources whose rows a selection touches, in a fixed order."""
    below = list(selection.embedded())
    names = {name for each in below for name in touched(each.relation)}
    names |= {name for level in (selection, *(each.selection for each in below)) for name in _walked(level.where)}
    return tuple(sorted(names | {name for level in (selection, *(each.selection for each in below)) for name in _sorted_through(level)}))


def _sorted_through(selection: Selection) -> set[str]:
    return {name for each in selection.order if each.through is not None for name in touched(each.through)}


def touched(relation: Relation) -> set[str]:
    """The resources whose rows a relation passes."""
    return {relation.target} if relation.junction is None else {relation.target, relation.junction.resource}
