"""What other servers told of fields and rows that a caller may not see, and by which way: here each way tells those who may see, and nobody else.

The way of proof: a secret is changed behind the app's back. Whoever may see it hears of the change, or the way would be no way at all; to a
stranger every byte stays as it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.rest.newsroom_app import ARTICLES, newsroom
from tests.rules.world import Person, World, running

#: The values that a secret takes, one after the other. None: it is empty.
SECRETS = ("alpha", "omega", None)


class Newsroom(NamedTuple):
    """Ann has written an article full of secrets; Bob may read the article."""

    world: World
    ann: Person
    bob: Person
    editor: Person
    article: int

    async def keep(self, secret: str | None) -> None:
        """Every secret of Ann's is this from now on. Counters of writes and times stay as they were: they may tell that something was written."""
        text = "NULL" if secret is None else f"'{secret}'"
        meta = "NULL" if secret is None else f'\'{{"key":"{secret}"}}\''
        fee = {"alpha": "1", "omega": "2", None: "NULL"}[secret]
        fee = fee if self.world.backend.store.dialect == "postgresql" or secret is None else f"'{fee}'"
        for statement in (
            f"UPDATE articles SET notes = {text}, angle = {text}, meta = {meta}, fee = {fee} WHERE id = {self.article}",
            f"UPDATE dossiers SET title = {text}",
            f"UPDATE comments SET text = {text} WHERE public = {'0' if self.world.backend.store.dialect == 'sqlite' else 'false'}",
            f"UPDATE users SET phone = {text}, email = '{secret or 'none'}@example.com' WHERE nick = 'ann'",
            f"UPDATE labels SET text = '{secret or 'none'}'",
            "DELETE FROM bookmarks",
        ):
            await self.world.db.sql(statement)
        if secret == "alpha":
            moment = "'2026-01-01T00:00:00.000Z'"
            kept = f"INSERT INTO bookmarks(article_id, reader_id, created_at, updated_at) VALUES ({self.article}, :ann, {moment}, {moment})"
            await self.world.db.sql(kept, ann=self.ann.id)


@asynccontextmanager
async def newsroom_of(url: str) -> AsyncGenerator[Newsroom]:
    async with running(newsroom(), url) as world:
        ann, bob, editor = await world.person("ann", nick="ann"), await world.person("bob", nick="bob"), await world.person("ed", roles=["editor"])
        dossier = (await ann.post("/api/dossiers", {"title": "x"})).json()["id"]
        made = await ann.post(ARTICLES, {"title": "Boat", "notes": "x", "meta": {"key": "x"}, "dossier_id": dossier})
        assert made.status_code == 201, made.text
        article = made.json()["id"]
        assert (await bob.post(ARTICLES, {"title": "Car"})).status_code == 201
        for who, public in ((ann, False), (ann, True), (bob, True)):
            assert (await who.post("/api/comments", {"text": "seen", "public": public, "article_id": article})).status_code == 201
        label = (await ann.post("/api/labels", {"text": "x"})).json()["id"]
        assert (await ann.post("/api/article_labels", {"article_id": article, "label_id": label})).status_code == 201
        yield Newsroom(world, ann, bob, editor, article)


def heard(reply: httpx2.Response) -> tuple[Any, ...]:
    return reply.status_code, reply.content, *(reply.headers.get(name) for name in ("content-range", "link", "etag"))


async def told(room: Newsroom, who: Person, queries: Iterable[str], **headers: str) -> dict[str, list[tuple[Any, ...]]]:
    """Query -> what it told while the secret was each of SECRETS."""
    found: dict[str, list[tuple[Any, ...]]] = {query: [] for query in queries}
    for secret in SECRETS:
        await room.keep(secret)
        for query, replies in found.items():
            replies.append(
                heard(await who.get(query if query.startswith("/") else f"{ARTICLES}?{query}", headers={"prefer": "count=exact", **headers}))
            )
    return found


