"""Row <-> object: stored columns become a frozen instance of the resource's class, and an instance the columns to store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from backroom.calls import Actor, Row
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.resource import Resource, load
from backroom.sql.select import Projection
from backroom.sql.values import Convert, DialectName, loader


def new_key() -> UUID:
    """A UUID version 7 (RFC 9562): 48 bits of milliseconds, then chance, so that keys sort by age.

    >>> new_key().version
    7
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000  # RFC 9562, 6.2, method 3: keys made within one millisecond sort by age too
    value = (milliseconds & (2**48 - 1)) << 80 | fraction << 64 | int.from_bytes(os.urandom(8))
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


class RowLoader:
    """Makes instances of one resource from rows of one projection."""

    def __init__(self, catalog: Catalog, definition: Definition, projection: Projection, dialect: DialectName, reader: Actor | None = None) -> None:
        self._reader = reader
        self.cls: type[Resource[Any]] = definition.cls
        self._cells: list[tuple[str, Convert, type[Resource[Any]] | None]] = []
        for field in projection.fields:
            target = catalog.definitions[field.target].cls if field.target is not None else None
            self._cells.append((field.name, _typed(field, loader(field.kind, dialect)), target))
        first_flag = len(projection.fields)
        self._flags = [(first_flag + index, field.name) for index, field in enumerate(projection.conditional)]
        self._version = first_flag + len(projection.conditional) if projection.version else None

    def load(self, row: Row) -> Any:
        """An instance. A field hidden from the caller in this row is absent: reading it raises `NotLoaded`."""
        values: dict[str, Any] = {}
        for (name, convert, target), cell in zip(self._cells, row, strict=False):
            if cell is None:
                values[name] = None
            else:
                value = convert(cell)
                values[name] = value if target is None else load(target, {"id": value, "_via": name})
        for position, name in self._flags:
            if not row[position]:
                del values[name]
        if self._version is not None:
            values["_version"] = row[self._version]
        values["_reader"] = self._reader  # whose rules masked this row: it may leave to him as it is
        return load(self.cls, values)


def _typed(field: Any, convert: Convert) -> Convert:
    """Literal, plain kinds: as loaded. Enum, models, addresses: read into the annotated type."""
    if field.is_reference or field.kind not in ("json", "text", "integer") or field.annotation in (str, int, dict, list):
        return convert
    if field.choices is not None and not isinstance(field.annotation, type):
        return convert
    if field.kind == "text" and isinstance(field.annotation, type) and field.annotation.__name__ == "EmailStr":
        return convert
    validate: Callable[[Any], Any] = field.adapter.validate_python
    return lambda stored: validate(convert(stored))


def columns_of(definition: Definition, row: Resource[Any]) -> dict[str, Any]:
    """The values an instance carries, by column; a row it refers to stands for its key."""
    return by_column(definition, {name: value for name, value in row.__dict__.items() if name in definition.by_name})


def by_column(definition: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    """Field names (or columns) -> columns. Raises TypeError naming what is no field."""
    columns: dict[str, Any] = {}
    for name, value in values.items():
        field = definition.by_name.get(name) or definition.by_column.get(name)
        if field is None:
            raise TypeError(f"{definition.cls.__name__} has no field {name!r}; it has {', '.join(definition.by_name)}")
        columns[field.column] = value.__dict__.get("id") if isinstance(value, Resource) else value
    return columns


def from_columns(catalog: Catalog, definition: Definition, values: Mapping[str, Any]) -> Any:
    """A new instance from values by column, checked ones or an instance's own, as a before-hook sees it."""
    named: dict[str, Any] = {}
    for column, value in values.items():
        field = definition.by_column[column]
        if value is None:
            named[field.name] = None
        elif field.target is not None:
            named[field.name] = load(catalog.definitions[field.target].cls, {"id": value})
        else:
            named[field.name] = _typed(field, _same)(value)
    return load(definition.cls, named)


def _same(value: Any) -> Any:
    return value
