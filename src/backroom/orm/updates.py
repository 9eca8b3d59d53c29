"""Changing rows: the rule of the stored row and of the candidate, in one statement (RULES.md, 25-29)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from backroom.calls import Actor, Ask, Predicate, Row, Unit
from backroom.database.database import Violation
from backroom.errors import NotFound, Problem
from backroom.orm.creates import joined, reply_needs_select
from backroom.orm.reach import Channel, Reach, Store
from backroom.orm.refusals import Allow, anything, as_problem, missing_reference, refused_field
from backroom.resources.definition import Definition
from backroom.resources.nodes import Node
from backroom.rules.authorize import authorize
from backroom.sql import update
from backroom.sql.compiled import compiled
from backroom.sql.insert import References, value_name
from backroom.sql.placeholders import lifted
from backroom.sql.select import Projection
from backroom.sql.values import store, storer


class Updated(NamedTuple):
    """The rows as they now stand, by the projection asked; and for each whether the caller may read it."""

    rows: list[Row]
    visible: list[bool]


class UpdatePlan:
    """What is the same for every update of these columns by callers of one shape."""

    def __init__(
        self,
        store_: Store,
        definition: Definition,
        reach: Reach,
        projection: Projection,
        given: frozenset[str],
        by_caller: frozenset[str],
        if_version: bool,
    ) -> None:
        rights, tables, view = reach.rights, store_.tables, reach.view
        rule, check = rights.actions["update"], rights.check or Predicate.ALL
        self.fields = tuple(field for field in definition.fields if field.column in given)
        chosen = [field for field in self.fields if field.column in by_caller]
        # A field's rule must hold of the stored row and of the candidate; where it never does, its value was compared before (see `rest`).
        self.ruled = [field for field in chosen if not rights.may("update", field).always]
        field_rules = [rights.may("update", field) for field in self.ruled]
        self.checked = References.checked(chosen)
        # `update_check` is another rule than the stored row's, so the candidate is asked whatever SET touches.
        if not self.fields or (definition.access.update_check is None and not update.judges_candidate(check, self.fields)):
            check = Predicate.ALL
        self.predicate = joined((rule, *field_rules))
        self.check = joined((check, *(each for each in field_rules if update.judges_candidate(each, self.fields))))
        self.reads_again = reply_needs_select(reach, definition, projection)
        element = update.update_where(
            tables, definition, projection, view, self.predicate, self.check, self.fields, self.checked, None, if_version=if_version
        )
        self.statement = compiled(element, store_.dialect, writes=True) if self.fields else None
        self.judge = compiled(update.judge(tables, definition, view, rule, field_rules, check, self.fields, self.checked), store_.dialect)
        self.storers = [(value_name(field), field.column, storer(field.kind, store_.dialect)) for field in self.fields]


class Revision:
    """One update of a row by key, without hooks. `given` maps columns to Python values, `updated_at` among them.

    `by_caller`: the columns that still hold what the caller sent, if hooks changed others; field rules and references are judged of those alone.
    """

    def __init__(
        self,
        store_: Store,
        definition: Definition,
        actor: Actor,
        key: Any,
        given: Mapping[str, Any],
        projection: Projection,
        if_version: int | None,
        by_caller: frozenset[str] | None = None,
    ) -> None:
        self.store, self.definition, self.if_version = store_, definition, if_version
        self.reach: Reach = store_.reach(definition, actor)
        authorize("update", store_.rules.grant(definition.name, actor), actor)
        self.given = frozenset(given)
        judged = (self.given if by_caller is None else by_caller) - {"updated_at"}
        versioned = if_version is not None
        self.plan = self.reach.kept(
            ("update", projection, self.given, judged, versioned),
            lambda: UpdatePlan(store_, definition, self.reach, projection, self.given, judged, versioned),
        )
        values = {name: None if (value := given[column]) is None else convert(value) for name, column, convert in self.plan.storers}
        values["key"] = store(definition.key.kind, key, store_.dialect)
        if if_version is not None:
            values[update.IF_VERSION] = if_version
        self.values = self.reach.bound(**values) if self.reach.clock else {**self.reach.values, **values}

    def unit(self) -> Unit[Row | None]:
        statement = self.plan.statement
        assert statement is not None, "nothing to set"
        rows = yield Ask(statement.text, statement.bind(self.values))
        return rows[0] if rows else None

    async def explain(self, channel: Channel) -> Problem | None:
        """404, 403, 412, 403, 409 in that order; None when by now nothing would be wrong."""
        rows = await channel.read(self.plan.judge.text, self.plan.judge.bind(self.values))
        if not rows:
            return NotFound(code="rest.not_found")
        may, version, *verdicts = rows[0]
        if not may:
            return Problem("rules.forbidden")
        if self.if_version is not None and version != self.if_version:
            return Problem("rest.stale")
        for field, allowed in zip(self.plan.ruled, verdicts, strict=False):
            if not allowed:
                return refused_field(field, "changed")
        candidate, *references = verdicts[len(self.plan.ruled) :]
        if not candidate:
            return Problem("rules.forbidden", "The row may not become that: the rules refuse the new values.")
        for field, readable in zip(self.plan.checked, references, strict=True):
            if not readable:
                return missing_reference(field)
        return None

    async def run(self, channel: Channel | None = None) -> tuple[Row, bool]:
        """The new row and whether the caller may read it. Raises `Problem`."""
        channel = channel or self.store.database
        for _ in range(3):
            try:
                row = await channel.write(self.unit, single=True)
            except Violation as violation:
                raise as_problem(violation, self.definition, self.plan.fields, self.given) from None
            if row is not None:
                return row, bool(row[-1])
            told = await self.explain(channel)
            if told is not None:
                raise told
        raise Problem("database.busy")


async def update_where(
    store_: Store,
    definition: Definition,
    actor: Actor,
    where: Node,
    given: Mapping[str, Any],
    projection: Projection,
    channel: Channel | None = None,
    *,
    allow: Allow = anything,
) -> Updated:
    """Change every row that the caller may change and the filter matches; one candidate that may not be refuses all.

    `allow` is told how many, and raises to undo it.

    Raises `Problem` 400, 401, 403, 409.
    """
    revision = Revision(store_, definition, actor, None, given, projection, None)
    plan = revision.plan
    reach = store_.reach(definition, actor, along=[where])
    tables = store_.tables
    asked, filtered = lifted(where, store_.dialect)
    judged = (plan.predicate, plan.check, plan.fields, plan.checked, asked)
    key = (projection, revision.given, asked)
    refused = reach.statement(("refused candidates", *key), lambda: update.refused_candidates(tables, definition, reach.view, *judged))
    statement = reach.statement(
        ("update where", *key), lambda: update.update_where(tables, definition, projection, reach.view, *judged, if_version=False), writes=True
    )
    values = reach.bound(**revision.values, **filtered)

    def unit() -> Unit[list[Row]]:
        if plan.checked or not plan.check.always:
            counts = yield Ask(refused.text, refused.bind(values))
            if counts[0][0]:
                raise Problem("rules.forbidden", "Some of these rows may not become that, so none was changed.")
            if counts[0][1]:
                raise Problem("reference.not_found")
        rows = yield Ask(statement.text, statement.bind(values))
        allow(len(rows))
        return rows

    try:
        rows = await (channel or store_.database).write(unit)
    except Violation as violation:
        raise as_problem(violation, definition, plan.fields, revision.given) from None
    return Updated(rows, [bool(row[-1]) for row in rows])