async def tells_nobody_else(room: Newsroom, *queries: str, seer: Person | None = None, **headers: str) -> None:
    """Each query tells the secret to its seer, and nothing of it to a stranger, in whichever face they ask."""
    both = [*queries, *(f"/rest/v1/articles?{query}" for query in queries)]
    for query, replies in (await told(room, seer or room.ann, both, **headers)).items():
        assert len(set(replies)) > 1, f"{query} tells nobody anything: {replies[0]}"
    for query, replies in (await told(room, room.bob, both, **headers)).items():
        assert len(set(replies)) == 1, (query, replies)


async def is_as_nonsense(room: Newsroom, hidden: str, *queries: str) -> None:
    """A field that nobody (or nobody like him) is shown has a name like any that does not exist."""
    nonsense = "q" * len(hidden)
    for query in queries:
        for face in ("/api", "/rest/v1"):
            asked, other = [await room.bob.get(f"{face}/articles?{query.format(name)}") for name in (hidden, nonsense)]
            assert asked.status_code == other.status_code == 400, (query, asked.text)
            assert asked.text.replace(hidden, nonsense) == other.text, query


# ---------------------------------------------------------------- a field under another name, in a group, by a path
@pytest.mark.advisory("CVE-2024-34708")
async def test_an_alias_shows_no_field_that_its_own_name_does_not_show(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room, "select=id,x:notes", "select=title:notes", "select=x:notes::text", "select=x:meta->>key", "select=id,o:owner(p:phone)"
        )
        await is_as_nonsense(room, "token", "select=x:{}", "select=title:{}", "select=x:{}::text")


@pytest.mark.advisory("CVE-2026-30962")
@pytest.mark.case(90)
async def test_a_group_of_conditions_asks_no_more_than_the_caller_may_see(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room,
            "or=(notes.eq.alpha,id.lt.0)",
            "and=(id.gt.0,or(id.lt.0,and(id.gt.0,notes.eq.alpha)))",
            "not.or=(notes.eq.alpha,id.lt.0)",
            "not.and=(id.gt.0,not.or(notes.is.null,id.lt.0))",
            "or=(notes.in.(alpha,beta),notes.isdistinct.omega)",
            "select=id,owner!inner(nick)&owner.or=(phone.eq.alpha,nick.eq.nobody)",
        )
        await is_as_nonsense(
            room, "token", "or=(id.gt.0,{}.eq.1)", "not.and=(id.gt.0,or(and({}.is.null,id.gt.0)))", "select=owner(id)&owner.or=({}.eq.1)"
        )


@pytest.mark.advisory("CVE-2026-31872")
@pytest.mark.case(107)
async def test_a_path_into_a_field_leads_no_further_than_the_field(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room,
            "meta->>key=eq.alpha",
            'meta->key=eq."alpha"',
            "meta->>key=not.is.null",
            "select=id,meta->key",
            "select=id,meta->>key",
            "order=meta->>key,id.desc",
            'meta=cs.{"key":"alpha"}',
            "or=(meta->>key.eq.alpha,id.lt.0)",
        )
        await is_as_nonsense(room, "token", "{}->a=eq.1", "select={}->a", "order={}->>a", "or=({}->a.eq.1)")


