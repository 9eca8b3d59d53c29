"""RULES.md, K27 and K28: a write is wholly before or wholly after a revoke, and what is counted first stays counted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from backroom import App, Conflict, Db, Resource, User, allow, me, this
from tests.databases import database_url
from tests.postgres import connect
from tests.rules.projects import cast, projects
from tests.rules.world import Person, World, running


async def _waits_for(connection: Any) -> None:
    """Until some session waits for a lock that another holds. Bounded by the test's own time."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(60):
        while not await connection.fetchval(waiting):
            await connection.execute("SELECT pg_sleep(0.01)")


async def _patched_while(world: World, who: Person, task: int, *statements: str) -> httpx2.Response:
    """Somebody else runs the statements in one transaction; the PATCH comes in between, waits, and goes on after the commit."""
    other, watch = await connect(world.url), await connect(world.url)
    try:
        transaction = other.transaction()
        await transaction.start()
        for statement in statements:
            await other.execute(statement)
        asking = asyncio.ensure_future(who.patch(f"/api/tasks/{task}", {"status": "open"}))
        await _waits_for(watch)
        await transaction.commit()
        return await asking
    finally:
        await other.close()
        await watch.close()


@pytest.mark.case(122)
async def test_27_a_write_that_waited_on_the_revoke_of_its_own_right_finds_nothing(tmp_path: Path) -> None:
    with database_url("postgresql", tmp_path) as url:
        async with running(projects(), url) as world:
            c = await cast(world)
            task = await c.task("one")
            gone = f"DELETE FROM members WHERE user_id = '{c.eve.id}'"
            reply = await _patched_while(world, c.eve, task, gone, f"UPDATE tasks SET cost = cost + 1 WHERE id = {task}")
            assert reply.status_code == 404
            assert [row["status"] for row in (await world.dump("tasks"))["tasks"]] == ["draft"]


async def test_27_a_task_that_moved_between_two_of_my_projects_meanwhile_is_still_mine(tmp_path: Path) -> None:
    with database_url("postgresql", tmp_path) as url:
        async with running(projects(), url) as world:
            c = await cast(world)
            task = await c.task("one")
            now = "'2026-01-01T00:00:00Z'"
            await world.db.sql(
                f"INSERT INTO members(project_id, user_id, role, created_at, updated_at) VALUES (:project, :user, 'editor', {now}, {now})",
                project=c.q,
                user=c.eve.id,
            )
            reply = await _patched_while(world, c.eve, task, f"UPDATE tasks SET project_id = {c.q} WHERE id = {task}")
            assert (reply.status_code, reply.json()["project_id"], reply.json()["status"]) == (200, c.q, "open")


def _bookings() -> App:
    app = App()

    @app.resource("bookings")
    class Booking(Resource):
        slot: int
        access = allow(read=me.signed_in, create=me.signed_in)

    @app.resource("stocks")
    class Stock(Resource):
        left: int
        access = allow(read=me.signed_in)

    @app.before_create(Booking)
    async def once(booking: Booking, *, db: Db) -> None:
        if await db.count(Booking, this.slot == booking.slot):
            raise Conflict("The slot is taken.", code="bookings.taken")

    @app.post("/buy")
    async def buy(me: User, db: Db) -> int:
        async with db.transaction():
            stock = await db.trusted().get(Stock, 1)
            if not stock.left:
                raise Conflict("Sold out.")
            return (await db.trusted().update(stock, left=stock.left - 1)).left

    @app.seed
    async def fill(db: Db) -> None:
        await db.create(Stock(left=100))

    return app


async def test_28_of_fifty_bookings_that_count_first_one_wins(each_database: str) -> None:
    async with running(_bookings(), each_database) as world:
        ann = await world.person("ann")
        replies = await asyncio.gather(*(ann.post("/api/bookings", {"slot": 1}) for _ in range(50)))
        statuses = sorted(reply.status_code for reply in replies)
        assert statuses.count(201) == 1
        assert set(statuses) <= {201, 409, 503}
        assert len((await world.dump("bookings"))["bookings"]) == 1


@pytest.mark.case(121)
async def test_28_two_hundred_decrements_in_transactions_are_exact(each_database: str) -> None:
    app = _bookings()
    async with running(app, each_database) as world:
        await app.seeds[0](world.db)
        ann = await world.person("ann")

        async def buy() -> int:
            return (await ann.post("/api/buy", {})).status_code

        statuses = await asyncio.gather(*(buy() for _ in range(200)))
        sold = statuses.count(200)
        left = (await world.dump("stocks"))["stocks"][0]["left"]
        assert left == 100 - sold >= 0
        assert set(statuses) <= {200, 409, 503}
        if not left:
            assert sold == 100
