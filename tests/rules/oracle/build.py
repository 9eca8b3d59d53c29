"""A specification as an App: real Resource classes with `allow(...)`, as a user would write them."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Optional
from uuid import UUID

from backroom import App, Resource, User, allow, anyone, field, many, me, nobody, now, this
from tests.rules.oracle.draw import Operand, Rule, Table
from tests.rules.oracle.truth import seconds

_TYPES: dict[str, Any] = {
    "text": str, "integer": int, "decimal": Decimal, "boolean": bool, "datetime": datetime, "float": float, "date": date, "time": time,
    "timedelta": timedelta, "uuid": UUID, "bytes": bytes, "json": dict[str, Any], "texts": list[str], "numbers": list[int],
}  # fmt: skip
#: JSON's form of a constant -> Python's.
_CONSTANTS: dict[Any, Callable[[Any], Any]] = {
    "decimal": Decimal, "datetime": datetime.fromisoformat, "date": date.fromisoformat, "time": time.fromisoformat, "uuid": UUID,
    "timedelta": lambda text: timedelta(microseconds=int(seconds(text) * 1_000_000)),
}  # fmt: skip
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}


def build(tables: Mapping[str, Table]) -> tuple[App, dict[str, type[Resource[Any]]]]:
    """Raises `DeclarationError` for a rule that can never be true: such a specification is no app."""
    app = App()
    names = {name: "Person" if name == "users" else name.capitalize() for name in tables}
    classes: dict[str, type[Resource[Any]]] = {}
    for name, table in tables.items():
        body: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
        for column, (kind, nullable) in table.columns.items():
            if name == "users" and column in ("email", "roles"):
                continue
            body["__annotations__"][column] = Optional[_TYPES[kind]] if nullable else _TYPES[kind]  # noqa: UP045
            if column in table.defaults:
                body[column] = field(default=_CONSTANTS.get(kind, _same)(table.defaults[column]), search=column in table.searched)
            elif column in table.searched:
                body[column] = field(search=True)
        for column, (target, nullable, on_delete) in table.references.items():
            body["__annotations__"][column] = f"{names.get(target, 'User')}{' | None' if nullable else ''}"
            body[column] = field(on_delete=on_delete) if on_delete != "refuse" else field()  # type: ignore[arg-type]
        for column, found in table.collections.items():
            target = found[1] if found[0] == "via" else found[3]
            body["__annotations__"][column] = f"list[{names[target]}]"
            body[column] = many(via=found[2]) if found[0] == "via" else many(through=names[found[1]])
        rules = {action: written(rule) for action, rule in table.rules.items()}
        fields = {column: allow(**{action: written(rule) for action, rule in each.items()}) for column, each in table.fields.items()}
        body["access"] = allow(**rules, fields=fields or None)
        body["__annotations__"] = {**body["__annotations__"]}
        if name == "users":
            classes[name] = app.user(types.new_class("Person", (User,), exec_body=body_of(body)))
            continue
        base: Any = Resource[UUID] if table.key == "uuid" else Resource
        classes[name] = app.resource(name, unique=table.unique, aggregates=table.aggregates)(
            types.new_class(names[name], (base,), exec_body=body_of(body))
        )
    app.catalog.freeze()
    return app, classes


def body_of(names: Mapping[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda namespace: namespace.update(names)


def written(rule: Rule) -> Any:  # noqa: C901, PLR0912 - one line a form
    match rule:
        case ("always", value):
            return anyone if value else nobody
        case ("and" | "or" as word, parts):
            joined = written(parts[0])
            for part in parts[1:]:
                joined = joined & written(part) if word == "and" else joined | written(part)
            return joined
        case ("not", part):
            return ~written(part)
        case ("any", path, ("always", True)):
            return _walked(path).any()
        case ("any", path, condition):
            return _walked(path).any(written(condition))
        case ("signed_in",):
            return me.signed_in
        case ("anonymous",):
            return me.is_anonymous
        case ("role", name):
            return me.has_role(name)
        case ("null", cell):
            return operand(cell).is_null()
        case ("true", cell):
            return operand(cell)
        case ("compare", operator, left, right):
            return _OPERATORS[operator](operand(left), operand(right))
        case ("in", left, rights):
            return operand(left).in_([operand(right) for right in rights])
        case ("in_claim", left, claim):
            return operand(left).in_(me.claims[claim])
        case ("starts", left, right):
            return operand(left).startswith(operand(right))
        case _:
            raise AssertionError(rule)


def operand(given: Operand) -> Any:
    match given:
        case ("row", path):
            return _walked(path)
        case ("me", "id"):
            return me
        case ("me", name):
            return getattr(me, name)
        case ("claim", name):
            return me.claims[name]
        case ("now",):
            return now
        case ("constant", value, kind):
            return _CONSTANTS.get(kind, _same)(value)
        case _:
            raise AssertionError(given)


def _same(value: Any) -> Any:
    return value


def _walked(path: tuple[str, ...]) -> Any:
    walked: Any = this
    for step in path:
        walked = walked[step]
    return walked
