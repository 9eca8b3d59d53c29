"""What can be asked of the wire, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Test:
    """`column operator value`. `values` in JSON's forms; several for `in`, and for a `quantifier`."""

    column: str
    operator: str
    values: tuple[Any, ...]
    quantifier: str | None = None


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
    column: str
    descending: bool | None = None  # None: not said
    nulls_first: bool | None = None


@dataclass(frozen=True)
class Question:
    """One request. `key`: of a single row by address. `span`: of the header Range. `style` varies spellings that mean the same."""

    face: str
    method: str
    resource: str
    key: Any = None
    select: tuple[str, ...] | None = None
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


def columns_of(condition: Condition) -> list[str]:
    match condition:
        case Group(_, parts):
            return [name for part in parts for name in columns_of(part)]
        case Negated(part):
            return columns_of(part)
        case Test(column):
            return [column]


def tests_of(condition: Condition) -> list[Test]:
    match condition:
        case Group(_, parts):
            return [test for part in parts for test in tests_of(part)]
        case Negated(part):
            return tests_of(part)
        case Test():
            return [condition]
