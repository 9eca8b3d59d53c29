"""The spelling of queries (PostgREST's), taken apart: text into a small tree of names, operators and values. Knows no resource.

    ?done=is.false                          parameter := column "=" condition
    ?due=not.lt.2026-01-01                  condition := ["not."] operator ["(any)" | "(all)"] "." value
    ?status=in.(draft,"on hold")            value of in := "(" [item ("," item)*] ")"
    ?title=plfts(simple).milk tea           language  := "(" name ")", of fts, plfts, wfts
    ?title=ilike(any).{*milk*,*tea*}        value of any, all := "{" [item ("," item)*] "}"
    ?or=(done.is.true,and(a.eq.1,b.gt.2))   group     := "(" member ("," member)* ")"
                                            member    := ["not."] ("and" | "or") group | column "." condition
    ?order=due.desc.nullslast,id            sort      := place ["." ("asc" | "desc")] ["." ("nullsfirst" | "nullslast")]
    ?order=owner(email)                     place     := column | relation "(" column ")"
    ?data->>city=eq.Paris                   column    := name (("->" | "->>") (key | index))*

At the top level a value is everything after its operator; inside a group it ends at `,` or `)`, unless it stands in double quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backroom.validation.scanner import Column, Misspelled, Scanner

#: Deepest nesting of `or=(and(or(...)))`.
MAX_DEPTH = 5
#: Columns of one `order`: paths into JSON have no end, and each is computed for every row.
MAX_SORTS = 20

OPERATORS = (
    "eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "like", "ilike", "match", "imatch", "isdistinct", "cs", "cd", "ov", "fts", "plfts", "wfts",
)  # fmt: skip
#: Those that may ask for any or all of several values.
QUANTIFIED = frozenset({"eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch"})
#: Part of the grammar, answered by a later version: the refusal says so instead of calling them unknown.
NOT_YET = frozenset({"sl", "sr", "nxl", "nxr", "adj", "phfts"})
#: Those that may name a language: `fts(english)`.
SEARCHING = frozenset({"fts", "plfts", "wfts"})
_CONFIG = re.compile(r"\(([^()]{1,40})\)")


@dataclass(frozen=True, slots=True)
class Test:
    """`column operator value`; `in`, and what has a `quantifier`, have their values as a tuple."""

    column: Column
    operator: str
    value: str | tuple[str, ...]
    negated: bool = False
    quantifier: Literal["any", "all"] | None = None
    config: str | None = None  # of text search


@dataclass(frozen=True, slots=True)
class Group:
    """`and(...)` or `or(...)`."""

    word: Literal["and", "or"]
    members: tuple[Tree, ...]
    negated: bool = False


Tree: TypeAlias = "Test | Group"


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order; `relation` where the column is one of the row that a relation reaches."""

    column: Column
    descending: bool = False
    nulls_first: bool | None = None
    relation: str | None = None


class NoOperator(Misspelled):
    """A value that does not begin with an operator. Whoever knows the column's type says what to write."""

    def __init__(self, column: Column, value: str, word: str | None) -> None:
        self.column = column
        self.value = value
        self.word = word  # what stands where the operator should
        super().__init__("needs an operator", "operator")


def parse_place(text: str) -> tuple[tuple[str, ...], Column]:
    """A parameter's name: the relations on the way, and the column (or the word, like `order`) at its end."""
    reader = _Reader(text)
    way: list[str] = []
    column = reader.column()
    while reader.take("."):
        if column.keys:
            reader.fail(f"nothing may follow a path into JSON, and `{text[reader.at :][:40]}` does; put a key with a dot in double quotes")
        way.append(column.name)
        column = reader.column()
    reader.end()
    return tuple(way), column


def parse_condition(column: Column, text: str) -> Test:
    """The value of a parameter named like a column."""
    return _Reader(text).condition(column, nested=False)


def parse_list(text: str) -> tuple[str | None, ...]:
    """`{a,"b c",NULL}`, Postgres' spelling of a list; None for an unquoted NULL."""
    reader = Scanner(text)
    reader.need("{")
    values: list[str | None] = []
    while not reader.take("}"):
        if values:
            reader.need(",")
        quoted = reader.sees('"')
        item = reader.item(",}")
        values.append(None if item.upper() == "NULL" and not quoted else item)
    reader.end()
    return tuple(values)


def parse_group(word: Literal["and", "or"], text: str, *, negated: bool = False) -> Group:
    """The value of `or=`, `and=`, `not.or=`, `not.and=`."""
    reader = _Reader(text)
    group = reader.group(word, negated, depth=1)
    reader.end()
    return group


