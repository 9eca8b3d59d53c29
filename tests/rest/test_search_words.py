"""Both databases cut text into the same words as the caller's text is cut, whatever the script."""

from __future__ import annotations

import random
from typing import Any

from backroom.resources.words import folded, words_of
from tests.rest.searched_app import NOTES, note_app
from tests.rest.world import running
from tests.rules.world import World, listening
from tests.rules.world import running as ruled

SCRIPTS = {
    "Latin": "abcxyzABCXYZ019äéîõüñçÄÉÎÕÜÑÇßøłđæœþƒșžőŐİıǆếỗệ",
    "Latin in pieces": "aeoAEO\u0301\u0308\u0302\u0303",
    "Greek": "αβγδΩΣσςάέήίόύώΆΈΉϊϋΐ",
    "Cyrillic": "абвгдеёжзийАБВЁЙїєґўљњќѓ",
    "Armenian and Georgian": "աբգդԱԲԳԴაბგდ",
    "Hebrew": "אבגדהו\u05b8\u05bc\u05b7",
    "Arabic": "ابتثجحخ\u064e\u0651\u0650٠١٢",
    "Devanagari": "कखगहनदध\u093f\u0940\u094d\u0902\u0947०१२",
    "Tamil": "கஙசஞ\u0bbe\u0bbf\u0bcd",
    "Thai": "กขคงจ\u0e31\u0e34\u0e48",
    "Hangul": "한국어우유가나다",
    "Japanese": "みるくミルク々牛乳日本語ー",
    "Fullwidth": "ＡＢｃ１２",
}
BETWEEN = (
    *" .,;:!?-_/\\'\"()[]{}<>@#$%^&+=|~`\n\t",
    *"\u00a0\u00ad\u2014\u2019\u2026\u2066\u3000\u200b\u061c。、।€₿²½①©→👍🥛🤌",
    "❤\ufe0f",
    "👩\u200d💻",
)


def drawn_text(draw: random.Random) -> str:
    parts: list[str] = []
    for _ in range(draw.randint(1, 8)):
        letters = draw.choice(list(SCRIPTS.values()))
        # A word begins with a letter, not with a sign.
        parts += [letters[0], *draw.choices(letters, k=draw.randint(0, 6)), *draw.choices(BETWEEN, k=draw.randint(1, 3))]
    return "".join(parts)


async def test_every_word_of_every_script_is_found_where_it_stands_and_nowhere_else(each_database: str) -> None:
    draw = random.Random(5)
    texts = [drawn_text(draw) for _ in range(150)]
    words = [{folded(word.text) for word in words_of(text)} for text in texts]
    async with running(each_database, note_app()) as world:
        ann = await world.person()
        assert (await ann.post(NOTES, json=[{"n": n, "title": text} for n, text in enumerate(texts)])).status_code == 201
        asked = [word for text in texts for word in words_of(text)]
        assert len(asked) > 500
        for word in draw.sample(asked, 250):
            plain = folded(word.text)
            whole = [n for n, held in enumerate(words) if plain in held]
            begun = [n for n, held in enumerate(words) if any(each.startswith(plain) for each in held)]
            for search, expected in ((word.text, whole), (f"{word.text}*", begun)):
                reply = await ann.get(NOTES, params={"search": search, "order": "n", "limit": 1000})
                assert [row["n"] for row in reply.json()] == expected, (search, ascii(search))


async def test_postgres_finds_words_by_the_index_and_not_by_reading_the_table(each_database: str) -> None:
    async with ruled(note_app(), each_database) as world:
        ann = await world.person("ann")
        await ann.post(NOTES, {"title": "w0"})
        numbers = "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 20000)"
        texts = "'w' || i || ' milk', 'x' || (i % 50) || ' tea'"
        await world.db.sql(
            f"INSERT INTO notes (n, title, body, owner_id, created_at, updated_at) {numbers} "
            f"SELECT i, {texts}, owner_id, created_at, updated_at FROM g, (SELECT * FROM notes) AS old"
        )
        with listening(world) as heard:
            for search in ("w77", "w77*", "x7 w107", "milk w77"):
                assert (await ann.get(f"{NOTES}?search={search}")).json()
            await world.heard_all()
        asked = [each for each in heard if "search" in each.text]
        assert len(asked) == 4
        for each in asked:
            steps = await plan(world, each.text, each.parameters)
            index = "VIRTUAL TABLE INDEX" if world.backend.database.name == "sqlite" else "Bitmap Index Scan on _search_notes"
            assert index in steps and "Seq Scan on notes" not in steps, steps


async def plan(world: World, text: str, parameters: tuple[Any, ...]) -> str:
    if world.backend.database.name == "sqlite":
        database: Any = world.backend.database
        return "\n".join(row[3] for row in database._inline.run(f"EXPLAIN QUERY PLAN {text}", parameters))
    from tests.postgres import connect

    connection = await connect(world.url, server_settings={"plan_cache_mode": "force_custom_plan"})
    try:
        await connection.execute("ANALYZE notes")
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {text}", *parameters))
    finally:
        await connection.close()
