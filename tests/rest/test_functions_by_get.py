"""Functions asked by GET: arguments from the address, and a `db` that changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from backroom import App, Db, Resource, User, allow, anyone, field, me, owner, this
from tests.rest.world import code_of, faults_of, running

FACES = ("/api/rpc", "/rest/v1/rpc")


def library() -> App:
    app = App()

    @app.resource("books")
    class Book(Resource):
        title: str = field(unique=True)
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.resource("hooked")
    class Hooked(Resource):
        title: str = ""
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.before_create(Hooked)
    async def look(row: Any) -> None:
        assert row is not None

    @app.function("echo", access=anyone)
    async def echo(
        text: str,
        number: int = 0,
        ratio: float = 0.0,
        flag: bool = False,
        day: date | None = None,
        key: UUID | None = None,
        words: list[str] | None = None,
        numbers: list[int] | None = None,
    ) -> dict[str, Any]:
        return {"text": text, "number": number, "ratio": ratio, "flag": flag, "day": day, "key": key, "words": words, "numbers": numbers}

    @app.function("titles")
    async def titles(me: User, db: Db) -> list[str]:
        async with db.transaction():
            found = await db.find(Book, order="title")
        assert await db.count(Book) == len(found)
        return [book.title for book in found]

    @app.function("raw")
    async def raw(me: User, db: Db, least: int = 0) -> list[dict[str, Any]]:
        return [dict(row) for row in await db.trusted().sql("SELECT title, id FROM books WHERE id > :least ORDER BY id", least=least)]

    @app.function("nothing", access=anyone)
    async def nothing() -> None:
        return None

    @app.function("shape", access=anyone)
    async def shape(data: dict[str, Any]) -> int:
        return len(data)

    @app.function("both", access=anyone)
    async def both() -> str:
        return "post"

    @app.get("/rpc/both", access=anyone)
    async def both_by_get() -> str:
        return "get"

    writes: dict[str, Callable[[Db], Awaitable[Any]]] = {
        "create": lambda db: db.create(Book(title="new")),
        "upsert": lambda db: db.upsert(Book(title="one"), on=["title"]),
        "update_where": lambda db: db.update_where(Book, this.title == "one", title="changed"),
        "delete_where": lambda db: db.delete_where(Book, this.title == "one"),
        "trusted": lambda db: db.trusted().delete_where(Book),
        "hook": lambda db: db.create(Hooked()),
        "sql": lambda db: db.trusted().sql("UPDATE books SET title = 'changed'"),
        "returning": lambda db: db.trusted().sql("DELETE FROM books RETURNING id"),
    }

    async def update(db: Db) -> None:
        await db.update(await db.find_one(Book) or Book(title=""), title="changed")

    async def delete(db: Db) -> None:
        await db.delete(await db.find_one(Book) or Book(title=""))

    async def within(db: Db) -> None:
        async with db.transaction():
            await db.create(Book(title="new"))

    for name, write in {**writes, "update": update, "delete": delete, "within": within}.items():
        app.function(f"write_{name}")(_writing(write))
    return app


def _writing(write: Callable[[Db], Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    async def run(me: User, db: Db) -> None:
        await write(db)

    return run


WRITES = ("create", "upsert", "update_where", "delete_where", "trusted", "hook", "sql", "returning", "update", "delete", "within")


async def test_arguments_in_the_address_are_read_by_their_types(each_database: str) -> None:
    async with running(each_database, library()) as world:
        nobody = world.browser(origin=None)
        query = "text=a%20b&number=7&ratio=0.5&flag=true&day=2026-12-01&key=0190b6c4-7b1e-7cc2-a4f7-0242ac120002"
        for face in FACES:
            reply = await nobody.get(f'{face}/echo?{query}&words={{a,"b,c",}}&numbers={{1,2,-3}}')
            assert reply.status_code == 200, reply.text
            assert reply.json() == {
                "text": "a b",
                "number": 7,
                "ratio": 0.5,
                "flag": True,
                "day": "2026-12-01",
                "key": "0190b6c4-7b1e-7cc2-a4f7-0242ac120002",
                "words": ["a", "b,c", ""],
                "numbers": [1, 2, -3],
            }
            posted = await nobody.post(f"{face}/echo", json={**reply.json()})
            assert posted.content == reply.content
            repeated = (await nobody.get(f"{face}/echo?text={{a}}&words=x&words=y&numbers={{}}")).json()
            assert (repeated["text"], repeated["words"], repeated["numbers"]) == ("{a}", ["x", "y"], [])
            assert (await nobody.get(f"{face}/nothing")).status_code == 204


async def test_a_fault_in_the_address_is_told_with_its_name(each_database: str) -> None:
    async with running(each_database, library()) as world:
        nobody = world.browser(origin=None)
        for query, faults in (
            ("", {"text": "required"}),
            ("text=a&number=x&flag=1", {"number": "type", "flag": "type"}),
            ("text=a&words={a", {"words": "syntax"}),
            ("text=a&numbers={1,x}", {"numbers": "type"}),
            ("text=a&numbers={1,NULL}", {"numbers.1": "required"}),
            ("text=a&text=b", {"text": "repeated"}),
            ("text=a&txt=b", {"txt": "unknown"}),
        ):
            reply = await nobody.get(f"/api/rpc/echo?{query}")
            assert (reply.status_code, faults_of(reply)) == (400, faults), query


async def test_head_says_what_get_says_without_a_body(each_database: str) -> None:
    async with running(each_database, library()) as world:
        ann = await world.person()
        await ann.post("/api/books", json={"title": "one"})
        for face in FACES:
            got, head = await ann.get(f"{face}/titles"), await ann.head(f"{face}/titles")
            assert (got.json(), head.status_code, head.content) == (["one"], 200, b"")
            assert head.headers["content-length"] == str(len(got.content))


async def test_a_function_reads_rows_transactions_and_sql_by_get(each_database: str) -> None:
    async with running(each_database, library()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for title in ("one", "two"):
            await ann.post("/api/books", json={"title": title})
        assert (await ann.get("/api/rpc/titles")).json() == ["one", "two"]
        assert (await bob.get("/api/rpc/titles")).json() == []
        assert (await world.browser().get("/api/rpc/titles")).status_code == 401
        assert [row["title"] for row in (await ann.get("/rest/v1/rpc/raw?least=1")).json()] == ["two"]


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_by_get_is_405_and_changes_nothing(each_database: str, name: str) -> None:
    async with running(each_database, library()) as world:
        ann = await world.person()
        before = (await ann.post("/api/books", json={"title": "one"})).json()
        for face, code in zip(FACES, ("rest.read_only", "25006"), strict=True):
            reply = await ann.get(f"{face}/write_{name}")
            assert (reply.status_code, code_of(reply)) == (405, code), reply.text
            assert reply.headers["allow"] == "POST, OPTIONS"
            assert (await ann.head(f"{face}/write_{name}")).status_code == 405
        assert (await ann.get("/api/books")).json() == [before]
        assert (await ann.get("/api/hooked")).json() == []
        assert (await ann.post(f"/api/rpc/write_{name}", json={})).status_code == 204


async def test_what_does_not_fit_into_an_address_or_is_said_otherwise_is_no_get(each_database: str) -> None:
    async with running(each_database, library()) as world:
        nobody = world.browser(origin=None)
        refused = await nobody.get("/api/rpc/shape?data={}")
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST, OPTIONS")
        assert ((await nobody.get("/api/rpc/both")).json(), (await nobody.post("/api/rpc/both")).json()) == ("get", "post")


async def test_a_link_on_a_foreign_page_calls_no_function_in_somebodys_name(each_database: str) -> None:
    async with running(each_database, library()) as world:
        ann = await world.person()
        cookie = "; ".join(f"{name}={value}" for name, value in ann.cookies.items())
        for origin, site, status in (
            (None, None, 403),
            (None, "cross-site", 403),
            (None, "none", 403),
            (None, "same-site", 403),
            ("https://evil.example", "cross-site", 403),
            ("null", None, 403),
            (None, "same-origin", 200),
            ("https://app.example.com", None, 200),
        ):
            headers = {"cookie": cookie, **({"sec-fetch-site": site} if site else {})}
            reply = await world.browser(origin=origin, headers=headers).get("/api/rpc/titles")
            assert reply.status_code == status, (origin, site)
        program = await world.program("bob")
        assert (await program.get("/api/rpc/titles")).status_code == 200
