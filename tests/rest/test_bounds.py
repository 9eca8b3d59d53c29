"""What a stranger can make the server keep, or compute, by asking for something new each time."""

from __future__ import annotations

import asyncio
import gc
import itertools
import tracemalloc

import apsw
import pytest

from backroom import App, Resource, allow, anyone
from backroom.rest.representation import Representation
from tests.rest.newsroom_app import ARTICLES, newsroom
from tests.rest.world import code_of, running
from tests.rules.world import World as RulesWorld
from tests.rules.world import running as rules_running


def open_app() -> App:
    app = App()

    @app.resource("things")
    class Thing(Resource):
        a: str = ""
        b: str = ""
        c: str = ""
        d: str = ""
        e: str = ""
        number: int = 0

        access = allow(everything=anyone)

    return app


async def test_made_up_choices_of_columns_are_not_kept(each_database: str) -> None:
    async with running(each_database, open_app()) as world, world.browser() as stranger:
        before = _representations()
        for columns in itertools.islice(itertools.permutations(("id", "a", "b", "c", "d", "e", "number"), 5), 1500):
            assert (await stranger.get(f"/api/things?select={','.join(columns)}")).status_code == 200
        assert _representations() - before < 1100  # the last thousand queries keep theirs


def _representations() -> int:
    gc.collect()
    return sum(isinstance(each, Representation) for each in gc.get_objects())


async def test_long_queries_are_answered_and_forgotten(each_database: str) -> None:
    async with running(each_database, open_app()) as world, world.browser() as stranger:
        tracemalloc.start()
        try:
            for first in range(20):
                values = ",".join(str(each % 10) for each in range(990))
                assert (await stranger.get(f"/api/things?number=in.({first},{values})")).status_code == 200
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert kept < 1_000_000


CHILDREN = 5_000
#: Rows within rows within rows: a thousand of each in the one before.
EXPLODING = (
    "select=id,comments(article(comments(article(comments(id)))))",
    "select=id,a:comments(article(comments(*))),b:comments(article(comments(*)))",
)


async def crowd(world: RulesWorld) -> int:
    """One article with as many comments as that."""
    ann = await world.person("ann")
    article: int = (await ann.post(ARTICLES, {"title": "x", "dossier_id": None})).json()["id"]
    moment, columns = "'2026-01-01T00:00:00.000Z'", "text, public, article_id, owner_id, created_at, updated_at"
    if world.backend.store.dialect == "sqlite":
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CHILDREN})"
        rows = f"{numbers} SELECT 'c', 1, {article}, :ann, {moment}, {moment} FROM n"
    else:
        rows = f"SELECT 'c', true, {article}, :ann, {moment}, {moment} FROM generate_series(1, {CHILDREN})"
    await world.db.sql(f"INSERT INTO comments({columns}) {rows}", ann=ann.id)
    return article


@pytest.mark.case(110)
async def test_a_row_with_five_thousand_children_shows_a_thousand_and_takes_no_more_memory_than_that(each_database: str) -> None:
    async with rules_running(newsroom(), each_database, MAX_QUERY_SECONDS=2) as world:
        article, client = await crowd(world), world.nobody.client
        for query, length in (
            ("select=id,comments(id)", 1000),
            ("select=id,comments(id)&comments.limit=2000000", 1000),
            ("select=id,comments(id)&comments.order=id.desc&comments.limit=5", 5),
            (f"select=id,comments(id)&comments.offset={CHILDREN - 2}", 2),
            ("select=...comments(id)", 1000),
        ):
            for path in (f"{ARTICLES}?{query}", f"{ARTICLES}?{query}&id=eq.{article}", f"/rest/v1/articles?{query}"):
                (row,) = (await client.get(path)).json()
                assert len(row["comments"] if "comments" in row else row["id"]) == length, path
        assert (await client.get(f"{ARTICLES}?select=comments(count)")).json() == [{"comments": [{"count": CHILDREN}]}]
        for query in EXPLODING:
            for path in (f"/rest/v1/articles?{query}", f"{ARTICLES}/{article}?{query}"):
                apsw.memory_high_water(True)
                before = apsw.memory_used()
                reply = await client.get(path)
                assert (reply.status_code, code_of(reply)) in ((503, "database.timeout"), (400, "database.too_large"), (503, "57014"), (400, "54000"))
                assert apsw.memory_high_water(True) - before < 200_000_000, path
        assert (await client.get(f"{ARTICLES}?select=id,comments(id)")).status_code == 200


@pytest.mark.case(111)
async def test_a_query_that_takes_too_long_is_stopped_and_holds_nobody_up(each_database: str) -> None:
    async with rules_running(newsroom(), each_database, MAX_QUERY_SECONDS=1) as world:
        article, client = await crowd(world), world.nobody.client
        slow = [asyncio.ensure_future(client.get(f"{ARTICLES}?{query}")) for query in EXPLODING]
        quick = [asyncio.ensure_future(client.get(f"{ARTICLES}/{article}?select=title")) for _ in range(10)]
        done, _ = await asyncio.wait([*slow, *quick], return_when=asyncio.FIRST_COMPLETED)
        assert done & set(quick), "the first to be answered is not one of those that take long"
        for task in quick:
            assert (await task).status_code == 200
        for reply in await asyncio.gather(*slow, *(client.get(f"{ARTICLES}?{query}") for query in EXPLODING * 8)):
            assert (reply.status_code, code_of(reply)) in ((503, "database.timeout"), (503, "database.busy"), (400, "database.too_large"))
            assert reply.status_code == 400 or int(reply.headers["retry-after"]) > 0
        again = await asyncio.gather(*(client.get(f"{ARTICLES}?select=id,comments(id)&comments.limit=1") for _ in range(20)))
        assert {reply.status_code for reply in again} == {200}, "every connection is back"


async def test_a_reply_has_so_many_bytes_and_no_more_whichever_way_it_is_made(each_database: str) -> None:
    async with running(each_database, open_app(), MAX_REPLY_BYTES=1_048_576, MAX_BODY_BYTES=300_000) as world, world.browser() as stranger:
        for _ in range(8):
            assert (await stranger.post("/api/things", json={"a": "x" * 200_000})).status_code == 201
        for path in ("/api/things", "/api/things?select=x:a", "/rest/v1/things?order=number"):
            assert (await stranger.get(path)).status_code == 400, path
            assert (await stranger.get(f"{path}{'&' if '?' in path else '?'}limit=4")).status_code == 200, path
        told = (await stranger.get("/api/things")).json()
        assert (told["code"], "fewer rows" in told["detail"]) == ("database.too_large", True)
        assert (await stranger.get("/rest/v1/things")).json()["code"] == "54000"
