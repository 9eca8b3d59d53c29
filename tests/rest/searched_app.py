"""Notes that are searched by their words, some of which some callers may not see; and the same search in plain Python."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any
from unicodedata import combining, normalize
from uuid import UUID

from backroom import App, Db, Resource, User, allow, field, many, me, owner, this
from backroom.errors import Problem

NOTES, CARDS = "/api/notes", "/api/cards"


def note_app(*, searched: Sequence[str] = ("title", "body", "secret")) -> App:
    app = App()

    def option(name: str, **given: Any) -> Any:
        return field(search=name in searched, **given)

    @app.resource("notes", order="-n")
    class Note(Resource):
        n: int = 0
        title: str = option("title", default="")
        body: str | None = option("body", default=None)
        slug: str | None = field(unique=True, default=None)
        secret: str = option("secret", default="")
        public: bool = False
        cards: list[Card] = many(via="note")
        owner: User = owner()

        access = allow(read=(this.owner == me) | this.public, write=this.owner == me, fields={"secret": me.has_role("hr")})

    @app.resource("cards")
    class Card(Resource[UUID]):
        title: str = option("title")
        note: Note | None = field(on_delete="cascade", default=None)
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.post("/undone")
    async def undone(db: Db, me: User, title: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Writes, and is undone as a whole."""
        async with db.transaction():
            made = await db.create(Note(title=title))
            await db.update(made, title=f"{title} again")
            raise Problem("rules.forbidden")

    @app.post("/half")
    async def half(db: Db, me: User, title: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Writes twice, of which the second is undone."""
        async with db.transaction():
            await db.create(Note(title=title))
            try:
                async with db.transaction():
                    await db.create(Note(title=f"{title} never"))
                    raise Problem("rules.forbidden")
            except Problem:
                pass

    return app


# ---------------------------------------------------------------- in plain Python
def plain(text: str | None) -> str:
    """In lower case, without accents on a-z: for Latin, Greek and Cyrillic as these tests write them."""
    letters: list[str] = []
    for letter in normalize("NFD", text or ""):
        if not (combining(letter) and letters and letters[-1] in ascii_letters):
            letters.append(letter)
    return normalize("NFC", "".join(letters)).lower().replace("ς", "σ")


def words_in(text: str | None) -> list[str]:
    return re.findall(r"[^\W_]+", plain(text))


def finds(row: Mapping[str, Any], search: str, fields: Sequence[str] = ("title", "body")) -> bool:
    """Every word stands in some field; `*` after a word: the beginning of one."""
    held = [word for name in fields for word in words_in(row.get(name))]
    asked = re.findall(r"[^\W_]+\*?", plain(search))
    return all(any(word.startswith(each[:-1]) if each.endswith("*") else word == each for word in held) for each in asked)


def score(row: Mapping[str, Any], search: str, fields: Sequence[str] = ("title", "body")) -> float:
    """Of each field: hits, of which the first counts most, over the logarithm of the text's length; each field an eighth of the one before."""
    asked = sorted(set(words_in(search)))
    total = 0.0
    for step, name in enumerate(fields):
        held = words_in(row.get(name))
        hits = sum(sum(1 / number**2 for number in range(1, held.count(word) + 1)) for word in asked) * 6 / math.pi**2 / len(asked)
        total += hits / 8**step / math.log(2 + len((row.get(name) or "").encode()))
    return round(total, 6)
