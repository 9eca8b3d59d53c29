"""ORDER BY: by what a list is sorted. What is hidden from the caller sorts as empty, and the key comes last, so that every order is total."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from backroom.resources.definition import Definition, Ordering
from backroom.sql.extracts import in_order
from backroom.sql.filters import Conditions, RowName, View


def total_order(definition: Definition, order: tuple[Ordering, ...]) -> tuple[Ordering, ...]:
    chosen = order or tuple(Ordering(field, descending) for field, descending in definition.order)
    if any(each.field is definition.key and each.through is None for each in chosen):
        return chosen
    return (*chosen, Ordering(definition.key, chosen[-1].descending if chosen else False))


def ordered(conditions: Conditions, definition: Definition, view: View, row: RowName, order: tuple[Ordering, ...]) -> list[ColumnElement[Any]]:
    """ORDER BY: what is hidden sorts as empty, and the key comes last, so that the order is total."""
    keys: list[ColumnElement[Any]] = []
    for each in total_order(definition, order):
        sure = is_sure(definition, view, each)
        for column in sorted_by(conditions, definition, view, row, each):
            key = column.desc() if each.descending else column.asc()
            first = each.descending if each.nulls_first is None else each.nulls_first
            keys.append(key if sure else key.nulls_first() if first else key.nulls_last())
    return keys


def is_sure(definition: Definition, view: View, each: Ordering) -> bool:
    """No row is empty there for this caller."""
    return each.through is None and each.extract is None and not each.field.nullable and view(definition.name).sees(each.field).always


def sorted_by(conditions: Conditions, definition: Definition, view: View, row: RowName, each: Ordering) -> list[ColumnElement[Any]]:
    """What one key of an order compares: masked cells."""
    if each.through is not None:
        target, key, tables, links = conditions.reached_rows(each.through, view)
        cell = conditions.shown(target, each.through.target, each.field, view)
        outer = conditions.shown(row, definition.name, each.through.here, view)
        found = select(cell).select_from(*tables).where(key == outer, *links).scalar_subquery()
        return [found.collate("decimal") if each.field.kind == "decimal" and conditions.dialect == "sqlite" else found]
    column = conditions.shown(row, definition.name, each.field, view)
    return [column] if each.extract is None else in_order(conditions.dialect, column, each.extract)
