"""Chance -> what is shown of rows: columns, casts, aggregates, and relations to any depth, with conditions and orders of their own."""

from __future__ import annotations

from tests.rules.oracle.queries.asking import Asking
from tests.rules.oracle.queries.kinds import STRUCTURED
from tests.rules.oracle.queries.levels import FITTING
from tests.rules.oracle.queries.questions import Condition, Embed, Item, Pick, Sort, Star, Test
from tests.rules.oracle.queries.relations import Way, declared, named, ways

_ALIASES = ("x", "y", "a", "one")


class Selecting(Asking):
    """`left`: relations that may still be named."""

    left = 0

    # ---------------------------------------------------------------- what is shown
    def select(self, name: str, depth: int) -> tuple[Item, ...] | None:
        chance = self.chance
        if depth == 0 and chance.random() < 0.4:
            return self.columns(name)
        if chance.random() < 0.12 and (self.tables[name].aggregates or chance.random() < 0.3):
            return self.grouping(name)
        items: list[Item] = [Star()] if chance.random() < 0.35 else [self.pick(name) for _ in range(chance.choice((0, 1, 1, 2)))]
        while self.left > 0 and depth < 5 and chance.random() < (0.85 if depth == 0 else 0.4):
            self.left -= 1
            found = self.embed(name, depth)
            if found is not None:
                items.insert(chance.randint(0, len(items)), found)
        return tuple(self.apart(name, items) if chance.random() < 0.96 else items) or (Pick("id"),)

    def apart(self, name: str, items: list[Item]) -> list[Item]:
        """Without those whose keys an earlier one has."""
        taken, kept = set[str](), list[Item]()
        for item in items:
            keys = self.shown(name, item)
            if not taken.intersection(keys):
                kept.append(item)
                taken.update(keys)
        return kept

    def shown(self, name: str, item: Item) -> list[str]:
        """The keys of a row's JSON that come of an item."""
        if isinstance(item, Star):
            return list(self.known(name))
        if isinstance(item, Embed) and item.spread:
            return [key for each in item.items for key in self.shown(item.target, each)]
        return [item.name]

    def pick(self, name: str) -> Pick:
        chance = self.chance
        column = self.column(name)
        kind = self.kind(name, column)
        alias = chance.choice(_ALIASES) if chance.random() < 0.2 else None
        if kind in STRUCTURED and chance.random() < 0.5:
            return Pick(column, *self.path(kind), alias=alias)
        cast = None
        if chance.random() < 0.15:
            cast = "text"
            if kind in ("integer", "decimal", "datetime") and not column.endswith("id") and chance.random() < 0.6:
                cast = "date" if kind == "datetime" else "float8"
        return Pick(column, alias=alias, cast=cast)

    def grouping(self, name: str) -> tuple[Item, ...]:
        """The number of rows, or of those that look alike, and what their values come to."""
        chance = self.chance
        items: list[Item] = [Pick(chance.choice((None, "count")))] if chance.random() < 0.7 else []
        by = [each for each in self.names(name) if chance.random() < 0.15]
        items += [Pick(column) for column in by]
        for column in [each for each in self.names(name) if chance.random() < 0.3]:
            fitting = [word for word, kinds in FITTING.items() if self.kind(name, column) in kinds and not column.endswith("id")]
            word = chance.choice(("count", *fitting, *fitting))
            items.append(Pick(column, aggregate=word, alias=f"{word}_{column}"))
        return tuple(items) or (Pick(None),)

    # ---------------------------------------------------------------- relations
    def embed(self, name: str, depth: int) -> Embed | None:
        chance = self.chance
        found = ways(self.tables, name)
        if not found:
            return None
        masked = [way for way in found if any(self.sight.field(*each) in self.tables[each[0]].fields for each in way.columns)]
        way = chance.choice(masked if masked and chance.random() < 0.4 else found)
        written, hint = self.written(name, way)
        if named(self.sight, name, written, hint) != [way] and chance.random() < 0.95:
            return None
        items: tuple[Item, ...] = () if chance.random() < 0.06 else self.select(way.target, depth + 1) or ()
        spread = chance.random() < 0.15 and not any(map(counts, items))
        grouped = any(map(counts, items))
        where, order = self.level(way.target, items, grouped)
        where = where if chance.random() < 0.4 else ()
        bounds = not way.to_one and not grouped
        return Embed(
            written,
            way.target,
            items,
            alias=chance.choice(_ALIASES) if chance.random() < 0.2 and not spread else None,
            hint=hint,
            join=chance.choice((None, None, None, "inner", "left")),
            spread=spread,
            where=where,
            order=order if bounds else (),
            limit=chance.choice((None, None, 0, 1, 2)) if bounds else None,
            offset=chance.choice((None, None, None, 1)) if bounds else None,
        )

    def written(self, name: str, way: Way) -> tuple[str, str | None]:
        """Any name that may mean it, and perhaps a hint."""
        chance = self.chance
        own = [each for each, found in declared(self.tables, name).items() if found == way]
        forms: list[tuple[str, str | None]] = [(each, None) for each in (*own, *own)]
        hints = sorted(way.hints)
        if way.up:
            forms += [(way.column, None), (way.target, chance.choice(hints))]
        forms += [(way.target, chance.choice(hints)), (way.target, None)]
        if way.far is None:
            forms += [(way.constraint, None)]
        return chance.choice(forms)

    # ---------------------------------------------------------------- which of them
    def level(self, name: str, items: tuple[Item, ...], grouped: bool) -> tuple[tuple[Condition, ...], tuple[Sort, ...]]:
        chance = self.chance
        embeds = [item for item in items if isinstance(item, Embed)]
        where, order = [] if embeds and chance.random() < 0.5 else list(self.where(name)), self.order(name)
        for embed in embeds:
            where += self.presence(name, embed)
            to_one = [way.to_one for way in named(self.sight, name, embed.written, embed.hint)] == [True]
            if chance.random() < 0.3 and not grouped and (to_one or chance.random() < 0.05):
                order = (*order[:1], self.sort(embed.target, self.column(embed.target), embed.name))
        if grouped:
            by = [item for item in items if isinstance(item, Pick) and not counts(item)]
            order = tuple(Sort(str(pick.column), chance.choice((None, True))) for pick in by if self.kind(name, str(pick.column)) not in STRUCTURED)
        return tuple(where), order

    def presence(self, name: str, embed: Embed) -> list[Condition]:
        """Whether a relation reaches a row."""
        if self.chance.random() > 0.2 or embed.name in self.known(name):
            return []
        return [self.maybe_not(Test(embed.name, "is", (self.chance.choice(("null", "null", "not_null")),)))]


def counts(item: Item) -> bool:
    return isinstance(item, Pick) and (item.column in (None, "count") or item.aggregate is not None)
