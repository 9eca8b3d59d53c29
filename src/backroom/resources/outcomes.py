"""What a condition can come to at all: true, false, unknown (None). Decides at start whether a rule could ever permit."""

from __future__ import annotations

from functools import reduce
from itertools import product

from backroom.resources.nodes import (
    Always,
    And,
    CallerValue,
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
    Related,
    Searched,
    Some,
    StartsWith,
    Truth,
)
from backroom.resources.relations import Cell

Outcome = bool | None
EVERYTHING: frozenset[Outcome] = frozenset({True, False, None})


def conjunction(left: Outcome, right: Outcome) -> Outcome:
    """Kleene's and: false wins, then unknown."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def negation(part: Outcome) -> Outcome:
    return None if part is None else not part


def disjunction(left: Outcome, right: Outcome) -> Outcome:
    return negation(conjunction(negation(left), negation(right)))


def possible(node: Node, *, creating: bool = False, signed_in: bool | None = None) -> frozenset[Outcome]:
    """Every outcome that some row and caller could bring. An over-estimate: what it leaves out never happens.

    `creating`: the row is new (no id, empty collections). `signed_in=False`: the caller is nobody, so all values of `me` are missing.
    """

    def below(part: Node) -> frozenset[Outcome]:
        return possible(part, creating=creating, signed_in=signed_in)

    match node:
        case Always(value):
            return frozenset({value})
        case Known("signed_in"):
            return frozenset({True, False} if signed_in is None else {signed_in})
        case Known() | HasRole():
            return frozenset({None}) if signed_in is False else EVERYTHING
        case Not(part):
            return frozenset(negation(outcome) for outcome in below(part))
        case And(parts):
            return reduce(lambda left, right: frozenset(conjunction(a, b) for a, b in product(left, right)), map(below, parts))
        case Or(parts):
            return reduce(lambda left, right: frozenset(disjunction(a, b) for a, b in product(left, right)), map(below, parts))
        case Some(path, _):
            return frozenset({False}) if creating and not getattr(path, "hops", ()) else EVERYTHING
        case IsNull(operand):
            return frozenset({True}) if creating and _unborn(operand) else frozenset({True, False})
        case Compare(_, left, right) | StartsWith(left, right):
            return _comparison((left, right), creating, signed_in)
        case In(left, right):
            return (
                frozenset({False, None})
                if right == ()
                else _comparison((left, *([right] if isinstance(right, CallerValue) else right)), creating, signed_in)
            )
        case Truth() | Matches() | Searched() | Related():
            return EVERYTHING


def _comparison(sides: tuple[Operand, ...], creating: bool, signed_in: bool | None) -> frozenset[Outcome]:
    missing = any(isinstance(side, CallerValue) for side in sides) and signed_in is False
    unborn = creating and any(_unborn(side) for side in sides)
    return frozenset({None}) if missing or unborn else EVERYTHING


def _unborn(operand: Operand) -> bool:
    """The id of a row that is not stored yet."""
    return isinstance(operand, Cell) and not operand.hops and operand.field.name == "id"
