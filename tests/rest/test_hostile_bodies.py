"""Bodies that lie, nest, repeat, overflow or can't be stored: each is a 400 (or 413, 415) on both databases, and nothing is written."""

from __future__ import annotations

import gzip
import json
from time import thread_time
from typing import Any

import httpx2

from tests.rest.crowded_app import THING, crowded_app
from tests.rest.world import JSON, code_of, faults_of, running

STRINGS = ("text", "code", "kept", "word")
NO_TEXT: tuple[Any, ...] = ({}, [], True, 1.0, 1)
NO_NUMBER: tuple[Any, ...] = ("1", "", True, 1.5, "1_000", "٣", "²", [], {}, "0x1", " 1")
EMPTY: dict[str, Any] = {}
EVERY_OTHER = ("ratio", "done", "price", "day", "at", "opens", "lasts", "token", "data", "color", "status", "meta", "lines")


async def refuse(client: httpx2.AsyncClient, raw: bytes, *, status: int = 400, field: str | None = None) -> None:
    begun = thread_time()
    reply = await client.post(THING, content=raw, headers=JSON)
    assert reply.status_code == status, (raw[:100], reply.text[:300])
    assert thread_time() - begun < 2, raw[:100]
    if field is not None:
        assert field in {told and told.partition(".")[0] for told in faults_of(reply)}, (raw[:100], reply.text[:300])


