"""SELECT: one row by key, a list, a count. Columns are masked by the field rules of the caller's view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select, union

from backroom.calls import Predicate
from backroom.resources.definition import Definition
from backroom.resources.definition import Ordering as Ordering
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, Node, Or
from backroom.sql.filters import Conditions, RowName, View, flag
from backroom.sql.tables import VERSION, Tables, column_type


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
    """The columns of a projection. A cell that the caller may not see in this row is NULL, and its flag says so."""
    sight = view(definition.name)
    masked = {field: conditions.predicate(sight.sees(field), row, definition.name) for field in projection.conditional}
    columns: list[ColumnElement[Any]] = []
    for field in projection.fields:
        column = row.column(field.column, conditions.tables, definition.name)
        columns.append((case((masked[field], column)) if field in masked else column).label(field.column))
    columns += [flag(masked[field]).label(f"{field.column}?") for field in projection.conditional]
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
) -> Select[Any]:
    """In a total order: the key is appended. Binds: `limit`, `offset`, and the caller's values. `paged`: `limit` is that of a page, not "all"."""
    conditions, row = Conditions(tables, form="in"), RowName(definition.name)
    # Masks of the few rows that are shown ask by EXISTS: a list of all keys that a mask lets through may be the whole table.
    statement = select(*projected(Conditions(tables), definition, projection, view, row)).select_from(tables[definition.name])
    ordering = [_ordered(conditions, definition, view, row, each) for each in total_order(definition, order)]
    limit, offset = (bindparam(name, type_=column_type("integer", tables.dialect), required=True) for name in ("limit", "offset"))
    if paged and isinstance(predicate.condition, Or):
        branches = [_branch(conditions, definition, view, part, where, row, ordering, limit + offset) for part in predicate.condition.parts]
        statement = statement.where(row.column("id", tables, definition.name).in_(union(*branches)))
    else:
        statement = _matching(statement, conditions, definition, view, predicate, where, row)
    # OFFSET is always bound: SQLAlchemy would otherwise write a hidden parameter of its own for SQLite.
    return statement.order_by(*ordering).limit(limit).offset(offset)


def _branch(
    conditions: Conditions,
    definition: Definition,
    view: View,
    part: Node,
    where: Node,
    row: RowName,
    ordering: list[ColumnElement[Any]],
    most: ColumnElement[int],
) -> Select[Any]:
    """The keys that one side of a rule's OR brings to the page (RULES.md, 41): each walks its own index, in order, and stops.

    Asked as one OR, somebody who owns half the table waits until all of it is gathered and sorted.
    """
    key = row.column("id", conditions.tables, definition.name).label("id")
    found = _matching(select(key).select_from(conditions.tables[definition.name]), conditions, definition, view, Predicate(part), where, row)
    return select(found.order_by(*ordering).limit(most).subquery().c.id)


def count(tables: Tables, definition: Definition, view: View, predicate: Predicate, where: Node) -> Select[Any]:
    conditions, row = Conditions(tables, form="in"), RowName(definition.name)
    return _matching(select(func.count()).select_from(tables[definition.name]), conditions, definition, view, predicate, where, row)


def _matching(
    statement: Select[Any], conditions: Conditions, definition: Definition, view: View, predicate: Predicate, where: Node, row: RowName
) -> Select[Any]:
    if not predicate.always:
        statement = statement.where(conditions.predicate(predicate, row, definition.name))
    if where != Always(True):
        statement = statement.where(conditions.true(where, row, definition.name, view))
    return statement


def total_order(definition: Definition, order: tuple[Ordering, ...]) -> tuple[Ordering, ...]:
    chosen = order or tuple(Ordering(field, descending) for field, descending in definition.order)
    return (
        chosen if any(each.field.name == "id" for each in chosen) else (*chosen, Ordering(definition.key, chosen[-1].descending if chosen else False))
    )


def _ordered(conditions: Conditions, definition: Definition, view: View, row: RowName, each: Ordering) -> ColumnElement[Any]:
    sees = view(definition.name).sees(each.field)
    column = row.column(each.field.column, conditions.tables, definition.name)
    if not sees.always:
        column = case((conditions.predicate(sees, row, definition.name), column))
        if each.field.kind == "decimal" and conditions.dialect == "sqlite":
            column = column.collate("decimal")  # a CASE has no collation of its own
    ordered = column.desc() if each.descending else column.asc()
    if not each.field.nullable and sees.always:
        return ordered
    first = each.descending if each.nulls_first is None else each.nulls_first
    return ordered.nulls_first() if first else ordered.nulls_last()
