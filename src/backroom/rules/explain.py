"""Why, or why not: a rule taken apart for one caller and one row, each part true, false or unknown, with the values it compared.

For development and the command line only: it shows values that the caller himself may not see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, select

from backroom.calls import Actor, Row
from backroom.resources.access import Action, walk
from backroom.resources.definition import Definition, where
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
    Node,
    Not,
    Operand,
    Or,
    Some,
    StartsWith,
    Truth,
    write,
    write_operand,
)
from backroom.resources.relations import Cell
from backroom.rules.fold import about_caller, caller_value, fold, holds, parts_of
from backroom.sql.compiled import compiled
from backroom.sql.filters import RAW, Conditions, RowName, flag
from backroom.sql.normal import normal
from backroom.sql.select import key_is
from backroom.sql.tables import Tables
from backroom.sql.values import load, store

#: Puts one question to the database: text and parameters -> rows.
Ask: TypeAlias = Callable[[str, tuple[Any, ...]], Awaitable[list[Row]]]
WORDS: Mapping[bool | None, str] = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, or a part of one. `truth` None is unknown; `values` say what was compared."""

    text: str
    truth: bool | None
    values: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def sentence(self) -> str:
        told = f" ({', '.join(self.values)})" if self.values else ""
        return f"{self.text} is {WORDS[self.truth]}{told}"

    def lines(self, indent: str = "") -> Iterator[str]:
        """The part and what it consists of, one line each."""
        told = f"   ({', '.join(self.values)})" if self.values else ""
        yield f"{indent}{WORDS[self.truth]:<8}{self.text}{told}"
        for part in self.parts:
            yield from part.lines(indent + "  ")

    def reasons(self) -> Iterator[Part]:
        """The leaves that are not true."""
        if not self.parts and self.truth is not True:
            yield self
        for part in self.parts:
            yield from part.reasons()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the rules say of one caller's action. `rules` are the ones that are asked, by their word in `allow(...)`."""

    resource: str
    action: Action
    place: str
    rules: Mapping[str, Part]
    #: The row that was judged, as the address names it; None: no row yet (create, list).
    key: str | None = None
    exists: bool = True

    @property
    def permitted(self) -> bool:
        """Only true permits. Without a row: what is known of the caller alone."""
        return self.exists and all(part.truth is True for part in self.rules.values())

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        if not self.exists:
            yield f"There is no row {self.key} in {self.resource}."
        for word, part in self.rules.items():
            yield f"{self.place}: {word}="
            yield from part.lines("  ")

    def hint(self) -> str:
        """One sentence: which rule refused, and which values made it false."""
        if not self.exists:
            return f"There is no row {self.key} in {self.resource}."
        told: list[str] = []
        for word, part in self.rules.items():
            if part.truth is not True:
                reasons = "; ".join(reason.sentence for reason in part.reasons())
                told.append(f"The rule {word}={part.text} of {self.resource} ({self.place}) is not true: {reasons}.")
        if told:
            return " ".join(told)
        return f"The rules of {self.resource} permit this for the stored row; the new values made {self.action} false."


class Explainer:
    """Takes rules apart. `ask` reads the database with full rights."""

    def __init__(self, tables: Tables, ask: Ask) -> None:
        self._tables, self._ask = tables, ask

    async def explain(self, definition: Definition, action: Action, actor: Actor, key: Any = None) -> Explanation:
        """`key` in storage form; None where there is no row yet: then parts about the row are unknown.

        >>> # (await explainer.explain(todos, "update", actor, 42)).hint()
        """
        asked: tuple[Action, ...] = ("read", action) if action in ("update", "delete") else (action,)
        rules = {word: definition.access.of(word) for word in asked}
        known = _Known(self._tables, definition, actor)
        exists = True
        if key is not None:
            exists = await known.read(list(rules.values()), key, self._ask)
        parts: dict[str, Part] = {word: known.part(node) for word, node in rules.items()} if exists else {}
        return Explanation(definition.name, action, where(definition.cls, "access"), parts, None if key is None else str(key), exists)


