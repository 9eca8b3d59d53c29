"""What a query asks of the rows of one resource, its own or those that a relation reaches: which of them, in which order, and what of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from tests.rules.oracle.queries.conditions import NOTHING, holding, text_of, within
from tests.rules.oracle.queries.kinds import STRUCTURED, TEXTS, key
from tests.rules.oracle.queries.questions import Condition, Embed, Item, Pick, Sort, Star, Test, embeds_of, tests_of
from tests.rules.oracle.queries.relations import Way, named, reached
from tests.rules.oracle.queries.sight import Sight

Shown = Mapping[str, Any]
#: Aggregate -> the kinds that it is defined for; `count` takes any.
FITTING: Mapping[str, frozenset[str]] = {
    "sum": frozenset({"integer", "float", "decimal", "timedelta"}),
    "avg": frozenset({"integer", "float", "decimal"}),
    **dict.fromkeys(("min", "max"), frozenset({"integer", "float", "decimal", "timedelta", "text", "email", "date", "datetime", "time"})),
}


class Level:
    """Raises `Fault` where it asks what does not exist for the caller, or makes no sense."""

    def __init__(self, sight: Sight, name: str, items: tuple[Item, ...], where: tuple[Condition, ...], order: tuple[Sort, ...]) -> None:
        self.sight, self.name, self.items, self.where, self.order = sight, name, items, where, order
        self.kinds = {column: kind for column, kind in sight.kinds(name).items() if column in sight.known(name)}
        self.below: dict[str, tuple[Embed, Way, Level]] = {}
        for embed in embeds_of(items):
            found = named(sight, name, embed.written, embed.hint)
            if len(found) != 1 or embed.name in self.below:
                raise Fault(f"{embed.name}: {found}")
            self.below[embed.name] = embed, found[0], Level(sight, found[0].target, embed.items, embed.where, embed.order)
        self._check()

    @cached_property
    def grouped(self) -> bool:
        return any(isinstance(item, Pick) and self.aggregate(item) is not None for item in self.items)

    def aggregate(self, pick: Pick) -> str | None:
        """`relation(count)`, as it was written before there were aggregates."""
        return "count" if pick.column is None or (pick.column == "count" and "count" not in self.kinds) else pick.aggregate

    # ---------------------------------------------------------------- what is refused
    def _check(self) -> None:
        for test in tests_of(self.where):
            if not self._fits(test):
                raise Fault(str(test))
        for sort in self.order:
            self._check_sort(sort)
        by = [(sort.column, sort.keys, sort.as_text, sort.relation and self.below[sort.relation][1]) for sort in self.order]
        if len(set(by)) < len(by):
            raise Fault("order by one thing twice")
        for item in self.items:
            if isinstance(item, Pick) and item.column is not None and not (item.column == "count" and self.aggregate(item)):
                self._check_pick(item)
        names = self.names()
        if len(set(names)) < len(names):
            raise Fault(f"twice: {names}")
        if self.grouped:
            self._check_groups()

    def _fits(self, test: Test) -> bool:
        if test.column not in self.kinds:
            return test.column in self.below and test.operator == "is" and test.values[0] in ("null", "not_null") and not test.keys
        kind = self.kinds[test.column]
        if test.keys:
            return kind in STRUCTURED and (test.operator not in ("like", "ilike") or test.as_text)
        match test.operator:
            case "is":
                return kind == "boolean" or test.values[0] in ("null", "not_null")
            case "like" | "ilike":
                return kind in TEXTS
            case "cs" | "cd" | "ov":
                return kind in STRUCTURED
            case _:
                return kind not in STRUCTURED

    def _check_sort(self, sort: Sort) -> None:
        if sort.relation is not None:
            below = self.below.get(sort.relation)
            if below is None or not below[1].to_one or sort.keys:
                raise Fault(f"order by {sort}")
            below[2]._check_sort(Sort(sort.column))
        elif sort.column not in self.kinds or (self.kinds[sort.column] in STRUCTURED) is not bool(sort.keys):
            raise Fault(f"order by {sort}")

    def _check_pick(self, pick: Pick) -> None:
        kind = self.kinds.get(str(pick.column))
        if kind is None or (pick.keys and kind not in STRUCTURED):
            raise Fault(str(pick))
        if pick.aggregate not in (None, "count") and kind not in FITTING[str(pick.aggregate)]:
            raise Fault(str(pick))

    def _check_groups(self) -> None:
        alone = all(isinstance(item, Pick) and item.column in (None, "count") for item in self.items)
        if not alone and not self.sight.tables[self.name].aggregates:
            raise Fault("no aggregates")
        by = {(item.column, item.keys, item.as_text) for item in self.items if isinstance(item, Pick) and self.aggregate(item) is None}
        by |= {(column, (), False) for item in self.items if isinstance(item, Star) for column in self.kinds}
        by |= {(way.column if way.up else "id", (), False) for _, way, _ in self.below.values()}
        if any(sort.relation is not None or (sort.column, sort.keys, sort.as_text) not in by for sort in self.order):
            raise Fault("order of groups")

    @property
    def instead(self) -> set[str]:
        """The columns that `*` leaves to the references beside it."""
        return {embed.name for embed, way, _ in self.below.values() if way.up and embed.name == way.column and embed.items and not embed.spread}

    def names(self) -> list[str]:
        """The keys of a row's JSON."""
        found: list[str] = []
        for item in self.items:
            if isinstance(item, Star):
                found += [column for column in self.sight.columns(self.name) if column in self.kinds and column not in self.instead]
                found += ["created_at", "updated_at"]
            elif isinstance(item, Pick):
                found.append(item.name)
            elif item.spread:
                found += self.below[item.name][2].names()
            elif item.items:
                found.append(item.name)
        return found

    # ---------------------------------------------------------------- which rows
    def matching(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if self.lets(row)]

    def lets(self, row: Shown) -> bool:
        some = {name: bool(self.related(name, row)) for name in self._asked}
        inner = all(some[name] for name, (embed, _, _) in self.below.items() if embed.join == "inner")
        return inner and all(holding(condition, row, self.kinds, some) is True for condition in self.where)

    @cached_property
    def _asked(self) -> list[str]:
        tested = {test.column for test in tests_of(self.where)}
        return [name for name, (embed, _, _) in self.below.items() if embed.join == "inner" or name in tested]

    def related(self, name: str, row: Shown) -> list[dict[str, Any]]:
        """The rows of a relation that its own conditions let through, in no order."""
        _, way, level = self.below[name]
        return level.matching(reached(self.sight, way, row))

    # ---------------------------------------------------------------- in which order
    def ordered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A total order: the key comes last, the way of the last that was asked for."""
        order = self.order
        if not any(sort.column == "id" and sort.relation is None for sort in order):
            order = (*order, Sort("id", order[-1].descending if order else False))
        found = list(rows)
        for sort in reversed(order):
            found = self._sorted(sort, found)
        return found

    def _sorted(self, sort: Sort, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        down = bool(sort.descending)
        keyed = [(self._sort_key(sort, row), row) for row in rows]
        full = [row for _, row in sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=down)]
        empty = [row for found, row in keyed if found is None]
        first = down if sort.nulls_first is None else sort.nulls_first
        return [*empty, *full] if first else [*full, *empty]

    def _sort_key(self, sort: Sort, row: Shown) -> Any:
        if sort.relation is not None:
            _, way, level = self.below[sort.relation]
            found = reached(self.sight, way, row)
            return level._sort_key(Sort(sort.column), found[0]) if found else None
        held = row.get(sort.column)
        if not sort.keys:
            return None if held is None else key(self.kinds[sort.column], held)
        found = NOTHING if held is None else within(held, sort.keys)
        if found is NOTHING or found is None:
            return None
        if sort.as_text:
            return str(text_of(found)).encode()
        return _ranked(found)


def _ranked(found: Any) -> Any:
    """Texts, numbers, booleans, then lists and objects, which are all alike."""
    if isinstance(found, str):
        return 1, found.encode()
    if isinstance(found, bool):
        return 3, found
    return (2, found) if isinstance(found, int | float) else (4,)


def all_levels(level: Level) -> Iterator[Level]:
    yield level
    for _, _, below in level.below.values():
        yield from all_levels(below)


class Fault(Exception):
    """400."""
