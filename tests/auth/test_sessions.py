"""How long a session lasts, and how soon its end is noticed everywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx2

from backroom.auth.administration import ban, set_role, unban
from backroom.auth.moments import DAY
from tests.auth.world import PASSWORD, bearer, one, running, sign_up, tokens

SOON = 1.0


async def noticed(look: Callable[[], Awaitable[bool]]) -> None:
    """`look` is true at the latest when it is asked `SOON` after now."""
    begun = asked = time.monotonic()
    while not await look():
        assert asked - begun < SOON
        await asyncio.sleep(0.02)
        asked = time.monotonic()


def refused(client: httpx2.AsyncClient, **headers: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await client.get("/api/me", headers=headers)).status_code == 401

    return look


async def test_a_known_credential_gives_the_same_actor_so_that_what_rules_computed_stays(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        for _ in range(3):
            await client.get("/api/me")
            await client.post("/api/me")
        app.actors[0].memo["kept"] = True
        await asyncio.sleep(0.6)  # past the half second after which the row is read again
        await client.get("/api/me")
        assert len({id(actor) for actor in app.actors}) == 1
        assert app.actors[-1].memo["kept"] is True


async def test_signing_out_is_noticed_here_at_once_and_by_other_processes_within_a_second(each_database: str) -> None:
    async with running(each_database, processes=2) as (first, second), first.client() as client:
        await sign_up(client)
        cookie = {"cookie": f"__Host-backroom={client.cookies['__Host-backroom']}"}
        session = await tokens(client, "bob@example.com")
        token = dict(bearer(session["access_token"]))
        async with first.client() as here, second.client() as there:
            for headers in (cookie, token):
                for browser in (here, there):
                    assert (await browser.get("/api/me", headers=headers)).status_code == 200
            assert (await client.delete("/api/session")).status_code == 204
            assert (await client.post("/auth/v1/logout?scope=local", headers=token)).status_code == 204
            for headers in (cookie, token):
                assert (await here.get("/api/me", headers=headers)).status_code == 401
                await noticed(refused(there, **headers))
            renewed = await there.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
            assert (renewed.status_code, renewed.json()["code"]) == (400, "refresh_token_not_found")


async def test_signing_out_of_others_or_everywhere(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        await tokens(client)
        body = {"email": "ann@example.com", "password": PASSWORD}
        sessions = [(await client.post("/auth/v1/token?grant_type=password", json=body)).json()["access_token"] for _ in range(3)]

        async def statuses() -> list[int]:
            return [(await client.get("/api/me", headers=bearer(token))).status_code for token in sessions]

        assert await statuses() == [200, 200, 200]
        assert (await client.post("/auth/v1/logout?scope=others", headers=bearer(sessions[1]))).status_code == 204
        assert await statuses() == [401, 200, 401]
        wrong = await client.post("/auth/v1/logout?scope=everything", headers=bearer(sessions[1]))
        assert (wrong.status_code, wrong.json()["code"]) == (400, "validation_failed")
        assert (await client.post("/auth/v1/logout", headers=bearer(sessions[1]))).status_code == 204
        assert await statuses() == [401, 401, 401]


async def test_a_role_given_or_taken_elsewhere_counts_within_a_second(each_database: str) -> None:
    async with running(each_database, processes=2) as (first, second), first.client() as client:
        await sign_up(client)
        assert (await client.get("/api/me")).json()["roles"] == []
        assert await set_role(second.store, "Ann@example.com", "admin") == ("admin",)

        async def has_role() -> bool:
            roles: list[str] = (await client.get("/api/me")).json()["roles"]
            return roles == ["admin"]

        await noticed(has_role)
        assert (await client.get("/api/account")).json()["roles"] == ["admin"]
        assert await set_role(second.store, "ann@example.com", "admin", remove=True) == ()

        async def has_none() -> bool:
            roles: list[str] = (await client.get("/api/me")).json()["roles"]
            return roles == []

        await noticed(has_none)


async def test_a_ban_ends_all_sessions_within_a_second_and_lets_nobody_in_again(each_database: str) -> None:
    async with running(each_database, processes=2) as (first, second), first.client() as client:
        await sign_up(client)
        body = {"email": "ann@example.com", "password": PASSWORD}
        session = (await client.post("/auth/v1/token?grant_type=password", json=body)).json()
        token = dict(bearer(session["access_token"]))
        assert (await client.get("/api/me", headers=token)).status_code == 200
        await ban(second.store, second.settings, "ann@example.com")
        await noticed(refused(client, **token))
        assert (await client.get("/api/me")).status_code == 401
        for path, status, code in (("/api/session", 403, "auth.banned"), ("/auth/v1/token?grant_type=password", 400, "user_banned")):
            reply = await client.post(path, json=body)
            assert (reply.status_code, reply.json()["code"]) == (status, code)
            wrong = await client.post(path, json={**body, "password": "wrong password"})
            assert wrong.json()["code"].endswith("invalid_credentials")  # a stranger doesn't learn of the ban
        assert (await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})).status_code == 400
        await unban(second.store, "ann@example.com")
        assert (await client.post("/api/session", json=body)).status_code == 201


async def test_a_deleted_person_is_nobody_within_a_second_and_their_session_is_never_another_persons(each_database: str) -> None:
    async with running(each_database, processes=2) as (first, second), first.client() as client, second.client() as there:
        await sign_up(client)
        cookie = {"cookie": f"__Host-backroom={client.cookies['__Host-backroom']}"}
        session = (await client.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": PASSWORD})).json()
        assert (await there.get("/api/me", headers=cookie)).status_code == 200
        gone = await client.delete("/api/account")
        assert gone.status_code == 204
        assert "Max-Age=0" in gone.headers["set-cookie"]
        assert (await client.get("/api/me", headers=cookie)).status_code == 401
        again = await sign_up(client, "ann@example.com")
        assert again["id"] != session["user"]["id"]
        for headers in (cookie, dict(bearer(session["access_token"]))):
            await noticed(refused(there, **headers))
        assert (await client.get("/auth/v1/user", headers=bearer(session["access_token"]))).status_code == 403
        for table in ("_accounts", "_sessions"):
            rows = await first.store.database.read(f"select user_id from {table}")
            assert {str(row[0]) for row in rows} == {again["id"]}
        assert await first.store.database.read("select * from _refresh_tokens") == []


async def test_a_session_ends_when_it_is_idle_too_long(each_database: str) -> None:
    async with one(each_database, SESSION_IDLE_DAYS=10, SESSION_MAX_DAYS=100) as app, app.client() as client:
        await sign_up(client)
        for days in (9, 18, 27):  # in use: it goes on
            app.time.ahead = days * DAY
            assert (await client.get("/api/me")).status_code == 200, days
            await app.auth.sessions.close()  # its last use is written beside the request
        app.time.ahead = 38 * DAY
        assert (await client.get("/api/me")).status_code == 401
        app.time.ahead = 28 * DAY
        assert (await client.get("/api/me")).status_code == 200  # it was the time, nothing else


async def test_no_use_keeps_a_session_beyond_its_longest_life(each_database: str) -> None:
    async with one(each_database, SESSION_IDLE_DAYS=10, SESSION_MAX_DAYS=20) as app, app.client() as client:
        await sign_up(client)
        session = (await client.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": PASSWORD})).json()
        for days in (5, 10, 15, 19.9):
            app.time.ahead = days * DAY
            assert (await client.get("/api/me")).status_code == 200
            await app.auth.sessions.close()
            reply = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
            assert reply.status_code == 200
            session = reply.json()
        app.time.ahead = 20.1 * DAY
        assert (await client.get("/api/me")).status_code == 401
        reply = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
        assert (reply.status_code, reply.json()["code"]) == (400, "session_expired")


async def test_a_cached_session_ends_at_its_time_not_half_a_second_later(each_database: str) -> None:
    async with one(each_database, SESSION_IDLE_DAYS=1) as app, app.client() as client:
        await sign_up(client)
        assert (await client.get("/api/me")).status_code == 200
        app.time.ahead = DAY + 1
        assert (await client.get("/api/me")).status_code == 401


async def test_expired_sessions_are_cleared_away_when_their_person_signs_in(each_database: str) -> None:
    async with one(each_database, SESSION_IDLE_DAYS=10) as app, app.client(origin=None) as client:
        await tokens(client)
        app.time.ahead = 11 * DAY
        await client.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": PASSWORD})
        assert len(await app.store.database.read("select * from _sessions")) == 1
        assert len(await app.store.database.read("select * from _refresh_tokens")) == 1


async def test_with_confirmation_on_an_address_counts_only_when_it_is_confirmed(each_database: str) -> None:
    from backroom.auth.administration import add_user

    async with one(each_database, CONFIRM_EMAIL=True) as app, app.client() as client:
        await sign_up(client)
        assert (await client.get("/api/me")).json()["email"] is None
        await add_user(app.store, app.settings, "bob@example.com", PASSWORD)
        await client.post("/api/session", json={"email": "bob@example.com", "password": PASSWORD})
        assert (await client.get("/api/me")).json()["email"] == "bob@example.com"
