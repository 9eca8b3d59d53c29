"""What one session's transaction is to the code inside it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backroom import App, Conflict, Db, Resource, allow, anyone, field
from tests.rules.world import running


def shelf() -> tuple[App, Any]:
    """Books, whose hook looks at the shelf twice before it lets one in: every create is several questions."""
    app = App()

    @app.resource("books")
    class Book(Resource):
        title: str = field(unique=True)

        access = allow(everything=anyone)

    @app.before_create(Book)
    async def look(row: Book, *, db: Db) -> None:
        if await db.count(Book) > 100 or row.title == "refused":
            raise Conflict("No.")

    return app, Book


async def test_calls_at_the_same_time_in_one_transaction_wait_for_each_other(each_database: str) -> None:
    app, book = shelf()
    async with running(app, each_database) as world:
        db = world.db
        async with db.transaction():
            await asyncio.gather(*(db.create(book(title=f"book {number}")) for number in range(20)), db.count(book), db.find(book))
        assert len(await db.find(book)) == 20


async def test_one_of_several_calls_at_the_same_time_that_is_refused_undoes_only_itself(each_database: str) -> None:
    app, book = shelf()
    async with running(app, each_database) as world:
        db = world.db
        titles = ("one", "refused", "two", "two", "three", "refused")
        async with db.transaction():
            outcomes = await asyncio.gather(*(db.create(book(title=title)) for title in titles), return_exceptions=True)
        assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False, True, False, True]
        assert sorted(row.title for row in await db.find(book)) == ["one", "three", "two"]


async def test_blocks_at_the_same_time_within_a_transaction_are_each_whole_or_undone(each_database: str) -> None:
    app, book = shelf()
    async with running(app, each_database) as world:
        db = world.db

        async def pair(name: str, second: str) -> None:
            async with db.transaction():
                await asyncio.gather(db.create(book(title=f"{name} a")), db.create(book(title=second)))

        async with db.transaction():
            outcomes = await asyncio.gather(pair("kept", "kept b"), pair("undone", "refused"), pair("also", "also b"), return_exceptions=True)
        assert [isinstance(outcome, Conflict) for outcome in outcomes] == [False, True, False]
        assert sorted(row.title for row in await db.find(book)) == ["also a", "also b", "kept a", "kept b"]


async def test_a_call_that_is_given_up_lets_the_next_one_through(each_database: str) -> None:
    app, book = shelf()
    async with running(app, each_database) as world:
        db = world.db
        async with db.transaction():
            async with db.transaction():
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05), db.transaction():
                        await asyncio.Event().wait()
            await db.create(book(title="after"))
        assert [row.title for row in await db.find(book)] == ["after"]
