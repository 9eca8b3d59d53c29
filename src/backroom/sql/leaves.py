"""The leaves of conditions: what they compare, as which kind, and the names of the values that are bound when a statement runs."""

from __future__ import annotations

import hashlib

from backroom.resources.fields import Kind
from backroom.resources.nodes import (
    Always,
    And,
    CallerValue,
    Clock,
    Compare,
    HasRole,
    In,
    IsNull,
    Known,
    Matches,
    Node,
    Not,
    Operand,
    Or,
    Placeholder,
    Related,
    Searched,
    Some,
    StartsWith,
    Truth,
)
from backroom.resources.relations import Cell
from backroom.resources.resolution import CLOCK_KINDS


def slot_name(value: CallerValue, kind: Kind, many: bool = False, prefix: bool = False) -> str:
    """The bind parameter of a value of `me`, as this kind. One name is one way of reading the value: callers share statements by it."""
    name = value.name if value.name.isidentifier() else value.name.partition(".")[0] + "_" + hashlib.sha256(value.name.encode()).hexdigest()[:12]
    return f"me_{name}_{kind}{'_list' if many else '_prefix' if prefix else ''}"


def placeholder_name(placeholder: Placeholder) -> str:
    """The bind parameter of a query's value."""
    return f"p_{placeholder.position}"


def operands_of(leaf: Node) -> list[Operand]:
    """What a leaf compares; none for what is no leaf."""
    match leaf:
        case Compare(_, left, right) | StartsWith(left, right) | Matches(_, left, right):
            return [left, right]
        case In(left, right):
            return [left, *(right if isinstance(right, tuple) else (right,))]
        case IsNull(operand):
            return [operand]
        case Truth(path):
            return [path]
        case Known() | HasRole() | Searched() | Always() | And() | Or() | Not() | Some() | Related():
            return []


def kind_of_leaf(leaf: Node) -> Kind:
    """The kind that a leaf compares in: its cell's, or the clock's."""
    found: Kind = "text"
    for operand in operands_of(leaf):
        if isinstance(operand, Cell):
            return operand.kind
        if isinstance(operand, Clock):
            found = CLOCK_KINDS[operand.name]
    return found
