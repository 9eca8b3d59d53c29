"""Creating rows: rule on the candidate, hooks, the row with the rule again in the same statement, what the caller may read of it (RULES.md, 24)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from backroom.calls import Actor, Ask, Predicate, Row, Unit
from backroom.database.database import Violation
from backroom.errors import Problem
from backroom.orm.reach import Channel, Reach, Store
from backroom.orm.refusals import as_problem, missing_reference, refused_field
from backroom.resources.definition import Definition
from backroom.rules.authorize import authorize
from backroom.sql import insert
from backroom.sql.compiled import compiled
from backroom.sql.insert import References, stored_fields, value_name
from backroom.sql.normal import all_of
from backroom.sql.select import Projection
from backroom.sql.update import visits
from backroom.sql.values import storer

Values = Mapping[str, Any]  # column -> Python value


class Created(NamedTuple):
    """Rows in the order of the candidates, by the projection asked; and for each whether the caller may read it."""

    rows: list[Row]
    visible: list[bool]


class CreatePlan:
    """What is the same for every create of this form by callers of one shape."""

    def __init__(
        self,
        store_: Store,
        definition: Definition,
        reach: Reach,
        projection: Projection,
        given: frozenset[str],
        by_all: frozenset[str],
        with_key: bool,
        many: bool,
    ) -> None:
        """`given`: the columns that some row names, `by_all` those that every row does."""
        ruled = [field for field in definition.fields if field.column in given and not reach.rights.may("create", field).always]
        whole = [field for field in ruled if field.column in by_all]
        partly = [(field, reach.rights.may("create", field)) for field in ruled if field.column not in by_all]
        self.partly = [field for field, _ in partly]
        self.ruled = [*whole, *self.partly]
        rules = [reach.rights.actions["create"], *(reach.rights.may("create", field) for field in whole)]
        predicate = joined(rules)
        self.fields = stored_fields(definition, with_key=with_key)
        self.checked = References.checked([field for field in self.fields if field.column in given])
        self.reads_again = reply_needs_select(reach, definition, projection)
        tables, view = store_.tables, reach.view
        self.statement = compiled(
            insert.create(tables, definition, projection, view, predicate, self.checked, with_key=with_key, many=many, partly=partly),
            store_.dialect,
            writes=True,
        )
        judge = insert.judge(tables, definition, view, rules, self.checked, with_key=with_key, many=many, partly=partly)
        self.judge = compiled(judge, store_.dialect)
        self.storers = [(value_name(field), field.column, storer(field.kind, store_.dialect)) for field in self.fields]


class Creation:
    """One create: its plan and its values. `unit()` is its transaction, `explain()` its refusal."""

    def __init__(
        self,
        store_: Store,
        definition: Definition,
        actor: Actor,
        rows: Sequence[Values],
        projection: Projection,
        given: frozenset[str],
        sent: Sequence[frozenset[str]] | None = None,
    ) -> None:
        """`given`: the columns that count as named by the caller; `sent`: those of each row, where they are not all of these."""
        self.store, self.definition, self.actor, self.rows = store_, definition, actor, rows
        self.reach: Reach = store_.reach(definition, actor)
        authorize("create", store_.rules.grant(definition.name, actor), actor)
        self.many = len(rows) != 1
        with_key = "id" in rows[0]
        by_all = given if sent is None or not self.many else given.intersection(*sent)
        key = ("create", projection, given, by_all, with_key, self.many)
        self.plan = self.reach.kept(key, lambda: CreatePlan(store_, definition, self.reach, projection, given, by_all, with_key, self.many))
        self.values = self._values(sent or ())

    def _values(self, sent: Sequence[frozenset[str]]) -> dict[str, Any]:
        if not self.many:
            row = self.rows[0]
            given = {name: None if (value := row.get(column)) is None else convert(value) for name, column, convert in self.plan.storers}
            return self.reach.bound(**given) if self.reach.clock else {**self.reach.values, **given}
        stored = [
            {column: None if (value := row.get(column)) is None else convert(value) for _, column, convert in self.plan.storers} for row in self.rows
        ]
        return self.reach.bound(**insert.bind_many(self.store.tables, self.plan.fields, stored, self.plan.partly, sent))

    def unit(self) -> Unit[Created | None]:
        """None: the single candidate was refused, and nothing is stored. Of an array some were: raises, to undo the others."""
        statement = self.plan.statement
        rows = yield Ask(statement.text, statement.bind(self.values))
        if len(rows) < len(self.rows):
            if rows:
                raise _Refused
            return None
        return Created(rows, [bool(row[-1]) for row in rows])

    async def explain(self, channel: Channel, *, rule_only: bool = False) -> Problem | None:
        """Why a candidate was refused; None when by now none would be."""
        verdicts = await channel.read(self.plan.judge.text, self.plan.judge.bind(self.values))
        if not all(verdict[0] for verdict in verdicts):
            return Problem("rules.forbidden")
        for position, field in enumerate(self.plan.ruled, start=1):
            if not all(verdict[position] for verdict in verdicts):
                return refused_field(field, "set")
        if rule_only:
            return None
        for index, verdict in enumerate(verdicts):
            for field, readable in zip(self.plan.checked, verdict[1 + len(self.plan.ruled) :], strict=True):
                if not readable:
                    return missing_reference(field, index if self.many else None)
        return None


class _Refused(Exception):
    """Some of an array's candidates were refused: undo the others."""


def joined(rules: Iterable[Predicate]) -> Predicate:
    """True where all of them are."""
    asked = [rule for rule in rules if not rule.always]
    if any(rule.never for rule in asked):
        return Predicate.NONE
    return Predicate(all_of([rule.condition for rule in asked])) if asked else Predicate.ALL


def reply_needs_select(reach: Reach, definition: Definition, projection: Projection) -> bool:
    """RETURNING answers from the middle of the statement: a rule that looks into the written table must be asked after it."""
    asked = [reach.rights.read, *(reach.rights.sees(field) for field in projection.conditional)]
    return any(visits(predicate.condition, definition.name) for predicate in asked)


async def create(
    store_: Store,
    definition: Definition,
    actor: Actor,
    rows: Sequence[Values],
    projection: Projection,
    given: frozenset[str],
    channel: Channel | None = None,
    sent: Sequence[frozenset[str]] | None = None,
) -> Created:
    """Create all rows or none, without hooks. `given`: the columns the caller sent, judged by their field rules; `sent`: those of each row.

    Raises `Problem` 401/403 (rules), 409 (reference, unique, check).
    """
    return await run(Creation(store_, definition, actor, rows, projection, given, sent), given, channel)


async def run(creation: Creation, given: frozenset[str], channel: Channel | None = None) -> Created:
    """`create`, prepared."""
    channel = channel or creation.store.database
    for _ in range(3):
        try:
            created = await channel.write(creation.unit, single=not creation.many)
        except _Refused:
            created = None
        except Violation as violation:
            told = await creation.explain(channel) if creation.many else None
            raise told or as_problem(violation, creation.definition, creation.plan.fields, given) from None
        if created is not None:
            return created
        told = await creation.explain(channel)
        if told is not None:
            raise told
    raise Problem("database.busy")
