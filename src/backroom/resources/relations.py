"""How rows reach each other: a reference is one hop, a collection its other side, a junction two."""

from __future__ import annotations

from dataclasses import dataclass

from backroom.resources.fields import Field, Kind


@dataclass(frozen=True, slots=True)
class Hop:
    """One step along a reference: from the row that holds `field` to the row of resource `target` that it names."""

    field: Field
    target: str


@dataclass(frozen=True, slots=True)
class Extract:
    """A value inside a JSON field: the keys that lead there, and as which kind it is read; a value of another kind is none.

    `as_text`: of kind text, and every value has a text.
    """

    keys: tuple[str | int, ...]
    kind: Kind
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A value reached from the row: walk `hops`, read `field` of resource `resource`. An operand of resolved conditions."""

    hops: tuple[Hop, ...]
    field: Field
    resource: str
    extract: Extract | None = None

    @property
    def kind(self) -> Kind:
        return self.field.kind if self.extract is None else self.extract.kind


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


@dataclass(frozen=True, slots=True)
class Junction:
    """The rows between two resources: `near` names the row that asks, `far` the row that is reached."""

    resource: str
    near: Field
    far: Field


@dataclass(frozen=True, slots=True)
class Relation:
    """How a query gets from a row of `resource` to rows of `target`: to those whose `there` equals its own `here`.

    Through a junction: to those whose `there` equals the junction's `far`, where its `near` equals `here`. `constraint` is the key's name in the
    database (of a junction: its resource's name), by which a query tells two relations to one target apart.
    """

    resource: str
    target: str
    here: Field
    there: Field
    to_one: bool
    constraint: str
    junction: Junction | None = None

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(resource, column) of every reference on the way: who may not see one of them does not see the relation."""
        if self.junction is not None:
            return ((self.junction.resource, self.junction.near.column), (self.junction.resource, self.junction.far.column))
        return ((self.resource, self.here.column),) if self.here.is_reference else ((self.target, self.there.column),)
