"""How rows reach each other: a reference is one hop, a collection its other side, a junction two."""

from __future__ import annotations

from dataclasses import dataclass

from backroom.resources.fields import Field


@dataclass(frozen=True, slots=True)
class Hop:
    """One step along a reference: from the row that holds `field` to the row of resource `target` that it names."""

    field: Field
    target: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value reached from the row: walk `hops`, read `field` of resource `resource`. An operand of resolved conditions."""

    hops: tuple[Hop, ...]
    field: Field
    resource: str


@dataclass(frozen=True, slots=True)
class Collection:
    """`members: list["Member"] = many(via="project")`: rows of `target` whose field `via` names this row.

    Many to many: `junction` is the resource between, `via` its field that names this row, `far` its field that names the target.
    """

    name: str
    resource: str
    target: str
    via: Field
    junction: str | None = None
    far: Field | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """A collection reached from the row: walk `hops`, then take `collection`. What `.any()` of a resolved condition looks through."""

    hops: tuple[Hop, ...]
    collection: Collection
