"""`search=words`, asked over HTTP of both databases: which rows it finds, in which order, and what it may not tell."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from backroom import App, Resource, User, allow, anyone, field, me, now, owner, this
from backroom.errors import DeclarationError
from tests.rest.searched_app import CARDS, NOTES, finds, note_app, score
from tests.rest.world import faults_of, running
from tests.rules.world import listening
from tests.rules.world import running as ruled

ROWS: list[dict[str, Any]] = [
    {"n": 1, "title": "Buy milk"},
    {"n": 2, "title": "Buy honey", "body": "and MILK, milk: two bottles"},
    {"n": 3, "title": "Milk"},
    {"n": 4, "title": "Äpfel & Öl", "body": "für Zoë (naïve café)"},
    {"n": 5, "title": "Milky Way", "body": None},
    {"n": 6, "title": "МОЛОКО и ёлка", "body": "ΟΔΟΣ"},
    {"n": 7, "title": "x86-64, e-mail ann@example.com; foo_bar=12", "body": "<b>bold</b> 牛奶 fin"},
    {"n": 8, "title": "दूध हिन्दी में", "body": "👍milk🥛honey❤️tea"},
    {"n": 9, "title": "rank NEAR title body OR and not", "body": "Straße"},
]


FOUND: dict[str, set[int]] = {
    "milk": {1, 2, 3, 8},
    "MILK": {1, 2, 3, 8},
    "buy milk": {1, 2},
    "milk honey": {2, 8},
    "bottles honey": {2},
    "mil": set(),
    "mil*": {1, 2, 3, 5, 8},
    "MIL* way": {5},
    "b* h*": {2},
    "apfel": {4},
    "ÄPFEL öl": {4},
    "a\u0308pfel": {4},
    "zoe cafe": {4},
    "молоко": {6},
    "ёлка": {6},
    "елка": set(),
    "οδος": {6},
    "όδος": set(),
    "64 mail": {7},
    "x86-64": {7},
    "example": {7},
    "foo bar": {7},
    "bold": {7},
    "牛奶": {7},
    "हिन्दी": {8},
    "ह": set(),
    "tea": {8},
    "straße": {9},
    "strasse": set(),
}


async def found(browser: httpx2.AsyncClient, path: str = NOTES, **params: Any) -> list[int]:
    reply = await browser.get(path, params={"select": "n", **params})
    assert reply.status_code == 200, reply.text
    return [row["n"] for row in reply.json()]


@pytest.mark.parametrize("search", FOUND)
async def test_words_are_found_whole_in_any_searched_field_whatever_their_case(each_database: str, search: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        assert (await ann.post(NOTES, json=ROWS)).status_code == 201
        for path in (NOTES, "/rest/v1/notes"):
            assert set(await found(ann, path, search=search)) == FOUND[search]


HOSTILE = (
    "x OR milk", "milk OR x", 'milk" OR "x', '"milk" "x"', "milk') OR ('x", "milk AND NOT honey", "NOT milk", "milk NOT x",
    "NEAR(milk honey)", "NEAR(milk honey, 10)", "title:milk", "title : milk", "{title body} : milk", "{secret} : sesame", "secret:sesame",
    "- {title} : milk", "-milk", "^milk", "milk^", "milk ^buy", "milk + buy", "milk+buy", "(milk", "milk)", "((((milk", '"', "'", "milk'",
    "'milk", "milk''honey", "milk:*", "milk:A", "milk:*A", "milk & honey", "milk | honey", "milk | x", "!milk", "milk <-> honey",
    "milk <2> honey", "\\milk", "milk\\", "\\'milk\\'", "mi%lk", "mil_", "m?lk", "milk; DROP TABLE notes", "milk--", "milk/*", "milk || x",
    "rank", "NEAR", "OR", "AND", "NOT", "and", "title", "_notes_search", "rowid", "{a}", "$1", "?", ":p_0", "*", "**", "mil**", "* milk",
    "milk *", "*milk", "mil* *", "😀", "\u200b", "\u0301", "½", "\ufffd", "a\u00adb", "\u202emilk",
)  # fmt: skip


async def test_no_sign_of_a_query_language_means_anything_in_a_search(each_database: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        await ann.post(NOTES, json=[{"body": None, **row} for row in ROWS])
        refused: list[str] = []
        for text in HOSTILE:
            reply = await ann.get(f"{NOTES}?select=n&order=n&search={quote(text)}")
            if reply.status_code == 400:
                assert faults_of(reply) == {"search": "syntax"}, text
                refused.append(text)
            else:
                # A `*` counts right after a word alone.
                expected = [row["n"] for row in ROWS if finds(row, text.replace("**", "*"))]
                assert reply.status_code == 200, text
                assert [row["n"] for row in reply.json()] == expected, text
        assert refused == ['"', "'", "?", "*", "**", "😀", "\u200b", "\u0301", "½", "\ufffd"]


@pytest.mark.parametrize(
    ("query", "code", "phrase"),
    [
        ("search=", "syntax", "leave `search` out"),
        ("search=%20%20", "syntax", "there is no word in"),
        ("search=...%20(!)", "syntax", "there is no word in"),
        ("search=" + "+".join(f"w{index}" for index in range(11)), "too_many", "at most 10"),
        ("search=" + "x" * 101, "too_long", "at most 100 characters"),
        ("search=a&search=b", "repeated", "given twice"),
    ],
)
async def test_a_search_that_says_nothing_or_too_much_is_refused_with_the_cure(each_database: str, query: str, code: str, phrase: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        for path in (NOTES, "/rest/v1/notes"):
            reply = await ann.get(f"{path}?{query}")
            assert reply.status_code == 400
            assert phrase in reply.text
        assert faults_of(await ann.get(f"{NOTES}?{query}")) == {"search": code}
        assert (await ann.get(f"{NOTES}?search=" + "+".join(["word"] * 11))).status_code == 200  # the same word is one


async def test_without_a_searched_field_the_refusal_says_which_line_to_write(each_database: str) -> None:
    async with running(each_database, note_app(searched=())) as world:
        ann = await world.person()
        reply = await ann.get(f"{NOTES}?search=milk")
        assert reply.status_code == 400 and faults_of(reply) == {"search": "unavailable"}
        assert "write `title: str = field(search=True)` in the app" in reply.text


# ---------------------------------------------------------------- with everything else that a list takes
async def test_a_search_goes_together_with_filters_order_pages_counts_and_csv(each_database: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        await ann.post(NOTES, json=[{"n": n, "title": f"milk {n % 3}", "body": "tea" if n % 2 else None} for n in range(30)])
        for path in (NOTES, "/rest/v1/notes"):
            assert await found(ann, path, search="milk", n="gt.26", order="n.desc") == [29, 28, 27]
            assert await found(ann, path, search="milk 1", order="n", limit=3, offset=2) == [7, 10, 13]
            assert await found(ann, path, search="tea", **{"or": "(n.lt.4,n.eq.29)", "order": "n"}) == [1, 3, 29]
            counted = await ann.get(f"{path}?search=milk+2&limit=4", headers={"prefer": "count=exact"})
            assert counted.headers["content-range"] == "0-3/10"
            csv = await ann.get(f"{path}?search=tea+2&select=n&order=n", headers={"accept": "text/csv"})
            assert csv.text.split() == ["n", "5", "11", "17", "23", "29"]
            for order in ("", "&order=n.desc"):  # the best first have no cursor, an order has
                first = await ann.get(f"{path}?search=milk&select=n&limit=20{order}")
                link = first.headers["link"].partition("<")[2].partition(">")[0]
                assert "search=milk" in link and ("after=" in link) is bool(order)
                rest = await ann.get(link)
                assert sorted(row["n"] for row in (*first.json(), *rest.json())) == list(range(30))
        assert faults_of(await ann.get(f"{NOTES}?search=milk&after=")) == {"after": "unavailable"}


async def test_a_search_goes_together_with_relations_and_groups(each_database: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        made = (await ann.post(NOTES, json=ROWS)).json()
        cards = [{"title": f"milk of {row['n']}" if row["n"] % 2 else "tea", "note_id": row["id"]} for row in made]
        assert (await ann.post(CARDS, json=cards)).status_code == 201
        reply = await ann.get(f"{NOTES}?search=mil*&select=n,cards(title),owner(email)&limit=3")
        expected = [{"n": n, "cards": [{"title": title}], "owner": {"email": "ann@example.com"}} for n, title in ((3, "milk of 3"), (1, "milk of 1"))]
        assert reply.json()[:2] == expected
        assert [row["n"] for row in reply.json()] == [3, 1, 5]
        assert await found(ann, select="n,cards!inner()", **{"cards.title": "plfts.milk 5"}) == [5]
        assert await found(ann, CARDS, select="...note(n)", search="milk", order="note(n).desc", limit=2) == [9, 7]
        assert (await ann.get(f"{NOTES}?search=milk&select=count()")).json() == [{"count": 4}]
        wrong = await ann.get(f"{NOTES}?select=cards(title)&cards.search=milk")
        assert faults_of(wrong) == {"cards.search": "unknown"}


async def test_a_search_is_one_statement_and_its_words_are_no_part_of_it(each_database: str) -> None:
    async with ruled(note_app(), each_database) as world:
        ann = await world.person("ann")
        await ann.post(NOTES, ROWS)
        texts: set[str] = set()
        for words in ("milk honey", "straße äpfel", "x* OR"):
            with listening(world) as heard:
                await ann.get(f"{NOTES}?search={quote(words)}")
                await world.heard_all()
            asked = [each.text for each in heard if "notes" in each.text]
            assert len(asked) == 1 and not any(word in asked[0] for word in ("honey", "straße", 'OR"', "x*"))
            texts |= set(asked)
        assert len(texts) == 1


async def test_writes_take_no_search_and_change_nothing_by_it(each_database: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        await ann.post(NOTES, json=ROWS)
        for reply in (
            await ann.patch(f"{NOTES}?search=milk", json={"n": 99}),
            await ann.delete(f"{NOTES}?search=milk"),
            await ann.delete(f"{NOTES}?search=milk&n=gt.0"),
            await ann.delete("/rest/v1/notes?search=milk"),
            await ann.post(f"{NOTES}?search=milk", json={"n": 99}),
            await ann.get(f"{NOTES}/1?search=milk"),
        ):
            assert reply.status_code == 400, reply.text
        assert await found(ann, order="n") == list(range(1, 10))


# ---------------------------------------------------------------- best first
async def test_more_hits_earlier_fields_and_shorter_texts_come_first(each_database: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        rows = [
            {"n": 1, "title": "tea", "body": "milk milk milk milk"},
            {"n": 2, "title": "a list of all that we have to buy, like milk"},
            {"n": 3, "title": "milk"},
            {"n": 4, "title": "milk", "body": "milk"},
            {"n": 5, "title": "milk, milk"},
            {"n": 6, "title": "tea", "body": "milk and so much more that is not about it"},
            {"n": 7, "title": "milk"},
        ]
        await ann.post(NOTES, json=rows)
        assert await found(ann, search="milk") == [4, 3, 7, 5, 2, 1, 6]
        assert await found(ann, search="milk", order="n.desc") == [7, 6, 5, 4, 3, 2, 1]


async def test_the_order_is_the_one_that_plain_python_computes_row_by_row(each_database: str) -> None:
    draw = random.Random(7)
    words = ["milk", "tea", "honey", "bread", "oil", "salt", "Äpfel", "ёлка"]
    rows = [
        {"n": n, "title": " ".join(draw.choices(words, k=draw.randint(1, 6))), "body": " ".join(draw.choices(words, k=draw.randint(0, 30))) or None}
        for n in range(300)
    ]
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        assert (await ann.post(NOTES, json=rows)).status_code == 201
        for search in ("milk", "tea honey", "apfel", "ёлка bread oil", "salt tea milk honey", "Milk MILK tea"):
            expected = sorted((row for row in rows if finds(row, search)), key=lambda row: (-score(row, search), row["n"]))
            assert await found(ann, search=search, limit=1000) == [row["n"] for row in expected], search


# ---------------------------------------------------------------- what it may not tell
async def test_a_field_that_is_hidden_from_a_caller_is_neither_searched_nor_ranked_by(each_database: str) -> None:
    async with ruled(note_app(), each_database) as world:
        ann, boss = await world.person("ann"), await world.person("boss", roles=["hr"])
        for person in (ann, boss):
            for n, title in enumerate(("milk", "milk tea", "milk tea salt")):
                key = (await person.post(NOTES, {"n": n, "title": title, "public": person is ann})).json()["id"]
                # The more there is in it, the less there is in the title.
                secret = "milk " * (n * 40) + "sesame"
                await world.db.sql(f"UPDATE notes SET secret = '{secret}' WHERE id = {key}")
        assert (await ann.get(f"{NOTES}?search=sesame")).json() == []
        assert (await ann.get(f"{NOTES}?search=milk+sesame")).json() == []
        assert [row["n"] for row in (await ann.get(f"{NOTES}?search=milk")).json()] == [0, 1, 2]
        assert [row["n"] for row in (await boss.get(f"{NOTES}?search=sesame&owner_id=eq.{boss.id}&order=n")).json()] == [0, 1, 2]
        # To somebody without the role the field is as unknown as one that never was.
        asked = await ann.get(f"{NOTES}?secret=plfts.milk")
        assert faults_of(asked) == {"secret": "unknown"}
        assert asked.content == (await ann.get(f"{NOTES}?secret=eq.milk")).content


async def test_without_any_field_to_see_a_search_is_as_unknown_as_where_none_is_searched(each_database: str) -> None:
    app = App()
    for name, searched in (("notes", True), ("plain", False)):

        class Note(Resource):
            secret: str = field(search=searched)
            writer: User = owner()

            access = allow(everything=this.writer == me, fields={"secret": me.has_role("hr")})

        app.resource(name)(Note)
    async with ruled(app, each_database) as world:
        ann = await world.person("ann")
        hidden, none = [await ann.get(f"/api/{name}?search=milk") for name in ("notes", "plain")]
        assert (hidden.status_code, faults_of(hidden)) == (400, {"search": "unavailable"})
        assert hidden.content == none.content


async def test_what_others_write_changes_no_byte_of_a_search(each_database: str) -> None:
    draw = random.Random(11)
    words = ["milk", "tea", "honey", "bread", "oil"]

    def text(most: int) -> str:
        return " ".join(draw.choices(words, k=draw.randint(1, most)))

    async with ruled(note_app(), each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for n in range(40):
            await ann.post(NOTES, {"n": n, "title": text(4), "body": text(20)})
        await bob.post(NOTES, {"n": 100, "title": "milk", "body": "tea", "public": True})
        asked = [
            f"{NOTES}?search={search}{rest}" for search in ("milk", "mil*", "tea honey", "oil bread tea") for rest in ("", "&order=n", "&limit=5")
        ]

        async def replies() -> list[tuple[bytes, str]]:
            told = [await ann.get(path, headers={"prefer": "count=exact"}) for path in asked]
            return [(reply.content, reply.headers["content-range"]) for reply in told]

        before = await replies()
        assert sum(len(body) for body, _ in before) > 10_000
        for round_ in range(5):
            # Rare words become common, common ones rarer, the average text longer.
            rows = [{"n": 500, "title": text(3) if round_ % 2 else "milk", "body": text(200), "slug": f"s{round_}-{index}"} for index in range(60)]
            assert (await bob.post(NOTES, rows)).status_code == 201
            await bob.patch(f"{NOTES}?slug=like.s{round_}-1*", {"title": "bread and oil"})
            await bob.delete(f"{NOTES}?slug=like.s{round_}-2*")
            assert await replies() == before


# ---------------------------------------------------------------- one field, as supabase-js asks
async def test_text_search_of_one_field_by_the_operators_of_supabase_js(each_database: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        await ann.post(NOTES, json=ROWS)
        for path in (NOTES, "/rest/v1/notes"):
            for test, numbers in {
                "plfts.milk": [1, 3],
                "plfts.Buy MILK": [1],
                "plfts(simple).milk": [1, 3],
                "plfts.milk & x | (y": [],
                "wfts.milk buy": [1],
                "fts.milk": [1, 3],
                "fts.'Buy' & 'milk'": [1],
                "fts.mil:*": [1, 3, 5],
                "not.plfts.milk": [2, 4, 5, 6, 7, 8, 9],
            }.items():
                assert await found(ann, path, title=test, order="n") == numbers, test
            assert await found(ann, path, **{"or": "(title.plfts.milk,body.fts.milk,n.eq.9)", "order": "n"}) == [1, 2, 3, 8, 9]
            assert await found(ann, path, body="not.plfts.milk", order="n") == [4, 6, 7, 9]  # an empty one is neither
            assert await found(ann, path, title="plfts.milk", body="plfts.tea") == []
        changed = await ann.patch(f"{NOTES}?title=plfts.milk", json={"title": "oat milk drink"})
        assert sorted(row["n"] for row in changed.json()) == [1, 3]
        assert await found(ann, title="plfts.oat", order="n") == [1, 3]
        assert (await ann.delete(f"{NOTES}?title=plfts.oat")).headers["content-range"] == "*/2"
        assert await found(ann, search="oat") == []


@pytest.mark.parametrize(
    ("column", "test", "code", "phrase"),
    [
        ("n", "fts.1", "type", "is no text"),
        ("slug", "plfts.milk", "unavailable", "write `slug: str = field(search=True)`"),
        ("title", "fts(english).milk", "unavailable", "leave out the config `english`"),
        ("title", "fts.milk | tea", "unavailable", "words with `&` between them"),
        ("title", "fts.!milk", "unavailable", "words with `&` between them"),
        ("title", "fts.milk tea", "unavailable", "words with `&` between them"),
        ("title", 'wfts."fresh milk"', "unavailable", "without quotes"),
        ("title", "wfts.milk -tea", "unavailable", "without quotes"),
        ("title", "wfts.milk or tea", "unavailable", "without quotes"),
        ("title", "phfts.fresh milk", "unavailable", "`phfts` is not available"),
        ("title", "plfts.", "syntax", "there is no word"),
        ("title", "plfts." + " ".join(f"w{index}" for index in range(11)), "too_many", "at most 10"),
        ("title", "plfts(simple)milk", "operator", "needs an operator"),
    ],
)
async def test_what_text_search_can_not_take_is_refused_with_the_cure(each_database: str, column: str, test: str, code: str, phrase: str) -> None:
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        reply = await ann.get(NOTES, params={column: test})
        assert reply.status_code == 400
        assert faults_of(reply) == {column: code}
        assert phrase in reply.json()["errors"][0]["message"]


# ---------------------------------------------------------------- declaring
def refusal(*, fields: dict[str, Any] | None = None, name: str = "title", kind: Any = str, **options: Any) -> str:
    app = App()
    given: Any = field
    body = {"__annotations__": {name: kind, "owner": User}, name: given(search=True, **options), "owner": owner()}
    body |= {"__module__": __name__, "access": allow(everything=this.owner == me, fields=fields)}
    app.resource("notes")(type("Note", (Resource,), body))
    with pytest.raises(DeclarationError) as refused:
        app.catalog.freeze()
    return str(refused.value)


def test_a_search_that_can_not_be_stops_the_start_with_the_cure() -> None:
    assert "`title` is no text" in refusal(kind=int)
    assert "`title` is a reference" in refusal(kind=User)
    assert "`title` is no text" in refusal(kind=list[str])
    assert "`title` is hidden: a search would tell what is in it" in refusal(hidden=True, default="")
    assert "`title` is write_only: a search would tell what is in it" in refusal(write_only=True)
    assert "`rank`: SQLite's search has a column of its own of this name" in refusal(name="rank")
    for rule in (this.owner == me, (this.owner == me) | me.has_role("hr"), ~(this.title == "x"), allow(read=this.owner == me, update=anyone)):
        assert "`title` has search=True, and is hidden in some rows" in refusal(fields={"title": rule})
    assert "hidden in some rows" in refusal(fields={"title": now > datetime(2030, 1, 1, tzinfo=UTC)})
