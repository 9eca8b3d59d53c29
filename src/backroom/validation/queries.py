"""Query strings of one resource, resolved: names become fields and relations, values are read into their types, every slip is told.

    grammar    text -> tests, groups, orders            (knows no resource)
    selection  text -> columns, aggregates, relations   (knows no resource)
    levels     what is asked of one resource's rows     (knows one)
    queries    the whole                                (knows all that relations reach)

A condition of the wire follows the logic of rules: a null never matches, neither `eq` nor `neq`; `not.` of unknown is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as slot
from types import MappingProxyType
from typing import Literal, TypeAlias, TypeVar

from backroom.errors import Fault
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition, Ordering
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, Node
from backroom.resources.selections import Selection
from backroom.settings import Settings
from backroom.validation.faults import refusal, unknown
from backroom.validation.grammar import Group, NoOperator, Test, Tree, parse_columns, parse_condition, parse_group, parse_order, parse_place
from backroom.validation.levels import Level, Slips
from backroom.validation.parameters import Parameter, split
from backroom.validation.scanner import Column, Misspelled
from backroom.validation.selection import Item, Picked, is_plain, parse_select

#: Rows skipped at most: an offset reads what it skips.
MAX_OFFSET = 1_000_000
MAX_LIMIT = 2**31 - 1

#: Parameters of the grammar that are answered by a later version, or only where the reader is told so.
_RESERVED = frozenset({"after", "columns", "access"})
_SINGLE = frozenset({"select", "order", "limit", "offset", "on_conflict", "search"}) | _RESERVED
#: Those of a relation's rows.
_OF_RELATION = frozenset({"order", "limit", "offset"})
_GROUPS: Mapping[str, Literal["and", "or"]] = {"and": "and", "or": "or"}
#: What other grammars call our parameters, without underscores.
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("sort", "sortby", "orderby"), "order"),
    **dict.fromkeys(("page", "skip", "start"), "offset"),
    **dict.fromkeys(("perpage", "pagesize", "size", "take", "top"), "limit"),
    **dict.fromkeys(("q", "query", "fulltext", "keyword", "keywords"), "search"),
    **dict.fromkeys(("fields", "include", "expand", "populate"), "select"),
}
_DIGITS = re.compile(r"[0-9]{1,10}\Z")
_EVERY_ROW = Always(True)
_NOTHING: Mapping[str, str] = MappingProxyType({})

T = TypeVar("T")
#: Resource -> the columns that exist for this caller.
Known: TypeAlias = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query string, resolved. `columns` None: all of them. `extra` has the parameters that the caller of the reader asked for, as text.

    `selection` is there where `select` asks for more than columns; `where` and `order` are the query's own, not the selection's. `consulted` names
    the other resources whose rights decided what the query's names mean.
    """

    where: Node = _EVERY_ROW
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    columns: tuple[Field, ...] | None = None
    on_conflict: tuple[Field, ...] | None = None
    extra: Mapping[str, str] = slot(default_factory=lambda: _NOTHING, hash=False)
    selection: Selection | None = None
    consulted: tuple[str, ...] = ()
    searched: bool = False  # `search` is a part of `where`

    @property
    def filtered(self) -> bool:
        """Says which rows; changing many rows needs it."""
        return self.where != _EVERY_ROW


def _nothing(_resource: str) -> frozenset[str]:
    return frozenset()


