"""INSERT ... SELECT candidate WHERE rule: the rule judges the candidate against the database as it was before the statement (RULES.md, 23-24)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Insert,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
)

from backroom.calls import Predicate
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.sql.filters import ONE, ZERO, Conditions, RowName, View, flag
from backroom.sql.select import Projection, projected
from backroom.sql.tables import VERSION, Tables, column_type
from backroom.sql.values import store

CANDIDATE = "candidate"
POSITION = "position?"  # no field is named so


def stored_fields(definition: Definition, *, with_key: bool) -> tuple[Field, ...]:
    """The fields an INSERT names: all, without the key where the database numbers the rows."""
    return definition.fields if with_key or definition.key.kind != "integer" else definition.fields[1:]


def value_name(field: Field) -> str:
    """The bind parameter of a field's new value."""
    return f"v_{field.column}"


class References:
    """The references of candidates that must point at rows the caller may read (RULES.md, 31); people and `reference="any"` are exempt."""

    @staticmethod
    def checked(fields: Sequence[Field]) -> tuple[Field, ...]:
        return tuple(field for field in fields if field.target not in (None, "users") and field.options.reference == "readable")

    @staticmethod
    def readable(conditions: Conditions, view: View, field: Field, value: ColumnElement[Any]) -> ColumnElement[bool]:
        """True where the reference is empty or its row is one the caller reads."""
        assert field.target is not None
        target = RowName(f"{field.target}?{field.name}")
        readable = conditions.predicate(view(field.target).read, target, field.target)
        key = target.column("id", conditions.tables, field.target)
        found = select(ONE).select_from(conditions.tables[field.target].alias(target.alias)).where(key == value, readable).exists()
        return value.is_(None) | found if field.nullable else found


def sent_name(field: Field) -> str:
    """The column of an array's candidates that says (1 or 0) whether a row names the field at all."""
    return f"{field.column}?sent"  # no field is named so


def candidates(tables: Tables, fields: Sequence[Field], many: bool, partly: Sequence[Field] = ()) -> FromClause:
    """The new rows as a table: from bound values, or, for arrays, from one parameter (SQLite: JSON; Postgres: an array a column).

    `partly`: the fields of which it is asked whether a row of an array names them.
    """
    if not many:
        values = [bindparam(value_name(field), type_=column_type(field.kind, tables.dialect), required=True).label(field.column) for field in fields]
        return select(*values).subquery(CANDIDATE)
    if tables.dialect == "sqlite":
        rows = func.json_each(bindparam("rows", required=True)).table_valued("value", "key", name="rows")
        cells = [_from_json(rows.c.value, index, field).label(field.column) for index, field in enumerate(fields)]
        flags = [func.json_extract(rows.c.value, literal_column(f"'$[{index}]'")) for index in range(len(fields), len(fields) + len(partly))]
        cells += [each.label(sent_name(field)) for each, field in zip(flags, partly, strict=True)]
        return select(*cells, rows.c.key.label(POSITION)).select_from(rows).subquery(CANDIDATE)
    arrays = [bindparam(value_name(field), type_=ARRAY(_array_of(field, tables)), required=True) for field in fields]
    arrays += [bindparam(sent_name(field), type_=ARRAY(Integer()), required=True) for field in partly]
    columns = [*(column(field.column, _array_of(field, tables)) for field in fields), *(column(sent_name(field), Integer()) for field in partly)]
    rows = func.unnest(*arrays).table_valued(*columns, with_ordinality="position", name="rows").render_derived()
    cells = [
        (cast(rows.c[field.column], column_type("json", "postgresql")) if field.kind == "json" else rows.c[field.column]).label(field.column)
        for field in fields
    ]
    cells += [rows.c[sent_name(field)].label(sent_name(field)) for field in partly]
    return select(*cells, rows.c.position.label(POSITION)).select_from(rows).subquery(CANDIDATE)


def _array_of(field: Field, tables: Tables) -> Any:
    return column_type("text" if field.kind == "json" else field.kind, tables.dialect)


def _from_json(value: ColumnElement[Any], index: int, field: Field) -> ColumnElement[Any]:
    cell = func.json_extract(value, literal_column(f"'$[{index}]'"))
    return func.unhex(cell) if field.kind == "bytes" else cell


def bind_many(
    tables: Tables, fields: Sequence[Field], rows: Sequence[Mapping[str, Any]], partly: Sequence[Field] = (), sent: Sequence[frozenset[str]] = ()
) -> dict[str, Any]:
    """The parameters of an array insert; `rows` hold stored values by column, `sent` the columns that each of them names."""
    if tables.dialect == "postgresql":
        values: dict[str, Any] = {value_name(field): [row[field.column] for row in rows] for field in fields}
        return values | {sent_name(field): [int(field.column in names) for names in sent] for field in partly}
    listed = [[_hex(row[field.column]) for field in fields] for row in rows]
    if partly:
        listed = [[*row, *(int(field.column in names) for field in partly)] for row, names in zip(listed, sent, strict=True)]
    return {"rows": store("json", listed, "sqlite")}


