"""Queries that inject, widen, cost or overflow: 400 or a literal match, and the SQL holds placeholders only."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from time import thread_time
from typing import Any

import httpx2
import pytest

from tests.rest.crowded_app import THING, crowded_app
from tests.rest.world import HARMLESS, World, code_of, running

SEEDS: tuple[str, ...] = (
    "' OR '1'='1",
    "'; DROP TABLE things; --",
    '" OR ""="',
    "1; SELECT pg_sleep(5)",
    "1 UNION SELECT password_hash FROM _accounts",
    "') OR 1=1 --",
    "%' OR '%'='",
    "\\'; --",
    "/**/OR/**/1=1",
    "0x27204f522031",
    "||(SELECT 1)||",
    "$1",
    ":owner_id",
    "?",
    "%(id)s",
    "{0}",
    "${7*7}",
    "{{7*7}}",
    "*",
    "`",
    "a.b",
    "things.vault",
    "id) FROM _accounts --",
    "count(*)",
    "vault",
    "salary",
    "owner(email)",
    "\u02bc OR 1=1",
    "CHAR(39)",
    "x'41'",
    "eq.1",
    "not.eq.1",
    "is.null",
    "in.(1)",
    "(1)",
    ",",
    ")",
    "(",
    '"',
    "=",
)


def payloads(number: int) -> list[str]:
    """So many hostile texts: the seeds, and what a seeded mixer makes of them."""
    rng = random.Random(105)
    found: list[str] = [*SEEDS]
    while len(found) < number:
        found.append(
            "".join(rng.sample(SEEDS, 2)) if rng.random() < 0.6 else rng.choice(SEEDS)[: rng.randrange(1, 12)] + rng.choice("'\"();-%_\\\t\u0660")
        )
    return found


@asynccontextmanager
async def watched(world: World) -> AsyncGenerator[list[str]]:
    """The texts of all statements that the database is asked while the block runs."""
    asked: list[str] = []
    database: Any = world.backend.database
    read, write = database.read, database.write

    async def reading(text: str, *given: Any, **more: Any) -> Any:
        asked.append(text)
        return await read(text, *given, **more)

    def unit_of(unit: Any) -> Any:
        def watching() -> Generator[Any, Any, Any]:
            inner = unit()
            try:
                question = next(inner)
                while True:
                    asked.append(question.text)
                    try:
                        answer: Any = yield question
                    except Exception as error:  # noqa: BLE001 - handed on to the unit, which decides
                        question = inner.throw(error)
                    else:
                        question = inner.send(answer)
            except StopIteration as done:
                return done.value

        return watching

    async def writing(unit: Any, **more: Any) -> Any:
        return await write(unit_of(unit), **more)

    database.read, database.write = reading, writing
    try:
        yield asked
    finally:
        del database.read, database.write


@pytest.mark.case(105)
async def test_105_five_hundred_payloads_are_literals_or_refused_and_never_reach_the_sql(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        await bob.post(THING, json={"text": "bobs"})
        rows = (await ann.post(THING, json=[{"text": text} for text in payloads(500)])).json()
        assert [row["text"] for row in rows] == payloads(500)
        async with watched(world) as asked:
            for index, payload in enumerate(payloads(500)):
                literal = await ann.get(THING, params={"text": f"eq.{payload}", "limit": "1000"})
                assert {row["text"] for row in literal.json()} == {payload}, payload
                quoted = payload.replace("\\", "\\\\").replace('"', '\\"')
                listed = await ann.get(THING, params={"text": f'in.("{quoted}")', "select": "text", "limit": "1000"})
                assert {row["text"] for row in listed.json()} == {payload}, payload
                place = (
                    {"text": payload},
                    {payload: "eq.1"},
                    {"order": payload},
                    {"select": payload},
                    {"or": f"(text.eq.{payload})"},
                    {"id": f"eq.{payload}"},
                    {"limit": payload},
                    {"offset": payload},
                )[index % 8]
                reply = await ann.get(THING, params=place)
                assert reply.status_code in (200, 400), (place, reply.text)
                assert "bobs" not in reply.text.replace(payload, "")
                changed = await ann.patch(
                    f"{THING}/{rows[index]['id']}",
                    json={"code": f"{index}{payload}"[:200]},
                    headers={"prefer": payload.encode("ascii", "replace").decode()},
                )
                assert changed.json()["code"] == f"{index}{payload}"[:200]
        marks = [payload for payload in SEEDS if len(payload) > 6]
        told = "\n".join(asked)
        assert len(asked) > 1500
        assert not [mark for mark in marks if mark in told and mark not in ("things.vault", "count(*)")]
        assert "'" not in HARMLESS.sub("", told), "a literal text stands in a statement"
        assert len((await bob.get(THING)).json()) == 1


@pytest.mark.case(91)
@pytest.mark.advisory("CVE-2024-39701")
async def test_91_an_empty_list_matches_nothing_and_no_filter_widens_what_a_caller_sees(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        await ann.post(THING, json=[{"text": "a", "count": 1}, {"text": "b", "count": 2}])
        await bob.post(THING, json=[{"text": "secret", "count": 1}])

        async def texts(client: httpx2.AsyncClient, query: str) -> list[str] | int:
            reply = await client.get(f"{THING}?{query}&order=id")
            return [row["text"] for row in reply.json()] if reply.status_code == 200 else reply.status_code

        assert await texts(ann, "count=in.()") == []
        assert await texts(ann, "count=not.in.()") == ["a", "b"]
        assert await texts(ann, "or=(count.eq.1,id.gt.0)") == ["a", "b"]
        assert await texts(ann, "not.and=(count.eq.1,count.eq.2)") == ["a", "b"]
        assert await texts(ann, "or=(owner_id.is.null,owner_id.not.is.null)") == ["a", "b"]
        assert await texts(ann, "or=()") == 400
        assert await texts(ann, "and=()") == 400
        mine = (await bob.get("/api/session")).json()["id"]
        assert await texts(ann, f"owner_id=eq.{mine}") == []
        assert await texts(ann, f"or=(owner_id.eq.{mine},text.eq.secret)") == []
        assert await texts(bob, f"owner_id=eq.{mine}") == ["secret"]
        counted = await ann.get(f"{THING}?text=eq.secret", headers={"prefer": "count=exact"})
        assert counted.headers["content-range"] == "*/0"


@pytest.mark.case(90, 94)
async def test_90_a_hidden_field_answers_like_one_that_does_not_exist_wherever_it_is_named(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        await ann.post(THING, json={"text": "x"})
        for hidden in ("vault", "salary"):
            for query in (
                "{}=eq.1",
                "{}=is.null",
                "order={}.desc",
                "select={}",
                "select=id,{}",
                "or=(id.gt.0,{}.eq.1)",
                "or=(id.gt.0,and(id.gt.0,or({}.eq.1,id.gt.0)))",
                "not.and=(id.gt.0,not.or({}.is.null,id.gt.0))",
            ):
                told = await ann.get(f"{THING}?{query.format(hidden)}")
                other = await ann.get(f"{THING}?{query.format('zzzzz')}")
                assert told.status_code == other.status_code == 400, (hidden, query)
                assert told.text.replace(hidden, "zzzzz") == other.text


@pytest.mark.case(108)
async def test_108_and_109_a_query_costs_no_more_than_its_bounds(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        await ann.post(THING, json={"text": "100% a_b\\c"})
        slow = ("a" * 5000 + "!", "(a+)+$" * 500, "\\" * 5000, "%" * 5000, '"' * 4000, "(" * 4000, "not." * 1000, "and(" * 1000)
        for text in slow:
            for name in ("text", "or", "order", "select", "id", "at", "price", "lasts", "data", "limit"):
                begun = thread_time()
                reply = await ann.get(THING, params={name: text if name != "or" else f"({text})"})
                assert reply.status_code in (200, 400, 414), (name, text[:20])
                assert thread_time() - begun < 2, (name, text[:20])
        fifty = "&".join("count=gte.0" for _ in range(50))
        assert (await ann.get(f"{THING}?{fifty}")).status_code == 200
        assert (await ann.get(f"{THING}?{fifty}&count=eq.1")).status_code == 400
        assert (await ann.get(f"{THING}?id=in.({','.join(map(str, range(1000)))})")).status_code == 200
        assert (await ann.get(f"{THING}?id=in.({','.join(map(str, range(1001)))})")).status_code == 400
        for text in ("100%", "100% a_b\\c", "100_ a_b\\c"):  # % and _ and \ mean themselves
            assert len((await ann.get(THING, params={"text": f"eq.{text}"})).json()) == (text == "100% a_b\\c")


@pytest.mark.case(111)
async def test_111_limits_and_offsets_are_bounded_whole_numbers(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        await ann.post(THING, json=[{"text": ""}] * 3)
        for limit, status in (
            ("0", 200),
            ("1", 200),
            ("1000", 200),
            ("1001", 400),
            ("-1", 400),
            ("1e3", 400),
            ("1.5", 400),
            ("", 400),
            ("9" * 30, 400),
            (str(2**63), 400),
            ("+1", 400),
            ("null", 400),
        ):
            assert (await ann.get(f"{THING}?limit={limit}")).status_code == status, limit
        for offset, status in (("0", 200), ("1000000", 200), ("1000001", 400), ("-1", 400), (str(2**63), 400), ("1000000000", 400)):
            assert (await ann.get(f"{THING}?offset={offset}")).status_code == status, offset


async def test_17_what_may_stand_once_and_stands_twice_is_refused(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        made = await ann.post(THING, json={})
        item = f"{THING}/{made.json()['id']}"
        for query in ("limit=1&limit=1", "offset=0&offset=1", "order=id&order=id", "select=id&select=text"):
            assert (await ann.get(f"{THING}?{query}")).status_code == 400, query
        assert len((await ann.get(f"{THING}?count=gte.0&count=lt.5")).json()) == 1  # two conditions on one column are both meant
        tag = made.headers["etag"]
        for name, values in (
            ("authorization", ("Bearer a", "Bearer b")),
            ("content-type", ("application/json", "text/plain")),
            ("if-match", (tag, '"9-x"')),
            ("origin", ("https://app.example.com",) * 2),
        ):
            headers = [*[(name, value) for value in values], *([("content-type", "application/json")] if name != "content-type" else [])]
            bare = world.browser(origin=None)
            bare.cookies.update(ann.cookies)
            reply = await bare.patch(item, content=b'{"count":9}', headers=headers)
            assert (reply.status_code, code_of(reply)) == (400, "http.malformed"), name
        assert (await ann.get(item)).json()["count"] == 0


#: For each kind of field, values as the wire has them, none like another.
KINDS: dict[str, tuple[Any, ...]] = {
    "text": ("", "a,b", 'c"d\\', "null", "[1]", "é\u2028😀", " x "),
    "count": (0, -1, 2**53 - 1, 1 - 2**53),
    "ratio": (0.1, 1e-300, 1.7976931348623157e308, 5e-324, 123456.789, 0.30000000000000004),
    "done": (True, False),
    "price": ("0.1", "10", "-3.50", "99999999999999999999.99"),
    "day": ("2026-01-01", "0001-01-01", "9999-12-31"),
    "at": ("2026-01-01T00:00:00.000Z", "1999-12-31T23:59:59.999Z"),
    "opens": ("00:00:00", "23:59:59.000001"),
    "lasts": ("PT1S", "P400DT1H30M", "-PT0.000001S"),
    "token": ("00000000-0000-0000-0000-000000000001", "ffffffff-ffff-4fff-bfff-ffffffffffff"),
    "data": ("AA==", "/////w==", ""),
    "color": ("red", "blue"),
}


async def test_a_value_of_any_kind_is_found_by_itself_alone_and_in_a_list(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person("ann")
        for column, values in KINDS.items():
            rows = (await ann.post(THING, json=[{column: value, "status": "open"} for value in values])).json()
            assert len(rows) == len(values)
            stored = [str(row["id"]) for row in rows]
            here = {"id": f"in.({','.join(stored)})", "order": "id"}

            async def found(column: str, test: str, here: dict[str, str] = here) -> list[str]:
                reply = await ann.get(THING, params={**here, column: test})
                assert reply.status_code == 200, reply.text
                return [str(row["id"]) for row in reply.json()]

            texts = [value if isinstance(value, str) else str(value).lower() for value in values]
            quoted = ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts]
            for key, text, spelled in zip(stored, texts, quoted, strict=True):
                if column != "done":
                    assert await found(column, f"eq.{text}") == [key], (column, text)
                assert await found(column, f"in.({spelled})") == [key], (column, text)
                assert await found(column, f"not.in.({spelled})") == [each for each in stored if each != key], (column, text)
            assert await found(column, f"in.({','.join(quoted)})") == stored