class QueryReader:
    """Reads the query strings of one resource. `regular`: its database has regular expressions.

    Raises `Problem("validation.query")` (400) with every fault; a column outside `known` does not exist.

    >>> reader = QueryReader(definition, settings, catalog)                                  # doctest: +SKIP
    >>> reader.read(b"done=is.false&order=due.desc", frozenset({"done", "due"})).where       # doctest: +SKIP
    Not(part=Truth(path=...))
    """

    def __init__(self, definition: Definition, settings: Settings, catalog: Catalog, *, regular: bool = False) -> None:
        self._max_filters = settings.MAX_FILTERS
        self._max_values = settings.MAX_IN_VALUES
        self._definition = definition
        self._catalog = catalog
        self._regular = regular

    def read(self, raw: bytes, known: frozenset[str], extra: frozenset[str] = frozenset(), others: Known = _nothing) -> Query:
        """`extra` names parameters that somebody else reads; they may stand once and come back as text. `others`: what exists behind relations."""
        if not raw:
            return Query()
        slips = Slips()
        root = Level(self._catalog, self._definition, known, others, slips, regular=self._regular)
        reading = _Reading(root, slips, extra)
        for parameter in split(raw):
            reading.take(parameter)
            if slips.full:
                break
        reading.place()
        reading.bound(self._max_filters, self._max_values)
        return reading.finish()