def _hex(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def create(
    tables: Tables,
    definition: Definition,
    projection: Projection,
    view: View,
    predicate: Predicate,
    checked: Sequence[Field],
    *,
    with_key: bool,
    many: bool,
    partly: Sequence[tuple[Field, Predicate]] = (),
) -> Insert:
    """Returns the created rows in the order of the candidates, and last whether the caller may read each (from RETURNING; see `reply_needs_select`).

    `checked`: the references that must point at rows which the caller may read. `partly`: fields that some rows of an array name, with the rules that
    hold for those.
    """
    table, row = tables[definition.name], RowName(definition.name)
    fields = stored_fields(definition, with_key=with_key)
    conditions = Conditions(tables)
    if predicate.always and not checked and not many:
        statement = insert(table).values(
            {field.column: bindparam(value_name(field), type_=column_type(field.kind, tables.dialect), required=True) for field in fields}
        )
    else:
        source = candidates(tables, fields, many, [field for field, _ in partly])
        permitted = _permitted(conditions, definition, view, predicate, fields, checked, partly)
        chosen = select(*(source.c[field.column] for field in fields)).where(*permitted)
        if many:
            chosen = chosen.order_by(literal_column(f'"{CANDIDATE}"."{POSITION}"'))  # the rule's EXISTS may be joined in any order
        statement = insert(table).from_select([field.column for field in fields], chosen)
    shown = projected(conditions, definition, projection, view, row)
    return statement.returning(*shown, visible(conditions, definition, view, row))


def visible(conditions: Conditions, definition: Definition, view: View, row: RowName) -> ColumnElement[Any]:
    """1 where the caller may read the row as it now stands."""
    read = view(definition.name).read
    if read.always or read.never:
        return ONE if read.always else ZERO
    return flag(conditions.predicate(read, row, definition.name))


def candidate_row(fields: Sequence[Field]) -> RowName:
    """A new row has no id yet: rules about it, and its collections, find nothing."""
    columns: dict[str, ColumnElement[Any]] = {field.column: literal_column(f'"{CANDIDATE}"."{field.column}"') for field in fields}
    # Not null(): SQLAlchemy writes `= null()` as IS NULL, and every row without a parent would be the candidate's child.
    return RowName(CANDIDATE, {**columns, "id": literal_column("NULL"), VERSION: ONE})


def _permitted(
    conditions: Conditions,
    definition: Definition,
    view: View,
    predicate: Predicate,
    fields: Sequence[Field],
    checked: Sequence[Field],
    partly: Sequence[tuple[Field, Predicate]],
) -> list[ColumnElement[bool]]:
    row = candidate_row(fields)
    where_sent = [_where_sent(conditions, definition, row, field, rule) for field, rule in partly]
    references = [References.readable(conditions, view, field, row.column(field.column, conditions.tables, definition.name)) for field in checked]
    return [and_(true(), conditions.predicate(predicate, row, definition.name), *where_sent, *references)]


def _where_sent(conditions: Conditions, definition: Definition, row: RowName, field: Field, rule: Predicate) -> ColumnElement[bool]:
    """The rule holds, or the row does not name the field: what it does not send is none of its doing."""
    return or_(literal_column(f'"{CANDIDATE}"."{sent_name(field)}"') == ZERO, conditions.predicate(rule, row, definition.name))


def judge(
    tables: Tables,
    definition: Definition,
    view: View,
    rules: Sequence[Predicate],
    checked: Sequence[Field],
    *,
    with_key: bool,
    many: bool,
    partly: Sequence[tuple[Field, Predicate]] = (),
) -> Select[Any]:
    """Why a candidate was refused: for each, is each rule true (0/1), then each of those `partly` asked, and is each checked reference readable."""
    fields = stored_fields(definition, with_key=with_key)
    conditions, row = Conditions(tables), candidate_row(fields)
    source = candidates(tables, fields, many, [field for field, _ in partly])
    flags = [
        *(conditions.predicate(rule, row, definition.name) for rule in rules),
        *(_where_sent(conditions, definition, row, field, rule) for field, rule in partly),
        *(References.readable(conditions, view, field, row.column(field.column, tables, definition.name)) for field in checked),
    ]
    verdicts = select(*map(flag, flags)).select_from(source)
    return verdicts.order_by(literal_column(f'"{CANDIDATE}"."{POSITION}"')) if many else verdicts
