"""What a search finds is what is stored, whatever wrote it, and whatever was undone; also when fields become searched, and when they cease to be."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from backroom import App, Resource, User, allow, field, me, owner, this
from backroom.errors import DeclarationError
from tests.rest.searched_app import CARDS, NOTES, finds, note_app
from tests.rules.world import Person, World, raw, sqlite
from tests.rules.world import running as ruled

WORDS = ("milk", "Tea", "hÖney", "bread", "oil", "ёлка", "x1", "milky")
ASKED = ("milk", "mil*", "tea honey", "ёлка", "bread oil", "x1", "honey", "t* o*", "never", "again")


class Writer:
    """Writes at random, by every way there is."""

    def __init__(self, world: World, ann: Person, seed: int) -> None:
        self.world, self.ann, self.draw = world, ann, random.Random(seed)
        self.written = 0

    def text(self) -> str:
        return " ".join(self.draw.choices(WORDS, k=self.draw.randint(1, 4)))

    def row(self) -> dict[str, Any]:
        self.written += 1
        return {
            "n": self.written,
            "title": self.text(),
            "body": self.draw.choice((None, self.text())),
            "slug": f"s{self.draw.randint(0, 30)}-{self.written % 3}",
        }

    async def key(self) -> int:
        rows = (await self.ann.get(f"{NOTES}?select=id&limit=1000")).json()
        return int(self.draw.choice(rows)["id"]) if rows else 0

    async def create(self) -> None:
        await self.ann.post(NOTES, self.row())

    async def create_many(self) -> None:
        """Now and then two with one slug: then none."""
        await self.ann.post(NOTES, [self.row() for _ in range(self.draw.randint(2, 6))])

    async def create_at_once(self) -> None:
        """Some of them refused, in a group that shares a commit."""
        await asyncio.gather(*(self.ann.post(NOTES, self.row()) for _ in range(12)))

    async def upsert(self) -> None:
        headers = {"prefer": "resolution=merge-duplicates"}
        await self.ann.post(f"{NOTES}?on_conflict=slug", [self.row() for _ in range(3)], headers=headers)

    async def change(self) -> None:
        change = self.draw.choice(({"title": self.text()}, {"body": None}, {"n": 3}, {"body": self.text(), "title": "again"}, {"slug": "s1-0"}))
        await self.ann.patch(f"{NOTES}/{await self.key()}", change)

    async def replace(self) -> None:
        await self.ann.put(f"{NOTES}/{await self.key()}", {"title": self.text()})

    async def change_many(self) -> None:
        await self.ann.patch(f"{NOTES}?slug=like.s{self.draw.randint(0, 9)}*", {"title": self.text()})

    async def change_what_is_found(self) -> None:
        await self.ann.patch(f"{NOTES}?title=plfts.{self.draw.choice(WORDS)}&n=gt.{self.written - 8}", {"title": self.text()})

    async def delete(self) -> None:
        await self.ann.delete(f"{NOTES}/{await self.key()}")

    async def delete_many(self) -> None:
        await self.ann.delete(f"{NOTES}?slug=like.s2{self.draw.randint(0, 9)}*")

    async def cards(self) -> None:
        """They go with their note."""
        await self.ann.post(CARDS, [{"title": self.text(), "note_id": await self.key() or None} for _ in range(4)])

    async def undo(self) -> None:
        for path in ("undone", "half"):
            await self.ann.post(f"/api/{path}", {"title": self.text()})

    async def raw(self) -> None:
        await self.world.db.sql(f"UPDATE notes SET title = title || ' again' WHERE id = {await self.key()}")
        if self.world.backend.database.name == "sqlite":
            await self.world.db.sql(
                "INSERT OR REPLACE INTO notes (id, title, body, owner_id, created_at, updated_at) "
                f"SELECT max(id), '{self.text()}', 'x1', owner_id, created_at, updated_at FROM notes GROUP BY owner_id"
            )


async def compare(ann: Person) -> int:
    """Every search, against the rows themselves; how much was found."""
    total = 0
    for path in (NOTES, CARDS):
        rows = (await ann.get(f"{path}?limit=1000&order=id")).json()
        for search in ASKED:
            found = (await ann.get(path, params={"search": search, "limit": 1000, "order": "id"})).json()
            assert found == [row for row in rows if finds(row, search)], (path, search)
            total += len(found)
    return total


def check(url: str) -> None:
    """SQLite compares its index with the table, word by word. Raises `apsw.CorruptError`."""
    if url.startswith("sqlite:"):
        with sqlite(url) as connection:
            for name in ("notes", "cards"):
                connection.execute(f"INSERT INTO _{name}_search(_{name}_search, rank) VALUES ('integrity-check', 1)")


@pytest.mark.parametrize("seed", range(3))
async def test_every_way_of_writing_keeps_the_index_in_step(each_database: str, seed: int) -> None:
    async with ruled(note_app(), each_database) as world:
        writer = Writer(world, await world.person("ann"), seed)
        ways = [
            writer.create, writer.create_many, writer.create_at_once, writer.upsert, writer.change, writer.replace, writer.change_many,
            writer.change_what_is_found, writer.delete, writer.delete_many, writer.cards, writer.undo, writer.raw,
        ]  # fmt: skip
        total = 0
        for _ in range(6):
            for way in writer.draw.sample(ways, len(ways)):
                await way()
            total += await compare(writer.ann)
            check(each_database)
        assert total > 200


async def test_a_transaction_that_is_undone_leaves_no_word_behind(each_database: str) -> None:
    async with ruled(note_app(), each_database) as world:
        ann = await world.person("ann")
        assert (await ann.post("/api/undone", {"title": "milk"})).status_code == 403
        assert (await ann.get(f"{NOTES}?search=milk")).json() == []
        assert (await ann.post("/api/half", {"title": "milk"})).status_code == 204
        assert [row["title"] for row in (await ann.get(f"{NOTES}?search=milk")).json()] == ["milk"]
        assert (await ann.get(f"{NOTES}?search=never")).json() == []
        check(each_database)


async def test_a_long_text_is_taken_and_found_by_its_first_words(each_database: str) -> None:
    async with ruled(note_app(), each_database, MAX_BODY_BYTES=8_000_000) as world:
        ann = await world.person("ann")
        # More different words than a `tsvector` holds, a word longer than it takes, and signs that become many when taken apart.
        many = " ".join(f"w{number}" for number in range(400_000))
        for title, body in (("words", f"first {many}"), ("word", f"first {'x' * 100_000}"), ("signs", "first " + "\ufdfa\u1f82" * 200_000)):
            assert (await ann.post(NOTES, {"title": title, "body": body})).status_code == 201
            assert [row["title"] for row in (await ann.get(f"{NOTES}?search=first+{title}")).json()] == [title]
            assert (await ann.patch(f"{NOTES}?search=", {})).status_code == 400
        assert len((await ann.get(f"{NOTES}?search=first&select=title")).json()) == 3
        assert (await ann.patch(f"{NOTES}?title=eq.words", {"body": None})).status_code == 200
        assert len((await ann.get(f"{NOTES}?search=first&select=title")).json()) == 2
        check(each_database)


# ---------------------------------------------------------------- tables that follow the declaration
async def started(url: str, *searched: str, development: bool = True) -> None:
    async with ruled(note_app(searched=searched), url, DEVELOPMENT=development):
        pass


async def steps_of(url: str, *searched: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    with caplog.at_level("INFO", "backroom"):
        await started(url, *searched)
    return [record.getMessage() for record in caplog.records if "search index" in record.getMessage()]


async def test_the_index_of_a_table_with_rows_follows_its_declaration(each_database: str, caplog: pytest.LogCaptureFixture) -> None:
    async with ruled(note_app(searched=()), each_database) as world:
        ann = await world.person("ann")
        key = (await ann.post(NOTES, {"title": "milk", "body": "tea"})).json()["id"]

    async def found(*searched: str, asked: dict[str, list[int]]) -> None:
        async with ruled(note_app(searched=searched), each_database) as world:
            for search, keys in asked.items():
                reply = await world.nobody.get(NOTES, params={"search": search}, headers={"cookie": ann.client.headers["cookie"]})
                assert [row["id"] for row in reply.json()] == keys, reply.text

    notes, cards = "the search index of notes", "the search index of cards"
    assert await steps_of(each_database, "title", caplog=caplog) == [f"Made {notes} (title).", f"Made {cards} (title)."]
    await found("title", asked={"milk": [key], "tea": []})
    assert await steps_of(each_database, "title", caplog=caplog) == []
    assert await steps_of(each_database, "title", "body", caplog=caplog) == [f"Dropped {notes} (title).", f"Made {notes} (title, body)."]
    await found("title", "body", asked={"milk": [key], "tea": [key]})
    with pytest.raises(DeclarationError, match=r"not those of app\.py \(Dropped the search index of notes"):
        await started(each_database, "body", development=False)
    await found("title", "body", asked={"milk": [key], "tea": [key]})
    assert await steps_of(each_database, "body", caplog=caplog) == [
        f"Dropped {notes} (title, body).",
        f"Made {notes} (body).",
        f"Dropped {cards} (title).",
    ]
    await found("body", asked={"milk": [], "tea": [key]})
    assert await steps_of(each_database, caplog=caplog) == [f"Dropped {notes} (body)."]
    async with ruled(note_app(searched=()), each_database) as world:  # nothing is left that would meet a write
        await world.db.sql(f"UPDATE notes SET title = 'oat', body = 'oil' WHERE id = {key}")
        await world.db.sql("DELETE FROM notes")
    left = await raw(each_database, _LEFT["sqlite" if each_database.startswith("sqlite") else "postgresql"])
    assert left == []


_LEFT = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE name LIKE '%search%'",
    "postgresql": "SELECT attname FROM pg_attribute WHERE attname LIKE '%search%' UNION SELECT relname FROM pg_class WHERE relname LIKE '%search%'",
}


async def test_tables_named_like_parts_of_an_index_do_not_meet_it(each_database: str) -> None:
    app = App()
    names = ("notes", "notes_data", "notes_idx", "notes_config", "notes_search", "search", "notes_content", "notes_docsize")
    for name in names:

        class Note(Resource):
            title: str = field(search=True)
            writer: User = owner()

            access = allow(everything=this.writer == me)

        app.resource(name)(Note)
    async with ruled(app, each_database) as world:
        ann = await world.person("ann")
        for name in names:
            assert (await ann.post(f"/api/{name}", {"title": f"milk of {name}"})).status_code == 201
        for name in names:
            assert [row["title"] for row in (await ann.get(f"/api/{name}?search=milk")).json()] == [f"milk of {name}"]


async def test_a_postgres_that_lacks_what_a_search_needs_says_so_in_a_sentence() -> None:
    from tests.postgres import connect, drop_database, postgres_url

    url = f"{postgres_url().rpartition('/')[0]}/without_unicode"
    connection = await connect(postgres_url())
    try:
        await connection.execute("CREATE DATABASE without_unicode TEMPLATE template0 ENCODING 'SQL_ASCII'")
        with pytest.raises(DeclarationError, match=r"refuses to make the tables .*und-x-icu") as refused:
            async with ruled(note_app(), url):
                pass
        assert "\n" not in str(refused.value)
    finally:
        await connection.close()
        drop_database(url)


async def test_vacuum_leaves_the_numbers_of_rows_by_which_they_are_found(tmp_path: Any) -> None:
    url = f"sqlite:{tmp_path}/app.db"
    async with ruled(note_app(), url) as world:
        ann = await world.person("ann")
        keys = [(await ann.post(CARDS, {"title": f"milk w{number}"})).json()["id"] for number in range(50)]
        for key in keys[:40:2]:
            await ann.delete(f"{CARDS}/{key}")
    with sqlite(url) as connection:
        connection.execute("VACUUM")
        connection.execute("VACUUM INTO ?", (f"{tmp_path}/copy.db",))
    for each in (url, f"sqlite:{tmp_path}/copy.db"):
        check(each)
        async with ruled(note_app(), each) as world:
            reply = await world.nobody.get(f"{CARDS}?search=w45&select=id", headers={"cookie": ann.client.headers["cookie"]})
            assert reply.json() == [{"id": keys[45]}]
