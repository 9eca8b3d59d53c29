"""What a caller may not see or set leaves no trace: not in a status, not in a byte, not in an error, not half-written."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest

from backroom.auth.administration import set_role
from tests.rest.crowded_app import SECRET, THING, crowded_app
from tests.rest.world import PASSWORD, code_of, faults_of, running, soon

INTERNAL = (
    "_accounts",
    "_sessions",
    "_refresh_tokens",
    "_signing_keys",
    "sqlite_master",
    "sqlite_schema",
    "pg_catalog",
    "alembic_version",
    "things;",
    "Things",
    "THINGS",
)


@pytest.mark.case(82)
@pytest.mark.advisory("CVE-2025-64749")
async def test_82_an_invisible_row_and_an_absent_one_give_the_same_bytes(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        row = (await ann.post(THING, json={"text": "secret", "code": "taken"})).json()
        bodies: tuple[tuple[str, Any], ...] = (
            ("GET", None),
            ("HEAD", None),
            ("DELETE", None),
            ("PATCH", {}),
            ("PATCH", {"count": 3}),
            ("PATCH", {"id": row["id"]}),
            ("PATCH", {"owner_id": row["owner_id"]}),
            ("PATCH", {"updated_at": row["updated_at"]}),
            ("PUT", {"text": "x"}),
            ("PUT", row),
            ("PATCH", {"count": "x"}),
        )
        for headers in ({}, {"if-match": '"1-x"'}, {"if-match": "*"}):
            for method, body in bodies:
                theirs = await bob.request(method, f"{THING}/{row['id']}", json=body, headers=headers)
                absent = await bob.request(method, f"{THING}/987654", json=body, headers=headers)
                assert (theirs.status_code, theirs.content) == (absent.status_code, absent.content), (method, body)
                assert set(theirs.headers) == set(absent.headers)
        assert (await ann.get(f"{THING}/{row['id']}")).json() == row


@pytest.mark.case(84)
async def test_84_columns_that_the_server_sets_are_refused_by_name_in_every_write(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        theirs = (await bob.get("/api/session")).json()["id"]
        row = (await ann.post(THING, json={})).json()
        item = f"{THING}/{row['id']}"
        forged: dict[str, Any] = {
            "id": 77,
            "owner_id": theirs,
            "created_at": "2020-01-01T00:00:00.000Z",
            "told": "x",
            "vault": "x",
            "salary": 1,
            "version": 3,
            "_version": 3,
            "role": "admin",
            "roles": ["admin"],
            "password_hash": "x",
            "verified": True,
            "owner": {"id": theirs},
            "tenant_id": 1,
            "rowid": 1,
            "ctid": "(0,1)",
            "__proto__": {},
            "constructor": 1,
        }
        for column, value in forged.items():
            for method, path, body in (
                ("POST", THING, {column: value}),
                ("POST", THING, [{}, {column: value}]),
                ("PATCH", item, {column: value}),
                ("PUT", item, {column: value}),
            ):
                reply = await ann.request(method, path, json=body)
                assert (reply.status_code, set(faults_of(reply))) == (400, {column}), (method, column, reply.text)
        for body in (
            {"roles": ["admin"]},
            {"id": theirs},
            {"email_confirmed_at": "2020-01-01T00:00:00.000Z"},
            {"banned_until": None},
            {"is_anonymous": False},
        ):
            assert (await ann.patch("/api/account", json=body)).status_code == 400, body
            assert (await world.browser().post("/api/account", json={"email": "eve@example.com", "password": PASSWORD, **body})).status_code == 400, (
                body
            )
        assert (await ann.get(THING)).json() == [row]


async def test_what_the_server_sets_is_told_together_with_every_other_fault(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        mine, theirs = [(await each.get("/api/session")).json()["id"] for each in (ann, bob)]
        reply = await ann.post(THING, json={"id": 7, "told": "x", "count": "x", "nope": 1, "owner_id": theirs})
        codes = {"id": "read_only", "told": "read_only", "count": "type", "nope": "unknown", "owner_id": "read_only"}
        assert (reply.status_code, faults_of(reply)) == (400, codes)
        reply = await ann.post(THING, json={"count": "x", "id": "y", "owner_id": mine.upper(), "created_at": "2026-12-01T00:00:00Z"})
        assert faults_of(reply) == {"count": "type", "id": "type", "created_at": "read_only"}
        rows = [{"count": 1}, {"count": "x", "told": "x"}, {"id": 7}, "no row", {"count": 2, "owner_id": mine}]
        reply = await ann.post(THING, json=rows)
        told = [(fault["row"], fault["field"], fault["code"]) for fault in reply.json()["errors"]]
        assert told == [(1, "count", "type"), (1, "told", "read_only"), (2, "id", "read_only"), (3, None, "type")]
        for body in ("[]", '"x"', "{"):
            assert (await ann.post(THING, content=body, headers={"content-type": "application/json"})).status_code in (201, 400)
        merging = {"prefer": "resolution=merge-duplicates"}
        assert faults_of(await ann.post(THING, json={"id": 7, "count": "x"}, headers=merging)) == {"count": "type"}, "it finds by id"
        assert faults_of(await ann.post(f"{THING}?columns=count", json={"id": 7, "count": "x"})) == {"count": "type"}, "the id is left out"
        for hidden in ("vault", "salary"):
            reply = await ann.post(THING, json={hidden: 1, "id": 7})
            assert faults_of(reply) == {hidden: "unknown", "id": "read_only"}
        assert (await ann.get(THING)).json() == []


@pytest.mark.case(86)
async def test_86_hidden_fields_are_in_no_reply(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        made = await ann.post(THING, json={"word": "canary-word", "text": "x"})
        item = f"{THING}/{made.json()['id']}"
        replies = [
            made,
            await ann.get(item),
            await ann.get(THING),
            await ann.get(f"{THING}?select=*"),
            await ann.get(f"{item}?select=*"),
            await ann.patch(item, json={"count": 2, "word": "canary-word"}),
            await ann.put(item, json={"text": "y"}),
            await ann.patch(item, json={}),
            await ann.patch(item, json={"count": "x"}),
            await ann.post(THING, json=[{}, {"word": "canary-word"}]),
            await ann.post(THING, json={"vault": "x"}),
            await ann.get("/api/users"),
            await ann.get("/api/session"),
            await ann.get("/api/account"),
            await ann.get("/auth/v1/user"),
        ]
        for reply in replies:
            assert "canary" not in reply.text, reply.request.url
            assert "password" not in reply.text and "argon2" not in reply.text, reply.request.url
        rows = [reply.json() for reply in replies[:2]]
        assert all({"word", "vault", "salary"}.isdisjoint(row) for row in rows)


@pytest.mark.case(117)
async def test_a_role_shows_a_field_and_its_tag_changes_with_it(each_database: str) -> None:
    """117: 304 only while the body is the same for this user now."""
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        item = f"{THING}/{(await ann.post(THING, json={})).json()['id']}"
        tag = (await ann.get(item)).headers["etag"]
        await set_role(world.backend.store, "ann@example.com", "hr")
        reply = await soon(lambda: ann.get(item, headers={"if-none-match": tag}), 200)
        assert (reply.status_code, reply.json()["salary"]) == (200, 7)
        assert (await ann.patch(item, json={"salary": 9})).json()["salary"] == 9


@pytest.mark.case(97)
async def test_97_one_forbidden_row_of_a_hundred_refuses_them_all(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        await ann.post(THING, json={"code": "taken"})
        for position in (0, 50, 99):
            for bad, status in (
                ({"code": "taken"}, 409),
                ({"count": "x"}, 400),
                ({"owner_id": "01a20633-7849-77dc-9921-9c78d063e766"}, 400),
                ({"salary": 1}, 400),
            ):
                rows: list[dict[str, Any]] = [{"text": f"t{number}"} for number in range(100)]
                rows[position] = bad
                assert (await ann.post(THING, json=rows)).status_code == status
        assert (await ann.post("/api/stock", json=[{"left": 1}, {"left": -1}, {"left": 2}])).status_code == 409
        assert len((await ann.get(THING)).json()) == 1
        assert (await ann.get("/api/stock")).json() == []


@pytest.mark.case(99)
async def test_99_internal_tables_have_no_address_no_filter_and_no_relation(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        await ann.post(THING, json={})
        for name in INTERNAL:
            for method in ("GET", "POST", "PATCH", "DELETE"):
                assert (await ann.request(method, f"/api/{name}")).status_code == 404, (method, name)
            for query in (f"select=*,{name}(*)", f"{name}.id=eq.1", f"order={name}(id)", f"select={name}.id", f"{name}=is.null"):
                assert (await ann.get(f"{THING}?{query}")).status_code == 400, query
        assert (await ann.get("/api/users?select=*,_accounts(*)")).status_code == 400


@pytest.mark.case(100)
@pytest.mark.advisory("CVE-2025-48370", "CVE-2026-25574")
async def test_100_an_id_is_one_spelling_of_one_row(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        row = (await ann.post(THING, json={})).json()
        for text in (
            "0",
            "-1",
            "+1",
            "01",
            " 1",
            "1 ",
            "1.0",
            "1e0",
            "1e3",
            "0x1",
            "١",
            "me",
            "null",
            "undefined",
            "NaN",
            "true",
            "role:admin",
            "9" * 30,
            "1,2",
            "(1)",
            "eq.1",
            "..",
            "../users",
            "1%2F2",
            "%00",
            "1;x=1",
            "1?"[0:2],
        ):
            path = f"{THING}/{text}"
            reply = await ann.get(path)
            assert reply.status_code == 404 or (text in ("..", "../users", "1?")), (text, reply.status_code)
        me = (await ann.get("/api/session")).json()["id"]
        for text in (me.replace("-", ""), "{" + me + "}", f"urn:uuid:{me}", me[:-1], me + "0", "me", "null"):
            assert (await ann.get(f"/api/users/{text}")).status_code == 404, text
        assert (await ann.get(f"/api/users/{me.upper()}")).json()["id"] == me
        assert (await ann.get(f"{THING}/{row['id']}")).json() == row


@pytest.mark.case(102, 104)
async def test_102_kept_statements_hold_nobodys_values(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        people = [await world.program(f"p{number}") for number in range(20)]
        ids: dict[int, int] = {}
        for number, person in enumerate(people):
            ids[number] = (await person.post(THING, json={"text": f"t{number}"})).json()["id"]
        rng = random.Random(102)
        queries = (THING, f"{THING}?text=like", f"{THING}?count=eq.0&order=id.desc", f"{THING}?limit=5")
        for _ in range(15):
            order = list(enumerate(people))
            rng.shuffle(order)
            path = rng.choice(queries)
            replies = await asyncio.gather(*(person.get(path) for _, person in order))
            for (number, _), reply in zip(order, replies, strict=True):
                assert reply.status_code == 400 or [row["text"] for row in reply.json()] == [f"t{number}"]
            number, person = order[0]
            other = order[1][0]
            assert (await person.get(f"{THING}/{ids[other]}")).status_code == 404
            assert (await person.get(f"{THING}/{ids[number]}")).status_code == 200


async def test_18_a_failure_says_nothing_of_the_inside_and_leaves_nothing_behind(each_database: str, caplog: pytest.LogCaptureFixture) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        calls: tuple[tuple[str, str, Any], ...] = (
            ("GET", "/api/boom", None),
            ("POST", "/api/fragile", {"text": "late"}),
            ("POST", "/api/fragile", [{"text": "fine"}, {"text": "late"}]),
            ("GET", "/api/unsendable", None),
            ("GET", "/api/half", None),
        )
        with caplog.at_level(logging.ERROR):
            for method, path, body in calls:
                reply = await ann.request(method, path, json=body)
                assert (reply.status_code, code_of(reply)) == (500, "http.internal")
                for word in (SECRET, "Traceback", "RuntimeError", "TypeError", ".py", "sqlite", "postgres", "backroom/"):
                    assert word not in reply.text, (path, word)
                assert reply.headers["x-request-id"] in (reply.json()["hint"] or "")
                assert reply.headers["x-request-id"] in caplog.text
        assert (await ann.post("/api/fragile", json={"text": "refuse"})).status_code == 409
        assert (await ann.get("/api/fragile")).json() == []
        assert (await ann.post("/api/fragile", json={"text": "fine"})).status_code == 201


async def test_66_replies_to_somebody_are_never_kept_for_another(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        item = f"{THING}/{(await ann.post(THING, json={})).json()['id']}"
        for path in (THING, item, f"{THING}?limit=1", "/api/session", "/api/account", "/api/users", "/auth/v1/user", "/api/seen/x"):
            reply = await ann.get(path)
            assert reply.status_code == 200, path
            kept = reply.headers["cache-control"]
            assert "no-store" in kept or ("private" in kept and "Cookie, Authorization" in reply.headers["vary"]), (path, kept)
        for path in (f"{item}/me.css", f"{item}.css", f"{THING}/1.json", "/api/session/me.css", "/api/session;x.css", "/api/account.css"):
            assert (await ann.get(path)).status_code == 404, path
