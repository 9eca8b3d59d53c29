"""V(me): the rows whose read rule is true, without the cells whose field rule is not (RULES.md, 16). All that a caller asks, he asks of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.rules.oracle.draw import Caller, Rule, Table
from tests.rules.oracle.queries.scene import Rows
from tests.rules.oracle.truth import Judge, Truth

_ALWAYS: Rule = ("always", True)


class Sight:
    """One caller before the tables as they are now."""

    def __init__(self, tables: Mapping[str, Table], rows: Rows, caller: Caller) -> None:
        self.tables, self.all, self.caller = tables, rows, caller
        self.judge = Judge(tables, rows, caller)
        self._rows: dict[str, dict[Any, dict[str, Any]]] = {}
        self._known: dict[str, frozenset[str]] = {}

    def at(self, rows: Rows) -> Sight:
        """The same caller before other tables."""
        other = Sight(self.tables, rows, self.caller)
        other._known = self._known
        return other

    # ---------------------------------------------------------------- rules
    def rule(self, name: str, action: str) -> Rule:
        return self.tables[name].rules[action]

    def field_rule(self, name: str, column: str, action: str) -> Rule:
        return self.tables[name].fields.get(self.field(name, column), {}).get(action, _ALWAYS)

    def field(self, name: str, column: str) -> str:
        reference = column.removesuffix("_id")
        return reference if column.endswith("_id") and reference in self.tables[name].references else column

    def possible(self, rule: Rule, name: str) -> frozenset[Truth]:
        return self.judge.possible(rule, name)

    def says(self, rule: Rule, name: str, row: Mapping[str, Any]) -> Truth:
        return self.judge.says(rule, name, row)

    def closed(self, name: str, action: str) -> int | None:
        """401 or 403 before any row is looked at."""
        rule = self.rule(name, action)
        if action in ("update", "delete"):
            rule = ("and", (self.rule(name, "read"), rule))
        return None if True in self.possible(rule, name) else 401 if self.caller.name is None else 403

    # ---------------------------------------------------------------- what is there
    def columns(self, name: str) -> list[str]:
        table = self.tables[name]
        return ["id", *table.columns, *(f"{reference}_id" for reference in table.references)]

    def kind(self, name: str, column: str) -> str:
        field = self.field(name, column)
        if field == "id":
            return self.tables[name].key
        if field != column:
            return self.tables[self.tables[name].references[field][0]].key
        return self.tables[name].columns[column][0]

    def kinds(self, name: str) -> dict[str, str]:
        return {column: self.kind(name, column) for column in self.columns(name)}

    def known(self, name: str) -> frozenset[str]:
        """The names that exist for this caller."""
        if name not in self._known:
            self._known[name] = frozenset(
                column for column in self.columns(name) if True in self.possible(self.field_rule(name, column, "read"), name)
            )
        return self._known[name]

    def reads(self, name: str, row: Mapping[str, Any]) -> bool:
        return self.says(self.rule(name, "read"), name, row) is True

    def shown(self, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row without what is hidden in it."""
        masked = self.tables[name].fields
        return {
            column: row[column]
            for column in self.columns(name)
            if self.field(name, column) not in masked or self.says(self.field_rule(name, column, "read"), name, row) is True
        }

    def rows(self, name: str) -> dict[Any, dict[str, Any]]:
        """By key, as shown."""
        if name not in self._rows:
            self._rows[name] = {key: self.shown(name, row) for key, row in self.all[name].items() if self.reads(name, row)}
        return self._rows[name]
