"""What every request must answer and leave behind, by the specification alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tests.rules.oracle.draw import Caller, Rule, Table
from tests.rules.oracle.truth import Judge, Truth, kleene_and, kleene_not, kleene_or

_ALWAYS: frozenset[Truth] = frozenset((True,))

Rows = dict[Any, dict[str, Any]]
SEEN_BY = "known"


class Answer(NamedTuple):
    """`body` None: only the status is foretold."""

    status: int
    body: Any = None


class Model:
    """The tables as they must be, and the replies that follow from them."""

    def __init__(self, tables: Mapping[str, Table], world: dict[str, Rows]) -> None:
        self.tables, self.world = tables, world

    def judge(self, caller: Caller, world: Mapping[str, Rows] | None = None) -> Judge:
        return Judge(self.tables, world or self.world, caller)

    # ---------------------------------------------------------------- rules of rows and fields
    def rule(self, name: str, action: str) -> Rule:
        rules = self.tables[name].rules
        return rules[action] if action in ("read", "create") else ("and", (rules["read"], rules[action]))

    def closed(self, caller: Caller, name: str, action: str) -> Answer | None:
        """401 or 403 before any row is looked at."""
        if True in self.judge(caller).possible(self.rule(name, action), name):
            return None
        return Answer(401 if caller.name is None else 403)

    def field_rule(self, name: str, column: str, action: str) -> Rule:
        rules = self.tables[name].fields.get(column.removesuffix("_id") if column.removesuffix("_id") in self.tables[name].references else column)
        return ("always", True) if rules is None else rules[action]

    def known(self, caller: Caller, name: str) -> set[str]:
        """The columns that exist for the caller."""
        judge = self.judge(caller)
        return {column for column in self.columns(name) if True in judge.possible(self.field_rule(name, column, "read"), name)}

    def columns(self, name: str) -> list[str]:
        table = self.tables[name]
        return ["id", *table.columns, *(f"{column}_id" for column in table.references)]

    def shown(self, caller: Caller, name: str, row: Mapping[str, Any], world: Mapping[str, Rows] | None = None) -> dict[str, Any]:
        judge = self.judge(caller, world)
        return {column: row[column] for column in self.columns(name) if judge.says(self.field_rule(name, column, "read"), name, row) is True}

    def visible(self, caller: Caller, name: str) -> list[dict[str, Any]]:
        judge = self.judge(caller)
        return [row for row in self.world[name].values() if judge.says(self.tables[name].rules["read"], name, row) is True]

    # ---------------------------------------------------------------- reading
    def get(self, caller: Caller, name: str, key: Any) -> Answer:
        closed = self.closed(caller, name, "read")
        if closed:
            return closed
        row = next((each for each in self.visible(caller, name) if each["id"] == key), None)
        return Answer(404) if row is None else Answer(200, self.shown(caller, name, row))

    def page(self, caller: Caller, name: str, where: Rule | None, order: tuple[str, bool] | None) -> Answer:
        closed = self.closed(caller, name, "read")
        if closed:
            return closed
        known = self.known(caller, name)
        if not {*_named(where), *([order[0]] if order else [])} <= known:
            return Answer(400)
        rows = [self.shown(caller, name, row) for row in self.visible(caller, name)]
        chosen = [row for row in rows if where is None or self._asked(caller, name, where, row) is True]
        chosen.sort(key=lambda row: row["id"], reverse=bool(order and order[1]))
        if order:
            column, descending = order
            kind = "integer" if column == "id" else self.tables[name].columns[column][0]
            with_value = sorted([row for row in chosen if row.get(column) is not None], key=lambda row: _key(kind, row[column]), reverse=descending)
            without = [row for row in chosen if row.get(column) is None]
            chosen = [*without, *with_value] if descending else [*with_value, *without]
        return Answer(200, chosen)

    def _asked(self, caller: Caller, name: str, where: Rule, shown: Mapping[str, Any]) -> Truth:
        """A caller's question sees only what he is shown: a hidden cell is unknown, also to `is.null`."""
        match where:
            case ("and", parts):
                return kleene_and([self._asked(caller, name, part, shown) for part in parts])
            case ("or", parts):
                return kleene_or([self._asked(caller, name, part, shown) for part in parts])
            case ("not", part):
                return kleene_not(self._asked(caller, name, part, shown))
            case leaf:
                return self.judge(caller).leaf(leaf, name, shown) if set(_named(leaf)) <= shown.keys() else None

    # ---------------------------------------------------------------- writing
    def create(self, caller: Caller, name: str, bodies: list[dict[str, Any]]) -> tuple[Answer, list[dict[str, Any]]]:
        """The answer to a POST (of one body, or an array), and the rows that it stores (without keys)."""
        closed = self.closed(caller, name, "create")
        if closed:
            return closed, []
        judge = self.judge(caller)
        given = {column for body in bodies for column in body}
        creatable = {column for column in given if True in judge.possible(self.field_rule(name, column, "create"), name)}
        if not given <= self.known(caller, name) | creatable:
            return Answer(400), []
        if given != creatable:
            return Answer(403), []
        rows = [{**dict.fromkeys(self.columns(name)), **body} for body in bodies]
        for row, body in zip(rows, bodies, strict=True):
            rules = [self.tables[name].rules["create"], *(self.field_rule(name, column, "create") for column in body)]
            if any(judge.says(rule, name, row) is not True for rule in rules):
                return Answer(403), []
        if any(not self.may_refer(caller, name, row, set(row)) for row in rows):
            return Answer(409), []
        return Answer(201), rows

    def may_refer(self, caller: Caller, name: str, row: Mapping[str, Any], columns: set[str]) -> bool:
        for column, (target, _, _) in self.tables[name].references.items():
            key = row[f"{column}_id"]
            if f"{column}_id" not in columns or key is None or target == "users":
                continue
            found = self.world[target].get(key)
            if found is None or self.judge(caller).says(self.tables[target].rules["read"], target, found) is not True:
                return False
        return True

    def update(self, caller: Caller, name: str, key: Any, body: dict[str, Any]) -> tuple[Answer, dict[str, Any] | None]:
        """The answer to a PATCH, and the row as it must be stored (None: unchanged)."""
        closed = self.closed(caller, name, "update")
        if closed:
            return closed, None
        judge, rules = self.judge(caller), self.tables[name].rules
        writable = {column for column in body if True in judge.possible(self.field_rule(name, column, "update"), name)}
        if not set(body) <= self.known(caller, name) | writable:
            return Answer(400), None
        row = self.world[name].get(key)
        if row is None or judge.says(rules["read"], name, row) is not True:
            return Answer(404), None
        if judge.says(rules["update"], name, row) is not True:
            return Answer(403), None
        shown = self.shown(caller, name, row)
        changes: dict[str, Any] = {}
        for column, value in body.items():
            rule = self.field_rule(name, column, "update")
            # Not always writable, readable here and equal to what is stored: ignored, so that a row that was read can be sent back.
            if judge.possible(rule, name) != _ALWAYS and column in shown and self._equal(name, column, shown[column], value):
                continue
            changes[column] = value
        candidate = {**row, **changes}
        for column in changes:
            rule = self.field_rule(name, column, "update")
            if judge.says(rule, name, row) is not True or judge.says(rule, name, candidate) is not True:
                return Answer(403), None
        if changes and judge.says(rules.get("update_check", rules["update"]), name, candidate) is not True:
            return Answer(403), None
        if not self.may_refer(caller, name, candidate, set(changes)):
            return Answer(409), None
        return Answer(200), candidate

    def _equal(self, name: str, column: str, stored: Any, given: Any) -> bool:
        kind = self.tables[name].columns.get(column, ("uuid", True))[0]
        return stored is given is None or (stored is not None and given is not None and _key(kind, stored) == _key(kind, given))

    def delete(self, caller: Caller, name: str, key: Any) -> tuple[Answer, dict[str, Rows] | None]:
        """The answer to a DELETE, and the tables as they must be afterwards (None: unchanged)."""
        closed = self.closed(caller, name, "delete")
        if closed:
            return closed, None
        judge = self.judge(caller)
        row = self.world[name].get(key)
        if row is None or judge.says(self.tables[name].rules["read"], name, row) is not True:
            return Answer(404), None
        if judge.says(self.tables[name].rules["delete"], name, row) is not True:
            return Answer(403), None
        after = copy.deepcopy(self.world)
        gone = self._doomed(name, key)
        for resource, each in gone:
            after[resource].pop(each, None)
        for resource, table in self.tables.items():
            for column, (target, _, on_delete) in table.references.items():
                for each in after[resource].values():
                    if (target, each[f"{column}_id"]) in gone:
                        if on_delete != "set_null":
                            return Answer(409), None
                        each[f"{column}_id"] = None
        return Answer(204), after

    def _doomed(self, name: str, key: Any) -> set[tuple[str, Any]]:
        doomed, waiting = {(name, key)}, [(name, key)]
        while waiting:
            gone = waiting.pop()
            for resource, table in self.tables.items():
                for column, (target, _, on_delete) in table.references.items():
                    if on_delete == "cascade":
                        more = {(resource, each["id"]) for each in self.world[resource].values() if (target, each[f"{column}_id"]) == gone} - doomed
                        doomed |= more
                        waiting += more
        return doomed


def _named(rule: Rule | None) -> list[str]:
    match rule:
        case None:
            return []
        case ("and" | "or", parts):
            return [name for part in parts for name in _named(part)]
        case ("not", part):
            return _named(part)
        case _:
            return [side[1][0] for side in rule if isinstance(side, tuple) and side[:1] == ("row",)]


def _key(kind: str, value: Any) -> Any:
    """What orders values of a kind."""
    match kind:
        case "text":
            return value.encode()
        case "decimal":
            return Decimal(value)
        case "datetime":
            return datetime.fromisoformat(value).astimezone(UTC)
        case _:
            return value
