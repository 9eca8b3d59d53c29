"""A write -> the reply, and the tables afterwards, by RULES.md 23-33: by filter, of arrays, into the place that a unique key says."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from tests.rules.oracle.queries.answers import Answer
from tests.rules.oracle.queries.kinds import STRUCTURED, is_list, key
from tests.rules.oracle.queries.levels import Fault, Level
from tests.rules.oracle.queries.questions import Question, embeds_of
from tests.rules.oracle.queries.scene import Rows, clashes
from tests.rules.oracle.queries.selections import Bag, shown
from tests.rules.oracle.queries.sight import Sight

Row = dict[str, Any]


class New(NamedTuple):
    """Stands for the key of a row that the server will number."""

    number: int


class Outcome(NamedTuple):
    """`rows` None: nothing changes. `touched`: the keys of the written rows, new ones as `New`."""

    status: int
    rows: Rows | None = None
    touched: tuple[Any, ...] = ()


class Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


class Writes:
    """What one caller's writes do."""

    def __init__(self, sight: Sight, question: Question) -> None:
        self.sight, self.question, self.name = sight, question, question.resource
        self.table = sight.tables[self.name]

    def outcome(self) -> Outcome:
        work = {"POST": self.post, "PATCH": self.patch, "DELETE": self.delete}[self.question.method]
        try:
            return work()
        except Refused as refused:
            return Outcome(refused.status)

    # ---------------------------------------------------------------- the parts
    def authorize(self, action: str) -> None:
        closed = self.sight.closed(self.name, action)
        if closed is not None:
            raise Refused(closed)

    def require(self, allowed: bool, status: int) -> None:
        if not allowed:
            raise Refused(status)

    def never(self, column: str, action: str) -> bool:
        return True not in self.sight.possible(self.sight.field_rule(self.name, column, action), self.name)

    def takes(self, columns: Iterable[str], action: str) -> None:
        """A name that he can neither see nor write does not exist for him."""
        self.require(all(column in self.sight.known(self.name) or not self.never(column, action) for column in columns), 400)

    def is_true(self, sight: Sight, rule: str, row: Mapping[str, Any]) -> bool:
        return sight.says(sight.tables[self.name].rules[rule], self.name, row) is True

    def field_allows(self, sight: Sight, column: str, action: str, *rows: Mapping[str, Any]) -> bool:
        rule = sight.field_rule(self.name, column, action)
        return all(sight.says(rule, self.name, row) is True for row in rows)

    def refers(self, sight: Sight, row: Mapping[str, Any], columns: Collection[str]) -> bool:
        """What the caller refers to is there, and his to read."""
        for reference, (target, _, _) in self.table.references.items():
            key = row[f"{reference}_id"]
            if f"{reference}_id" in columns and key is not None and target != "users":
                found = sight.all[target].get(key)
                if found is None or not sight.reads(target, found):
                    return False
        return True

    def level(self) -> Level:
        try:
            level = Level(self.sight, self.name, self.question.items, self.question.where, ())
        except Fault:
            raise Refused(400) from None
        self.require(not level.grouped, 400)  # aggregates are for lists
        return level

    @property
    def filtered(self) -> bool:
        """A relation that must be there says which rows, too."""
        return bool(self.question.where) or any(embed.join == "inner" for embed in embeds_of(self.question.items))

    def matched(self) -> list[Row]:
        """The rows (whole) that he may read and the filter matches as he sees them."""
        found = self.level().matching(list(self.sight.rows(self.name).values()))
        self.require(self.filtered, 400)
        return [self.sight.all[self.name][row["id"]] for row in found]

    def one(self, count: int) -> None:
        """Who takes one row as an object means one; `return=minimal`, the second face's default, takes none."""
        wanted = self.question.returns
        if self.question.one and (wanted == "representation" or (wanted is None and not self.question.is_postgrest)):
            self.require(count == 1, 406)

    @property
    def shows(self) -> bool:
        """The reply has rows."""
        wanted = self.question.returns
        plain = not self.question.is_postgrest and self.question.method != "DELETE"
        return wanted == "representation" or (wanted is None and plain)

    # ---------------------------------------------------------------- by filter
    def patch(self) -> Outcome:
        self.authorize("update")
        matched, sight, body = self.matched(), self.sight, dict(self.question.body)
        self.takes(body, "update")
        for column in [each for each in body if self.never(each, "update")]:
            same = all(column in sight.shown(self.name, row) and self.equal(column, row[column], body[column]) for row in matched)
            comparable = column in sight.known(self.name) and sight.kind(self.name, column) not in STRUCTURED
            self.require(same and comparable, 403)
            del body[column]
        if not body:
            self.one(len(matched))
            return Outcome(200, None, tuple(row["id"] for row in matched))
        chosen_ = [
            row for row in matched if self.is_true(sight, "update", row) and all(self.field_allows(sight, column, "update", row) for column in body)
        ]
        check = "update_check" if "update_check" in self.table.rules else "update"
        candidates = [{**row, **body} for row in chosen_]
        for row in candidates:
            self.require(self.is_true(sight, check, row) and all(self.field_allows(sight, each, "update", row) for each in body), 403)
        self.require(all(self.refers(sight, row, body) for row in candidates), 409)
        after = self.stored(sight.all, candidates)
        self.one(len(candidates))
        return Outcome(200, after, tuple(row["id"] for row in candidates))

    def equal(self, column: str, one: Any, other: Any) -> bool:
        kind = self.sight.kind(self.name, column)
        return one is other is None or (one is not None and other is not None and key(kind, one) == key(kind, other))

    def stored(self, rows: Rows, changed: Iterable[Row]) -> Rows:
        """The tables with these rows of this resource in place. 409 where two would share a unique key."""
        after = {**rows, self.name: {**rows[self.name], **{row["id"]: row for row in changed}}}
        for row in after[self.name].values():
            self.require(not clashes(self.table, row, after[self.name].values()), 409)
        return after

    def delete(self) -> Outcome:
        self.authorize("delete")
        doomed = [row["id"] for row in self.matched() if self.is_true(self.sight, "delete", row)]
        after = self.without(doomed)
        self.one(len(doomed))
        return Outcome(200, after, tuple(doomed))

    def without(self, keys: list[Any]) -> Rows:
        """The tables without these rows, and without what they cascade to. 409 where another row still needs one of them."""
        after = copy.deepcopy(self.sight.all)
        gone = {(self.name, key) for key in keys}
        waiting = list(gone)
        ties = [(name, reference, *tie) for name, table in self.sight.tables.items() for reference, tie in table.references.items()]
        while waiting:
            target, key = waiting.pop()
            for name, reference, its, _, on_delete in ties:
                if on_delete == "cascade" and its == target:
                    more = {(name, each["id"]) for each in after[name].values() if each[f"{reference}_id"] == key} - gone
                    gone |= more
                    waiting += more
        for name, key in gone:
            del after[name][key]
        for name, reference, target, _, on_delete in ties:
            for row in after[name].values():
                if (target, row[f"{reference}_id"]) in gone:
                    self.require(on_delete == "set_null", 409)
                    row[f"{reference}_id"] = None
        return after

    # ---------------------------------------------------------------- new rows
    def post(self) -> Outcome:
        self.authorize("create")
        question = self.question
        bodies: list[Row] = question.body if is_list(question.body) else [question.body]
        self.level()
        self.require(not self.filtered, 400)
        self.takes(question.named or (), "create")
        place = self.place()
        for body in bodies:
            self.takes((each for each in body if each != "id"), "create")
        if question.named is not None:
            bodies = [self.only_named(body, question.named) for body in bodies]
        self.require(place == ("id",) or not any("id" in body for body in bodies), 400)
        if question.one:
            self.require(len(bodies) == 1, 406)
        if place is None:
            return self.insert(bodies)
        from tests.rules.oracle.queries.upserts import upsert

        return upsert(self, bodies, place)

    def place(self) -> tuple[str, ...] | None:
        """The columns of an upsert's key."""
        question = self.question
        if question.resolution is None:
            self.require(question.on_conflict is None, 400)
            return None
        place = question.on_conflict or ("id",)
        groups = [{f"{each}_id" if each in self.table.references else each for each in group} for group in self.table.unique]
        self.require(set(place) <= self.sight.known(self.name), 400)
        self.require(set(place) == {"id"} or set(place) in groups, 400)
        return place

    def only_named(self, body: Row, named: tuple[str, ...]) -> Row:
        nullable = {column for column, (_, empty) in self.table.columns.items() if empty}
        nullable |= {f"{reference}_id" for reference, (_, empty, _) in self.table.references.items() if empty}
        empty = {} if self.question.missing == "default" else {column: None for column in named if column in nullable}
        return {**empty, **{column: value for column, value in body.items() if column in named}}

    def complete(self, body: Row) -> Row:
        return {**dict.fromkeys(self.sight.columns(self.name)), **self.table.defaults, **body}

    def insert(self, bodies: list[Row]) -> Outcome:
        rows = [self.complete(body) for body in bodies]
        for row, body in zip(rows, bodies, strict=True):
            self.judge_new(self.sight, row, body)
        self.require(all(self.refers(self.sight, row, body) for row, body in zip(rows, bodies, strict=True)), 409)
        made = [{**row, "id": New(number)} for number, row in enumerate(rows)]
        return Outcome(201, self.stored(self.sight.all, made), tuple(row["id"] for row in made))

    def judge_new(self, sight: Sight, row: Row, given: Collection[str]) -> None:
        """A new row has no key yet: nothing belongs to it."""
        new = {**row, "id": None}
        self.require(self.is_true(sight, "create", new) and all(self.field_allows(sight, each, "create", new) for each in given if each != "id"), 403)


# ---------------------------------------------------------------- the reply
def reply(writes: Writes, outcome: Outcome, after: Sight) -> Answer:
    """What the caller may read of the written rows when all is done (RULES.md, 27). A deleted row is shown as it was."""
    question, count = writes.question, len(outcome.touched)
    if outcome.status >= 400:
        return Answer(outcome.status)
    counted = question.counted or not question.is_postgrest
    deleted, posted = question.method == "DELETE", question.method == "POST"
    total = str(count) if counted or posted else "*"
    span: str | None = f"*/{total}"
    if question.method == "PATCH":
        span = f"{f'0-{count - 1}' if count and question.is_postgrest else '*'}/{total}"
    if not writes.shows:
        return Answer(outcome.status if posted else 204, None, span=span)
    before = writes.sight.rows(question.resource) if deleted else after.rows(question.resource)
    level = Level(writes.sight if deleted else after, question.resource, question.items, (), ())
    rows = [shown(level, before[key]) for key in outcome.touched if key in before]
    one = question.one or (posted and not question.is_postgrest and not isinstance(question.body, list))
    if one:
        return Answer(outcome.status, rows[0] if rows else {}, None if posted and not question.is_postgrest else span)
    return Answer(outcome.status, rows if posted else Bag(rows), span)
