"""How the stored tables differ from the declared ones, and the steps that close the gap without touching a row.

Alembic compares columns, types, keys and indexes with the database itself. What it can't read back (checks, computed columns, the
condition of an index, what is derived from the rows) is compared with a note kept in `_backroom_schema` when the tables were last changed.
"""

# Alembic's differences are tuples of no declared shape.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, DropIndex

from backroom.database.derived import PREFIX, derived_from, noted, remembered, run
from backroom.errors import DeclarationError

_OURS = Table("_backroom_schema", MetaData(), Column("key", Text, primary_key=True), Column("value", Text, nullable=False))


@dataclass(frozen=True, slots=True)
class Step:
    sentence: str
    apply: Callable[[Connection], object]


def kept(connection: Connection) -> dict[str, str]:
    """What was noted when the tables were last changed: `hash`, `tables` and `facts`."""
    if _OURS.name not in existing(connection):
        return {}
    return {row.key: row.value for row in connection.execute(select(_OURS))}


def keep(connection: Connection, metadata: MetaData, wanted: str) -> None:
    _OURS.create(connection, checkfirst=True)
    connection.execute(_OURS.delete())
    notes = {"hash": wanted, "tables": json.dumps(sorted(metadata.tables)), "facts": json.dumps(_all_facts(connection, metadata), sort_keys=True)}
    connection.execute(_OURS.insert(), [{"key": key, "value": value} for key, value in notes.items()])


