"""Whole apps behind their real door, on a real database, called as ASGI; and browsers that call them."""

from __future__ import annotations

import asyncio
import re
import runpy
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, cast

import httpx2

from backroom.app import App
from backroom.backend import Backend
from backroom.settings import Settings

ROOT = Path(__file__).parents[2]
ORIGIN = "https://app.example.com"
PASSWORD = "correct horse battery"
SECRET = "a-test-secret-of-more-than-32-characters"
JSON = {"content-type": "application/json"}
#: What statements hold in quotes by their nature: names of keys of JSON, commas, brackets, formats of times.
HARMLESS = re.compile(r"'[\w\s,:{}\[\]().$>\\\"?-]{0,60}'")


def todo_app() -> App:
    """The reference example, read anew: a declaration belongs to one app."""
    return cast("App", runpy.run_path(str(ROOT / "examples" / "todo" / "app.py"))["app"])


def settings_for(url: str, **given: Any) -> Settings:
    values: dict[str, Any] = {"DATABASE_URL": url, "SECRET_KEY": SECRET, "PUBLIC_URL": ORIGIN, "RATE_LIMIT": False, **given}
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


class World:
    """One running app."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def browser(self, *, origin: str | None = ORIGIN, address: str = "203.0.113.7", headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
        """A browser on the app's own page: it keeps cookies and says where it comes from. `origin=None`: a program."""
        given = {} if origin is None else {"origin": origin}
        # What the server could not answer must show as a 500, as it would over a socket.
        transport = httpx2.ASGITransport(app=self.backend.door, client=(address, 40000), raise_app_exceptions=True)
        return httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers={**given, **(headers or {})})

    async def person(self, name: str = "ann", **own: Any) -> httpx2.AsyncClient:
        """A browser in which somebody has just signed up."""
        browser = self.browser()
        reply = await browser.post("/api/account", json={"email": f"{name}@example.com", "password": PASSWORD, **own})
        assert reply.status_code == 201, reply.text
        return browser

    async def program(self, name: str = "ann") -> httpx2.AsyncClient:
        """A client that shows a bearer token of somebody who has just signed up."""
        reply = await self.browser(origin=None).post("/auth/v1/signup", json={"email": f"{name}@example.com", "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        return self.browser(origin=None, headers={"authorization": f"Bearer {reply.json()['access_token']}"})


@asynccontextmanager
async def running(url: str, app: App | None = None, **given: Any) -> AsyncGenerator[World]:
    """The app (default: the reference example) on this database until the block ends."""
    backend = (app or todo_app()).backend(settings_for(url, **given))
    await backend.start()
    try:
        yield World(backend)
    finally:
        await backend.stop()


async def soon(ask: Callable[[], Awaitable[httpx2.Response]], status: int) -> httpx2.Response:
    """Ask again until the reply has this status, for two seconds: what is changed behind a session counts within one."""
    deadline = monotonic() + 2
    while True:
        reply = await ask()
        if reply.status_code == status or monotonic() > deadline:
            return reply
        await asyncio.sleep(0.05)


def code_of(reply: httpx2.Response) -> str:
    """The code of a problem document; "" for any other reply."""
    if reply.headers.get("content-type") != "application/problem+json":
        return ""
    return str(reply.json()["code"])


def faults_of(reply: httpx2.Response) -> dict[str | None, str]:
    """Field -> code of every fault that a problem document names."""
    return {fault["field"]: fault["code"] for fault in reply.json()["errors"]}
