"""A filter without its values: questions that differ in their values alone share one compiled statement.

To write a statement takes a millisecond, to run it a thirtieth of one; and every page of a list asks with other values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from backroom.resources.fields import Kind
from backroom.resources.nodes import (
    Always,
    And,
    CallerValue,
    Compare,
    Constant,
    In,
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
)
from backroom.resources.selections import Embedded, Selection
from backroom.sql.leaves import kind_of_leaf, placeholder_name
from backroom.sql.normal import normal
from backroom.sql.patterns import glob
from backroom.sql.search import spelled
from backroom.sql.values import DialectName, store

#: Kinds whose values SQLite reads out of a JSON list as exactly what is stored; a list of others is written value by value.
_LISTED: frozenset[Kind] = frozenset({"text", "integer", "boolean", "decimal", "date", "datetime", "time", "timedelta", "uuid"})


def lifted(node: Node, dialect: DialectName) -> tuple[Node, dict[str, Any]]:
    """The (normal, resolved) condition with placeholders for its values, and the values to bind by name, in storage form."""
    lifting = _Lifting(dialect)
    return lifting.lift(node), lifting.values


def lifted_selection(selection: Selection, dialect: DialectName) -> tuple[Selection, dict[str, Any]]:
    """`lifted` (and made normal) for the conditions of a selection, at every depth."""
    lifting = _Lifting(dialect)

    def lift(level: Selection) -> Selection:
        parts = tuple(replace(part, selection=lift(part.selection)) if isinstance(part, Embedded) else part for part in level.parts)
        return replace(level, where=lifting.lift(normal(level.where)), parts=parts)

    return lift(selection), lifting.values


class _Lifting:
    def __init__(self, dialect: DialectName) -> None:
        self.dialect: DialectName = dialect
        self.values: dict[str, Any] = {}

    def lift(self, node: Node) -> Node:
        match node:
            case And(parts):
                return And(tuple(map(self.lift, parts)))
            case Or(parts):
                return Or(tuple(map(self.lift, parts)))
            case Some(path, condition):
                return Some(path, self.lift(condition))
            case Related(relation, condition):
                return Related(relation, self.lift(condition))
            case Not(In(_, right)) if any(isinstance(each, Constant) and each.value is None for each in _listed(right)):
                return Always(False)  # one of the values is unknown, so "none of them" never is
            case Not(part):
                return Not(self.lift(part))
            case Compare(operator, left, right):
                kind = kind_of_leaf(node)
                return Compare(operator, self._one(left, kind), self._one(right, kind))
            case StartsWith(left, right):
                return StartsWith(self._one(left, "text"), self._one(right, "text"))
            case Matches("like", left, Constant(pattern)) if self.dialect == "sqlite":
                return Matches("like", left, self._put(glob(pattern)))
            case Matches(operator, left, right):
                return Matches(operator, left, self._one(right, kind_of_leaf(node)))
            case Searched(fields, words, ranked):
                return Searched(fields, tuple(self._put(spelled(word.value, self.dialect)) for word in words if isinstance(word, Constant)), ranked)
            case In(left, right):
                kind = kind_of_leaf(node)
                return In(self._one(left, kind), right if isinstance(right, CallerValue) else self._many(right, kind))
            case _:
                return node

    def _one(self, operand: Operand, kind: Kind) -> Operand:
        return self._put(store(kind, operand.value, self.dialect)) if isinstance(operand, Constant) else operand

    def _many(self, operands: tuple[Operand, ...], kind: Kind) -> tuple[Operand, ...]:
        constants = [each.value for each in operands if isinstance(each, Constant)]
        if len(constants) < len(operands) or (self.dialect == "sqlite" and kind not in _LISTED):
            return tuple(self._one(each, kind) for each in operands)
        known = [store(kind, value, self.dialect) for value in constants if value is not None]
        return (self._put(store("json", known, "sqlite") if self.dialect == "sqlite" else known, many=True),)

    def _put(self, value: Any, many: bool = False) -> Placeholder:
        placeholder = Placeholder(len(self.values), many)
        self.values[placeholder_name(placeholder)] = value
        return placeholder


def _listed(right: tuple[Operand, ...] | CallerValue) -> tuple[Operand, ...]:
    return right if isinstance(right, tuple) else ()
