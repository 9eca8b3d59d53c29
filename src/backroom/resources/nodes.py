"""Conditions as plain data: frozen nodes over operands, and how one reads them aloud. Every other room reads these; nobody asks a database here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from backroom.resources.fields import Field
from backroom.resources.relations import Cell, Gathered, Relation

OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


# ---------------------------------------------------------------- operands
@dataclass(frozen=True, slots=True)
class RowPath:
    """`this.project.owner` is `("project", "owner")`; `()` is the row itself."""

    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallerValue:
    """`me.id`, `me.email`, `me.roles`; `me.claims["plan"]` is named `claims.plan`."""

    name: str


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` or `today` (UTC): one value per request."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A Python value written in a rule or a query. Compared by identity: `1 == True` must not merge two rules."""

    value: Any


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Stands for a value of a query that is given when the statement runs; `many`: alone on the right of `In`, for all of its values."""

    position: int
    many: bool = False


#: As written, a value of the row is a RowPath; `resolution` turns it into the Cell that it reaches.
Operand: TypeAlias = "RowPath | Cell | CallerValue | Clock | Constant | Placeholder"


# ---------------------------------------------------------------- conditions
@dataclass(frozen=True, slots=True)
class Always:
    """`anyone` (True) and `nobody` (False)."""

    value: bool


@dataclass(frozen=True, slots=True)
class Known:
    """`me.signed_in`, `me.is_anonymous`, `me.mfa`."""

    name: str


@dataclass(frozen=True, slots=True)
class HasRole:
    role: Operand


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean field used as a condition."""

    path: RowPath | Cell


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str  # a key of OPERATORS
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class In:
    left: Operand
    right: tuple[Operand, ...] | CallerValue


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Operand


@dataclass(frozen=True, slots=True)
class StartsWith:
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Matches:
    """What only a query asks: `like`, `ilike` (patterns), `isdistinct`, `cs`, `cd`, `ov` (JSON that holds JSON)."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Searched:
    """What only a query asks: each of `words` (a Constant holds a `Word`) stands in one of these fields.

    `ranked`: the best rows come first, unless the query says in which order.
    """

    fields: tuple[Field, ...]
    words: tuple[Operand, ...]
    ranked: bool = False


@dataclass(frozen=True, slots=True)
class Some:
    """Some row of the collection at `path` makes `condition` true; in `condition`, `this` is that row."""

    path: RowPath | Gathered
    condition: Node


@dataclass(frozen=True, slots=True)
class Related:
    """What only a query asks: some row that `relation` reaches, and that the caller may read, makes `condition` true."""

    relation: Relation
    condition: Node


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


Node: TypeAlias = "Always | Known | HasRole | Truth | Compare | In | IsNull | StartsWith | Matches | Searched | Some | Related | Not | And | Or"


# ---------------------------------------------------------------- reading one aloud
def write_operand(operand: Operand) -> str:
    match operand:
        case RowPath(steps):
            return ".".join(("this", *steps))
        case Cell(hops, field):
            return ".".join(("this", *(hop.field.name for hop in hops), field.name))
        case CallerValue("id"):
            return "me"
        case CallerValue(name):
            kind, _, claim = name.partition(".")
            return f'me.{kind}["{claim}"]' if claim else f"me.{name}"
        case Clock(name):
            return name
        case Constant(value):
            return repr(value)
        case Placeholder():
            return "?"


def write(node: Node) -> str:
    """The condition as one would write it."""
    match node:
        case Always(value):
            return "anyone" if value else "nobody"
        case Known(name):
            return f"me.{name}"
        case HasRole(role):
            return f"me.has_role({write_operand(role)})"
        case Truth(path):
            return write_operand(path)
        case Compare(operator, left, right) | Matches(operator, left, right):
            return f"{write_operand(left)} {OPERATORS.get(operator, operator)} {write_operand(right)}"
        case Searched(fields, words):
            return f"search {', '.join(map(write_operand, words))} in {', '.join(field.name for field in fields)}"
        case In(left, right):
            values = write_operand(right) if isinstance(right, CallerValue) else "[" + ", ".join(map(write_operand, right)) + "]"
            return f"{write_operand(left)}.in_({values})"
        case IsNull(operand):
            return f"{write_operand(operand)}.is_null()"
        case StartsWith(left, right):
            return f"{write_operand(left)}.startswith({write_operand(right)})"
        case Some(path, condition):
            where = (
                write_operand(path) if isinstance(path, RowPath) else ".".join(("this", *(hop.field.name for hop in path.hops), path.collection.name))
            )
            return f"{where}.any({write(condition)})"
        case Related(relation, condition):
            return f"some {relation.target}({write(condition)})"
        case Not(part):
            return f"~({write(part)})"
        case And(parts):
            return " & ".join(f"({write(part)})" for part in parts)
        case Or(parts):
            return " | ".join(f"({write(part)})" for part in parts)
