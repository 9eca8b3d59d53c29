"""Rows made up from the declarations alone, so that rules can be tried on a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from backroom.calls import Actor
from backroom.cli.options import Refused
from backroom.errors import Problem
from backroom.orm.reach import Store
from backroom.orm.rows import new_key
from backroom.orm.writes import create_rows
from backroom.resources.definition import Definition
from backroom.resources.fields import MISSING, Field
from backroom.sql.select import Projection
from backroom.sql.values import load


class Samples:
    """Makes rows of any resource. Every value differs from the ones before, so that unique keys don't clash."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._number = 0
        self._making: set[str] = set()
        self._last: dict[tuple[str, Any], Any] = {}

    async def row(self, definition: Definition, person: Any) -> dict[str, Any]:
        """A complete new row by column; every person it names is `person`. Raises `Refused` for a field nothing can be made up for."""
        moment = datetime.now(UTC)
        row: dict[str, Any] = {"created_at": moment, "updated_at": moment}
        if definition.key.kind == "uuid":
            row["id"] = new_key()
        elif definition.key.kind == "text":
            row["id"] = f"sample-{self._next()}"
        for field in definition.fields:
            if not field.server_set:
                row[field.column] = await self._cell(definition, field, person)
        return row

    async def stored(self, definition: Definition, person: Any) -> Any:
        """Store such a row with full rights; its key. The one before, where a person may have only one."""
        row, place = await self.row(definition, person), (definition.name, person)
        try:
            created = await create_rows(self.store, definition, Actor.TRUSTED, [row], Projection((definition.key,), version=False), frozenset())
        except Problem as problem:
            if problem.code == "database.unique" and place in self._last:
                return self._last[place]
            raise Refused(f"A made-up row of {definition.name} was refused: {problem.sentence}") from None
        self._last[place] = load(definition.key.kind, created.rows[0][0], self.store.dialect)
        return self._last[place]

    async def body(self, definition: Definition, person: Any) -> dict[str, Any]:
        """What a client would send to create one: the required fields, as JSON."""
        row = await self.row(definition, person)
        needed = [field for field in definition.fields if field.writable and not field.has_default and not field.caller_default]
        return {field.column: as_json(field, row[field.column]) for field in needed}

    def change(self, definition: Definition) -> dict[str, Any] | None:
        """What a client would send to change one: one field. None where there is none to change."""
        for field in definition.fields:
            if field.writable and not field.options.immutable and not field.is_reference and definition.name != "users":
                return {field.column: as_json(field, self.value(definition, field))}
        names = [
            field
            for field in definition.fields
            if field.writable and not field.options.immutable and field.column not in ("email", "roles") and not field.is_reference
        ]
        return {names[0].column: as_json(names[0], self.value(definition, names[0]))} if names else None

    def value(self, definition: Definition, field: Field) -> Any:
        """One that fits the field. Raises `Refused`."""
        reader: TypeAdapter[Any] = TypeAdapter(field.constrained)
        for candidate in self._candidates(field):
            try:
                return reader.validate_python(candidate)
            except ValidationError:
                continue
        raise Refused(f"No value can be made up for {definition.name}.{field.name}; write one: `{field.name}: ... = field(example=...)`")

    async def _cell(self, definition: Definition, field: Field, person: Any) -> Any:
        if field.target == "users":
            return person if field.caller_default or not field.has_default else None
        if field.caller_default:
            return person
        if field.has_default:
            return field.default_value()
        if field.target is not None:
            return await self._parent(definition, field.target, person)
        return self.value(definition, field)

    async def _parent(self, definition: Definition, target: str, person: Any) -> Any:
        """A row of its own for every reference: pairs of references may have to be unique."""
        if target in self._making:
            raise Refused(f"{definition.name} and {target} need each other, so no first row can be made up")
        self._making.add(target)
        try:
            return await self.stored(self.store.catalog.definitions[target], person)
        finally:
            self._making.discard(target)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _candidates(self, field: Field) -> Iterator[Any]:
        number, limits = self._next(), field.options.constraints
        if field.options.example is not MISSING:
            yield field.options.example
        if field.choices:
            yield from field.choices
        least = int(limits.get("min_length", 0))
        text = f"sample {number}"
        plain: dict[str, tuple[Any, ...]] = {
            "text": (
                text,
                text.ljust(least, "x"),
                str(number),
                str(number).zfill(max(least, 1)),
                f"sample-{number}",
                f"s{number}@example.com",
                f"https://example.com/{number}",
            ),
            "boolean": (True,),
            "date": (date(2031, 5, 9) + timedelta(days=number), date(2001, 1, 1)),
            "datetime": (datetime(2031, 5, 9, tzinfo=UTC) + timedelta(hours=number), datetime(2001, 1, 1, tzinfo=UTC)),
            "time": (time(9, 30),),
            "timedelta": (timedelta(hours=1),),
            "uuid": (uuid4(),),
            "bytes": (text.encode(),),
            "json": ({}, [], text, {"sample": number}),
        }
        if field.kind in ("integer", "float", "decimal"):
            yield from self._numbers(field, number)
        yield from plain.get(field.kind, ())

    def _numbers(self, field: Field, number: int) -> Iterator[Any]:
        limits = field.options.constraints
        make: Any = Decimal if field.kind == "decimal" else float if field.kind == "float" else int
        step = limits.get("multiple_of", 1)
        yield from (make(number), make(0), make(1), make(step))
        for name, away in (("ge", 0), ("gt", step), ("le", 0), ("lt", -step)):
            if name in limits:
                yield make(limits[name] + away)


def as_json(field: Field, value: Any) -> Any:
    """The value as a client writes it."""
    if field.kind in ("decimal", "uuid"):
        return str(value)
    return field.adapter.dump_python(value, mode="json")
