"""People in the database: the row of `users` that an app sees, and the row of `_accounts` that it doesn't."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Table, bindparam, select, update

from backroom.auth.moments import seconds_of, stored
from backroom.auth.tables import AuthTables
from backroom.calls import Actor, Ask, Row, Statement, Unit
from backroom.database.database import Violation
from backroom.errors import Fault, Problem
from backroom.orm.creates import Creation
from backroom.orm.reach import Channel, Store
from backroom.orm.reads import project, read_one
from backroom.orm.refusals import as_problem
from backroom.orm.writes import create_rows, in_transaction
from backroom.resources.definition import Definition
from backroom.sql.compiled import compiled
from backroom.sql.select import Projection
from backroom.sql.select import read_one as select_one
from backroom.sql.tables import VERSION
from backroom.sql.values import DialectName, load, printer, store

T = TypeVar("T")


class Account(NamedTuple):
    """A person as this room knows them. Times are seconds since 1970."""

    user_id: UUID
    email: str
    roles: tuple[str, ...]
    created: float
    updated: float
    password_hash: str | None
    confirmed: float | None
    banned_until: float | None
    app_metadata: dict[str, Any]
    user_metadata: dict[str, Any]
    last_sign_in: float | None


class Users:
    """Reads and writes people. Methods that return a `Unit` are steps of a larger transaction."""

    def __init__(self, store_: Store, tables: AuthTables) -> None:
        self.store = store_
        self.definition: Definition = store_.catalog.definitions["users"]
        self._dialect: DialectName = store_.dialect
        self._trusted = Actor(trusted=True)
        users, accounts = tables.users, tables.accounts
        columns = (
            users.c.id, users.c.email, users.c.roles, users.c.created_at, users.c.updated_at, accounts.c.password_hash, accounts.c.email_confirmed_at,
            accounts.c.banned_until, accounts.c.app_metadata, accounts.c.user_metadata, accounts.c.last_sign_in_at,
        )  # fmt: skip
        known = select(*columns).select_from(users.join(accounts, accounts.c.user_id == users.c.id))
        key = bindparam("key", type_=users.c.id.type)
        self._by_email = compiled(known.where(users.c.email == bindparam("email")), self._dialect)
        self._by_id = compiled(known.where(users.c.id == key), self._dialect)
        self._all = compiled(known.order_by(users.c.created_at, users.c.id), self._dialect)
        row: dict[str, Any] = {column.name: bindparam(column.name) for column in accounts.c}
        self._insert = compiled(accounts.insert().values(row), self._dialect, writes=True)
        self._updates = {column.name: self._update(accounts, {column.name: "value"}, accounts.c.user_id == key) for column in list(accounts.c)[1:]}
        self._set_roles = self._update(users, {"roles": "roles", "updated_at": "now"}, users.c.id == key)

    def _update(self, table: Table, columns: Mapping[str, str], where: ColumnElement[bool]) -> Statement:
        values: dict[str, Any] = {column: bindparam(name, type_=table.c[column].type) for column, name in columns.items()}
        if VERSION in table.c:
            values[VERSION] = table.c[VERSION] + 1  # what an ETag counts
        return compiled(update(table).values(values).where(where), self._dialect, writes=True)

    # ---------------------------------------------------------------- reading
    async def by_email(self, email: str) -> Account | None:
        """`email` as `emails.normalized` spells it."""
        return self._first(await self.store.database.read(self._by_email.text, self._by_email.bind({"email": email})))

    async def by_id(self, user_id: UUID) -> Account | None:
        return self._first(await self.store.database.read(self._by_id.text, self._by_id.bind({"key": self._key(user_id)})))

    async def every(self) -> list[Account]:
        """Everybody, oldest first."""
        return [self._account(row) for row in await self.store.database.read(self._all.text, self._all.bind({}), long=True)]

    def find(self, email: str) -> Unit[Account | None]:
        rows = yield Ask(self._by_email.text, self._by_email.bind({"email": email}))
        return self._first(rows)

    def _first(self, rows: list[Row]) -> Account | None:
        return self._account(rows[0]) if rows else None

    def _account(self, row: Row) -> Account:
        dialect = self._dialect
        times = [seconds_of(row[index], dialect) for index in (3, 4, 6, 7, 10)]
        return Account(
            load("uuid", row[0], dialect), row[1], tuple(load("json", row[2], dialect)), times[0] or 0.0, times[1] or 0.0, row[5], times[2], times[3],
            load("json", row[8], dialect), load("json", row[9], dialect), times[4],
        )  # fmt: skip

    async def shown(self, actor: Actor) -> dict[str, Any]:
        """The caller as `users` would show them to themselves. Rules that hide even that leave what every account has."""
        rights = self.store.rules.grant("users", actor).rights
        row = None
        if not rights.read.never:
            projection = project(self.definition, rights, code=False)
            row = await read_one(self.store, self.definition, actor, actor.id, projection)
            if row is not None:
                return self._printed(row, projection)
        bare = Projection(tuple(field for field in self.definition.fields if field.server_set or field.name in ("email", "roles")))
        row = await read_one(self.store, self.definition, self._trusted, actor.id, bare)
        if row is None:
            raise Problem("auth.required")
        return self._printed(row, bare)

    def _printed(self, row: Row, projection: Projection) -> dict[str, Any]:
        told: dict[str, Any] = {}
        flags = dict(zip(projection.conditional, row[len(projection.fields) :], strict=False))
        for field, value in zip(projection.fields, row, strict=False):
            if flags.get(field, 1):
                written = printer(field.kind, self._dialect)
                told[field.column] = value if value is None or written is None else written(value)
        return told

    # ---------------------------------------------------------------- writing
    async def create(self, row: Mapping[str, Any], given: frozenset[str], finish: Callable[[], Unit[T]]) -> T:
        """Store a person and, in the same transaction, do what `finish` does; the hooks of `users` run. What `finish` returns.

        `row` is complete, by column; `given` names the columns that the person chose. Raises `Problem` 409 `auth.email_taken`, 409 for other
        clashes, and whatever hooks raise.
        """
        # Full rights, and a name: in the hooks `me` is the new person as soon as there is one.
        actor, key, named = Actor(id=row["id"], trusted=True), Projection((self.definition.key,), version=False), given | {"email"}
        try:
            if self.definition.hooks.around("create"):
                return await self._create_hooked(actor, row, named, finish)
            creation = Creation(self.store, self.definition, actor, [row], key, named)

            def unit() -> Unit[T]:
                yield from creation.unit()
                return (yield from finish())

            return await self.store.database.write(unit)
        except Violation as violation:
            raise _named(as_problem(violation, self.definition, self.definition.fields, named)) from None
        except Problem as problem:
            raise _named(problem) from None

    async def _create_hooked(self, actor: Actor, row: Mapping[str, Any], named: frozenset[str], finish: Callable[[], Unit[T]]) -> T:
        async def work(within: Channel) -> T:
            await create_rows(self.store, self.definition, actor, [row], Projection((self.definition.key,), version=False), named, within)
            return await within.write(finish)

        created: T = await in_transaction(self.store, None, work)
        return created

    def add_account(self, user_id: UUID, password_hash: str | None, metadata: Any, confirmed: datetime | None = None) -> Unit[None]:
        """The account of a new person."""
        account = {
            "user_id": self._key(user_id),
            "password_hash": password_hash,
            "email_confirmed_at": store("datetime", confirmed, self._dialect),
            "banned_until": None,
            "app_metadata": store("json", {}, self._dialect),
            "user_metadata": store("json", metadata, self._dialect),
            "last_sign_in_at": None,
        }
        yield Ask(self._insert.text, self._insert.bind(account))

    def require_permitted(self, user_id: UUID, given: frozenset[str]) -> Unit[None]:
        """The rules of the fields that a new person chose, asked as that person and of the row as it now stands. Raises `Problem` 403."""
        actor = Actor(id=user_id)
        grant = self.store.rules.grant("users", actor)
        ruled = [(column, grant.rights.may("create", self.definition.by_column[column])) for column in sorted(given)]
        for column, predicate in ruled:
            if predicate.never:
                raise _field_refused(column)
            if not predicate.always:
                reach, key = self.store.reach(self.definition, actor), Projection((self.definition.key,), version=False)
                question = compiled(select_one(self.store.tables, self.definition, key, reach.view, predicate), self._dialect)
                rows = yield Ask(question.text, question.bind(reach.bound(key=self._key(user_id))))
                if not rows:
                    raise _field_refused(column)

    def set(self, user_id: UUID, column: str, value: Any) -> Unit[None]:
        """One column of the account, in storage form."""
        statement = self._updates[column]
        yield Ask(statement.text, statement.bind({"key": self._key(user_id), "value": value}))

    def signed_in(self, user_id: UUID, now: float, password_hash: str | None) -> Unit[None]:
        """Write down the sign-in, and the hash if its parameters rose."""
        yield from self.set(user_id, "last_sign_in_at", stored(now, self._dialect))
        if password_hash is not None:
            yield from self.set(user_id, "password_hash", password_hash)

    def set_roles(self, user_id: UUID, roles: tuple[str, ...]) -> Unit[None]:
        bound = {"key": self._key(user_id), "roles": store("json", roles, self._dialect), "now": stored(time.time(), self._dialect)}
        yield Ask(self._set_roles.text, self._set_roles.bind(bound))

    def _key(self, user_id: UUID) -> Any:
        return store("uuid", user_id, self._dialect)


def _named(problem: Problem) -> Problem:
    return email_taken() if problem.code == "database.unique" and any(fault.field == "email" for fault in problem.errors) else problem


def email_taken() -> Problem:
    return Problem("auth.email_taken", errors=[Fault("email", "taken", "There is an account with this email.")])


def _field_refused(column: str) -> Problem:
    fault = Fault(column, "rules.field", f"{column} can't be set by you.")
    return Problem("rules.field", f"You are not allowed to set {column}.", errors=[fault], hint="Leave it out.")
