"""The door for tests of an app: a real app on a fresh database, in this process, without a network. Also the pytest plugin.

The plugin runs `async def test_...` without configuration. What another plugin (pytest-asyncio, anyio) takes as its own, it leaves alone.
"""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pytest loads this file in every project of the environment: it must cost nothing there
    import httpx2
    import pytest

    from backroom.app import App
    from backroom.backend import Backend
    from backroom.orm.session import Db
    from backroom.resources.resource import User

#: Where the page is that asks, in development and in production (whose cookies need https).
ORIGIN, PRODUCTION_ORIGIN = "http://localhost:8000", "https://app.example.com"
PASSWORD = "plum-orbit-lantern-42"


class Client:
    """Somebody with a browser: requests carry the cookies that replies set, and the page's own origin.

    `user` is the signed-in person, None before; `backend` is the running app. Replies are httpx2 responses: `.status_code`, `.json()`, `.headers`.
    """

    def __init__(self, backend: Backend, leaving: AsyncExitStack, http: httpx2.AsyncClient, user: User | None = None) -> None:
        self.user, self.backend = user, backend
        self._leaving, self._http = leaving, http

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Any method. `options` are httpx2's: `json=`, `params=`, `headers=`, `content=`, ..."""
        return await self._http.request(method, path, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("DELETE", path, **options)

    async def head(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("HEAD", path, **options)

    async def options(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("OPTIONS", path, **options)

    async def sign_up(self, email: str, *, password: str = PASSWORD, **fields: Any) -> Client:
        """Somebody new, signed in with a session cookie. `fields`: what the app's own users have beside email and password.

        Raises `AssertionError` with the reply when the app refuses.

        >>> # ann = await c.sign_up("ann@example.com", name="Ann")
        """
        return await self._enter("/api/account", {"email": email, "password": password, **fields})

    async def sign_in(self, email: str, *, password: str = PASSWORD) -> Client:
        """Somebody who has signed up before, in another browser. Raises `AssertionError` with the reply when the app refuses."""
        return await self._enter("/api/session", {"email": email, "password": password})

    @asynccontextmanager
    async def db(self) -> AsyncGenerator[Db]:
        """The database from Python: with full rights, or, for somebody signed in, with theirs.

        >>> # async with c.db() as db: todos = await db.find(Todo)
        """
        from backroom.calls import Actor
        from backroom.orm.session import Db, actor_of

        yield Db(self.backend.store, actor_of(self.user) if self.user is not None else Actor.TRUSTED)

    async def _enter(self, path: str, form: dict[str, Any]) -> Client:
        from uuid import UUID

        from backroom.calls import Actor
        from backroom.orm.writes import person

        http = await self._leaving.enter_async_context(browser(self.backend))
        reply = await http.post(path, json=form)
        assert reply.status_code == 201, f"POST {path} was answered {reply.status_code}: {reply.text}"
        user: Any = await person(self.backend.store, Actor(id=UUID(reply.json()["id"])), None)
        return Client(self.backend, self._leaving, http, user)


@asynccontextmanager
async def client(app: App, *, database_url: str | None = None, development: bool = True, **settings: Any) -> AsyncGenerator[Client]:
    """A running app and somebody signed out who asks it. The database is fresh (SQLite in a temporary folder), or the one of `database_url`.

    `development=False` serves as production does: https cookies, no hints. `settings` by name, as in the environment:
    `client(app, CONFIRM_EMAIL=True)`. Raises what the app raises at its start.

    >>> # async with client(app) as c:
    >>> #     ann = await c.sign_up("ann@example.com")
    >>> #     assert (await ann.get("/api/todos")).json() == []
    """
    from pydantic import SecretStr

    from backroom.settings import load

    with tempfile.TemporaryDirectory(prefix="backroom-test-") as folder:
        url = SecretStr(database_url or f"sqlite:{folder}/app.db")
        given = {"RATE_LIMIT": False, "PUBLIC_URL": ORIGIN if development else PRODUCTION_ORIGIN, **settings, "DATABASE_URL": url}
        backend = app.backend(load(development=development, env_file=None, **given))
        await backend.start()
        try:
            async with AsyncExitStack() as leaving:
                yield Client(backend, leaving, await leaving.enter_async_context(browser(backend)))
        finally:
            await backend.stop()


def browser(backend: Backend) -> httpx2.AsyncClient:
    """A client that asks the backend's door in process."""
    import httpx2

    origin = ORIGIN if backend.settings.DEVELOPMENT else PRODUCTION_ORIGIN
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(backend.door), base_url=origin, headers={"Origin": origin})


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """The plugin: a coroutine test that nobody else runs gets an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or any(pyfuncitem.get_closest_marker(name) for name in ("asyncio", "anyio", "trio")):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**given))
    return True
