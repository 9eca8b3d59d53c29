"""POST /api/account and /auth/v1/signup."""

from __future__ import annotations

import asyncio

import pytest

from tests.auth.world import ORIGIN, PASSWORD, bearer, one, sign_up, tokens


async def test_signing_up_gives_the_person_and_a_cookie_that_no_script_reads(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        reply = await client.post("/api/account", json={"email": " Ann@Example.COM ", "password": PASSWORD, "name": "Ann", "born": "1990-02-03"})
        assert reply.status_code == 201
        told = reply.json()
        assert told["email"] == "ann@example.com"
        assert (told["name"], told["born"], told["plan"], told["roles"]) == ("Ann", "1990-02-03", "free", [])
        assert set(told) == {"id", "email", "roles", "name", "born", "plan", "nickname", "created_at", "updated_at"}
        assert "password" not in reply.text
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-backroom=")
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie
        assert reply.headers["cache-control"] == "no-store"
        assert (await client.get("/api/session")).json() == told
        assert (await client.get("/api/account")).json() == told


async def test_in_development_the_cookie_has_another_name_and_works_over_http(each_database: str) -> None:
    async with one(each_database, DEVELOPMENT=True, PUBLIC_URL="http://localhost:8000") as app, app.client(origin="http://localhost:5173") as client:
        reply = await client.post("http://localhost:8000/api/account", json={"email": "ann@example.com", "password": PASSWORD})
        assert reply.status_code == 201
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("backroom-dev=")
        assert "Secure" not in cookie
        assert (await client.get("http://localhost:8000/api/session")).status_code == 200


async def test_every_fault_of_the_form_is_told_at_once(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        reply = await client.post("/api/account", json={"email": "nobody", "password": "short", "born": "yesterday", "nmae": "Ann"})
        assert reply.status_code == 400
        assert {fault["field"] for fault in reply.json()["errors"]} == {"email", "password", "born", "nmae"}
        assert (await client.get("/api/session")).status_code == 401


async def test_values_of_the_wrong_type_are_400_and_make_nobody(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        for value in ({}, {"$ne": None}, {"ne": ""}, [], ["a"], None, "", True, 0):
            for body in ({"email": value, "password": PASSWORD}, {"email": "ann@example.com", "password": value}):
                for path in ("/api/account", "/api/session", "/auth/v1/token?grant_type=password"):
                    reply = await client.post(path, json=body)
                    assert reply.status_code == 400, (path, body, reply.text)
        for raw in (b"", b"[]", b"null", b'"x"', b"{", b'{"email":"a@example.com","email":"b@example.com","password":"x"}', b"\xff"):
            reply = await client.post("/api/account", content=raw, headers={"content-type": "application/json"})
            assert reply.status_code == 400, raw
        assert (await client.post("/api/account", data={"email": "ann@example.com", "password": PASSWORD})).status_code == 415
        assert await app.auth.users.every() == []


async def test_what_the_server_sets_and_what_is_hidden_can_not_be_sent_along(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        for extra in (
            {"roles": ["admin"]},
            {"id": "01a2060e-d40e-70cb-a278-8c6bfc487f4d"},
            {"created_at": "2020-01-01T00:00:00Z"},
            {"note": "x"},
            {"password_hash": "x"},
            {"_version": 7},
        ):
            reply = await client.post("/api/account", json={"email": "ann@example.com", "password": PASSWORD, **extra})
            assert reply.status_code == 400, extra
        assert await app.auth.users.every() == []


async def test_a_field_whose_rule_refuses_the_new_person_can_not_be_set_at_sign_up(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        refused = await client.post("/api/account", json={"email": "ann@example.com", "password": PASSWORD, "plan": "pro"})
        assert (refused.status_code, refused.json()["code"]) == (403, "rules.field")
        refused = await client.post("/auth/v1/signup", json={"email": "ann@example.com", "password": PASSWORD, "data": {"plan": "pro"}})
        assert refused.status_code == 403
        assert await app.auth.users.every() == []
        assert (await sign_up(client, nickname="Annie"))["nickname"] == "Annie"


@pytest.mark.case(120)
async def test_of_many_sign_ups_with_one_address_in_many_spellings_one_succeeds(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        spellings = ["ann@example.com", "Ann@example.com", "ANN@EXAMPLE.COM", " ann@Example.com", "ann@EXAMPLE.com", "aNN@example.com "]
        replies = await asyncio.gather(*(client.post("/api/account", json={"email": email, "password": PASSWORD}) for email in spellings))
        assert sorted(reply.status_code for reply in replies) == [201, 409, 409, 409, 409, 409]
        refused = next(reply for reply in replies if reply.status_code == 409).json()
        assert refused["code"] == "auth.email_taken"
        assert refused["errors"][0]["field"] == "email"
        assert len(await app.auth.users.every()) == 1


async def test_two_addresses_that_differ_in_more_than_case_are_two_people(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        ids = {(await sign_up(client, email))["id"] for email in ("ann@example.com", "a.nn@example.com", "ann+x@example.com")}
        assert len(ids) == 3


async def test_a_foreign_page_can_not_sign_anybody_up_or_in(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        body = {"email": "ann@example.com", "password": PASSWORD}
        for headers in (
            {},
            {"origin": "null"},
            {"origin": "https://evil.example.org"},
            {"origin": "https://app.example.com.evil.org"},
            {"sec-fetch-site": "cross-site"},
        ):
            for path in ("/api/account", "/api/session"):
                reply = await client.post(path, json=body, headers=headers)
                assert (reply.status_code, reply.json()["code"]) == (403, "auth.origin"), (path, headers)
                assert "set-cookie" not in reply.headers
        assert await app.auth.users.every() == []
        assert (await client.post("/api/account", json=body, headers={"origin": ORIGIN})).status_code == 201


async def test_signing_up_for_tokens_gives_a_session_in_gotrues_shape(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        session = await tokens(client, "Ann@Example.com", name="Ann", theme="dark")
        assert session["token_type"] == "bearer"
        assert session["expires_in"] == 900
        assert session["user"]["email"] == "ann@example.com"
        assert session["user"]["user_metadata"] == {"name": "Ann", "theme": "dark"}
        me = (await client.get("/api/account", headers=bearer(session["access_token"]))).json()
        assert me["name"] == "Ann"  # a field of the app's own users that stands in `data`
        again = await client.post("/auth/v1/signup", json={"email": "ANN@example.com", "password": PASSWORD})
        assert (again.status_code, again.json()["code"], again.json()["message"]) == (422, "user_already_exists", "User already registered")
        assert again.headers["x-supabase-api-version"] == "2024-01-01"


async def test_metadata_that_no_token_could_carry_is_refused(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        reply = await client.post("/auth/v1/signup", json={"email": "ann@example.com", "password": PASSWORD, "data": {"x": "y" * 5000}})
        assert (reply.status_code, reply.json()["code"]) == (400, "validation_failed")
        assert await app.auth.users.every() == []


async def test_sign_up_without_an_address_says_what_is_switched_off(each_database: str) -> None:
    async with one(each_database) as app, app.client(origin=None) as client:
        reply = await client.post("/auth/v1/signup", json={"data": {}, "gotrue_meta_security": {}})
        assert (reply.status_code, reply.json()["code"]) == (422, "anonymous_provider_disabled")
        reply = await client.post("/auth/v1/signup", json={"phone": "+491701234567", "password": PASSWORD})
        assert (reply.status_code, reply.json()["code"]) == (400, "phone_provider_disabled")
