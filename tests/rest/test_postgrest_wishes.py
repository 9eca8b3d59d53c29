"""What PostgREST's clients wish for in headers: keys without nulls, a schema, a trial. Granted, or refused before anything is done."""

from __future__ import annotations

from typing import Any

from backroom import App, Resource, allow, anyone
from tests.rest.world import running


def pets_app() -> App:
    app = App()

    @app.resource("pets", unique=[("name", "kind")], client_key=True)
    class Pet(Resource):
        name: str
        kind: str | None = None
        facts: dict[str, Any] | None = None
        mother: Pet | None = None

        access = allow(everything=anyone)

    return app


async def test_keys_that_are_null_can_be_left_out_at_every_depth(each_database: str) -> None:
    stripped = {"accept": "application/vnd.pgrst.array+json;nulls=stripped"}
    async with running(each_database, pets_app()) as world:
        c = await world.person("ann")
        assert (await c.post("/api/pets", json={"name": "Rex", "facts": {"age": None, "toys": [None, {"a": None}]}})).status_code == 201
        reply = await c.get("/rest/v1/pets?select=name,kind,facts,mother(name)", headers=stripped)
        assert reply.json() == [{"name": "Rex", "facts": {"toys": [None, {}]}}]
        assert reply.headers["content-type"] == "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"
        written = await c.post("/rest/v1/pets?select=name,kind", json=[{"name": "Tom"}], headers={**stripped, "prefer": "return=representation"})
        assert written.json() == [{"name": "Tom"}]
        assert "kind" in (await c.get("/rest/v1/pets?limit=1")).json()[0]


async def test_another_schema_than_public_is_refused_and_writes_nothing(each_database: str) -> None:
    async with running(each_database, pets_app()) as world:
        c = await world.person("ann")
        for reply in (
            await c.get("/rest/v1/pets", headers={"accept-profile": "private"}),
            await c.post("/rest/v1/pets", json={"name": "Rex"}, headers={"content-profile": "private"}),
        ):
            assert (reply.status_code, reply.json()["code"]) == (406, "PGRST106")
        assert (await c.get("/rest/v1/pets", headers={"accept-profile": "public"})).json() == []


async def test_a_write_that_should_only_be_tried_is_refused_instead_of_kept(each_database: str) -> None:
    async with running(each_database, pets_app()) as world:
        c = await world.person("ann")
        for method, address, body in (
            ("POST", "pets", {"name": "Rex"}),
            ("PATCH", "pets?name=eq.Rex", {"name": "Tom"}),
            ("DELETE", "pets?name=eq.Rex", None),
        ):
            reply = await c.request(method, f"/rest/v1/{address}", json=body, headers={"prefer": "return=representation,tx=rollback"})
            assert (reply.status_code, reply.json()["code"]) == (400, "PGRST122"), method
        assert (await c.get("/rest/v1/pets")).json() == []
        assert (await c.post("/rest/v1/pets", json={"name": "Rex"}, headers={"prefer": "handling=strict, tx=commit"})).status_code == 201


async def test_names_of_a_list_may_stand_apart(each_database: str) -> None:
    async with running(each_database, pets_app()) as world:
        c = await world.person("ann")
        merging = {"prefer": "resolution=merge-duplicates,return=representation"}
        made = [
            (await c.post("/rest/v1/pets?on_conflict=name, kind", json={"name": "Rex", "kind": "dog"}, headers=merging)).json()[0]["id"] for _ in "ab"
        ]
        assert made[0] == made[1]
        unknown = await c.post("/rest/v1/pets?on_conflict=name", json={"name": "Rex"}, headers=merging)
        assert (unknown.status_code, unknown.json()["code"]) == (400, "42P10")
