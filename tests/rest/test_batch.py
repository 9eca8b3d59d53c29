"""Several requests in one transaction: all or none, in order, each judged after the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from backroom import App, Conflict, Db, Reply, Request, Resource, User, allow, anyone, field, me, owner, this
from tests.rest.world import JSON, World, code_of, faults_of, running

KEYS = [f"0190b6c4-7b1e-7cc2-a4f7-0242ac12000{number}" for number in range(10)]


def item(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    made: dict[str, Any] = {"method": method, "path": path}
    if body is not None:
        made["body"] = body
    if headers:
        made["headers"] = {name.replace("_", "-"): value for name, value in headers.items()}
    return made


async def batch(browser: httpx2.AsyncClient, *items: Any, **headers: str) -> httpx2.Response:
    return await browser.post("/api/batch", json=list(items), headers={name.replace("_", "-"): value for name, value in headers.items()})


def statuses(reply: httpx2.Response) -> list[int]:
    assert reply.status_code == 200, reply.text
    return [each["status"] for each in reply.json()]


def rows_of(reply: httpx2.Response) -> set[int]:
    """Of which items a refusal speaks."""
    return {fault["row"] for fault in reply.json()["errors"]}


def shop() -> App:
    app = App()

    @app.resource("notes")
    class Note(Resource):
        title: str = field(min_length=1, max_length=50)
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.resource("tags", order="slug")
    class Tag(Resource):
        slug: str = field(unique=True)
        count: int = 0

        access = allow(read=anyone, create=me.signed_in, update=me.signed_in, delete=me.has_role("admin"))

    @app.resource("pages", client_key=True)
    class Page(Resource):
        title: str = ""
        tag: Tag | None = None

        access = allow(everything=me.signed_in)

    @app.before_create(Tag)
    async def picky(row: Tag) -> None:
        if row.slug == "slow":
            await asyncio.Event().wait()
        if row.slug == "bad":
            raise Conflict("Not that one.", code="tags.bad")

    @app.post("/tags/{id}/count")
    async def count(id: int, by: int, me: User, db: Db) -> Any:
        """Reads, then writes: two at once must not both add to what they read."""
        tag = await db.get(Tag, id)
        return await db.update(tag, count=tag.count + by)

    @app.get("/tags/total", access=anyone)
    async def total(db: Db) -> int:
        return sum(tag.count for tag in await db.find(Tag))

    @app.function("rename")
    async def rename(me: User, db: Db, old: str, new: str) -> Reply[dict[str, int]]:
        async with db.transaction():
            changed = await db.update_where(Tag, this.slug == old, slug=new)
        return Reply({"changed": changed}, status=202, headers={"X-Told": "yes", "Set-Cookie": "told=1"})

    @app.get("/long", access=anyone)
    async def long(length: int) -> str:
        return "x" * length

    @app.get("/seen", access=anyone)
    async def seen(request: Request, x: str = "") -> dict[str, str]:
        headers: Mapping[bytes, bytes] = request.headers
        return {"client": request.client, "prefer": headers.get(b"prefer", b"").decode(), "agent": headers.get(b"user-agent", b"").decode(), "x": x}

    return app


async def counts(world: World) -> dict[str, int]:
    """Rows of each resource, past the app's rules."""
    database = world.backend.database
    return {name: (await database.read(f"SELECT count(*) FROM {name}"))[0][0] for name in ("notes", "tags", "pages")}


