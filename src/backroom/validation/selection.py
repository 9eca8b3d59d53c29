"""`select=` taken apart: columns, aggregates and relations, as they are written. Knows no resource.

?select=id,due                          select    := item ("," item)*
?select=name:title,price::text          item      := "*" | [alias ":"] column ["::" cast] | [alias ":"] aggregate | relation
?select=status,total.sum(),count()      aggregate := column "." ("sum" | "avg" | "min" | "max" | "count") "()" ["::" cast] | "count()"
?select=*,author:owner(email)           relation  := [alias ":" | "..."] name ("!" hint | "!inner" | "!left")* "(" [select] ")"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from backroom.validation.scanner import Column, Scanner

#: Relations within relations, at most.
MAX_DEPTH = 5
#: Items of a whole `select`, at most: each relation is a question of its own to the database.
MAX_ITEMS = 200
MAX_RELATIONS = 20

_JOINS = ("inner", "left")
AGGREGATES = ("sum", "avg", "min", "max", "count")
_ALIAS = re.compile(r'("(?:[^"\\]|\\.)*"|[^.,()":=!]+):(?!:)')
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*(,[a-z_][a-z0-9_]*)*\Z")


@dataclass(frozen=True, slots=True)
class Star:
    """`*`: every column that this caller may see."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A column, or what its values come to; `column` None: the number of rows."""

    column: Column | None
    alias: str | None = None
    cast: str | None = None
    aggregate: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """The rows that a relation reaches. `spread`: their columns stand among ours."""

    name: str
    items: tuple[Item, ...]
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False


Item: TypeAlias = "Star | Picked | Reached"


def is_plain(text: str) -> bool:
    """Nothing but columns by their names."""
    return _PLAIN.match(text) is not None


def parse_select(text: str) -> tuple[Item, ...]:
    """The value of `select=`. Blanks outside of quotes mean nothing. Raises `Misspelled`."""
    reader = _Reader("".join(part if part.startswith('"') else re.sub(r"\s+", "", part) for part in re.split(r'("(?:[^"\\]|\\.)*")', text)))
    items = reader.list(depth=0)
    reader.end()
    return items


class _Reader(Scanner):
    count = 0
    relations = 0

    def list(self, depth: int) -> tuple[Item, ...]:
        items = [self.one(depth)]
        while self.take(","):
            items.append(self.one(depth))
        return tuple(items)

    def one(self, depth: int) -> Item:
        self.count += 1
        if self.count > MAX_ITEMS:
            self.fail(f"it names more than {MAX_ITEMS} columns and relations", "too_many")
        if self.take("*"):
            return Star()
        if self.take("..."):
            return self.reached(self.name(), None, depth, spread=True)
        alias = self.alias()
        column = self.column()
        if not column.keys and (self.sees("!") or (self.sees("(") and not self.sees("()"))):
            return self.reached(column.name, alias, depth)
        if column == Column("count") and self.take("()"):
            return Picked(None, alias, self.cast(), "count")
        if not column.keys and self.sees("()"):
            return self.reached(column.name, alias, depth)
        return self.picked(column, alias)

    def alias(self) -> str | None:
        found = _ALIAS.match(self.text, self.at)
        if found is None:
            return None
        alias = self.name()
        self.need(":")
        if len(alias) > 100:
            self.fail("a name has at most 100 characters", "too_long")
        return alias

    def picked(self, column: Column, alias: str | None) -> Picked:
        cast = self.cast()
        if not self.take("."):
            return Picked(column, alias, cast)
        word = self.word()
        if word not in AGGREGATES or not self.take("()") or cast is not None:
            self.fail(f"`{column}.{word}` is no column and no aggregate; write {', '.join(f'`{column}.{each}()`' for each in AGGREGATES)}")
        return Picked(column, alias, self.cast(), word)

    def cast(self) -> str | None:
        return self.name() if self.take("::") else None

    def reached(self, name: str, alias: str | None, depth: int, *, spread: bool = False) -> Reached:
        self.relations += 1
        if depth >= MAX_DEPTH:
            self.fail(f"relations are nested deeper than {MAX_DEPTH} levels", "too_many")
        if self.relations > MAX_RELATIONS:
            self.fail(f"it names more than {MAX_RELATIONS} relations", "too_many")
        hint: str | None = None
        join = "left"
        while self.take("!"):
            word = self.name()
            if word in _JOINS:
                join = word
            elif hint is None:
                hint = word
            else:
                self.fail(f"`{name}` has two hints; give one")
        self.need("(")
        items = () if self.sees(")") else self.list(depth + 1)
        self.need(")")
        return Reached(name, items, alias, hint, join == "inner", spread)
