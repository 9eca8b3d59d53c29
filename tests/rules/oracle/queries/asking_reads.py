"""Chance -> a question that reads: pages and single rows."""

from __future__ import annotations

from dataclasses import replace

from tests.rules.oracle.queries.asking import FACES
from tests.rules.oracle.queries.questions import Embed, Item, Pick, Question
from tests.rules.oracle.queries.selecting import Selecting, counts


class AskingReads(Selecting):
    def draw(self) -> Question:
        chance = self.chance
        name = chance.choice([*self.tables, *(each for each in self.tables if each != "users")])
        self.left = chance.choice((0, 1, 1, 2, 2, 3, 5))
        face = chance.choice(FACES)
        if face == "/api" and chance.random() < 0.12:
            return Question(face, "GET", name, self.key(name), self.single(name), style=chance.getrandbits(8))
        items = self.select(name, 0)
        grouped = any(map(counts, items or ()))
        where, order = self.level(name, items or (), grouped)
        return Question(
            face,
            "HEAD" if chance.random() < 0.04 else "GET",
            name,
            select=items,
            where=where,
            order=order,
            limit=None if grouped else chance.choice((None,) * 6 + (0, 1, 2, 3, 5, 1000)),
            offset=None if grouped else chance.choice((None,) * 12 + (0, 1, 1, 2, 9)),
            span=chance.choice(((0, 0), (0, 2), (1, None), (2, 3))) if chance.random() < 0.07 and not grouped else None,
            counted=chance.random() < 0.3,
            one=chance.random() < 0.04,
            style=chance.getrandbits(8),
        )

    def single(self, name: str) -> tuple[Item, ...] | None:
        """Of one row by address: `!inner` would say which rows."""
        items = self.select(name, 0)
        if items is None:
            return None
        return tuple(replace(item, join=None) if isinstance(item, Embed) else item for item in items if not counts(item)) or (Pick("id"),)
