"""What is made of a table's rows and can be made anew from them at any time: an index for words, say, that SQLAlchemy has no construct for.

It is made together with its table, and `schema` keeps it as it is declared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Table, event

#: Names of columns and indexes that belong to something derived begin so: Alembic must not miss them among the declared ones.
PREFIX = "_search"


@dataclass(frozen=True, slots=True)
class Derived:
    """`make` and `drop` are SQL statements, each whole by itself; `told` is what a person calls it: "the search index of todos"."""

    told: str
    make: tuple[str, ...]
    drop: tuple[str, ...]


def attach(table: Table, derived: Derived) -> None:
    """Make it whenever the table is made."""

    def make(_: Table, connection: Connection, **__: Any) -> None:
        run(connection, derived.make)

    table.info["derived"] = derived
    event.listen(table, "after_create", make)


def derived_from(table: Table) -> Derived | None:
    found: Derived | None = table.info.get("derived")
    return found


def run(connection: Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def noted(derived: Derived | None) -> dict[str, Any] | None:
    """As `schema` keeps it in its note, to be read by `remembered`."""
    return None if derived is None else asdict(derived)


def remembered(note: dict[str, Any] | None) -> Derived | None:
    return None if note is None else Derived(note["told"], tuple(note["make"]), tuple(note["drop"]))
