"""The spelling of queries (PostgREST's), taken apart: text into a small tree of names, operators and values. Knows no resource.

    ?done=is.false                          parameter := column "=" condition
    ?due=not.lt.2026-01-01                  condition := ["not."] operator ["(any)" | "(all)"] "." value
    ?status=in.(draft,"on hold")            value of in := "(" [item ("," item)*] ")"
    ?title=ilike(any).{*milk*,*tea*}        value of any, all := "{" [item ("," item)*] "}"
    ?or=(done.is.true,and(a.eq.1,b.gt.2))   group     := "(" member ("," member)* ")"
                                            member    := ["not."] ("and" | "or") group | column "." condition
    ?order=due.desc.nullslast,id            sort      := column ["." ("asc" | "desc")] ["." ("nullsfirst" | "nullslast")]

At the top level a value is everything after its operator; inside a group it ends at `,` or `)`, unless it stands in double quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

#: Deepest nesting of `or=(and(or(...)))`.
MAX_DEPTH = 5

OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "like", "ilike", "isdistinct", "cs", "cd", "ov")
#: Those that may ask for any or all of several values.
QUANTIFIED = frozenset({"eq", "gt", "gte", "lt", "lte", "like", "ilike"})
#: Part of the grammar, answered by a later version: the refusal says so instead of calling them unknown.
#: `match` is not among those to come: a pattern of the caller's own, run beside the rule, tells by its errors and its time of rows he may not read.
NOT_YET = frozenset({"match", "imatch", "sl", "sr", "nxl", "nxr", "adj", "fts", "plfts", "phfts", "wfts"})

_NAME = re.compile(r'"(?:[^"\\]|\\.)*"|[^.,()":=]+')
_WORD = re.compile(r"[a-zA-Z_]+")


@dataclass(frozen=True, slots=True)
class Test:
    """`column operator value`; `in`, and what has a `quantifier`, have their values as a tuple."""

    column: str
    operator: str
    value: str | tuple[str, ...]
    negated: bool = False
    quantifier: Literal["any", "all"] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`and(...)` or `or(...)`."""

    word: Literal["and", "or"]
    members: tuple[Tree, ...]
    negated: bool = False


Tree: TypeAlias = "Test | Group"


@dataclass(frozen=True, slots=True)
class Sort:
    column: str
    descending: bool = False
    nulls_first: bool | None = None


class Misspelled(ValueError):
    """The text does not follow the grammar. The message is one sentence without the parameter's name; `code` is a Fault's."""

    def __init__(self, sentence: str, code: str = "syntax") -> None:
        self.code = code
        super().__init__(sentence)


def parse_condition(column: str, text: str) -> Test:
    """The value of a parameter named like a column."""
    return _Reader(text).condition(column, nested=False)


def parse_list(text: str) -> tuple[str | None, ...]:
    """`{a,"b c",NULL}`, Postgres' spelling of a list; None for an unquoted NULL."""
    reader = _Reader(text)
    reader.need("{")
    values: list[str | None] = []
    while not reader.take("}"):
        if values:
            reader.need(",")
        quoted = reader.text.startswith('"', reader.at)
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
        sorts.append(reader.sort())
    reader.end()
    return tuple(sorts)


def parse_columns(text: str) -> tuple[str, ...]:
    """The value of `select=` (as far as plain columns go) and of `on_conflict=`."""
    reader = _Reader(text)
    names = [reader.plain_name()]
    while reader.take(","):
        names.append(reader.plain_name())
    reader.end()
    return tuple(names)


