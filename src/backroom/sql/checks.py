"""`check=` of a resource as a CHECK constraint. As in SQL, a comparison with an empty value passes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, literal_column, not_

from backroom.resources.nodes import Not
from backroom.sql.filters import RAW, Conditions, RowName
from backroom.sql.normal import normal
from backroom.sql.tables import Tables


def add_checks(tables: Tables) -> None:
    """Give every table the constraint its resource declares."""
    for definition in tables.catalog.definitions.values():
        if definition.check is None:
            continue
        table = tables[definition.name]
        columns: dict[str, ColumnElement[Any]] = {
            field.column: literal_column(f'"{field.column}"', table.c[field.column].type) for field in definition.fields
        }
        # Not known to be false: written as the negation of what is known to be true, so that an empty value passes under every operator.
        condition = not_(Conditions(tables).true(normal(Not(definition.check)), RowName(definition.name, columns), definition.name, RAW))
        table.append_constraint(CheckConstraint(condition, name=f"{definition.name}_check"))
