"""PUT on the list of `/rest/v1` with the key as the only filter: what PUT of one row does on `/api`, in PostgREST's words."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tests.rest.crowded_app import crowded_app
from tests.rest.world import code_of, running

KEYS = [f"0190b6c4-7b1e-7cc2-a4f7-0242ac12000{number}" for number in range(4)]
SHOWN = {"prefer": "return=representation"}


async def put(browser: httpx2.AsyncClient, key: Any, body: Any, *, name: str = "pages", query: str = "", **headers: str) -> httpx2.Response:
    return await browser.put(
        f"/rest/v1/{name}?id=eq.{key}{query}", json=body, headers={key.replace("_", "-"): value for key, value in headers.items()}
    )


async def test_a_put_by_key_creates_then_replaces_and_says_so_only_when_asked(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        silent = await put(ann, KEYS[0], {"title": "one"})
        assert (silent.status_code, silent.content) == (204, b"")
        assert (await ann.get(f"/api/pages/{KEYS[0]}")).json()["title"] == "one"
        created = await put(ann, KEYS[1], {"id": KEYS[1], "title": "two"}, **SHOWN)
        assert (created.status_code, [row["title"] for row in created.json()]) == (201, ["two"])
        assert created.headers["preference-applied"] == "return=representation"
        again = await put(
            ann, KEYS[1], [{"id": KEYS[1], "title": "three"}], query="&select=title", accept="application/vnd.pgrst.object+json", **SHOWN
        )
        assert (again.status_code, again.json()) == (200, {"title": "three"})
        assert again.headers["content-type"].startswith("application/vnd.pgrst.object+json")


async def test_a_put_by_key_resets_what_is_left_out_and_keeps_what_its_sender_can_not_see(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        made = (await ann.post("/api/things", json={"text": "a", "count": 7})).json()
        replies = [await put(ann, made["id"], {"text": "b"}, name="things", **SHOWN)]
        replies.append(await put(ann, made["id"], {**replies[0].json()[0], "text": "c"}, name="things", **SHOWN))
        assert [(reply.status_code, reply.json()[0]["text"], reply.json()[0]["count"]) for reply in replies] == [(200, "b", 0), (200, "c", 0)]
        assert (await put(ann, 999, {"text": "b"}, name="things")).status_code == 404, "the server sets this key: a PUT only finds"


@pytest.mark.parametrize(
    "query",
    ["", "title=eq.one", f"id=neq.{KEYS[0]}", f"id=not.eq.{KEYS[0]}", f"id=in.({KEYS[0]})", f"and=(id.eq.{KEYS[0]})", f"id=eq.{KEYS[0]}&title=eq.one",
     f"id=eq.{KEYS[0]}&id=eq.{KEYS[0]}", "select=title", f"or=(id.eq.{KEYS[0]})"],
)  # fmt: skip
async def test_any_other_filter_is_405_with_postgrests_code(each_database: str, query: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        await put(ann, KEYS[0], {"title": "one"})
        reply = await ann.put(f"/rest/v1/pages?{query}", json={"title": "changed"})
        assert (reply.status_code, code_of(reply)) == (405, "PGRST105")
        assert "PUT" in reply.headers["allow"]
        assert [row["title"] for row in (await ann.get("/api/pages")).json()] == ["one"]


async def test_a_put_by_key_is_refused_as_a_put_of_one_row_is(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        made = await ann.put(f"/api/pages/{KEYS[0]}", json={"title": "one"})
        for status, code, reply in (
            (400, "PGRST115", await put(ann, KEYS[0], {"id": KEYS[1], "title": "x"})),
            (400, "PGRST115", await put(ann, KEYS[1], [{"id": KEYS[0], "title": "x"}])),
            (400, "22P02", await put(ann, KEYS[0], [{"title": "x"}, {"title": "y"}])),
            (400, "22P02", await put(ann, "nonsense", {"title": "x"})),
            (400, "23502", await put(ann, KEYS[1], {})),
            (400, "PGRST204", await put(ann, KEYS[1], {"title": "x", "titel": "y"})),
            (400, "PGRST100", await put(ann, KEYS[0], {"title": "x"}, query="&limit=1")),
            (403, "42501", await put(bob, KEYS[0], {"title": "x"})),
            (401, "42501", await put(world.browser(), KEYS[0], {"title": "x"})),
            (412, "rest.stale", await put(ann, KEYS[0], {"title": "x"}, if_match='"9-x"')),
            (412, "rest.stale", await put(ann, KEYS[1], {"title": "x"}, if_match="*")),
            (412, "rest.stale", await put(ann, KEYS[0], {"title": "x"}, if_none_match="*")),
        ):
            assert (reply.status_code, code_of(reply)) == (status, code), reply.text
        assert (await ann.get("/api/pages")).json() == [made.json()]
        assert (await put(ann, KEYS[0], {"title": "two"}, if_match=made.headers["etag"])).status_code == 204


async def test_of_many_that_put_a_new_key_at_once_one_creates_and_all_replace(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        replies = await asyncio.gather(*(put(ann, KEYS[2], {"title": f"t{number}"}, **SHOWN) for number in range(10)))
        assert sorted(reply.status_code for reply in replies) == [200] * 9 + [201], [reply.text for reply in replies]
        assert len((await ann.get("/api/pages")).json()) == 1
        assert (await ann.put("/api/pages?id=eq.1", json={"title": "x"})).status_code == 405