class _Reader:
    """Recursive descent over one parameter's value. `at` only moves forward, so every parse takes one walk over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    # -- letters
    def take(self, letters: str) -> bool:
        found = self.text.startswith(letters, self.at)
        self.at += len(letters) if found else 0
        return found

    def need(self, letter: str) -> None:
        if not self.take(letter):
            seen = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
            self.fail(f"expected {letter!r} at character {self.at + 1}, found {seen}")

    def end(self) -> None:
        if self.at < len(self.text):
            self.fail(f"nothing may follow at character {self.at + 1} (`{self.text[self.at : self.at + 20]}`)")

    def fail(self, sentence: str, code: str = "syntax") -> NoReturn:
        raise Misspelled(sentence, code)

    # -- words
    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            self.fail(f"expected a column's name at character {self.at + 1}")
        self.at = found.end()
        name = _unquoted(found[0]) if found[0].startswith('"') else found[0]
        if "->" in name:
            self.fail("paths into JSON are not available yet", "unavailable")
        return name

    def plain_name(self) -> str:
        name = self.name()
        if self.text.startswith("::", self.at):
            self.fail("casts are not available yet", "unavailable")
        if self.text.startswith(":", self.at):
            self.fail("renamed columns are not available yet", "unavailable")
        if self.text.startswith("(", self.at) or name.startswith("...") or "!" in name:
            self.fail("relations in `select` are not available yet", "unavailable")
        if self.text.startswith(".", self.at):
            self.fail("aggregates and columns of relations are not available yet", "unavailable")
        return name

    def condition(self, column: str, *, nested: bool) -> Test:
        negated = self.take("not.")
        start = self.at
        found = _WORD.match(self.text, start)
        word = found[0] if found else ""
        after = start + len(word)
        if word in NOT_YET:
            self.fail(f"the operator `{word}` is not available", "unavailable")
        quantifier: Literal["any", "all"] | None = None
        for each in _QUANTIFIERS if word in OPERATORS else ():
            if self.text.startswith(f"({each})", after):
                if word not in QUANTIFIED:
                    self.fail(f"`{word}` takes no `({each})`; {', '.join(sorted(QUANTIFIED))} do", "operator")
                quantifier, after = each, after + len(each) + 2
        if word not in OPERATORS or not self.text.startswith(".", after):
            shown = re.split("[,)]", self.text[start:], maxsplit=1)[0] if nested else self.text[start:]
            raise NoOperator(column, shown[:60], word if self.text.startswith(".", after) else None)
        self.at = after + 1
        if word == "in" or quantifier is not None:
            values = self.items("(", ")") if quantifier is None else self.items("{", "}")
            if not nested:
                self.end()
            return Test(column, word, values, negated, quantifier)
        return Test(column, word, self.value(nested=nested), negated)

    def value(self, *, nested: bool) -> str:
        if not nested:
            value, self.at = self.text[self.at :], len(self.text)
            return value
        return self.item()

    def item(self, until: str = ",)") -> str:
        """A value in a list: in quotes, or up to the next `,` or closing bracket."""
        if self.take('"'):
            letters: list[str] = []
            while self.at < len(self.text) and self.text[self.at] != '"':
                self.at += self.text[self.at] == "\\" and self.at + 1 < len(self.text)
                letters.append(self.text[self.at])
                self.at += 1
            self.need('"')
            return "".join(letters)
        start = self.at
        ends = "}" if self.text.startswith("{", start) and "}" in self.text[start:] else until  # `{a,b}` is one value
        while self.at < len(self.text) and self.text[self.at] not in ends:
            self.at += 1
        self.at += ends == "}"
        return self.text[start : self.at]

    def items(self, opening: str, closing: str) -> tuple[str, ...]:
        self.need(opening)
        if self.take(closing):
            return ()
        values = [self.item(f",{closing}")]
        while self.take(","):
            values.append(self.item(f",{closing}"))
        self.need(closing)
        return tuple(values)

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
                if self.text.startswith(f"{negation}{word}(", self.at):
                    self.at += len(negation) + len(word)
                    return self.group(word, bool(negation), depth + 1)
        column = self.name()
        self.need(".")
        return self.condition(column, nested=True)

    def sort(self) -> Sort:
        column = self.name()
        if self.text.startswith("(", self.at):
            self.fail("order by a relation is not available yet", "unavailable")
        descending, nulls_first = False, None
        words: list[str] = []
        while self.take("."):
            found = _WORD.match(self.text, self.at)
            words.append(found[0] if found else "")
            self.at += len(words[-1])
        kinds = [0 if word in ("asc", "desc") else 1 if word in ("nullsfirst", "nullslast") else 2 for word in words]
        if kinds not in ([], [0], [1], [0, 1]):
            self.fail(f"`{'.'.join([column, *words])}` is no order; write `{column}.desc` or `{column}.asc.nullslast`")
        for word in words:
            descending = word == "desc" or descending
            nulls_first = word == "nullsfirst" if word.startswith("nulls") else nulls_first
        return Sort(column, descending, nulls_first)


class NoOperator(Misspelled):
    """A value that does not begin with an operator. Whoever knows the column's type says what to write."""

    def __init__(self, column: str, value: str, word: str | None) -> None:
        self.column = column
        self.value = value
        self.word = word  # what stands where the operator should
        super().__init__("needs an operator", "operator")


_WORDS: tuple[Literal["and", "or"], ...] = ("and", "or")
_QUANTIFIERS: tuple[Literal["any", "all"], ...] = ("any", "all")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