def parse_order(text: str) -> tuple[Sort, ...]:
    """The value of `order=`."""
    reader = _Reader(text)
    sorts = [reader.sort()]
    while reader.take(","):
        if len(sorts) == MAX_SORTS:
            reader.fail(f"it names more than {MAX_SORTS} columns", "too_many")
        sorts.append(reader.sort())
    reader.end()
    return tuple(sorts)


def parse_columns(text: str) -> tuple[str, ...]:
    """The value of `columns=` and of `on_conflict=`. Blanks around a name mean nothing: `on_conflict=owner_id, day` is what people write."""
    reader = Scanner(",".join(name.strip(" ") for name in text.split(",")))
    names = [reader.name()]
    while reader.take(","):
        names.append(reader.name())
    reader.end()
    return tuple(names)


class _Reader(Scanner):
    def condition(self, column: Column, *, nested: bool) -> Test:
        negated = self.take("not.")
        start = self.at
        word = self.word()
        after = self.at
        if word in NOT_YET:
            self.fail(f"the operator `{word}` is not available", "unavailable")
        quantifier: Literal["any", "all"] | None = None
        for each in _QUANTIFIERS if word in OPERATORS else ():
            if self.text.startswith(f"({each})", after):
                if word not in QUANTIFIED:
                    self.fail(f"`{word}` takes no `({each})`; {', '.join(sorted(QUANTIFIED))} do", "operator")
                quantifier, after = each, after + len(each) + 2
        config = _CONFIG.match(self.text, after) if word in SEARCHING else None
        if config is not None:
            after = config.end()
        if word not in OPERATORS or not self.text.startswith(".", after):
            shown = re.split("[,)]", self.text[start:], maxsplit=1)[0] if nested else self.text[start:]
            raise NoOperator(column, shown[:60], word if self.text.startswith(".", after) else None)
        self.at = after + 1
        if word == "in" or quantifier is not None:
            values = self.items("(", ")") if quantifier is None else self.items("{", "}")
            if not nested:
                self.end()
            return Test(column, word, values, negated, quantifier)
        return Test(column, word, self.value(nested=nested), negated, config=config[1] if config is not None else None)

    def value(self, *, nested: bool) -> str:
        if not nested:
            value, self.at = self.text[self.at :], len(self.text)
            return value
        return self.item()

    # -- trees
    def group(self, word: Literal["and", "or"], negated: bool, depth: int) -> Group:
        if depth > MAX_DEPTH:
            self.fail(f"conditions are nested deeper than {MAX_DEPTH} levels", "too_many")
        self.need("(")
        members = [self.member(depth)]
        while self.take(","):
            members.append(self.member(depth))
        self.need(")")
        return Group(word, tuple(members), negated)

    def member(self, depth: int) -> Tree:
        for negation in ("", "not."):
            for word in _WORDS:
                if self.sees(f"{negation}{word}("):
                    self.at += len(negation) + len(word)
                    return self.group(word, bool(negation), depth + 1)
        column = self.column()
        self.need(".")
        return self.condition(column, nested=True)

    def sort(self) -> Sort:
        elsewhere = _ORDER_ELSEWHERE.match(self.text, self.at)
        way = elsewhere and (elsewhere["way"] or elsewhere["upper"] or (elsewhere["minus"] and "desc"))
        if elsewhere and way:
            self.fail(f"`{elsewhere[0]}` is no order here; write `{elsewhere['name']}.{way.lower()}`")
        column, relation = self.column(), None
        if not column.keys and self.take("("):
            relation, column = column.name, self.column()
            self.need(")")
        descending, nulls_first = False, None
        words: list[str] = []
        while self.take("."):
            words.append(self.word())
        kinds = [0 if word in ("asc", "desc") else 1 if word in ("nullsfirst", "nullslast") else 2 for word in words]
        if kinds not in ([], [0], [1], [0, 1]):
            self.fail(f"`{'.'.join([str(column), *words])}` is no order; write `{column}.desc` or `{column}.asc.nullslast`")
        for word in words:
            descending = word == "desc" or descending
            nulls_first = word == "nullsfirst" if word.startswith("nulls") else nulls_first
        return Sort(column, descending, nulls_first, relation)


#: How other grammars say it: `-created_at`, `created_at desc`, `created_at:desc`, `created_at.DESC`.
_ORDER_ELSEWHERE = re.compile(r"(?P<minus>-)?(?P<name>\w{1,63})(?:[ :](?P<way>(?i:asc|desc))|\.(?P<upper>ASC|DESC))?(?=[,.]|\Z)")
_WORDS: tuple[Literal["and", "or"], ...] = ("and", "or")
_QUANTIFIERS: tuple[Literal["any", "all"], ...] = ("any", "all")
