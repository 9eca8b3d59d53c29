"""SELECT: one row by key, a list, a count. Columns are masked by the field rules of the caller's view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, bindparam, func, select, true, union

from backroom.calls import Predicate
from backroom.resources.definition import Definition
from backroom.resources.definition import Ordering as Ordering
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, Node, Or
from backroom.sql.filters import Conditions, RowName, View, flag
from backroom.sql.keyset import after as rows_after
from backroom.sql.ordering import ordered
from backroom.sql.search import ranked, searches
from backroom.sql.tables import VERSION, Tables, column_type

#: Which keys of the row that a page begins after are empty.
Nulls: TypeAlias = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """Which columns a row comes back with: the fields, a presence flag for each one hidden in some rows, the version if asked."""

    fields: tuple[Field, ...]
    conditional: tuple[Field, ...] = ()
    version: bool = True

    @property
    def width(self) -> int:
        return len(self.fields) + len(self.conditional) + self.version


def projected(conditions: Conditions, definition: Definition, projection: Projection, view: View, row: RowName) -> list[ColumnElement[Any]]:
    """The columns of a projection. A cell that the caller may not see in this row is NULL, whatever the projection says, and its flag says so."""
    sight = view(definition.name)
    columns: list[ColumnElement[Any]] = [conditions.shown(row, definition.name, field, view).label(field.column) for field in projection.fields]
    rules = [(field, conditions.predicate(sight.sees(field), row, definition.name)) for field in projection.conditional]
    columns += [flag(rule).label(f"{field.column}?") for field, rule in rules]
    if projection.version:
        columns.append(row.column(VERSION, conditions.tables, definition.name).label(VERSION))
    return columns


def read_one(tables: Tables, definition: Definition, projection: Projection, view: View, predicate: Predicate) -> Select[Any]:
    """Binds: `key`, and the caller's values."""
    conditions, row = Conditions(tables), RowName(definition.name)
    columns = projected(conditions, definition, projection, view, row)
    return (
        select(*columns)
        .select_from(tables[definition.name])
        .where(key_is(tables, definition, row), conditions.predicate(predicate, row, definition.name))
    )


def key_is(tables: Tables, definition: Definition, row: RowName) -> ColumnElement[bool]:
    key = row.column("id", tables, definition.name)
    return key == bindparam("key", type_=column_type(definition.key.kind, tables.dialect), required=True)


def read_list(
    tables: Tables,
    definition: Definition,
    projection: Projection,
    view: View,
    predicate: Predicate,
    where: Node,
    order: tuple[Ordering, ...],
    *,
    paged: bool = True,
    after: Nulls | None = None,
) -> Select[Any]:
    """As `listed`, the columns of a projection."""
    # Masks of the few rows that are shown ask by EXISTS: a list of all keys that a mask lets through may be the whole table.
    columns = projected(Conditions(tables), definition, projection, view, RowName(definition.name))
    return listed(Conditions(tables, form="in"), definition, columns, view, predicate, where, order, paged=paged, after=after)


def listed(
    conditions: Conditions,
    definition: Definition,
    columns: list[ColumnElement[Any]],
    view: View,
    predicate: Predicate,
    where: Node,
    order: tuple[Ordering, ...],
    *,
    paged: bool = True,
    after: Nulls | None = None,
) -> Select[Any]:
    """Columns of the rows that the caller may read, in a total order: the key is appended. A search without `order` has the best rows first.

    Binds: `limit`, `offset`, and the caller's values. `paged`: `limit` is that of a page, not "all". `after`: behind the row whose keys are bound,
    some of which are empty.
    """
    tables, row = conditions.tables, RowName(definition.name)
    statement = select(*columns).select_from(tables[definition.name])
    leaf, rest = (None, where) if order else ranked(where)
    best = conditions.search(leaf, row, definition.name, view) if leaf is not None else None
    ordering = ordered(conditions, definition, view, row, order if best is None else (Ordering(definition.key),))
    limit, offset = page_bounds(tables)
    start = true() if after is None else rows_after(conditions, definition, view, row, order, after)
    if best is not None:
        statement, score = best.best_first(matching(statement, conditions, definition, view, predicate, rest, row))
        ordering.insert(0, score.desc())
    elif paged and isinstance(predicate.condition, Or) and not searches(where):
        branches = [_branch(conditions, definition, view, part, where, row, ordering, limit + offset, start) for part in predicate.condition.parts]
        statement = statement.where(row.column("id", tables, definition.name).in_(union(*branches)))
    else:
        statement = matching(statement, conditions, definition, view, predicate, where, row).where(start)
    # OFFSET is always bound: SQLAlchemy would otherwise write a hidden parameter of its own for SQLite.
    return statement.order_by(*ordering).limit(limit).offset(offset)


def page_bounds(tables: Tables) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The parameters `limit` and `offset`."""
    limit, offset = (bindparam(name, type_=column_type("integer", tables.dialect), required=True) for name in ("limit", "offset"))
    return limit, offset


def _branch(
    conditions: Conditions,
    definition: Definition,
    view: View,
    part: Node,
    where: Node,
    row: RowName,
    ordering: list[ColumnElement[Any]],
    most: ColumnElement[int],
    start: ColumnElement[bool],
) -> Select[Any]:
    """The keys that one side of a rule's OR brings to the page (RULES.md, 41): each walks its own index, in order, and stops.

    Asked as one OR, somebody who owns half the table waits until all of it is gathered and sorted.
    """
    key = row.column("id", conditions.tables, definition.name).label("id")
    keys = select(key).select_from(conditions.tables[definition.name])
    found = matching(keys, conditions, definition, view, Predicate(part), where, row).where(start)
    return select(found.order_by(*ordering).limit(most).subquery().c.id)


def count(tables: Tables, definition: Definition, view: View, predicate: Predicate, where: Node) -> Select[Any]:
    conditions, row = Conditions(tables, form="in"), RowName(definition.name)
    return matching(select(func.count()).select_from(tables[definition.name]), conditions, definition, view, predicate, where, row)


def matching(
    statement: Select[Any], conditions: Conditions, definition: Definition, view: View, predicate: Predicate, where: Node, row: RowName
) -> Select[Any]:
    if not predicate.always:
        statement = statement.where(conditions.predicate(predicate, row, definition.name))
    if where != Always(True):
        statement = statement.where(conditions.true(where, row, definition.name, view))
    return statement
