"""`db`: the same questions as over HTTP, from Python, typed. It acts for the caller, or with full rights; never without saying which."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, text
from sqlalchemy.exc import ArgumentError

from backroom.calls import Actor, Ask, Unit
from backroom.database.database import NotRead, SerializationFailure
from backroom.errors import Fault, NotFound, Problem
from backroom.orm import reads, writes
from backroom.orm.bulk import change_where, key_only, remove_where
from backroom.orm.creates import Created
from backroom.orm.include import include_relations
from backroom.orm.reach import Channel, ReadOnly, Store, Within, read_only
from backroom.orm.rows import RowLoader, by_column, columns_of, new_key
from backroom.orm.updates import Revision
from backroom.orm.upserts import Upsert
from backroom.resources.conditions import Condition, node_of
from backroom.resources.definition import Definition
from backroom.resources.fields import kind_of
from backroom.resources.hooks import MAX_SECONDS
from backroom.resources.nodes import Node
from backroom.resources.resolution import Unresolved, resolve
from backroom.resources.resource import Resource, User, load
from backroom.rules.fold import settled
from backroom.sql.compiled import compiled
from backroom.sql.normal import all_of
from backroom.sql.select import Ordering, Projection
from backroom.sql.tables import column_type
from backroom.sql.values import DialectName, store
from backroom.validation.bodies import check_row
from backroom.validation.wire import stored_form

R = TypeVar("R", bound=Resource[Any])


class _Scope:
    """The open transaction, if any: one for a session and for what `trusted()` and `as_user()` make of it."""

    __slots__ = ("channel",)

    def __init__(self, channel: Channel | None) -> None:
        self.channel = channel


class Db:
    """One caller's session. `async with db.transaction()` groups calls; without it, each call is its own transaction.

    Every method raises `Problem` kinds: `NotSignedIn`/`Forbidden` statuses (401, 403) where the rules refuse, 404 for a missing row, 400 for
    values that don't fit, 409 for a clash.
    """

    __slots__ = ("_actor", "_scope", "_store")

    def __init__(self, store: Store, actor: Actor, channel: Channel | None = None) -> None:
        self._store, self._actor, self._scope = store, actor, _Scope(channel)

    @property
    def _channel(self) -> Channel | None:
        return self._scope.channel

    # ------------------------------------------------------------ for whom
    def trusted(self) -> Db:
        """The same session with full rights: rules are passed by, validation and constraints hold."""
        return self._as(Actor.TRUSTED)

    def as_user(self, user: User) -> Db:
        """The same session as this person, by the roles the row holds."""
        return self._as(actor_of(user))

    def _as(self, actor: Actor) -> Db:
        other = Db(self._store, actor)
        other._scope = self._scope
        return other

    # ------------------------------------------------------------ reading
    async def get(self, resource: type[R], key: Any, *, include: Sequence[str] = ()) -> R:
        """The row with this key; 404 when it is missing or not this caller's to see.

        >>> # todo = await db.get(Todo, 42)
        """
        definition, projection = self._read(resource)
        row = await reads.read_one(self._store, definition, self._actor, self._key(definition, key), projection, self._channel)
        if row is None:
            raise NotFound(code="rest.not_found")
        return (await self._loaded(definition, projection, [row], include))[0]  # type: ignore[no-any-return]

    async def find(
        self,
        resource: type[R],
        *conditions: Condition,
        order: str | Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
        include: Sequence[str] = (),
    ) -> list[R]:
        """The readable rows that fulfill every condition. `order=["-due", "id"]`: a minus sorts descending. `limit` None: all.

        >>> # todos = await db.find(Todo, ~this.done, order="-due", limit=20)
        """
        if (limit is not None and limit < 0) or offset < 0:  # a number from a request: below zero it must not mean "all of them"
            raise Problem("validation.failed", "limit and offset are 0 or more.")
        definition, projection = self._read(resource)
        where = self._where(definition, conditions)
        ordering = self._ordering(definition, [order] if isinstance(order, str) else order)
        rows = await reads.read_list(
            self._store, definition, self._actor, projection, where, ordering, -1 if limit is None else limit, offset, self._channel
        )
        return await self._loaded(definition, projection, rows, include)

    async def find_one(self, resource: type[R], *conditions: Condition, order: str | Sequence[str] = (), include: Sequence[str] = ()) -> R | None:
        """The first row that fulfills every condition, or None."""
        rows = await self.find(resource, *conditions, order=order, limit=1, include=include)
        return rows[0] if rows else None

    async def count(self, resource: type[R], *conditions: Condition) -> int:
        """How many readable rows fulfill every condition."""
        definition = self._store.catalog.of(resource)
        return await reads.count(self._store, definition, self._actor, self._where(definition, conditions), self._channel)

    # ------------------------------------------------------------ writing
    async def create(self, row: R, *, owner: User | None = None) -> R:
        """Store a new row; returns it as stored. With full rights an `owner()` field must be given by `owner=`.

        >>> # todo = await db.create(Todo(title="Buy milk"))
        """
        definition, projection = self._read(type(row))
        values, given = self._new(definition, row, owner)
        created: Created = await writes.create_rows(self._store, definition, self._actor, [values], projection, given, self._channel)
        if not created.visible[0]:
            return row  # created, but not this caller's to read
        return (await self._loaded(definition, projection, created.rows, ()))[0]  # type: ignore[no-any-return]

    async def update(self, row: R, **changes: Any) -> R:
        """Change some fields of a stored row; returns the new one. `include=`d relations are not carried over."""
        definition = self._store.catalog.of(type(row))
        given = check_row(definition, by_column(definition, changes), "update")
        self._refuse_fixed(definition, given)
        return await self._change(row, given)

    async def _change(self, row: R, given: Mapping[str, Any]) -> R:
        """`given` by column, checked."""
        definition, projection = self._read(type(row))
        if not given:
            refused = await Revision(self._store, definition, self._actor, row.id, {}, projection, None).explain(
                self._channel or self._store.database
            )
            if refused is not None:
                raise refused
            return await self.get(type(row), row.id)
        stored, visible = await writes.change_row(self._store, definition, self._actor, row.id, given, projection, None, self._channel)
        if not visible:  # a reply must not show it as it was when this caller could still read it
            return load(type(row), {**row.__dict__, "_reader": None})
        return (await self._loaded(definition, projection, [stored], ()))[0]  # type: ignore[no-any-return]

    async def delete(self, row: Resource[Any]) -> None:
        """Delete a stored row, and what its references cascade to."""
        await writes.remove_rows(self._store, self._store.catalog.of(type(row)), self._actor, row.id, self._channel)

    async def upsert(self, row: R, *, on: Sequence[str]) -> R:
        """Create the row, or change the one that has the same values in the (unique) fields `on`: the fields that were given, and no others.

        The row must be the caller's to create either way. One that is there but isn't the caller's to change is a 409, as for `create`;
        `on=["id"]`, where the server sets the id, only finds: 404.
        """
        definition = self._store.catalog.of(type(row))
        fields = [field for name in on if (field := definition.by_name.get(name) or definition.by_column.get(name)) is not None]
        if len(fields) < len(on) or (fields != [definition.key] and not any(set(fields) == set(group) for group in definition.unique)):
            raise TypeError(f"upsert(on={list(on)!r}): these fields are not unique together; declare unique= on {definition.cls.__name__}")
        values, given = self._new(definition, row, None)
        _, projection = self._read(type(row))
        put = await Upsert(self._store, definition, self._actor, fields).run([values], [given], projection, self._channel)
        return (await self._loaded(definition, projection, put.rows, ()))[0] if put.visible[0] else row

    async def update_where(self, resource: type[R], *conditions: Condition, **changes: Any) -> int:
        """Change every row that fulfills all conditions and that this caller may change; how many. Hooks run for each row.

        A row that the new values would put out of this caller's reach refuses all: 403, nothing changed.
        """
        definition, _ = self._read(resource)
        given = check_row(definition, by_column(definition, changes), "update")
        self._refuse_fixed(definition, given)
        where = self._where(definition, conditions)
        return len((await change_where(*self._of(definition), where, given, key_only(definition), self._channel)).rows)

    async def delete_where(self, resource: type[R], *conditions: Condition) -> int:
        """Delete every row that fulfills all conditions and that this caller may delete; how many. Hooks run for each row."""
        definition = self._store.catalog.of(resource)
        return len(await remove_where(*self._of(definition), self._where(definition, conditions), self._channel))

    def _of(self, definition: Definition) -> tuple[Store, Definition, Actor]:
        return self._store, definition, self._actor

    # ------------------------------------------------------------ transactions, SQL
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        """What happens inside is stored together or not at all; nested: a savepoint. At most 2 seconds (503 `app.timeout`).

        >>> # async with db.transaction(): ...
        """
        if isinstance(self._channel, Within):
            async with self._channel.savepoint():
                yield
            return
        if isinstance(self._channel, ReadOnly):  # there is nothing to undo
            yield
            return
        async with self._store.database.transaction(seconds=MAX_SECONDS) as transaction:
            self._scope.channel = Within(transaction)
            try:
                yield
            finally:
                self._scope.channel = None

    async def sql(self, statement: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """Raw SQL with named parameters (`:me`), full rights only: `await db.trusted().sql("select ...", me=user.id)`.

        Rows come back as read-only mappings by column, values as stored. Raises `TypeError` where rules would be passed by unsaid.
        """
        if not self._actor.trusted:
            raise TypeError("SQL passes by the rules; say so: `await db.trusted().sql(...)`")
        try:
            asked = text(statement).bindparams(*(_parameter(name, value, self._store.dialect) for name, value in parameters.items()))
            done = compiled(asked, self._store.dialect, writes=True)
            values = done.bind({})
        except (ArgumentError, KeyError) as error:
            raise TypeError(f"sql: the statement and its parameters don't fit: {error}") from None

        if isinstance(self._channel, ReadOnly):
            try:
                return [MappingProxyType(row) for row in await self._store.database.read_named(done.text, values)]
            except NotRead:
                raise read_only() from None

        def unit() -> Unit[list[Any]]:
            return (yield Ask(done.text, values, named=True))

        return [MappingProxyType(row) for row in await (self._channel or self._store.database).write(unit)]

    # ------------------------------------------------------------ the steps
    def _read(self, resource: type[R]) -> tuple[Definition, Projection]:
        definition = self._store.catalog.of(resource)
        rights = self._store.rules.grant(definition.name, self._actor).rights
        return definition, reads.project(definition, rights, code=True)

    def _where(self, definition: Definition, conditions: Sequence[Condition]) -> Node:
        try:
            resolved = all_of([resolve(self._store.catalog.definitions, definition, node_of(condition)) for condition in conditions])
        except Unresolved as error:
            raise TypeError(str(error)) from None
        return settled(resolved, self._actor, datetime.now(UTC))

    def _ordering(self, definition: Definition, names: Sequence[str]) -> tuple[Ordering, ...]:
        chosen: list[Ordering] = []
        for name in names:
            field = definition.by_name.get(name.lstrip("-")) or definition.by_column.get(name.lstrip("-"))
            if field is None:
                raise TypeError(f"order: {definition.cls.__name__} has no field {name.lstrip('-')!r}")
            chosen.append(Ordering(field, name.startswith("-")))
        return tuple(chosen)

    def _key(self, definition: Definition, key: Any) -> Any:
        value = key.__dict__.get("id") if isinstance(key, Resource) else key
        wanted = definition.key.annotation
        if wanted is UUID and isinstance(value, str):
            return UUID(value)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise TypeError(f"the key of {definition.cls.__name__} is {wanted.__name__}, not {value!r}")
        return value

    async def _loaded(self, definition: Definition, projection: Projection, rows: Sequence[Any], include: Sequence[str]) -> list[Any]:
        loader = RowLoader(self._store.catalog, definition, projection, self._store.dialect, self._actor)
        loaded = [loader.load(row) for row in rows]
        return await include_relations(self, self._store, definition, loaded, include) if include else loaded

    def _new(self, definition: Definition, row: Resource[Any], owner: User | None) -> tuple[dict[str, Any], frozenset[str]]:
        """A complete row by column, and the columns that count as sent by the caller."""
        values = columns_of(definition, row)
        own = definition.owner
        if owner is not None and not self._actor.trusted:
            raise TypeError("owner= is for full rights only: `await db.trusted().create(row, owner=user)`")
        if own is not None:
            if owner is None and values.get(own.column) not in (None, self._actor.id):
                raise TypeError(
                    f"{own.name} is always the person who creates the row; leave it out, or write `await db.trusted().create(row, owner=user)`"
                )
            person = owner.id if owner is not None else self._actor.id
            if person is None and not own.nullable:
                raise Problem(
                    "validation.failed",
                    f"{definition.cls.__name__} needs an owner: `db.create(row, owner=user)`.",
                    errors=[Fault(own.column, "required", "Owner is required.")],
                )
            values[own.column] = person
        checked = check_row(definition, {column: value for column, value in values.items() if column != "id"}, "create")
        moment = datetime.now(UTC)
        complete: dict[str, Any] = {"created_at": moment, "updated_at": moment}
        for field in definition.fields[1:-2]:
            if field.column in checked:
                complete[field.column] = checked[field.column]
            else:
                complete[field.column] = self._actor.id if field.caller_default else stored_form(field, field.default_value())
        if definition.key.kind == "uuid":
            complete["id"] = values.get("id") or new_key()
        elif "id" in values:
            complete["id"] = values["id"]
        named: frozenset[str] | None = row.__dict__.get("_given")
        sent = checked if named is None else by_column(definition, dict.fromkeys(named))
        return complete, frozenset(field.column for field in definition.fields[1:-2] if field.column in sent and not field.options.owner)

    def _refuse_fixed(self, definition: Definition, given: Mapping[str, Any]) -> None:
        fixed = [column for column in given if definition.by_column[column].server_set]
        if not self._actor.trusted:
            fixed += [column for column in given if definition.by_column[column].options.owner]
        if fixed:
            raise Problem("validation.failed", errors=[Fault(column, "read_only", f"{column} is set by the server.") for column in fixed])


def actor_of(user: User) -> Actor:
    """The actor that a users row stands for, outside any session. Nothing says that the address is verified, so it counts as missing."""
    return Actor(id=user.id, roles=tuple(user.roles))


def join(store: Store) -> Store:
    """Lets hooks open sessions on this store."""
    store.open_session = lambda actor, channel: Db(store, actor, channel)
    return store


def _parameter(name: str, value: Any, dialect: DialectName) -> BindParameter[Any]:
    """A parameter of raw SQL in storage form; a row stands for its key."""
    given = value.__dict__.get("id") if isinstance(value, Resource) else value.value if isinstance(value, Enum) else value
    if given is None:
        return bindparam(name, None)
    kind = "uuid" if isinstance(given, UUID) else kind_of(type(given))  # asyncpg brings a UUID of its own
    return bindparam(name, store(kind, given, dialect), type_=column_type(kind, dialect))


__all__ = ["Db", "SerializationFailure", "actor_of", "join"]
