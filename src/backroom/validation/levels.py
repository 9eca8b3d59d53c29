"""What a query asks of the rows of one resource: its own, or those that a relation reaches. Names become fields, texts become values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from backroom.errors import Fault
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition, Ordering
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, And, Node, Not, Or, Related, Searched
from backroom.resources.relations import Cell, Extract, Relation
from backroom.resources.selections import FITTING, Embedded, Part, Selection, Shown, cast_of
from backroom.validation.comparisons import REGULAR, explain, node_of_test, within
from backroom.validation.faults import MAX_FAULTS, unknown
from backroom.validation.grammar import Group, NoOperator, Sort, Test, Tree
from backroom.validation.scanner import Column, Misspelled
from backroom.validation.searching import read_search
from backroom.validation.selection import Item, Picked, Reached, Star


class Slips:
    """What is wrong with one query, as far as it was found."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    @property
    def full(self) -> bool:
        return len(self.faults) >= MAX_FAULTS

    def add(self, fault: Fault) -> None:
        self.faults.append(fault)

    def fail(self, name: str, code: str, message: str) -> None:
        self.add(Fault(name[:200], code, message if len(message) < 600 else f"{message[:600]}..."))


@dataclass(frozen=True, slots=True)
class _Below:
    item: Reached
    relation: Relation
    level: Level