# ---------------------------------------------------------------- what it does
async def test_requests_of_several_resources_are_answered_in_order_in_one_transaction(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        first = (await ann.post("/api/notes", json={"title": "first"})).json()
        reply = await batch(
            ann,
            item("POST", "/api/notes", {"title": "second"}),
            item("POST", "/api/tags", [{"slug": "a"}, {"slug": "b"}]),
            item("PATCH", f"/api/notes/{first['id']}", {"title": "changed"}),
            item("PUT", "/api/pages/7", {"title": "put"}),
            item("GET", "/api/notes?select=title&order=id", Prefer="count=exact"),
            item("DELETE", f"/api/notes/{first['id']}"),
            item("GET", f"/api/notes/{first['id'] + 1}?select=title"),
            item("PATCH", "/api/tags?slug=eq.a", {"count": 5}),
            item("DELETE", "/api/notes?title=eq.second", Prefer="return=representation"),
        )
        assert statuses(reply) == [201, 201, 200, 201, 200, 204, 200, 200, 200]
        told = reply.json()
        assert told[0]["headers"]["location"] == f"/api/notes/{first['id'] + 1}"
        assert told[0]["headers"]["etag"].startswith('"1-')
        assert [row["slug"] for row in told[1]["body"]] == ["a", "b"]
        assert told[4] == {
            "status": 200,
            "headers": {"content-range": "0-1/2", "preference-applied": "count=exact"},
            "body": [{"title": "changed"}, {"title": "second"}],
        }
        assert told[5] == {"status": 204, "headers": {}, "body": None}
        assert told[6]["body"] == {"title": "second"}
        assert told[8]["body"][0]["title"] == "second"
        assert reply.headers["cache-control"] == "private, no-cache"
        assert await counts(world) == {"notes": 0, "tags": 2, "pages": 1}
        assert (await batch(ann)).json() == []


@pytest.mark.parametrize(
    ("last", "status", "code"),
    [
        (item("POST", "/api/notes", {"title": ""}), 400, "validation.failed"),
        (item("POST", "/api/notes", {"titel": "x"}), 400, "validation.failed"),
        (item("GET", "/api/notes?titel=eq.x"), 400, "validation.query"),
        (item("POST", "/api/notes"), 400, "validation.json"),
        (item("DELETE", "/api/tags/1"), 403, "rules.forbidden"),
        (item("PATCH", "/api/notes/999", {"title": "x"}), 404, "rest.not_found"),
        (item("GET", "/api/notes/999"), 404, "rest.not_found"),
        (item("GET", "/api/notes/x"), 404, "rest.not_found"),
        (item("GET", "/api/nothing"), 404, "http.not_found"),
        (item("PUT", "/api/notes", {}), 405, "http.method_not_allowed"),
        (item("POST", "/api/tags", {"slug": "taken"}), 409, "database.unique"),
        (item("POST", "/api/tags", [{"slug": "new"}, {"slug": "taken"}]), 409, "database.unique"),
        (item("POST", "/api/tags", {"slug": "bad"}), 409, "tags.bad"),
        (item("POST", "/api/pages", {"tag_id": 999}), 409, "reference.not_found"),
        (item("PATCH", "/api/tags/1", {"count": 1}, If_Match='"9-x"'), 412, "rest.stale"),
        (item("PATCH", "/api/tags?slug=eq.taken", {"count": 1}, If_Match='"1-x"'), 400, "http.malformed"),
        (item("POST", "/api/tags/999/count", {"by": 1}), 404, "rest.not_found"),
        (item("POST", "/api/tags/1/count", {}), 400, "validation.failed"),
    ],
)
@pytest.mark.case(97)
async def test_a_refused_item_undoes_all_and_is_the_reply_with_its_row(each_database: str, last: dict[str, Any], status: int, code: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        await ann.post("/api/tags", json={"slug": "taken"})
        before = await counts(world)
        alone = await ann.request(last["method"], last["path"], json=last.get("body"), headers=last.get("headers"))
        reply = await batch(ann, item("POST", "/api/notes", {"title": "x"}), item("POST", "/api/tags/1/count", {"by": 2}), last)
        assert (reply.status_code, code_of(reply)) == (status, code), reply.text
        assert rows_of(reply) == {2}
        assert reply.headers["content-type"] == "application/problem+json"
        if "body" in last or last["method"] in ("GET", "DELETE"):  # a POST without any body is no JSON by itself
            assert {name: reply.json()[name] for name in ("status", "code", "detail", "title")} == {
                name: alone.json()[name] for name in ("status", "code", "detail", "title")
            }
        assert reply.headers.get("allow") == alone.headers.get("allow")
        assert await counts(world) == before
        assert (await ann.get("/api/tags")).json()[0]["count"] == 0


async def test_the_row_of_an_array_goes_to_the_front_of_the_field(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        reply = await batch(ann, item("GET", "/api/tags"), item("POST", "/api/notes", [{"title": "x"}, {"title": ""}, 7]))
        assert [(fault["field"], fault["row"]) for fault in reply.json()["errors"]] == [("1.title", 1), ("2", 1)]


async def test_each_item_sees_what_the_ones_before_it_did(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        tag = (await ann.post("/api/tags", json={"slug": "a"})).json()
        address = f"/api/tags/{tag['id']}"
        reply = await batch(
            ann,
            *(item("POST", f"{address}/count", {"by": 2}) for _ in range(5)),
            item("GET", "/api/tags/total"),
            item("GET", "/api/tags?count=eq.10&select=slug"),
            item("PATCH", address, {"count": 0}, If_Match='"6-x"'),
            item("GET", address, Prefer="count=exact"),
        )
        assert statuses(reply) == [200] * 9
        assert reply.json()[6]["body"] == [{"slug": "a"}]
        assert [each["body"]["count"] for each in reply.json()[:5]] == [2, 4, 6, 8, 10]
        assert reply.json()[5]["body"] == 10
        assert reply.json()[8]["body"]["count"] == 0
        stale = await batch(ann, item("PATCH", address, {"count": 1}, If_Match='"7-x"'), item("PATCH", address, {"count": 2}, If_Match='"7-x"'))
        assert (stale.status_code, rows_of(stale)) == (412, {1})


async def test_relations_in_an_item_are_those_of_the_transaction(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        await ann.post("/api/tags", json={"slug": "old"})
        reply = await batch(
            ann,
            item("PATCH", "/api/tags/1", {"slug": "new"}),
            item("POST", "/api/pages?select=id,tag(slug)", {"id": 5, "tag_id": 1}),
            item("GET", "/api/pages?select=title,tag(slug)&tag.slug=eq.new", Prefer="count=exact"),
            item("GET", "/api/pages/5?select=tag(slug)"),
            item("GET", "/api/pages?tag.slug=eq.new&select=id,tag!inner(slug)"),
        )
        assert statuses(reply) == [200, 201, 200, 200, 200]
        new = {"slug": "new"}
        assert [each["body"] for each in reply.json()[1:]] == [
            {"id": 5, "tag": new},
            [{"title": "", "tag": new}],
            {"tag": new},
            [{"id": 5, "tag": new}],
        ]


async def test_an_apps_own_code_is_part_of_the_transaction(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        await ann.post("/api/tags", json={"slug": "a"})
        undone = await batch(ann, item("POST", "/api/rpc/rename", {"old": "a", "new": "b"}), item("POST", "/api/tags", {"slug": "b"}))
        assert (undone.status_code, faults_of(undone)) == (409, {"slug": "taken"})
        assert [tag["slug"] for tag in (await ann.get("/api/tags")).json()] == ["a"]
        done = await batch(ann, item("POST", "/api/rpc/rename", {"old": "a", "new": "b"}), item("POST", "/api/tags", {"slug": "a"}))
        assert statuses(done) == [202, 201]
        assert done.json()[0] == {"status": 202, "headers": {"x-told": "yes"}, "body": {"changed": 1}}
        assert done.headers["set-cookie"] == "told=1", "a cookie that no script may read is none of the reply's text"


async def test_items_are_asked_by_the_client_of_the_batch_with_headers_of_their_own(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        reply = await batch(
            ann,
            item("GET", "/api/seen?x=käse und %2526&x=", Prefer="return=minimal"),
            item("GET", "/api/seen"),
            prefer="count=exact",
            user_agent="A/1",
        )
        assert faults_of(reply) == {"x": "repeated"}
        reply = await batch(
            ann, item("GET", "/api/seen?x=käse und %2526", Prefer="a=b"), item("GET", "/api/seen"), prefer="count=exact", user_agent="A/1"
        )
        assert [each["body"] for each in reply.json()] == [
            {"client": "203.0.113.7", "prefer": "a=b", "agent": "A/1", "x": "käse und %26"},
            {"client": "203.0.113.7", "prefer": "", "agent": "A/1", "x": ""},
        ]


# ---------------------------------------------------------------- who, and what not
async def test_the_caller_of_every_item_is_the_caller_of_the_batch(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        note = (await ann.post("/api/notes", json={"title": "ann's"})).json()
        nobody = world.browser()
        for who, status, code in ((nobody, 401, "auth.required"), (bob, 404, "rest.not_found")):
            reply = await batch(who, item("GET", "/api/tags"), item("PATCH", f"/api/notes/{note['id']}", {"title": "mine"}))
            assert (reply.status_code, code_of(reply), rows_of(reply)) == (status, code, {1})
        assert statuses(await batch(nobody, item("GET", "/api/tags"), item("GET", "/api/tags/total"))) == [200, 200]
        assert (await ann.get("/api/notes")).json()[0]["title"] == "ann's"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/api/batch", "unavailable"),
        ("POST", "/api/session", "unavailable"),
        ("DELETE", "/api/session", "unavailable"),
        ("GET", "/api/account", "unavailable"),
        ("POST", "/auth/v1/token", "invalid"),
        ("GET", "/rest/v1/tags", "invalid"),
        ("GET", "/health", "invalid"),
        ("GET", "api/tags", "invalid"),
        ("GET", "https://app.example.com/api/tags", "invalid"),
        ("GET", "//evil.example/api/tags", "invalid"),
        ("GET", "/api/tags#top", "invalid"),
        ("GET", "/api/tags\n", "invalid"),
        ("GET", "", "invalid"),
    ],
)
@pytest.mark.advisory("CVE-2026-30972")
async def test_accounts_other_faces_and_batches_can_not_be_items(each_database: str, method: str, path: str, code: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        reply = await batch(ann, item("GET", "/api/tags"), item(method, path))
        assert (reply.status_code, reply.json()["errors"][-1]["field"], reply.json()["errors"][-1]["code"]) == (400, "path", code), reply.text
        assert rows_of(reply) == {1}


@pytest.mark.parametrize("path", ["/api/../api/tags", "/api/tags/%2e%2e/tags", "/api/tags%2f1", "/api/tags/%00", "/api//tags", "/api/tags/"])
async def test_an_address_that_could_be_misread_is_not_found(each_database: str, path: str) -> None:
    async with running(each_database, shop()) as world:
        reply = await batch(await world.person(), item("GET", path))
        assert reply.status_code == 404, reply.text


# ---------------------------------------------------------------- shape and bounds
async def test_every_fault_of_the_shape_is_told_at_once(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        reply = await batch(
            ann,
            {"method": "GUT", "path": "/api/tags"},
            {"path": 7},
            7,
            {"method": "GET", "path": "/api/tags", "body": None, "extra": 1},
            {
                "method": "POST",
                "path": "/api/tags",
                "headers": {"Cookie": "a=b", "prefer": "x", "PREFER": "y", "if-match": "a\r\nb: c", "If-None-Match": "*"},
            },
            {"method": "POST", "path": "/api/tags", "headers": ["a"]},
        )
        assert reply.status_code == 400
        assert {(fault["row"], fault["field"], fault["code"]) for fault in reply.json()["errors"]} == {
            (0, "method", "choice"),
            (1, "method", "required"),
            (1, "path", "type"),
            (2, None, "type"),
            (3, "body", "unknown"),
            (3, "extra", "unknown"),
            (4, "headers.Cookie", "unknown"),
            (4, "headers.If-None-Match", "unknown"),
            (4, "headers.if-match", "character"),
            (4, "headers", "repeated"),
            (5, "headers", "type"),
        }
        for body in (b"{}", b'"x"', b"null", b"1"):
            assert faults_of(await ann.post("/api/batch", content=body, headers=JSON)) == {None: "type"}
        assert code_of(await ann.post("/api/batch", content=b'[{"method":"GET","method":"GET"}]', headers=JSON)) == "validation.json"
        assert (await ann.post("/api/batch", content=b"[]")).status_code == 415
        assert (await ann.post("/api/batch?x=1", json=[])).status_code == 400
        assert (await ann.get("/api/batch")).status_code == 405


async def test_a_batch_is_bounded_in_items_rows_addresses_and_bytes(each_database: str) -> None:
    async with running(
        each_database, shop(), MAX_BATCH_ITEMS=5, MAX_BULK_ROWS=10, MAX_BODY_BYTES=5000, MAX_URL_BYTES=1024, MAX_REPLY_BYTES=1_048_576
    ) as world:
        ann = await world.person()
        assert statuses(await batch(ann, *[item("GET", "/api/tags")] * 5)) == [200] * 5
        assert faults_of(await batch(ann, *[item("GET", "/api/tags")] * 6)) == {None: "too_many"}
        notes = [{"title": "x" * 50}] * 4
        assert faults_of(await batch(ann, *[item("POST", "/api/notes", notes)] * 3)) == {None: "too_many"}
        assert faults_of(await batch(ann, item("GET", f"/api/tags?slug=eq.{'x' * 1024}"))) == {"path": "too_long"}
        assert (await batch(ann, item("POST", "/api/notes", {"title": "x" * 5000}))).status_code == 413
        assert statuses(await batch(ann, *[item("POST", "/api/notes", notes)] * 2)) == [201] * 2
        long = [item("GET", f"/api/long?length={600_000}")] * 2
        assert statuses(await batch(ann, long[0])) == [200]
        for items in (long, [item("POST", "/api/notes", notes), *long]):
            reply = await batch(ann, *items)
            assert (reply.status_code, code_of(reply), rows_of(reply)) == (400, "rest.reply_too_large", {len(items) - 1})
        assert await counts(world) == {"notes": 8, "tags": 0, "pages": 0}


async def test_numbers_in_an_item_are_as_exact_as_in_a_request_of_its_own(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        for number in ("9007199254740993", "1.0", "1e2", "-0"):
            body = b'{"slug": "n' + number.encode() + b'", "count": ' + number.encode() + b"}"
            alone = await ann.post("/api/tags", content=body, headers=JSON)
            content = b'[ {"method": "POST", "path": "/api/tags", "body" : ' + body.replace(b'"n', b'"m') + b"} ]"
            reply = await ann.post("/api/batch", content=content, headers=JSON)
            assert (reply.status_code == 200) == (alone.status_code == 201), (number, reply.text)
            if reply.status_code == 200:
                assert reply.json()[0]["body"]["count"] == alone.json()["count"]


# ---------------------------------------------------------------- at the same time, and too long
async def test_batches_that_read_and_write_the_same_row_at_once_lose_nothing(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        address = f"/api/tags/{(await ann.post('/api/tags', json={'slug': 'a'})).json()['id']}"
        twice = [item("POST", f"{address}/count", {"by": 1}), item("POST", "/api/notes", {"title": "x"}), item("POST", f"{address}/count", {"by": 1})]
        replies = await asyncio.gather(*(batch(ann, *twice) for _ in range(12)))
        done = [reply for reply in replies if reply.status_code == 200]
        assert {reply.status_code for reply in replies} <= {200, 503}, [reply.text for reply in replies]
        assert len(done) > 6, "a batch that lost a race is run again, not refused"
        assert (await ann.get(address)).json()["count"] == 2 * len(done)
        assert (await counts(world))["notes"] == len(done)


async def test_a_batch_that_takes_too_long_is_undone(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        reply = await batch(ann, item("POST", "/api/notes", {"title": "x"}), item("POST", "/api/tags", {"slug": "slow"}))
        assert (reply.status_code, code_of(reply)) == (503, "app.timeout")
        assert "retry-after" in reply.headers
        assert await counts(world) == {"notes": 0, "tags": 0, "pages": 0}


async def test_a_batch_of_reads_waits_for_no_writer(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        await ann.post("/api/tags", json={"slug": "a"})
        async with asyncio.timeout(1.5), world.backend.database.transaction() as transaction:
            await transaction.run("UPDATE tags SET count = 7")
            reply = await batch(ann, item("GET", "/api/tags"), item("GET", "/api/tags/1"), item("GET", "/api/tags?select=slug", Prefer="count=exact"))
            assert statuses(reply) == [200] * 3
            assert reply.json()[1]["body"]["count"] == 0
