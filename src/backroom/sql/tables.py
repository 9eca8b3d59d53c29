"""Resources as SQLAlchemy tables: one column a field, `_version` (counts writes, feeds the ETag), the keys and the indexes that rules need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import REAL, BigInteger, Column, ForeignKey, Identity, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, literal
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from backroom.resources.access import ACTIONS, walk
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.fields import MISSING, Field, Kind
from backroom.resources.nodes import CallerValue, Compare, In
from backroom.resources.relations import Cell
from backroom.sql.search_index import keep_words
from backroom.sql.values import DialectName, store

VERSION = "_version"
_LONGEST_NAME = 63  # in Postgres, in bytes

#: Postgres' own names for its keys, on both databases, so that a client reads the same constraint.
_NAMES = {"pk": "%(table_name)s_pkey"}


@cache
def _types(dialect: DialectName) -> dict[Kind, TypeEngine[Any]]:
    if dialect == "sqlite":
        return {
            "text": Text(), "integer": Integer(), "float": REAL(), "boolean": Integer(), "decimal": Text(collation="decimal"), "date": Text(),
            "datetime": Text(), "time": Text(), "timedelta": Integer(), "uuid": Text(), "bytes": LargeBinary(), "json": Text(),
        }  # fmt: skip
    from sqlalchemy.dialects.postgresql import (  # 7 MB that SQLite never needs
        BOOLEAN,
        BYTEA,
        DATE,
        DOUBLE_PRECISION,
        JSONB,
        NUMERIC,
        TIME,
        TIMESTAMP,
        UUID,
    )

    # Text is compared by bytes on both databases: without "C", Postgres sorts by the cluster's language.
    return {
        "text": Text(collation="C"), "integer": BigInteger(), "float": DOUBLE_PRECISION(), "boolean": BOOLEAN(), "decimal": NUMERIC(), "date": DATE(),
        "datetime": TIMESTAMP(timezone=True), "time": TIME(), "timedelta": BigInteger(), "uuid": UUID(), "bytes": BYTEA(), "json": JSONB(),
    }  # fmt: skip


def column_type(kind: Kind, dialect: DialectName) -> TypeEngine[Any]:
    return _types(dialect)[kind]


class Tables:
    """All tables of one app, for one database. `tables["todos"]` is the SQLAlchemy table of the resource `todos`."""

    def __init__(self, catalog: Catalog, dialect: DialectName) -> None:
        self.dialect: DialectName = dialect
        self.catalog = catalog
        self.metadata = MetaData(naming_convention=_NAMES)
        self._tables: dict[str, Table] = {}
        for definition in catalog.definitions.values():
            self._tables[definition.name] = self._table(definition)
        for definition in catalog.definitions.values():
            self._index(definition)
            keep_words(self._tables[definition.name], definition, dialect)

    def __getitem__(self, resource: str) -> Table:
        return self._tables[resource]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def _table(self, definition: Definition) -> Table:
        columns = [self._column(definition, field) for field in definition.fields]
        uniques = [UniqueConstraint(*(field.column for field in group), name=key_name(definition.name, group)) for group in definition.unique]
        columns.append(Column(VERSION, column_type("integer", self.dialect), nullable=False, server_default="1"))
        # AUTOINCREMENT: a deleted row's id is never given to another, or an old link would open a stranger's row.
        serial = definition.key.kind == "integer" and not definition.options.client_key
        options: dict[str, Any] = {"sqlite_strict": True, **({"sqlite_autoincrement": True} if serial else {})}
        items: list[SchemaItem] = [*columns, *uniques]
        return Table(definition.name, self.metadata, *items, **options)

    def _column(self, definition: Definition, field: Field) -> Column[Any]:
        arguments: list[Any] = []
        if field.target is not None:
            arguments.append(ForeignKey(f"{field.target}.id", name=reference_name(definition.name, field)))
        if field.name == "id":
            if field.kind == "integer":
                arguments.append(Identity())
            return Column("id", column_type(field.kind, self.dialect), *arguments, primary_key=True, autoincrement=field.kind == "integer")
        return Column(
            field.column, column_type(field.kind, self.dialect), *arguments, nullable=field.nullable, server_default=self._server_default(field)
        )

    def _server_default(self, field: Field) -> Any:
        """A constant default is also the column's, so that a new column of an old table has a value in every row."""
        default = field.options.default
        if (
            field.nullable
            or field.server_set
            or field.options.default_factory is not None
            or field.caller_default
            or default is MISSING
            or default is None
        ):
            return None
        stored = store(field.kind, getattr(default, "value", default), self.dialect)
        if isinstance(stored, bytes):
            return None
        return literal(stored, column_type(field.kind, self.dialect)) if not isinstance(stored, str) else stored

    def _index(self, definition: Definition) -> None:
        table = self._tables[definition.name]
        seen = {tuple(column.name for column in constraint.columns) for constraint in table.constraints if isinstance(constraint, UniqueConstraint)}
        order = tuple(field.column for field, _ in definition.order)
        wanted = [tuple(field.column for field in group) for group in definition.index]
        wanted += [(*dict.fromkeys((field.column, *order, "id")),) for field in compared_with_caller(self.catalog, definition)]
        wanted += list(_junctions(definition))
        for columns in wanted:
            if columns not in seen:
                seen.add(columns)
                Index(index_name(definition.name, columns), *(table.c[name] for name in columns))


def key_name(table: str, fields: Iterable[Field]) -> str:
    """`tasks_slug_key`: what is unique."""
    return _name(table, *(field.column for field in fields), "key")


def reference_name(table: str, field: Field) -> str:
    """`tasks_owner_id_fkey`"""
    return _name(table, field.column, "fkey")


def index_name(table: str, columns: Iterable[str]) -> str:
    return _name(table, *columns, "idx")


def _name(*parts: str) -> str:
    """One name of at most 63 bytes: cut alone, two long ones would be one."""
    whole = "_".join(parts)
    if len(whole.encode()) <= _LONGEST_NAME:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:10]
    kept = whole.encode()[: _LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{kept}_{digest}"


def compared_with_caller(catalog: Catalog, definition: Definition) -> list[Field]:
    """The references, and every column that some rule (of any resource) compares with `me`: what lists walk by."""
    found = {field.name: field for field in definition.references}
    for other in catalog.definitions.values():
        accesses = [other.access, *(other.access.fields or {}).values()]
        for node in (part for access in accesses for action in ACTIONS for part in walk(access.of(action))):
            if not isinstance(node, Compare | In) or not isinstance(node.left, Cell) or not isinstance(node.right, CallerValue):
                continue
            if node.left.resource == definition.name and node.left.field.name != "id":
                found[node.left.field.name] = node.left.field
    return list(found.values())


def _junctions(definition: Definition) -> Iterator[tuple[str, ...]]:
    """A resource that ties two others together is asked both ways: (project, user), (user, project)."""
    references = definition.references
    if len(references) == 2:
        first, second = references
        yield (first.column, second.column)
        yield (second.column, first.column)
