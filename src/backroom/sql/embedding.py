"""A selection as one statement that answers with JSON: relations become subqueries, each under the rules of the rows it reaches.

    SELECT count(*), group_concat('{' || concat_ws(',', '"id":' || ..., '"owner":' || (SELECT '{...}' FROM ... WHERE id = page.owner_id)) || '}')
    FROM (SELECT id, owner_id FROM todos WHERE <rule and filter> ORDER BY ... LIMIT ...) AS page

Rows are chosen first, by number and order, from the columns that the parts need, masked; what is costly is asked of the chosen ones alone.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, Text, cast, func, literal_column, select

from backroom.calls import Predicate
from backroom.resources.definition import Definition, Ordering
from backroom.resources.fields import Field
from backroom.resources.relations import Relation
from backroom.resources.selections import Embedded, Selection, Shown
from backroom.sql.aggregates import aggregated
from backroom.sql.extracts import extracted
from backroom.sql.filters import ONE, Conditions, RowName, View, flag
from backroom.sql.json_object import Member, object_of, object_of_texts, with_commas
from backroom.sql.json_text import PLAIN, json_text, plain, turned, word
from backroom.sql.ordering import ordered, sorted_by
from backroom.sql.select import Nulls, Projection, listed, matching, page_bounds, projected
from backroom.sql.tables import Tables
from backroom.sql.values import DialectName

#: Rows of one list within a row, at most.
MOST_RELATED = 1000

Expression = ColumnElement[Any]


class Printing:
    """Writes one statement for one shape of caller."""

    def __init__(self, tables: Tables, view: View) -> None:
        self.tables, self.view = tables, view
        self.dialect: DialectName = tables.dialect
        self.lists = Conditions(tables, form="in")
        self.single = self.lists.by_exists()
        self._numbers = count(1)

    # ------------------------------------------------------------ whole statements
    def page(self, selection: Selection, predicate: Predicate, keys: tuple[Field, ...] = (), after: Nulls | None = None) -> Select[Any]:
        """How many rows the page has, their JSON, and that of their `keys`, if any. `after` as for `listed`.

        Binds `limit`, `offset`, the caller's values and those lifted out of the conditions.
        """
        rows = self._rows(selection, predicate, keys, after).subquery("rows")
        # JSON escapes the ends of lines within texts, so one that stands in a page parts two rows.
        between: Expression = literal_column("(',' || chr(10))" if self.dialect == "postgresql" else "char(44, 10)")
        texts = [self._joined(column, between) for column in (rows.c.text, *([rows.c.keys_] if keys else []))]
        columns: list[Expression] = [func.count(), *(cast(text, LargeBinary) if self.dialect == "sqlite" else text for text in texts)]
        return select(*columns).select_from(rows)

    def rows(self, selection: Selection, predicate: Predicate) -> Select[Any]:
        """Key and JSON of each row. Binds as `page`."""
        return self._rows(selection, predicate)

    def count(self, selection: Selection, predicate: Predicate) -> Select[Any]:
        """How many groups there are. Binds the caller's values and those lifted out of the conditions."""
        groups = self._groups(selection, self._all(selection, predicate), RowName(selection.resource)).subquery("rows")
        return select(func.count()).select_from(groups)

    def _rows(self, selection: Selection, predicate: Predicate, keys: tuple[Field, ...] = (), after: Nulls | None = None) -> Select[Any]:
        if selection.grouped:
            limit, offset = page_bounds(self.tables)
            return self._groups(selection, self._all(selection, predicate), RowName(selection.resource)).limit(limit).offset(offset)
        definition = self._definition(selection.resource)
        columns = projected(self.single, definition, self._projection(selection, keys), self.view, RowName(definition.name))
        listing = listed(self.lists, definition, columns, self.view, predicate, selection.where, selection.order, after=after)
        row = RowName("page")
        cells = [json_text(self.dialect, field.kind, row.column(field.column, self.tables, definition.name)) for field in keys]
        shown = [row.named("id").label("id"), self._object(selection, row).label("text")]
        shown += [word("[").concat(with_commas(cells)).concat(word("]")).label("keys_")] if keys else []
        return select(*shown).select_from(listing.subquery("page"))

    def _all(self, selection: Selection, predicate: Predicate) -> Select[Any]:
        definition, row = self._definition(selection.resource), RowName(selection.resource)
        found = select().select_from(self.tables[definition.name])
        return matching(found, self.lists, definition, self.view, predicate, selection.where, row)

    # ------------------------------------------------------------ one row
    def _object(self, selection: Selection, row: RowName) -> Expression:
        return object_of(self._parts(selection, row))

    def _parts(self, selection: Selection, row: RowName) -> list[Member]:
        """The keys of one row, read from the columns of `_projection`."""
        parts: list[Member] = []
        for part in selection.parts:
            if isinstance(part, Shown):
                parts.append(self._cell(selection, part, row))
            elif part.spread:
                parts += self._spread(part, row)
            elif not part.silent:
                parts.append(Member(part.name, self._related(part, row)))
        return parts

    def _cell(self, selection: Selection, shown: Shown, row: RowName) -> Member:
        assert shown.field is not None
        column = row.column(shown.field.column, self.tables, selection.resource)
        value = self._read(shown, column)
        if self.view(selection.resource).sees(shown.field).always:
            stored = self.dialect == "sqlite" and shown.extract is None and shown.cast is None and shown.kind in {*PLAIN, "boolean"}
            return Member(shown.name, value, plain=plain(shown.kind, column) if stored else None)
        return Member(shown.name, value, literal_column(f'"{row.alias}"."{shown.field.column}?"') == ONE)

    def _read(self, shown: Shown, column: Expression) -> Expression:
        """JSON of a cell, or of what lies in it, or of what it is cast into."""
        cell = column if shown.extract is None else extracted(self.dialect, column, shown.extract)
        if shown.cast is None:
            return json_text(self.dialect, shown.kind, cell)
        return json_text(self.dialect, shown.cast, turned(self.dialect, shown.kind, shown.cast, cell))

    # ------------------------------------------------------------ the rows of a relation
    def _related(self, embedded: Embedded, row: RowName) -> Expression:
        """An object or null; a list."""
        relation, selection = embedded.relation, embedded.selection
        if selection.grouped:
            found, target = self._reached(relation, selection, row)
            groups = self._groups(selection, found, target).limit(literal_column(str(MOST_RELATED))).subquery(self._name())
            text = self._joined(groups.c.text, word(","))
            whole = func.coalesce(text, word("null")) if relation.to_one else _list(text)
            return select(whole).select_from(groups).scalar_subquery()
        rows, inner = self._chosen(embedded, row)
        text = self._object(selection, inner)
        return self._one(text, word("null"), rows) if relation.to_one else self._list_of(text, rows)

    def _spread(self, embedded: Embedded, row: RowName) -> list[Member]:
        """The columns of the one row that is reached, or lists of those of many, among our own. A row that isn't there has empty ones."""
        rows, inner = self._chosen(embedded, row)
        parts = self._parts(embedded.selection, inner)
        if not embedded.relation.to_one:
            return [Member(part.name, self._list_of(part.value, rows)) for part in parts]
        spread: list[Member] = []
        for part in parts:
            value = self._one(part.value, word("null"), rows)
            shown = None if part.shown is None else self._one(flag(part.shown), ONE, rows) == ONE
            spread.append(Member(part.name, value, shown))
        return spread

    def _chosen(self, embedded: Embedded, row: RowName) -> tuple[Any, RowName]:
        """The rows that a relation shows, as a subquery of the columns that its parts need, and its name."""
        relation, selection = embedded.relation, embedded.selection
        definition = self._definition(relation.target)
        found, target = self._reached(relation, selection, row)
        found = found.add_columns(*projected(self.single, definition, self._projection(selection), self.view, target))
        if not relation.to_one:
            most = MOST_RELATED if selection.limit is None else min(selection.limit, MOST_RELATED)
            found = found.order_by(*ordered(self.single, definition, self.view, target, selection.order))
            found = found.limit(literal_column(str(most))).offset(literal_column(str(selection.offset)))
        name = self._name()
        return found.subquery(name), RowName(name)

    def _reached(self, relation: Relation, selection: Selection, row: RowName) -> tuple[Select[Any], RowName]:
        """FROM and WHERE of the rows that a relation reaches from `row`, whose columns are masked already."""
        target, key, tables, conditions = self.single.reached_rows(relation, self.view)
        outer = row.column(relation.here.column, self.tables, relation.resource)
        where = self.single.true(selection.where, target, relation.target, self.view)
        return select().select_from(*tables).where(key == outer, *conditions, where), target

    def _one(self, text: Expression, absent: Expression, rows: Any) -> Expression:
        return func.coalesce(select(text).select_from(rows).scalar_subquery(), absent)

    def _list_of(self, text: Expression, rows: Any) -> Expression:
        return select(_list(self._joined(text, word(",")))).select_from(rows).scalar_subquery()

    # ------------------------------------------------------------ groups
    def _groups(self, selection: Selection, found: Select[Any], row: RowName) -> Select[Any]:
        """One row for each group of rows of `found` whose other parts look alike; `text` is its JSON.

        Innermost the masked columns, then the JSON of what is grouped by beside the bare values of what is aggregated, then the groups.
        """
        definition, outer = self._definition(selection.resource), RowName(self._name())
        sorts = [(each, key) for each in selection.order for key in sorted_by(self.single, definition, self.view, row, each)]
        cells = projected(self.single, definition, self._projection(selection), self.view, row)
        rows = found.add_columns(*cells, *(key.label(f"order{index}") for index, (_, key) in enumerate(sorts))).subquery(self._name())
        inner = RowName(rows.name)
        by, values, written = [f"order{index}" for index in range(len(sorts))], list[Expression](), list[Expression]()
        for part in selection.parts:
            if isinstance(part, Shown) and part.aggregate is not None:
                name = f"value{len(values)}"
                cell = self._aggregable(selection, part, inner)
                values.append(cell.label(name))
                written.append(Member(part.name, aggregated(self.dialect, part, outer.named(name, cell.type))).text)
                continue
            for each in self._parts(replace(selection, parts=(part,)), inner):
                name = f"value{len(values)}"
                by.append(name)
                values.append(each.text.label(name))
                written.append(outer.named(name, Text()))
        values += [inner.named(name) for name in by[: len(sorts)]]
        grouped = select(*values).select_from(rows).subquery(outer.alias)
        keys = [outer.named(name) for name in by]
        order = [_in_direction(self.dialect, key, each) for key, (each, _) in zip(keys, sorts, strict=False)]
        rest = [(key.collate("C") if self.dialect == "postgresql" else key).asc().nulls_first() for key in keys[len(sorts) :]]
        return select(object_of_texts(written).label("text")).select_from(grouped).group_by(*keys).order_by(*order, *rest)

    def _aggregable(self, selection: Selection, part: Shown, row: RowName) -> Expression:
        """The bare value; NULL where it is hidden."""
        if part.field is None:
            return ONE
        column = row.column(part.field.column, self.tables, selection.resource)
        return column if part.extract is None else extracted(self.dialect, column, part.extract)

    # ------------------------------------------------------------ words
    def _projection(self, selection: Selection, keys: tuple[Field, ...] = ()) -> Projection:
        """The columns that the parts are made of, and the keys."""
        definition, sight = self._definition(selection.resource), self.view(selection.resource)
        shown = {part.field for part in selection.parts if isinstance(part, Shown) and part.field is not None}
        fields = tuple(dict.fromkeys((definition.key, *selection.fields, *keys)))
        return Projection(fields, tuple(field for field in fields if field in shown and not sight.sees(field).always), version=False)

    def _definition(self, resource: str) -> Definition:
        return self.tables.catalog.definitions[resource]

    def _name(self) -> str:
        return f"rows?{next(self._numbers)}"  # no resource can be called so

    def _joined(self, text: Expression, between: Expression) -> Expression:
        return func.string_agg(text, between) if self.dialect == "postgresql" else func.group_concat(text, between)


def _list(joined: Expression) -> Expression:
    return word("[").concat(func.coalesce(joined, word(""))).concat(word("]"))


def _in_direction(dialect: DialectName, key: Expression, each: Ordering) -> Expression:
    column = key.collate("decimal") if dialect == "sqlite" and each.field.kind == "decimal" else key
    first = each.descending if each.nulls_first is None else each.nulls_first
    directed = column.desc() if each.descending else column.asc()
    return directed.nulls_first() if first else directed.nulls_last()
