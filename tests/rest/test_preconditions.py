"""If-Match and If-None-Match where a PUT may create, and what a PUT that creates may not be given."""

from __future__ import annotations

import asyncio

import pytest

from tests.rest.crowded_app import crowded_app
from tests.rest.world import code_of, faults_of, running

KEYS = [f"0190b6c4-7b1e-7cc2-a4f7-0242ac12000{number}" for number in range(10)]


async def test_a_put_where_clients_choose_the_id_creates_and_then_replaces(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        address = f"/api/pages/{KEYS[0]}"
        created = await ann.put(address, json={"title": "one"})
        assert (created.status_code, created.json()["id"], created.headers["etag"][:3]) == (201, KEYS[0], '"1-')
        again = await ann.put(address.upper().replace("/API/PAGES", "/api/pages"), json={**created.json(), "title": "two"})
        assert (again.status_code, again.json()["title"]) == (200, "two")
        assert (await bob.put(address, json={"title": "mine"})).status_code == 403
        assert (await ann.get(address)).json() == again.json()


async def test_a_put_that_creates_is_held_to_what_a_post_is(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        theirs = (await bob.get("/api/session")).json()["id"]
        mine = (await ann.get("/api/session")).json()["id"]
        address = f"/api/pages/{KEYS[0]}"
        forged = await ann.put(address, json={"title": "forged", "owner_id": theirs})
        assert (forged.status_code, faults_of(forged)) == (400, {"owner_id": "read_only"})
        assert faults_of(await ann.put(address, json={"title": "x", "created_at": "2020-01-01T00:00:00.000Z"})) == {"created_at": "read_only"}
        assert faults_of(await ann.put(address, json={"title": "x", "id": KEYS[1]})) == {"id": "read_only"}
        assert faults_of(await ann.put(address, json={})) == {"title": "required"}
        assert (await ann.get("/api/pages")).json() == []
        assert (await ann.put(address, json={"title": "x", "owner_id": mine})).json()["owner_id"] == mine


async def test_a_copy_of_a_row_that_is_gone_does_not_bring_it_back(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        address = f"/api/pages/{KEYS[0]}"
        read = (await ann.put(address, json={"title": "one"})).json()
        await ann.delete(address)
        assert code_of(await ann.put(address, json=read)) == "rest.stale"
        assert (await ann.get(address)).status_code == 404


@pytest.mark.case(117)
async def test_if_match_never_creates_and_if_none_match_never_overwrites(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        address = f"/api/pages/{KEYS[0]}"
        for tag in ("*", '"1-x"'):
            assert (await ann.put(address, json={"title": "one"}, headers={"if-match": tag})).status_code == 412
        assert (await ann.get(address)).status_code == 404
        replies = await asyncio.gather(*(ann.put(address, json={"title": f"t{n}"}, headers={"if-none-match": "*"}) for n in range(10)))
        assert sorted(reply.status_code for reply in replies) == [201] + [412] * 9
        won = next(reply.json() for reply in replies if reply.status_code == 201)
        assert (await ann.get(address)).json() == won


async def test_if_none_match_on_a_write_that_can_not_grant_it_is_refused(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        thing = f"/api/things/{(await ann.post('/api/things', json={})).json()['id']}"
        page = f"/api/pages/{KEYS[0]}"
        await ann.put(page, json={"title": "one"})
        for method, path, tag in (("PUT", thing, "*"), ("PATCH", thing, "*"), ("DELETE", thing, '"x"'), ("PUT", page, '"1-x"'), ("PATCH", page, "*")):
            reply = await ann.request(method, path, json=None if method == "DELETE" else {}, headers={"if-none-match": tag})
            assert (reply.status_code, code_of(reply)) == (400, "http.malformed"), (method, path)
        assert (await ann.get(thing)).headers["etag"].startswith('"1-')


async def test_if_match_where_no_one_row_is_named_is_refused_and_nothing_is_written(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        made = await ann.post("/api/things", json={"text": "one"})
        tag = made.headers["etag"]
        for face in ("/api", "/rest/v1"):
            for method, path, body in (
                ("POST", f"{face}/things", {"text": "new"}),
                ("POST", f"{face}/things", [{"text": "new"}]),
                ("PATCH", f"{face}/things?text=eq.one", {"text": "changed"}),
                ("DELETE", f"{face}/things?text=eq.one", None),
            ):
                for given in (tag, '"7-x"', "*"):
                    reply = await ann.request(method, path, json=body, headers={"if-match": given})
                    assert reply.status_code == 400, (method, path, reply.text)
                    assert "/api/NAME/ID" in reply.json()["detail"]
        assert [row["text"] for row in (await ann.get("/api/things")).json()] == ["one"]


async def test_faults_of_a_body_are_told_before_a_stale_version(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        thing = f"/api/things/{(await ann.post('/api/things', json={'text': 'one'})).json()['id']}"
        stale = {"if-match": '"9-x"'}
        for method in ("PATCH", "PUT"):
            assert (await ann.request(method, thing, json={"zzz": 1}, headers=stale)).status_code == 400
            assert (await ann.request(method, thing, json={"text": "two"}, headers=stale)).status_code == 412
