"""PyPI's `postgrest`, synchronous and asynchronous, against a served app: the same uses as supabase-js, from Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from httpx import AsyncClient, Client
from postgrest import APIError, AsyncPostgrestClient, SyncPostgrestClient

from tests.databases import DATABASES, database_url
from tests.flows.postgrest_checks import CHECKS, Check, People
from tests.flows.seeded_library import bearer, library, signed_in
from tests.flows.seen import Seen, compare, everything_seen
from tests.flows.servers import Server

_KEY = {"apikey": "sb_publishable_anything"}


class Served:
    """A served library, the headers of its people, and words that were not used yet."""

    def __init__(self, database: str, server: Server) -> None:
        self.database, self.url = database, f"{server.url}/rest/v1"
        self.headers = [{**_KEY, **bearer(signed_in(server, name))} for name in ("ann", "bob")] + [_KEY]
        self._words = count(1)

    def word(self) -> str:
        return f"w{next(self._words)}"


@pytest.fixture(scope="module", params=DATABASES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    folder = tmp_path_factory.mktemp(request.param)
    with database_url(request.param, folder) as url, library(folder, DATABASE_URL=url) as server:
        yield Served(request.param, server)


def seen_by_sync(served: Served) -> list[Seen]:
    with Client() as http:
        clients = [SyncPostgrestClient(served.url, headers=headers, http_client=http) for headers in served.headers]
        return [_try(check, People(clients, served.word())) for check in CHECKS]


def _try(check: Check, people: People) -> Seen:
    *before, (ask, holds) = check.steps
    for earlier, right in before:
        assert right(earlier(people).execute()), check
    try:
        reply = ask(people).execute()
    except APIError as error:
        return refused(check, error)
    return worked(check, holds, reply)


async def seen_by_async(served: Served) -> list[Seen]:
    async with _clients(served) as clients:
        return [await _try_async(check, People(clients, served.word())) for check in CHECKS]


@asynccontextmanager
async def _clients(served: Served) -> AsyncGenerator[list[Any]]:
    async with AsyncClient() as http:
        yield [AsyncPostgrestClient(served.url, headers=headers, http_client=http) for headers in served.headers]


async def _try_async(check: Check, people: People) -> Seen:
    *before, (ask, holds) = check.steps
    for earlier, right in before:
        assert right(await earlier(people).execute()), check
    try:
        reply = await ask(people).execute()
    except APIError as error:
        return refused(check, error)
    return worked(check, holds, reply)


def refused(check: Check, error: APIError) -> Seen:
    assert error.code == check.refused, f"{check.method}, {check.use}: {error.code}: {error.message}"
    assert error.message
    return Seen(check.method, check.use, code=error.code, message=error.message)


def worked(check: Check, holds: Callable[[Any], bool], reply: Any) -> Seen:
    assert check.refused is None, f"{check.method}, {check.use} should have been refused"
    assert holds(reply), f"{check.method}, {check.use}: {reply}"
    return Seen(check.method, check.use)


def test_every_use_of_the_synchronous_client_is_answered_as_the_page_says(served: Served) -> None:
    compare("postgrest", "checks", seen_by_sync(served), served.database)


def test_the_asynchronous_client_sees_what_the_synchronous_one_sees(served: Served) -> None:
    compare("postgrest", "checks", asyncio.run(seen_by_async(served)), served.database)


def test_both_languages_are_refused_with_the_same_codes() -> None:
    refusals = {(each.method, each.use): each.code for each in everything_seen("supabase-js") if each.code}
    own = [each for each in everything_seen("postgrest") if each.code and (each.method, each.use) in refusals]
    assert len(own) > 10
    assert [each for each in own if refusals[each.method, each.use] != each.code] == []


def test_a_method_of_the_page_is_a_method_of_the_client() -> None:
    builder = SyncPostgrestClient("http://localhost").table("books")
    known = {*dir(builder), *dir(builder.select("*")), *dir(SyncPostgrestClient)}
    assert {name for check in CHECKS for name in check.method.split(", ")} - known == set()
