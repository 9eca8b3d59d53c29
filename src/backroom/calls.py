"""What one room hands the next: small frozen values, in the order in which a request meets them.

`Match` (http) -> `Actor` (auth) -> `Predicate` (rules) -> `Statement` (sql) -> rows (database) -> `Change` (to whoever listens).
This file imports nothing of ours, so every room can speak these words.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, TypeVar
from uuid import UUID

NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})

#: One row as the driver returns it: the selected columns, in the order of the statement.
Row: TypeAlias = Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Who is asking. Made by `auth.authenticate` once a request (cached per credential for at most a second).

    `email` is the verified address only. `claims` is metadata set by the server, never what the person can edit.
    `session` is the id of the session that carries the request. `trusted` marks code that passes by the rules.
    """

    id: UUID | None = None
    email: str | None = None
    roles: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=lambda: NO_CLAIMS)
    is_anonymous: bool = False
    mfa: bool = False
    session: str | None = None
    via: str | None = None  # "cookie", "bearer", "key" or None
    trusted: bool = False
    #: What rules computed for this caller, kept as long as the cached actor lives: rule -> shape.
    memo: dict[Any, Any] = field(default_factory=dict[Any, Any], repr=False)

    ANYONE: ClassVar[Actor]
    TRUSTED: ClassVar[Actor]

    @property
    def signed_in(self) -> bool:
        """Has a users row (anonymous accounts too)."""
        return self.id is not None


Actor.ANYONE = Actor()
Actor.TRUSTED = Actor(trusted=True)


@dataclass(frozen=True, slots=True, eq=False)
class Predicate:
    """What one caller may touch: a resolved condition in which everything known of the caller is folded away.

    No builder of `sql` has a default for it. `Predicate.ALL` passes by the rules: a search for that word lists every place that does.
    """

    condition: Any
    always: bool = False
    never: bool = False

    ALL: ClassVar[Predicate]
    NONE: ClassVar[Predicate]


Predicate.ALL = Predicate(None, always=True)
Predicate.NONE = Predicate(None, never=True)


@dataclass(frozen=True, slots=True)
class Statement:
    """Compiled SQL: `text` in the driver's placeholders, `bind` from named values to the driver's parameters.

    `writes` tells the database room which connection may run it. `columns` names the columns of the reply, if any.
    """

    text: str
    bind: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    writes: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One question put to the database: a statement's text and its bound parameters. `named`: rows come back as mappings by column name."""

    text: str
    parameters: tuple[Any, ...] = ()
    named: bool = False


_T = TypeVar("_T")

#: A unit of work without I/O: it yields questions, is sent rows, and returns its result. The database room drives it, inside
#: one transaction: SQLite in its writer thread, Postgres over the network. Raising rolls back.
Unit: TypeAlias = Generator[Ask, list[Row], _T]


@dataclass(frozen=True, slots=True)
class Change:
    """What a committed write did to one row. `before` and `after` are whole stored rows by column name, None if absent."""

    resource: str
    key: Any
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    at: datetime
