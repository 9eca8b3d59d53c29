"""POST /api/session, DELETE /api/session, and who is asking."""

from __future__ import annotations

import time
from statistics import median

from tests.auth.world import ORIGIN, PASSWORD, bearer, one, running, sign_up, tokens


async def test_signing_in_and_out(each_database: str) -> None:
    async with one(each_database) as app, app.client() as first, app.client() as client:
        person = await sign_up(first)
        reply = await client.post("/api/session", json={"email": "ANN@example.com", "password": PASSWORD})
        assert reply.status_code == 201
        assert reply.json() == person
        assert (await client.get("/api/me")).json()["via"] == "cookie"
        out = await client.delete("/api/session")
        assert out.status_code == 204
        assert "Max-Age=0" in out.headers["set-cookie"]
        assert out.headers["clear-site-data"] == '"cache"'
        assert (await client.get("/api/me")).status_code == 401
        assert (await first.get("/api/me")).status_code == 200
        assert (await client.delete("/api/session")).status_code == 204


async def test_a_wrong_password_and_an_unknown_address_get_the_same_bytes(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client, app.client(origin=None) as other:
        await sign_up(client)
        wrong, unknown = {"email": "ann@example.com", "password": "wrong password"}, {"email": "bob@example.com", "password": "wrong password"}
        for path, code in (("/api/session", "auth.invalid_credentials"), ("/auth/v1/token?grant_type=password", "invalid_credentials")):
            replies = [await other.post(path, json=body, headers={"origin": ORIGIN, "x-request-id": "same"}) for body in (wrong, unknown)]
            assert [reply.status_code for reply in replies] == [400, 400]
            assert replies[0].json()["code"] == code
            assert replies[0].content == replies[1].content
            assert dict(replies[0].headers) == dict(replies[1].headers)


async def test_the_time_does_not_tell_whether_there_is_an_account(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)

        async def took(email: str) -> float:
            begun = time.perf_counter()
            await client.post("/api/session", json={"email": email, "password": "wrong password"})
            return time.perf_counter() - begun

        known, unknown = list[float](), list[float]()
        for number in range(9):
            known.append(await took("ann@example.com"))
            unknown.append(await took(f"nobody{number}@example.com"))
        assert 1 / 3 < median(known) / median(unknown) < 3  # without the comparison in vain it is 10 and more


async def test_a_cookie_serves_only_pages_of_our_own_unless_the_method_is_safe(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        cookie = {"cookie": f"__Host-backroom={client.cookies['__Host-backroom']}"}
        async with app.client(origin=None, headers=cookie) as bare:
            assert (await bare.get("/api/me", headers={"origin": "https://evil.example.org"})).status_code == 200
            for headers in (
                {},
                {"origin": "null"},
                {"origin": "https://evil.example.org"},
                {"sec-fetch-site": "cross-site"},
                {"sec-fetch-site": "same-site"},
            ):
                for method in ("POST", "PATCH", "DELETE", "PUT"):
                    reply = await bare.request(method, "/api/me", headers=headers)
                    assert (reply.status_code, reply.json()["code"]) == (403, "auth.origin"), (method, headers)
            assert (await bare.post("/api/me", headers={"sec-fetch-site": "same-origin"})).status_code == 200
            assert (await bare.post("/api/me", headers={"origin": ORIGIN})).status_code == 200


async def test_a_bearer_token_decides_and_a_bad_one_never_falls_back_to_the_cookie(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        bob = await tokens(client, "bob@example.com")
        reply = await client.get("/api/me", headers=bearer(bob["access_token"]))
        assert (reply.json()["email"], reply.json()["via"]) == ("bob@example.com", "bearer")
        for header in (
            "Bearer x",
            "Bearer ",
            "Bearer",
            "",
            "Basic YW5uOnB3",
            f"Bearer {bob['access_token']}x",
            f"Token {bob['access_token']}",
            "Bearer a.b.c",
        ):
            refused = await client.get("/api/me", headers={"authorization": header})
            assert (refused.status_code, refused.json()["code"]) == (401, "auth.invalid_token"), header
            assert refused.headers["www-authenticate"].startswith("Bearer")
        assert (await client.post("/api/me", headers={"authorization": "Bearer junk", "origin": "https://evil.example.org"})).status_code == 401


async def test_a_publishable_key_alone_or_twice_is_nobody_in_particular(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        key = "sb_publishable_abc"
        for headers in (
            {"apikey": key},
            {"apikey": key, "authorization": f"Bearer {key}"},
            {"apikey": "sb_secret_x", "authorization": "Bearer sb_secret_x"},
        ):
            assert (await client.get("/api/me", headers=headers)).json()["code"] == "auth.required"
        mixed = await client.get("/api/me", headers={"apikey": key, "authorization": "Bearer sb_publishable_other"})
        assert mixed.json()["code"] == "auth.invalid_token"
        session = await tokens(client)
        assert (await client.get("/api/me", headers={"apikey": key, **bearer(session["access_token"])})).status_code == 200


async def test_credentials_in_the_address_are_not_read(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session = await tokens(client)
        for name in ("access_token", "token", "apikey", "authorization"):
            assert (await client.get("/api/me", params={name: session["access_token"]})).status_code == 401


async def test_a_session_planted_by_somebody_else_is_not_adopted(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        planted = "A" * 43
        reply = await client.post(
            "/api/session", json={"email": "ann@example.com", "password": PASSWORD}, headers={"cookie": f"__Host-backroom={planted}"}
        )
        assert reply.status_code == 201
        assert planted not in reply.headers["set-cookie"]
        async with app.client(headers={"cookie": f"__Host-backroom={planted}"}) as attacker:
            assert (await attacker.get("/api/me")).status_code == 401


async def test_signing_in_again_ends_the_session_that_the_browser_held(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        old = client.cookies["__Host-backroom"]
        assert (await client.post("/api/session", json={"email": "ann@example.com", "password": PASSWORD})).status_code == 201
        assert client.cookies["__Host-backroom"] != old
        async with app.client(headers={"cookie": f"__Host-backroom={old}"}) as stale:
            assert (await stale.get("/api/me")).status_code == 401
        assert (await client.get("/api/me")).status_code == 200
        await client.post("/api/session", json={"email": "ann@example.com", "password": "wrong password"})
        assert (await client.get("/api/me")).status_code == 200  # a slip doesn't sign out


async def test_signing_up_in_a_browser_that_holds_a_session_ends_that_one_at_once(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        old = client.cookies["__Host-backroom"]
        async with app.client(headers={"cookie": f"__Host-backroom={old}"}) as stale:
            assert (await stale.get("/api/me")).status_code == 200  # known to this process from now on
            assert (await client.post("/api/account", json={"email": "bob@example.com", "password": PASSWORD})).status_code == 201
            assert (await stale.get("/api/me")).status_code == 401


async def test_junk_cookies_are_nobody_and_a_cookie_sent_twice_too(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        good = client.cookies["__Host-backroom"]
        async with app.client() as bare:
            for cookie in (
                "__Host-backroom=",
                "__Host-backroom=x",
                f"__Host-backroom={'x' * 43}",
                f"__Host-backroom={good}x",
                f"x__Host-backroom={good}",
                f"__Host-backroom={'x' * 43}; __Host-backroom={good}",
            ):
                assert (await bare.get("/api/me", headers={"cookie": cookie})).status_code == 401, cookie
            assert (await bare.get("/api/me", headers={"cookie": f"a=b; __Host-backroom={good}; c=d"})).status_code == 200


async def test_a_stolen_database_holds_no_credential(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        await sign_up(client)
        session = await tokens(client, "bob@example.com")
        refreshed = (await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})).json()
        secrets = [client.cookies["__Host-backroom"], session["refresh_token"], refreshed["refresh_token"], session["access_token"], PASSWORD]
        dumped = ""
        for table in ("users", "_accounts", "_sessions", "_refresh_tokens", "_signing_keys"):
            dumped += repr([tuple(row) for row in await app.store.database.read(f"select * from {table}")])
        assert "ann@example.com" in dumped
        for secret in secrets:
            assert secret not in dumped
        assert '"d"' not in dumped  # the private half of a key, in the clear


async def test_two_processes_share_sessions_and_signing_keys(each_database: str) -> None:
    async with running(each_database, processes=2) as (first, second), first.client() as client:
        await sign_up(client)
        session = await tokens(client, "bob@example.com")
        async with second.client(headers={"cookie": f"__Host-backroom={client.cookies['__Host-backroom']}"}) as other:
            assert (await other.get("/api/me")).json()["email"] == "ann@example.com"
        async with second.client() as other:
            assert (await other.get("/api/me", headers=bearer(session["access_token"]))).json()["email"] == "bob@example.com"
            assert (await other.get("/auth/v1/.well-known/jwks.json")).json() == (await client.get("/auth/v1/.well-known/jwks.json")).json()
