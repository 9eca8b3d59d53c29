"""Rows through `db`: what goes in comes out, on both databases; relations, hooks, transactions, raw SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel

from backroom import App, Db, NotLoaded, Problem, Resource, User, allow, anyone, field, many, me, now, owner, ref, replace, this
from tests.rules.world import running


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(Enum):
    SMALL = 1
    LARGE = 2


class Address(BaseModel):
    street: str
    lines: list[str] = []


VALUES: dict[str, Any] = {
    "text": "é \N{SNOWMAN}\n\"'",
    "whole": 2**53 - 1,
    "real": 0.1,
    "real_whole": 5.0,
    "flag": True,
    "money": Decimal("49.90"),
    "day": date(2026, 12, 1),
    "moment": datetime(2026, 12, 1, 9, 0, 0, 123000, UTC),
    "clock": time(9, 30),
    "span": timedelta(hours=1, minutes=30),
    "key": UUID(int=7),
    "raw": b"\0\xff",
    "tree": {"a": [1, None, {"b": "c"}]},
    "words": ["x", "y"],
    "color": Color.BLUE,
    "size": Size.LARGE,
    "choice": "two",
    "address": Address(street="s", lines=["a"]),
}
ON_THE_WIRE: dict[str, Any] = {
    **VALUES,
    "money": "49.90",
    "day": "2026-12-01",
    "moment": "2026-12-01T09:00:00.123Z",
    "clock": "09:30:00",
    "span": "PT1H30M",
    "key": str(UUID(int=7)),
    "raw": "AP8=",
    "color": "blue",
    "size": 2,
    "address": {"street": "s", "lines": ["a"]},
}


def everything() -> tuple[App, type[Any]]:
    app = App()

    @app.resource("samples")
    class Sample(Resource[UUID]):
        text: str | None
        whole: int | None
        real: float | None
        real_whole: float | None
        flag: bool | None
        money: Decimal | None
        day: date | None
        moment: datetime | None
        clock: time | None
        span: timedelta | None
        key: UUID | None
        raw: bytes | None
        tree: dict[str, Any] | None
        words: list[str] | None
        color: Color | None
        size: Size | None
        choice: Literal["one", "two"] | None
        address: Address | None

        access = allow(everything=anyone)

    return app, Sample


async def test_every_type_comes_back_as_it_went_in(each_database: str) -> None:
    app, sample = everything()
    async with running(app, each_database) as world:
        made = await world.db.create(sample(**VALUES))
        again = await world.db.get(sample, made.id)
        empty = await world.db.create(sample(**dict.fromkeys(VALUES)))
        for name, value in VALUES.items():
            assert getattr(made, name) == value == getattr(again, name), name
            assert isinstance(getattr(again, name), type(value)), name
            assert getattr(empty, name) is None
        shown = (await world.nobody.get(f"/api/samples/{made.id}")).json()
        posted = await world.nobody.post("/api/samples", ON_THE_WIRE)
        array = await world.nobody.post("/api/samples", [ON_THE_WIRE, dict.fromkeys(VALUES)])
        put = await world.nobody.put(f"/api/samples/{empty.id}", ON_THE_WIRE)
        for reply in (shown, posted.json(), array.json()[0], put.json()):
            assert {name: reply[name] for name in VALUES} == ON_THE_WIRE
        assert {array.json()[1][name] for name in VALUES} == {None}
        for name, value in VALUES.items():
            if name not in ("tree", "words", "address", "raw"):
                found = await world.db.find(sample, this[name] == value)
                assert len(found) == 4, name


async def test_decimals_compare_by_value_on_every_path(each_database: str) -> None:
    app = App()

    @app.resource("prices")
    class Price(Resource):
        amount: Decimal
        most: Decimal = Decimal(100)

        access = allow(read=this.amount < this.most, create=this.amount <= Decimal(100), update=this.amount < Decimal(1000))

    async with running(app, each_database) as world:
        assert (await world.nobody.post("/api/prices", {"amount": "99.5"})).status_code == 201
        assert (await world.nobody.post("/api/prices", [{"amount": "9"}, {"amount": "100"}])).status_code == 201
        assert (await world.nobody.post("/api/prices", {"amount": "101"})).status_code == 403
        assert [row["amount"] for row in (await world.nobody.get("/api/prices?order=amount.desc")).json()] == ["99.5", "9"]
        assert [row["amount"] for row in (await world.nobody.get("/api/prices?amount=lt.10.0")).json()] == ["9"]
        assert [row["amount"] for row in (await world.nobody.get("/api/prices?amount=in.(99.50)")).json()] == ["99.5"]
        assert (await world.nobody.patch("/api/prices/1", {"amount": "5000"})).status_code == 403
        assert (await world.nobody.patch("/api/prices/1", {"amount": "500"})).status_code == 200


async def test_raw_sql_answers_by_name_inside_and_outside_a_transaction(each_database: str) -> None:
    app, sample = everything()
    async with running(app, each_database) as world:
        db = world.db
        made = await db.create(sample(**{**VALUES, "whole": 2**40}))
        asked = "SELECT count(*) AS n, max(whole) AS most FROM samples WHERE id = :key AND moment = :moment AND whole > :least"
        values = {"key": made, "moment": VALUES["moment"], "least": 2**35}
        assert [dict(row) for row in await db.sql(asked, **values)] == [{"n": 1, "most": 2**40}]
        async with db.transaction():
            rows = await db.sql("UPDATE samples SET text = :text WHERE id = :key RETURNING text, whole", text="new", key=made)
            assert [dict(row) for row in rows] == [{"text": "new", "whole": 2**40}]
        assert await db.sql("SELECT id FROM samples WHERE text = :text", text="none") == []
        with pytest.raises(TypeError, match="parameters"):
            await db.sql("SELECT :x")
        with pytest.raises(TypeError, match="trusted"):
            await (await world.as_(world.nobody)).sql("SELECT 1")


def library() -> tuple[App, dict[str, Any]]:
    app = App()

    @app.resource("books")
    class Book(Resource):
        title: str
        secret: bool = False
        owner: User = owner()
        sequel: Book | None = None
        prequels: list[Book] = many(via="sequel")
        tags: list[Tag] = many(through="TagOnBook")

        access = allow(read=(this.owner == me) | ~this.secret, create=me.signed_in, update=this.owner == me, fields={"sequel": ~this.secret})

    @app.resource("tags")
    class Tag(Resource):
        name: str = field(unique=True)
        hidden: bool = False
        access = allow(read=~this.hidden, create=me.signed_in)

    @app.resource("tag_on_book", unique=[("tag", "book")])
    class TagOnBook(Resource):
        tag: Tag
        book: Book = field(on_delete="cascade")
        access = allow(everything=me.signed_in)

    return app, {"Book": Book, "Tag": Tag, "TagOnBook": TagOnBook}


async def test_included_relations_hold_only_what_the_caller_may_read(each_database: str) -> None:
    app, made = library()
    book, tag, junction = made["Book"], made["Tag"], made["TagOnBook"]
    async with running(app, each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        his, hers = await world.as_(bob), await world.as_(ann)
        secret = await hers.create(book(title="secret", secret=True))
        first = await hers.create(book(title="first", sequel=None))
        await world.db.update(first, sequel=secret)
        await hers.create(book(title="zero", sequel=first))
        for name, hidden in (("a", False), ("b", True)):
            await world.db.create(junction(tag=await world.db.create(tag(name=name, hidden=hidden)), book=first))
        seen = await his.get(book, first.id, include=["sequel", "prequels", "tags", "owner"])
        assert (seen.sequel, [each.title for each in seen.prequels], [each.name for each in seen.tags]) == (None, ["zero"], ["a"])
        assert seen.owner is None, "people read themselves only"
        mine = await hers.get(book, first.id, include=["sequel", "owner"])
        assert (mine.sequel.title, mine.owner.email) == ("secret", "ann@example.com")
        plain = await hers.get(book, first.id)
        assert plain.owner.id == ann.id
        with pytest.raises(NotLoaded):
            _ = plain.owner.email
        # Through a relation, too, questions see only what the caller sees.
        assert await his.find(book, this.sequel.title == "secret") == []
        assert [each.title for each in await hers.find(book, this.sequel.title == "secret")] == ["first"]
        assert await his.find(book, this.tags.any(name="b")) == []
        assert [each.title for each in await his.find(book, this.tags.any(name="a"))] == ["first"]
        assert [each.title for each in await his.find(book, this.prequels.any(title="zero"))] == ["first"]


async def test_cascades_may_go_round_in_a_circle(each_database: str) -> None:
    app = App()
    told: list[Any] = []

    @app.resource("nodes")
    class Node(Resource):
        next: Node | None = field(on_delete="cascade")
        access = allow(everything=anyone)

    @app.resource("watched")
    class Watched(Resource):
        next: Watched | None = field(on_delete="cascade")
        access = allow(everything=anyone)

    @app.after_delete(Watched)
    async def after(row: Watched) -> None:
        told.append(row.id)

    async with running(app, each_database) as world:
        both: list[tuple[Any, str]] = [(Node, "nodes"), (Watched, "watched")]
        for cls, name in both:
            one = await world.db.create(cls(next=None))
            two = await world.db.create(cls(next=one))
            await world.db.update(one, next=two)
            await world.db.create(cls(next=two))
            assert (await world.nobody.delete(f"/api/{name}/{one.id}")).status_code == 204
            assert (await world.dump(name))[name] == []
        assert sorted(told) == [1, 2, 3]
        last = await world.db.create(Node(next=None))
        for _ in range(1500):
            last = await world.db.create(Node(next=last))
        assert (await world.nobody.delete(f"/api/nodes/{last.id - 1500}")).status_code == 204, "a long chain is no deep recursion"
        assert (await world.dump("nodes"))["nodes"] == []


async def test_hooks_run_in_order_and_what_they_return_is_validated_and_judged(each_database: str) -> None:
    app = App()
    told: list[str] = []

    @app.resource("paints")
    class Paint(Resource):
        name: str = field(max_length=10)
        color: Color = Color.RED
        code: str = field(default="", read_only=True)
        owner: User = owner()
        access = allow(
            read=this.owner == me,
            create=(this.owner == me) & (this.name != "banned"),
            update=(this.owner == me) & (this.name != "banned"),
            delete=this.owner == me,
        )

    @app.before_create(Paint)
    async def first(row: Paint, *, me: User | None) -> Paint:
        told.append(f"first {row.name} {row.color} {me.email if me else None}")
        return replace(row, name=row.name.strip(), code="c")

    @app.before_create(Paint)
    async def second(row: Paint) -> Paint | None:
        told.append(f"second {row.name}")
        return (
            replace(row, color=Color.BLUE)
            if row.name == "blue"
            else replace(row, name="x" * 20)
            if row.name == "long"
            else replace(row, name="banned")
            if row.name == "bad"
            else None
        )

    @app.after_create(Paint)
    async def after(row: Paint, *, db: Db) -> None:
        told.append(f"after {row.id} {await db.count(Paint)}")

    @app.before_update(Paint)
    async def changing(row: Paint, changes: dict[str, Any]) -> Paint | None:
        told.append(f"changing {row.color} {sorted(changes)}")
        return replace(row, name="banned") if row.name == "bad" else replace(row, color=Color.RED)

    @app.after_update(Paint)
    async def changed(row: Paint, before: Paint) -> None:
        told.append(f"changed {before.name} {row.name}")

    async with running(app, each_database) as world:
        ann = await world.person("ann")
        reply = await ann.post("/api/paints", {"name": " blue "})
        assert (reply.status_code, reply.json()["color"], reply.json()["name"], reply.json()["code"]) == (201, "blue", "blue", "c")
        assert told == ["first  blue  Color.RED ann@example.com", "second blue", "after 1 1"]
        told.clear()
        assert (await ann.post("/api/paints", {"name": "long"})).status_code == 400
        assert (await ann.post("/api/paints", {"name": "bad"})).status_code == 403
        assert len((await world.dump("paints"))["paints"]) == 1
        told.clear()
        reply = await ann.patch("/api/paints/1", {"name": "sky"})
        assert (reply.json()["name"], reply.json()["color"]) == ("sky", "red")
        assert told == ["changing Color.BLUE ['name']", "changed blue sky"]
        assert (await ann.patch("/api/paints/1", {"name": "bad"})).status_code == 403
        assert (await world.dump("paints"))["paints"][0]["name"] == "sky"


async def test_a_transaction_is_shared_by_all_sessions_made_of_one(each_database: str) -> None:
    app, made = library()
    tag = made["Tag"]
    async with running(app, each_database) as world:
        ann = await world.person("ann")
        user, db = await world.user(ann), world.db
        hers = db.as_user(user)
        with pytest.raises(RuntimeError):
            async with db.transaction():
                await db.create(tag(name="a"))
                await hers.create(tag(name="b"))
                assert await hers.count(tag) == 2
                raise RuntimeError
        assert await db.count(tag) == 0
        async with db.transaction():
            await db.create(tag(name="a"))
            with pytest.raises(Problem):
                async with db.transaction():
                    await db.create(tag(name="b"))
                    await db.create(tag(name="a"))
            await db.create(tag(name="c"))
        assert [each.name for each in await db.find(tag, order="name")] == ["a", "c"]


@pytest.mark.parametrize("hooked", [False, True])
async def test_many_rows_change_and_go_at_once_where_the_caller_may(each_database: str, hooked: bool) -> None:
    app, touched = App(), list[str]()

    @app.resource("chores")
    class Chore(Resource):
        title: str
        done: bool = False
        due: datetime | None = None
        owner: User = owner()
        access = allow(read=anyone, create=me.signed_in, update=(this.owner == me) & (this.title != "final"), delete=this.owner == me)

    if hooked:

        @app.after_update(Chore)
        async def changed(row: Chore, before: Chore) -> None:
            touched.append(f"{before.title}-{row.title}")

        @app.after_delete(Chore)
        async def gone(row: Chore) -> None:
            touched.append(f"no {row.title}")

    async with running(app, each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for who in (ann, bob):
            for title in ("a", "b"):
                await who.post("/api/chores", {"title": title, "due": "2020-01-01T00:00:00Z"})
        hers = await world.as_(ann)
        assert await hers.update_where(Chore, this.title.in_(["a", "b"]), done=True) == 2
        assert await hers.count(Chore, this.done) == await hers.count(Chore, this.done & (this.owner == me)) == 2
        assert await hers.count(Chore, this.due < now) == 4
        assert await world.db.count(Chore, (this.owner == me) | me.signed_in) == 0, "code is nobody"
        with pytest.raises(Problem) as refused:
            await hers.update_where(Chore, this.done, title="final")
        assert refused.value.status == 403
        assert await hers.count(Chore, this.title == "final") == 0
        assert await hers.delete_where(Chore, ~this.done) == 0
        assert await hers.delete_where(Chore, this.title == "a") == 1
        assert touched == (["a-a", "b-b", "no a"] if hooked else [])
        with pytest.raises(TypeError, match="owner"):
            await hers.create(Chore(title="x", owner=await world.user(bob)))  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="no field"):
            await hers.find(Chore, this.titel == "x")


async def test_a_check_passes_what_is_empty_and_refuses_what_is_false(each_database: str) -> None:
    app = App()

    @app.resource("slots", check=(this.ends > this.starts) & ~this.kind.in_(["bad", "worse"]))
    class Slot(Resource):
        starts: int
        ends: int | None = None
        kind: str | None = None
        access = allow(everything=anyone)

    async with running(app, each_database) as world:
        for body, status in (
            ({"starts": 1}, 201),
            ({"starts": 1, "ends": 2, "kind": "good"}, 201),
            ({"starts": 2, "ends": 1}, 409),
            ({"starts": 1, "kind": "bad"}, 409),
        ):
            assert (await world.nobody.post("/api/slots", body)).status_code == status, body
        assert (await world.nobody.patch("/api/slots/2", {"ends": 0})).status_code == 409


async def test_a_reference_by_key_and_uuid_keys_sort_by_age(each_database: str) -> None:
    app, sample = everything()
    async with running(app, each_database) as world:
        keys = [(await world.db.create(sample(**dict.fromkeys(VALUES)))).id for _ in range(5)]
        assert keys == sorted(keys)
        assert [each.id for each in await world.db.find(sample, order="id")] == keys
        await world.db.delete(ref(sample, keys[0]))
        with pytest.raises(Problem) as gone:
            await world.db.get(sample, keys[0])
        assert gone.value.status == 404
