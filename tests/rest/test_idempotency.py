"""Idempotency-Key: what is sent again is answered again, and done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from backroom import App, Conflict, Db, Reply, Resource, User, allow, anyone, field, me, owner, this
from backroom.rest.idempotency import SWEEP_EVERY, Idempotency
from backroom.rest.kept_replies import KEPT_SECONDS, NAME, SWEPT
from tests.rest.world import JSON, World, code_of, running

#: Headers of a reply that are the connection's and the request's own.
PASSING = {"x-request-id", "date", "idempotent-replayed"}


class Gate:
    """Where a hook stops, so that a test can look in meanwhile."""

    def __init__(self) -> None:
        self.entered, self.leave = asyncio.Event(), asyncio.Event()


def shop(gate: Gate | None = None) -> App:
    app = App()

    @app.resource("notes")
    class Note(Resource):
        title: str = field(min_length=1, max_length=3000)
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.resource("tags", order="slug")
    class Tag(Resource):
        slug: str = field(unique=True)
        count: int = 0

        access = allow(read=anyone, create=me.signed_in, update=me.signed_in, delete=me.signed_in)

    @app.resource("badges")
    class Badge(Resource):
        name: str = ""

        access = allow(read=anyone, create=me.has_role("staff"), update=me.has_role("staff"))

    @app.resource("letters")
    class Letter(Resource):
        text: str

        access = allow(create=anyone, read=anyone)

    @app.before_create(Tag)
    async def picky(row: Tag) -> None:
        if row.slug == "bad":
            raise Conflict("Not that one.", code="tags.bad")
        if row.slug == "waits" and gate is not None:
            gate.entered.set()
            await gate.leave.wait()

    @app.post("/twice")
    async def twice(me: User, db: Db, slug: str, fail: bool = False) -> Any:
        """Two writes side by side; then, perhaps, a failure."""
        first, second = await asyncio.gather(db.create(Tag(slug=f"{slug}1")), db.create(Tag(slug=f"{slug}2")))
        if fail:
            raise RuntimeError("on purpose")
        return [first, second]

    @app.function("refuse")
    async def refuse(me: User, db: Db) -> Reply[dict[str, str]]:
        """Stores something, and says 409 all the same: returned, not raised."""
        await db.create(Note(title="stored"))
        return Reply({"told": "no"}, status=409, headers={"X-Told": "yes"})

    @app.patch("/tags/{id}/count")
    async def count(id: int, me: User, db: Db) -> Any:
        tag = await db.get(Tag, id)
        return await db.update(tag, count=tag.count + 1)

    @app.function("long", access=anyone)
    async def long(length: int) -> str:
        return "x" * length

    return app


async def send(browser: httpx2.AsyncClient, path: str, body: Any, key: str, *, method: str = "POST", **headers: str) -> httpx2.Response:
    return await browser.request(
        method, path, json=body, headers={"idempotency-key": key, **{name.replace("_", "-"): text for name, text in headers.items()}}
    )


def replayed(reply: httpx2.Response) -> bool:
    return reply.headers.get("idempotent-replayed") == "true"


def same(first: httpx2.Response, again: httpx2.Response) -> None:
    """`again` is the kept reply of `first`, byte for byte."""
    assert not replayed(first)
    assert replayed(again), again.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    told = [{name: value for name, value in reply.headers.items() if name not in PASSING} for reply in (first, again)]
    assert told[0] == told[1]


async def rows(world: World, name: str) -> list[Any]:
    return [tuple(row) for row in await world.backend.database.read(f"SELECT * FROM {name}")]


def clock_of(world: World, read: Callable[[], float]) -> Idempotency:
    """The same app with another clock for its keys."""
    idempotency: Idempotency = world.backend.pipeline._idempotency  # pyright: ignore[reportPrivateUsage]
    idempotency._kept._clock = read  # pyright: ignore[reportPrivateUsage]
    return idempotency


# ---------------------------------------------------------------- the same request again
@pytest.mark.parametrize("face", ["/api", "/rest/v1"])
@pytest.mark.case(118)
async def test_a_request_that_is_sent_again_is_answered_again_and_done_once(each_database: str, face: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        note = (await ann.post("/api/notes", json={"title": "x"})).json()
        shown = {"prefer": "return=representation"}
        requests: list[tuple[str, str, Any, dict[str, str]]] = [
            ("POST", f"{face}/tags", {"slug": "a"}, {}),
            ("POST", f"{face}/tags", [{"slug": "b"}, {"slug": "c"}], shown),
            ("POST", f"{face}/tags?select=slug&on_conflict=slug", {"slug": "a", "count": 3}, {"prefer": "resolution=merge-duplicates"}),
            ("PATCH", f"{face}/tags?slug=eq.a", {"count": 2}, shown),
            ("PATCH", f"{face}/tags?slug=eq.b", {"count": 2}, {"prefer": "return=minimal"}),
            ("POST", f"{face}/rpc/refuse", {}, {}),
        ]
        if face == "/api":
            items = [{"method": "DELETE", "path": "/api/tags/2"}, {"method": "POST", "path": "/api/notes", "body": {"title": "z"}}]
            requests += [
                ("PATCH", f"/api/notes/{note['id']}", {"title": "y"}, {"if-match": '"1-x"'}),
                ("POST", "/api/twice", {"slug": "d"}, {}),
                ("PATCH", "/api/tags/1/count", {}, {}),
                (
                    "POST",
                    "/api/batch",
                    items,
                    {},
                ),
            ]
        for number, (method, path, body, headers) in enumerate(requests):
            first = await send(ann, path, body, f"key-{number}", method=method, **headers)
            assert first.status_code < 300 or path.endswith("refuse"), first.text
            before = [await rows(world, name) for name in ("tags", "notes", NAME)]
            same(first, await send(ann, path, body, f"key-{number}", method=method, **headers))
            assert [await rows(world, name) for name in ("tags", "notes", NAME)] == before
        assert len(await rows(world, NAME)) == len(requests)


@pytest.mark.case(118)
async def test_another_request_with_the_same_key_is_422_and_does_nothing(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        first = await send(ann, "/api/tags", {"slug": "a"}, "k")
        before = [await rows(world, name) for name in ("tags", "notes", NAME)]
        for method, path, body in (
            ("POST", "/api/tags", {"slug": "b"}),
            ("POST", "/api/tags", {"slug": ""}),
            ("POST", "/api/tags?select=slug", {"slug": "a"}),
            ("POST", "/rest/v1/tags", {"slug": "a"}),
            ("POST", "/api/notes", {"slug": "a"}),
            ("PATCH", "/api/tags/1", {"slug": "a"}),
            ("POST", "/api/rpc/refuse", {"slug": "a"}),
        ):
            reply = await send(ann, path, body, "k", method=method)
            assert (reply.status_code, code_of(reply)) == (422, "rest.idempotency_reused"), (path, reply.text)
        spaced = await ann.post("/api/tags", content=b'{"slug": "a" }', headers={**JSON, "idempotency-key": "k"})
        assert spaced.status_code == 422, "the bytes of the body count"
        assert [await rows(world, name) for name in ("tags", "notes", NAME)] == before
        same(first, await send(ann, "/api/tags", {"slug": "a"}, "k"))


@pytest.mark.case(118)
async def test_what_was_refused_or_broke_is_not_kept_and_is_judged_anew(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        await ann.post("/api/tags", json={"slug": "taken"})
        items = [{"method": "POST", "path": "/api/tags", "body": {"slug": "new"}}, {"method": "GET", "path": "/api/tags/99"}]
        refused: list[tuple[str, Any, int]] = [
            ("/api/tags", {"slug": 1}, 400),
            ("/api/tags", {"slug": "taken"}, 409),
            ("/api/tags", {"slug": "bad"}, 409),
            ("/api/badges", {}, 403),
            ("/api/twice", {"slug": "x", "fail": True}, 500),
            ("/api/batch", items, 404),
        ]
        for number, (path, body, status) in enumerate(refused):
            for _ in range(2):
                reply = await send(ann, path, body, f"k{number}")
                assert reply.status_code == status, reply.text
                assert not replayed(reply)
            assert [row[1] for row in await rows(world, "tags")] == ["taken"]
        assert await rows(world, NAME) == []
        assert (await send(ann, "/api/tags", {"slug": "right"}, "k0")).status_code == 201
        await ann.delete("/api/tags?slug=eq.taken")
        assert (await send(ann, "/api/tags", {"slug": "taken"}, "k1")).status_code == 201


async def test_methods_that_are_idempotent_by_themselves_and_accounts_ignore_the_header(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        tag = (await ann.post("/api/tags", json={"slug": "a"})).json()
        address = f"/api/tags/{tag['id']}"
        for method, path, status in (("GET", address, 200), ("PUT", address, 200), ("DELETE", address, 204), ("DELETE", address, 404)):
            body = {"slug": "b"} if method == "PUT" else None
            assert (await send(ann, path, body, "k", method=method)).status_code == status
        credentials = {"email": "new@example.com", "password": "correct horse battery"}
        assert [(await send(world.browser(), "/api/account", credentials, "k" * 30)).status_code for _ in range(2)] == [201, 409]
        entered = [await send(world.browser(), "/auth/v1/token?grant_type=password", credentials, "k" * 30) for _ in range(2)]
        assert entered[0].json()["refresh_token"] != entered[1].json()["refresh_token"]
        assert await rows(world, NAME) == []


# ---------------------------------------------------------------- whose key
@pytest.mark.case(104, 118)
async def test_a_key_is_its_callers_own(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        replies = [await send(who, "/api/notes", {"title": "same"}, "k") for who in (ann, bob)]
        assert [reply.status_code for reply in replies] == [201, 201]
        assert not any(replayed(reply) for reply in replies)
        assert replies[0].json()["owner_id"] != replies[1].json()["owner_id"]
        program = await ann.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": "correct horse battery"})
        phone = world.browser(origin=None, headers={"authorization": f"Bearer {program.json()['access_token']}"})
        same(replies[0], await send(phone, "/api/notes", {"title": "same"}, "k"))


async def test_signed_out_a_key_must_be_one_that_nobody_guesses(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        first, second, ann = world.browser(), world.browser(), await world.person()
        key = str(uuid4())
        for short in ("1", "k" * 19):
            reply = await send(first, "/api/letters", {"text": "a"}, short)
            assert (reply.status_code, code_of(reply)) == (400, "http.malformed")
            assert "randomUUID" in reply.json()["detail"]
        made = await send(first, "/api/letters", {"text": "a"}, key)
        same(made, await send(second, "/api/letters", {"text": "a"}, key))
        assert (await send(second, "/api/letters", {"text": "b"}, key)).status_code == 422
        assert (await send(ann, "/api/letters", {"text": "b"}, key)).status_code == 201
        assert [row[1] for row in await rows(world, "letters")] == ["a", "b"]
        assert (await send(first, "/api/notes", {"title": "x"}, key)).status_code == 401, "rule 13 comes first"


@pytest.mark.case(104, 118)
async def test_who_has_lost_the_right_is_refused_the_kept_reply_too(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann, auth = await world.person(), world.backend.auth
        person = (await ann.get("/api/account")).json()["id"]

        async def roles(*names: str) -> None:
            await world.backend.database.write(lambda: auth.users.set_roles(UUID(person), names))
            auth.sessions.forget_person(UUID(person))

        await roles("staff")
        batch = [{"method": "GET", "path": "/api/badges"}, {"method": "POST", "path": "/api/badges", "body": {"name": "in a batch"}}]
        first = [await send(ann, "/api/badges", {"name": "x"}, "a"), await send(ann, "/api/batch", batch, "b")]
        assert [reply.status_code for reply in first] == [201, 200]
        await roles()
        again = [await send(ann, "/api/badges", {"name": "x"}, "a"), await send(ann, "/api/batch", batch, "b")]
        assert [code_of(reply) for reply in again] == ["rules.forbidden", "rules.forbidden"]
        assert [(await send(world.browser(), "/api/badges", {"name": "x"}, "a")).status_code] == [401]
        await roles("staff")
        for one, other in zip(first, [await send(ann, "/api/badges", {"name": "x"}, "a"), await send(ann, "/api/batch", batch, "b")], strict=True):
            same(one, other)


async def test_kept_replies_go_with_the_person_they_were_for(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for who in (ann, bob):
            await send(who, "/api/tags", {"slug": str(id(who))}, "k")
        assert (await ann.delete("/api/account")).status_code == 204
        assert len(await rows(world, NAME)) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "caf\u00e9", "a\tb", "\x7f"])
@pytest.mark.case(118)
async def test_what_is_no_key_is_refused_and_nothing_is_done(each_database: str, key: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        raw = [(b"idempotency-key", key.encode("latin-1")), (b"content-type", b"application/json"), (b"origin", b"https://app.example.com")]
        reply = await ann.post("/api/tags", content=b'{"slug": "a"}', headers=raw)
        assert (reply.status_code, code_of(reply)) == (400, "http.malformed"), reply.text
        assert await rows(world, "tags") == []


async def test_keys_of_every_length_and_spelling_are_told_apart(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        keys = ["!", "~" * 255, "~" * 254, '"quoted"', "quoted", "K", "k", "'; DROP TABLE tags; --".replace(" ", "")]
        for number, key in enumerate(keys):
            assert (await send(ann, "/api/tags", {"slug": str(number)}, key)).status_code == 201, key
        twice = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b"), *((name.encode(), value.encode()) for name, value in JSON.items())]
        assert (await ann.post("/api/tags", content=b"{}", headers=twice)).status_code == 400


# ---------------------------------------------------------------- at the same time
@pytest.mark.case(118)
async def test_of_many_with_one_key_at_once_one_is_done(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        replies = await asyncio.gather(*(send(ann, "/api/notes", {"title": "once"}, "k") for _ in range(20)))
        assert len(await rows(world, "notes")) == 1
        done = [reply for reply in replies if reply.status_code == 201]
        assert done, "nobody was told that it is done"
        for reply in replies:
            if reply.status_code != 201:
                assert (reply.status_code, code_of(reply), reply.headers["retry-after"]) == (409, "rest.idempotency_in_flight", "1")
            else:
                assert reply.content == done[0].content
        same(done[0], await send(ann, "/api/notes", {"title": "once"}, "k"))


@pytest.mark.case(118)
async def test_while_the_first_is_under_way_the_second_is_told_to_wait(each_database: str) -> None:
    gate = Gate()
    async with running(each_database, shop(gate)) as world:
        ann = await world.person()
        first = asyncio.create_task(send(ann, "/api/tags", {"slug": "waits"}, "k"))
        await gate.entered.wait()
        for body in ({"slug": "waits"}, {"slug": "other"}):
            second = await send(ann, "/api/tags", body, "k")
            assert (second.status_code, code_of(second)) == (409, "rest.idempotency_in_flight")
        gate.leave.set()
        same(await first, await send(ann, "/api/tags", {"slug": "waits"}, "k"))


async def test_whoever_gives_up_half_way_leaves_neither_row_nor_key(each_database: str) -> None:
    gate = Gate()
    async with running(each_database, shop(gate)) as world:
        ann = await world.person()
        first = asyncio.create_task(send(ann, "/api/tags", {"slug": "waits"}, "k"))
        await gate.entered.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        gate.leave.set()
        assert (await rows(world, "tags"), await rows(world, NAME)) == ([], [])
        assert (await send(ann, "/api/tags", {"slug": "waits"}, "k")).status_code == 201


async def test_another_process_waits_for_the_first_and_tells_its_reply(each_database: str) -> None:
    gate = Gate()
    async with running(each_database, shop(gate)) as here, running(each_database, shop()) as there:
        ann = await here.person()
        bearer = await ann.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": "correct horse battery"})
        abroad = there.browser(origin=None, headers={"authorization": f"Bearer {bearer.json()['access_token']}"})
        first = asyncio.create_task(send(ann, "/api/tags", {"slug": "waits"}, "k"))
        await gate.entered.wait()
        second = asyncio.create_task(send(abroad, "/api/tags", {"slug": "waits"}, "k"))
        other = asyncio.create_task(send(abroad, "/api/tags", {"slug": "other"}, "k"))
        done, _ = await asyncio.wait([second], timeout=0.3)
        assert not done, "it must not answer before it knows how the first one ends"
        gate.leave.set()
        same(await first, await second)
        assert (await other).status_code in (409, 422)
        assert len(await rows(here, "tags")) == 1


@pytest.mark.case(118)
async def test_processes_that_are_sent_one_key_at_once_do_it_once(each_database: str) -> None:
    async with running(each_database, shop()) as here, running(each_database, shop()) as there:
        ann = await here.person()
        bearer = await ann.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": "correct horse battery"})
        abroad = there.browser(origin=None, headers={"authorization": f"Bearer {bearer.json()['access_token']}"})
        for number in range(15):
            path, body = ("/api/tags", {"slug": str(number)}) if number % 3 else ("/api/twice", {"slug": str(number)})
            replies = await asyncio.gather(*(send(who, path, body, f"k{number}") for who in (ann, abroad)))
            assert {reply.status_code for reply in replies} <= {200, 201}, [reply.text for reply in replies]
            assert replies[0].content == replies[1].content
            assert sorted(replayed(reply) for reply in replies) == [False, True]


# ---------------------------------------------------------------- how long, how large, how many
@pytest.mark.case(118)
async def test_a_key_is_kept_for_a_day_and_then_free_again(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann, now = await world.person(), [1_800_000_000.0]
        clock_of(world, lambda: now[0])
        first = await send(ann, "/api/notes", {"title": "x"}, "k")
        now[0] += KEPT_SECONDS - 1
        same(first, await send(ann, "/api/notes", {"title": "x"}, "k"))
        now[0] += 2
        anew = await send(ann, "/api/notes", {"title": "y"}, "k")
        assert (anew.status_code, replayed(anew)) == (201, False)
        same(anew, await send(ann, "/api/notes", {"title": "y"}, "k"))
        assert len(await rows(world, NAME)) == 1


async def test_old_keys_are_removed_some_at_a_time_while_new_ones_come(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann, now = await world.person(), [1_800_000_000.0]
        clock_of(world, lambda: now[0])
        old = 3 * SWEPT
        for number in range(old):
            await send(ann, "/api/notes", {"title": "x"}, f"old {number}".replace(" ", "-"))
        now[0] += KEPT_SECONDS + 1
        counts: list[int] = []
        for number in range(4 * SWEEP_EVERY):
            await send(ann, "/api/notes", {"title": "x"}, f"new-{number}")
            counts.append(len(await rows(world, NAME)) - number - 1)
        steps = {before - after for before, after in pairwise(counts)}
        assert steps == {0, SWEPT}, "each sweep is bounded"
        assert counts[-1] == 0


async def test_a_reply_that_is_too_large_to_keep_is_refused_and_nothing_is_done(each_database: str) -> None:
    async with running(each_database, shop(), MAX_BODY_BYTES=4096) as world:
        ann = await world.person()
        notes = [{"title": "x" * 100}] * 20
        reply = await send(ann, "/api/notes", notes, "k")
        assert (reply.status_code, code_of(reply)) == (400, "rest.reply_too_large")
        assert "return=minimal" in reply.json()["detail"]
        assert (await rows(world, "notes"), await rows(world, NAME)) == ([], [])
        assert (await send(ann, "/api/notes", notes, "k", prefer="return=minimal")).status_code == 201
        assert (await send(ann, "/api/rpc/long", {"length": 4090}, "l")).status_code == 200
        assert (await send(ann, "/api/rpc/long", {"length": 4095}, "m")).status_code == 400


@pytest.mark.case(99)
async def test_keys_are_in_no_route_filter_or_document(each_database: str) -> None:
    async with running(each_database, shop()) as world:
        ann = await world.person()
        await send(ann, "/api/tags", {"slug": "a"}, "k")
        for path in (f"/api/{NAME}", f"/rest/v1/{NAME}", f"/api/tags?select=*,{NAME}(body)", f"/api/tags?{NAME}.status=eq.201"):
            assert (await ann.get(path)).status_code in (400, 404)
        assert NAME not in (await ann.get("/openapi.json")).text


async def test_a_key_without_the_header_costs_no_statement(tmp_path: Path) -> None:
    from tests.rules.world import listening

    async with running(f"sqlite:{tmp_path / 'app.db'}", shop()) as world:
        ann = await world.person()
        await ann.post("/api/notes", json={"title": "x"})
        with listening(world) as heard:  # type: ignore[arg-type]
            await ann.post("/api/notes", json={"title": "x"})
        assert not any(NAME in asked.text for asked in heard)
