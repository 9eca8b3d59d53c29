"""Postgres' own row level security as a third engine: the same rules as policies, by a writer that shares nothing with ours.

Rules see everything (RULES.md, 9): the policy stands on the asked table alone, and looks at the others through views that belong to the superuser.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.rules.oracle.draw import Caller, Operand, Rule, Table
from tests.rules.oracle.queries.driver import Driver
from tests.rules.oracle.queries.kinds import STRUCTURED
from tests.rules.oracle.queries.questions import Condition, Group, Negated, Test
from tests.rules.oracle.queries.sight import Sight
from tests.rules.oracle.truth import as_kind, is_missing, list_of

ROLE = "oracle_reader"
_TYPES: Mapping[str, str] = {
    "text": "text", "email": "text", "integer": "bigint", "decimal": "numeric", "boolean": "boolean", "datetime": "timestamptz", "float": "float8",
    "date": "date", "time": "time", "timedelta": "bigint", "uuid": "uuid", "bytes": "bytea",
}  # fmt: skip
_OPERATORS: Mapping[str, str] = {"eq": "=", "ne": "<>", "neq": "<>", "lt": "<", "le": "<=", "lte": "<=", "gt": ">", "ge": ">=", "gte": ">="}
UNKNOWN = "NULL::boolean"


class Writer:
    """Rules and conditions of one caller as SQL of Postgres: true, false, or NULL for unknown."""

    def __init__(self, tables: Mapping[str, Table], caller: Caller) -> None:
        self.sight = Sight(tables, {name: {} for name in tables}, caller)
        self.tables, self.judge = tables, self.sight.judge
        self._aliases = 0

    def rule(self, rule: Rule, resource: str, row: str) -> str:
        match rule:
            case ("always", value):
                return str(bool(value)).lower()
            case ("and" | "or" as word, parts):
                return "(" + f" {word} ".join(self.rule(part, resource, row) for part in parts) + ")"
            case ("not", part):
                return f"(not {self.rule(part, resource, row)})"
            case ("any", path, condition):
                unknown = UNKNOWN if self.judge.lacks(condition, self.judge.end(resource, path)) else "false"
                return f"(case when {self.some(path, condition, resource, row)} then true else {unknown} end)"
            case _:
                return self.leaf(rule, resource, row)

    def leaf(self, rule: Rule, resource: str, row: str) -> str:
        match rule:
            case ("null", ("row", path)):
                return f"({self.path(resource, row, path)} is null)"
            case ("true", ("row", path)):
                return f"({self.path(resource, row, path)})"
            case _ if self.judge.is_settled(rule):
                return {True: "true", False: "false", None: UNKNOWN}[self.judge.leaf(rule, resource, None)]
            case ("compare", operator, left, right):
                return self.compared(operator, left, right, resource, row)
            case ("in", left, ()):
                return f"(case when {self.operand(left, self.kind(left, left, resource), resource, row)} is not null then false end)"
            case ("in", left, rights):
                return "(" + " or ".join(self.compared("eq", left, right, resource, row) for right in rights) + ")"
            case ("in_claim", left, claim):
                return self.in_claim(left, claim, resource, row)
            case ("starts", left, right):
                one, other = (self.operand(side, "text", resource, row) for side in (left, right))
                empty = right[0] == "claim" and self.judge.bare(right) == ""
                return UNKNOWN if empty else f"starts_with({one}, {other})"
            case _:
                raise AssertionError(rule)

    def compared(self, operator: str, left: Operand, right: Operand, resource: str, row: str) -> str:
        kind = self.kind(left, right, resource)
        one, other = (self.operand(side, kind, resource, row) for side in (left, right))
        return f"({one} {_OPERATORS[operator]} {other})"

    def in_claim(self, left: Operand, claim: str, resource: str, row: str) -> str:
        kind, options = self.kind(left, left, resource), list_of(self.sight.caller.claims.get(claim))
        values = None if options is None else [as_kind(kind, each) for each in options]
        if values is None or any(map(is_missing, values)):
            return UNKNOWN
        value = self.operand(left, kind, resource, row)
        if not values:  # SQL has it that NULL is outside of an empty list
            return f"(case when {value} is not null then false end)"
        array = f"array[{', '.join(literal(kind, each) for each in options or ())}]::{_TYPES[kind]}[]"
        return f"({value} = any({array}))"

    # ---------------------------------------------------------------- values
    def kind(self, left: Operand, right: Operand, resource: str) -> str:
        return next(str(kind) for kind in (self.judge.kind(left, resource), self.judge.kind(right, resource)) if kind is not None)

    def operand(self, operand: Operand, kind: str, resource: str, row: str) -> str:
        if operand[0] == "row":
            return self.path(resource, row, operand[1])
        if operand[0] == "now":
            return literal("datetime", self.judge.now.isoformat())
        value = operand[1] if operand[0] == "constant" else self.judge.bare(operand)
        return f"NULL::{_TYPES[kind]}" if is_missing(as_kind(kind, value)) else literal(kind, value)

    def path(self, resource: str, row: str, path: tuple[str, ...]) -> str:
        """A value behind references, as a subquery for each step."""
        step, *rest = path
        if not rest:
            return f'{row}."{self.judge.column(resource, step)}"'
        target, alias = self.tables[resource].references[step][0], self.alias()
        return f'(select {self.path(target, alias, tuple(rest))} from raw."{target}" {alias} where {alias}.id = {row}."{step}_id")'

    def some(self, path: tuple[str, ...], condition: Rule, resource: str, row: str) -> str:
        *steps, name = path
        key = self.path(resource, row, tuple(steps)) if steps else f"{row}.id"
        for step in steps:
            resource = self.tables[resource].references[step][0]
        found, alias = self.tables[resource].collections[name], self.alias()
        if found[0] == "via":
            return f'exists (select from raw."{found[1]}" {alias} where {alias}."{found[2]}_id" = {key} and {self.rule(condition, found[1], alias)})'
        _, junction, near, target, far = found
        other = self.alias()
        joined = f'raw."{junction}" {alias} join raw."{target}" {other} on {other}.id = {alias}."{far}_id"'
        return f'exists (select from {joined} where {alias}."{near}_id" = {key} and {self.rule(condition, target, other)})'

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    # ---------------------------------------------------------------- conditions of a query
    def condition(self, condition: Condition, resource: str, row: str) -> str:
        match condition:
            case Group(word, parts):
                return "(" + f" {word} ".join(self.condition(part, resource, row) for part in parts) + ")"
            case Negated(part):
                return f"(not {self.condition(part, resource, row)})"
            case Test():
                seen = self.rule(self.sight.field_rule(resource, condition.column, "read"), resource, row)
                return f"(case when {seen} then {self.test(condition, self.sight.kind(resource, condition.column), row)} end)"

    def test(self, test: Test, kind: str, row: str) -> str:
        cell = f'{row}."{test.column}"'
        if test.operator == "is":
            word = {"not_null": "not null", "unknown": "null"}.get(test.values[0], test.values[0])
            # SQL's `is true` is false of NULL, where a query's is unknown.
            return f"({cell} is {word})" if word in ("null", "not null") else f"({cell} = {word})"
        if test.operator == "isdistinct":
            return f"({cell} is distinct from {literal(kind, test.values[0])})"
        operator = "eq" if test.operator == "in" else test.operator
        parts = [self.one(operator, cell, kind, each) for each in test.values]
        if not parts:
            return f"(case when {cell} is not null then {str(test.quantifier == 'all').lower()} end)"
        return "(" + (" and " if test.quantifier == "all" else " or ").join(parts) + ")"

    def one(self, operator: str, cell: str, kind: str, value: Any) -> str:
        if operator in ("like", "ilike"):
            return f"({cell} {operator} {literal('text', value.replace('*', '%'))})"
        return f"({cell} {_OPERATORS[operator]} {literal(kind, value)})"


def writable(condition: Condition, sight: Sight, resource: str) -> bool:
    """What `condition` of the writer knows: plain columns that exist for the caller, but JSON."""
    match condition:
        case Group(_, parts):
            return all(writable(part, sight, resource) for part in parts)
        case Negated(part):
            return writable(part, sight, resource)
        case Test():
            known = condition.column in sight.known(resource) and not condition.keys
            return known and sight.kind(resource, condition.column) not in STRUCTURED


def literal(kind: str, value: Any) -> str:
    from tests.rules.oracle.queries.kinds import stored

    plain = stored(kind, value, sqlite=True) if kind in ("timedelta", "bytes") else value
    text = "\\x" + plain.hex() if isinstance(plain, bytes) else str(plain).lower() if isinstance(plain, bool) else str(plain)
    return "'" + text.replace("'", "''") + f"'::{_TYPES[kind]}"


# ---------------------------------------------------------------- the database
async def prepare(driver: Driver) -> None:
    """A role that is nobody special, and the views by which policies see everything."""
    there = await driver.run("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE)
    if not there:
        await driver.run(f"CREATE ROLE {ROLE}")
    await driver.run("CREATE SCHEMA IF NOT EXISTS raw")
    for name in driver.tables:
        await driver.run(f'CREATE OR REPLACE VIEW raw."{name}" AS SELECT * FROM public."{name}"')
        await driver.run(f'GRANT SELECT ON public."{name}", raw."{name}" TO {ROLE}')
    await driver.run(f"GRANT USAGE ON SCHEMA raw, public TO {ROLE}")


@asynccontextmanager
async def secured(driver: Driver, name: str, policy: str) -> AsyncGenerator[None]:
    """Row level security on one table."""
    await driver.run(f'CREATE POLICY seen ON "{name}" FOR SELECT TO {ROLE} USING ({policy})')
    await driver.run(f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY')
    try:
        await driver.run(f"SET ROLE {ROLE}")
        yield
    finally:
        await driver.run("RESET ROLE")
        await driver.run(f'ALTER TABLE "{name}" DISABLE ROW LEVEL SECURITY')
        await driver.run(f'DROP POLICY seen ON "{name}"')
