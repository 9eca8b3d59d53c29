"""Caller and resource -> rights: for each action a Predicate, for each field who sees and who writes it. Or 401, or 403.

Rights depend on the caller's shape alone, so they are made once per shape and kept; what differs between two callers of one shape are the values
to bind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from backroom.calls import Actor, Predicate
from backroom.errors import Problem
from backroom.resources.access import ACTIONS, Action
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, CallerValue, Node
from backroom.rules.fold import Parts, Shape, fold, parts_of
from backroom.sql.normal import all_of, normal
from backroom.sql.values import DialectName

MAX_SHAPES = 4096


class Rights:
    """What callers of one shape may do with one resource. `statements` keeps what was compiled for them."""

    __slots__ = ("_fields", "actions", "check", "conditional", "hidden", "known", "resource", "shape", "statements", "update_check")

    def __init__(
        self,
        definition: Definition,
        shape: Shape,
        actions: Mapping[Action, Predicate],
        check: Predicate | None,
        fields: Mapping[tuple[str, Action], Predicate],
    ) -> None:
        self.resource = definition.name
        self.shape = shape
        self.actions = actions
        self.check = check  # judges the candidate of an update instead of the update rule, if declared
        self._fields = fields
        visible = [field for field in definition.fields if field.readable and not self.sees(field).never]
        self.known = frozenset(field.column for field in visible)  # the names that exist for this caller
        self.conditional = frozenset(field.column for field in visible if not self.sees(field).always)
        self.hidden = frozenset(field.column for field in definition.fields) - self.known
        self.statements: dict[Any, Any] = {}

    @property
    def read(self) -> Predicate:
        return self.actions["read"]

    def sees(self, field: Field) -> Predicate:
        return self._fields.get((field.name, "read"), Predicate.ALL)

    def may(self, action: Action, field: Field) -> Predicate:
        """The field's own rule for this action, beside the row's."""
        return self._fields.get((field.name, action), Predicate.ALL)


class Grant(NamedTuple):
    """One caller's rights to one resource: the rights of his shape, and his values."""

    rights: Rights
    values: Mapping[str, Any]


class _Book:
    """The rules of one resource, normal, with everything about the caller listed."""

    def __init__(self, definition: Definition) -> None:
        access = definition.access
        self.definition = definition
        self.rules: dict[Any, Node] = {action: normal(access.of(action)) for action in ACTIONS}
        if access.update_check is not None:
            self.rules["update_check"] = normal(access.update_check)
        for name, field_access in (access.fields or {}).items():
            self.rules |= {(name, action): normal(field_access.of(action)) for action in ACTIONS}
        self.parts: Parts = parts_of(self.rules.values())
        self.by_shape: dict[Shape, Rights] = {}

    def rights(self, shape: Shape) -> Rights:
        found = self.by_shape.get(shape)
        if found is None:
            if len(self.by_shape) >= MAX_SHAPES:
                self.by_shape.clear()
            found = self.by_shape[shape] = self._fold(shape)
        return found

    def _fold(self, shape: Shape) -> Rights:
        folded = {name: fold(node, self.parts, shape) for name, node in self.rules.items()}
        read = folded["read"]
        # Update and delete ask the read rule too: nobody may change what he may not see.
        actions: dict[Action, Predicate] = {"read": _predicate(read), "create": _predicate(folded["create"])}
        actions |= {action: _predicate(all_of([read, folded[action]])) for action in ("update", "delete")}
        check = folded.get("update_check", folded["update"])
        fields: dict[tuple[str, Action], Predicate] = {name: _predicate(node) for name, node in folded.items() if isinstance(name, tuple)}
        return Rights(self.definition, shape, actions, _predicate(check), fields)


def _predicate(node: Node) -> Predicate:
    if isinstance(node, Always):
        return Predicate.ALL if node.value else Predicate.NONE
    return Predicate(node)


class Rules:
    """The rules of all resources. `grant` is asked several times a request and answers from `actor.memo` when it can."""

    def __init__(self, catalog: Catalog, dialect: DialectName) -> None:
        self._books = {definition.name: _Book(definition) for definition in catalog.definitions.values()}
        self._dialect: DialectName = dialect
        self._trusted = {definition.name: Grant(_everything(definition), {}) for definition in catalog.definitions.values()}

    def grant(self, resource: str, actor: Actor) -> Grant:
        """The caller's rights. The same object as long as the same Actor object lives."""
        if actor.trusted:
            return self._trusted[resource]
        grants: dict[str, Grant] | None = actor.memo.get(self)  # by these rules: the anonymous actor is shared by every app of a process
        if grants is None:
            grants = actor.memo[self] = {}
        found = grants.get(resource)
        if found is None:
            book = self._books[resource]
            shape, values = book.parts.shape(actor, self._dialect)
            found = grants[resource] = Grant(book.rights(shape), values)
        return found

    def asking(self, value: CallerValue) -> list[str]:
        """The resources whose rules mention this value of the caller."""
        return [name for name, book in self._books.items() if book.parts.mentions(value)]

    def uses_clock(self, resource: str) -> bool:
        return self._books[resource].parts.clock


def _everything(definition: Definition) -> Rights:
    return Rights(definition, (), dict.fromkeys(ACTIONS, Predicate.ALL), Predicate.ALL, {})


def authorize(action: Action, grant: Grant, actor: Actor) -> Predicate:
    """The rows this caller may touch so. Raises 401 or 403 where no row can ever be among them, before any table is asked."""
    predicate = grant.rights.actions[action]
    if predicate.never:
        raise refusal(actor)
    return predicate


def refusal(actor: Actor) -> Problem:
    """401 for somebody unknown, 403 for somebody known."""
    return Problem("rules.forbidden") if actor.signed_in else Problem("auth.required")
