"""The rows after a given one, in a list's order: its page begins where the last one ended, however many rows came or went before it."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, tuple_

from backroom.resources.definition import Definition, Ordering
from backroom.sql.filters import Conditions, RowName, View
from backroom.sql.ordering import is_sure, sorted_by, total_order
from backroom.sql.tables import column_type


class _Key(NamedTuple):
    """One key of the order, and the value that the last row has there. `sure`: never empty."""

    column: ColumnElement[Any]
    value: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    sure: bool
    is_null: bool

    @property
    def same(self) -> ColumnElement[bool]:
        return self.column.is_(None) if self.is_null else self.column == self.value

    @property
    def beyond(self) -> ColumnElement[bool]:
        if self.is_null:
            return self.column.is_not(None) if self.nulls_first else false()
        further = self.column < self.value if self.descending else self.column > self.value
        return further if self.sure or self.nulls_first else or_(further, self.column.is_(None))


def after(
    conditions: Conditions, definition: Definition, view: View, row: RowName, order: tuple[Ordering, ...], nulls: tuple[bool, ...]
) -> ColumnElement[bool]:
    """TRUE of the rows behind the one whose keys are bound as `after_0`, `after_1`...; `nulls` says which of those are empty."""
    keys: list[_Key] = []
    for index, (each, is_null) in enumerate(zip(total_order(definition, order), nulls, strict=True)):
        [column] = sorted_by(conditions, definition, view, row, each)
        value: ColumnElement[Any] = bindparam(f"after_{index}", type_=column_type(each.field.kind, conditions.dialect), required=True)
        first = each.descending if each.nulls_first is None else each.nulls_first
        keys.append(_Key(column, value, each.descending, first, is_sure(definition, view, each), is_null))
    if all(key.sure for key in keys) and len({key.descending for key in keys}) == 1:  # one comparison of rows, which walks an index
        columns, values = tuple_(*(key.column for key in keys)), tuple_(*(key.value for key in keys))
        return columns < values if keys[0].descending else columns > values
    return or_(*(and_(*(before.same for before in keys[:index]), key.beyond) for index, key in enumerate(keys)))