@pytest.mark.advisory("GHSA-2m6g-crv8-p3c6")
async def test_patterns_tell_no_letter_of_what_is_hidden(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        patterns = [f"{operator}.{letter}*" for operator in ("like", "not.like", "ilike") for letter in "aAoz"]
        await tells_nobody_else(room, "notes=like.a*", "notes=ilike(any).{A*,b*}", "notes=not.like.o*", "meta->>key=like.a*", "notes=gt.b")
        await room.keep("alpha")
        replies = {(await room.bob.get(f"{ARTICLES}?notes={pattern}")).content for pattern in patterns}
        assert replies == {b"[]"}, "of his own article the notes are empty"


@pytest.mark.advisory("CVE-2023-27481")
@pytest.mark.case(86)
async def test_an_export_shows_and_asks_what_a_page_does(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(room, "notes=like.a*", "select=id,notes", "select=*", "order=notes,id.desc", "meta->>key=eq.alpha", accept="text/csv")
        lines = (await room.bob.get(ARTICLES, headers={"accept": "text/csv"})).text.splitlines()
        assert not {"fee", "token", "spy_id"} & set(lines[0].split(","))


@pytest.mark.advisory("CVE-2026-35442")
@pytest.mark.case(88)
async def test_aggregates_leave_out_what_the_caller_may_not_see(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room,
            "select=notes.max()",
            "select=notes.min()",
            "select=notes.count()",
            "select=notes,count()",
            "select=meta->>key,count()",
            "select=count()&notes=eq.alpha",
            "select=x:notes.max()::text",
            "select=id,comments(text.min())",
            "select=id,comments(text,count())",
        )
        await is_as_nonsense(room, "token", "select={}.max()", "select={},count()", "select=count()&{}=eq.1", "select=id,owner({}.min())")
        await is_as_nonsense(room, "fee", "select={}.sum()", "select={}.avg()", "select={},count()")


@pytest.mark.advisory("CVE-2025-30352", "CVE-2025-64748")
@pytest.mark.case(88)
async def test_search_looks_into_no_field_and_no_row_that_the_caller_may_not_read(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        searches = ("search=alpha", "search=alp*", "search=alpha&select=id", "search=alpha&select=count()", "select=id&search=alpha&limit=1")
        await tells_nobody_else(room, "angle=wfts.alpha", "angle=plfts.alpha", "or=(angle.fts.alpha,id.lt.0)", seer=room.editor)
        await tells_nobody_else(room, *searches, seer=room.editor)
        for face in ("/api", "/rest/v1"):
            paths = [f"{face}/{query}" for query in ("dossiers?search=alpha", "comments?search=alpha", "comments?search=alpha&select=count()")]
            for path, replies in (await told(room, room.ann, paths)).items():
                assert len(set(replies)) > 1, f"{path} tells nobody anything"
            for path, replies in (await told(room, room.bob, paths)).items():
                assert len(set(replies)) == 1, (path, replies)
        # Not by the place in a list of the best first either: a text of his own beside the hidden one.
        await room.keep("alpha")
        assert (await room.bob.post("/api/comments", {"text": "omega omega", "article_id": room.article})).status_code == 201
        before = [(await room.bob.get(f"/api/comments?search={word}")).content for word in ("omega", "seen")]
        await room.keep("omega")
        assert [(await room.bob.get(f"/api/comments?search={word}")).content for word in ("omega", "seen")] == before
        hostile = (
            '"',
            "'",
            "alpha OR omega",
            "title:alpha",
            "{angle}:alpha",
            "angle : alpha",
            "alpha*",
            "-alpha",
            "NEAR(a b)",
            "^a",
            "a AND NOT b",
            "%",
            "\\",
        )
        for words in hostile:
            for face in ("/api", "/rest/v1"):
                reply = await room.bob.get(f"{face}/articles", params={"search": words})
                assert reply.status_code in (200, 400), (words, reply.text)
                assert reply.status_code == 400 or reply.json() == [], (words, reply.text)


# ---------------------------------------------------------------- through a relation
@pytest.mark.advisory("PocketBase 0.31")
async def test_a_relation_to_locked_rows_filters_and_orders_by_none_of_them(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room,
            "select=id,dossier(title)",
            "select=id,dossier(title)&dossier.title=like.a*",
            "select=id,dossier!inner()&dossier.title=eq.alpha",
            "select=id,dossier()&dossier.title=eq.alpha&dossier=is.null",
            "select=id,dossier()&dossier.title=eq.alpha&or=(dossier.not.is.null,id.lt.0)",
            "select=id,dossier(title)&order=dossier(title).desc,id",
            "select=id,...dossier(title)",
        )
        hidden = await room.bob.get(f"{ARTICLES}?select=id,dossier(*)&order=id")
        assert [row["dossier"] for row in hidden.json()] == [None, None]
        assert [len(row["dossiers"]) for row in (await room.bob.get("/api/users?select=id,dossiers(id)")).json()] == [0, 0, 0]


@pytest.mark.advisory("CVE-2026-27886")
async def test_a_filter_through_a_relation_tells_nothing_private_of_people(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room,
            "select=id,owner!inner(nick)&owner.phone=like.a*",
            "select=id,owner!inner(nick)&owner.email=like.a*",
            "select=id,owner(nick)&owner.not.or=(phone.eq.alpha,phone.is.null)",
            "select=id,owner()&owner.phone=eq.alpha&owner=not.is.null",
            "select=id,owner(nick)&order=owner(phone),id.desc",
            "select=id,comments(text,owner!inner(nick))&comments.owner.phone=eq.alpha",
        )
        for query in ("select=id,owner!inner(id)&owner.{}=like.c*", "select=id,owner(id)&order=owner({})", "select=owner(id)&owner.or=({}.eq.1)"):
            await is_as_nonsense(room, "pin", query)


@pytest.mark.advisory("CVE-2022-30617", "CVE-2023-37263")
@pytest.mark.case(86)
async def test_a_row_beside_a_row_shows_what_it_shows_alone(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room, "select=id,owner(*)", "select=id,owner(phone)", "select=id,...owner(p:phone)", "select=id,comments(text)", "select=id,labels(text)"
        )
        for who in (room.ann, room.bob):
            alone = {row["id"]: row for row in (await who.get("/api/users")).json()}
            rows = (await who.get(f"{ARTICLES}?select=id,owner_id,owner(*),comments(*),again:comments(owner(*))&order=id")).json()
            for row in rows:
                assert row["owner"] == alone[row["owner_id"]]
                assert all(each["owner"] in alone.values() for each in row["again"])
            public = (await who.get("/api/comments")).json()
            assert [each for row in rows for each in row["comments"]] == public
            assert "canary" not in str(rows)
        assert [row["labels"] for row in (await room.bob.get(f"{ARTICLES}?select=labels(id)&order=id")).json()] == [[], []]
        between = await room.bob.get(f"{ARTICLES}?select=article_labels(label(text))&order=id&limit=1")
        assert between.json() == [{"article_labels": [{"label": None}]}]


@pytest.mark.advisory("CVE-2023-36472")
@pytest.mark.case(88)
async def test_a_relations_rows_are_filtered_and_counted_as_the_caller_sees_them(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await tells_nobody_else(
            room,
            "select=id,comments(id)&comments.text=like.a*",
            "select=id,comments(count)&comments.text=eq.alpha",
            "select=id,comments!inner(id)&comments.or=(text.eq.alpha,id.lt.0)",
            "select=id,comments(id)&comments.order=text,id",
            "select=id,comments(id)&comments.order=text&comments.limit=1",
            "select=id,labels(id)&labels.text=eq.alpha",
            "select=id,labels!inner()&labels.text=eq.alpha",
            "select=id,readers(nick)",
            "select=id,readers(count)",
            "select=id,readers!inner()",
            "select=id,readers()&readers=is.null",
            "select=id,bookmarks(reader(nick))",
        )
        counts = f"{ARTICLES}?select=comments(count),labels(count)&order=id&limit=1"
        assert (await room.bob.get(counts)).json() == [{"comments": [{"count": 2}], "labels": [{"count": 0}]}]
        assert (await room.ann.get(counts)).json() == [{"comments": [{"count": 3}], "labels": [{"count": 1}]}]


@pytest.mark.advisory("CVE-2023-30843")
@pytest.mark.case(94)
async def test_what_nobody_is_shown_is_no_name_anywhere_in_a_query(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await is_as_nonsense(
            room,
            "token",
            "{}=like.c*",
            "select=id,{}",
            "order={}.desc",
            "or=(title.eq.x,{}.eq.1)",
            "select=...{}(id)",
            "select={}(id)",
            "select={}(count)",
            "on_conflict={}",
            "select=id,owner(nick)&owner.{}=eq.1",
            "select=id,{}!inner(id)",
            "select=id,owner!{}(nick)",
        )
        await is_as_nonsense(room, "spy", "select=id,{}(nick)", "order={}(nick)", "{}=is.null", "select=id,{}!inner()", "select=...{}(nick)")
        await is_as_nonsense(room, "spy_id", "{}=is.null", "select={}", "select=id,owner!{}(nick)", "select=users!{}(nick)")
        for reference, status in (("owner_id", 200), ("spy_id", 400)):
            assert (await room.bob.get(f"/api/users?select=id,articles!{reference}(id)")).status_code == status


@pytest.mark.case(117)
async def test_the_tag_of_a_row_with_related_ones_changes_with_what_its_caller_sees_of_them(each_database: str) -> None:
    selects = (
        "id,owner(phone)",
        "id,...owner(p:phone)",
        "id,dossier(title)",
        "id,comments(text)",
        "id,labels(text)",
        "id,readers(count)",
        "id,owner(*)",
    )
    async with newsroom_of(each_database) as room:
        await room.keep("alpha")
        for select in selects:
            item = f"{ARTICLES}/{room.article}?select={select}"
            tags = {who: (await who.get(item)).headers["etag"] for who in (room.ann, room.bob)}
            assert tags[room.ann] != tags[room.bob], select
            for who in (room.ann, room.bob):
                assert (await who.get(item, headers={"if-none-match": tags[who]})).status_code == 304, select
            crossed = await room.bob.get(item, headers={"if-none-match": tags[room.ann]})
            assert (crossed.status_code, crossed.headers["etag"]) == (200, tags[room.bob]), select
            await room.keep("omega")
            assert (await room.ann.get(item, headers={"if-none-match": tags[room.ann]})).status_code == 200, select
            assert (await room.bob.get(item, headers={"if-none-match": tags[room.bob]})).status_code == 304, select
            await room.keep("alpha")


# ---------------------------------------------------------------- names that pass a check of names
@pytest.mark.advisory("CVE-2023-34235")
async def test_the_name_of_a_table_in_front_of_a_field_opens_nothing(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        for table in ("articles", "page", "t1", "public", "rows", "main", "users"):
            await is_as_nonsense(room, "token", f"{table}.{{}}=like.c*", f"select={table}.{{}}", f"order={table}.{{}}", f"or=({table}.{{}}.eq.1)")
            await is_as_nonsense(room, "token", f'"{table}.{{}}"=like.c*', f'select="{table}"."{{}}"', f'order="{table}.{{}}"')


@pytest.mark.advisory("CVE-2024-56143", "GHSA-6r2j-cxgf-495f")
async def test_a_parameter_that_nobody_knows_is_refused_and_turns_no_question_elsewhere(each_database: str) -> None:
    strange = (
        "lookup",
        "where",
        "filter",
        "filters[notes][$eq]",
        "populate",
        "fields",
        "_q",
        "$where",
        "redirectClassNameForKey",
        "include",
        "keys",
        "join",
    )
    async with newsroom_of(each_database) as room:
        for name in strange:
            for face in ("/api", "/rest/v1"):
                reply = await room.bob.get(f"{face}/articles", params={name: "eq.alpha"})
                assert reply.status_code == 400 and reply.json()["errors"][0]["code"] == "unknown", (name, reply.text)
        for relation in ("_sessions", "_accounts", "sessions", "sqlite_master", "pg_class", "Person", "users!_sessions", "articles_spy_id_fkey"):
            assert (await room.bob.get(f"{ARTICLES}?select=id,{relation}(*)")).status_code == 400, relation


@pytest.mark.advisory("PostgREST #4675", "GHSA-8cph-rgr4-g5vj")
@pytest.mark.case(94)
async def test_no_suggestion_names_what_the_caller_may_not_see(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        slips = (
            "select=tokn",
            "tokens=eq.1",
            "order=toke",
            "spyid=eq.1",
            "select=spi(nick)",
            "select=spyy(id)",
            "fees=eq.1",
            "select=feee",
            "or=(tokn.eq.1)",
        )
        for query in slips:
            for face in ("/api", "/rest/v1"):
                reply = await room.bob.get(f"{face}/articles?{query}")
                assert reply.status_code == 400
                told = reply.text.replace(query.partition("=")[2], "").replace(query.partition("=")[0], "")
                assert not any(f"`{name}`" in told for name in ("token", "spy", "spy_id", "fee")), reply.text
        assert "did you mean `fee`" in (await room.editor.get(f"{ARTICLES}?fees=eq.1")).text
        for body in ({"tokn": 1}, {"spyy_id": None}, {"feee": "1"}):
            told = (await room.bob.post(ARTICLES, body)).json()["errors"]
            assert [each["code"] for each in told if each["field"] in body] == ["unknown"]
            assert not any(f"`{name}`" in each["message"] for each in told for name in ("token", "spy", "spy_id", "fee"))
        for path in ("/api/dossierz", "/rest/v1/dossierz", "/rest/v1/userz", "/api/_session", "/rest/v1/rpc/artcles", "/api/articles/1/commentz"):
            reply = await room.bob.get(path)
            assert reply.status_code == 404
            assert not any(name in reply.text.replace(path, "") for name in ("dossiers", "users", "sessions", "articles"))


# ---------------------------------------------------------------- other places
@pytest.mark.advisory("CVE-2026-39381")
@pytest.mark.case(86)
async def test_the_addresses_of_oneself_hide_what_others_hide(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        for path in ("/api/session", "/api/account", "/auth/v1/user", f"/api/users/{room.ann.id}", "/api/users?select=*", "/rest/v1/users?select=*"):
            reply = await room.ann.get(path)
            assert reply.status_code == 200, path
            assert not any(word in reply.text for word in ("canary", "pin", "argon2", "password")), path
        changed = await room.ann.patch("/api/account", {"nick": "annie"})
        assert changed.json()["nick"] == "annie" and "pin" not in changed.json()
        assert (await room.ann.patch("/api/account", {"pin": "1"})).status_code == 400


@pytest.mark.advisory("CVE-2026-39943")
@pytest.mark.case(86)
async def test_what_a_row_was_is_shown_no_further_than_what_it_is(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        own = (await room.bob.get(f"{ARTICLES}?title=eq.Car")).json()[0]
        shown = own.keys()
        wishes = {"prefer": "return=representation"}
        for face in ("/api", "/rest/v1"):
            changed = await room.bob.patch(f"{face}/articles?title=eq.Car", {"notes": "n"}, headers=wishes)
            assert [row.keys() for row in changed.json()] == [shown]
        put = await room.bob.put(f"{ARTICLES}/{own['id']}", {"title": "Car", "dossier_id": None})
        assert put.json().keys() == shown
        upserted = await room.bob.client.post(
            "/rest/v1/articles",
            json={"id": own["id"], "title": "Car", "dossier_id": None},
            headers={"prefer": "return=representation,resolution=merge-duplicates"},
        )
        assert [row.keys() for row in upserted.json()] == [shown]
        gone = await room.bob.delete(f"/rest/v1/articles?id=eq.{own['id']}", headers=wishes)
        assert [row.keys() for row in gone.json()] == [shown]
        assert not {"fee", "token", "spy_id"} & shown


@pytest.mark.advisory("PostgREST #541")
async def test_an_error_holds_no_value_of_the_row_that_it_is_about(each_database: str) -> None:
    async with newsroom_of(each_database) as room:
        await room.keep("alpha")
        label = (await room.ann.get("/api/labels")).json()[0]["id"]
        clash = {"article_id": room.article, "label_id": label}
        refused = [
            await room.ann.post("/api/article_labels", clash),
            await room.ann.client.post("/rest/v1/article_labels", json=clash),
            await room.ann.delete("/api/dossiers?title=eq.alpha"),
            await room.ann.delete("/rest/v1/dossiers?title=eq.alpha"),
            await room.ann.patch(f"{ARTICLES}/{room.article}", {"dossier_id": 987654}),
            await room.ann.post(ARTICLES, {"title": None, "notes": "alpha", "dossier_id": None}),
        ]
        assert [reply.status_code for reply in refused] == [409, 409, 409, 409, 409, 400]
        for reply in refused:
            assert "alpha" not in reply.text.replace("title=eq.alpha", "") and "canary" not in reply.text
            assert reply.json()["details"] is None
