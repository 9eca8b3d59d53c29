"""One value of `me`, asked in several ways by one set of rules: each way reads it for itself."""

from __future__ import annotations

from enum import Enum

from backroom import App, Resource, allow, me, now, this
from tests.rules.world import running


class Level(Enum):
    LOW = "low"
    HIGH = "high"


async def test_an_empty_prefix_matches_nothing_even_where_the_same_claim_is_compared(each_database: str) -> None:
    app = App()

    @app.resource("files")
    class File(Resource):
        path: str
        team: str = ""

        access = allow(read=this.path.startswith(me.claims["team"]) | ((this.team == me.claims["team"]) & (this.path == "exact")))

    async with running(app, each_database) as world:
        for path, team in (("a/1", "a"), ("b/1", ""), ("exact", "")):
            await world.db.create(File(path=path, team=team))
        for claim, seen in (("", ["exact"]), ("a", ["a/1"]), ("a/", ["a/1"]), ("%", []), ("A", [])):
            who = await world.person(f"p{len(world.people)}", claims={"team": claim})
            reply = await who.get("/api/files")
            assert reply.status_code == 200
            assert [row["path"] for row in reply.json()] == seen, claim


async def test_a_claim_is_read_alike_whatever_the_columns_choices_are(each_database: str) -> None:
    app = App()

    @app.resource("doors")
    class Door(Resource):
        level: Level
        note: str = ""

        access = allow(read=(this.level != me.claims["level"]) & (this.note != me.claims["level"]))

    async with running(app, each_database) as world:
        await world.db.create(Door(level=Level.LOW, note="x"))
        for claim, count in (("high", 1), ("low", 0), ("x", 0), ("unheard", 1)):
            reply = await (await world.person(f"p{len(world.people)}", claims={"level": claim})).get("/api/doors")
            assert len(reply.json()) == count, claim


async def test_the_clock_may_stand_beside_a_claim_or_a_constant(each_database: str) -> None:
    app = App()

    @app.resource("issues")
    class Issue(Resource):
        title: str = ""
        access = allow(read=me.claims["paid_until"] > now)

    async with running(app, each_database) as world:
        await world.db.create(Issue())
        for claim, status, count in (
            ("2999-01-01T00:00:00Z", 200, 1),
            ("2020-01-01T00:00:00+02:00", 200, 0),
            ("soon", 403, 0),
            ("2999-01-01T00:00:00", 403, 0),
            (5, 403, 0),
        ):
            reply = await (await world.person(f"p{len(world.people)}", claims={"paid_until": claim})).get("/api/issues")
            assert reply.status_code == status, claim
            assert status != 200 or len(reply.json()) == count


async def test_a_rule_with_an_enum_member_means_what_is_stored(each_database: str) -> None:
    app = App()

    @app.resource("doors")
    class Door(Resource):
        level: Level
        access = allow(read=this.level != Level.HIGH, create=this.level.in_([Level.LOW]))

    async with running(app, each_database) as world:
        for level in Level:
            await world.db.create(Door(level=level))
        assert [row["level"] for row in (await world.nobody.get("/api/doors")).json()] == ["low"]
        assert (await world.nobody.post("/api/doors", {"level": "high"})).status_code == 403
        assert (await world.nobody.post("/api/doors", {"level": "low"})).status_code == 201
        before = await world.dump()
        assert (await world.nobody.post("/api/doors", [{"level": "low"}, {"level": "high"}])).status_code == 403
        assert await world.dump() == before, "all or none"
