"""An app on a temporary database of its own, with four callers at its real door: what `access` and `where` try things on."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from backroom.auth.administration import add_user, list_users, set_role
from backroom.calls import Actor
from backroom.cli.samples import Samples, as_json
from backroom.errors import Problem
from backroom.server.loading import load_app
from backroom.settings import load
from backroom.testing import ORIGIN, PASSWORD, browser

if TYPE_CHECKING:
    import httpx2

    from backroom.backend import Backend

#: Who asks, in the order of the table. The owner comes last: where people may delete themselves, he is gone afterwards.
CALLERS = ("signed out", "other user", "admin", "owner")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the door. `id` is None for somebody signed out."""

    name: str
    id: Any
    actor: Actor
    http: httpx2.AsyncClient


@dataclass(frozen=True, slots=True)
class Trial:
    backend: Backend
    callers: tuple[Caller, ...]
    samples: Samples

    def caller(self, name: str) -> Caller:
        return next(each for each in self.callers if each.name == name)


@asynccontextmanager
async def trial(target: str) -> AsyncGenerator[Trial]:
    """Raises `DeclarationError` for an app that can't be loaded, `Refused` for people that can't be made up."""
    app = load_app(target)
    with tempfile.TemporaryDirectory(prefix="backroom-trial-") as folder:
        url = SecretStr(f"sqlite:{folder}/app.db")
        backend = app.backend(
            load(development=True, env_file=None, DATABASE_URL=url, RATE_LIMIT=False, PUBLIC_URL=ORIGIN, CORS_ORIGINS="", CONFIRM_EMAIL=False)
        )
        logging.getLogger("backroom").setLevel(logging.ERROR)
        await backend.start()
        try:
            async with AsyncExitStack() as leaving:
                samples = Samples(backend.store)
                callers = [await _caller(backend, samples, leaving, name) for name in CALLERS]
                yield Trial(backend, tuple(callers), samples)
        finally:
            await backend.stop()


async def person(backend: Backend, samples: Samples, email: str) -> Any:
    """Make somebody; the id."""
    users = backend.catalog.definitions["users"]
    needed = [field for field in users.fields if field.writable and not field.has_default and field.column not in ("email", "roles")]
    own = {field.column: as_json(field, samples.value(users, field)) for field in needed}
    return (await add_user(backend.store, backend.settings, email, PASSWORD, **own)).user_id


async def _caller(backend: Backend, samples: Samples, leaving: AsyncExitStack, name: str) -> Caller:
    http = await leaving.enter_async_context(browser(backend))
    if name == "signed out":
        return Caller(name, None, Actor.ANYONE, http)
    email = f"{name.replace(' ', '-')}@example.com"
    await person(backend, samples, email)
    if name == "admin":
        await set_role(backend.store, email, "admin")
    reply = await http.post("/api/session", json={"email": email, "password": PASSWORD})
    if reply.status_code != 201:
        raise Problem("http.internal", f"A made-up person could not sign in: {reply.text}")
    account = next(each for each in await list_users(backend.store) if each.email == email)
    return Caller(name, account.user_id, Actor(id=account.user_id, email=email, roles=account.roles, claims=account.app_metadata), http)
