"""Pages that begin where the last one ended: `after=`, and the `Link` that carries it, on both databases."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from backroom import App, Resource, User, allow, field, me, owner, this
from tests.rest.world import World, faults_of, running

CASES = "/api/cases"


def case_app() -> App:
    app = App()

    @app.resource("cases")
    class Case(Resource):
        title: str
        rank: int = 0
        price: Decimal | None = None
        ratio: float = 0.0
        due: datetime | None = None
        span: timedelta | None = None
        at: time | None = None
        urgent: bool = False
        blob: bytes = b""
        data: dict[str, Any] = field(default_factory=dict)
        note: str | None = None
        other: Case | None = None
        public: bool = True
        owner: User = owner()

        access = allow(read=(this.owner == me) | this.public, write=me.signed_in, create=me.signed_in, fields={"note": this.owner == me})

    return app


@asynccontextmanager
async def cases(url: str) -> AsyncGenerator[tuple[World, httpx2.AsyncClient, httpx2.AsyncClient]]:
    async with running(url, case_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for number in range(12):
            row: dict[str, Any] = {"title": f"t{number:02}", "rank": number % 3, "ratio": number / 3, "urgent": number % 2 == 0}
            if number % 4:
                row |= {"price": f"{number}.50", "due": f"2026-01-{number + 1:02}T10:00:00.123Z", "span": f"PT{number}M"}
                row["at"] = f"10:00:{number:02}"
            if number % 2:
                row["note"] = f"n{number % 5}"
            await (ann if number < 8 else bob).post(CASES, json=row | {"public": number != 9})
        yield world, ann, bob


def following(reply: httpx2.Response) -> str | None:
    found = re.fullmatch(r'<(.+)>; rel="next"', reply.headers.get("link", ""))
    return found[1] if found else None


async def walked(person: httpx2.AsyncClient, address: str) -> list[Any]:
    """Every page, to the end."""
    rows: list[Any] = []
    following_address: str | None = address
    while following_address is not None:
        reply = await person.get(following_address)
        assert reply.status_code == 200, reply.text
        rows += reply.json()
        following_address = following(reply)
    return rows


@pytest.mark.parametrize(
    "order",
    [
        "", "id.desc", "rank", "rank.desc,title", "price", "price.desc", "price.nullsfirst,rank.desc", "ratio.desc", "due.desc.nullslast", "span",
        "at.desc", "urgent,blob", "note", "note.desc,rank", "note.nullsfirst,title.desc",
    ],
)  # fmt: skip
async def test_pages_by_cursor_are_the_whole_list_in_its_order(each_database: str, order: str) -> None:
    async with cases(each_database) as (_, ann, _bob):
        whole = (await ann.get(f"{CASES}?select=title&order={order}" if order else f"{CASES}?select=title")).json()
        assert len(whole) == 11
        for size in (1, 2, 5):
            asked = f"{CASES}?limit={size}" + (f"&order={order}" if order else "")
            assert [row["title"] for row in await walked(ann, asked)] == [row["title"] for row in whole], size
            # Without the columns of the order in the reply, and with relations beside them.
            assert await walked(ann, f"{asked}&select=title") == whole
            assert await walked(ann, f"{asked}&select=title,...owner(by:id)") != []


async def test_rows_that_come_and_go_meanwhile_neither_skip_nor_repeat_others(each_database: str) -> None:
    async with cases(each_database) as (_, ann, _bob):
        reply = await ann.get(f"{CASES}?order=title&limit=4&after=")
        assert [row["title"] for row in reply.json()] == ["t00", "t01", "t02", "t03"]
        assert reply.headers["content-range"] == "0-3/*"
        assert (await ann.delete(f"{CASES}?title=in.(t00,t03)")).status_code == 204
        assert (await ann.post(CASES, json={"title": "a"})).status_code == 201
        address = following(reply)
        assert address is not None
        assert "offset" not in address
        reply = await ann.get(address, headers={"prefer": "count=exact"})
        assert [row["title"] for row in reply.json()] == ["t04", "t05", "t06", "t07"]
        assert reply.headers["content-range"] == "*/10"


@pytest.mark.case(104)
async def test_a_cursor_serves_its_own_query_and_caller_alone(each_database: str) -> None:
    async with cases(each_database) as (world, ann, bob):
        address = following(await ann.get(f"{CASES}?order=rank&limit=2&title=neq.x"))
        assert address is not None
        path, cursor = address.split("after=")
        assert (await ann.get(address.replace("limit=2", "limit=7"))).status_code == 200
        for person, changed in (
            (bob, address),
            (world.browser(), address),
            (ann, address.replace("order=rank", "order=title")),
            (ann, address.replace("neq.x", "neq.y")),
            (ann, address.replace("/api/cases", "/rest/v1/cases")),
            (ann, f"{path}after={cursor[:-2]}"),
            (ann, f"{path}after={'A' * len(cursor)}"),
            (ann, f"{path}after=%F0%9F"),
            (ann, f"{path}after=W10"),
            (ann, f"{path}after={'A' * 9000}"),
        ):
            reply = await person.get(changed)
            assert (reply.status_code, faults_of(reply)) == (400, {"after": "cursor"}), changed
        assert faults_of(await ann.get(f"{address}&offset=3")) == {"after": "unavailable"}
        assert faults_of(await ann.get(f"{address}&after={cursor}")) == {"after": "repeated"}


async def test_a_cursor_tells_nothing_of_a_cell_that_is_hidden(each_database: str) -> None:
    """The place of the last row is that of an empty cell, whatever the cell holds."""
    from base64 import urlsafe_b64decode

    async with cases(each_database) as (_, _ann, bob):
        address: str | None = f"{CASES}?order=note.nullsfirst&limit=1"
        while address is not None and "after" not in address:
            address = following(await bob.get(address))
        assert address is not None
        cursor = address.split("after=")[1]
        assert urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[16:].startswith(b"[null,")


async def test_lists_without_such_a_place_are_paged_by_offset(each_database: str) -> None:
    async with cases(each_database) as (_, ann, _bob):
        for query in ("order=data->a&limit=5", "select=title,other()&order=other(title)&limit=5", "limit=5&offset=1"):
            reply = await ann.get(f"{CASES}?{query}")
            assert "offset=" in (following(reply) or ""), query
        assert faults_of(await ann.get(f"{CASES}?order=data->a&after=")) == {"after": "unavailable"}
        ranged = await ann.get(CASES, headers={"range": "0-4"})
        assert "offset=5" in (following(ranged) or "")
