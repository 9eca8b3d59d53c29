"""Query strings of one resource, resolved: names become fields, values are read into their types, every slip is told.

    grammar   text -> tests and groups        (knows no resource)
    queries   names and values -> conditions  (knows one)

A condition of the wire follows the logic of rules: a null never matches, neither `eq` nor `neq`; `not.` of unknown is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as slot
from types import MappingProxyType
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from backroom.errors import Fault
from backroom.resources.definition import Definition, Ordering
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, And, Node, Not, Or
from backroom.resources.relations import Cell
from backroom.settings import Settings
from backroom.validation.comparisons import explain, node_of_test
from backroom.validation.faults import MAX_FAULTS, refusal, unknown
from backroom.validation.grammar import Group, Misspelled, NoOperator, Test, Tree, parse_columns, parse_condition, parse_group, parse_order
from backroom.validation.parameters import Parameter, split

#: Rows skipped at most: an offset reads what it skips.
MAX_OFFSET = 1_000_000
MAX_LIMIT = 2**31 - 1

#: Parameters of the grammar that are answered by a later version, or only where the reader is told so.
_RESERVED = frozenset({"after", "search", "columns", "access"})
_SINGLE = frozenset({"select", "order", "limit", "offset", "on_conflict"}) | _RESERVED
_GROUPS: Mapping[str, tuple[Literal["and", "or"], bool]] = {
    "and": ("and", False),
    "or": ("or", False),
    "not.and": ("and", True),
    "not.or": ("or", True),
}
_DIGITS = re.compile(r"[0-9]{1,10}\Z")
_EVERY_ROW = Always(True)
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Query:
    """A query string, resolved. `columns` None: all of them. `extra` has the parameters that the caller of the reader asked for, as text."""

    where: Node = _EVERY_ROW
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    columns: tuple[Field, ...] | None = None
    on_conflict: tuple[Field, ...] | None = None
    extra: Mapping[str, str] = slot(default_factory=lambda: _NOTHING, hash=False)

    @property
    def filtered(self) -> bool:
        """Says which rows; changing many rows needs it."""
        return self.where != _EVERY_ROW


class QueryReader:
    """Reads the query strings of one resource. Raises `Problem("validation.query")` (400) with every fault; a column outside `known` does not exist.

    >>> reader = QueryReader(definition, settings)                                           # doctest: +SKIP
    >>> reader.read(b"done=is.false&order=due.desc", frozenset({"done", "due"})).where       # doctest: +SKIP
    Not(part=Truth(path=...))
    """

    def __init__(self, definition: Definition, settings: Settings) -> None:
        self._max_filters = settings.MAX_FILTERS
        self._max_values = settings.MAX_IN_VALUES
        self._fields = {field.column: field for field in definition.fields if field.readable}
        self._cells = {column: Cell((), field, definition.name) for column, field in self._fields.items()}

    def read(self, raw: bytes, known: frozenset[str], extra: frozenset[str] = frozenset()) -> Query:
        """`extra` names parameters that somebody else reads; they may stand once and come back as text."""
        if not raw:
            return Query()
        reading = _Reading(self._fields, self._cells, known & self._fields.keys(), extra)
        for parameter in split(raw):
            reading.take(parameter)
            if len(reading.faults) >= MAX_FAULTS:
                break
        reading.bound(self._max_filters, self._max_values)
        return reading.finish()


class _Reading:
    """One query string while it is read: what it asked so far, and what is wrong with it."""

    def __init__(self, fields: Mapping[str, Field], cells: Mapping[str, Cell], known: frozenset[str], extra: frozenset[str]) -> None:
        self.fields, self.cells, self.known, self.extra = fields, cells, known, extra
        self.singles: dict[str, str] = {}
        self.trees: list[Tree] = []
        self.faults: list[Fault] = []

    # -- one parameter
    def take(self, parameter: Parameter) -> None:
        name, value = parameter.name, parameter.value
        if name in _SINGLE or name in self.extra:
            if name in self.singles:
                self.fail(name, "repeated", f"`{name}` is given twice; give it once.")
            elif name in _RESERVED and name not in self.extra:
                self.fail(name, "unavailable", f"`{name}` is not available here yet.")
            self.singles.setdefault(name, value)
            return
        try:
            if name in _GROUPS:
                word, negated = _GROUPS[name]
                self.trees.append(parse_group(word, value, negated=negated))
            else:
                self.filter(name, value)
        except NoOperator as error:
            if error.column in self.known:
                self.fail(error.column, error.code, explain(self.fields[error.column], error))
            else:
                self.unknown(error.column)
        except Misspelled as error:
            self.fail(name, error.code, f"`{name}`: {error}.")

    def filter(self, name: str, value: str) -> None:
        if name not in self.known:
            self.unknown(name, f"`{name}`: filters on relations are not available yet." if "." in name else None)
            return
        self.trees.append(parse_condition(name, value))

    def fail(self, name: str, code: str, message: str) -> None:
        self.faults.append(Fault(name[:200], code, message if len(message) < 600 else f"{message[:600]}..."))

    def unknown(self, name: str, unavailable: str | None = None) -> None:
        if unavailable is not None:
            self.fail(name, "unavailable", unavailable)
        elif "->" in name:
            self.fail(name, "unavailable", f"`{name[:100]}`: paths into JSON are not available yet.")
        else:
            self.faults.append(unknown(name, self.known | (_SINGLE - _RESERVED) | self.extra, "field or parameter"))

    # -- bounds
    def bound(self, max_filters: int, max_values: int) -> None:
        tests = [test for tree in self.trees for test in _tests(tree)]
        if len(tests) > max_filters:
            self.fail("where", "too_many", f"There are {len(tests)} conditions; at most {max_filters} are taken.")
            self.trees = []
        values = 0  # of all lists together: each costs the time to write it into a statement, and an address holds seven lists of a thousand
        for test in tests:
            values += len(test.value) if isinstance(test.value, tuple) else 0
            if isinstance(test.value, tuple) and values > max_values:
                has = (
                    f"`{test.column}` has {len(test.value)} values"
                    if values == len(test.value)
                    else f"With `{test.column}` there are {values} values in all"
                )
                self.fail(test.column, "too_many", f"{has}; `in` takes at most {max_values}.")
                self.trees = []

    # -- the whole
    def finish(self) -> Query:
        parts = [node for tree in self.trees if (node := self.resolve(tree)) is not None]
        order = self.order()
        columns = self.columns("select")
        on_conflict = self.columns("on_conflict")
        limit = self.number("limit", MAX_LIMIT)
        offset = self.number("offset", MAX_OFFSET)
        if self.faults:
            raise refusal(self.faults, "validation.query")
        where: Node = And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else _EVERY_ROW
        extra = {name: value for name, value in self.singles.items() if name in self.extra} if self.extra else _NOTHING
        return Query(where, order, limit, offset or 0, columns, on_conflict, extra)

    def resolve(self, tree: Tree) -> Node | None:
        if len(self.faults) >= MAX_FAULTS:
            return None
        node = self.group(tree) if isinstance(tree, Group) else self.test(tree)
        return Not(node) if node is not None and tree.negated else node

    def group(self, group: Group) -> Node | None:
        parts = [node for member in group.members if (node := self.resolve(member)) is not None]
        if len(parts) < len(group.members):
            return None  # a fault has been told
        return parts[0] if len(parts) == 1 else And(tuple(parts)) if group.word == "and" else Or(tuple(parts))

    def test(self, test: Test) -> Node | None:
        if test.column not in self.known:
            self.unknown(test.column)
            return None
        cell = self.cells[test.column]
        try:
            return node_of_test(cell, test)
        except PydanticCustomError as error:
            context: Mapping[str, Any] = error.context or {}
            self.fail(test.column, context["code"], f"`{test.column}` {context['phrase']}.")
            return None

    def order(self) -> tuple[Ordering, ...]:
        found: list[Ordering] = []
        for sort in self.parsed("order", parse_order):
            if len(self.faults) >= MAX_FAULTS:
                break
            field = self.fields[sort.column] if sort.column in self.known else None
            if field is None:
                self.faults.append(unknown(sort.column, self.known))
            elif field.kind == "json":
                self.fail("order", "type", f"`{sort.column}` has no order.")
            elif any(each.field is field for each in found):
                self.fail("order", "repeated", f"`order` names `{sort.column}` twice.")
            else:
                found.append(Ordering(field, sort.descending, sort.nulls_first))
        return tuple(found)

    def columns(self, parameter: str) -> tuple[Field, ...] | None:
        if self.singles.get(parameter) in (None, "*"):
            return None
        names = self.parsed(parameter, parse_columns)
        for name in names:
            if len(self.faults) >= MAX_FAULTS:
                break
            if name == "*":
                self.fail(parameter, "syntax", f"`{parameter}` names `*` beside others; write `*` alone, or the columns.")
            elif name not in self.known:
                self.faults.append(unknown(name, self.known))
            elif names.count(name) > 1:
                self.fail(parameter, "repeated", f"`{parameter}` names `{name}` twice.")
        return tuple(self.fields[name] for name in names if name in self.known)

    def parsed(self, parameter: str, parse: Callable[[str], tuple[Any, ...]]) -> tuple[Any, ...]:
        text = self.singles.get(parameter)
        try:
            return parse(text) if text is not None else ()
        except Misspelled as error:
            self.fail(parameter, error.code, f"`{parameter}`: {error}.")
            return ()

    def number(self, parameter: str, greatest: int) -> int | None:
        text = self.singles.get(parameter)
        if text is None:
            return None
        if not _DIGITS.match(text):
            self.fail(parameter, "type", f"`{parameter}` must be a whole number from 0 to {greatest}.")
            return None
        if int(text) > greatest:
            cure = "; page with a filter instead, like `id=gt.LAST`" if parameter == "offset" else ""
            self.fail(parameter, "too_large", f"`{parameter}` may be at most {greatest}{cure}.")
        return int(text)


def _tests(tree: Tree) -> Iterator[Test]:
    if isinstance(tree, Group):
        for member in tree.members:
            yield from _tests(member)
    else:
        yield tree
