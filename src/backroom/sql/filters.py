"""Conditions as SQL, by one function, in two modes that have no default:

    RAW     the rule's view: it sees everything (RULES.md, 9)
    a View  the caller's view: rows whose read rule is true, cells whose field rule is true (RULES.md, 16-19)

Every leaf is written so that SQL says TRUE only where the leaf is known true. Rows are named by alias, as text, so that a condition can stand in
WHERE, in RETURNING or in a mask without SQLAlchemy guessing what correlates with what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, Protocol, TypeAlias

from sqlalchemy import ARRAY, ColumnElement, Select, and_, bindparam, case, exists, false, func, literal_column, not_, or_, select, true
from sqlalchemy.sql import operators

from backroom.calls import Predicate
from backroom.resources.fields import Field, Kind
from backroom.resources.nodes import (
    Always,
    And,
    CallerValue,
    Clock,
    Compare,
    Constant,
    In,
    IsNull,
    Matches,
    Node,
    Not,
    Operand,
    Or,
    Placeholder,
    Related,
    RowPath,
    Searched,
    Some,
    StartsWith,
    Truth,
)
from backroom.resources.relations import Cell, Collection, Gathered, Hop, Relation
from backroom.resources.resolution import CLOCK_KINDS
from backroom.sql.extracts import extracted
from backroom.sql.leaves import kind_of_leaf, operands_of, placeholder_name, slot_name
from backroom.sql.patterns import REGULAR, matches
from backroom.sql.search import Search, search
from backroom.sql.tables import Tables, column_type
from backroom.sql.values import DialectName, store

Condition: TypeAlias = ColumnElement[bool]
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operators.eq, "ne": operators.ne, "lt": operators.lt, "le": operators.le, "gt": operators.gt, "ge": operators.ge,
}  # fmt: skip


class Sight(Protocol):
    """What a caller may see of one resource."""

    @property
    def read(self) -> Predicate: ...
    def sees(self, field: Field) -> Predicate: ...


#: SQLite has no booleans; Postgres compares these as numbers.
ONE: ColumnElement[Any] = literal_column("1")
ZERO: ColumnElement[Any] = literal_column("0")
VALUE: ColumnElement[Any] = literal_column("value")  # the column of json_each


def flag(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    """1 where the condition is true, else 0, never NULL."""
    return case((condition, ONE), else_=ZERO)


#: The caller's view: resource name -> what he may see of it.
View: TypeAlias = Callable[[str], Sight]
RAW: Literal["raw"] = "raw"
Mode: TypeAlias = View | Literal["raw"]


@dataclass(frozen=True, slots=True)
class RowName:
    """A row as SQL text names it: an alias, and how its columns are spelled."""

    alias: str
    #: Columns that read from elsewhere: the SET values of an update, so that a rule can judge the candidate row.
    instead: dict[str, ColumnElement[Any]] = field(default_factory=dict[str, "ColumnElement[Any]"])

    def named(self, name: str, kind: Any = None) -> ColumnElement[Any]:
        """A column of a subquery, by its label."""
        return literal_column(f'"{self.alias}"."{name}"', kind)

    def column(self, name: str, tables: Tables, resource: str) -> ColumnElement[Any]:
        stored = tables[resource].c[name]
        if name not in self.instead:
            return literal_column(f'"{self.alias}"."{name}"', stored.type)
        collation = getattr(stored.type, "collation", None)  # a bound value has none of its own, and decimals would compare as text
        return self.instead[name].collate(collation) if collation == "decimal" else self.instead[name]


class Conditions:
    """Writes the conditions of one statement. `form`: "exists" for one row by key, "in" for lists (RULES.md, 41)."""

    def __init__(self, tables: Tables, form: Literal["exists", "in"] = "exists") -> None:
        self.tables = tables
        self.dialect: DialectName = tables.dialect
        self.form = form
        self._numbers = count(1)

    def predicate(self, predicate: Predicate, row: RowName, resource: str) -> Condition:
        """A rule, folded for its caller: raw view."""
        if predicate.always:
            return true()
        return false() if predicate.never else self.true(predicate.condition, row, resource, RAW)

    def true(self, node: Node, row: RowName, resource: str, mode: Mode) -> Condition:
        """SQL that is TRUE exactly where the node (normal, folded) is known true."""
        match node:
            case Always(value):
                return true() if value else false()
            case And(parts):
                return and_(true(), *(self.true(part, row, resource, mode) for part in parts))
            case Or(parts):
                return or_(false(), *(self.true(part, row, resource, mode) for part in parts))
            case Some(Gathered() as gathered, condition):
                return self._some(gathered, condition, row, resource, mode, negated=False)
            case Not(Some(Gathered() as gathered, condition)):
                return self._some(gathered, condition, row, resource, mode, negated=True)
            case Related():
                return self._related(node, row, mode, negated=False)
            case Not(Related() as related):
                return self._related(related, row, mode, negated=True)
            case Not(leaf):
                return self._leaf(leaf, row, resource, mode, negated=True)
            case _:
                return self._leaf(node, row, resource, mode, negated=False)

    # ------------------------------------------------------------ leaves
    def _leaf(self, leaf: Node, row: RowName, resource: str, mode: Mode, negated: bool) -> Condition:
        """A leaf about the row itself, or, if its cells lie behind references, about the rows they reach."""
        if isinstance(leaf, Searched):
            return self._searched(leaf, row, resource, mode, negated)
        cells = [operand for operand in operands_of(leaf) if isinstance(operand, Cell)]
        if isinstance(leaf, IsNull):
            return self._is_null(cells[0], row, resource, mode, negated)
        guarded = isinstance(leaf, Matches) and leaf.operator in REGULAR
        served = not negated and not isinstance(leaf, Matches) and not any(cell.extract for cell in cells)
        return self._reached(cells, row, resource, mode, lambda columns: self._plain(leaf, columns, negated), index_serves=served, guarded=guarded)

    def _plain(self, leaf: Node, columns: dict[int, ColumnElement[Any]], negated: bool) -> Condition:
        match leaf:
            case Truth(cell):
                column = columns[id(cell)]
                return column.is_(not negated) if self.dialect == "postgresql" else column == (ZERO if negated else ONE)
            case Compare(operator, left, right):
                kind = kind_of_leaf(leaf)
                compared: Condition = _OPERATORS[operator](self._value(left, kind, columns), self._value(right, kind, columns))
                return compared
            case StartsWith(left, right):
                start, prefix = self._value(left, "text", columns), self._value(right, "text", columns, prefix=True)
                begins = func.substr(start, 1, func.length(prefix))
                return begins != prefix if negated else begins == prefix
            case In(left, right):
                kind = kind_of_leaf(leaf)
                return self._in(self._value(left, kind, columns), right, kind, columns, negated)
            case Matches(operator, left, right):
                kind = kind_of_leaf(leaf)
                return matches(self.dialect, operator, self._value(left, kind, columns), self._value(right, kind, columns), negated)
            case _:
                raise TypeError(f"not a leaf: {leaf!r}")

    def _in(
        self, column: ColumnElement[Any], right: tuple[Operand, ...] | CallerValue, kind: Kind, columns: dict[int, ColumnElement[Any]], negated: bool
    ) -> Condition:
        match right:
            case CallerValue():
                return self._in_list(column, slot_name(right, kind, many=True), kind, negated)
            case (Placeholder(_, True) as listed,):
                return self._in_list(column, placeholder_name(listed), kind, negated)
            case _:
                known = [value for value in right if not (isinstance(value, Constant) and value.value is None)]
        if negated and len(known) < len(right):
            return false()  # one of the values is unknown, so "none of them" never is
        values = [self._value(value, kind, columns) for value in known]
        if not values:
            return column.is_not(None) if negated else false()
        return column.not_in(values) if negated else column.in_(values)

    def _in_list(self, column: ColumnElement[Any], name: str, kind: Kind, negated: bool) -> Condition:
        """One bound value holds the whole list: an array, or JSON for SQLite."""
        if self.dialect == "postgresql":
            among = column == func.any(bindparam(name, type_=ARRAY(column_type(kind, self.dialect)), required=True))
            return and_(column.is_not(None), not_(among)) if negated else among
        # A collation declared on the column reaches IN through its left side, so decimals compare as numbers here too.
        listed: Select[Any] = select(VALUE).select_from(func.json_each(bindparam(name, required=True)))
        return and_(column.is_not(None), column.not_in(listed)) if negated else column.in_(listed)

    def search(self, leaf: Searched, row: RowName, resource: str, mode: Mode) -> Search | None:
        """Over the fields that this caller sees in every row, None without such; there are no others that he sees (`resolution` refuses them)."""
        fields = [field for field in leaf.fields if mode == RAW or mode(resource).sees(field).always]
        words = [self._value(word, "text", {}) for word in leaf.words]
        return search(self.tables.catalog.definitions[resource], row.alias, fields, words, self.dialect) if fields else None

    def _searched(self, leaf: Searched, row: RowName, resource: str, mode: Mode, negated: bool) -> Condition:
        """The words of an empty field are unknown: it fulfills neither the search nor its negation."""
        asked = self.search(leaf, row, resource, mode)
        if asked is None:
            return false()
        filled = [row.column(field.column, self.tables, resource).is_not(None) for field in leaf.fields]
        return and_(*filled, not_(asked.found())) if negated else asked.found()

    def _is_null(self, cell: Cell, row: RowName, resource: str, mode: Mode, negated: bool) -> Condition:
        """Never unknown. A path is empty where any of its steps is."""
        if not cell.hops:
            return self._reached(
                [cell], row, resource, mode, lambda columns: columns[id(cell)].is_not(None) if negated else columns[id(cell)].is_(None)
            )
        if negated:
            return self._reached([cell], row, resource, mode, lambda columns: columns[id(cell)].is_not(None))
        if mode == RAW:
            return not_(self.by_exists()._reached([cell], row, resource, mode, lambda columns: columns[id(cell)].is_not(None)))
        # What the caller can't see on the way is neither empty nor full to him: each step must be seen to be empty.
        homes = [resource, *(hop.target for hop in cell.hops)]
        steps = [Cell(cell.hops[:index], hop.field, homes[index]) for index, hop in enumerate(cell.hops)]
        return or_(*(self._seen_empty(step, row, resource, mode) for step in (*steps, cell)))

    def _seen_empty(self, cell: Cell, row: RowName, resource: str, mode: Mode) -> Condition:
        return self._reached([cell], row, resource, mode, lambda columns: columns[id(cell)].is_(None))

    def _value(self, operand: Operand, kind: Kind, columns: dict[int, ColumnElement[Any]], prefix: bool = False) -> ColumnElement[Any]:
        match operand:
            case Cell():
                return columns[id(operand)]
            case Constant(value):
                return bindparam(None, store(kind, value, self.dialect), type_=column_type(kind, self.dialect), unique=True)
            case CallerValue():
                return bindparam(slot_name(operand, kind, prefix=prefix), type_=column_type(kind, self.dialect), required=True)
            case Placeholder():
                return bindparam(placeholder_name(operand), type_=column_type(kind, self.dialect), required=True)
            case Clock(name):
                return bindparam(name, type_=column_type(CLOCK_KINDS[name], self.dialect), required=True)
            case RowPath():
                raise TypeError(f"{operand} was never resolved")

    def by_exists(self) -> Conditions:
        """For what stands under NOT: EXISTS is never NULL, while `key IN (...)` is, where the key is empty. And for masks, which ask of few rows."""
        inner = Conditions(self.tables)
        inner._numbers = self._numbers
        return inner

    # ------------------------------------------------------------ other rows
    def _reached(
        self,
        cells: list[Cell],
        row: RowName,
        resource: str,
        mode: Mode,
        write: Callable[[dict[int, ColumnElement[Any]]], Condition],
        *,
        index_serves: bool = False,
        guarded: bool = False,
    ) -> Condition:
        """`write` gets a column for every cell. Cells behind references are joined inside one EXISTS.

        `guarded`: what it writes may meet no row that the caller can't read, not even to be thrown away.
        """
        columns: dict[int, ColumnElement[Any]] = {}
        seen: list[Condition] = []
        joined: list[Any] = []
        links: list[Condition] = []
        first: tuple[ColumnElement[Any], ColumnElement[Any]] | None = None
        for cell in cells:
            here, owner = row, resource
            for hop in cell.hops:
                inner, key = self._join(hop, joined)
                outer = here.column(hop.field.column, self.tables, owner)
                if mode != RAW:
                    seen.append(self._mask(mode, owner, hop.field, here))
                    links.append(self.predicate(mode(hop.target).read, inner, hop.target))
                if first is None:
                    first = (outer, key)
                else:
                    links.append(outer == key)
                here, owner = inner, hop.target
            column = here.column(cell.field.column, self.tables, owner)
            columns[id(cell)] = column if cell.extract is None else extracted(self.dialect, column, cell.extract)
            if mode != RAW and guarded:
                seen.append(self.predicate(mode(owner).read, here, owner))
            if mode != RAW:
                seen.append(self._mask(mode, owner, cell.field, here))
        bare = write(columns)
        masks = [mask for mask in seen if not _is_true(mask)]
        # CASE, not AND: Postgres is free to run the right side of AND first, and a cast's error would tell what the cell holds.
        shown = case((and_(true(), *masks), bare)) if masks else bare
        if masks and index_serves and not joined:
            shown = and_(bare, shown)  # the bare comparison first: the mask alone would hide the column from its index
        if first is None:
            return shown
        outer, key = first
        return self._linked(outer, key, joined, [*links, shown])

    def _join(self, hop: Hop, joined: list[Any]) -> tuple[RowName, ColumnElement[Any]]:
        inner = RowName(f"{hop.target}?{next(self._numbers)}")  # no resource can be called so
        joined.append(self.tables[hop.target].alias(inner.alias))
        return inner, inner.column("id", self.tables, hop.target)

    def _linked(self, outer: ColumnElement[Any], key: ColumnElement[Any], joined: list[Any], conditions: list[Condition]) -> Condition:
        if self.form == "in":
            return self._among(outer, select(key).select_from(*joined).where(*conditions))
        return exists(select(ONE).select_from(*joined).where(key == outer, *conditions))

    def _among(self, key: ColumnElement[Any], keys: Select[Any]) -> Condition:
        """Postgres makes of an array a walk by index also inside an OR, where `IN (SELECT ...)` becomes a read of the whole table."""
        return key == func.any(func.array(keys.scalar_subquery())) if self.dialect == "postgresql" else key.in_(keys)

    def _some(self, gathered: Gathered, condition: Node, row: RowName, resource: str, mode: Mode, negated: bool) -> Condition:
        """EXISTS over the collection's rows. The last reference on the way holds the key already, so its row is not joined."""
        via, tables, conditions = self._collection(gathered.collection, condition, mode)

        def some(key: ColumnElement[Any]) -> Condition:
            if self.form == "in" and not negated:
                return self._among(key, select(via).select_from(*tables).where(*conditions))
            return exists(select(ONE).select_from(*tables).where(via == key, *conditions))

        if not gathered.hops:
            key = row.column("id", self.tables, resource)
            return not_(some(key)) if negated else some(key)
        *before, last = gathered.hops
        way = Cell(tuple(before), last.field, before[-1].target if before else resource)
        if negated and before and mode == RAW:
            # Behind an empty reference the collection is empty, so `~any` is true there: the way may not be inner joined around the NOT.
            return not_(self.by_exists()._reached([way], row, resource, mode, lambda columns: some(columns[id(way)])))
        return self._reached([way], row, resource, mode, lambda columns: not_(some(columns[id(way)])) if negated else some(columns[id(way)]))

    def _collection(self, collection: Collection, condition: Node, mode: Mode) -> tuple[ColumnElement[Any], list[Any], list[Condition]]:
        """The rows of a collection that fulfill the condition: the column that names their owner, the tables, the WHERE."""
        holder = collection.junction or collection.target
        near = RowName(f"{holder}?{next(self._numbers)}")
        target, tables, conditions = near, [self.tables[holder].alias(near.alias)], list[Condition]()
        if collection.junction is not None and collection.far is not None:
            target = RowName(f"{collection.target}?{next(self._numbers)}")
            tables.append(self.tables[collection.target].alias(target.alias))
            conditions.append(target.column("id", self.tables, collection.target) == near.column(collection.far.column, self.tables, holder))
        if mode != RAW:
            conditions += [self.predicate(mode(collection.target).read, target, collection.target), self._mask(mode, holder, collection.via, near)]
            if collection.junction is not None and collection.far is not None:
                conditions += [self.predicate(mode(holder).read, near, holder), self._mask(mode, holder, collection.far, near)]
        conditions.append(self.true(condition, target, collection.target, mode))
        return near.column(collection.via.column, self.tables, holder), tables, conditions

    def _related(self, related: Related, row: RowName, mode: Mode, negated: bool) -> Condition:
        """Whether a query's relation reaches a row that the caller may read and that makes the condition true."""
        if mode == RAW:
            raise TypeError("a rule asks no relations of queries")
        relation = related.relation
        outer = self.shown(row, relation.resource, relation.here, mode)
        target, key, tables, conditions = self.reached_rows(relation, mode)
        conditions.append(self.true(related.condition, target, relation.target, mode))
        if self.form == "in" and not negated:
            return self._among(outer, select(key).select_from(*tables).where(*conditions))
        found = exists(select(ONE).select_from(*tables).where(key == outer, *conditions))
        return not_(found) if negated else found

    def reached_rows(self, relation: Relation, view: View) -> tuple[RowName, ColumnElement[Any], list[Any], list[Condition]]:
        """The rows that a relation reaches, as far as the caller may read each link: their name, the column that equals `here`, FROM, WHERE."""
        target = RowName(f"{relation.target}?{next(self._numbers)}")
        tables: list[Any] = [self.tables[relation.target].alias(target.alias)]
        conditions = [self.predicate(view(relation.target).read, target, relation.target)]
        if relation.junction is None:
            if relation.there.is_reference:
                conditions.append(self._mask(view, relation.target, relation.there, target))
            return target, target.column(relation.there.column, self.tables, relation.target), tables, conditions
        between, junction = RowName(f"{relation.junction.resource}?{next(self._numbers)}"), relation.junction
        tables.append(self.tables[junction.resource].alias(between.alias))
        conditions.append(self.predicate(view(junction.resource).read, between, junction.resource))
        conditions += [self._mask(view, junction.resource, field, between) for field in (junction.near, junction.far)]
        far = between.column(junction.far.column, self.tables, junction.resource)
        conditions.append(target.column(relation.there.column, self.tables, relation.target) == far)
        return target, between.column(junction.near.column, self.tables, junction.resource), tables, conditions

    # ------------------------------------------------------------ masks
    def shown(self, row: RowName, resource: str, field: Field, view: View) -> ColumnElement[Any]:
        """A cell as the caller sees it: NULL where it is hidden from him."""
        column, mask = row.column(field.column, self.tables, resource), self._mask(view, resource, field, row)
        if _is_true(mask):
            return column
        masked = case((mask, column))
        # A CASE has no collation of its own, and decimals would compare as text.
        return masked.collate("decimal") if field.kind == "decimal" and self.dialect == "sqlite" else masked

    def _mask(self, mode: View, resource: str, field: Field, row: RowName) -> Condition:
        return self.predicate(mode(resource).sees(field), row, resource)


def _is_true(condition: Condition) -> bool:
    return condition is true() or str(condition) == "true"
