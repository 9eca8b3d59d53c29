"""A declared app on a real database, behind its own door; people with real sessions; the SQL that was run; the rows as the bare driver sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import apsw
import httpx2

from backroom import App, Db, User
from backroom.auth.authenticate import COOKIE
from backroom.backend import Backend
from backroom.calls import Actor, Unit
from backroom.database import functions
from backroom.orm.rows import new_key
from backroom.settings import Settings
from backroom.sql.values import store
from backroom.validation.bodies import BodyReader

ORIGIN = "https://app.example.com"


class Person(NamedTuple):
    """Somebody with a session, or nobody: `client` sends what their browser would."""

    id: UUID | None
    email: str | None
    client: httpx2.AsyncClient

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, json: Any, **options: Any) -> httpx2.Response:
        return await self.client.post(path, json=json, **options)

    async def patch(self, path: str, json: Any, **options: Any) -> httpx2.Response:
        return await self.client.patch(path, json=json, **options)

    async def put(self, path: str, json: Any, **options: Any) -> httpx2.Response:
        return await self.client.put(path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        return await self.client.delete(path, **options)


class World:
    """One running app."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.backend = backend
        self.url = url
        self.people: list[Person] = []
        self._bodies = BodyReader(backend.catalog.definitions["users"], backend.settings)
        self.nobody = self._browser(None, None, None)

    @property
    def db(self) -> Db:
        """A session with full rights."""
        return Db(self.backend.store, Actor.TRUSTED)

    async def person(
        self,
        name: str,
        *,
        roles: Sequence[str] = (),
        claims: Mapping[str, Any] | None = None,
        verified: bool = False,
        key: UUID | None = None,
        **own: Any,
    ) -> Person:
        """Somebody new, signed in by cookie. `claims` is what the server has written about them, `verified` their address, `key` their id."""
        auth, key, email = self.backend.auth, key or new_key(), f"{name}@example.com"
        row = self._bodies.complete({"id": key, "email": email, "roles": list(roles), **own}, caller=key, moment=datetime.now(UTC))

        def finish() -> Unit[str]:
            yield from auth.users.add_account(key, None, {}, confirmed=datetime.now(UTC) if verified else None)
            yield from auth.users.set(key, "app_metadata", store("json", dict(claims or {}), self.backend.store.dialect))
            _, secret = yield from auth.sessions.open_with_cookie(key, "password")
            return secret

        made = self._browser(key, email, await auth.users.create(row, frozenset(own), finish))
        self.people.append(made)
        return made

    async def user(self, person: Person) -> User:
        """The users row of somebody, as code sees it."""
        return await self.db.get(User, person.id)

    async def as_(self, person: Person) -> Db:
        """A session that acts for somebody."""
        return self.db.as_user(await self.user(person)) if person.id is not None else Db(self.backend.store, Actor.ANYONE)

    async def set_roles(self, person: Person, *roles: str) -> None:
        assert person.id is not None
        key = person.id
        await self.backend.database.write(lambda: self.backend.auth.users.set_roles(key, roles))
        self.backend.auth.sessions.forget_person(key)

    def _browser(self, key: UUID | None, email: str | None, secret: str | None) -> Person:
        headers = {"origin": ORIGIN} | ({"cookie": f"{COOKIE}={secret}"} if secret else {})
        return Person(key, email, httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.backend.door), base_url=ORIGIN, headers=headers))

    async def heard_all(self) -> None:
        """asyncpg tells its loggers a moment later: after one more request, everything before it has been told."""
        assert (await self.nobody.get("/health/ready")).status_code == 200

    # ---------------------------------------------------------------- past the app
    async def dump(self, *resources: str) -> dict[str, list[dict[str, Any]]]:
        """Whole tables by the bare driver, by key."""
        names = resources or tuple(name for name in self.backend.catalog.definitions if name != "users")
        return {name: await raw(self.url, f'SELECT * FROM "{name}" ORDER BY id') for name in names}


def _named(cursor: Any, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((column[0] for column in cursor.get_description()), row, strict=True))


async def raw(url: str, text: str) -> list[dict[str, Any]]:
    """One statement by the bare driver, on a connection of its own."""
    if url.startswith("sqlite:"):
        with sqlite(url) as connection:
            cursor = connection.cursor()
            cursor.row_trace = _named
            return list(cursor.execute(text))
    from tests.postgres import connect

    connection = await connect(url)
    try:
        return [dict(record) for record in await connection.fetch(text)]
    finally:
        await connection.close()


@contextmanager
def sqlite(url: str) -> Generator[Any]:
    connection = apsw.Connection(url.removeprefix("sqlite:"))
    try:
        functions.install(connection)
        yield connection
    finally:
        connection.close()


@asynccontextmanager
async def running(app: App, url: str, **given: Any) -> AsyncGenerator[World]:
    """The app, served on this database until the block ends."""
    values: dict[str, Any] = {
        "DATABASE_URL": url,
        "RATE_LIMIT": False,
        "PUBLIC_URL": ORIGIN,
        "SECRET_KEY": "a-test-secret-of-more-than-32-characters",
        **given,
    }
    backend = app.backend(Settings(_env_file=None, **values))  # type: ignore[call-arg]
    await backend.start()
    world = World(backend, url)
    try:
        yield world
    finally:
        await asyncio.gather(*(person.client.aclose() for person in (world.nobody, *world.people)))
        await backend.stop()


class Asked(NamedTuple):
    """One statement as a driver was given it."""

    text: str
    parameters: tuple[Any, ...]


@contextmanager
def listening(world: World) -> Generator[list[Asked]]:
    """Every statement that the app's connections run inside the block."""
    heard: list[Asked] = []
    database: Any = world.backend.database
    if database.name == "sqlite":
        connections = [database._inline, database._writing, *database._idle]

        def note(cursor: Any, text: str, parameters: Any) -> bool:
            heard.append(Asked(text, tuple(parameters or ())))
            return True

        for connection in connections:
            connection.raw.exec_trace = note
        try:
            yield heard
        finally:
            for connection in connections:
                connection.raw.exec_trace = None
        return
    pools = (database._reading, database._long, database._writing)
    wires: list[Any] = []

    def logged(record: Any) -> None:
        heard.append(Asked(record.query, tuple(record.args or ())))

    def taking(pool: Any) -> Any:
        async def take() -> Any:
            wire = await pool.__class__.take(pool)
            wires.append(wire)
            wire.add_query_logger(logged)
            return wire

        return take

    for pool in pools:
        pool.take = taking(pool)
    try:
        yield heard
    finally:
        for pool in pools:
            del pool.take
        for wire in wires:
            if not wire.is_closed():
                wire.remove_query_logger(logged)
