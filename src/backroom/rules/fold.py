"""What is known of the caller is computed in Python first, before any table is touched (RULES.md, 13).

A `Shape` is the tuple of those truths, and of which values of `me` are there. One statement text serves a whole shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, TypeAlias, cast
from uuid import UUID

from pydantic import AllowInfNan, TypeAdapter

from backroom.calls import Actor
from backroom.resources.fields import Kind
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
    Node,
    Not,
    Operand,
    Or,
    Some,
    StartsWith,
)
from backroom.resources.relations import Cell
from backroom.sql.leaves import kind_of_leaf, operands_of, slot_name
from backroom.sql.normal import all_of, any_of, normal
from backroom.sql.values import DialectName, store

Shape: TypeAlias = tuple[bool, ...]
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Slot:
    """A value of `me` that the SQL compares a column with: read as the column's kind, missing if it can't be read so."""

    value: CallerValue
    kind: Kind
    many: bool = False
    prefix: bool = False  # an empty prefix is unknown

    @property
    def name(self) -> str:
        return slot_name(self.value, self.kind, self.many, self.prefix)

    def read(self, actor: Actor) -> Any:
        """The value in Python's form, a list for `many`; None where the caller lacks it."""
        given = caller_value(actor, self.value)
        if given is _NOTHING or given is None or (self.prefix and given == ""):
            return None
        if not self.many:
            return _coerced(self.kind, given)
        if not isinstance(given, list | tuple):
            return None
        items = list(cast("list[Any]", given))
        coerced = [_coerced(self.kind, item) for item in items]
        return None if any(item is None for item in coerced) else coerced

    def bound(self, actor: Actor, dialect: DialectName) -> Any:
        """The same in storage form, as the driver takes it."""
        value = self.read(actor)
        if value is None or not self.many:
            return store(self.kind, value, dialect)
        stored = [store(self.kind, item, dialect) for item in value]
        return store("json", stored, "sqlite") if dialect == "sqlite" else stored


