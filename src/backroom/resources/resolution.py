"""Names in conditions become cells: every path is walked, every constant read into its field's type, every slip told.

`resolve` serves rules at start and queries at run time; what differs is only who hears of a fault (`DeclarationError`, `Invalid`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from enum import Enum
from typing import Any

from pydantic import AnyUrl, AwareDatetime, TypeAdapter

from backroom.resources.access import ACTIONS, Access, allow, walk
from backroom.resources.conditions import me, node_of, this
from backroom.resources.definition import Definition
from backroom.resources.fields import ORDERED, Field, Kind
from backroom.resources.nodes import (
    Always,
    And,
    CallerValue,
    Clock,
    Compare,
    Constant,
    HasRole,
    In,
    IsNull,
    Known,
    Matches,
    Node,
    Not,
    Operand,
    Or,
    Related,
    RowPath,
    Searched,
    Some,
    StartsWith,
    Truth,
    write,
)
from backroom.resources.outcomes import possible
from backroom.resources.relations import Cell, Gathered, Hop
from backroom.resources.resource import Resource

MAX_STEPS = 4
CLOCK_KINDS: Mapping[str, Kind] = {"now": "datetime", "today": "date"}
_CLOCK_READERS: Mapping[str, TypeAdapter[Any]] = {"now": TypeAdapter(AwareDatetime), "today": TypeAdapter(date)}
Definitions = Mapping[str, Definition]


class Unresolved(Exception):
    """A condition that the catalog can't follow. The message is one sentence without place."""


def resolve(definitions: Definitions, definition: Definition, node: Node) -> Node:
    """The condition with every path walked from `definition`. Raises `Unresolved`."""
    match node:
        case And(parts):
            return And(tuple(resolve(definitions, definition, part) for part in parts))
        case Or(parts):
            return Or(tuple(resolve(definitions, definition, part) for part in parts))
        case Not(part):
            return Not(resolve(definitions, definition, part))
        case Always() | Known() | Matches() | Searched() | Related():  # the last three only ever come from a query, resolved
            return node
        case HasRole(role):
            _refuse_unnamed_role(node, role)
            return node
        case Truth(path):
            cell = _cell(definitions, definition, path)
            if cell.field.kind != "boolean":
                raise Unresolved(f"`{write(node)}` is not true or false by itself; compare it with something")
            return Truth(cell)
        case Compare(operator, left, right):
            return _compare(definitions, definition, node, operator, left, right)
        case In(left, right):
            return _in(definitions, definition, node, left, right)
        case IsNull(operand):
            if isinstance(operand, Clock):
                raise Unresolved(f"`{write(node)}`: the clock is never empty")
            return IsNull(_operand(definitions, definition, operand))
        case StartsWith(left, right):
            return _starts_with(definitions, definition, node, left, right)
        case Some(path, condition):
            gathered = path if isinstance(path, Gathered) else _walk(definitions, definition, path)
            if not isinstance(gathered, Gathered):
                raise Unresolved(f"`{write(node)}`: `{path}` is no collection; `.any()` asks a `many(...)`")
            return Some(gathered, resolve(definitions, definitions[gathered.collection.target], condition))


def _refuse_unnamed_role(node: Node, role: Any) -> None:
    if not isinstance(role, Constant) or not isinstance(role.value, str):
        by_text = 'a role is named by its text, like `me.has_role("admin")`'
        raise Unresolved(f"`{write(node)}`: {by_text}; to compare with a field write `this.role.in_(me.roles)`")


def _starts_with(definitions: Definitions, definition: Definition, node: Node, left: Operand, right: Operand) -> Node:
    sides = (_operand(definitions, definition, left), _operand(definitions, definition, right))
    if not all(_is_text(side) for side in sides):
        raise Unresolved(f"`{write(node)}`: only text has a beginning")
    return StartsWith(*sides)


