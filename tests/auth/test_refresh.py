"""Refresh tokens: used once, again within ten seconds, and never after."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from backroom.auth.moments import DAY
from tests.auth.world import bearer, one, running, tokens


async def refresh(client: httpx2.AsyncClient, token: Any) -> httpx2.Response:
    return await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": token})


async def test_each_refresh_gives_the_next_token_of_the_same_session(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session = await tokens(client)
        seen = {session["refresh_token"]}
        for step in range(1, 4):
            app.time.ahead = step * 60
            reply = await refresh(client, session["refresh_token"])
            assert reply.status_code == 200
            assert reply.headers["cache-control"] == "no-store"
            session = reply.json()
            assert session["refresh_token"] not in seen
            seen.add(session["refresh_token"])
            assert (await client.get("/api/me", headers=bearer(session["access_token"]))).status_code == 200
        assert len(await app.store.database.read("select * from _sessions")) == 1


async def test_two_tabs_that_refresh_together_hold_the_same_next_token(each_database: str) -> None:
    async with running(each_database, processes=2) as (first, second), first.client(origin=None) as one_tab, second.client(origin=None) as other_tab:
        session = await tokens(one_tab)
        replies = await asyncio.gather(*(refresh(tab, session["refresh_token"]) for tab in (one_tab, other_tab) * 4))
        assert {reply.status_code for reply in replies} == {200}
        assert len({reply.json()["refresh_token"] for reply in replies}) == 1
        first.time.ahead = second.time.ahead = 60
        assert (await refresh(one_tab, replies[0].json()["refresh_token"])).status_code == 200


async def test_a_used_token_shown_after_the_grace_ends_the_session_for_thief_and_owner(each_database: str, caplog: pytest.LogCaptureFixture) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        stolen = await tokens(client)
        current = (await refresh(client, stolen["refresh_token"])).json()
        app.time.ahead = 9.5
        assert (await refresh(client, stolen["refresh_token"])).json()["refresh_token"] == current["refresh_token"]
        app.time.ahead = 10.5
        reply = await refresh(client, stolen["refresh_token"])
        assert (reply.status_code, reply.json()["code"]) == (400, "refresh_token_already_used")
        assert "is ended" in caplog.text
        assert stolen["refresh_token"] not in caplog.text
        assert (await client.get("/api/me", headers=bearer(current["access_token"]))).status_code == 401
        assert (await refresh(client, current["refresh_token"])).json()["code"] == "refresh_token_not_found"


async def test_an_ancestor_within_the_grace_leads_to_the_latest_token(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        first = (await tokens(client))["refresh_token"]
        second = (await refresh(client, first)).json()["refresh_token"]
        app.time.ahead = 3
        third = (await refresh(client, second)).json()["refresh_token"]
        app.time.ahead = 6
        assert (await refresh(client, first)).json()["refresh_token"] == third


async def test_junk_is_no_refresh_token(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session = await tokens(client)
        for junk in ("x", "x" * 43, session["access_token"], session["refresh_token"] + "x", session["refresh_token"][:-1]):
            reply = await refresh(client, junk)
            assert (reply.status_code, reply.json()["code"]) == (400, "refresh_token_not_found"), junk
        values: list[Any] = [{}, {"$ne": None}, [], ["a"], None, "", True, 0]
        for junk in values:
            reply = await refresh(client, junk)
            assert (reply.status_code, reply.json()["code"]) == (400, "validation_failed"), junk
        assert (await refresh(client, session["refresh_token"])).status_code == 200


async def test_old_tokens_do_not_pile_up(each_database: str) -> None:
    async with one(each_database, SESSION_IDLE_DAYS=30) as app, app.client(origin=None) as client:
        token = (await tokens(client))["refresh_token"]
        for step in range(6):
            app.time.ahead = step * 5 * DAY
            token = (await refresh(client, token)).json()["refresh_token"]
        rows = await app.store.database.read("select successor from _refresh_tokens")
        assert len(rows) <= 4
        assert sum(row[0] is not None for row in rows) == 1  # only the latest leads on, and only for its grace
