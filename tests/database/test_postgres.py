"""What Postgres alone has to prove: outages, connections that come back clean, plans, the types that go in and out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from backroom.calls import Ask, Unit
from backroom.database.database import connect
from backroom.database.postgres import WRITING, Postgres
from backroom.errors import Problem, SettingsError
from backroom.settings import Settings
from tests.postgres import Server, drop_database, fresh_database


@pytest.fixture
def url() -> Generator[str]:
    address = fresh_database()
    yield address
    drop_database(address)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Postgres]:
    database = Postgres(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def asks(*statements: str) -> Callable[[], Unit[None]]:
    def unit() -> Unit[None]:
        for statement in statements:
            yield Ask(statement)

    return unit


async def test_an_unreachable_server_stops_the_start_and_tells_no_password() -> None:
    with pytest.raises(SettingsError, match=r"Postgres at 127\.0\.0\.1 can't be used") as refused:
        await Postgres("postgresql://app:verysecret@127.0.0.1:1/app").open()
    assert "verysecret" not in str(refused.value)


@pytest.mark.parametrize("address", ["postgresql://app:verysecret@[db/app", "postgresql://app:very[secret@db]/app", "mysql://app:verysecret@db/app"])
def test_an_address_that_can_be_none_is_told_without_its_password(address: str) -> None:
    with pytest.raises(SettingsError, match=r"DATABASE_URL is") as refused:
        connect(Settings(_env_file=None, DATABASE_URL=SecretStr(address)))  # type: ignore[call-arg]
    assert "verysecret" not in str(refused.value)


async def test_values_go_in_and_out_as_what_they_are(url: str) -> None:
    values = (UUID(int=7), datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), Decimal("1.20"), True, '{"a": [1, 2]}', b"\x00\xff", 2**62)

    def unit() -> Unit[Any]:
        yield Ask("CREATE TABLE t (u uuid, at timestamptz, d numeric, b boolean, j jsonb, raw bytea, n bigint)")
        return (yield Ask("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *", values))[0]

    async with opened(url) as database:
        assert tuple(await database.write(unit)) == values


async def test_writes_are_serializable_with_one_statement_or_several(url: str) -> None:
    def level() -> Unit[str]:
        return str((yield Ask("SELECT current_setting('transaction_isolation')"))[0][0])

    async with opened(url) as database:
        assert [await database.write(level), await database.write(level, single=True)] == ["serializable"] * 2
        async with database.transaction() as transaction:
            assert tuple((await transaction.run("SELECT current_setting('transaction_isolation')"))[0]) == ("serializable",)


async def test_long_reads_are_planned_for_their_very_values(url: str) -> None:
    async with opened(url) as database:
        assert [tuple(row) for row in await database.read("SHOW plan_cache_mode", long=True)] == [("force_custom_plan",)]
        assert [tuple(row) for row in await database.read("SHOW plan_cache_mode")] == [("auto",)]


async def test_what_a_transaction_set_on_its_connection_does_not_stay(url: str) -> None:
    async with opened(url) as database:
        for _ in range(3):
            async with database.transaction() as transaction:
                assert tuple((await transaction.run("SELECT current_setting('work_mem')"))[0]) != ("123kB",)
                await transaction.run("SET work_mem = '123kB'")


async def test_more_callers_than_connections_wait_for_each_other(url: str) -> None:
    async with opened(url) as database:
        await asyncio.gather(*(database.write(asks("SELECT pg_sleep(0.02)")) for _ in range(WRITING * 3)))
        ((count,),) = await database.read(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backroom' AND datname = current_database()"
        )
        assert count <= WRITING + 1


@pytest.mark.case(111)
async def test_callers_that_leave_give_their_connections_back(url: str) -> None:
    async with opened(url) as database:
        for _ in range(3):
            tasks = [asyncio.create_task(database.read("SELECT pg_sleep(30)")) for _ in range(20)]
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(database.read("SELECT 1") for _ in range(20)))  # 503 if all connections were lost
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()"
        async with asyncio.timeout(20):  # to cancel is a message of its own, which Postgres takes when it can
            while (await database.read(asleep))[0][0]:
                await database.read("SELECT pg_sleep(0.05)")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGQUIT])
async def test_an_outage_is_503_and_heals_by_itself(end: signal.Signals) -> None:
    server = Server()
    try:
        async with opened(server.url) as database:
            await database.write(asks("CREATE TABLE t (n integer)"))
            await asyncio.gather(*(database.read("SELECT 1") for _ in range(8)))
            acknowledged, goal, working = 0, 10**9, True
            healed = asyncio.Event()

            async def client() -> set[str]:
                nonlocal acknowledged
                met: set[str] = set()
                while working:
                    try:
                        await database.write(asks("INSERT INTO t VALUES (1)"))
                        acknowledged += 1
                        await database.read("SELECT count(*) FROM t")
                        if acknowledged >= goal:
                            healed.set()
                    except Problem as problem:
                        met.add(f"{problem.status} {problem.code}, Retry-After: {problem.headers.get('Retry-After')}")
                        await asyncio.sleep(0.01)
                return met

            clients = [asyncio.create_task(client()) for _ in range(6)]
            await asyncio.sleep(0.2)
            server.end(end)
            await asyncio.sleep(0.2)
            goal = acknowledged + 20
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(60):
                await healed.wait()
            working = False
            assert set().union(*await asyncio.gather(*clients)) == {"503 http.unavailable, Retry-After: 1"}
            ((stored,),) = await database.read("SELECT count(*) FROM t")
            # A write whose reply was cut off may be stored; one that was acknowledged must be.
            assert acknowledged <= stored <= acknowledged + 6
    finally:
        server.stop()