def _compare(definitions: Definitions, definition: Definition, node: Node, operator: str, left: Operand, right: Operand) -> Node:
    reached, other = _operand(definitions, definition, left), _operand(definitions, definition, right)
    if isinstance(reached, Cell) and isinstance(other, Cell) and not _comparable(reached.field, other.field):
        raise Unresolved(f"`{write(node)}` compares {reached.field.kind} with {other.field.kind}")
    if operator not in ("eq", "ne") and any(
        isinstance(side, Cell) and (side.field.kind not in ORDERED or side.field.is_reference) for side in (reached, other)
    ):
        raise Unresolved(f"`{write(node)}`: these values have no order")
    _refuse_strangers(node, reached, other)
    return Compare(operator, reached, _fitting(node, reached, other))


def _comparable(one: Field, other: Field) -> bool:
    return one.kind == other.kind and (one.target == other.target or "id" in (one.name, other.name))


def _refuse_strangers(node: Node, cell: Operand, other: Operand) -> None:
    """Two values that can never be equal, or that the two databases would compare each in its own way."""
    match cell, other:
        case Cell(), _ if cell.field.kind == "json":
            raise Unresolved(f"`{write(node)}`: `{cell.field.name}` holds JSON, which can't be compared")
        case Cell(), CallerValue("id") if cell.field.kind != "uuid":
            raise Unresolved(f"`{write(node)}`: a person is compared with a reference to people, and `{cell.field.name}` is {cell.field.kind}")
        case Cell() | CallerValue(), CallerValue("roles"):
            raise Unresolved(f"`{write(node)}`: `me.roles` is a list; write `.in_(me.roles)`, or `me.has_role(...)`")
        case Cell(), Clock(name) if cell.field.kind != CLOCK_KINDS[name]:
            raise Unresolved(f"`{write(node)}`: `{name}` is a {CLOCK_KINDS[name]}, and `{cell.field.name}` is {cell.field.kind}")
        case _:
            pass


def _in(definitions: Definitions, definition: Definition, node: Node, left: Operand, right: tuple[Operand, ...] | CallerValue) -> Node:
    """A list of constants, or one claim. `x.in_([a, b])` over fields and values of `me` is `(x == a) | (x == b)`, each unknown by itself."""
    reached = _operand(definitions, definition, left)
    if isinstance(right, CallerValue):
        return In(reached, right)
    if all(isinstance(value, Constant) for value in right):
        return In(reached, tuple(_fitting(node, reached, value) for value in right))
    return Or(
        tuple(_compare(definitions, definition, node, "eq", *((value, left) if isinstance(value, RowPath) else (left, value))) for value in right)
    )


def _is_text(operand: Operand) -> bool:
    match operand:
        case Cell():
            return operand.field.kind == "text"
        case Constant(value):
            return isinstance(value, str)
        case _:
            return isinstance(operand, CallerValue)


def _operand(definitions: Definitions, definition: Definition, operand: Operand) -> Operand:
    return _cell(definitions, definition, operand) if isinstance(operand, RowPath) else operand


def _cell(definitions: Definitions, definition: Definition, path: RowPath | Cell) -> Cell:
    reached = path if isinstance(path, Cell) else _walk(definitions, definition, path)
    if isinstance(reached, Gathered):
        raise Unresolved(f"`{_spell(path)}` is a collection; ask it with `.any(...)`")
    return reached


