"""What a query wants to see, resolved: columns, aggregates and relations of one resource, and of each relation the same again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from backroom.resources.definition import Ordering
from backroom.resources.fields import Field, Kind
from backroom.resources.nodes import Always, Node
from backroom.resources.relations import Extract, Relation


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell under the name that the reply gives it, or what its values come to. `field` None: the number of rows.

    `cast`: the kind that it is turned into.
    """

    name: str
    field: Field | None
    extract: Extract | None = None
    cast: Kind | None = None
    aggregate: str | None = None

    @property
    def kind(self) -> Kind:
        """Of the value before it is aggregated or cast."""
        return "integer" if self.field is None else self.field.kind if self.extract is None else self.extract.kind


@dataclass(frozen=True, slots=True)
class Embedded:
    """The rows that `relation` reaches: an object or null, or a list. `spread`: their columns stand among ours. `silent`: asked for, not shown."""

    name: str
    relation: Relation
    selection: Selection
    spread: bool = False
    silent: bool = False


#: Aggregate -> the kinds that it is defined for, on both databases; `count` takes any.
FITTING: Mapping[str, frozenset[Kind]] = {
    "sum": frozenset({"integer", "float", "decimal", "timedelta"}),
    "avg": frozenset({"integer", "float", "decimal"}),
    "min": frozenset({"integer", "float", "decimal", "timedelta", "text", "date", "datetime", "time"}),
    "max": frozenset({"integer", "float", "decimal", "timedelta", "text", "date", "datetime", "time"}),
}
#: What a client calls a kind -> the kind.
_SPELLED: Mapping[str, Kind] = {
    **dict.fromkeys(("text", "varchar"), "text"),
    **dict.fromkeys(("float", "float8", "float4", "real"), "float"),
    "date": "date",
}


def cast_of(kind: Kind, name: str) -> Kind | None:
    """The kind that `name` casts a value of `kind` into: text of anything, a number of a decimal, the day of a time; else None."""
    into = _SPELLED.get(name)
    fits = into == "text" or (into == "float" and kind in ("integer", "decimal")) or (into == "date" and kind == "datetime")
    return into if fits else None


Part: TypeAlias = "Shown | Embedded"


@dataclass(frozen=True, slots=True)
class Selection:
    """Of the rows of `resource` that fulfill `where`, in this order, `limit` from `offset` on: these parts. `limit` None: as the reader has it."""

    resource: str
    parts: tuple[Part, ...]
    where: Node = Always(True)
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def grouped(self) -> bool:
        """One row for each group of rows that look alike, not for each row."""
        return any(isinstance(part, Shown) and part.aggregate is not None for part in self.parts)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns that the parts are made of, each once."""
        needed: dict[Field, None] = {}
        for part in self.parts:
            field = part.field if isinstance(part, Shown) else part.relation.here
            if field is not None:
                needed[field] = None
        return tuple(needed)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of a row's JSON, in order."""
        shown = [part for part in self.parts if not (isinstance(part, Embedded) and part.silent)]
        return tuple(name for part in shown for name in (part.selection.names if isinstance(part, Embedded) and part.spread else (part.name,)))

    def embedded(self) -> Iterator[Embedded]:
        """Every relation, at every depth."""
        for part in self.parts:
            if isinstance(part, Embedded):
                yield part
                yield from part.selection.embedded()
