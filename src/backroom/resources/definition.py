"""One resource, everything resolved: what every other room reads."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from backroom.errors import DeclarationError
from backroom.resources.access import Access
from backroom.resources.conditions import Condition
from backroom.resources.fields import Field
from backroom.resources.hooks import Hooks
from backroom.resources.nodes import Node
from backroom.resources.relations import Collection, Extract, Relation
from backroom.resources.resource import Resource


@dataclass(frozen=True, slots=True)
class Options:
    """What `@app.resource("slots", ...)` says beside the name."""

    order: str | None = None
    unique: Iterable[Iterable[str]] = ()
    index: Iterable[str | Iterable[str]] = ()
    check: Condition | None = None
    client_key: bool = False
    max_limit: int | None = None
    aggregates: bool = False


@dataclass(frozen=True, slots=True)
class Ordering:
    """One key of an order. `nulls_first` None: PostgREST's default, last ascending and first descending.

    `extract`: by a value inside a JSON field. `through`: by the field of the one row that this relation reaches.
    """

    field: Field
    descending: bool = False
    nulls_first: bool | None = None
    extract: Extract | None = None
    through: Relation | None = None


@dataclass(eq=False)
class Definition:
    """One resource, everything resolved. Fields in the order of their columns: `id`, the declared ones, `created_at`, `updated_at`."""

    name: str
    cls: type[Resource[Any]]
    options: Options
    fields: tuple[Field, ...] = ()
    collections: dict[str, Collection] = field(default_factory=dict[str, Collection])
    order: tuple[tuple[Field, bool], ...] = ()  # (field, descending)
    unique: tuple[tuple[Field, ...], ...] = ()
    index: tuple[tuple[Field, ...], ...] = ()
    check: Node | None = None  # resolved
    access: Access = Access()  # resolved: every path is a Cell or Gathered
    hooks: Hooks = field(default_factory=Hooks)
    by_name: dict[str, Field] = field(default_factory=dict[str, Field])
    by_column: dict[str, Field] = field(default_factory=dict[str, Field])

    @property
    def key(self) -> Field:
        return self.fields[0]

    @property
    def owner(self) -> Field | None:
        return next((each for each in self.fields if each.options.owner), None)

    @property
    def references(self) -> tuple[Field, ...]:
        return tuple(each for each in self.fields if each.is_reference)

    @property
    def searched(self) -> tuple[Field, ...]:
        return tuple(each for each in self.fields if each.options.search)

    def error(self, sentence: str, name: str | None = None) -> DeclarationError:
        return DeclarationError(f"{where(self.cls, name)}: {self.cls.__name__}: {sentence}")


def where(cls: type, name: str | None = None) -> str:
    """`app.py:12`: the line of the class, or of one of its fields."""
    try:
        lines, start = inspect.getsourcelines(cls)
        path = inspect.getsourcefile(cls) or "app.py"
    except (OSError, TypeError):
        return cls.__module__
    if name is not None:
        for offset, line in enumerate(lines):
            if re.match(rf"\s*{re.escape(name)}\s*[:=]", line):
                return f"{path}:{start + offset}"
    return f"{path}:{start}"
