"""UPDATE: the rule must be true of the stored row and of the candidate, the stored row with the new values in place (RULES.md, 25-26)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, bindparam, case, func, literal_column, select, update

from backroom.calls import Predicate
from backroom.resources.access import walk
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, And, Compare, In, IsNull, Node, Not, Or, Some, StartsWith, Truth
from backroom.resources.relations import Cell, Gathered
from backroom.sql.filters import ONE, ZERO, Conditions, RowName, View, flag
from backroom.sql.insert import References, value_name, visible
from backroom.sql.select import Projection, key_is, projected
from backroom.sql.tables import VERSION, Tables, column_type

IF_VERSION = "if_version"
TRUE: ColumnElement[bool] = literal_column("1 = 1")


def names_columns(node: Node | None, fields: Sequence[Field]) -> bool:
    """The condition reads one of these columns of the row itself (not of rows behind it)."""
    if node is None:
        return False
    for part in _of_the_row(node):
        operands = part.operand if isinstance(part, IsNull) else None
        cells: list[Any] = [operands] if operands is not None else [getattr(part, name, None) for name in ("left", "right", "path")]
        right: Any = getattr(part, "right", None)
        cells += right if isinstance(right, tuple) else ()
        for cell in cells:
            if isinstance(cell, Cell | Gathered):
                first = cell.hops[0].field if cell.hops else cell.field if isinstance(cell, Cell) else None
                if first in fields:
                    return True
    return False


def _of_the_row(node: Node) -> list[Node]:
    match node:
        case And(parts) | Or(parts):
            return [each for part in parts for each in _of_the_row(part)]
        case Not(part):
            return _of_the_row(part)
        case _:
            return [node]


def visits(node: Node | None, resource: str) -> bool:
    """The condition looks into this table on its way: its answer may change with the statement that writes there."""
    if node is None:
        return False
    for part in walk(node):
        if isinstance(part, Some) and isinstance(part.path, Gathered) and resource in (part.path.collection.target, part.path.collection.junction):
            return True
        sides = (
            [getattr(part, name, None) for name in ("left", "right", "path", "operand")]
            if isinstance(part, Compare | In | IsNull | StartsWith | Truth | Some)
            else []
        )
        if any(hop.target == resource for side in sides if isinstance(side, Cell | Gathered) for hop in side.hops):
            return True
    return False


def _candidate(definition: Definition, tables: Tables, fields: Sequence[Field]) -> RowName:
    return RowName(
        definition.name,
        {field.column: bindparam(value_name(field), type_=column_type(field.kind, tables.dialect), required=True) for field in fields},
    )


def judges_candidate(check: Predicate, fields: Sequence[Field]) -> bool:
    """If SET touches no column that the rule names, the candidate's half is the stored row's half, and is left out."""
    return not check.always and (check.never or names_columns(check.condition, fields))


def update_where(
    tables: Tables,
    definition: Definition,
    projection: Projection,
    view: View,
    predicate: Predicate,
    check: Predicate,
    fields: Sequence[Field],
    checked: Sequence[Field],
    where: Node | None,
    *,
    if_version: bool,
) -> Update:
    """By key (`where` None; binds `key`) or by filter. Binds `v_<column>` for each of `fields`, and the caller's values. Returns rows and visibility.

    `check` judges the candidate, `checked` are the references of it that must point at readable rows. By filter both have been asked of every
    row before (`refused_candidates`), so that one refused candidate refuses all.
    """
    table, row, conditions = tables[definition.name], RowName(definition.name), Conditions(tables, form="exists" if where is None else "in")
    values: dict[str, Any] = {
        field.column: bindparam(value_name(field), type_=column_type(field.kind, tables.dialect), required=True) for field in fields
    }
    values[VERSION] = row.column(VERSION, tables, definition.name) + ONE
    required = _matched(conditions, definition, view, predicate, where, row)
    if where is None:
        rule, *references = _of_candidate(conditions, definition, view, check, fields, checked)
        required += references if check.always else [rule, *references]
    if if_version:
        required.append(
            row.column(VERSION, tables, definition.name) == bindparam(IF_VERSION, type_=column_type("integer", tables.dialect), required=True)
        )
    shown = projected(conditions, definition, projection, view, row)
    return update(table).values(values).where(*required).returning(*shown, visible(conditions, definition, view, row))


def _matched(
    conditions: Conditions, definition: Definition, view: View, predicate: Predicate, where: Node | None, row: RowName
) -> list[ColumnElement[bool]]:
    required = [key_is(conditions.tables, definition, row)] if where is None else []
    if where is not None and where != Always(True):
        required.append(conditions.true(where, row, definition.name, view))
    if not predicate.always:
        required.append(conditions.predicate(predicate, row, definition.name))
    return required


def _of_candidate(
    conditions: Conditions, definition: Definition, view: View, check: Predicate, fields: Sequence[Field], checked: Sequence[Field]
) -> list[ColumnElement[bool]]:
    """First the rule, then a readable row behind each reference."""
    candidate = _candidate(definition, conditions.tables, fields)
    references = [References.readable(conditions, view, field, candidate.instead[field.column]) for field in checked]
    return [TRUE if check.always else conditions.predicate(check, candidate, definition.name), *references]


def judge(
    tables: Tables,
    definition: Definition,
    view: View,
    rule: Predicate,
    field_rules: Sequence[Predicate],
    check: Predicate,
    fields: Sequence[Field],
    checked: Sequence[Field],
) -> Select[Any]:
    """Why one row was not updated: no row (absent or not readable), else (may update, version, each field rule, candidate, each reference)."""
    row, conditions = RowName(definition.name), Conditions(tables)
    candidate = _candidate(definition, tables, fields)
    of_fields = [
        and_(conditions.predicate(each, row, definition.name), conditions.predicate(each, candidate, definition.name)) for each in field_rules
    ]
    judged = [*of_fields, *_of_candidate(conditions, definition, view, check, fields, checked)]
    shown = [flag(conditions.predicate(rule, row, definition.name)), row.column(VERSION, tables, definition.name), *map(flag, judged)]
    read = conditions.predicate(view(definition.name).read, row, definition.name)
    return select(*shown).select_from(tables[definition.name]).where(key_is(tables, definition, row), read)


def refused_candidates(
    tables: Tables,
    definition: Definition,
    view: View,
    predicate: Predicate,
    check: Predicate,
    fields: Sequence[Field],
    checked: Sequence[Field],
    where: Node,
) -> Select[Any]:
    """How many of the rows a filter matches may not become what they would: (rule not true, some reference not readable)."""
    row, conditions = RowName(definition.name), Conditions(tables, form="in")
    rule, *references = _of_candidate(conditions, definition, view, check, fields, checked)
    counts = [func.coalesce(func.sum(case((condition, ZERO), else_=ONE)), ZERO) for condition in (rule, and_(TRUE, *references))]
    return select(*counts).select_from(tables[definition.name]).where(*_matched(conditions, definition, view, predicate, where, row))
