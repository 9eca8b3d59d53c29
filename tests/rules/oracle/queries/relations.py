"""The relations that keys make, as a query may name them (docs/rest.md), and the rows that they reach for one caller (RULES.md, 19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.rules.oracle.draw import Table
from tests.rules.oracle.queries.sight import Sight

Shown = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """From rows of `resource` to rows of `target`. `reference` (of `holder`) names this row; behind a junction, `far` names the other."""

    resource: str
    target: str
    holder: str
    reference: str
    up: bool  # along the reference, to the one row that it names
    far: str | None = None
    single: bool = False

    @property
    def column(self) -> str:
        return f"{self.reference}_id"

    @property
    def to_one(self) -> bool:
        return self.up or self.single

    @property
    def constraint(self) -> str:
        return self.holder if self.far is not None else f"{self.holder}_{self.column}_fkey"

    @property
    def hints(self) -> frozenset[str]:
        return frozenset({self.holder}) if self.far is not None else frozenset({self.constraint, self.column, self.reference})

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Who may not see one of these does not see the relation."""
        return tuple((self.holder, f"{each}_id") for each in (self.reference, self.far) if each is not None)


def ways(tables: Mapping[str, Table], name: str) -> list[Way]:
    found: list[Way] = []
    for holder, table in tables.items():
        for reference, (target, _, _) in table.references.items():
            if holder == name:
                found.append(Way(name, target, holder, reference, up=True))
            if target == name:
                found.append(Way(name, holder, holder, reference, up=False, single=(reference,) in table.unique))
        for near, far in _tied(tables, holder):
            if table.references[near][0] == name:
                found.append(Way(name, table.references[far][0], holder, near, up=False, far=far))
    return found


def _tied(tables: Mapping[str, Table], holder: str) -> Iterator[tuple[str, str]]:
    """A resource ties two others together if a unique key consists of two references, or a collection is declared through it."""
    references = tables[holder].references
    pairs = {frozenset(group) for group in tables[holder].unique if len(group) == 2 and all(each in references for each in group)}
    for table in tables.values():
        pairs |= {frozenset((found[2], found[4])) for found in table.collections.values() if found[0] == "through" and found[1] == holder}
    for one, other in sorted(sorted(pair) for pair in pairs):
        yield from ((one, other), (other, one))


def declared(tables: Mapping[str, Table], name: str) -> dict[str, Way]:
    """What the class itself names."""
    all_of_them = ways(tables, name)
    found = {way.reference: way for way in all_of_them if way.up}
    for collection, told in tables[name].collections.items():
        for way in all_of_them:
            same = (
                (way.holder, way.reference) == told[1:3] if told[0] == "via" else (way.holder, way.reference, way.far) == (told[1], told[2], told[4])
            )
            if same and not way.up and (way.far is None) == (told[0] == "via"):
                found[collection] = way
    return found


def named(sight: Sight, name: str, written: str, hint: str | None) -> list[Way]:
    """Those that exist for the caller and may be meant."""
    all_of_them, own = ways(sight.tables, name), declared(sight.tables, name)
    if written in own:
        found = [own[written]] if hint is None else [way for way in (own[written],) if hint in way.hints]
    else:
        upwards = [way for way in all_of_them if way.up and way.column == written]
        keyed = [way for way in all_of_them if way.far is None and way.constraint == written]
        # Of a resource that refers to itself, its name means the rows below.
        others = [way for way in all_of_them if way.target == written and not (way.up and way.target == way.resource)]
        found = upwards or keyed or others
        if hint is not None:
            found = [way for way in all_of_them if way in (*found, *others) and hint in way.hints]
    return [way for way in found if exists(sight, way)]


def exists(sight: Sight, way: Way) -> bool:
    return all(column in sight.known(resource) for resource, column in way.columns)


def reached(sight: Sight, way: Way, row: Shown) -> list[dict[str, Any]]:
    """The rows that the caller may read, over keys that he may see: what is hidden joins nothing."""
    there = sight.rows(way.target)
    if way.up:
        key = row.get(way.column)
        return [there[key]] if key is not None and key in there else []
    if way.far is None:
        return [each for each in there.values() if each.get(way.column) == row["id"]]
    ties = [tie.get(f"{way.far}_id") for tie in sight.rows(way.holder).values() if tie.get(way.column) == row["id"]]
    return [there[key] for key in ties if key is not None and key in there]
