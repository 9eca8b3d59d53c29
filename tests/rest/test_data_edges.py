"""Values at the edge of their type come back as they were sent, the same on both databases."""

from __future__ import annotations

import types
from typing import Any

import pytest
from pydantic import EmailStr

from backroom import App, Db, Problem, Resource, allow, anyone, field, replace
from backroom.calls import Actor
from tests.rest.crowded_app import THING, crowded_app
from tests.rest.world import JSON, code_of, faults_of, running

#: Sent -> shown. What is missing at the right is shown as it was sent.
ROUND_TRIPS: tuple[tuple[str, Any, Any], ...] = (
    ("count", 2**53 - 1, None),
    ("count", -(2**53) + 1, None),
    ("count", 0, None),
    ("ratio", 0.1 + 0.2, None),
    ("ratio", 5e-324, None),
    ("ratio", 1.7976931348623157e308, None),
    ("ratio", -1.5, None),
    ("ratio", 3, 3.0),
    ("ratio", -0.0, 0.0),
    ("price", "49.90", None),
    ("price", "0.00", None),
    ("price", "-0.00", "0.00"),
    ("price", "1" + "0" * 38 + ".01", None),
    ("price", "1e3", "1000"),
    ("price", 0.1, "0.1"),
    ("price", 12, "12"),
    ("day", "0001-01-01", None),
    ("day", "9999-12-31", None),
    ("day", "2024-02-29", None),
    ("at", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ("at", "9999-12-31T23:59:59.999Z", None),
    ("at", "2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00.000Z"),
    ("at", "2026-12-01T09:00:00.1234567891Z", "2026-12-01T09:00:00.123Z"),
    ("at", "2026-12-01T09:00:00-00:00", "2026-12-01T09:00:00.000Z"),
    ("at", "2026-12-01t09:00:00z", "2026-12-01T09:00:00.000Z"),
    ("lasts", "PT1H30M", None),
    ("lasts", "P1Y", "P365D"),
    ("lasts", "PT0.5S", None),
    ("lasts", "P1DT2H3M4.000005S", None),
    ("lasts", "PT26H", "P1DT2H"),
    ("opens", "00:00:00", None),
    ("opens", "23:59:59.999999", None),
    ("lasts", "PT0S", None),
    ("lasts", "-P1DT1H", None),
    ("lasts", "P100000000D", None),
    ("token", "0190B6C4-7B1E-7CC2-A4F7-0242AC120002", "0190b6c4-7b1e-7cc2-a4f7-0242ac120002"),
    ("data", "", None),
    ("data", "AAEC/w==", None),
    ("text", "", None),
    ("text", " x ", None),
    ("text", "İıßſ\u200b\u202e\ufeff\U0010ffff", None),
    ("meta", {"a": {}}, None),
    ("meta", {"": {"a": [None, True, 0, "", [1]]}}, None),
    ("meta", {"__proto__": 1, "constructor": "x"}, None),
    ("meta", {"a": [2**53, 9223372036854776000, 10**20, 1e21, 1e-7]}, None),  # each as JSON.stringify writes a number
    ("lines", [{"name": "a", "price": "1.10", "count": 2}], None),
    ("color", "blue", None),
    ("status", "open", None),
    ("done", True, None),
)

REFUSED: tuple[tuple[str, Any], ...] = (
    ("count", 2**53),
    ("count", -(2**53)),
    ("count", 10**400),
    ("price", "1e-200"),
    ("price", "1e200"),
    ("price", "NaN"),
    ("price", "sNaN"),
    ("price", "Infinity"),
    ("price", "1_0"),
    ("price", "٣"),
    ("price", " 1"),
    ("price", 0.1234567890123456789),
    ("day", "2026-02-29"),
    ("day", "2026-12-01T00:00:00Z"),
    ("day", "20261201"),
    ("day", "10000-01-01"),
    ("day", "0000-01-01"),
    ("day", 0),
    ("day", "2026-W01-1"),
    ("at", "2026-12-01T09:00:00"),
    ("at", "2026-12-01"),
    ("at", "2026-11-23T23:59:60Z"),
    ("at", "2026-11-23T24:00:00Z"),
    ("at", "2026-12-01T09:00:00+25:00"),
    ("at", "0001-01-01T00:00:00+00:01"),
    ("at", "9999-12-31T23:59:59-00:01"),
    ("at", 1700000000),
    ("at", "+12026-12-01T09:00:00Z"),
    ("opens", "24:00:00"),
    ("opens", "09:00:00Z"),
    ("opens", "9:00"),
    ("lasts", "P100000001D"),
    ("lasts", "1h"),
    ("lasts", 60),
    ("token", "x"),
    ("token", "{0190b6c4-7b1e-7cc2-a4f7-0242ac120002}"),
    ("data", "a"),
    ("data", "a-_="),
    ("data", "AA==AA=="),
    ("color", "RED"),
    ("color", "green"),
    ("status", ""),
    ("meta", []),
    ("meta", "{}"),
    ("lines", {}),
    ("lines", [{"name": "a"}]),
    ("lines", [{"name": "a", "price": "1", "extra": 1}]),
    ("meta", {"a": 2**53 + 1}),
    ("ratio", "1.5"),
    ("text", "x" * 20_001),
)


@pytest.mark.case(112, 114)
async def test_112_and_114_values_come_back_exactly(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for column, sent, told in ROUND_TRIPS:
            shown = sent if told is None else told
            made = await ann.post(THING, json={column: sent})
            assert made.status_code == 201, (column, sent, made.text)
            assert repr(made.json()[column]) == repr(shown) or (column in ("meta", "lines") and made.json()[column] == shown), (column, sent)
            item = f"{THING}/{made.json()['id']}"
            read = await ann.get(item)
            assert read.json() == made.json(), (column, sent)
            back = await ann.put(item, json=read.json())
            assert (back.status_code, back.json()[column]) == (200, read.json()[column]), (column, sent)
            listed = await ann.get(f"{THING}?id=eq.{made.json()['id']}")
            assert listed.json() == [back.json()]
            if column not in ("meta", "lines"):
                found = await ann.get(THING, params={column: f"eq.{str(sent).lower() if isinstance(sent, bool) else sent}", "limit": "1000"})
                assert made.json()["id"] in {row["id"] for row in found.json()}, (column, sent, found.text)


@pytest.mark.case(112, 114)
async def test_values_that_no_type_holds_are_refused_naming_their_field(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for column, value in REFUSED:
            reply = await ann.post(THING, json={column: value})
            assert reply.status_code == 400, (column, value)
            assert {str(field).partition(".")[0] for field in faults_of(reply)} == {column}, (column, value, reply.text)
        assert (await ann.get(THING)).json() == []


@pytest.mark.case(114)
async def test_114_times_are_ordered_as_time_is(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        moments = [
            "0001-01-01T00:00:00.000Z",
            "0999-12-31T23:59:59.999Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00.000Z",
            "2026-03-29T00:59:59.999Z",
            "2026-03-29T01:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ]
        await ann.post(THING, json=[{"at": moment} for moment in reversed(moments)])
        assert [row["at"] for row in (await ann.get(f"{THING}?order=at.asc")).json()] == moments
        assert [row["at"] for row in (await ann.get(THING, params={"order": "at.asc", "at": "gte.2026-03-29T02:59:59.999+02:00"})).json()] == moments[
            4:
        ]
        spans = ["-P1D", "-PT1S", "PT0S", "PT1M", "P1D", "P400D"]
        await ann.post(THING, json=[{"lasts": span} for span in reversed(spans)])
        assert [row["lasts"] for row in (await ann.get(f"{THING}?order=lasts.asc&lasts=not.is.null")).json()] == spans
        prices = ["-10", "-9.5", "0.09", "0.1", "9", "10", "100000000000000000000.1", "100000000000000000000.2"]
        await ann.post(THING, json=[{"price": price} for price in reversed(prices)])
        assert [row["price"] for row in (await ann.get(f"{THING}?order=price.asc&price=not.is.null")).json()] == prices
        assert [row["price"] for row in (await ann.get(f"{THING}?order=price.asc&price=gt.9")).json()] == prices[5:]
        assert len((await ann.get(f"{THING}?price=eq.10.0")).json()) == 1


@pytest.mark.case(113)
async def test_113_unique_text_is_compared_byte_for_byte(each_database: str) -> None:
    """Nothing is folded or normalized: what looks alike may be two rows, and a filter finds exactly what was written."""
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        codes = ["é", "e\u0301", "É", "ß", "ss", "SS", "İ", "i", "ı", "I", "a", "\u0430", "a\u200b", "\u202ea", "a ", " a", "ﬁ", "fi"]
        for code in codes:
            assert (await ann.post(THING, json={"code": code})).status_code == 201, repr(code)
        for code in codes:
            taken = await ann.post(THING, json={"code": code})
            assert (taken.status_code, code_of(taken), faults_of(taken)) == (409, "database.unique", {"code": "taken"}), repr(code)
            assert [row["code"] for row in (await ann.get(THING, params={"code": f"eq.{code}"})).json()] == [code]
        by_bytes = [row["code"] for row in (await ann.get(f"{THING}?order=code.asc")).json()]
        assert by_bytes == sorted(codes, key=lambda code: code.encode())


@pytest.mark.case(113)
async def test_a_pattern_that_ignores_case_folds_ascii_alone_on_both_databases(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        texts = [
            "stra\u00dfe",
            "STRASSE",
            "\u0130",
            "i",
            "\u0131",
            "I",
            "\u00e9",
            "\u00c9",
            "e\u0301",
            "\u212a",
            "K",
            "k",
            "\u03c3",
            "\u03c2",
            "\u03a3",
            "\ufb01",
            "fi",
        ]
        await ann.post(THING, json=[{"text": text} for text in texts])
        for text in texts:
            folded = {other for other in texts if other.encode().lower() == text.encode().lower()}
            for operator in ("ilike", "ilike(any)"):
                found = await ann.get(THING, params={"text": f"{operator}.{text}" if operator == "ilike" else f"{operator}.{{{text}}}"})
                assert {row["text"] for row in found.json()} == folded, (operator, text)
            assert {row["text"] for row in (await ann.get(THING, params={"text": f"like.{text}"})).json()} == {text}


@pytest.mark.case(112)
async def test_a_text_gets_into_no_number_by_any_door(each_database: str) -> None:
    """Not by a body, a filter, code, a hook, or SQL: SQLite's tables are STRICT, Postgres' are by nature."""
    app = crowded_app()
    thing: Any = app.catalog.definitions["things"].cls
    slips: dict[str, Any] = {"count": "abc", "ratio": "abc", "done": "abc", "lasts": "abc", "price": "abc", "day": "abc", "at": "abc", "token": "abc"}

    @app.before_create(thing)
    async def spoils(row: Any) -> Any:
        return replace(row, count="abc") if row.text == "spoil" else None

    async with running(each_database, app) as world:
        ann = await world.person()
        made = (await ann.post(THING, json={"text": "x"})).json()
        item, db = f"{THING}/{made['id']}", Db(world.backend.store, Actor.TRUSTED)
        for column, value in slips.items():
            for method, path in (("POST", THING), ("PATCH", item), ("PUT", item), ("PATCH", f"{THING}?id=gt.0"), ("POST", "/rest/v1/things")):
                assert (await ann.request(method, path, json={column: value})).status_code == 400, (method, path, column)
            for operator in ("eq", "gt", "in", "isdistinct"):
                text = f"{operator}.({value})" if operator == "in" else f"{operator}.{value}"
                assert faults_of(await ann.get(THING, params={column: text})).keys() == {column}
            with pytest.raises(Problem) as refused:
                await db.update(await db.get(thing, made["id"]), **{column: value})
            assert (refused.value.status, refused.value.errors[0].field) == (400, column)
            with pytest.raises(Problem) as refused:
                await db.update_where(thing, **{column: value})
            assert refused.value.status == 400
        assert (await ann.post(THING, json={"text": "spoil"})).status_code == 400
        for column in ("count", "done", "ratio", "lasts"):
            with pytest.raises(Exception, match=r"(?i)check of|invalid input|constraint"):
                await db.sql(f"UPDATE things SET {column} = 'abc'")
        assert (await ann.get(THING)).json() == [made]


@pytest.mark.case(115)
async def test_115_absent_null_empty_and_default_are_four_things(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        item = f"{THING}/{(await ann.post(THING, json={'text': 'x', 'code': 'c', 'count': 5})).json()['id']}"
        tag = (await ann.get(item)).headers["etag"]
        assert (await ann.patch(item, json={})).headers["etag"] == tag
        assert (await ann.patch(item, content=b" {} ", headers=JSON)).headers["etag"] == tag
        assert (await ann.patch(item, json={"text": ""})).json()["text"] == ""
        assert (await ann.patch(item, json={"code": None})).json()["code"] is None
        assert (await ann.patch(item, json={"code": ""})).json()["code"] == ""
        assert faults_of(await ann.patch(item, json={"text": None, "count": None})) == {"text": "required", "count": "required"}
        assert faults_of(await ann.patch(item, json={"nope": 1})) == {"nope": "unknown"}
        kept = (await ann.get(item)).json()
        assert (kept["count"], kept["code"], kept["text"]) == (5, "", "")
        assert (await ann.put(item, json={})).json()["count"] == 0
        for raw in (b"", b"null", b"[]", b'"x"', b"1", b"true", b"[{}]"):
            assert (await ann.patch(item, content=raw, headers=JSON)).status_code == 400, raw


async def test_names_as_long_as_they_may_be_have_keys_and_indexes_of_their_own(each_database: str) -> None:
    """Keys and indexes are named after their columns: cut to what Postgres takes, two of them would be one."""
    app, unique = App(), ("u" * 62 + "1", "u" * 62 + "2")

    @app.resource("targets")
    class Target(Resource):
        access = allow(everything=anyone)

    references = ("first_reference_to_something_of_a_long_name", "second_reference_to_something_of_a_long_name")
    annotations = {**dict.fromkeys(unique, str), **dict.fromkeys(references, Target)}
    name = "t" * 63
    body = {"__annotations__": annotations, "access": allow(everything=anyone), **{column: field(unique=True) for column in unique}}
    app.resource(name)(types.new_class("Long", (Resource,), exec_body=lambda namespace: namespace.update(body)))
    async with running(each_database, app) as world:
        client = world.browser()
        target = (await client.post("/api/targets", json={})).json()["id"]
        row = {**dict.fromkeys(unique, "x"), **{f"{each}_id": target for each in references}}
        assert (await client.post(f"/api/{name}", json=row)).status_code == 201
        for column in unique:
            others = dict.fromkeys(set(unique) - {column}, "y")
            assert faults_of(await client.post(f"/api/{name}", json=row | others)) == {column: "taken"}
        for reference in references:
            refused = await client.post(f"/api/{name}", json=row | dict.fromkeys(unique, "z") | {f"{reference}_id": 99})
            assert faults_of(refused) == {f"{reference}_id": "reference.not_found"}


async def test_an_email_address_is_the_address_alone_and_no_name_is_dropped_from_it(each_database: str) -> None:
    app = App()

    @app.resource("contacts")
    class Contact(Resource):
        email: EmailStr

        access = allow(everything=anyone)

    @app.post("/invite", access=anyone)
    async def invite(email: EmailStr) -> str:
        return email

    async with running(each_database, app) as world:
        client = world.browser()
        for sent in ("Ann <ann@example.com>", '"Ann" <ann@example.com>', "<ann@example.com>"):
            for path in ("/api/contacts", "/api/invite"):
                refused = await client.post(path, json={"email": sent})
                assert (refused.status_code, faults_of(refused)) == (400, {"email": "invalid"}), (path, sent)
                assert "without a name" in refused.json()["detail"]
            assert faults_of(await client.get("/api/contacts", params={"email": f"eq.{sent}"})) == {"email": "invalid"}
        made = await client.post("/api/contacts", json={"email": "ann@EXAMPLE.com"})
        assert (made.status_code, made.json()["email"]) == (201, "ann@example.com")
        assert len((await client.get("/api/contacts", params={"email": "eq.ann@example.com"})).json()) == 1