def _walk(definitions: Definitions, definition: Definition, path: RowPath) -> Cell | Gathered:
    """Follow the steps. `this.owner` is the column `owner_id`; `this.owner.id` is the same without a join."""
    if len(path.steps) > MAX_STEPS:
        raise Unresolved(f"`{_spell(path)}` takes more than {MAX_STEPS} steps")
    here, hops = definition, tuple[Hop, ...]()
    cell = Cell((), definition.key, definition.name)
    for index, step in enumerate(path.steps):
        last = index == len(path.steps) - 1
        if last and step in here.collections:
            return Gathered(hops, here.collections[step])
        found = here.by_name.get(step) or here.by_column.get(step)
        if found is None:
            raise Unresolved(f"`{_spell(path)}`: {here.cls.__name__} has no field `{step}`{_nearest(step, here)}")
        cell = Cell(hops, found, here.name)
        if last:
            break
        if found.target is None:
            raise Unresolved(f"`{_spell(path)}`: `{step}` is no reference, so nothing lies behind it")
        if path.steps[index + 1 :] == ("id",):
            break  # the key of the row referred to is this very column
        here = definitions[found.target]
        hops = (*hops, Hop(found, found.target))
    return cell


def _spell(path: RowPath | Cell) -> str:
    return ".".join(("this", *path.steps)) if isinstance(path, RowPath) else path.field.name


