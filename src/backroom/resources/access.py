"""`access = allow(...)`: which condition permits which action. No rule, no access."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeAlias, cast

from backroom.resources.conditions import Condition, node_of
from backroom.resources.nodes import Always, And, Compare, Constant, HasRole, In, Node, Not, Or, Related, Some, StartsWith

Action: TypeAlias = Literal["read", "create", "update", "delete"]
ACTIONS: tuple[Action, ...] = ("read", "create", "update", "delete")
NOBODY = Always(False)


@dataclass(frozen=True, slots=True)
class Access:
    """One node per action, refused unless named. `update_check` judges the new row instead of `update`, if given."""

    read: Node = NOBODY
    create: Node = NOBODY
    update: Node = NOBODY
    delete: Node = NOBODY
    update_check: Node | None = None
    fields: Mapping[str, Access] | None = None

    def of(self, action: Action) -> Node:
        node: Node = getattr(self, action)
        return node


def allow(
    *,
    everything: Condition | None = None,
    read: Condition | None = None,
    write: Condition | None = None,
    create: Condition | None = None,
    update: Condition | None = None,
    delete: Condition | None = None,
    update_check: Condition | None = None,
    fields: Mapping[str, Condition | Access] | None = None,
) -> Access:
    """Say who may do what. The more specific word replaces the general: `everything` < `write` < `create`, `update`, `delete`.

    `fields={"cost": rule}` asks `rule` in addition for reading, creating and updating that field. An action not named is refused.
    Raises `TypeError` with the cure for anything that is not a condition.

    >>> from backroom import allow, me, this
    >>> access = allow(everything=this.owner == me)
    """
    general = node_of(everything) if everything is not None else NOBODY
    writing = node_of(write) if write is not None else general
    chosen: dict[str, Any] = {"read": general, "create": writing, "update": writing, "delete": writing}
    for action, given in {"read": read, "create": create, "update": update, "delete": delete}.items():
        if given is not None:
            chosen[action] = node_of(given)
    if update_check is not None:
        chosen["update_check"] = node_of(update_check)
    if fields is not None:
        chosen["fields"] = {name: _field_access(given) for name, given in fields.items()}
    for node in (value for value in chosen.values() if not isinstance(value, dict)):
        refuse_slips(node)
    return Access(**chosen)


def _field_access(given: Condition | Access) -> Access:
    if isinstance(given, Access):
        return given
    node = node_of(given)
    refuse_slips(node)
    return Access(node, node, node, node)


def refuse_slips(node: Node) -> None:
    """What a rule may not hold, though a query may: a comparison with None, a reading of the clock taken at start."""
    for part in walk(node):
        if isinstance(part, Compare) and any(isinstance(side, Constant) and side.value is None for side in (part.left, part.right)):
            raise TypeError("A comparison with None is never true; write `.is_null()`, or `~this.x.is_null()`.")
        for constant in _constants(part):
            if isinstance(constant.value, datetime) and abs((_aware(constant.value) - datetime.now(UTC)).total_seconds()) < 60:
                raise TypeError(
                    "This rule holds the time at which the server started. Write `now` (from backroom), which is asked anew for every request."
                )
            days = (date.today(), datetime.now(UTC).date())  # noqa: DTZ011 - one of them is what the slip has called
            if type(constant.value) is date and constant.value in days:
                raise TypeError(
                    "This rule holds the day on which the server started. Write `today` (from backroom), which is asked anew for every request."
                )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.astimezone(UTC)


def walk(node: Node) -> Iterator[Node]:
    """The node and every node below it."""
    yield node
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from walk(part)
        case Not(part):
            yield from walk(part)
        case Some(_, condition) | Related(_, condition):
            yield from walk(condition)
        case _:
            pass


def _constants(node: Node) -> Iterator[Constant]:
    if isinstance(node, Compare | StartsWith | In | HasRole):
        for slot in fields(node):
            value = getattr(node, slot.name)
            items = cast("Iterable[Any]", value) if isinstance(value, tuple) else (value,)
            for item in items:
                if isinstance(item, Constant):
                    yield item