def existing(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def compare(connection: Connection, metadata: MetaData, notes: dict[str, str], cure: str) -> list[Step]:
    """The steps to take, in order. Raises `DeclarationError` for a difference that no safe step closes."""
    # Tables of others in the same database are none of our business.
    ours = set(metadata.tables) | set(json.loads(notes.get("tables", "[]")))

    def include(name: str | None, kind: str, _: Any) -> bool:
        if kind in ("column", "index"):
            return name is None or not name.startswith(PREFIX)
        return kind != "table" or name in ours

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": include, "target_metadata": metadata})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, about an index on an expression that it can't reflect: our note has it
        differences = [part for found in compare_metadata(context, metadata) for part in (found if isinstance(found, list) else [found])]
    comparison = _Comparison(connection, metadata, json.loads(notes.get("facts", "{}")), differences, cure)
    return list(comparison.steps())


class _Comparison:
    def __init__(self, connection: Connection, metadata: MetaData, facts: dict[str, Any], differences: list[Any], cure: str) -> None:
        self._connection = connection
        self._metadata = metadata
        self._facts = facts
        self._differences = differences
        self._cure = cure
        self._sqlite = connection.dialect.name == "sqlite"
        self._new_tables: set[str] = {found[1].name for found in differences if found[0] == "add_table"}
        self._new_columns: set[tuple[str, str]] = {(found[2], found[3].name) for found in differences if found[0] == "add_column"}
        #: A unique constraint added later is an index on SQLite, which Alembic reports as one too few and one too many.
        self._as_index: set[str] = {found[1].name for found in differences if found[0] == "remove_index" and found[1].unique}

    def steps(self) -> Iterator[Step]:
        if self._new_tables:
            tables = [self._metadata.tables[name] for name in sorted(self._new_tables)]
            names = ", ".join(sorted(self._new_tables))
            yield Step(f"Made the table {names}.", lambda connection: self._metadata.create_all(connection, tables))
        kinds: dict[str, Callable[..., Iterator[Step]]] = {
            "add_table": lambda table: iter(()),
            "add_column": self._add_column,
            "add_constraint": self._add_constraint,
            "add_fk": self._add_foreign_key,
            "add_index": self._add_index,
            "remove_index": self._remove_index,
            "modify_nullable": self._change_nullable,
            "modify_type": self._change_type,
            "modify_default": lambda *_: iter(()),  # whoever inserts says every value
            "remove_table": lambda table: self._refuse(f"the table `{table.name}` is stored but not declared any more"),
            "remove_column": lambda _, table, column: self._refuse(f"`{table}.{column.name}` is stored but not declared any more"),
            "remove_constraint": lambda constraint: self._refuse(f"`{constraint.table.name}` was unique by {_names(constraint)}"),
            "remove_fk": lambda constraint: self._refuse(f"`{constraint.table.name}.{_names(constraint)}` was a reference"),
        }
        # Columns first: an index may be on a new one, and a reference goes with its column.
        for found in sorted(self._differences, key=lambda found: (found[0] != "add_column", found[0] != "remove_column")):
            handler = kinds.get(found[0])
            if handler is None:
                self._refuse(f"{found[0].replace('_', ' ')}: {found[1:]}")
            else:
                yield from handler(*found[1:])
        yield from self._unseen()

    def _refuse(self, what: str, instead: str = "") -> Iterator[Step]:
        raise DeclarationError(f"In the database, {what}: {instead}{self._cure}.")

    def _add_column(self, _: str | None, table: str, column: Column[Any]) -> Iterator[Step]:
        declared = self._metadata.tables[table].c[column.name]
        if not declared.nullable and declared.server_default is None and declared.computed is None:
            self._refuse(
                f"`{table}` has no `{column.name}`, and app.py gives no value for the rows that are there", f"give `{column.name}` a default, or "
            )
        yield Step(f"Added {table}.{column.name}.", lambda connection: connection.execute(text(self._column_text(declared))))

    def _column_text(self, column: Column[Any]) -> str:
        """ALTER TABLE with the column's reference and checks in line: SQLite can add them in no other way."""
        compiler: Any = self._connection.dialect.ddl_compiler(self._connection.dialect, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        parts = [compiler.process(CreateColumn(column))]
        for constraint in sorted(column.table.constraints, key=lambda constraint: str(constraint.name)):
            if not isinstance(constraint, ForeignKeyConstraint | CheckConstraint) or [found.name for found in constraint.columns] != [column.name]:
                continue
            if isinstance(constraint, ForeignKeyConstraint):
                _, _, references = compiler.visit_foreign_key_constraint(constraint).partition(" REFERENCES ")
                parts.append(f"REFERENCES {references}")
            else:
                parts.append(compiler.visit_check_constraint(constraint))
        table = self._connection.dialect.identifier_preparer.format_table(column.table)
        return f"ALTER TABLE {table} ADD COLUMN {' '.join(parts)}".replace(":", "\\:")

    def _add_constraint(self, constraint: Any) -> Iterator[Step]:
        table: Table = constraint.table
        if table.name in self._new_tables or constraint.name in self._as_index:
            return
        if not isinstance(constraint, UniqueConstraint):
            self._refuse(f"`{table.name}` lacks {constraint.name}")
        columns = [column.name for column in constraint.columns]
        if not any((table.name, name) in self._new_columns for name in columns):
            self._require_distinct(table, columns)
        sentence = f"Made {table.name} unique by {', '.join(columns)}."
        if self._sqlite:
            # Of its own table object, so that the declared one doesn't get the index beside its constraint.
            index = Index(str(constraint.name), *(Table(table.name, MetaData(), *(Column(name) for name in columns)).c), unique=True)
            yield Step(sentence, lambda connection: connection.execute(CreateIndex(index)))
        else:
            yield Step(sentence, lambda connection: connection.execute(AddConstraint(self._declared_unique(table.name, constraint.name))))

    def _declared_unique(self, table: str, name: Any) -> Any:
        return next(constraint for constraint in self._metadata.tables[table].constraints if constraint.name == name)

    def _require_distinct(self, table: Table, columns: list[str]) -> None:
        stored: list[Column[Any]] = [Column(name) for name in columns]
        here = Table(table.name, MetaData(), *stored)
        same = select(func.count()).select_from(here).where(and_(*(column.is_not(None) for column in here.c)))
        if self._connection.execute(same.group_by(*here.c).having(func.count() > 1).limit(1)).first() is not None:
            told = ", ".join(f"`{name}`" for name in columns)
            self._refuse(f"`{table.name}` has rows with the same {told}, which app.py declares unique", "change those rows, or ")

    def _add_foreign_key(self, constraint: ForeignKeyConstraint) -> Iterator[Step]:
        name = constraint.table.name
        if name in self._new_tables or all((name, column.name) in self._new_columns for column in constraint.columns):
            return iter(())  # made together with its column
        return self._refuse(f"`{name}.{_names(constraint)}` is not a reference yet")

    def _add_index(self, index: Index) -> Iterator[Step]:
        table = index.table
        if table is None or table.name in self._new_tables:
            return
        declared = next(found for found in self._metadata.tables[table.name].indexes if found.name == index.name)
        columns = [column.name for column in declared.columns]
        if declared.unique and not any((table.name, name) in self._new_columns for name in columns) and len(columns) == len(declared.expressions):
            self._require_distinct(table, columns)
        yield Step(f"Made the index {index.name}.", lambda connection: connection.execute(CreateIndex(declared)))

    def _remove_index(self, index: Index) -> Iterator[Step]:
        table = index.table
        if (
            table is not None
            and table.name in self._metadata.tables
            and index.name in {c.name for c in self._metadata.tables[table.name].constraints}
        ):
            return  # it stands for a unique constraint
        yield Step(f"Dropped the index {index.name}.", lambda connection: connection.execute(DropIndex(index)))

    def _change_nullable(self, _: str | None, table: str, column: str, __: Any, ___: bool, nullable: bool) -> Iterator[Step]:
        return self._refuse(f"`{table}.{column}` {'was required and is optional now' if nullable else 'was optional and is required now'}")

    def _change_type(self, _: str | None, table: str, column: str, __: Any, was: Any, wanted: Any) -> Iterator[Step]:
        return self._refuse(f"`{table}.{column}` is stored as {was} and declared as {wanted.compile(dialect=self._connection.dialect)}")

    def _unseen(self) -> Iterator[Step]:
        """What only our note knows: checks, computed columns, an index whose text has changed under the same name."""
        for name, facts in _all_facts(self._connection, self._metadata).items():
            was = self._facts.get(name)
            if was is None or name in self._new_tables:
                continue
            new = {column for table, column in self._new_columns if table == name}
            for constraint, (columns, _) in facts["checks"].items():
                goes_with_column = columns and set(columns) <= new
                if facts["checks"][constraint] != was["checks"].get(constraint) and not goes_with_column:
                    self._refuse(f"`{name}` has another check {constraint}")
            for gone in was["checks"].keys() - facts["checks"].keys():
                self._refuse(f"`{name}` has the check {gone}, which is not declared any more")
            for column in (facts["computed"].keys() | was["computed"].keys()) - new:
                if facts["computed"].get(column) != was["computed"].get(column):
                    self._refuse(f"`{name}.{column}` is computed in another way")
            for index in self._metadata.tables[name].indexes:
                if str(index.name) in was["indexes"] and was["indexes"][str(index.name)] != facts["indexes"][str(index.name)]:
                    yield from self._anew(index)
            yield from self._derive(self._metadata.tables[name], was.get("derived"))

    def _derive(self, table: Table, note: dict[str, Any] | None) -> Iterator[Step]:
        was, wanted = remembered(note), derived_from(table)
        if was == wanted:
            return
        if was is not None:
            yield Step(f"Dropped {was.told}.", lambda connection: run(connection, was.drop))
        if wanted is not None:
            yield Step(f"Made {wanted.told}.", lambda connection: run(connection, wanted.make))

    def _anew(self, index: Index) -> Iterator[Step]:
        yield Step(f"Dropped the index {index.name}.", lambda connection: connection.execute(DropIndex(index, if_exists=True)))
        yield Step(f"Made the index {index.name}.", lambda connection: connection.execute(CreateIndex(index)))


def _all_facts(connection: Connection, metadata: MetaData) -> dict[str, Any]:
    return {name: _facts(connection, table) for name, table in metadata.tables.items()}


def _facts(connection: Connection, table: Table) -> dict[str, Any]:
    on_table = [(check, [column.name for column in check.columns]) for check in table.constraints if isinstance(check, CheckConstraint)]
    on_column = [(check, [column.name]) for column in table.columns for check in column.constraints if isinstance(check, CheckConstraint)]
    return {
        "checks": {str(check.name or check.sqltext): [columns, str(check.sqltext)] for check, columns in on_table + on_column},
        "computed": {column.name: str(column.computed.sqltext) for column in table.columns if column.computed is not None},
        "indexes": {str(index.name): str(CreateIndex(index).compile(dialect=connection.dialect)) for index in table.indexes},
        "derived": noted(derived_from(table)),
    }


def _names(constraint: Any) -> str:
    return ", ".join(column.name for column in constraint.columns)
