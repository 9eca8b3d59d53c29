"""What can be asked of the wire, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Keys: TypeAlias = "tuple[str | int, ...]"


# ---------------------------------------------------------------- which rows, in which order
@dataclass(frozen=True)
class Test:
    """`column operator value`. `values` in JSON's forms; several for `in`, and for a `quantifier`. `keys` lead into JSON.

    `is.null` and `is.not_null` may ask of a relation instead, by the name that it has in `select`.
    """

    column: str
    operator: str
    values: tuple[Any, ...]
    quantifier: str | None = None
    keys: Keys = ()
    as_text: bool = False


@dataclass(frozen=True)
class Group:
    """`and(...)`, `or(...)`."""

    word: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Negated:
    part: Condition


Condition: TypeAlias = "Test | Group | Negated"


@dataclass(frozen=True)
class Sort:
    """`relation`: by a column of the one row that it reaches."""

    column: str
    descending: bool | None = None  # None: not said
    nulls_first: bool | None = None
    keys: Keys = ()
    as_text: bool = False
    relation: str | None = None


# ---------------------------------------------------------------- what is shown of them
@dataclass(frozen=True)
class Star:
    """Every column that the caller may see."""


@dataclass(frozen=True)
class Pick:
    """A column, what lies in it, or what its values come to. `column` None: `count()`."""

    column: str | None
    keys: Keys = ()
    as_text: bool = False
    alias: str | None = None
    cast: str | None = None
    aggregate: str | None = None

    @property
    def name(self) -> str:
        last = next((key for key in reversed(self.keys) if isinstance(key, str)), self.column)
        return self.alias or self.aggregate or last or "count"


@dataclass(frozen=True)
class Embed:
    """The rows that a relation reaches, of the resource `target`. `join`: what is written behind `!`, if anything."""

    written: str
    target: str
    items: tuple[Item, ...]
    alias: str | None = None
    hint: str | None = None
    join: str | None = None
    spread: bool = False
    where: tuple[Condition, ...] = ()
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int | None = None

    @property
    def name(self) -> str:
        return self.alias or self.written


Item: TypeAlias = "Star | Pick | Embed"
STAR: tuple[Item, ...] = (Star(),)


@dataclass(frozen=True)
class Question:
    """One request. `key`: of a single row by address. `span`: of the header Range. `style` varies spellings that mean the same."""

    face: str
    method: str
    resource: str
    key: Any = None
    select: tuple[Item, ...] | None = None
    where: tuple[Condition, ...] = ()
    order: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int | None = None
    span: tuple[int, int | None] | None = None
    counted: bool = False
    one: bool = False  # Accept: one row as an object
    # of writes
    body: Any = None
    returns: str | None = None
    named: tuple[str, ...] | None = None  # `columns`
    on_conflict: tuple[str, ...] | None = None
    resolution: str | None = None
    missing: str | None = None
    style: int = 0

    @property
    def is_postgrest(self) -> bool:
        return self.face == "/rest/v1"

    @property
    def items(self) -> tuple[Item, ...]:
        return STAR if self.select is None else self.select

    @property
    def plain(self) -> tuple[str, ...]:
        """The columns that are named, where no more than columns are."""
        return tuple(str(item.column) for item in self.items if isinstance(item, Pick))


def tests_of(where: tuple[Condition, ...]) -> Iterator[Test]:
    for condition in where:
        match condition:
            case Group(_, parts):
                yield from tests_of(parts)
            case Negated(part):
                yield from tests_of((part,))
            case Test():
                yield condition


def embeds_of(items: tuple[Item, ...]) -> Iterator[Embed]:
    """Those of one level."""
    return (item for item in items if isinstance(item, Embed))