class _Reading:
    """One query string while it is read: what it asked so far, and what is wrong with it."""

    def __init__(self, root: Level, slips: Slips, extra: frozenset[str]) -> None:
        self.root, self.slips, self.extra = root, slips, extra
        self.singles: dict[str, str] = {}
        self.placed: list[tuple[tuple[str, ...], Column, Parameter]] = []

    # -- one parameter
    def take(self, parameter: Parameter) -> None:
        """Relations' parameters wait for `select`, which may come later."""
        name, value = parameter.name, parameter.value
        if name in _SINGLE or name in self.extra:
            if name in self.singles:
                self.slips.fail(name, "repeated", f"`{name}` is given twice; give it once.")
            elif name in _RESERVED and name not in self.extra:
                self.slips.fail(name, "unavailable", f"`{name}` is not available here yet.")
            self.singles.setdefault(name, value)
            return
        try:
            way, column = parse_place(name)
        except Misspelled:
            self.unknown(self.root, name)
            return
        self.placed.append((way, column, parameter))

    def place(self) -> None:
        """Gives every parameter to the level that it speaks of."""
        text = self.singles.get("select")
        if text is not None and text != "*":
            self.root.choose(self.items("select", text))
        for way, column, parameter in self.placed:
            if self.slips.full:
                break
            negated = bool(way) and way[-1] == "not" and column.name in _GROUPS
            level = self.root.below(way[:-1] if negated else way, parameter.name)
            if level is not None:
                self.give(level, column, parameter, negated=negated)

    def give(self, level: Level, column: Column, parameter: Parameter, *, negated: bool) -> None:
        name, value = parameter.name, parameter.value
        try:
            if column.name in _GROUPS and not column.keys:
                level.trees.append(parse_group(_GROUPS[column.name], value, negated=negated))
            elif level is not self.root and column.name in _OF_RELATION and not column.keys and column.name not in level.known:
                self.of_relation(level, column.name, parameter)
            elif column.name in level.known or column.name in level.relations:
                level.trees.append(parse_condition(column, value))
            else:
                self.unknown(level, str(column))
        except NoOperator as error:
            level.explain(error)
        except Misspelled as error:
            self.slips.fail(name, error.code, f"`{name}`: {error}.")

    def of_relation(self, level: Level, word: str, parameter: Parameter) -> None:
        if word in level.given:
            self.slips.fail(parameter.name, "repeated", f"`{parameter.name}` is given twice; give it once.")
        level.given.add(word)
        if word == "order":
            level.sorts = parse_order(parameter.value)
        elif word == "limit":
            level.limit = self.number(parameter.name, parameter.value, MAX_LIMIT)
        else:
            level.offset = self.number(parameter.name, parameter.value, MAX_OFFSET) or 0

    def unknown(self, level: Level, name: str) -> None:
        meant = _ELSEWHERE.get(name.lower().replace("_", "")) if level is self.root else None
        if meant is not None:
            self.slips.add(Fault(name[:200], "unknown", f"There is no field or parameter `{name[:100]}`; did you mean `{meant}`?"))
            return
        words = frozenset((_SINGLE - _RESERVED) | self.extra) if level is self.root else _OF_RELATION
        level.unknown(name, words | level.relations.keys(), "field or parameter")

    # -- bounds
    def bound(self, max_filters: int, max_values: int) -> None:
        tests = [test for level in self.root.all() for tree in level.trees for test in _tests(tree)]
        if len(tests) > max_filters:
            self.slips.fail("where", "too_many", f"There are {len(tests)} conditions; at most {max_filters} are taken.")
            self.forget()
        values = 0  # of all lists together: each costs the time to write it into a statement, and an address holds seven lists of a thousand
        for test in tests:
            values += len(test.value) if isinstance(test.value, tuple) else 0
            if isinstance(test.value, tuple) and values > max_values:
                has = (
                    f"`{test.column}` has {len(test.value)} values"
                    if values == len(test.value)
                    else f"With `{test.column}` there are {values} values in all"
                )
                self.slips.fail(str(test.column), "too_many", f"{has}; `in` takes at most {max_values}.")
                self.forget()

    def forget(self) -> None:
        for level in self.root.all():
            level.trees = []

    # -- the whole
    def finish(self) -> Query:
        root = self.root
        if "order" in self.singles:
            root.sorts = self.parsed("order", parse_order)
        if "search" in self.singles:
            root.search(self.singles["search"])
        selection = root.selection()
        on_conflict = self.columns("on_conflict")
        limit = self.number("limit", self.singles.get("limit"), MAX_LIMIT)
        offset = self.number("offset", self.singles.get("offset"), MAX_OFFSET)
        if self.slips.faults:
            raise refusal(self.slips.faults, "validation.query")
        extra = {name: value for name, value in self.singles.items() if name in self.extra} if self.extra else _NOTHING
        asked = Query(
            selection.where, selection.order, limit, offset or 0, None, on_conflict, extra, None, tuple(root.consulted), root.searched is not None
        )
        if not root.chosen:
            return asked
        return replace(asked, columns=columns) if (columns := root.columns()) is not None else replace(asked, selection=selection)

    def items(self, parameter: str, text: str) -> tuple[Item, ...]:
        """The items of `select`. Plain columns, which most are, need no parser."""
        if is_plain(text):
            return tuple(Picked(Column(name)) for name in text.split(","))
        try:
            return parse_select(text)
        except Misspelled as error:
            self.slips.fail(parameter, error.code, f"`{parameter}`: {error}.")
            return ()

    def columns(self, parameter: str) -> tuple[Field, ...] | None:
        if parameter not in self.singles:
            return None
        known, names = self.root.known, self.parsed(parameter, parse_columns)
        for name in names:
            if self.slips.full:
                break
            if name not in known:
                self.slips.add(unknown(name, known))
            elif names.count(name) > 1:
                self.slips.fail(parameter, "repeated", f"`{parameter}` names `{name}` twice.")
        return tuple(self.root.fields[name] for name in names if name in known)

    def parsed(self, parameter: str, parse: Callable[[str], tuple[T, ...]]) -> tuple[T, ...]:
        try:
            return parse(self.singles[parameter])
        except Misspelled as error:
            self.slips.fail(parameter, error.code, f"`{parameter}`: {error}.")
            return ()

    def number(self, parameter: str, text: str | None, greatest: int) -> int | None:
        if text is None:
            return None
        if not _DIGITS.match(text):
            wanted = f" from 0 to {greatest}" if greatest < MAX_LIMIT else f", like `{parameter}=20`"
            self.slips.fail(parameter, "type", f"`{parameter}` must be a whole number{wanted}.")
            return None
        if int(text) > greatest:
            cure = "; page with a filter instead, like `id=gt.LAST`" if parameter == "offset" else ""
            self.slips.fail(parameter, "too_large", f"`{parameter}` may be at most {greatest}{cure}.")
        return int(text)


def _tests(tree: Tree) -> Iterator[Test]:
    if isinstance(tree, Group):
        for member in tree.members:
            yield from _tests(member)
    else:
        yield tree
