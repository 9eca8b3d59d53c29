"""DELETE, child first: the database's own cascade reports no rows, so hooks, files and events could not follow (RULES.md, 33)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Update, bindparam, delete, func, select, update
from sqlalchemy.sql.dml import ReturningDelete

from backroom.calls import Predicate
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, Node
from backroom.sql.filters import ONE, VALUE, Conditions, RowName, View, flag
from backroom.sql.select import key_is
from backroom.sql.tables import VERSION, Tables, column_type
from backroom.sql.update import IF_VERSION
from backroom.sql.values import store


def _matched(tables: Tables, definition: Definition, view: View, predicate: Predicate, where: Node | None, if_version: bool = False) -> list[Any]:
    row, conditions = RowName(definition.name), Conditions(tables, form="exists" if where is None else "in")
    required: list[Any] = [key_is(tables, definition, row)] if where is None else []
    if where is not None and where != Always(True):
        required.append(conditions.true(where, row, definition.name, view))
    if not predicate.always:
        required.append(conditions.predicate(predicate, row, definition.name))
    if if_version:
        required.append(
            row.column(VERSION, tables, definition.name) == bindparam(IF_VERSION, type_=column_type("integer", tables.dialect), required=True)
        )
    return required


def delete_where(
    tables: Tables, definition: Definition, view: View, predicate: Predicate, where: Node | None, if_version: bool = False
) -> ReturningDelete[Any]:
    """By key (`where` None; binds `key`) or by filter. Returns the keys."""
    return (
        delete(tables[definition.name])
        .where(*_matched(tables, definition, view, predicate, where, if_version))
        .returning(tables[definition.name].c.id)
    )


def keys_where(tables: Tables, definition: Definition, view: View, predicate: Predicate, where: Node | None, if_version: bool = False) -> Select[Any]:
    """The keys that `delete_where` would delete."""
    table = tables[definition.name]
    return select(table.c.id).where(*_matched(tables, definition, view, predicate, where, if_version)).order_by(table.c.id)


def judge(tables: Tables, definition: Definition, view: View, predicate: Predicate) -> Select[Any]:
    """Why one row was not deleted: no row (absent or not readable), else (may delete, version)."""
    row, conditions = RowName(definition.name), Conditions(tables)
    may = flag(conditions.predicate(predicate, row, definition.name))
    read = conditions.predicate(view(definition.name).read, row, definition.name)
    shown: list[ColumnElement[Any]] = [may, row.column(VERSION, tables, definition.name)]
    return select(*shown).select_from(tables[definition.name]).where(key_is(tables, definition, row), read)


# ---------------------------------------------------------------- children
def _among(tables: Tables, column: Any, kind: Any) -> Any:
    """`column` is one of the bound `keys`."""
    if tables.dialect == "postgresql":
        return column == func.any(bindparam("keys", type_=ARRAY(column_type(kind, tables.dialect)), required=True))
    return column.in_(select(VALUE).select_from(func.json_each(bindparam("keys", required=True))))


def bind_keys(tables: Tables, keys: list[Any]) -> dict[str, Any]:
    return {"keys": keys if tables.dialect == "postgresql" else store("json", keys, "sqlite")}


def children(tables: Tables, child: Definition, field: Field) -> Select[Any]:
    """The keys of the rows that refer by `field` to one of the bound `keys`."""
    table = tables[child.name]
    return select(table.c.id).where(_among(tables, table.c[field.column], field.kind)).order_by(table.c.id)


def clear_reference(tables: Tables, child: Definition, field: Field) -> Update:
    """`on_delete="set_null"`. Binds `keys` and `moment`."""
    table = tables[child.name]
    moment = bindparam("moment", type_=table.c.updated_at.type, required=True)
    values = {field.column: None, "updated_at": moment, VERSION: table.c[VERSION] + ONE}
    return update(table).values(values).where(_among(tables, table.c[field.column], field.kind))


def delete_keys(tables: Tables, definition: Definition) -> ReturningDelete[Any]:
    """Rows that a cascade reached, by their bound `keys`."""
    table = tables[definition.name]
    return delete(table).where(_among(tables, table.c.id, definition.key.kind)).returning(table.c.id)
