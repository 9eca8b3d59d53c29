"""Every address that an app answers, asked by every kind of caller: what succeeds is what this table says, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import httpx2
import pytest

from backroom import App, Resource, User, allow, anyone, field, me, owner, this
from tests.rules.world import Person, World, running

#: Ann owns the row, Bob is signed in like her, Sam is staff, Meg the boss; and somebody who is signed out.
CALLERS = ("ann", "bob", "sam", "meg", "nobody")
SIGNED_IN = frozenset({"ann", "bob", "sam", "meg"})
ALL = frozenset(CALLERS)
NONE: frozenset[str] = frozenset()
BOSS = frozenset({"meg"})
ANN = frozenset({"ann"})

#: Resource -> action -> who succeeds with Ann's row (or, creating, with a new one).
ROWS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "diaries": {"read": ANN, "create": SIGNED_IN, "update": ANN, "delete": ANN},
    "notices": {"read": ALL, "create": SIGNED_IN, "update": ANN, "delete": ANN | BOSS},
    "vaults": {"read": NONE, "create": NONE, "update": NONE, "delete": NONE},
    "letters": {"read": frozenset({"sam"}), "create": ALL, "update": NONE, "delete": NONE},
    "salaries": {"read": BOSS, "create": BOSS, "update": BOSS, "delete": BOSS},
    "users": {"read": ANN, "create": NONE, "update": ANN, "delete": NONE},
}
#: How an action of a resource is asked: method and whether the address names one row -> action.
ACTIONS: Mapping[tuple[str, bool], str] = {
    ("GET", False): "read", ("GET", True): "read", ("POST", False): "create", ("PATCH", False): "update", ("PATCH", True): "update",
    ("PUT", True): "update", ("PUT", False): "update", ("DELETE", False): "delete", ("DELETE", True): "delete",
}  # fmt: skip
#: All other addresses, asked with an empty body -> who gets a 2xx.
OTHERS: Mapping[tuple[str, str], frozenset[str]] = {
    ("GET", "/api/account"): SIGNED_IN,
    ("PATCH", "/api/account"): SIGNED_IN,
    ("POST", "/api/account"): NONE,
    ("DELETE", "/api/account"): SIGNED_IN,
    ("GET", "/api/session"): SIGNED_IN,
    ("POST", "/api/session"): NONE,
    ("DELETE", "/api/session"): ALL,
    ("GET", "/auth/v1/user"): SIGNED_IN,
    ("PUT", "/auth/v1/user"): SIGNED_IN,
    ("POST", "/auth/v1/signup"): NONE,
    ("POST", "/auth/v1/token"): NONE,
    ("POST", "/auth/v1/logout"): SIGNED_IN,
    ("GET", "/auth/v1/settings"): ALL,
    ("GET", "/auth/v1/health"): ALL,
    ("GET", "/auth/v1/.well-known/jwks.json"): ALL,
    ("GET", "/health"): ALL,
    ("GET", "/health/ready"): ALL,
    ("GET", "/openapi.json"): ALL,
    ("GET", "/docs"): ALL,
    ("GET", "/docs/reference.css"): ALL,
    ("GET", "/docs/reference.js"): ALL,
    ("POST", "/api/batch"): NONE,
    ("POST", "/api/open"): ALL,
    ("POST", "/api/own"): SIGNED_IN,
    ("POST", "/api/bossy"): BOSS,
}


def every_kind_of_right() -> App:
    app = App()

    @app.user
    class Person(User):
        text: str = ""
        access = allow(read=this == me, update=this == me)

    @app.resource("diaries")
    class Diary(Resource):
        text: str = ""
        owner: Person = owner()
        access = allow(everything=this.owner == me)

    @app.resource("notices")
    class Notice(Resource):
        text: str = ""
        owner: Person = owner()
        access = allow(read=anyone, create=me.signed_in, update=this.owner == me, delete=(this.owner == me) | me.has_role("boss"))

    @app.resource("vaults")
    class Vault(Resource):
        text: str = ""
        owner: Person = owner()
        access = allow()

    @app.resource("letters")
    class Letter(Resource):
        text: str = ""
        owner: Person | None = field(default=me, read_only=True)
        access = allow(create=anyone, read=me.has_role("staff"))

    @app.resource("salaries")
    class Salary(Resource):
        text: str = ""
        owner: Person | None = field(default=me, read_only=True)
        access = allow(everything=me.has_role("boss"))

    @app.post("/open", access=anyone)
    async def open_() -> int:
        return 1

    @app.post("/own")
    async def own(me: User) -> int:
        return 1

    @app.post("/bossy", access=me.has_role("boss"))
    async def bossy() -> int:
        return 1

    return app


async def people(world: World, round_: str = "") -> dict[str, Person]:
    roles = {"sam": ["staff"], "meg": ["boss"]}
    return {name: await world.person(f"{name}{round_}", roles=roles.get(name, [])) for name in sorted(SIGNED_IN)} | {"nobody": world.nobody}


async def row_of(world: World, resource: str, ann: Person) -> Any:
    """The key of the only row there is (of people: of Ann's), anew."""
    if resource == "users":
        await world.db.sql("UPDATE users SET text = 'canary' WHERE id = :key", key=ann.id)
        return ann.id
    await world.db.sql(f"DELETE FROM {resource}")
    moment = "'2026-01-01T00:00:00.000Z'"
    made = f"INSERT INTO {resource}(text, owner_id, created_at, updated_at) VALUES ('canary', :owner, {moment}, {moment}) RETURNING id"
    return (await world.db.sql(made, owner=ann.id))[0]["id"]


async def ask(caller: Person, method: str, path: str, *, batched: bool) -> httpx2.Response:
    body = None if method in ("GET", "DELETE") else {"text": "written"}
    if not batched:
        return await caller.client.request(method, path, json=body)
    return await caller.post("/api/batch", [{"method": method, "path": path, **({} if body is None else {"body": body})}])


async def succeeds(world: World, caller: Person, method: str, path: str, resource: str, *, batched: bool) -> bool:
    """The row was shown, or the table is another one than before."""
    columns = "id, text" if resource == "users" else "*"
    asked = f"SELECT {columns} FROM {resource} ORDER BY id"
    before = await world.db.sql(asked)
    reply = await ask(caller, method, path, batched=batched)
    if method == "GET":
        return "canary" in reply.text
    changed = await world.db.sql(asked) != before
    assert not changed or reply.status_code < 300, f"{reply.status_code}, and yet something was written"
    return changed


@pytest.mark.case(81, 92)
async def test_of_every_address_nothing_succeeds_but_what_the_rules_say(each_database: str) -> None:
    async with running(every_kind_of_right(), each_database) as world:
        here, wrong, asked = await people(world), list[str](), 0
        for route in sorted(world.backend.router.routes(), key=lambda route: (route.pattern, route.method)):
            _, face, *rest = route.pattern.split("/")
            resource = (rest[1:] if face == "rest" else rest or [""])[0]
            if resource not in ROWS:
                continue
            one = "{id}" in route.pattern
            for name, batched in product(CALLERS, (False, True) if face == "api" else (False,)):
                key = await row_of(world, resource, here["ann"])
                path = route.pattern.replace("{id}", str(key)) + ("" if one or route.method == "POST" else f"?id=eq.{key}")
                allowed = name in ROWS[resource][ACTIONS[route.method, one]]
                asked += 1
                if await succeeds(world, here[name], route.method, path, resource, batched=batched) is not allowed:
                    wrong.append(f"{name}: {'batched ' if batched else ''}{route.method} {path} {'fails' if allowed else 'succeeds'}")
        assert wrong == []
        assert asked > 450


@pytest.mark.case(81)
async def test_no_address_is_answered_that_is_not_in_the_table(each_database: str) -> None:
    async with running(every_kind_of_right(), each_database) as world:
        routes = [(route.method, route.pattern) for route in world.backend.router.routes() if not any(f"/{name}" in route.pattern for name in ROWS)]
        assert set(routes) == set(OTHERS)
        for number, (method, path) in enumerate(sorted(routes)):
            for name, caller in (await people(world, str(number))).items():
                reply = await caller.client.request(method, path, json=None if method in ("GET", "DELETE") else {})
                assert (reply.status_code < 300) is (name in OTHERS[method, path]), (name, method, path, reply.status_code, reply.text[:200])
