"""What is sure of a row by the rules alone: does one rule being true make another one true?

Sound, not complete: False means "not seen at once". The OpenAPI document asks it where a reply could lack something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backroom.resources.access import walk
from backroom.resources.conditions import me, node_of, this
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, And, CallerValue, Compare, HasRole, In, Known, Node, Not, Or, Some, StartsWith
from backroom.resources.outcomes import possible
from backroom.resources.relations import Cell, Gathered
from backroom.resources.resolution import resolve
from backroom.sql.normal import all_of, normal

SIGNED_IN = Known("signed_in")


def implies(premise: Node, conclusion: Node) -> bool:
    """Whenever `premise` (normal) is true of a row and a caller, `conclusion` (normal) is."""
    if conclusion == Always(True) or premise == Always(False) or _same(premise, conclusion):
        return True
    if isinstance(conclusion, And):
        return all(implies(premise, part) for part in conclusion.parts)
    if isinstance(premise, Or):
        return all(implies(part, conclusion) for part in premise.parts)
    if isinstance(conclusion, Or) and any(implies(premise, part) for part in conclusion.parts):
        return True
    if isinstance(premise, And):
        return any(implies(part, conclusion) for part in premise.parts)
    return conclusion == SIGNED_IN and _needs_person(premise)


def _same(left: Node, right: Node) -> bool:
    return left == right or repr(left) == repr(right)  # constants compare by identity: 1 == True must not merge two rules


def _needs_person(leaf: Node) -> bool:
    """Unknown, so never true, for somebody who is not signed in."""
    match leaf:
        case Not(part):
            return part != SIGNED_IN and _needs_person(part)
        case Known(name):
            return name != "signed_in"
        case HasRole():
            return True
        case Compare(_, left, right) | StartsWith(left, right):
            return isinstance(left, CallerValue) or isinstance(right, CallerValue)
        case In(left, right):
            return isinstance(left, CallerValue) or isinstance(right, CallerValue)
        case _:
            return False


def own_row(definitions: Mapping[str, Definition]) -> Node:
    """`this == me`, of people."""
    return normal(resolve(definitions, definitions["users"], node_of(this == me)))


def field_rule(definition: Definition, field: Field, action: str) -> Node:
    """The field's own rule, normal; `Always(True)` where it has none."""
    access = (definition.access.fields or {}).get(field.name)
    return Always(True) if access is None else normal(getattr(access, action))


def row_rule(definition: Definition, action: str) -> Node:
    """The row's rule for an action, normal. Update and delete ask the read rule too."""
    rule = normal(getattr(definition.access, action))
    return rule if action in ("read", "create") else all_of([normal(definition.access.read), rule])


def may_hold(rule: Node, *, signed_in: bool) -> bool:
    """Some row fulfills the rule for every such caller, however few roles he has: he is not refused before rows are read."""
    return True in possible(_without_roles(rule, given=False), signed_in=signed_in)


def _without_roles(rule: Node, *, given: bool) -> Node:
    """The rule of somebody who has no role, and every one of those that he must not have."""
    match rule:
        case Known(name) if name != "signed_in":
            return Always(given)
        case HasRole():
            return Always(given)
        case Not(part):
            return Not(_without_roles(part, given=not given))
        case And(parts) | Or(parts):
            return type(rule)(tuple(_without_roles(part, given=given) for part in parts))
        case _:
            return rule


def sees_created(definitions: Mapping[str, Definition], definition: Definition) -> bool:
    """Whoever may create a row may surely read it afterwards."""
    premise = normal(definition.access.create)
    if implies(premise, SIGNED_IN) and not definition.hooks.at("before_create"):
        filled = [field for field in definition.fields if field.caller_default and not field.writable]
        facts = [normal(resolve(definitions, definition, node_of(this[field.name] == me))) for field in filled]
        premise = And((premise, *facts))
    return _sees_written(definition, premise, "after_create")


def sees_updated(definition: Definition) -> bool:
    """Whoever may update a row may surely read it afterwards."""
    access = definition.access
    read = normal(access.read)
    kept = [part for part in (read.parts if isinstance(read, And) else (read,)) if _unchangeable(definition, part)]
    return _sees_written(definition, And((normal(access.update_check or access.update), *kept)), "after_update")


def sees_referenced(definitions: Mapping[str, Definition], definition: Definition, reference: Field) -> bool:
    """Whoever may read a row may surely read the one that it refers to."""
    premise, conclusion = row_rule(definition, "read"), row_rule(definitions[reference.target or ""], "read")
    if conclusion in (Always(True), SIGNED_IN):  # asks of no row: a rule about the other one isn't about this one, however alike they look
        return implies(premise, conclusion)
    if reference.target != "users" or not implies(own_row(definitions), conclusion):
        return False
    return implies(premise, normal(resolve(definitions, definition, node_of(this[reference.name] == me))))


def _sees_written(definition: Definition, premise: Node, moment: Any) -> bool:
    read = normal(definition.access.read)
    if read == Always(True):
        return True
    # Hooks may write anything, and a rule that walks over this very table judged it as it was before the statement.
    return not definition.hooks.at(moment) and definition.name not in _reached(read) and implies(premise, read)


def _unchangeable(definition: Definition, node: Node) -> bool:
    """No update over the wire changes the answer."""
    if definition.hooks.at("before_update"):
        return False
    cells = [cell for part in walk(node) for cell in _cells(part)]
    return not any(isinstance(part, Some) for part in walk(node)) and all(_fixed(cell) for cell in cells)


def _fixed(cell: Cell) -> bool:
    field = cell.field
    return not cell.hops and field.name != "updated_at" and (not field.writable or field.options.immutable)


def _cells(node: Node) -> list[Cell]:
    found: list[Any] = []
    for name in ("left", "right", "operand", "path"):
        side: Any = getattr(node, name, None)
        found += side if isinstance(side, tuple) else (side,)  # `in` has its values as a tuple
    return [each for each in found if isinstance(each, Cell)]


def _reached(node: Node) -> set[str]:
    """The resources whose tables a rule walks over, beside the row itself."""
    found: set[str] = set()
    for part in walk(node):
        for cell in _cells(part):
            found |= {hop.target for hop in cell.hops}
        if isinstance(part, Some) and isinstance(part.path, Gathered):
            collection = part.path.collection
            found |= {hop.target for hop in part.path.hops} | {collection.target, collection.junction or collection.target}
    return found