class _Known:
    """What is known of the leaves of some rules, for one caller and, once read, one row."""

    def __init__(self, tables: Tables, definition: Definition, actor: Actor) -> None:
        self._tables, self._definition, self._actor = tables, definition, actor
        self._truths: dict[int, bool | None] = {}
        self._cells: dict[Cell, Any] = {}
        self._has_row = False

    async def read(self, rules: list[Node], key: Any, ask: Ask) -> bool:
        """Ask the database, in one question, which leaves are true of the row, which are false, and what its cells hold. False: no such row."""
        leaves = [leaf for rule in rules for leaf in _leaves(rule) if not about_caller(leaf)]
        cells = list(dict.fromkeys(cell for leaf in leaves for cell in _cells(leaf)))
        conditions, row = Conditions(self._tables), RowName(self._definition.name)
        both = [normal(form) for leaf in leaves for form in (leaf, Not(leaf))]
        folding = parts_of(both)
        shape, values = folding.shape(self._actor, self._tables.dialect)
        asked: list[ColumnElement[Any]] = [
            flag(conditions.true(fold(node, folding, shape), row, self._definition.name, RAW)).label(f"t{index}") for index, node in enumerate(both)
        ]
        asked += [self._value(cell, row).label(f"c{index}") for index, cell in enumerate(cells)]
        asked.append(row.column("id", self._tables, self._definition.name).label("id"))
        statement = compiled(
            select(*asked).select_from(self._tables[self._definition.name]).where(key_is(self._tables, self._definition, row)), self._tables.dialect
        )
        moment = datetime.now(UTC)
        clock = {"now": store("datetime", moment, self._tables.dialect), "today": store("date", moment.date(), self._tables.dialect)}
        found = await ask(statement.text, statement.bind({**values, **clock, "key": key}))
        if not found:
            return False
        self._has_row = True
        for index, leaf in enumerate(leaves):
            is_true, is_false = bool(found[0][2 * index]), bool(found[0][2 * index + 1])
            self._truths[id(leaf)] = True if is_true else False if is_false else None
        for index, cell in enumerate(cells):
            self._cells[cell] = load(cell.field.kind, found[0][len(both) + index], self._tables.dialect)
        return True

    def _value(self, cell: Cell, row: RowName) -> ColumnElement[Any]:
        """The cell's value, walked to by key."""
        here, resource, joined, links = row, self._definition.name, list[Any](), list[ColumnElement[bool]]()
        for number, hop in enumerate(cell.hops):
            inner = RowName(f"why_{number}_{hop.target}")
            joined.append(self._tables[hop.target].alias(inner.alias))
            links.append(inner.column("id", self._tables, hop.target) == here.column(hop.field.column, self._tables, resource))
            here, resource = inner, hop.target
        column = here.column(cell.field.column, self._tables, resource)
        return select(column).select_from(*joined).where(*links).scalar_subquery() if joined else column

    def part(self, node: Node) -> Part:
        """Kleene's logic over the leaves."""
        match node:
            case And(inner) | Or(inner):
                parts = tuple(self.part(each) for each in inner)
                return Part(write(node), _joined([part.truth for part in parts], settles=isinstance(node, Or)), parts=parts)
            case Not(inner) if not isinstance(inner, Always):
                part = self.part(inner)
                return Part(write(node), None if part.truth is None else not part.truth, parts=(part,))
            case Always(value):
                return Part(write(node), value)
            case _:
                return Part(write(node), self._truth(node), tuple(self._told(node)))

    def _truth(self, leaf: Node) -> bool | None:
        if about_caller(leaf):
            return True if holds(leaf, self._actor) else False if holds(leaf, self._actor, True) else None
        return self._truths.get(id(leaf))

    def _told(self, leaf: Node) -> Iterator[str]:
        if isinstance(leaf, Some) and self._has_row and self._truths.get(id(leaf)) is not True:
            yield "no row of it does"
        for operand in dict.fromkeys(_operands(leaf)):
            match operand:
                case Cell():
                    yield (
                        f"{write_operand(operand)} is {_shown(self._cells[operand])}"
                        if operand in self._cells
                        else f"{write_operand(operand)} depends on the row"
                    )
                case CallerValue():
                    yield self._of_caller(operand)
                case Clock():
                    yield f"{write_operand(operand)} is {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
                case _:
                    pass
        if isinstance(leaf, HasRole):
            yield f"me.roles is {list(self._actor.roles)}" if self._actor.signed_in else "the caller is signed out"
        if isinstance(leaf, Known) and not self._actor.signed_in:
            yield "the caller is signed out"

    def _of_caller(self, operand: CallerValue) -> str:
        if not self._actor.signed_in:
            return f"{write_operand(operand)} is missing: the caller is signed out"
        value = caller_value(self._actor, operand)
        missing = value is None or type(value) is object
        return f"{write_operand(operand)} is {'missing' if missing else _shown(value)}"


def _joined(truths: list[bool | None], *, settles: bool) -> bool | None:
    """Or (`settles` True): one true settles it. And (False): one false does. Else one unknown leaves it unknown."""
    if settles in truths:
        return settles
    return None if None in truths else not settles


def _leaves(node: Node) -> Iterator[Node]:
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part):
            yield from _leaves(part)
        case Always():
            return
        case _:
            yield node


def _operands(leaf: Node) -> Iterator[Operand]:
    match leaf:
        case Compare(_, left, right) | StartsWith(left, right):
            yield from (left, right)
        case In(left, right):
            yield left
            yield from right if isinstance(right, tuple) else (right,)
        case IsNull(operand):
            yield operand
        case Truth(Cell() as cell):
            yield cell
        case Some(_, condition):
            yield from (operand for part in walk(condition) for operand in _operands(part) if isinstance(operand, CallerValue))
        case _:
            return


def _cells(leaf: Node) -> Iterator[Cell]:
    """The cells of this row that the leaf reads; those inside an `any` belong to other rows."""
    yield from (operand for operand in _operands(leaf) if isinstance(operand, Cell))


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    text = str(value) if isinstance(value, UUID | Decimal | date | time | timedelta) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
