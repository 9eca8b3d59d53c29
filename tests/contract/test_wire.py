"""The reference example over the wire, to the letter, on both databases (docs/rest.md)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from backroom.auth.administration import set_role
from tests.rest.world import JSON, ORIGIN, World, code_of, faults_of, running, soon

PROBLEM = {"type", "title", "status", "detail", "code", "errors", "message", "details", "hint"}


async def both(world: World, name: str) -> list[httpx2.AsyncClient]:
    """Somebody signed in by cookie and somebody by bearer token: both faces must do the same work."""
    return [await world.person(f"{name}-cookie"), await world.program(f"{name}-bearer")]


async def todo(client: httpx2.AsyncClient, title: str = "Buy milk", **more: Any) -> dict[str, Any]:
    reply = await client.post("/api/todos", json={"title": title, **more})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


# ---------------------------------------------------------------- create
async def test_a_todo_is_created_with_its_address_and_its_tag(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            me = (await client.get("/api/session")).json()
            reply = await client.post("/api/todos", json={"title": "Buy milk"})
            row = reply.json()
            assert (reply.status_code, reply.headers["content-type"]) == (201, "application/json")
            assert set(row) == {"id", "title", "done", "due", "owner_id", "created_at", "updated_at"}
            assert (row["title"], row["done"], row["due"], row["owner_id"]) == ("Buy milk", False, None, me["id"])
            assert row["created_at"] == row["updated_at"]
            assert len(row["created_at"]) == len("2026-12-01T09:00:00.000Z")
            assert row["created_at"][-1] == "Z"
            assert reply.headers["location"] == f"/api/todos/{row['id']}"
            assert reply.headers["cache-control"] == "private, no-cache"
            assert "Cookie, Authorization" in reply.headers["vary"]
            read = await client.get(reply.headers["location"])
            assert (read.status_code, read.json(), read.headers["etag"]) == (200, row, reply.headers["etag"])


WRONG: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    ({}, {"title": "required"}),
    ({"title": ""}, {"title": "blank"}),
    ({"title": "  "}, {"title": "blank"}),
    ({"title": None}, {"title": "required"}),
    ({"title": "x" * 201}, {"title": "too_long"}),
    ({"title": " ", "done": "yes", "due": "tomorrow", "createdAt": 1}, {"title": "blank", "done": "type", "due": "type", "createdAt": "unknown"}),
)


async def test_every_fault_of_a_todo_is_named_at_once(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        for body, faults in WRONG:
            reply = await ann.post("/api/todos", json=body)
            assert (reply.status_code, code_of(reply), faults_of(reply)) == (400, "validation.failed", faults)
        assert (await ann.get("/api/todos")).json() == []


async def test_an_array_is_created_whole_or_not_at_all(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            reply = await client.post("/api/todos", json=[{"title": f"t{number}", "due": "2026-12-01"} for number in range(3)])
            assert (reply.status_code, [row["title"] for row in reply.json()]) == (201, ["t0", "t1", "t2"])
            assert reply.headers["content-range"] == "*/3"
            reply = await client.post("/api/todos", json=[{"title": "a"}, {"title": " "}, {"title": "b"}, {"done": 3}])
            assert reply.status_code == 400
            told = [(fault["row"], fault["field"], fault["code"]) for fault in reply.json()["errors"]]
            assert sorted(told) == [(1, "title", "blank"), (3, "done", "type"), (3, "title", "required")]
            assert len((await client.get("/api/todos")).json()) == 3
            assert (await client.post("/api/todos", json=[])).json() == []


async def test_what_the_server_sets_can_not_be_sent_along_but_the_callers_own_id_may(each_database: str) -> None:
    async with running(each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        mine = (await ann.get("/api/session")).json()["id"]
        theirs = (await bob.get("/api/session")).json()["id"]
        assert (await ann.post("/api/todos", json={"title": "x", "owner_id": mine})).status_code == 201
        for column, value in (
            ("id", 7),
            ("created_at", "2026-12-01T09:00:00.000Z"),
            ("updated_at", "2026-12-01T09:00:00.000Z"),
            ("owner_id", theirs),
        ):
            reply = await ann.post("/api/todos", json={"title": "x", column: value})
            assert (reply.status_code, faults_of(reply)) == (400, {column: "read_only"})
        assert len((await ann.get("/api/todos")).json()) == 1
        assert (await bob.get("/api/todos")).json() == []


# ---------------------------------------------------------------- who
async def test_signed_out_is_401_and_somebody_elses_row_is_404(each_database: str) -> None:
    async with running(each_database) as world:
        ann, bob, nobody = await world.person("ann"), await world.program("bob"), world.browser()
        row = await todo(ann)
        address = f"/api/todos/{row['id']}"
        for method, path, body in [
            ("GET", "/api/todos", None),
            ("POST", "/api/todos", {"title": "x"}),
            ("GET", address, None),
            ("HEAD", address, None),
            ("PUT", address, {"title": "x"}),
            ("PATCH", address, {"title": "x"}),
            ("DELETE", address, None),
        ]:
            reply = await nobody.request(method, path, json=body)
            assert reply.status_code == 401, (method, path)
            assert reply.headers["www-authenticate"] == "Bearer"
        for method, body in [("GET", None), ("HEAD", None), ("PUT", {"title": "x"}), ("PATCH", {"title": "x"}), ("PATCH", {}), ("DELETE", None)]:
            theirs = await bob.request(method, address, json=body)
            absent = await bob.request(method, "/api/todos/999999", json=body)
            assert theirs.status_code == absent.status_code == 404, method
            assert theirs.content == absent.content
            assert sorted(set(theirs.headers) - {"x-request-id"}) == sorted(set(absent.headers) - {"x-request-id"})
        assert (await bob.get("/api/todos")).json() == []
        assert (await ann.get(address)).json() == row


async def test_a_shared_note_is_read_by_all_and_changed_by_its_owner_alone(each_database: str) -> None:
    async with running(each_database) as world:
        ann, bob, nobody = await world.person("ann"), await world.program("bob"), world.browser()
        shared = (await ann.post("/api/notes", json={"title": "shared", "public": True})).json()
        secret = (await ann.post("/api/notes", json={"title": "secret"})).json()
        assert [note["title"] for note in (await nobody.get("/api/notes")).json()] == ["shared"]
        assert [note["title"] for note in (await bob.get("/api/notes")).json()] == ["shared"]
        assert [note["title"] for note in (await ann.get("/api/notes")).json()] == ["shared", "secret"]
        assert (await nobody.get(f"/api/notes/{shared['id']}")).json() == shared
        assert (await nobody.get(f"/api/notes/{secret['id']}")).status_code == 404
        assert (await nobody.post("/api/notes", json={"title": "x"})).status_code == 401
        for method, body in [("PUT", {"title": "x"}), ("PATCH", {"title": "x"}), ("PATCH", {}), ("DELETE", None)]:
            reply = await bob.request(method, f"/api/notes/{shared['id']}", json=body)
            assert (reply.status_code, code_of(reply)) == (403, "rules.forbidden"), (method, body)
            assert (await bob.request(method, f"/api/notes/{secret['id']}", json=body)).status_code == 404
        assert (await ann.put(f"/api/notes/{shared['id']}", json={"title": "mine"})).json()["public"] is False
        assert (await ann.delete(f"/api/notes/{shared['id']}")).status_code == 204


async def test_an_admin_deletes_what_others_share(each_database: str) -> None:
    async with running(each_database) as world:
        ann, root = await world.person("ann"), await world.person("root")
        note = (await ann.post("/api/notes", json={"title": "shared", "public": True})).json()
        assert (await root.delete(f"/api/notes/{note['id']}")).status_code == 403
        await set_role(world.backend.store, "root@example.com", "admin")
        assert (await soon(lambda: root.delete(f"/api/notes/{note['id']}"), 204)).status_code == 204


# ---------------------------------------------------------------- read
@pytest.mark.case(117)
async def test_an_unchanged_row_is_304_until_it_changes(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            row = await todo(client)
            address = f"/api/todos/{row['id']}"
            tag = (await client.get(address)).headers["etag"]
            for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                reply = await client.get(address, headers={"if-none-match": sent})
                assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", tag)
                assert "content-length" not in reply.headers
                assert "Cookie, Authorization" in reply.headers["vary"]
            assert (await client.get(address, headers={"if-none-match": '"other"'})).status_code == 200
            await client.patch(address, json={"done": True})
            changed = await client.get(address, headers={"if-none-match": tag})
            assert (changed.status_code, changed.json()["done"]) == (200, True)
            assert changed.headers["etag"] != tag


async def test_head_says_what_get_says_without_a_body_and_options_what_an_address_takes(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        row = await todo(ann)
        for path in ("/api/todos", f"/api/todos/{row['id']}", "/api/todos?limit=1", "/health"):
            get, head = await ann.get(path), await ann.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert {**head.headers, "x-request-id": ""} == {**get.headers, "x-request-id": ""}
        for path, allow in (("/api/todos", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"), ("/api/todos/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")):
            reply = await ann.options(path)
            assert (reply.status_code, ", ".join(sorted(reply.headers["allow"].split(", ")))) == (204, allow)
            refused = await ann.request("PUT" if path == "/api/todos" else "POST", path)
            assert (refused.status_code, code_of(refused)) == (405, "http.method_not_allowed")
            assert refused.headers["allow"] == reply.headers["allow"]
        assert len((await ann.get("/api/todos")).json()) == 1


async def test_some_columns_of_a_row_or_a_list_can_be_asked_for(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        row = await todo(ann)
        assert (await ann.get("/api/todos?select=title,id")).json() == [{"title": "Buy milk", "id": row["id"]}]
        assert (await ann.get(f"/api/todos/{row['id']}?select=title")).json() == {"title": "Buy milk"}
        assert (await ann.get(f"/api/todos/{row['id']}?done=is.true")).status_code == 400


# ---------------------------------------------------------------- list
async def test_a_list_filters_orders_and_counts(each_database: str) -> None:
    async with running(each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for number in range(5):
            await todo(ann, f"t{number}", done=number % 2 == 1, due=None if number == 4 else f"2026-12-0{number + 1}")
        await todo(bob, "t9")

        async def titles(query: str) -> list[str]:
            reply = await ann.get(f"/api/todos?{query}")
            assert reply.status_code == 200, reply.text
            return [row["title"] for row in reply.json()]

        assert await titles("") == ["t0", "t1", "t2", "t3", "t4"]
        assert await titles("done=is.true") == ["t1", "t3"]
        assert await titles("done=is.false&order=title.desc") == ["t4", "t2", "t0"]
        assert await titles("due=lt.2026-12-03") == ["t0", "t1"]
        assert await titles("due=gte.2026-12-03") == ["t2", "t3"]
        assert await titles("due=neq.2026-12-03") == ["t0", "t1", "t3"]  # an empty date is neither equal nor unequal
        assert await titles("due=is.null") == ["t4"]
        assert await titles("due=not.is.null&limit=2&offset=1") == ["t1", "t2"]
        assert await titles("title=in.(t1,t9,t0)") == ["t0", "t1"]
        assert await titles("title=not.in.(t1,t9)") == ["t0", "t2", "t3", "t4"]
        assert await titles("or=(title.eq.t0,and(done.is.true,due.gt.2026-12-02))") == ["t0", "t3"]
        assert await titles("order=due.desc.nullslast") == ["t3", "t2", "t1", "t0", "t4"]
        assert await titles("order=due.asc.nullsfirst") == ["t4", "t0", "t1", "t2", "t3"]
        assert await titles("order=done.desc,title.desc") == ["t3", "t1", "t4", "t2", "t0"]

        assert (await ann.get("/api/todos")).headers["content-range"] == "0-4/*"
        counted = await ann.get("/api/todos?done=is.true&limit=1", headers={"prefer": "count=exact"})
        assert (counted.headers["content-range"], len(counted.json())) == ("0-0/2", 1)
        beyond = await ann.get("/api/todos?offset=77", headers={"prefer": "count=exact"})
        assert (beyond.status_code, beyond.json(), beyond.headers["content-range"]) == (200, [], "*/5")
        assert "link" not in beyond.headers


async def test_following_the_next_link_walks_every_row_once(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            await client.post("/api/todos", json=[{"title": f"t{number % 3}", "done": number % 2 == 1} for number in range(23)])
            expected = [row["id"] for row in (await client.get("/api/todos?order=title.desc&done=is.false")).json()]
            seen: list[int] = []
            address = "/api/todos?order=title.desc&done=is.false&limit=5"
            for _ in range(10):
                reply = await client.get(address)
                seen += [row["id"] for row in reply.json()]
                if "link" not in reply.headers:
                    break
                address, relation = reply.headers["link"].split("; ")
                assert relation == 'rel="next"'
                address = address.strip("<>")
            assert seen == expected
            assert len(seen) == len(set(seen)) == 12


async def test_the_pages_of_a_list_are_bounded(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        for start in range(2):
            await ann.post("/api/todos", json=[{"title": f"{start}-{number}"} for number in range(60)])
        reply = await ann.get("/api/todos")
        assert (len(reply.json()), reply.headers["content-range"]) == (100, "0-99/*")
        following = reply.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
        assert [row["title"] for row in (await ann.get(following)).json()] == [f"1-{number}" for number in range(40, 60)]
        assert len((await ann.get("/api/todos?limit=1000")).json()) == 120
        assert faults_of(await ann.get("/api/todos?limit=1001")) == {"limit": "too_large"}
        nothing = await ann.get("/api/todos?limit=0")
        assert (nothing.status_code, nothing.json(), "link" in nothing.headers) == (200, [], False)


SLIPS = (
    ("done=false", "done=is.false"),
    ("done=eq.flase", "done"),
    ("titel=eq.x", "title"),
    ("due=lt.tomorrow", "due"),
    ("due=foo.2026-12-01", "due"),
    ("order=nothing", "nothing"),
    ("order=title.up", "title.desc"),
    ("select=nothing", "nothing"),
    ("limit=-1", "limit"),
    ("limit=ten", "limit"),
    ("offset=1e3", "offset"),
    ("limit=1&limit=2", "limit"),
    ("owner=eq.x", "owner_id"),
    ("id=like.*x*", "like"),
)


async def test_a_slip_in_a_query_is_400_and_says_what_to_write(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        for query, told in SLIPS:
            reply = await ann.get(f"/api/todos?{query}")
            assert (reply.status_code, code_of(reply)) == (400, "validation.query"), query
            assert told in reply.json()["detail"]


# ---------------------------------------------------------------- change
async def test_patch_changes_what_is_sent_and_nothing_else(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            row = await todo(client, due="2026-12-01")
            address = f"/api/todos/{row['id']}"
            reply = await client.patch(address, json={"done": True})
            assert reply.status_code == 200
            assert reply.json() == {**row, "done": True, "updated_at": reply.json()["updated_at"]}
            assert reply.json()["updated_at"] >= row["updated_at"]
            tag = reply.headers["etag"]
            nothing = await client.patch(address, json={})
            assert (nothing.status_code, nothing.json(), nothing.headers["etag"]) == (200, reply.json(), tag)
            assert (await client.patch(address, json={"due": None})).json()["due"] is None
            assert faults_of(await client.patch(address, json={"title": None, "done": None})) == {"title": "required", "done": "required"}


async def test_put_replaces_and_what_was_read_can_be_sent_back(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            row = await todo(client, due="2026-12-01", done=True)
            address = f"/api/todos/{row['id']}"
            sent_back = await client.put(address, json={**(await client.get(address)).json(), "title": "Buy bread"})
            assert (sent_back.status_code, sent_back.json()["title"], sent_back.json()["due"]) == (200, "Buy bread", "2026-12-01")
            replaced = (await client.put(address, json={"title": "Buy tea"})).json()
            assert replaced == {**row, "title": "Buy tea", "done": False, "due": None, "updated_at": replaced["updated_at"]}
            assert faults_of(await client.put(address, json={"done": True})) == {"title": "required"}
            stale = await client.put(address, json=row)
            assert (stale.status_code, code_of(stale)) == (412, "rest.stale")
            assert faults_of(await client.put(address, json={"title": "x", "id": row["id"] + 1})) == {"id": "read_only"}
            assert (await client.get(address)).json() == replaced
            assert (await client.put("/api/todos/999999", json={"title": "x"})).status_code == 404


@pytest.mark.case(117)
async def test_if_match_lets_only_the_first_of_two_writers_through(each_database: str) -> None:
    async with running(each_database) as world:
        for client in await both(world, "ann"):
            row = await todo(client)
            address = f"/api/todos/{row['id']}"
            tag = (await client.get(address)).headers["etag"]
            first = await client.patch(address, json={"title": "first"}, headers={"if-match": tag})
            assert first.status_code == 200
            for method, body in (("PATCH", {"title": "second"}), ("PATCH", {}), ("PUT", {"title": "second"}), ("DELETE", None)):
                for sent in (tag, f"W/{first.headers['etag']}", '"nonsense"', '""'):
                    reply = await client.request(method, address, json=body, headers={"if-match": sent})
                    assert (reply.status_code, code_of(reply)) == (412, "rest.stale"), (method, sent)
            assert (await client.patch(address, json={"title": "third"}, headers={"if-match": "*"})).status_code == 200
            tag = (await client.get(address)).headers["etag"]
            assert (await client.delete(address, headers={"if-match": tag})).status_code == 204
            assert (await client.delete(address)).status_code == 404


@pytest.mark.case(117)
async def test_of_many_writers_with_one_tag_one_wins(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        address = f"/api/todos/{(await todo(ann))['id']}"
        tag = (await ann.get(address)).headers["etag"]
        replies = await asyncio.gather(*(ann.patch(address, json={"title": f"t{n}"}, headers={"if-match": tag}) for n in range(100)))
        assert sorted(reply.status_code for reply in replies) == [200] + [412] * 99
        won = next(reply.json() for reply in replies if reply.status_code == 200)
        assert (await ann.get(address)).json() == won


# ---------------------------------------------------------------- bodies, types, shapes
NOT_JSON = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/json; charset=utf-16")


async def test_a_body_that_is_not_called_json_is_415_with_the_cure(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        item = f"/api/todos/{(await todo(ann))['id']}"
        for method, path in (("POST", "/api/todos"), ("PUT", item), ("PATCH", item), ("POST", "/api/session")):
            for sent in NOT_JSON:
                reply = await ann.request(method, path, content=b'{"title":"x"}', headers={"content-type": sent})
                assert (reply.status_code, code_of(reply)) == (415, "http.unsupported_media_type"), (method, path, sent)
                assert "headers: {'Content-Type': 'application/json'}" in reply.json()["detail"]


async def test_a_client_that_reads_no_json_is_406_and_nothing_is_written(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        row = await todo(ann)
        for accept, status in (
            ("text/html", 406),
            ("application/json;q=0", 406),
            ("*/*;q=0.1", 200),
            ("text/html, application/json", 200),
            ("application/*", 200),
        ):
            assert (await ann.get("/api/todos", headers={"accept": accept})).status_code == status, accept
        assert (await ann.patch(f"/api/todos/{row['id']}", json={"title": "x"}, headers={"accept": "text/csv"})).status_code == 406
        assert (await ann.post("/api/todos", json={"title": "x"}, headers={"accept": "image/png"})).status_code == 406
        assert (await ann.get("/api/todos")).json() == [row]


async def test_a_body_over_the_limit_is_413(each_database: str) -> None:
    async with running(each_database) as world:
        ann = await world.person()
        reply = await ann.post("/api/todos", json={"title": "x" * 1_048_576})
        assert (reply.status_code, code_of(reply)) == (413, "http.body_too_large")


async def test_error_shape_is_one_over_all_endpoints(each_database: str) -> None:
    """One shape over all endpoints, whoever refuses: door, router, auth, rules, validation, database."""
    async with running(each_database) as world:
        ann, nobody = await world.person(), world.browser()
        row = await todo(ann)
        item = f"/api/todos/{row['id']}"
        refused = [
            (400, await ann.post("/api/todos", content=b"{", headers=JSON)),
            (400, await ann.post("/api/todos", content=b"", headers=JSON)),
            (400, await ann.post("/api/todos", json={})),
            (400, await ann.get("/api/todos?x=y")),
            (400, await ann.post("/api/todos?x=y", json={"title": "x"})),
            (400, await ann.post("/api/session", json={"email": "ann@example.com", "password": "wrong"})),
            (400, await ann.post("/auth/v1/token?grant_type=magic", json={})),
            (401, await nobody.get("/api/todos")),
            (401, await nobody.get("/api/session")),
            (401, await nobody.get("/auth/v1/user")),
            (401, await nobody.get(item, headers={"authorization": "Bearer x"})),
            (403, await ann.patch(item, json={"title": "x"}, headers={"origin": "https://evil.example"})),
            (404, await ann.get("/api/nothing")),
            (404, await ann.get("/api/todos/999999")),
            (404, await ann.get("/api/todos/x")),
            (404, await ann.get("/nothing.html")),
            (400, await ann.request("DELETE", "/api/todos")),
            (405, await ann.request("PUT", "/api/todos")),
            (405, await ann.request("BREW", "/api/todos")),
            (405, await ann.request("TRACE", "/")),
            (406, await ann.get(item, headers={"accept": "text/csv"})),
            (409, await nobody.post("/api/account", json={"email": "ann@example.com", "password": "another good one"})),
            (412, await ann.patch(item, json={"title": "x"}, headers={"if-match": '"9-x"'})),
            (413, await ann.post("/api/todos", content=b"x" * 1_048_577, headers=JSON)),
            (414, await ann.get("/api/todos?" + "x" * 17_000)),
            (415, await ann.post("/api/todos", content=b"{}")),
            (431, await ann.get("/api/todos", headers={"x-long": "x" * 33_000})),
        ]
        for status, reply in refused:
            document = reply.json()
            assert (reply.status_code, document["status"]) == (status, status), reply.text
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.headers["cache-control"] == "no-store"
            assert set(document) >= PROBLEM
            assert document["message"] == document["detail"]
            assert "." in document["code"] or reply.request.url.path.startswith("/auth/v1")
            for fault in document["errors"]:
                assert {"field", "code", "message"} <= set(fault) <= {"field", "code", "message", "row"}
            assert (reply.headers["x-content-type-options"], "x-request-id" in reply.headers) == ("nosniff", True)


# ---------------------------------------------------------------- other origins
async def test_a_page_of_a_named_origin_reads_and_writes_and_no_other_does(each_database: str) -> None:
    async with running(each_database, CORS_ORIGINS="https://other.example.com") as world:
        ann = await world.person()
        row = await todo(ann)
        for path in (f"/api/todos/{row['id']}", "/api/todos", "/api/todos/999999", "/api/todos?x=y"):
            named = await ann.get(path, headers={"origin": "https://other.example.com"})
            assert named.headers["access-control-allow-origin"] == "https://other.example.com"
            assert named.headers["access-control-allow-credentials"] == "true"
            assert {"content-range", "etag", "link", "location"} <= set(named.headers["access-control-expose-headers"].lower().split(", "))
            foreign = await ann.get(path, headers={"origin": "https://evil.example"})
            assert "access-control-allow-origin" not in foreign.headers
            assert all("Origin" in reply.headers["vary"] for reply in (named, foreign))
        assert (await ann.patch(f"/api/todos/{row['id']}", json={"done": True}, headers={"origin": "https://other.example.com"})).status_code == 200
        for origin in ("https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"):
            reply = await ann.post("/api/todos", json={"title": "forged"}, headers={"origin": origin})
            assert (reply.status_code, code_of(reply)) == (403, "auth.origin"), origin
        preflight = await world.browser(origin="https://other.example.com").options(
            "/api/todos", headers={"access-control-request-method": "PATCH", "access-control-request-headers": "content-type, if-match"}
        )
        assert preflight.status_code == 204
        assert "PATCH" in preflight.headers["access-control-allow-methods"]
        assert preflight.headers["access-control-allow-headers"] == "content-type, if-match"
        assert [each["title"] for each in (await ann.get("/api/todos")).json()] == ["Buy milk"]
        assert ORIGIN not in {reply.headers.get("access-control-allow-origin") for reply in [preflight]}
