"""A SQLAlchemy expression compiled once, for good: its text, and a function from named values to the driver's parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement

from backroom.calls import Statement
from backroom.sql.values import DialectName


@cache
def dialect_of(name: DialectName) -> Dialect:
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql import asyncpg  # 7 MB that SQLite never needs

    postgres: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
    return postgres


def compiled(element: ClauseElement, dialect: DialectName, *, writes: bool = False, columns: tuple[str, ...] = ()) -> Statement:
    """Compile once. Values travel as bind parameters always: the text holds no value of a caller.

    `bind` raises KeyError when a named value is missing: a forgotten value must never become NULL.
    """
    done = element.compile(dialect=dialect_of(dialect), compile_kwargs={"render_postcompile": True})
    names: list[str] = list(getattr(done, "positiontup", None) or [])
    given: Mapping[str, Any] = done.params or {}
    required = {name for name, parameter in getattr(done, "binds", {}).items() if parameter.required}
    return Statement(str(done), _binder(names, given, required), writes, columns)


def _binder(names: list[str], given: Mapping[str, Any], required: set[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """`lambda v: (v["a"], c[1], v["b"])`, written out: a generated lambda binds three times faster than a loop."""
    constants = [given.get(name) for name in names]
    items = [f"v[{name!r}]" if name in required else f"c[{index}]" for index, name in enumerate(names)]
    source = f"lambda v: ({', '.join(items)}{',' if len(items) == 1 else ''})"
    binder: Callable[[Mapping[str, Any]], tuple[Any, ...]] = eval(source, {"c": constants})  # noqa: S307 - built from our own parameter names, each written by repr
    return binder