async def test_09_json_nested_a_hundred_thousand_deep_is_refused_at_once(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for raw in (
            b"[" * 100_000,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"meta":' * 60_000 + b"1" + b"}" * 60_000,
            b'{"meta":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
        ):
            await refuse(ann, raw)
        for path in ("/api/echo", "/api/session", "/auth/v1/signup"):
            reply = await ann.post(path, content=b'{"text":' + b"[" * 40_000 + b"}", headers=JSON)
            assert reply.status_code == 400, path
        deep = "or=(" + "and(" * 3000 + "id.eq.1" + ")" * 3001
        assert (await ann.get(f"{THING}?{deep}")).status_code == 400
        assert (await ann.get(THING)).json() == []


async def test_10_a_value_of_another_type_is_refused_naming_its_field_and_never_coerced(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for column in STRINGS:
            for value in NO_TEXT:
                await refuse(ann, json.dumps({column: value}).encode(), field=column)
        for value in NO_NUMBER:
            await refuse(ann, json.dumps({"count": value}).encode(), field="count")
        for column in EVERY_OTHER:
            for value in ("x", True, [1], 1.5, {"a": 1}):
                reply = await ann.post(THING, json={column: value})
                taken = (column == "ratio" and value == 1.5) or (column == "done" and value is True) or (column == "price" and value == 1.5)
                taken = taken or (column == "meta" and value == {"a": 1})
                assert reply.status_code == (201 if taken else 400), (column, value)
        for column in ("text", "count", "done", "color", "status", "lines", "kept"):
            await refuse(ann, json.dumps({column: None}).encode(), field=column)


async def test_11_numbers_that_no_column_holds_are_refused_wherever_they_stand(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for number in (
            b"9" * 5000,
            b"9223372036854775808",
            b"9007199254740993",
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"1e999",
            b"-1e400",
            b"01",
            b"+1",
            b".5",
            b"1.",
            b"0x1",
            b"1_0",
        ):
            for column in (b"count", b"ratio", b"price", b"meta", b"id"):
                value = b'{"a":' + number + b"}" if column == b"meta" else number
                reply = await ann.post(THING, content=b'{"%b":%b}' % (column, value), headers=JSON)
                # 2**63 is a number that JSON.parse keeps exactly; a float column takes what JavaScript would send for either.
                taken = (column == b"ratio" and number in (b"9223372036854775808", b"9007199254740993")) or (column, number) == (
                    b"meta",
                    b"9223372036854775808",
                )
                assert reply.status_code == (201 if taken else 400), (column, number[:30], reply.text[:200])
        for word in ("9" * 5000, str(2**63), str(2**53 + 1), "NaN", "Infinity", "1e999", "1e3", "1.5", "٣", "-0x1"):
            for name in ("count", "id"):
                assert (await ann.get(f"{THING}?{name}=eq.{word}")).status_code == 400, (name, word[:30])
            for name in ("limit", "offset"):
                assert (await ann.get(f"{THING}?{name}={word}")).status_code == 400, (name, word[:30])
            if word != str(2**53 + 1):
                assert (await ann.get(f"{THING}/{word}")).status_code == 404, word[:30]
        for word in ("NaN", "Infinity", "1e999", "-1e400"):
            for name in ("ratio", "price"):
                assert (await ann.get(f"{THING}?{name}=gt.{word}")).status_code == 400, (name, word)
        for tag in (f'"{"9" * 5000}-x"', f'"{2**63}-x"', '"NaN-x"', '"-1-x"', '"٣-x"'):
            made = await ann.post(THING, json={})
            assert (await ann.patch(f"{THING}/{made.json()['id']}", json={"count": 1}, headers=[(b"if-match", tag.encode())])).status_code == 412, (
                tag[:30]
            )
        told = (await ann.get(f"{THING}?limit=1000")).text
        assert not any(each in told for each in ("NaN", "Infinity", "1e999"))


async def test_12_a_name_that_stands_twice_is_refused_however_deep(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for raw in (
            b'{"text":"user","text":"admin"}',
            b'{"meta":{"a":1,"a":2}}',
            b'{"meta":{"x":{"y":1},"a":1,"a":2}}',
            b'{"text":"a","\\u0074ext":"b"}',
            b'[{"text":"a"},{"text":"b","text":"c"}]',
            b'{"meta":{"x":{"y":1}},"count":1,"meta":{}}',
        ):
            await refuse(ann, raw)
        assert (await ann.post("/api/echo", content=b'{"text":"a","text":"b"}', headers=JSON)).status_code == 400
        assert (
            await ann.post(
                "/api/account", content=b'{"email":"a@example.com","password":"correct horse x","roles":["admin"],"roles":[]}', headers=JSON
            )
        ).status_code == 400
        assert (await ann.get(THING)).json() == []


async def test_14_text_that_one_database_could_not_store_is_refused_by_both(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for raw in (
            b'{"text":"a\\u0000b"}',
            b'{"meta":{"a\\u0000":1}}',
            b'{"meta":{"a":["\\u0000"]}}',
            b'{"text":"\\ud800"}',
            b'{"text":"\\udc00\\ud800"}',
            b'{"lines":[{"name":"\\u0000","price":"1"}]}',
            b'{"text":"a\x00b"}',
            '{"text":"x"}'.encode("utf-16"),
            '{"text":"x"}'.encode("utf-16-be"),
            '{"text":"x"}'.encode("utf-32"),
            b'\xef\xbb\xbf{"text":"x"}',
            b'{"text":"\xc0\xaf"}',
            b'{"text":"\xed\xa0\x80"}',
            b'{"text":"\xff"}',
        ):
            await refuse(ann, raw)
        for path in (f"{THING}?text=eq.%00", f"{THING}?text=eq.%ff", f"{THING}?%00=eq.1", f"{THING}?text=in.(a,%C0%AF)", f"{THING}?text=eq.%"):
            assert (await ann.get(path)).status_code == 400, path
        for charset in ("utf-7", "utf-16", "latin-1"):
            reply = await ann.post(THING, content=b"{}", headers={"content-type": f"application/json; charset={charset}"})
            assert reply.status_code == 415
        assert (await ann.get(THING)).json() == []
        whole = "\U0001f600 é é \u202e \ufeff \\ \" ' %00 \x01\x7f"
        made = await ann.post(THING, json={"text": whole, "meta": {whole: [whole]}})
        assert (made.json()["text"], made.json()["meta"]) == (whole, {whole: [whole]})
        found = await ann.get(THING, params={"text": f"eq.{whole}"})
        assert [row["id"] for row in found.json()] == [made.json()["id"]]


async def test_04_and_08_large_and_compressed_bodies_are_turned_away(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        assert (await ann.post(THING, content=b'{"text":"' + b"x" * 1_048_576 + b'"}', headers=JSON)).status_code == 413
        bomb = gzip.compress(b" " * 10_000_000)
        for coding, body in (("gzip", bomb), ("gzip, gzip", gzip.compress(bomb)), ("br", b"\x00"), ("zstd", b"\x28\xb5\x2f\xfd"), ("deflate", b"x")):
            reply = await ann.post(THING, content=body, headers={**JSON, "content-encoding": coding})
            assert (reply.status_code, code_of(reply)) == (415, "http.unsupported_media_type")
        assert (await ann.get(THING)).json() == []


async def test_a_body_of_hundreds_of_thousands_of_values_keeps_nobody_waiting(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        for values in ("[]," * 340_000 + "[]", "1.5," * 260_000 + "1"):
            for path, body in (
                (THING, '{"meta":{"a":[' + values + "]}}"),
                ("/api/echo", '{"text":"x","lines":[' + values + "]}"),
                ("/api/session", '{"email":[' + values + "]}"),
            ):
                begun = thread_time()
                reply = await ann.post(path, content=body[:1_048_000].encode(), headers=JSON)
                assert reply.status_code == 400, path
                assert thread_time() - begun < 0.3, path


async def test_the_bounds_of_a_body_are_settings_that_every_endpoint_keeps(each_database: str) -> None:
    async with running(each_database, crowded_app(), MAX_JSON_DEPTH=4, MAX_JSON_VALUES=1000, MAX_BODY_BYTES=20_000) as world:
        ann = await world.person()
        bodies: tuple[tuple[str, Any, Any], ...] = (
            (THING, {"meta": {"a": {"a": {"a": {}}}}}, {"meta": {"a": [1] * 1001}}),
            ("/api/echo", {"text": [[[[1]]]]}, {"text": [1] * 1001}),
            ("/api/session", {"email": [[[[1]]]]}, {"email": [1] * 1001}),
        )
        for path, deep, wide in bodies:
            assert "4 levels" in (await ann.post(path, json=deep)).json()["detail"], path
            assert "MAX_JSON_VALUES" in (await ann.post(path, json=wide)).json()["detail"], path
            assert (await ann.post(path, content=b" " * 20_001, headers=JSON)).status_code == 413, path
        assert (await ann.post(THING, json={"meta": {"a": {"a": {}}}})).status_code == 201


async def test_an_array_body_is_bounded_and_every_row_is_judged(each_database: str) -> None:
    async with running(each_database, crowded_app()) as world:
        ann = await world.person()
        assert len((await ann.post(THING, json=[EMPTY] * 1000)).json()) == 1000
        assert faults_of(await ann.post(THING, json=[EMPTY] * 1001)) == {None: "too_many"}
        rows: list[Any] = [{"count": 1}, 3, None, [], "x", {"count": "1"}]
        reply = await ann.post(THING, json=rows)
        assert sorted({fault["row"] for fault in reply.json()["errors"]}) == [1, 2, 3, 4, 5]
        assert (await ann.get(THING, headers={"prefer": "count=exact"})).headers["content-range"] == "0-99/1000"
