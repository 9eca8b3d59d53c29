"""Every operator of the query grammar, asked over HTTP of both databases, against the same question in plain Python."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from backroom import App, Resource, User, allow, me, owner, this
from backroom.validation.strict_json import is_array, is_object
from tests.rest.world import faults_of, running

BOOKS = "/api/books"


def book_app() -> App:
    app = App()

    @app.resource("books")
    class Book(Resource):
        number: int
        title: str | None = None
        tags: list[str] | None = None
        ratings: list[int] | None = None
        meta: dict[str, Any] | None = None
        secret: str | None = None
        owner: User = owner()

        access = allow(everything=this.owner == me, fields={"secret": allow(read=this.number > 3, create=me.signed_in)})

    return app


ROWS: list[dict[str, Any]] = [
    {
        "number": 1,
        "title": "Milk & honey",
        "tags": ["a", "b"],
        "ratings": [1, 2],
        "meta": {"city": "Oslo", "deep": {"n": [1, 2]}},
        "secret": "sesame",
    },
    {"number": 2, "title": "milk", "tags": ["b", "c d"], "ratings": [], "meta": {"city": "Paris"}},
    {"number": 3, "title": "50% off_now", "tags": [], "ratings": [3], "meta": {}},
    {"number": 4, "title": "[abc]*?", "tags": ['q"uote', "a,b"], "meta": {"deep": {"n": [2, {"x": True}]}}, "secret": "sesame"},
    {"number": 5, "title": None, "tags": None, "meta": None},
    {"number": 6, "title": "MILK\nand more", "tags": ["1", "true"], "ratings": [1], "meta": {"city": "Oslo", "n": 1.0}},
    {"number": 7, "title": "back\\slash", "tags": ["é"], "ratings": [2, 1, 1], "meta": {"deep": None}, "secret": "other"},
]
Row = dict[str, Any]
Asked = Callable[[Row], "bool | None"]


def like(pattern: str, *, ignore_case: bool = False) -> Asked:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    body = "".join(".*" if part in "*%" else "." if part == "_" else re.escape(part[-1]) for part in parts)
    found = re.compile(body, re.DOTALL | (re.IGNORECASE | re.ASCII if ignore_case else 0))
    return lambda row: None if row["title"] is None else found.fullmatch(row["title"]) is not None


def on(column: str, ask: Callable[[Any], bool]) -> Asked:
    return lambda row: None if row[column] is None else ask(row[column])


def holds(whole: Any, part: Any) -> bool:
    if is_object(part):
        return is_object(whole) and all(name in whole and holds(whole[name], value) for name, value in part.items())
    if is_array(part):
        return is_array(whole) and all(any(holds(each, value) for each in whole) for value in part)
    return type(whole) in (type(part), *((int, float) if type(part) in (int, float) else ())) and whole == part


def seen(row: Row) -> bool | None:
    """True, or unknown: the cell is hidden in this row, or empty."""
    return None if row["number"] <= 3 or row.get("secret") is None else True


CASES: dict[str, tuple[str, str, Asked]] = {
    "like with a star": ("title", "like.milk*", like("milk*")),
    "like heeds case": ("title", "like.*ILK*", like("*ILK*")),
    "like with a percent sign": ("title", "like.%milk%", like("%milk%")),
    "like with an escaped percent sign": ("title", "like.50\\%*", like("50\\%*")),
    "like with an underscore": ("title", "like.mil_", like("mil_")),
    "like with an escaped underscore": ("title", "like.*off\\_*", like("*off\\_*")),
    "like of what GLOB would take for signs": ("title", "like.[abc]*", like("[abc]*")),
    "like of an escaped star": ("title", "like.*\\\\slash", like("*\\\\slash")),
    "like of nothing": ("title", "like.", like("")),
    "ilike": ("title", "ilike.*MILK*", like("*MILK*", ignore_case=True)),
    "ilike over lines": ("title", "ilike.milk%more", like("milk%more", ignore_case=True)),
    "like any": ("title", "like(any).{milk,*off*}", lambda row: None if row["title"] is None else row["title"] == "milk" or "off" in row["title"]),
    "ilike all": ("title", "ilike(all).{*milk*,*honey*}", on("title", lambda title: "milk" in title.lower() and "honey" in title.lower())),
    "eq any": ("number", "eq(any).{1,3,9}", on("number", lambda number: number in (1, 3, 9))),
    "gt all": ("number", "gt(all).{1,3}", on("number", lambda number: number > 3)),
    "eq any of nothing": ("number", "eq(any).{}", on("number", lambda number: False)),
    "like any of nothing": ("title", "like(any).{}", on("title", lambda title: False)),
    "gt all of nothing": ("title", "gt(all).{}", on("title", lambda title: True)),
    "isdistinct": ("title", "isdistinct.milk", lambda row: row["title"] != "milk"),
    "cs a list": ("tags", "cs.{a,b}", on("tags", lambda tags: {"a", "b"} <= set(tags))),
    "cs a list with quotes": ("tags", 'cs.{"a,b","q\\"uote"}', on("tags", lambda tags: {"a,b", 'q"uote'} <= set(tags))),
    "cs nothing": ("tags", "cs.{}", on("tags", lambda tags: True)),
    "cs JSON": ("tags", 'cs.["c d"]', on("tags", lambda tags: "c d" in tags)),
    "cs numbers": ("ratings", "cs.{1}", on("ratings", lambda ratings: 1 in ratings)),
    "cd": ("tags", "cd.{a,b,c d}", on("tags", lambda tags: set(tags) <= {"a", "b", "c d"})),
    "ov": ("tags", "ov.{b,é}", on("tags", lambda tags: bool({"b", "é"} & set(tags)))),
    "ov of numbers": ("ratings", "ov.{2,3}", on("ratings", lambda ratings: bool({2, 3} & set(ratings)))),
    "cs an object": ("meta", 'cs.{"city":"Oslo"}', on("meta", lambda meta: meta.get("city") == "Oslo")),
    "cs a deep object": ("meta", 'cs.{"deep":{"n":[2]}}', on("meta", lambda meta: holds(meta, {"deep": {"n": [2]}}))),
    "cs true is not 1": ("meta", 'cs.{"deep":{"n":[{"x":1}]}}', on("meta", lambda meta: False)),
    "cs 1 is 1.0": ("meta", 'cs.{"n":1}', on("meta", lambda meta: meta.get("n") == 1)),
    "cs null": ("meta", 'cs.{"deep":null}', on("meta", lambda meta: "deep" in meta and meta["deep"] is None)),
    "cd an object": ("meta", 'cd.{"city":"Paris","x":1}', on("meta", lambda meta: holds({"city": "Paris", "x": 1}, meta))),
    # hidden in rows 1 to 3: neither the question nor its negation finds them
    "like on a cell hidden in some rows": ("secret", "like.ses*", lambda row: seen(row) and row["secret"].startswith("ses")),
    "isdistinct on such a cell": ("secret", "isdistinct.sesame", lambda row: None if row["number"] <= 3 else row.get("secret") != "sesame"),
}  # fmt: skip


async def numbers(browser: Any, params: dict[str, str]) -> list[int]:
    reply = await browser.get(BOOKS, params={"order": "number", "select": "number", **params})
    assert reply.status_code == 200, reply.text
    return [row["number"] for row in reply.json()]


async def test_every_operator_and_its_negation_find_what_python_finds(each_database: str) -> None:
    async with running(each_database, book_app()) as world:
        ann = await world.person()
        assert (await ann.post(BOOKS, json=ROWS)).status_code == 201
        for name, (column, test, asked) in CASES.items():
            found = [row["number"] for row in ROWS if asked({"tags": None, "ratings": None, **row}) is True]
            others = [row["number"] for row in ROWS if asked({"tags": None, "ratings": None, **row}) is False]
            assert await numbers(ann, {column: test}) == found, name
            assert await numbers(ann, {column: f"not.{test}"}) == others, f"not: {name}"
            quoted = json.dumps(test.partition(".")[2], ensure_ascii=False) if "(" not in test else test.partition(".")[2]
            assert await numbers(ann, {"or": f"({column}.{test.partition('.')[0]}.{quoted},number.eq.0)"}) == found, f"in a group: {name}"


@pytest.mark.parametrize(
    ("column", "test", "code", "phrase"),
    [
        ("number", "like.1*", "type", "is no text"),
        ("title", "like.abc\\", "syntax", "ends in a backslash"),
        ("title", "cs.{a}", "type", "holds one value"),
        ("meta", "eq.1", "unavailable", "`cs`"),
        ("tags", "cs.a", "syntax", "write a list like `{a,b}`"),
        ("tags", "cs.{a", "syntax", "which is no list"),
        ("ratings", "cs.{a}", "type", "must be a whole number"),
        ("meta", 'cs.{"a":', "syntax", "write JSON"),
        ("meta", 'cs.{"a":"\\ud800"}', "syntax", "write JSON"),
        ("meta", "cs." + "[" * 400, "syntax", "write JSON"),
        ("number", "eq(any).(1,2)", "syntax", "expected '{'"),
        ("number", "eq(some).{1}", "operator", "needs an operator"),
        ("number", "gt(any).{1,x}", "type", "must be a whole number"),
        ("title", "sl.(1,2)", "unavailable", "`sl` is not available"),
        ("title", "fts.word", "unavailable", "`title` is not kept for search"),
    ],
)
async def test_what_an_operator_can_not_take_is_refused_with_the_cure(each_database: str, column: str, test: str, code: str, phrase: str) -> None:
    async with running(each_database, book_app()) as world:
        ann = await world.person()
        reply = await ann.get(BOOKS, params={column: test})
        assert reply.status_code == 400
        assert faults_of(reply) == {column: code}
        assert phrase in reply.json()["errors"][0]["message"]


async def test_values_of_any_and_all_count_towards_the_limit(each_database: str) -> None:
    async with running(each_database, book_app(), MAX_IN_VALUES=10) as world:
        ann = await world.person()
        reply = await ann.get(BOOKS, params={"number": "eq(any).{" + ",".join(map(str, range(11))) + "}"})
        assert reply.status_code == 400 and faults_of(reply) == {"number": "too_many"}
