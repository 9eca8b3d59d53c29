"""The columns of one resource as one pydantic schema, and what pydantic can't say of them: unknown names, required ones, inexact numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Literal, TypeAlias, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import SchemaError
from typing_extensions import TypedDict

from backroom.errors import DeclarationError, Fault
from backroom.resources.fields import Field
from backroom.validation.faults import MAX_FAULTS, faults_of, refusal, unknown
from backroom.validation.strict_json import Path, Spelled, inexact, is_array, is_object, may_be_inexact, spell
from backroom.validation.wire import EXACT_DIGITS, STRICT, labels_of, wire_type

Mode: TypeAlias = Literal["create", "replace", "update"]
Values: TypeAlias = "dict[str, Any]"


def row_type(name: str, types: dict[str, Any]) -> Any:
    """A dict type of these columns, all of which may be absent."""
    make: Any = TypedDict
    row = make(name, types, total=False)
    row.__pydantic_config__ = STRICT
    return row


def _list_of(row: Any) -> Any:
    return list[row]


def strangers_in(core_schema: Any) -> Literal["forbid"] | None:
    """Models of a body refuse names that they don't declare, unless one of them says otherwise: dropped silently, data would be lost."""
    stack: list[Any] = [core_schema]
    while stack:
        part = stack.pop()
        if is_object(part):
            if part.get("extra_behavior") == "allow" or part.get("extra_fields_behavior"):
                return None
            stack.extend(value for name, value in part.items() if name != "metadata")
        elif is_array(part) or isinstance(part, tuple):
            stack.extend(cast("Iterable[Any]", part))
    return "forbid"


class RowSchema:
    """Reads one row or many, from bytes that `read_json` has already read into `tree`."""

    def __init__(self, name: str, fields: Mapping[str, Field], *, stored: bool = True) -> None:
        """`stored`: values come in the form in which they are stored, not in code's. Raises `DeclarationError` without place."""
        self._labels = labels_of(fields)
        self._nullable = frozenset(column for column, field in fields.items() if field.nullable)
        self._required: dict[Mode, frozenset[str]] = {
            "create": frozenset(column for column, field in fields.items() if field.writable and not field.has_default),
            # A PUT keeps what it can't change and what its sender can't have read.
            "replace": frozenset(
                column
                for column, field in fields.items()
                if field.writable and field.readable and not field.options.immutable and not field.has_default
            ),
            "update": frozenset(),
        }
        self.spelled = any(field.kind == "decimal" for field in fields.values())  # `read_json` is to keep how numbers were written
        self._decimals = tuple(column for column, field in fields.items() if field.kind == "decimal")
        self._json = tuple(column for column, field in fields.items() if field.kind == "json")
        self._position = {column: index for index, column in enumerate(fields)}
        types = {column: wire_type(field, stored=stored) for column, field in fields.items()}
        for column, each in types.items():
            try:
                TypeAdapter(each)
            except (SchemaError, TypeError, PydanticSchemaGenerationError) as error:
                reason = str(error).strip().splitlines()[-1].strip()
                raise DeclarationError(f"`{column}`: its type and constraints can't be checked ({reason})") from error
        row = row_type(name, types)
        one: TypeAdapter[Any] = TypeAdapter(row)
        many: TypeAdapter[Any] = TypeAdapter(_list_of(row))
        extra = strangers_in(one.core_schema)
        self._one = partial(one.validator.validate_json, strict=True, extra=extra)
        self._many = partial(many.validator.validate_json, strict=True, extra=extra)

    def read_one(self, raw: bytes, tree: dict[str, Any], mode: Mode, known: frozenset[str]) -> Values:
        try:
            given: Values = self._one(raw)
        except ValidationError as error:
            raise refusal(self._faults(tree, mode, known, error, self._wide(raw))) from None
        wide = self._wide(raw)
        if not self._plain(tree, given, mode, known, wide):
            faults = self._faults(tree, mode, known, None, wide)
            if faults:
                raise refusal(faults)
        return given

    def read_rows(self, raw: bytes, trees: list[Any], mode: Mode, known: frozenset[str]) -> list[Values]:
        try:
            rows: list[Values] = self._many(raw)
        except ValidationError:
            raise refusal(self._faults_of_rows(trees, mode, known, self._wide(raw))) from None
        wide = self._wide(raw)
        if not all(self._plain(tree, given, mode, known, wide) for tree, given in zip(trees, rows, strict=True)):
            faults = self._faults_of_rows(trees, mode, known, wide)
            if faults:
                raise refusal(faults)
        return rows

    def _wide(self, raw: bytes) -> bool:
        return bool(self._json) and may_be_inexact(raw)

    def _plain(self, tree: dict[str, Any], given: Values, mode: Mode, known: frozenset[str], wide: bool) -> bool:
        """Nothing that pydantic has not judged; False only sends the row to `_faults`, which looks closely."""
        return (
            len(given) == len(tree)
            and given.keys() <= known
            and self._required[mode] <= given.keys()
            and not wide
            and not (self._decimals and any(type(tree.get(column)) is Spelled for column in self._decimals))
        )

    def _faults_of_rows(self, trees: list[Any], mode: Mode, known: frozenset[str], wide: bool) -> list[Fault]:
        """Row by row, so that no array makes more faults than a reply lists."""
        faults: list[Fault] = []
        for index, tree in enumerate(trees):
            if not is_object(tree):
                faults.append(Fault(None, "type", "Each row must be a JSON object.", index))
            else:
                faults += [replace(fault, row=index) for fault in self._faults(tree, mode, known, self._error(tree), wide)]
            if len(faults) >= MAX_FAULTS:
                break
        return faults

    def _error(self, tree: dict[str, Any]) -> ValidationError | None:
        try:
            self._one(json.dumps(tree))
        except ValidationError as error:
            return error
        return None

    def _faults(self, tree: dict[str, Any], mode: Mode, known: frozenset[str], error: ValidationError | None, wide: bool) -> list[Fault]:
        """All faults of one row, in the order of its columns, unknown names last. What this caller can't know of leaves no trace."""
        found: dict[Path, Fault] = dict(islice(self._overlooked(tree, mode, known, wide), MAX_FAULTS))
        for path, fault in faults_of(error, tree, self._labels, self._nullable) if error is not None else ():
            if not path or (path[0] in known and path[0] in self._position):
                found.setdefault(path, fault)
        faults = [found[path] for path in sorted(found, key=lambda path: self._position.get(str(path[0]), 0) if path else -1)]
        strangers = [name for name in tree if name not in known or name not in self._position]
        return faults + [unknown(name, known & self._position.keys()) for name in strangers[:MAX_FAULTS]]

    def _overlooked(self, tree: dict[str, Any], mode: Mode, known: frozenset[str], wide: bool) -> Iterator[tuple[Path, Fault]]:
        if mode != "update":
            for column in (self._required[mode] & known) - tree.keys():
                yield (column,), Fault(column, "required", f"{self._labels[column]} is required.")
        for column in self._decimals:
            value = tree.get(column)
            if type(value) is Spelled and sum(map(str.isdigit, value.text.lower().partition("e")[0].lstrip("-0."))) > EXACT_DIGITS:
                yield (
                    (column,),
                    Fault(column, "type", f'{self._labels[column]} has more digits than a JSON number keeps; send "{value.text[:60]}", in quotes.'),
                )
        for column in self._json if wide else ():
            for path in inexact(tree.get(column), (column,)):
                yield path, Fault(spell(path), "too_large", f"`{spell(path)}` is a number that JSON.parse would change; send it in quotes.")
