"""What a database raises when it can't do what it was asked: one vocabulary for SQLite and Postgres."""

from __future__ import annotations

import random
import re
from typing import Literal, TypeAlias

from backroom.errors import Problem

Kind: TypeAlias = Literal["unique", "foreign_key", "check", "not_null"]

_WRITES = re.compile(r"\b(?P<verb>INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM)\s+(?:\w+\.)?\"?(?P<table>\w+)", re.IGNORECASE)
# A unit that lost a race is run again: so often, and for so long in all.
TRIES = 8
TRY_SECONDS = 2.0
RETRY_AFTER = {"Retry-After": "1"}


class Violation(Exception):
    """A statement broke a constraint. It is thrown into the unit that asked, which may turn it into a `Problem`.

    `table` is the one that was written. `columns` is empty and `table` is "" where the database doesn't say (SQLite names no columns
    for a foreign key; neither names them for a check or for an index on an expression: there `constraint` is its name). `referenced` is
    True when a foreign key refuses because other rows refer to this one, False when this row refers to a row that isn't there.
    """

    def __init__(self, kind: Kind, table: str, columns: tuple[str, ...] = (), constraint: str | None = None, *, referenced: bool = False) -> None:
        super().__init__(f"{kind} of {table or 'unknown table'}({', '.join(columns)}) {constraint or ''}".rstrip())
        self.kind: Kind = kind
        self.table = table
        self.columns = columns
        self.constraint = constraint
        self.referenced = referenced


class SerializationFailure(Problem):
    """Another transaction got in between: run the whole unit again (`retrying` does). Uncaught, it is 503 `database.busy`."""

    def __init__(self) -> None:
        super().__init__("database.busy", headers=RETRY_AFTER)


class NotRead(RuntimeError):
    """A reading connection was given a statement that writes."""

    def __init__(self) -> None:
        super().__init__("read() was given a statement that writes; use write()")


def busy() -> Problem:
    return Problem("database.busy", headers=RETRY_AFTER)


def unavailable(sentence: str | None = None) -> Problem:
    return Problem("http.unavailable", sentence, headers=RETRY_AFTER)


def out_of_range() -> Problem:
    return Problem("validation.failed", "A value is outside the range that can be stored.")


def written(text: str) -> tuple[str, bool]:
    """The table that a statement writes ("" if none is found), and whether it deletes."""
    found = _WRITES.search(text)
    return (found["table"], found["verb"][:1] in "Dd") if found else ("", False)


def pause(attempt: int) -> float:
    """Seconds before the next try: doubled each time, and random so that two rivals don't meet again."""
    return random.uniform(0.5, 1.0) * min(0.002 * (1 << attempt), 0.2)  # noqa: S311 - no secret, only scatter
