"""A small app of people and todos behind the real door, on a real database, called as ASGI."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx2

from backroom.auth.auth import Auth
from backroom.auth.endpoints import AuthEndpoint
from backroom.auth.moments import WALL
from backroom.calls import Actor
from backroom.database.database import Database, connect
from backroom.database.migrations import prepare
from backroom.errors import Problem
from backroom.http.asgi import Door
from backroom.http.request import Request
from backroom.http.response import Response, json_response
from backroom.http.router import Router
from backroom.orm.reach import Store
from backroom.orm.session import join
from backroom.resources.access import allow
from backroom.resources.catalog import Catalog
from backroom.resources.conditions import me, this
from backroom.resources.definition import Options
from backroom.resources.fields import field, owner
from backroom.resources.resource import Resource, User
from backroom.rules.authorize import Rules
from backroom.settings import Settings
from backroom.sql.tables import Tables

ORIGIN = "https://app.example.com"
PASSWORD = "correct horse battery"
SECRET = "a-test-secret-of-more-than-32-characters"


def catalog() -> Catalog:
    """Fresh classes each time: a class belongs to one catalog."""

    class Person(User):
        name: str = ""
        born: date | None = None
        plan: str = "free"
        nickname: str | None = None
        note: str = field(default="", hidden=True)

        access = allow(
            read=this == me,
            update=this == me,
            fields={
                "plan": allow(read=this == me, update=me.has_role("admin")),
                "nickname": allow(read=this == me, create=me.signed_in, update=this == me),
            },
        )

    class Todo(Resource):
        title: str
        owner: User = owner()

        access = allow(everything=this.owner == me)

    made = Catalog()
    made.declare("users", Person, Options())
    made.declare("todos", Todo, Options())
    made.freeze()
    return made


class Time:
    """A clock that stands `ahead` seconds before the real one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return WALL() + self.ahead


class Process:
    """One server process: its own caches over the shared database."""

    def __init__(self, database: Database, settings: Settings, made: Catalog | None = None) -> None:
        found = made or catalog()
        self.tables = Tables(found, database.name)
        self.store = join(Store(database, found, self.tables, Rules(found, database.name)))
        self.settings = settings
        self.time = Time()
        self.auth = Auth(self.store, settings, self.time)
        self._router = Router[AuthEndpoint]()
        for endpoint in self.auth.endpoints:
            self._router.add(endpoint.method, endpoint.path, endpoint)
        self.door = Door(self._answer, settings, owns=("/api", "/auth/v1"))
        self.actors: list[Actor] = []

    async def _answer(self, request: Request) -> Response:
        if request.path == "/api/me":  # stands for any resource
            actor = await self.auth.authenticate(request)
            self.actors.append(actor)
            if not actor.signed_in:
                raise Problem("auth.required")
            return json_response({"id": str(actor.id), "email": actor.email, "roles": actor.roles, "via": actor.via, "claims": dict(actor.claims)})
        return await self._router.route(request.method, request.path).endpoint.answer(request)

    def client(self, *, origin: str | None = ORIGIN, address: str = "203.0.113.7", **options: Any) -> httpx2.AsyncClient:
        """A browser on the app's own page: it keeps cookies and says where it comes from."""
        headers = {} if origin is None else {"origin": origin}
        transport = httpx2.ASGITransport(app=self.door, client=(address, 40000))
        return httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers={**headers, **options.pop("headers", {})}, **options)


def settings_for(url: str, **given: Any) -> Settings:
    values: dict[str, Any] = {"DATABASE_URL": url, "SECRET_KEY": SECRET, "PUBLIC_URL": ORIGIN, "RATE_LIMIT": False, **given}
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


@asynccontextmanager
async def running(url: str, processes: int = 1, **given: Any) -> AsyncGenerator[list[Process]]:
    """So many processes on one database."""
    settings = settings_for(url, **given)
    databases = [connect(settings) for _ in range(processes)]
    for database in databases:
        await database.open()
    found = [Process(database, settings) for database in databases]
    try:
        await prepare(databases[0], found[0].tables.metadata, allow="create")
        for process in found:
            await process.auth.open()
        yield found
    finally:
        for process in found:
            await process.auth.close()
        for database in databases:
            await database.close()


@asynccontextmanager
async def one(url: str, **given: Any) -> AsyncGenerator[Process]:
    async with running(url, **given) as processes:
        yield processes[0]


async def sign_up(client: httpx2.AsyncClient, email: str = "ann@example.com", **own: Any) -> dict[str, Any]:
    reply = await client.post("/api/account", json={"email": email, "password": PASSWORD, **own})
    assert reply.status_code == 201, reply.text
    told: dict[str, Any] = reply.json()
    return told


async def tokens(client: httpx2.AsyncClient, email: str = "ann@example.com", **data: Any) -> dict[str, Any]:
    reply = await client.post("/auth/v1/signup", json={"email": email, "password": PASSWORD, "data": data})
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


def bearer(token: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {token}"}