def _nearest(step: str, here: Definition) -> str:
    from difflib import get_close_matches

    near = get_close_matches(step, [*here.by_name, *here.collections], 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _fitting(node: Node, cell: Operand, other: Operand) -> Operand:
    """A constant beside a cell or the clock, read into its type."""
    if not isinstance(other, Constant) or other.value is None:
        return other
    try:
        if isinstance(cell, Cell):
            return Constant(fit(cell.field, other.value))
        return Constant(_CLOCK_READERS[cell.name].validate_python(other.value)) if isinstance(cell, Clock) else other
    except (ValueError, TypeError) as error:
        wanted = _kind_in_words(cell)
        zone = ": it has no time zone" if isinstance(other.value, datetime) and other.value.tzinfo is None else ""
        raise Unresolved(f"`{write(node)}`: {other.value!r} is no {wanted}{zone}") from error


def _kind_in_words(operand: Operand) -> str:
    if not isinstance(operand, Cell):
        return operand.name if isinstance(operand, Clock) else "value that fits"
    annotation = operand.field.annotation
    return annotation.__name__ if isinstance(annotation, type) else operand.field.kind


def fit(field: Field, value: Any) -> Any:
    """A Python value as this field would hold it; a row stands for its key. Raises ValueError (pydantic's) if it can't."""
    if isinstance(value, Resource):
        value = value.__dict__.get("id")
    if value is None:
        return None
    if isinstance(value, bool) and field.kind not in ("boolean", "json"):
        raise ValueError("a bool is no value of this field")
    fitted = field.adapter.validate_python(value)
    if field.kind == "datetime" and fitted.tzinfo is None:
        raise ValueError("a moment without time zone is no moment")
    # As it is stored: an Enum member's own text would equal no row, and differ from every one.
    return fitted.value if isinstance(fitted, Enum) else str(fitted) if isinstance(fitted, AnyUrl) else fitted


# ---------------------------------------------------------------- the rules of one resource
def resolve_rules(definitions: Definitions, definition: Definition) -> None:
    """Resolve `access` and `check`; refuse rules that can't be meant. Raises `DeclarationError`."""
    written = _with_peoples_own(definition)
    chosen: dict[str, Any] = {}
    for action in ACTIONS:
        chosen[action] = _rule(definitions, definition, written.of(action), action)
    if written.update_check is not None:
        chosen["update_check"] = _rule(definitions, definition, written.update_check, "update")
    fields: dict[str, Access] = {}
    for name, access in (written.fields or {}).items():
        found = definition.by_name.get(name) or definition.by_column.get(name)
        if found is None:
            raise definition.error(f"fields= names `{name}`, which is no field of it", "access")
        if found.name in fields:
            raise definition.error(f"fields= names `{found.name}` twice (`{name}` is the same field); write one of them", "access")
        fields[found.name] = _field_rules(definitions, definition, access)
    definition.access = Access(**chosen, fields=fields)
    if definition.options.check is not None:
        definition.check = _rule(definitions, definition, node_of(definition.options.check), "update")
        _refuse_wide_check(definition)
    _refuse_unmeant(definition)


def _field_rules(definitions: Definitions, definition: Definition, access: Access) -> Access:
    """One condition may stand for all actions (`"email": this == me`), so a create that it never permits is no slip here."""
    rules: dict[str, Any] = {action: _followed(definitions, definition, access.of(action)) for action in ACTIONS}
    return Access(**rules)


def _with_peoples_own(definition: Definition) -> Access:
    """People read and update only themselves unless told otherwise; their email and roles stay their own until named in `fields=`."""
    written = definition.cls.__written__.access
    if definition.name != "users":
        return written or Access()
    own = allow(read=this == me)
    access = written or allow(read=this == me, update=this == me)
    return replace(access, fields={"email": own, "roles": own, **(access.fields or {})})


def _followed(definitions: Definitions, definition: Definition, node: Node) -> Node:
    try:
        return resolve(definitions, definition, node)
    except Unresolved as error:
        raise definition.error(f"in its rules, {error}", "access") from None


def _rule(definitions: Definitions, definition: Definition, node: Node, action: str) -> Node:
    resolved = _followed(definitions, definition, node)
    if not isinstance(node, Always) and True not in possible(resolved, creating=action == "create"):
        cure = (
            "; a new row has no id and empty collections: write `create=me.signed_in` and add the rest in after_create"
            if action == "create"
            else "; write `nobody` if that is meant"
        )
        raise definition.error(f"the {action} rule `{write(node)}` can never be true{cure}", "access")
    return resolved


def _refuse_wide_check(definition: Definition) -> None:
    assert definition.check is not None
    if any(name in write(definition.check) for name in ("me", "now", "today")) and _names_caller(definition.check):
        raise definition.error("check= may only compare the row's own fields; what depends on the caller or the time is a rule")


def _names_caller(node: Node) -> bool:
    match node:
        case And(parts) | Or(parts):
            return any(map(_names_caller, parts))
        case Not(part):
            return _names_caller(part)
        case Compare(_, left, right) | StartsWith(left, right) | Matches(_, left, right):
            return any(isinstance(side, CallerValue | Clock) or (isinstance(side, Cell) and bool(side.hops)) for side in (left, right))
        case In(left, right):
            return isinstance(right, CallerValue) or (isinstance(left, Cell) and bool(left.hops))
        case Some() | Related() | Known() | HasRole():
            return True
        case Truth() | IsNull() | Always() | Searched():
            return False


def _asks_row(node: Node) -> bool:
    cells = (getattr(part, name, None) for part in walk(node) for name in ("left", "right", "path", "operand"))
    return any(isinstance(cell, Cell | Gathered) for cell in cells)


def _asks_clock(node: Node) -> bool:
    return any(isinstance(getattr(part, name, None), Clock) for part in walk(node) for name in ("left", "right"))


def _refuse_unmeant(definition: Definition) -> None:
    owner = definition.owner
    if owner is not None and not owner.nullable and True in possible(definition.access.create, creating=True, signed_in=False):
        raise definition.error(
            f"`{owner.name}` is required, but create is allowed to people who are not signed in; "
            f"write `create=me.signed_in & (...)`, or `{owner.name}: User | None`",
            "access",
        )
    for field, _ in definition.order:
        access = (definition.access.fields or {}).get(field.name)
        if access is not None and _asks_row(access.read):
            raise definition.error(f"order= names `{field.name}`, which is hidden in some rows; order by another field", "access")
    for field in definition.searched:
        access = (definition.access.fields or {}).get(field.name)
        if access is not None and (_asks_row(access.read) or _asks_clock(access.read)):
            raise definition.error(
                f"`{field.name}` has search=True, and is hidden in some rows: what is found by it would tell of them; remove search=True, or "
                f'write a rule about `me` alone: `fields={{"{field.name}": me.has_role("...")}}`',
                "access",
            )