class Level:
    """`known`: the columns that exist for this caller; `others` says so of other resources, `consulted` remembers of which it was asked.

    `regular`: the database has regular expressions.
    """

    def __init__(
        self,
        catalog: Catalog,
        definition: Definition,
        known: frozenset[str],
        others: Callable[[str], frozenset[str]],
        slips: Slips,
        path: tuple[str, ...] = (),
        *,
        regular: bool,
    ) -> None:
        self.catalog, self.definition, self.others, self.slips, self.path = catalog, definition, others, slips, path
        self.fields = {field.column: field for field in definition.fields if field.readable}
        self.known = known & self.fields.keys()
        self.regular = regular
        self.consulted: set[str] = set()
        self.chosen: tuple[Item, ...] = ()
        self.relations: dict[str, _Below] = {}
        self.trees: list[Tree] = []
        self.searched: Searched | None = None
        self.sorts: tuple[Sort, ...] = ()
        self.given: set[str] = set()
        self.limit: int | None = None
        self.offset = 0

    def all(self) -> Iterator[Level]:
        yield self
        for below in self.relations.values():
            yield from below.level.all()

    def below(self, way: tuple[str, ...], parameter: str) -> Level | None:
        """The level that a parameter speaks of; None where `select` names no such relation, which is told."""
        level = self
        for name in way:
            found = level.relations.get(name)
            if found is None:
                shown = ".".join(way)
                self.slips.fail(parameter, "relation", f"`{parameter}`: `select` names no relation `{shown}`; add `{name}(...)` there.")
                return None
            level = found.level
        return level

    def spelled(self, name: str) -> str:
        return ".".join((*self.path, name))

    # ------------------------------------------------------------ select
    def choose(self, items: tuple[Item, ...]) -> None:
        """Finds the relation of each item that is one, and goes on there."""
        self.chosen = items
        for item in items:
            if not isinstance(item, Reached) or self.slips.full:
                continue
            name = item.alias or item.name
            relation = self._relation(item)
            if relation is None:
                continue
            if name in self.relations:
                if not (_is_named(item) and _is_named(self.relations[name].item)):  # else `_require_names` tells it
                    self.slips.fail(self.spelled(name), "repeated", f"`select` names `{self.spelled(name)}` twice; give one of them another name.")
                continue
            definition = self.catalog.definitions[relation.target]
            level = Level(self.catalog, definition, self._known(relation.target), self.others, self.slips, (*self.path, name), regular=self.regular)
            level.consulted = self.consulted
            self.relations[name] = _Below(item, relation, level)
            level.choose(item.items)

    def _known(self, resource: str) -> frozenset[str]:
        self.consulted.add(resource)
        return self.others(resource)

    def _exists(self, relation: Relation) -> bool:
        """Who may not see a reference does not see what lies behind it, in neither direction (RULES.md, 8)."""
        return all(column in (self.known if resource == self.definition.name else self._known(resource)) for resource, column in relation.columns)

    def _relation(self, item: Reached) -> Relation | None:
        found = [each for each in self.catalog.relations.find(self.definition.name, item.name, item.hint) if self._exists(each)]
        shown = self.spelled(item.name)
        if len(found) == 1:
            return found[0]
        if found:
            cures = ", ".join(f"`{item.name}!{each.constraint}`" for each in found)
            self.slips.fail(shown, "ambiguous", f"`{shown}` may mean several relations; say which: {cures}.")
            return None
        if item.hint is not None and self.catalog.relations.find(self.definition.name, item.name):
            shown = f"{shown}!{item.hint}"
        there = [name for name, each in self.catalog.relations.declared[self.definition.name].items() if self._exists(each)]
        fault = unknown(shown, there, "relation")
        self.slips.add(Fault(fault.field, "relation", fault.message))
        return None

    def columns(self) -> tuple[Field, ...] | None:
        """The fields, if nothing but columns under their own names was chosen."""
        plain: list[Field] = []
        for item in self.chosen:
            column = item.column if isinstance(item, Picked) and item == Picked(item.column) else None
            if column is None or column.keys or column.name not in self.known:
                return None
            plain.append(self.fields[column.name])
        return tuple(plain)

    def selection(self) -> Selection:
        """What is asked here and below; complete only if no slips were found."""
        below = {name: each.level.selection() for name, each in self.relations.items()}
        parts = self._parts(below)
        conditions = [node for tree in self.trees if (node := self._resolve(tree, below)) is not None]
        conditions += [Related(each.relation, below[name].where) for name, each in self.relations.items() if each.item.inner]
        conditions += [self.searched] if self.searched is not None else []
        where: Node = And(tuple(conditions)) if len(conditions) > 1 else conditions[0] if conditions else Always(True)
        selection = Selection(self.definition.name, parts, where, self._order(), self.limit, self.offset)
        if selection.grouped:
            self._require_grouping(selection)
        return selection

    def _parts(self, below: Mapping[str, Selection]) -> tuple[Part, ...]:
        parts: list[Part] = []
        of_star: set[int] = set()
        for item in self.chosen:
            if self.slips.full:
                break
            if isinstance(item, Star):
                first = len(parts)
                parts += [Shown(column, field) for column, field in self.fields.items() if column in self.known]
                of_star.update(range(first, len(parts)))
            elif isinstance(item, Picked):
                shown = self._shown(item)
                parts += [shown] if shown is not None else []
            elif (name := item.alias or item.name) in below:
                selection = below[name]
                if item.spread and selection.grouped:
                    place = self.spelled(name)
                    self.slips.fail(place, "unavailable", f"`...{place}` spreads rows, not what they come to; write `{name}(...)` without the dots.")
                parts.append(Embedded(name, self.relations[name].relation, selection, item.spread, not selection.parts))
        # A reference beside `*` stands for its column: `*,owner_id(*)` shows a person where the column has a key.
        reached = [part for part in parts if isinstance(part, Embedded) and not (part.spread or part.silent)]
        instead = {part.name for part in reached if part.name == part.relation.here.column}
        parts = [part for at, part in enumerate(parts) if at not in of_star or part.name not in instead]
        self._require_names(parts)
        return tuple(parts)

    def _require_names(self, parts: list[Part]) -> None:
        names = Selection(self.definition.name, tuple(parts)).names
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self.slips.fail("select", "repeated", f"`select` names `{self.spelled(name)}` twice; give one of them another name, like `other:{name}`.")

    def _shown(self, item: Picked) -> Shown | None:
        column, aggregate = item.column, item.aggregate
        if column is not None and column == Column("count") and aggregate is None and "count" not in self.known:
            column, aggregate = None, "count"  # `relation(count)`, as it was written before there were aggregates
        if column is None:
            return Shown(item.alias or "count", None, None, self._cast("integer", item, "count()"), "count")
        cell = self._cell(column)
        if cell is None:
            return None
        if aggregate not in (None, "count") and cell.kind not in FITTING[aggregate or ""]:
            self.slips.fail(self.spelled(str(column)), "type", f"`{self.spelled(str(column))}` has no {aggregate}.")
        kind = "integer" if aggregate == "count" else "float" if aggregate == "avg" else cell.kind
        last = next((key for key in reversed(column.keys) if isinstance(key, str)), column.name)
        return Shown(item.alias or aggregate or last, cell.field, cell.extract, self._cast(kind, item, str(column)), aggregate)

    def _cast(self, kind: Any, item: Picked, shown: str) -> Any:
        if item.cast is None:
            return None
        into = cast_of(kind, item.cast)
        if into is None:
            self.slips.fail(self.spelled(shown), "unavailable", f"`{self.spelled(shown)}` can't be cast to {item.cast[:60]}; it can to text.")
        return into

    def _require_grouping(self, selection: Selection) -> None:
        """Aggregates of more than the number of all rows read the whole table: the resource has to say that it wants that."""
        alone = all(isinstance(part, Shown) and part.field is None for part in selection.parts)
        if not alone and not self.definition.options.aggregates:
            cure = f'write @app.resource("{self.definition.name}", aggregates=True)'
            self.slips.fail("select", "aggregates", f"`{self.definition.name}` has no aggregates beside `count()`; {cure}.")
        by = {(part.field, part.extract) for part in selection.parts if isinstance(part, Shown) and part.aggregate is None}
        for each in selection.order:
            if each.through is not None or (each.field, each.extract) not in by:
                self.slips.fail(self.spelled("order"), "syntax", f"`order` of groups takes what they are grouped by, not `{each.field.column}`.")

    # ------------------------------------------------------------ conditions
    def search(self, text: str) -> None:
        """`search=words`: in all searched fields that exist for this caller."""
        known = [field for column, field in self.fields.items() if column in self.known]
        try:
            self.searched = read_search(text, [field for field in known if field.options.search], known)
        except Misspelled as error:
            self.slips.fail("search", error.code, f"`search`: {error}.")

    def _resolve(self, tree: Tree, below: Mapping[str, Selection]) -> Node | None:
        if self.slips.full:
            return None
        node = self._group(tree, below) if isinstance(tree, Group) else self._test(tree, below)
        return Not(node) if node is not None and tree.negated else node

    def _group(self, group: Group, below: Mapping[str, Selection]) -> Node | None:
        parts = [node for member in group.members if (node := self._resolve(member, below)) is not None]
        if len(parts) < len(group.members):
            return None  # a fault has been told
        return parts[0] if len(parts) == 1 else And(tuple(parts)) if group.word == "and" else Or(tuple(parts))

    def _test(self, test: Test, below: Mapping[str, Selection]) -> Node | None:
        name = test.column.name
        if name in self.relations and name not in self.known:
            return self._presence(test, below)
        if name not in self.known:
            self.unknown(name)
            return None
        if test.operator in REGULAR and not self.regular:
            self.slips.fail(self.spelled(str(test.column)), "unavailable", f"`{test.operator}` needs Postgres: SQLite has no regular expressions.")
            return None
        try:
            return node_of_test(Cell((), self.fields[name], self.definition.name), test)
        except PydanticCustomError as error:
            self._refused(test.column, error)
            return None

    def _presence(self, test: Test, below: Mapping[str, Selection]) -> Node | None:
        """`relation=is.null`: it reaches no row that the caller may read and that its own filters let through."""
        name = test.column.name
        if test.operator != "is" or test.value not in ("null", "not_null") or test.column.keys:
            cure = f"write `{self.spelled(name)}=is.null` or `=not.is.null`, or name a column, like `{self.spelled(name)}.id`"
            self.slips.fail(self.spelled(name), "operator", f"`{self.spelled(name)}` is a relation; {cure}.")
            return None
        some = Related(self.relations[name].relation, below[name].where)
        return some if test.value == "not_null" else Not(some)

    def _cell(self, column: Column) -> Cell | None:
        """A column, or JSON (or text) at a path within."""
        if column.name not in self.known:
            self.unknown(column.name)
            return None
        cell = Cell((), self.fields[column.name], self.definition.name)
        try:
            return within(cell, column, lambda: "json") if column.keys else cell
        except PydanticCustomError as error:
            self._refused(column, error)
            return None

    def _refused(self, column: Column, error: PydanticCustomError) -> None:
        context: Mapping[str, Any] = error.context or {}
        name = self.spelled(str(column))
        self.slips.fail(name, context["code"], f"`{name}` {context['phrase']}.")

    def explain(self, error: NoOperator) -> None:
        name = error.column.name
        if name in self.known:
            self.slips.fail(self.spelled(str(error.column)), error.code, explain(self.fields[name], error))
        elif name in self.relations:
            cure = f"write `{self.spelled(name)}=is.null` or `=not.is.null`"
            self.slips.fail(self.spelled(name), error.code, f"`{self.spelled(name)}` is a relation; {cure}.")
        else:
            self.unknown(name)

    def unknown(self, name: str, others: frozenset[str] = frozenset(), what: str = "field") -> None:
        """`others`: words that could have been meant too."""
        fault = unknown(name, self.known | others, what)
        self.slips.add(Fault(self.spelled(fault.field or name) if self.path else fault.field, fault.code, fault.message))

    # ------------------------------------------------------------ order
    def _order(self) -> tuple[Ordering, ...]:
        found: list[Ordering] = []
        for sort in self.sorts:
            if self.slips.full:
                break
            ordering = self._through(sort) if sort.relation is not None else self._sorted(sort)
            if ordering is None:
                continue
            if any((each.field, each.extract, each.through) == (ordering.field, ordering.extract, ordering.through) for each in found):
                self.slips.fail("order", "repeated", f"`order` names `{sort.column}` twice.")
                continue
            found.append(ordering)
        return tuple(found)

    def _sorted(self, sort: Sort, relation: Relation | None = None) -> Ordering | None:
        cell = self._cell(sort.column)
        if cell is None:
            return None
        if cell.kind == "json" and not sort.column.keys:
            self.slips.fail("order", "type", f"`{self.spelled(str(sort.column))}` has no order.")
            return None
        extract = None if cell.extract is None else Extract(cell.extract.keys, cell.extract.kind, cell.extract.as_text)
        return Ordering(cell.field, sort.descending, sort.nulls_first, extract, relation)

    def _through(self, sort: Sort) -> Ordering | None:
        """By a column of the one row that a relation reaches."""
        name = sort.relation or ""
        below = self.relations.get(name)
        if below is None:
            self.slips.fail("order", "relation", f"`order` names the relation `{name[:100]}`; add `{name[:100]}(...)` to `select`.")
            return None
        if not below.relation.to_one:
            self.slips.fail("order", "relation", f"`order` takes relations that reach one row, and `{name}` reaches many.")
            return None
        if sort.column.keys:
            self.slips.fail("order", "unavailable", "`order` takes no path into JSON behind a relation.")
            return None
        return below.level._sorted(sort, below.relation)


def _is_named(item: Reached) -> bool:
    """Its name is a key of the reply."""
    return bool(item.items) and not item.spread
