"""Negation pushed to the leaves. After this, `Not` stands only around a leaf that has no opposite of its own.

The compile law (RULES.md, 4) rests on it: a monotone tree over leaves that are "known true" is true exactly where Kleene's logic says true, so
unknown may be folded to false, and SQL's own NOT is never put around something that could be NULL.
"""

from __future__ import annotations

from backroom.resources.nodes import Always, And, Compare, Node, Not, Or, Related, Some

_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


def normal(node: Node, negated: bool = False) -> Node:
    match node:
        case Not(part):
            return normal(part, not negated)
        case And(parts):
            done = tuple(normal(part, negated) for part in parts)
            return Or(done) if negated else And(done)
        case Or(parts):
            done = tuple(normal(part, negated) for part in parts)
            return And(done) if negated else Or(done)
        case Always(value):
            return Always(value is not negated)
        case Compare(operator, left, right):
            return Compare(_OPPOSITE[operator], left, right) if negated else node
        case Some(path, condition):
            inner = Some(path, normal(condition))
            return Not(inner) if negated else inner
        case Related(relation, condition):
            met = Related(relation, normal(condition))
            return Not(met) if negated else met
        case _:
            return Not(node) if negated else node


def all_of(parts: list[Node]) -> Node:
    """And, with what is settled folded away."""
    if any(part == Always(False) for part in parts):
        return Always(False)
    rest = tuple(part for part in parts if part != Always(True))
    return rest[0] if len(rest) == 1 else And(rest) if rest else Always(True)


def any_of(parts: list[Node]) -> Node:
    """Or, with what is settled folded away."""
    if any(part == Always(True) for part in parts):
        return Always(True)
    rest = tuple(part for part in parts if part != Always(False))
    return rest[0] if len(rest) == 1 else Or(rest) if rest else Always(False)
