"""`match` and `imatch`: Postgres' regular expressions, which may meet no row that the caller can't read; SQLite has none and says so."""

from __future__ import annotations

import pytest

from backroom import App, Resource, User, allow, many, me, owner, this
from tests.rest.world import faults_of, running

PAPERS = "/api/papers"


def paper_app() -> App:
    app = App()

    @app.resource("papers")
    class Paper(Resource):
        title: str | None = None
        note: str = ""
        owner: User = owner()
        readers: list[Reader] = many(via="paper")

        access = allow(
            read=(this.owner == me) | this.readers.any(user=me), write=this.owner == me, create=me.signed_in, fields={"note": this.owner == me}
        )

    @app.resource("readers")
    class Reader(Resource):
        paper: Paper
        user: User
        access = allow(everything=me.signed_in)

    return app


async def test_regular_expressions_find_texts_where_the_database_has_them(each_database: str) -> None:
    async with running(each_database, paper_app()) as world:
        ann = await world.person("ann")
        await ann.post(PAPERS, json=[{"title": title} for title in ("Milk 12", "milk", None, "honey\nMilk", "a*b")])

        async def titles(test: str) -> object:
            reply = await ann.get(PAPERS, params={"title": test, "select": "title"})
            return [row["title"] for row in reply.json()] if reply.status_code == 200 else faults_of(reply)

        if each_database.startswith("sqlite"):
            for word in ("match", "imatch", "match(any)", "not.match"):
                assert await titles(f"{word}.{{x}}" if "(" in word else f"{word}.x") == {"title": "unavailable"}
            return
        assert await titles("match.^[A-Z].*[0-9]+$") == ["Milk 12"]
        assert await titles("imatch.^MILK") == ["Milk 12", "milk"]
        assert await titles("not.imatch.milk") == ["a*b"]
        assert await titles(r"match.a\*b") == ["a*b"]
        assert await titles("match(any).{^milk$,^a}") == ["milk", "a*b"]
        reply = await ann.get(PAPERS, params={"title": "match.("})
        assert (reply.status_code, reply.json()["code"]) == (400, "validation.query")
        assert (await ann.get(PAPERS, params={"id": "match.1"})).status_code == 400


async def test_a_pattern_meets_no_row_that_the_caller_can_not_read(each_database: str) -> None:
    """A pattern that can't be read fails on the first row that it meets: on none of a stranger's."""
    if each_database.startswith("sqlite"):
        return
    async with running(each_database, paper_app()) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        await ann.post(PAPERS, json=[{"title": f"t{number}", "note": "n"} for number in range(50)])
        for query in ({"title": "match.("}, {"title": "not.match.("}, {"or": "(title.match.(,title.eq.x)"}, {"title": "imatch(all).{(,x}"}):
            reply = await bob.get(PAPERS, params={**query, "order": "title"}, headers={"prefer": "count=exact"})
            assert (reply.status_code, reply.json()) == (200, []), query
            assert (await bob.delete(PAPERS, params=query)).status_code == 204
        # A note is shown to nobody but its owner, a reader of the row neither.
        [paper, *_] = (await ann.get(PAPERS)).json()
        me = (await bob.get("/api/account")).json()["id"]
        assert (await ann.post("/api/readers", json={"paper_id": paper["id"], "user_id": me})).status_code == 201
        assert (await bob.get(PAPERS, params={"note": "match.("})).json() == []
        assert (await bob.get(PAPERS, params={"title": "match.("})).status_code == 400


#: Patterns that other engines never come back from, or that take all memory.
SWEATING = (
    "^(a+)+$", "^(a|aa)+$", "^(a|a)*$", "(.*a){30}$", "(a?){200}a{200}", "((a{1,200}){1,200}){1,200}", "((((a*)*)*)*)*b", "(.*)(.*)(.*)\\1\\2\\3x",
    "(a{0,255}){0,255}", "[a-z]*" * 100 + "!", "(?:a|b|ab)*" * 30 + "c", "(" * 2000, "a{" * 1000, "\\", "(?", "*a", "a**", "[[:foo:]]", "\\x",
    "(?=a)(?!b)a", "\\y\\m\\M\\A", "***=a", "***:(", "(?n)^a$",
)  # fmt: skip


@pytest.mark.case(108)
async def test_a_pattern_that_never_ends_is_stopped_or_refused(each_database: str) -> None:
    async with running(each_database, paper_app(), MAX_QUERY_SECONDS=1) as world:
        ann = await world.person("ann")
        rows = [{"title": "a" * length + "!"} for length in (30, 1000, 10_000)]
        assert (await ann.post(PAPERS, json=rows)).status_code == 201
        for pattern in SWEATING:
            for operator in ("match", "imatch", "not.match"):
                reply = await ann.get(PAPERS, params={"title": f"{operator}.{pattern}"})
                assert reply.status_code in (200, 400, 503), (pattern[:40], reply.text)
                assert reply.status_code == 400 or each_database.startswith("postgres"), pattern[:40]
        assert len((await ann.get(PAPERS)).json()) == 3
