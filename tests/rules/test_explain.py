"""Why a rule permits or refuses: each part true, false or unknown, with the values it compared; and the hint of development."""

from __future__ import annotations

from typing import Literal

import httpx2
import pytest

from backroom import App, Resource, User, allow, field, many, me, now, owner, this
from backroom.calls import Actor
from backroom.resources.access import Action
from backroom.rules.explain import Explainer, Explanation, Part
from backroom.testing import Client, client

app = App()


@app.resource("projects")
class Project(Resource):
    name: str
    owner: User = owner()
    members: list[Member] = many(via="project")
    access = allow(everything=(this.owner == me) | this.members.any(user=me))


@app.resource("members")
class Member(Resource):
    project: Project
    user: User
    role: Literal["editor", "viewer"] = "viewer"
    access = allow(read=me.signed_in, write=this.project.owner == me)


@app.resource("pages")
class Page(Resource):
    title: str
    project: Project | None = None
    secret: str = field(default="hush", hidden=True)
    team: str | None = None
    access = allow(
        read=(this.project.owner == me) | ~me.has_role("banned"),
        create=me.signed_in,
        update=(this.team == me.claims["team"]) | (this.secret.startswith("x")),
        delete=this.project.members.any(user=me, role="editor") & (this.created_at <= now),
    )


async def explained(c: Client, resource: str, action: Action, actor: Actor, key: int | None) -> Explanation:
    backend = c.backend
    return await Explainer(backend.store.tables, backend.store.database.read).explain(backend.catalog.definitions[resource], action, actor, key)


async def world(c: Client) -> tuple[Client, Client]:
    ann, bob = await c.sign_up("ann@example.com"), await c.sign_up("bob@example.com")
    assert (await ann.post("/api/projects", json={"name": "One"})).status_code == 201
    assert (await ann.post("/api/pages", json={"title": "Home", "project_id": 1})).status_code == 201
    return ann, bob


def actor(who: Client, **more: object) -> Actor:
    assert who.user is not None
    return Actor(id=who.user.id, email=who.user.email, **more)  # type: ignore[arg-type]


async def test_a_permitted_action_shows_which_part_was_true() -> None:
    async with client(app) as c:
        ann, _ = await world(c)
        assert ann.user is not None
        found = await explained(c, "projects", "read", actor(ann), 1)
        rule = found.rules["read"]
        assert found.permitted
        assert [part.truth for part in rule.parts] == [True, False]
        assert rule.parts[0] == Part("this.owner == me", True, (f"this.owner is {ann.user.id}", f"me is {ann.user.id}"))


async def test_a_refused_action_names_the_part_and_both_values() -> None:
    async with client(app) as c:
        ann, bob = await world(c)
        found = await explained(c, "projects", "update", actor(bob), 1)
        assert not found.permitted
        assert set(found.rules) == {"read", "update"}
        assert ann.user is not None
        assert f"this.owner == me is false (this.owner is {ann.user.id}" in found.hint()
        assert "this.members.any(this.user == me) is false (no row of it does" in found.hint()


async def test_a_value_that_the_caller_lacks_makes_its_part_unknown_and_its_negation_too() -> None:
    async with client(app) as c:
        await world(c)
        found = await explained(c, "pages", "read", Actor.ANYONE, 1)
        compared, negated = found.rules["read"].parts
        assert (compared.truth, negated.truth) == (None, None)
        assert "me is missing: the caller is signed out" in compared.values
        assert not found.permitted


async def test_an_empty_cell_is_unknown_and_shown_as_empty() -> None:
    async with client(app) as c:
        _, bob = await world(c)
        found = await explained(c, "pages", "update", actor(bob, claims={"team": "red"}), 1)
        compared, hidden = found.rules["update"].parts
        assert (compared.truth, compared.values) == (None, ("this.team is empty", "me.claims[\"team\"] is 'red'"))
        assert (hidden.truth, hidden.values) == (False, ("this.secret is 'hush'",))


async def test_values_behind_references_are_walked_to() -> None:
    async with client(app) as c:
        ann, bob = await world(c)
        assert ann.user is not None
        found = await explained(c, "pages", "read", actor(bob), 1)
        assert found.permitted
        assert found.rules["read"].parts[0].values[0] == f"this.project.owner is {ann.user.id}"


async def test_a_collection_is_true_as_soon_as_one_of_its_rows_is() -> None:
    async with client(app) as c:
        ann, bob = await world(c)
        assert bob.user is not None
        assert not (await explained(c, "pages", "delete", actor(bob), 1)).permitted
        made = await ann.post("/api/members", json={"project_id": 1, "user_id": str(bob.user.id), "role": "editor"})
        assert made.status_code == 201
        assert (await explained(c, "pages", "delete", actor(bob), 1)).permitted


async def test_without_a_row_parts_about_the_row_depend_on_it() -> None:
    async with client(app) as c:
        _, bob = await world(c)
        lines = list((await explained(c, "members", "create", actor(bob), None)).lines())
        assert lines[0].endswith("create=")
        assert "unknown this.project.owner == me" in lines[1]
        assert "this.project.owner depends on the row" in lines[1]


REFUSED = [("PATCH", "/api/projects/1", 404), ("GET", "/api/projects/1", 404), ("DELETE", "/api/pages/1", 403)]


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
async def test_in_development_a_refusal_says_which_rule_and_which_value(method: str, path: str, status: int) -> None:
    async with client(app) as c:
        _, bob = await world(c)
        reply = await bob.request(method, path, **({"json": {"name": "Mine"}} if method == "PATCH" else {}))
        assert reply.status_code == status
        assert "test_explain.py:" in reply.json()["hint"]
        assert "is not true" in reply.json()["hint"]


async def test_in_development_a_missing_row_is_told_from_one_that_is_not_yours() -> None:
    async with client(app) as c:
        _, bob = await world(c)
        assert (await bob.get("/api/projects/99")).json()["hint"] == "There is no row 99 in projects."
        assert "can't be a key" in (await bob.get("/api/projects/first")).json()["hint"]


async def test_in_production_nothing_is_said() -> None:
    async with client(app, development=False) as c:
        _, bob = await world(c)
        unreadable, absent = await bob.get("/api/projects/1"), await bob.get("/api/projects/99")
        assert (unreadable.status_code, unreadable.content) == (404, absent.content)
        assert unreadable.json()["hint"] is None


async def test_in_development_nothing_is_said_to_another_machine() -> None:
    async with client(app) as c:
        await world(c)
        for address, told in (("203.0.113.7", False), ("127.0.0.1", True), ("::1", True)):
            transport = httpx2.ASGITransport(c.backend.door, client=(address, 40000))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as http:
                assert ((await http.get("/api/members")).json()["hint"] is not None) is told
