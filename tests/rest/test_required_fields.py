"""A field that every row needs and that a caller may not set: he can create none, and is told so before his body is judged."""

from __future__ import annotations

from backroom import App, Db, Resource, User, allow, anyone, me, this
from backroom.testing import client


def app_of_letters() -> App:
    app = App()

    @app.resource("places")
    class Place(Resource):
        name: str
        parent: Place | None = None
        secret: str | None = None
        access = allow(everything=anyone, fields={"secret": me.has_role("spy")})

    @app.resource("letters")
    class Letter(Resource):
        text: str
        place: Place | None = None
        stamp: str
        access = allow(everything=anyone, fields={"stamp": me.has_role("clerk")})

    @app.get("/unsigned")
    async def unsigned(me: User | None, db: Db) -> list[str]:
        return [letter.text for letter in await db.find(Letter, this.place.secret.is_null())]

    @app.get("/homeless")
    async def homeless(me: User | None, db: Db) -> list[str]:
        return [letter.text for letter in await db.find(Letter, this.place.parent.name.is_null(), order="id")]

    return app


async def test_who_may_not_set_a_required_field_can_create_no_row() -> None:
    async with client(app_of_letters()) as c:
        ann = await c.sign_up("ann@example.com")
        assert (await ann.post("/api/letters", json={"text": "hi"})).status_code == 403
        assert (await c.post("/api/letters", json={"text": "hi"})).status_code == 401


async def test_a_hidden_value_behind_a_reference_is_not_empty_to_the_caller_either() -> None:
    async with client(app_of_letters()) as c:
        async with c.db() as db:
            resources = {cls.__name__: cls for cls in (d.cls for d in c.backend.catalog.definitions.values())}
            place_of, letter_of = resources["Place"], resources["Letter"]
            empty = await db.create(place_of(name="here"))
            full = await db.create(place_of(name="there", secret="x", parent=empty))
            await db.create(letter_of(text="a", stamp="s", place=empty))
            await db.create(letter_of(text="b", stamp="s", place=full))
            await db.create(letter_of(text="c", stamp="s"))
        assert (await c.get("/api/unsigned")).json() == ["c"]
        assert (await c.get("/api/homeless")).json() == ["a", "c"]
