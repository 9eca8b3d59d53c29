"""Faults that an audit of the rules found, each by the way it was found."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from backroom import App, Db, Forbidden, NotFound, Resource, User, allow, anyone, field, many, me, nobody, owner, replace, this
from backroom.errors import DeclarationError
from tests.rules.world import running


@pytest.mark.advisory("CVE-2023-34093")
async def test_of_two_base_classes_the_nearest_hands_down_its_access(each_database: str) -> None:
    app = App()

    class Open(Resource):
        access = allow(everything=anyone)

    class Private(Open):
        access = allow(everything=me.has_role("admin"))

    @app.resource("secrets")
    class Secret(Private):
        text: str = ""

    async with running(app, each_database) as world:
        assert (await world.nobody.post("/api/secrets", {"text": "x"})).status_code == 401
        assert (await world.nobody.get("/api/secrets")).status_code == 401


async def test_no_resource_can_be_named_like_the_alias_of_another(each_database: str) -> None:
    app = App()

    @app.resource("items")
    class Item(Resource):
        parent: Item | None = None
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.resource("items_1")
    class Other(Resource):
        parent: Item = field(reference="any")

        access = allow(read=this.parent.owner == me, create=this.parent.owner == me)

    async with running(app, each_database) as world:
        ann, eve = await world.person("ann"), await world.person("eve")
        hers = (await ann.post("/api/items", {})).json()["id"]
        made = await ann.post("/api/items_1", {"parent_id": hers})
        assert made.json()["parent_id"] == hers
        own = (await eve.post("/api/items", {})).json()["id"]
        assert (await eve.patch(f"/api/items/{own}", {"parent_id": own})).status_code == 200
        assert (await eve.get(f"/api/items_1/{made.json()['id']}")).status_code == 404


def test_a_field_named_twice_in_fields_stops_the_start() -> None:
    app = App()

    @app.resource("notes")
    class Note(Resource):
        boss: User | None = None

        access = allow(everything=anyone, fields={"boss": nobody, "boss_id": anyone})

    with pytest.raises(DeclarationError, match="names `boss` twice"):
        app.catalog.freeze()


def test_a_required_field_whose_default_is_none_stops_the_start() -> None:
    app = App()

    @app.resource("notes")
    class Note(Resource):
        title: str = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

        access = allow(everything=anyone)

    with pytest.raises(DeclarationError, match=r"write `title: str \| None = None`"):
        app.catalog.freeze()


def member_app() -> tuple[App, Any]:
    app = App()

    @app.resource("projects")
    class Project(Resource):
        members: list[Member] = many(via="project")

        access = allow(read=anyone, create=me.signed_in)

    @app.resource("members", unique=[("project", "user")])
    class Member(Resource):
        project: Project
        user: User

        access = allow(read=anyone, write=this.project.members.any(user=me))

    @app.before_delete(Member)
    async def looked_at(row: Member) -> None:
        assert row.id

    @app.post("/empty")
    async def empty(me: User, db: Db) -> dict[str, int]:
        return {"n": await db.delete_where(Member)}

    return app, Member


async def test_a_delete_of_many_is_judged_before_the_first_of_them_goes_hooks_or_not(each_database: str) -> None:
    app, member = member_app()
    async with running(app, each_database) as world:
        eve, others = await world.person("eve"), [await world.person(name) for name in ("bob", "cat")]
        project = (await eve.post("/api/projects", {})).json()["id"]
        for person in (eve, *others):
            await world.db.create(member(project=await world.db.get(app.catalog.definitions["projects"].cls, project), user=await world.user(person)))
        assert (await eve.post("/api/empty", {})).json() == {"n": 3}
        assert (await eve.get("/api/members")).json() == []


async def test_a_change_from_one_to_true_inside_json_is_a_change(each_database: str) -> None:
    app = App()

    @app.resource("docs")
    class Doc(Resource):
        data: dict[str, Any] = field(default_factory=dict)
        owner: User = owner()

        access = allow(everything=this.owner == me, fields={"data": allow(read=anyone, create=anyone, update=this.owner == me)})

    async with running(app, each_database) as world:
        ann = await world.person("ann")
        made = (await ann.post("/api/docs", {"data": {"n": 1}})).json()
        assert (await ann.patch(f"/api/docs/{made['id']}", {"data": {"n": True}})).json()["data"] == {"n": True}


async def test_of_an_array_all_rows_have_an_id_or_none(each_database: str) -> None:
    app = App()

    @app.resource("pages", client_key=True)
    class Page(Resource):
        title: str

        access = allow(everything=anyone)

    @app.resource("words", client_key=True)
    class Word(Resource[str]):
        title: str = ""

        access = allow(everything=anyone)

    async with running(app, each_database) as world:
        for sent in ([{"title": "a"}, {"id": 70, "title": "b"}], [{"id": 70, "title": "a"}, {"title": "b"}]):
            refused = await world.nobody.post("/api/pages", sent)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "id")
        assert (await world.nobody.post("/api/words", {"title": "x"})).json()["errors"][0]["code"] == "required"
        made = await world.nobody.post("/api/words", {"id": "a/b?\r\nSet-Cookie: c=d"})
        assert made.status_code == 201
        assert made.headers["location"] == "/api/words/a%2Fb%3F%0D%0ASet-Cookie%3A%20c%3Dd"


async def test_a_nested_transaction_that_runs_out_of_time_leaves_nothing(each_database: str) -> None:
    app = App()

    @app.resource("docs")
    class Doc(Resource):
        tag: str

        access = allow(read=anyone)

    async with running(app, each_database) as world:
        db = world.db
        async with db.transaction():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), db.transaction():
                    await db.create(Doc(tag="undone"))
                    await asyncio.Event().wait()
            await db.create(Doc(tag="kept"))
        assert [doc.tag for doc in await db.find(Doc)] == ["kept"]


async def test_an_upsert_tells_a_hooks_own_refusal(each_database: str) -> None:
    app = App()

    @app.resource("docs")
    class Doc(Resource):
        slug: str = field(unique=True)
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.before_update(Doc)
    async def frozen(row: Doc, changes: dict[str, Any]) -> None:
        raise Forbidden("Frozen.", code="docs.frozen")

    async with running(app, each_database) as world:
        ann = await world.person("ann")
        assert (await ann.post("/api/docs", {"slug": "a"})).status_code == 201
        headers = {"prefer": "resolution=merge-duplicates"}
        again = await ann.post("/api/docs?on_conflict=slug", {"slug": "a", "owner_id": str(ann.id)}, headers=headers)
        assert (again.status_code, again.json()["code"]) == (403, "docs.frozen")


async def test_what_is_missing_is_caught_as_not_found(each_database: str) -> None:
    app, member = member_app()
    async with running(app, each_database) as world:
        with pytest.raises(NotFound):
            await world.db.get(member, 999)


@pytest.mark.parametrize("claim", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1e999999", "NaN"])
async def test_a_claim_that_no_column_can_hold_is_unknown(each_database: str, claim: str) -> None:
    from datetime import datetime
    from decimal import Decimal

    app = App()

    @app.resource("docs")
    class Doc(Resource[UUID]):
        at: datetime | None = None
        price: Decimal | None = None

        access = allow(create=anyone, read=(this.at < me.claims["x"]) | (this.price < me.claims["x"]))

    async with running(app, each_database) as world:
        ann = await world.person("ann", claims={"x": claim})
        reply = await ann.get("/api/docs")
        assert reply.status_code in (200, 403)


async def test_resources_that_refer_to_each_other_start_in_silence(each_database: str) -> None:
    app = App()

    @app.resource("teams")
    class Team(Resource):
        captain: Player | None = None

        access = allow(everything=anyone)

    @app.resource("players")
    class Player(Resource):
        team: Team

        access = allow(everything=anyone)

    async with running(app, each_database) as world:  # a warning would be an error here
        team = (await world.nobody.post("/api/teams", {})).json()["id"]
        player = (await world.nobody.post("/api/players", {"team_id": team})).json()["id"]
        assert (await world.nobody.patch(f"/api/teams/{team}", {"captain_id": player})).json()["captain_id"] == player


async def test_an_upsert_by_somebody_who_reads_nothing_answers_as_a_create_does(each_database: str) -> None:
    app = App()

    @app.resource("letters")
    class Letter(Resource):
        slug: str = field(unique=True)
        text: str = ""

        access = allow(create=anyone, read=me.has_role("staff"), update=anyone)

    async with running(app, each_database) as world:
        headers = {"prefer": "resolution=merge-duplicates"}
        staff = await world.person("ann", roles=("staff",))
        for who in (world.nobody, await world.person("bob")):
            slug = str(who.email)
            made = await who.post("/api/letters?on_conflict=slug", {"slug": slug, "text": "mine"}, headers=headers)
            assert (made.status_code, made.json()) == (201, {})
            plain = await who.post("/api/letters", {"slug": slug})
            again = await who.post("/api/letters?on_conflict=slug", {"slug": slug}, headers=headers)
            assert (again.status_code, again.content) == (plain.status_code, plain.content) and again.status_code == 409
            assert (await who.post("/api/letters", {"id": 1, "slug": "x"}, headers=headers)).status_code == 404
        assert {row["text"] for row in (await staff.get("/api/letters")).json()} == {"mine"}


async def test_a_signed_out_upsert_onto_a_row_that_is_not_his_to_change_is_a_clash(each_database: str) -> None:
    app = App()

    @app.resource("letters")
    class Letter(Resource):
        slug: str = field(unique=True)

        access = allow(create=anyone, read=anyone, update=me.signed_in)

    async with running(app, each_database) as world:
        assert (await world.nobody.post("/api/letters", {"slug": "a"})).status_code == 201
        again = await world.nobody.post("/api/letters?on_conflict=slug", {"slug": "a"}, headers={"prefer": "resolution=merge-duplicates"})
        assert (again.status_code, again.json()["code"]) == (409, "database.unique")


async def test_a_delete_shows_its_rows_whatever_their_keys_are(each_database: str) -> None:
    app = App()

    @app.resource("notes")
    class Note(Resource[UUID]):
        title: str

        access = allow(everything=anyone)

    async with running(app, each_database) as world:
        await world.nobody.post("/api/notes", [{"title": "a"}, {"title": "b"}])
        gone = await world.nobody.delete("/api/notes?title=eq.a", headers={"prefer": "return=representation"})
        assert (gone.status_code, [row["title"] for row in gone.json()], gone.headers["content-range"]) == (200, ["a"], "*/1")


async def test_an_upsert_may_make_a_row_that_its_sender_can_not_read_whatever_its_key_is(each_database: str) -> None:
    app = App()

    @app.resource("notes")
    class Note(Resource[UUID]):
        slug: str = field(unique=True)
        prior: Note | None = field(default=None, reference="any")

        # Looks at other notes, so the reply is read after the write.
        access = allow(create=anyone, update=anyone, read=this.prior.slug == "open")

    async with running(app, each_database) as world:
        headers = {"prefer": "resolution=merge-duplicates"}
        for path in ("/api/notes?on_conflict=slug", "/api/notes?on_conflict=slug&select=slug,prior(slug)"):
            made = await world.nobody.post(path, {"slug": path}, headers=headers)
            assert (made.status_code, made.json()) == (201, {})
        first = str((await world.db.find_one(Note, this.slug == path)).id)  # type: ignore[union-attr]
        opened = await world.nobody.post("/api/notes", {"slug": "open"})
        assert opened.status_code == 201
        key = str((await world.db.find_one(Note, this.slug == "open")).id)  # type: ignore[union-attr]
        seen = await world.nobody.post("/api/notes?select=slug,prior(slug)", {"slug": "seen", "prior_id": key})
        assert (seen.status_code, seen.json()) == (201, {"slug": "seen", "prior": None})
        hidden = await world.nobody.patch("/api/notes?slug=eq.seen&select=slug,prior(slug)", {"prior_id": first})
        assert (hidden.status_code, hidden.json(), hidden.headers["content-range"]) == (200, [], "*/1")


@pytest.mark.parametrize("hooked", [False, True])
async def test_a_row_of_an_array_is_judged_by_the_fields_that_it_sends_itself(each_database: str, hooked: bool) -> None:
    app = App()

    @app.resource("offers")
    class Offer(Resource):
        title: str
        price: int = 7
        note: str | None = None
        mine: bool = True

        access = allow(
            read=anyone,
            create=me.signed_in,
            fields={"price": allow(read=anyone, create=this.mine), "note": allow(read=anyone, create=me.has_role("boss"))},
        )

    if hooked:

        @app.before_create(Offer)
        async def looked_at(row: Offer) -> Offer | None:
            return replace(row, note="by the hook") if row.title == "noted" else None

    async with running(app, each_database) as world:
        ann = await world.person("ann")
        # Of the second, whose price nobody sends, the rule of the price is not asked.
        mixed = [{"title": "a", "price": 1}, {"title": "b", "mine": False}, {"title": "c"}]
        for face in ("/api", "/rest/v1"):
            made = await ann.post(f"{face}/offers", mixed, headers={"prefer": "return=representation"})
            assert (made.status_code, [row["price"] for row in made.json()]) == (201, [1, 7, 7]), made.text
            for wrong in ([*mixed, {"title": "d", "price": 2, "mine": False}], [{"title": "d", "mine": False, "price": 7}, *mixed]):
                refused = await ann.post(f"{face}/offers", wrong)
                assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "price")
            assert (await ann.post(f"{face}/offers", [{"title": "e"}, {"title": "f", "note": "x"}])).status_code == 403
        if hooked:
            noted = await ann.post("/api/offers", [{"title": "noted", "mine": False}, {"title": "plain", "price": 3}])
            assert [row["note"] for row in noted.json()] == ["by the hook", None]
        assert len((await world.dump("offers"))["offers"]) == (8 if hooked else 6)
