"""Many at once, clients that leave, a lock that somebody else holds: whole or nothing, and an answer in bounded time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import apsw
import pytest
from starlette.types import Message

from tests.http.doors import scope_of
from tests.rest.crowded_app import THING, crowded_app
from tests.rest.world import ORIGIN, World, code_of, running


@pytest.mark.case(121)
async def test_121_of_two_hundred_takers_a_hundred_get_one_and_the_stock_is_never_negative(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        key = (await ann.post("/api/stock", json={"left": 100})).json()["id"]
        statuses: Counter[int] = Counter()

        async def take() -> None:
            reply = await ann.post("/api/take", json={"id": key})
            while reply.status_code == 503:  # it says: try again
                reply = await ann.post("/api/take", json={"id": key})
            statuses[reply.status_code] += 1

        for _ in range(4):
            await asyncio.gather(*(take() for _ in range(50)))
        assert statuses == {200: 100, 409: 100}
        assert (await ann.get(f"/api/stock/{key}")).json()["left"] == 0


async def test_two_patches_of_different_fields_are_both_kept(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        item = f"{THING}/{(await ann.post(THING, json={})).json()['id']}"
        for round_ in range(10):
            replies = await asyncio.gather(
                ann.patch(item, json={"text": f"t{round_}"}),
                ann.patch(item, json={"count": round_}),
                ann.patch(item, json={"code": f"c{round_}", "kept": "kept"}),
            )
            assert [reply.status_code for reply in replies] == [200, 200, 200]
            row = (await ann.get(item)).json()
            assert (row["text"], row["count"], row["code"]) == (f"t{round_}", round_, f"c{round_}")
        assert (await ann.get(item)).headers["etag"].startswith('"31-')


async def test_of_fifty_creates_with_one_unique_value_one_succeeds(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        people = [await world.program(f"p{number}") for number in range(3)]
        replies = await asyncio.gather(*(people[number % 3].post(THING, json={"code": "same"}) for number in range(50)))
        assert Counter(reply.status_code for reply in replies) == {201: 1, 409: 49}


async def leaves(world: World, method: str, path: str, body: bytes, cookie: str, *, after: float | None) -> None:
    """A request whose client goes away: before its body is complete (`after` None), or so many seconds after sending it."""
    gone = asyncio.Event()
    sent: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    if after is None:
        sent = [{"type": "http.request", "body": body[: len(body) // 2], "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        if sent:
            return sent.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if gone.is_set():
            raise OSError("the client has gone")

    headers = {"host": "app.example.com", "content-type": "application/json", "cookie": cookie, "origin": ORIGIN}
    task = asyncio.create_task(world.backend.door(scope_of(method, path, headers), receive, send))
    if after is not None:
        await asyncio.wait([task], timeout=after)  # until it is answered, or this moment has come
        gone.set()
        if random.random() < 0.5:
            task.cancel()  # what a server does that notices
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.case(123)
async def test_123_a_client_that_leaves_leaves_a_whole_write_or_none(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        cookie = "; ".join(f"{name}={value}" for name, value in ann.cookies.items())
        rng = random.Random(123)
        array = b"[" + b",".join(b'{"text":"part"}' for _ in range(50)) + b"]"
        for number in range(40):
            await leaves(world, "POST", THING, array, cookie, after=None if number % 8 == 0 else rng.uniform(0, 0.01))
            await leaves(world, "POST", "/api/fragile", b'{"text":"hooked"}', cookie, after=None if number % 8 == 1 else rng.uniform(0, 0.01))
        counted = await ann.get(f"{THING}?text=eq.part&limit=1", headers={"prefer": "count=exact"})
        assert int(counted.headers["content-range"].rpartition("/")[2]) % 50 == 0
        assert (await ann.post("/api/fragile", json={"text": "after"})).status_code == 201  # the writer is free


@pytest.mark.case(122)
async def test_122_a_lock_held_from_outside_is_a_503_with_a_time_to_come_again_and_reading_goes_on(tmp_path: Path) -> None:
    async with running(f"sqlite:{tmp_path / 'app.db'}", crowded_app()) as world:
        ann = await world.person()
        item = f"{THING}/{(await ann.post(THING, json={})).json()['id']}"
        other: Any = apsw.Connection(str(tmp_path / "app.db"))
        other.execute("BEGIN IMMEDIATE")
        begun = monotonic()
        waiting = [
            asyncio.create_task(ann.post(THING, json={"text": "late"})),
            asyncio.create_task(ann.patch(item, json={"count": 1})),
            asyncio.create_task(ann.post("/api/fragile", json={})),
        ]
        slowest = 0.0
        while not all(task.done() for task in waiting):
            asked = perf_counter()
            assert (await ann.get(item)).status_code == 200
            slowest = max(slowest, perf_counter() - asked)
            await asyncio.sleep(0.05)
        assert monotonic() - begun < 40
        for task in waiting:
            reply = task.result()
            assert (reply.status_code, code_of(reply)) == (503, "database.busy")
            assert int(reply.headers["retry-after"]) >= 1
        assert slowest < 4.0  # the writers wait five
        other.execute("ROLLBACK")
        other.close()
        assert (await ann.post(THING, json={"text": "now"})).status_code == 201
        assert [row["text"] for row in (await ann.get(THING)).json()] == ["now", ""]
