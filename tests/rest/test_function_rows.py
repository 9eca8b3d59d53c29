"""Rows that a function returns, asked at /rest/v1/rpc as a table is: through the caller's rules, in the function's order or in another."""

import httpx2
import pytest

from backroom import App, Db, Resource, User, allow, anyone, me, owner, this
from tests.rest.world import running


def shelf_app() -> App:
    app = App()

    @app.resource("makers")
    class Maker(Resource):
        name: str
        access = allow(everything=anyone)

    @app.resource("things", aggregates=True)
    class Thing(Resource):
        name: str
        weight: int = 1
        secret: bool = False
        hint: str = "none"
        maker: Maker | None = None
        owner: User = owner()

        access = allow(read=(this.owner == me) | ~this.secret, write=me.signed_in, create=me.signed_in, fields={"hint": this.owner == me})

    @app.function("heaviest", access=anyone)
    async def heaviest(db: Db, least: int = 0) -> list[Thing]:
        """Read with full rights: the caller's rules have to hold all the same."""
        return await db.trusted().find(Thing, this.weight >= least, order="-weight")

    @app.function("first_thing", access=anyone)
    async def first_thing(db: Db, name: str = "") -> Thing | None:
        return await db.trusted().find_one(Thing, this.name == name)

    @app.function("add")
    async def add(name: str, me: User, db: Db) -> list[Thing]:
        await db.create(Thing(name=name))
        return await db.find(Thing, this.name == name)

    @app.function("sums", access=anyone)
    async def sums() -> list[int]:
        return [1, 2]

    return app


async def filled(ann: httpx2.AsyncClient) -> None:
    [maker] = (await ann.post("/api/makers", json=[{"name": "Mia"}])).json()
    for name, weight, secret in (("pin", 1, False), ("anvil", 90, False), ("safe", 70, True), ("desk", 40, False)):
        made = await ann.post("/api/things", json={"name": name, "weight": weight, "secret": secret, "maker_id": maker["id"]})
        assert made.status_code == 201


def names(reply: httpx2.Response) -> list[str]:
    assert reply.status_code in (200, 206), reply.text
    return [row["name"] for row in reply.json()]


async def test_rows_come_in_the_functions_order_and_in_another_where_one_is_asked_for(each_database: str) -> None:
    async with running(each_database, shelf_app()) as world:
        ann = await world.person("ann")
        await filled(ann)
        assert names(await ann.post("/rest/v1/rpc/heaviest?select=name", json={})) == ["anvil", "safe", "desk", "pin"]
        assert names(await ann.post("/rest/v1/rpc/heaviest?select=name&weight=lt.80&limit=2", json={})) == ["safe", "desk"]
        assert names(await ann.post("/rest/v1/rpc/heaviest?select=name&order=name.desc&offset=1", json={"least": 2})) == ["desk", "anvil"]
        assert names(await ann.get("/rest/v1/rpc/heaviest?least=60&weight=gt.80")) == ["anvil"]
        assert names(await ann.get("/rest/v1/rpc/heaviest?select=name", headers={"range": "1-2"})) == ["safe", "desk"]
        assert (await ann.get("/rest/v1/rpc/heaviest?select=name,maker(name)&limit=1")).json() == [{"name": "anvil", "maker": {"name": "Mia"}}]
        assert (await ann.get("/rest/v1/rpc/heaviest?select=secret,count()&order=secret")).json() == [
            {"secret": False, "count": 3},
            {"secret": True, "count": 1},
        ]


async def test_rules_hold_for_rows_that_the_function_read_with_full_rights(each_database: str) -> None:
    async with running(each_database, shelf_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        await filled(ann)
        assert names(await bob.post("/rest/v1/rpc/heaviest?select=name", json={})) == ["anvil", "desk", "pin"]
        assert names(await bob.post("/rest/v1/rpc/heaviest?select=name&order=name", json={})) == ["anvil", "desk", "pin"]
        assert names(await bob.post("/rest/v1/rpc/heaviest?select=name&name=eq.safe", json={})) == []
        counted = await bob.post("/rest/v1/rpc/heaviest?select=name&limit=1", json={}, headers={"prefer": "count=exact"})
        assert (counted.status_code, counted.headers["content-range"]) == (206, "0-0/3")
        assert (await ann.get("/rest/v1/rpc/heaviest?select=name,hint&limit=1")).json() == [{"name": "anvil", "hint": "none"}]
        assert (await bob.get("/rest/v1/rpc/heaviest?select=name,hint&limit=1")).json() == [{"name": "anvil"}]
        assert names(await bob.get("/rest/v1/rpc/heaviest?hint=eq.none")) == []
        assert (await bob.post("/rest/v1/rpc/first_thing?select=name", json={"name": "safe"})).text == "null"


async def test_one_row_counts_and_lines_are_given_as_of_a_table(each_database: str) -> None:
    async with running(each_database, shelf_app()) as world:
        ann = await world.person("ann")
        await filled(ann)
        one = {"accept": "application/vnd.pgrst.object+json"}
        assert (await ann.post("/rest/v1/rpc/first_thing?select=name", json={"name": "pin"})).json() == {"name": "pin"}
        assert (await ann.get("/rest/v1/rpc/heaviest?select=name&name=eq.pin", headers=one)).json() == {"name": "pin"}
        several = await ann.get("/rest/v1/rpc/heaviest?select=name", headers=one)
        assert (several.status_code, several.json()["code"]) == (406, "PGRST116")
        lines = await ann.get("/rest/v1/rpc/heaviest?select=name,weight&limit=1", headers={"accept": "text/csv"})
        assert (lines.text, lines.headers["content-type"]) == ("name,weight\nanvil,90\n", "text/csv; charset=utf-8")
        head = await ann.head("/rest/v1/rpc/heaviest", headers={"prefer": "count=exact"})
        assert (head.status_code, head.headers["content-range"], head.content) == (200, "0-3/4", b"")
        behind = await ann.get("/rest/v1/rpc/heaviest?offset=9", headers={"prefer": "count=exact"})
        assert (behind.status_code, behind.json()["code"]) == (416, "PGRST103")
        quiet = await ann.post("/rest/v1/rpc/heaviest", json={}, headers={"prefer": "return=minimal, count=exact"})
        assert (quiet.status_code, quiet.headers["content-range"], quiet.content) == (204, "0-3/4", b"")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("add?select=nome", 400, "42703"),
        ("add?wight=gt.1", 400, "42703"),
        ("add?weight=gt.much", 400, "22P02"),
        ("add?on_conflict=name", 400, "PGRST100"),
        ("sums?select=name", 400, "PGRST100"),
        ("fly", 404, "PGRST202"),
    ],
)
async def test_what_can_not_be_asked_is_refused_before_the_function_runs(each_database: str, asked: str, status: int, code: str) -> None:
    async with running(each_database, shelf_app()) as world:
        ann = await world.person("ann")
        reply = await ann.post(f"/rest/v1/rpc/{asked}", json={"name": "new"} if asked.startswith("add") else {})
        assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
        assert (await ann.get("/rest/v1/things")).json() == []


async def test_at_api_a_function_takes_its_arguments_alone(each_database: str) -> None:
    async with running(each_database, shelf_app()) as world:
        reply = await (await world.person("ann")).post("/api/rpc/heaviest?select=name", json={})
        assert (reply.status_code, reply.json()["code"]) == (400, "validation.failed")
