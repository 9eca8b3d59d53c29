"""Values that `select` names, casts, sums up or finds in JSON, as both databases print them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backroom import App, Resource, allow, anyone
from tests.rest.world import faults_of, running

WALKS = "/api/walks"


def walk_app() -> App:
    app = App()

    @app.resource("places")
    class Place(Resource):
        name: str
        near: Place | None = None

        access = allow(everything=anyone)

    @app.resource("walks", aggregates=True)
    class Walk(Resource):
        took: timedelta | None = None
        place: Place | None = None
        seen: dict[str, Any] | None = None

        access = allow(everything=anyone)

    return app


async def selected(browser: Any, select: str) -> Any:
    reply = await browser.get(WALKS, params={"select": select, "order": "id"})
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_an_empty_duration_stays_null_under_another_name(each_database: str) -> None:
    async with running(each_database, walk_app()) as world:
        browser = world.browser()
        assert (await browser.post(WALKS, json=[{"took": None}, {"took": "PT0S"}, {"took": "PT90M"}])).status_code == 201
        assert await selected(browser, "length:took") == [{"length": None}, {"length": "PT0S"}, {"length": "PT1H30M"}]
        assert await selected(browser, "took::text") == [{"took": None}, {"took": "PT0S"}, {"took": "PT1H30M"}]


async def test_a_cast_to_text_and_text_within_json_are_text(each_database: str) -> None:
    async with running(each_database, walk_app()) as world:
        browser = world.browser()
        for seen in ({"n": 7}, {"n": "x"}, {"n": [1]}, {"n": True}, {"n": None}):
            await browser.post(WALKS, json={"seen": seen})
        assert [row["id"] for row in await selected(browser, "id::text")] == ["1", "2", "3", "4", "5"]
        assert [row["n"] for row in await selected(browser, "seen->>n")] == ["7", "x", "[1]", "true", None]
        assert [row["n"] for row in await selected(browser, "seen->n")] == [7, "x", [1], True, None]


async def test_a_sum_of_durations_is_a_duration(each_database: str) -> None:
    async with running(each_database, walk_app()) as world:
        browser = world.browser()
        assert (await browser.post(WALKS, json=[{"took": "P1DT0.5S"}, {"took": "PT90M"}, {"took": None}])).status_code == 201
        reply = await browser.get(WALKS, params={"select": "took.sum(),least:took.min(),count()"})
        assert reply.json() == [{"sum": "P1DT1H30M0.5S", "least": "PT1H30M", "count": 3}]


async def test_a_key_that_two_spread_relations_would_both_write_is_refused(each_database: str) -> None:
    async with running(each_database, walk_app()) as world:
        browser = world.browser()
        for select in ("id,...place(id)", "id,...place(...near(id))", "...place(name,...near(name))"):
            reply = await browser.get(WALKS, params={"select": select})
            assert (reply.status_code, faults_of(reply)) == (400, {"select": "repeated"}), select
        assert (await browser.get(WALKS, params={"select": "id,...place(name,...near(next:name))"})).status_code == 200


async def test_a_relation_named_twice_is_refused_also_where_one_of_them_is_not_shown(each_database: str) -> None:
    async with running(each_database, walk_app()) as world:
        browser = world.browser()
        for select, name in (
            ("...place(id),place(name)", "place"),
            ("place(),place(name)", "place"),
            ("place(...near(id),near(name))", "place.near"),
        ):
            reply = await browser.get(WALKS, params={"select": select})
            assert (reply.status_code, faults_of(reply)) == (400, {name: "repeated"}), select
        assert (await browser.get(WALKS, params={"select": "...place(at:id),place2:place(name)"})).status_code == 200


async def test_what_rows_come_to_can_not_be_spread(each_database: str) -> None:
    async with running(each_database, walk_app()) as world:
        browser = world.browser()
        for select, relation in (("...place(count)", "place"), ("...place(id,count())", "place"), ("place(...near(name.max()))", "place.near")):
            reply = await browser.get(WALKS, params={"select": select})
            assert (reply.status_code, faults_of(reply).get(relation)) == (400, "unavailable"), select