def _exactly(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Texts of the calendar are read by their ISO form alone: pydantic would take "1.5" for a moment in 1970."""
    return lambda given: read(given) if isinstance(given, str) else given


#: How a value of `me` is read as a column's kind, and what it may be given as. Kinds that are not here never equal one.
_READERS: Mapping[Kind, tuple[Callable[[Any], Any], tuple[type, ...]]] = {
    "text": (str, (str,)),
    "integer": (TypeAdapter(int).validate_python, (int, float)),
    "float": (TypeAdapter(Annotated[float, AllowInfNan(False)]).validate_python, (int, float)),
    "boolean": (bool, (bool,)),
    "decimal": (TypeAdapter(Decimal).validate_python, (str, int, float)),
    "date": (_exactly(date.fromisoformat), (str, date)),
    "datetime": (_exactly(datetime.fromisoformat), (str, datetime)),
    "time": (_exactly(time.fromisoformat), (str, time)),
    "uuid": (TypeAdapter(UUID).validate_python, (str, UUID)),
}


def _coerced(kind: Kind, given: Any) -> Any:
    if kind not in _READERS or (isinstance(given, bool) and kind != "boolean"):
        return None
    read, types = _READERS[kind]
    if not isinstance(given, types) or (isinstance(given, str) and not _storable(given)):
        return None
    try:
        value = read(given)
    except ValueError:  # pydantic's own is one
        return None
    return value if _fits(kind, value) else None


def _fits(kind: Kind, value: Any) -> bool:
    """Can it be stored? What can't equals no row's value; handed to a driver it would be an error."""
    match kind:
        case "integer":
            return bool(-(2**63) <= value < 2**63)
        case "datetime":
            return value.tzinfo is not None and MINYEAR < value.year < MAXYEAR  # at the edges its offset may move it out of the calendar
        case "decimal":
            return bool(value.is_finite() and -100 <= value.adjusted() <= 100)
        case _:
            return True


def _storable(text: str) -> bool:
    """Neither database holds such text, so no row's value equals it; handed to a driver it is an error."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def caller_value(actor: Actor, value: CallerValue) -> Any:
    kind, _, claim = value.name.partition(".")
    if kind == "claims":
        return actor.claims.get(claim, _NOTHING)
    if kind == "roles" and not actor.signed_in:
        return None
    return getattr(actor, kind)


# ---------------------------------------------------------------- leaves about the caller alone
def about_caller(leaf: Node) -> bool:
    """This leaf asks nothing of the row, nor of the clock."""
    match leaf:
        case Known() | HasRole():
            return True
        case Not(part):
            return about_caller(part)
        case Compare() | StartsWith() | In() | IsNull():
            return not any(isinstance(operand, Cell | Clock) for operand in operands_of(leaf))
        case _:
            return False


def holds(leaf: Node, actor: Actor, negated: bool = False) -> bool:
    """Known true of this caller? A leaf that is not `about_caller` has no answer here."""
    match leaf:
        case Not(part):
            return holds(part, actor, not negated)
        case Known("signed_in"):
            return actor.signed_in is not negated
        case Known(name):
            return actor.signed_in and bool(getattr(actor, name)) is not negated
        case HasRole(Constant(role)):
            return actor.signed_in and (role in actor.roles) is not negated
        case IsNull(operand):
            return (_known(operand, actor) is None) is not negated
        case Compare(operator, left, right):
            return _compared(operator, _known(left, actor), _known(right, actor), negated)
        case StartsWith(left, right):
            text, prefix = _known(left, actor), _known(right, actor)
            return isinstance(text, str) and isinstance(prefix, str) and prefix != "" and text.startswith(prefix) is not negated
        case In(left, right):
            return _among(_known(left, actor), right, actor, negated)
        case _:
            raise TypeError(f"not about the caller: {leaf!r}")


def _known(operand: Operand, actor: Actor) -> Any:
    if isinstance(operand, Constant):
        return operand.value
    if isinstance(operand, CallerValue):
        value = caller_value(actor, operand)
        return None if value is _NOTHING else value
    raise TypeError(f"{operand!r} is not known of a caller")


def _compared(operator: str, left: Any, right: Any, negated: bool) -> bool:
    left, right = (str(side) if hasattr(side, "hex") and not isinstance(side, float | bytes) else side for side in (left, right))  # UUIDs as text
    numbers = all(isinstance(side, int | float) and not isinstance(side, bool) for side in (left, right))
    if left is None or right is None or (type(left) is not type(right) and not numbers):
        return False
    if operator in ("eq", "ne"):
        return (left == right) is ((operator == "eq") is not negated)
    try:
        outcome = {"lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right}[operator]
    except TypeError:
        return False
    return outcome is not negated


def _among(value: Any, right: tuple[Operand, ...] | CallerValue, actor: Actor, negated: bool) -> bool:
    if isinstance(right, CallerValue):
        listed = caller_value(actor, right)
        if not isinstance(listed, list | tuple):
            return False
        options = list(cast("Iterable[Any]", listed))
    else:
        options = [_known(each, actor) for each in right]
    if value is None:
        return False
    found = any(_compared("eq", value, option, False) for option in options)
    if not negated:
        return found
    return not found and all(_compared("ne", value, option, False) for option in options)


# ---------------------------------------------------------------- what a shape is made of
@dataclass(frozen=True, slots=True)
class Parts:
    """Everything in some rules that depends on the caller, in a fixed order."""

    leaves: tuple[Node, ...]
    slots: tuple[Slot, ...]
    clock: bool

    def mentions(self, value: CallerValue) -> bool:
        return any(slot.value == value for slot in self.slots) or any(value in _sides(leaf) for leaf in self.leaves)

    def shape(self, actor: Actor, dialect: DialectName) -> tuple[Shape, dict[str, Any]]:
        """The shape, and the values to bind."""
        values = {slot.name: slot.bound(actor, dialect) for slot in self.slots}
        truths = tuple(holds(leaf, actor) for leaf in self.leaves)
        return (*truths, *(values[slot.name] is not None for slot in self.slots)), values


def _sides(leaf: Node) -> tuple[Operand, ...]:
    match leaf:
        case Not(part):
            return _sides(part)
        case Compare(_, left, right) | StartsWith(left, right):
            return (left, right)
        case In(left, right):
            return (left, *right) if isinstance(right, tuple) else (left, right)
        case IsNull(operand):
            return (operand,)
        case _:
            return ()


def parts_of(nodes: Iterable[Node]) -> Parts:
    """The caller's parts of these (normal) nodes."""
    leaves: dict[Node, None] = {}
    slots: dict[str, Slot] = {}
    clock = False

    def look(node: Node, inside: bool = False) -> None:
        nonlocal clock
        if about_caller(node):
            leaves[node] = None
            if inside:  # whether it is unknown, too: a negated `any` needs to tell that from false
                leaves[normal(Not(node))] = None
            return
        match node:
            case And(parts) | Or(parts):
                for part in parts:
                    look(part, inside)
            case Not(part):
                look(part, inside)
            case Some(_, condition):
                look(condition, True)
            case Compare() | In() | StartsWith():
                for slot in _slots(node):
                    slots[slot.name] = slot
                clock = clock or any(isinstance(operand, Clock) for operand in operands_of(node))
            case _:
                pass

    for node in nodes:
        look(node)
    return Parts(tuple(leaves), tuple(slots.values()), clock)


def _slots(leaf: Node) -> list[Slot]:
    match leaf:
        case In(_, CallerValue() as listed):
            return [Slot(listed, kind_of_leaf(leaf), many=True)]
        case StartsWith(left, right):
            return [Slot(side, "text", prefix=side is right) for side in (left, right) if isinstance(side, CallerValue)]
        case Compare() | In():
            return [Slot(operand, kind_of_leaf(leaf)) for operand in operands_of(leaf) if isinstance(operand, CallerValue)]
        case _:
            return []


def fold(node: Node, parts: Parts, shape: Shape) -> Node:
    """The node for every caller of this shape. Unknown folds to false: the tree is monotone over leaves that are known true."""
    truths = dict(zip(parts.leaves, shape, strict=False))
    present = {slot.name: there for slot, there in zip(parts.slots, shape[len(parts.leaves) :], strict=True)}

    def settle(node: Node) -> Node:
        if about_caller(node):
            return Always(truths[node])
        match node:
            case And(inner):
                return all_of([settle(part) for part in inner])
            case Or(inner):
                return any_of([settle(part) for part in inner])
            case Not(Some(path, condition)):
                return Always(False) if misses(condition) else _none(path, settle(condition))
            case Some(path, condition):
                settled = settle(condition)
                return settled if settled == Always(False) else Some(path, settled)
            case Compare() | In() | StartsWith() | Not():
                leaf = node.part if isinstance(node, Not) else node
                return Always(False) if any(not present[slot.name] for slot in _slots(leaf)) else node
            case _:
                return node

    def misses(condition: Node) -> bool:
        """The condition mentions a value of `me` that this caller lacks, so a negated `any` over it is unknown at best."""
        inner = parts_of([condition])
        return any(not present[slot.name] for slot in inner.slots) or any(not truths[leaf] and not truths[normal(Not(leaf))] for leaf in inner.leaves)

    def _none(path: Any, condition: Node) -> Node:
        return Always(True) if condition == Always(False) else Not(Some(path, condition))

    return settle(node)


def settled(node: Node, actor: Actor, moment: datetime) -> Node:
    """A query's condition, normal, with this caller and this moment written in: what the caller lacks is unknown there too."""
    node = normal(node)
    parts = parts_of([node])
    shape, _ = parts.shape(actor, "sqlite")

    def spelled(kind: Kind) -> Callable[[Operand], Operand]:
        def constant(operand: Operand) -> Operand:
            if isinstance(operand, Clock):
                return Constant(moment if operand.name == "now" else moment.date())
            return Constant(Slot(operand, kind).read(actor)) if isinstance(operand, CallerValue) else operand

        return constant

    def write(node: Node) -> Node:
        match node:
            case And(inner):
                return And(tuple(map(answered, inner)))
            case Or(inner):
                return Or(tuple(map(answered, inner)))
            case Not(part):
                return Not(write(part))
            case Some(path, condition):
                return Some(path, answered(condition))
            case Compare(operator, left, right):
                constant = spelled(kind_of_leaf(node))
                return Compare(operator, constant(left), constant(right))
            case StartsWith(left, right):
                return StartsWith(spelled("text")(left), spelled("text")(right))
            case In(left, right):
                kind = kind_of_leaf(node)
                values = [Constant(item) for item in Slot(right, kind, many=True).read(actor)] if isinstance(right, CallerValue) else right
                return In(spelled(kind)(left), tuple(map(spelled(kind), values)))
            case _:
                return node

    def answered(node: Node) -> Node:
        written = write(node)
        return Always(holds(written, actor)) if about_caller(written) else written

    return answered(fold(node, parts, shape))
