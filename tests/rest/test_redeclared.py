"""An app that is declared anew over the tables it had: what was allowed, kept or tagged under the old declaration counts for nothing."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from backroom import App, Db, Resource, allow, anyone, field, me
from backroom.auth.administration import set_role
from backroom.calls import Actor
from tests.rest.world import faults_of, soon
from tests.rest.world import running as browsing
from tests.rules.world import World, running

NOTES = "/api/notes"


def growing(url: str, app: App) -> Any:
    """In development, where tables follow what is declared."""
    return browsing(url, app, DEVELOPMENT=True)


def notes(access: Any, *, types_: Mapping[str, type] | None = None, **extra: Any) -> App:
    """Notes with or without a field `extra`."""
    app = App()
    body: dict[str, Any] = {"__annotations__": {"text": str} | dict.fromkeys(extra, str) | dict(types_ or {}), "access": access, **extra}
    app.resource("notes")(types.new_class("Note", (Resource,), exec_body=lambda namespace: namespace.update(body)))
    return app


@pytest.mark.advisory("CVE-2025-64746")
@pytest.mark.case(103)
async def test_a_field_that_comes_back_under_its_old_name_is_another_field(each_database: str) -> None:
    async with growing(each_database, notes(allow(everything=anyone), extra=field(default="old"))) as world:
        client = world.browser()
        made = await client.post(NOTES, json={"text": "a", "extra": "canary"})
        tag, item = made.headers["etag"], f"{NOTES}/{made.json()['id']}"
        assert (await client.get(f"{NOTES}?extra=eq.canary")).json() == [made.json()]
        await Db(world.backend.store, Actor.TRUSTED).sql("ALTER TABLE notes DROP COLUMN extra")
    async with growing(each_database, notes(allow(everything=anyone))) as world:
        client = world.browser()
        assert (await client.get(f"{NOTES}?extra=eq.canary")).status_code == 400
        assert (await client.get(item, headers={"if-none-match": tag})).status_code == 200
        assert (await client.post(NOTES, json={"text": "b", "extra": "x"})).status_code == 400
    access = allow(everything=anyone, fields={"extra": me.has_role("boss")})
    async with growing(each_database, notes(access, extra=field(default="new"))) as world:
        client, boss = world.browser(), await world.person("boss")
        await set_role(world.backend.store, "boss@example.com", "boss")
        for query in ("extra=eq.canary", "select=extra", "order=extra", "or=(extra.eq.canary,id.gt.0)"):
            assert (await client.get(f"{NOTES}?{query}")).status_code == 400, query
        shown = await client.get(item, headers={"if-none-match": tag})
        assert (shown.status_code, "extra" in shown.json()) == (200, False)
        assert (await client.post(NOTES, json={"text": "c", "extra": "x"})).status_code == 400
        seen = await soon(lambda: boss.get(f"{NOTES}?extra=eq.new"), 200)
        assert [row["extra"] for row in seen.json()] == ["new"], "nothing of the old field is left"


@pytest.mark.case(103)
@pytest.mark.parametrize(
    ("before", "after"),
    [(int, str), (str, int), (str, datetime), (int, Decimal), (datetime, bool), (Decimal, date)],
)
async def test_a_cursor_of_a_field_that_is_another_now_is_no_cursor(each_database: str, before: type, after: type) -> None:
    values: dict[type, Any] = {
        int: 3, str: "x", datetime: datetime(2026, 1, 1, tzinfo=UTC), Decimal: Decimal("1.5"), bool: True, date: date(2026, 1, 1), bytes: b"x"
    }  # fmt: skip

    async with growing(each_database, notes(allow(everything=anyone), types_={"extra": before}, extra=field(default=values[before]))) as world:
        client = world.browser()
        await client.post(NOTES, json=[{"text": "a"}, {"text": "b"}, {"text": "c"}])
        link = (await client.get(f"{NOTES}?order=extra&limit=1")).headers["link"]
        address = link.partition(">")[0].removeprefix("<")
        assert "after=" in address and (await client.get(address)).status_code == 200
        await Db(world.backend.store, Actor.TRUSTED).sql("ALTER TABLE notes DROP COLUMN extra")
    async with growing(each_database, notes(allow(everything=anyone), types_={"extra": after}, extra=field(default=values[after]))) as world:
        client = world.browser()
        assert (await client.get(f"{NOTES}?order=extra&limit=1")).status_code == 200
        reply = await client.get(address)
        assert (reply.status_code, faults_of(reply)) == (400, {"after": "cursor"})


@pytest.mark.case(102, 103)
async def test_a_rule_that_changed_between_two_starts_is_the_new_one_for_every_question(each_database: str) -> None:
    questions = (NOTES, f"{NOTES}?text=eq.a", f"{NOTES}?order=text.desc&limit=5", f"{NOTES}/1", f"{NOTES}?select=text", "/rest/v1/notes")

    async def asked(world: World, who: Any, **headers: str) -> list[httpx2.Response]:
        return [await who.get(path, headers=headers) for path in questions]

    async with running(notes(allow(everything=anyone)), each_database) as world:
        await world.nobody.post(NOTES, {"text": "a"})
        before = [reply for _ in range(7) for reply in await asked(world, world.nobody)]  # often enough for a driver to prepare them
        assert {reply.status_code for reply in before} == {200}
        tag = before[3].headers["etag"]
    async with running(notes(allow(everything=me.has_role("boss"))), each_database) as world:
        ann, boss = await world.person("ann"), await world.person("boss", roles=["boss"])
        for _ in range(7):
            for who, statuses in ((world.nobody, [401] * 5 + [200]), (ann, [403] * 5 + [200])):
                replies = await asked(world, who, **{"if-none-match": tag})
                assert [reply.status_code for reply in replies] == statuses
                assert replies[-1].json() == []
            assert all(reply.status_code in (200, 304) for reply in await asked(world, boss, **{"if-none-match": tag}))
        assert (await ann.patch(f"{NOTES}/1", {"text": "x"}, headers={"if-match": tag})).status_code == 403
