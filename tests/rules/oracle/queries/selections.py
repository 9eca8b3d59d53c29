"""What a query shows of the rows that a level chose: their columns, what lies in them, what they come to, and the rows of relations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from tests.rules.oracle.queries.conditions import NOTHING, text_of, within
from tests.rules.oracle.queries.kinds import STRUCTURED, duration, is_list, is_object, key
from tests.rules.oracle.queries.levels import Level
from tests.rules.oracle.queries.questions import Embed, Pick, Star
from tests.rules.oracle.queries.relations import reached
from tests.rules.oracle.truth import seconds

Shown = Mapping[str, Any]
MOST_RELATED = 1000


class Bag(list[Any]):
    """A list whose order nobody promises: groups."""


class Like(NamedTuple):
    """A value that may be spelled in several ways: a sum, an average, a float as text. `kind` "any": any text."""

    kind: str
    value: Any

    def fits(self, found: Any) -> bool:
        if self.kind == "any":
            return isinstance(found, str)
        if self.kind == "float":
            near = 1e-9 * max(1.0, abs(self.value))
            return isinstance(found, int | float) and not isinstance(found, bool) and abs(found - self.value) <= near
        return (isinstance(found, str) or self.kind == "integer") and bool(key(self.kind, found) == key(self.kind, self.value))


class Part(NamedTuple):
    """One key of a row's JSON; `shown` False: not in this row."""

    name: str
    value: Any
    shown: bool = True


def shown(level: Level, row: Shown) -> dict[str, Any]:
    return {part.name: part.value for part in parts(level, row) if part.shown}


def shown_all(level: Level, rows: list[dict[str, Any]]) -> list[Any]:
    return groups(level, rows) if level.grouped else [shown(level, row) for row in rows]


def parts(level: Level, row: Shown | None) -> list[Part]:
    """`row` None: of a row that isn't there."""
    found: list[Part] = []
    for item in level.items:
        if isinstance(item, Star):
            found += [Part(column, (row or {}).get(column), row is None or column in row) for column in level.kinds if column not in level.instead]
        elif isinstance(item, Pick):
            found.append(Part(item.name, None if row is None else picked(level, item, row), row is None or item.column in row))
        elif item.spread:
            found += _spread(level, item, row)
        elif item.items:
            found.append(Part(item.name, None if row is None else _related(level, item, row)))
    return found


def picked(level: Level, pick: Pick, row: Shown) -> Any:
    held, kind = row.get(str(pick.column)), level.kinds[str(pick.column)]
    if pick.keys:
        found = NOTHING if held is None else within(held, pick.keys)
        found = None if found is NOTHING else text_of(found) if pick.as_text else found
        loose = pick.as_text and held is not None and isinstance(within(held, pick.keys), list | dict)
        held, kind = (Like("any", found) if loose else found), "text" if pick.as_text else "json"
    return held if pick.cast is None else turned(pick.cast, kind, held)


def turned(cast: str, kind: str, held: Any) -> Any:
    """A cast: text of anything, a number of a decimal, the day of a time."""
    if held is None or isinstance(held, Like):
        return held
    match cast:
        case "text" | "varchar":
            return Like("any", held) if kind in STRUCTURED or isinstance(held, float) else json.dumps(held) if not isinstance(held, str) else held
        case "date":
            return held[:10]
        case _:
            return Like("float", float(held))


def _related(level: Level, embed: Embed, row: Shown) -> Any:
    _, way, below = level.below[embed.name]
    if below.grouped:
        found = groups(below, level.related(embed.name, row))
        return (found[0] if found else None) if way.to_one else found
    rows = _chosen(level, embed, row)
    return (shown(below, rows[0]) if rows else None) if way.to_one else [shown(below, each) for each in rows]


def _chosen(level: Level, embed: Embed, row: Shown) -> list[dict[str, Any]]:
    _, way, below = level.below[embed.name]
    rows = below.matching(reached(level.sight, way, row))
    if way.to_one:
        return rows
    start = embed.offset or 0
    return below.ordered(rows)[start : start + (MOST_RELATED if embed.limit is None else embed.limit)]


def _spread(level: Level, embed: Embed, row: Shown | None) -> list[Part]:
    """The columns of the one row, or lists of those of many."""
    _, way, below = level.below[embed.name]
    rows = [] if row is None else _chosen(level, embed, row)
    if way.to_one:
        return parts(below, rows[0] if rows else None)
    columns = [parts(below, each) for each in rows]
    return [Part(part.name, [each[place].value for each in columns] if row is not None else None) for place, part in enumerate(parts(below, None))]


# ---------------------------------------------------------------- groups
def groups(level: Level, rows: list[dict[str, Any]]) -> Bag:
    """One for each kind of row that looks alike, as far as what is not aggregated goes."""
    alike: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    order = [item for item in level.items if not (isinstance(item, Pick) and level.aggregate(item) is not None)]
    for row in level.ordered(rows):
        face = {part.name: part.value for item in order for part in _parts_of(level, item, row) if part.shown}
        alike.setdefault(json.dumps(face, sort_keys=True, default=repr), (face, []))[1].append(row)
    if not order and not alike:
        alike[""] = ({}, [])
    found = Bag()
    for face, members in alike.values():
        told = dict(face)
        for item in level.items:
            if isinstance(item, Pick) and level.aggregate(item) is not None:
                told[item.name] = aggregated(level, item, members)
        found.append(told)
    return found


def _parts_of(level: Level, item: Any, row: Shown) -> list[Part]:
    if isinstance(item, Pick):
        return [Part(item.name, picked(level, item, row), item.column in row)]
    return _spread(level, item, row) if item.spread else [Part(item.name, _related(level, item, row))] if item.items else []


def aggregated(level: Level, pick: Pick, rows: list[dict[str, Any]]) -> Any:
    """What is hidden, and what is empty, is not among the values."""
    aggregate = level.aggregate(pick)
    if pick.column is None or (pick.column == "count" and "count" not in level.kinds):
        return len(rows)
    kind = level.kinds[pick.column]
    values = [row[pick.column] for row in rows if row.get(pick.column) is not None]
    if aggregate == "count":
        return len(values)
    if not values:
        return None
    if aggregate in ("min", "max"):
        found = (min if aggregate == "min" else max)(values, key=lambda value: key(kind, value))
        return Like(kind, found)
    numbers = [seconds(value) if kind == "timedelta" else Decimal(str(value)) for value in values]
    if aggregate == "avg":
        return Like("float", float(sum(numbers) / len(numbers)))
    total = sum(numbers)
    if kind == "timedelta":
        return duration(int(total * 1_000_000))
    return Like(kind, float(total)) if kind == "float" else Like(kind, str(total)) if kind == "decimal" else int(total)


# ---------------------------------------------------------------- comparing
def same(found: Any, right: Any) -> bool:
    """A reply's JSON and what is right. To Python 1 and True are equal; to a reader of JSON they are not."""
    if isinstance(right, Like):
        return right.fits(found)
    if is_object(right):
        return is_object(found) and found.keys() == right.keys() and all(same(found[name], value) for name, value in right.items())
    if isinstance(right, Bag):
        return is_list(found) and len(found) == len(right) and _in_any_order(found, list(right))
    if is_list(right):
        return is_list(found) and len(found) == len(right) and all(map(same, found, right))
    if isinstance(right, bool) or right is None:
        return found is right
    return not isinstance(found, bool) and bool(found == right)


def _in_any_order(found: list[Any], right: list[Any]) -> bool:
    for each in found:
        place = next((index for index, one in enumerate(right) if same(each, one)), None)
        if place is None:
            return False
        del right[place]
    return True
