"""Search for words: the condition, and the order "best first".

A caller's words are bound values, each in quotes. The columns they are looked for in are those that he may see, written into the statement; and the
score of a row is made of that row's own words in those columns: a rank that knows how rare a word is would tell of rows he may not read.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any, Protocol, TypeAlias, cast

from sqlalchemy import ColumnElement, Double, Numeric, Select, Text, and_, column, func, literal_column, or_, select, table
from sqlalchemy import cast as sql_cast

from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import And, Node, Searched
from backroom.resources.words import Word, folded
from backroom.sql.normal import all_of
from backroom.sql.search_index import column_of, rowid_of, table_of
from backroom.sql.values import DialectName

Value: TypeAlias = ColumnElement[Any]
Condition: TypeAlias = ColumnElement[bool]
ZERO: Value = literal_column("0")
_ROWID: Value = literal_column("rowid")
_FLOAT: Double[Any] = Double()
#: What a hit counts in the first of the caller's fields, in the second, ...; in all after the last of these, as in the last.
WEIGHTS = (1.0, 0.125, 0.015625, 0.001953125)
#: Digits of a score: what lies behind them is noise of adding up, and would order rows that are equally good.
DIGITS: Value = literal_column("6")


def spelled(word: Word, dialect: DialectName) -> str:
    """One word as a bound value, in the database's own language of queries: in quotes, so that nothing in it is a sign of that language.

    >>> spelled(Word("Hon", True), "sqlite"), spelled(Word("Hon", True), "postgresql")
    ('"Hon" *', "'hon':*")
    """
    if dialect == "sqlite":  # its tokenizer folds
        return '"{}"'.format(word.text.replace('"', '""')) + (" *" if word.prefix else "")
    return "'{}'".format(folded(word.text).replace("\\", "\\\\").replace("'", "''")) + (":*" if word.prefix else "")


class Search(Protocol):
    """One search of one statement: each of its words stands in one of its fields, in the row that the statement calls by its alias."""

    def found(self) -> Condition: ...

    def best_first(self, statement: Select[Any]) -> tuple[Select[Any], Value]:
        """The statement over the rows found, and their score, to be sorted by."""
        ...


def search(definition: Definition, alias: str, fields: Sequence[Field], words: Sequence[Value], dialect: DialectName) -> Search:
    """Over `fields` (at least one), for `words`: bound values, each as `spelled` writes it."""
    return (_Fts5 if dialect == "sqlite" else _Vectors)(definition, alias, fields, words)


class _Fts5:
    def __init__(self, definition: Definition, alias: str, fields: Sequence[Field], words: Sequence[Value]) -> None:
        self._definition = definition
        self._alias = alias
        self._fields = fields
        self._words = words
        self._name = table_of(definition.name)
        self._rowid = _cell(alias, rowid_of(definition))

    def found(self) -> Condition:
        return self._rowid.in_(select(_ROWID).select_from(table(self._name)).where(self._match()))

    def best_first(self, statement: Select[Any]) -> tuple[Select[Any], Value]:
        beside = table(self._name, column("rowid"))
        return statement.select_from(beside).where(self._rowid == beside.c.rowid, self._match()), func.round(self._score(), DIGITS)

    def _match(self) -> Condition:
        """`MATCH '{"title" "body"} : (' || ? || ' AND ' || ? || ')'`: the columns are ours, the words the caller's."""
        columns = " ".join(f'"{field.column}"' for field in self._fields)
        whole = _text(f"{{{columns}}} : (").concat(_joined(self._words, " AND ")).concat(_text(")"))
        return cast("Condition", literal_column(f'"{self._name}"').op("MATCH", is_comparison=True)(whole))

    def _score(self) -> Value:
        """`search_score(table, weight, length, ...)` of each column of the FTS5 table; what the caller doesn't see has no weight."""
        parts: list[Value] = []
        for field in self._definition.searched:
            seen = field in self._fields
            parts.append(_weight(self._fields.index(field)) if seen else ZERO)
            parts.append(func.octet_length(_cell(self._alias, field.column)) if seen else ZERO)
        return func.search_score(literal_column(f'"{self._name}"'), *parts)


class _Vectors:
    """Postgres."""

    def __init__(self, _: Definition, alias: str, fields: Sequence[Field], words: Sequence[Value]) -> None:
        self._alias = alias
        self._fields = fields
        self._words = words

    def found(self) -> Condition:
        vectors = [_cell(self._alias, column_of(field)) for field in self._fields]
        held = [[vector.op("@@", is_comparison=True)(_query(word)) for vector in vectors] for word in self._words]
        return and_(*(or_(*each) for each in held))

    def best_first(self, statement: Select[Any]) -> tuple[Select[Any], Value]:
        return statement.where(self.found()), func.round(sql_cast(self._score(), Numeric()), DIGITS)

    def _score(self) -> Value:
        """What `database.functions.search_score` says: `ts_rank` has the hits, and the logarithm of the text's length is left to us."""
        some = _query(_joined(self._words, " | "))
        scores: list[Value] = []
        for position, field in enumerate(self._fields):
            hits: Value = func.ts_rank(_text("{1,1,1,1}"), _cell(self._alias, column_of(field)), some, type_=_FLOAT)
            length: Value = func.ln(literal_column("2.0::float8") + func.octet_length(_cell(self._alias, field.column)), type_=_FLOAT)
            scores.append(func.coalesce(_weight(position) * hits / length, ZERO))
        return reduce(operator.add, scores)


def _cell(alias: str, name: str) -> Value:
    return literal_column(f'"{alias}"."{name}"')


def _weight(position: int) -> Value:
    return literal_column(repr(WEIGHTS[min(position, len(WEIGHTS) - 1)]), _FLOAT)


def _text(plain: str) -> Value:
    """A text of ours in SQL: there is no quote in it."""
    return literal_column(f"'{plain}'", Text())


def _joined(words: Sequence[Value], between: str) -> Value:
    return reduce(lambda left, right: left.concat(_text(between)).concat(right), words)


def _query(words: Value) -> Value:
    from sqlalchemy.dialects.postgresql import TSQUERY  # 7 MB that SQLite never needs

    return sql_cast(words, TSQUERY())


# ---------------------------------------------------------------- in a list's condition
def searches(where: Node) -> bool:
    """A search among what every row of the list must fulfill: it finds them by its own index."""
    return any(isinstance(part, Searched) for part in _parts(where))


def ranked(where: Node) -> tuple[Searched | None, Node]:
    """The search whose best rows come first, and the rest of the condition."""
    for part in _parts(where):
        if isinstance(part, Searched) and part.ranked:
            return part, all_of([other for other in _parts(where) if other is not part])
    return None, where


def _parts(where: Node) -> tuple[Node, ...]:
    return where.parts if isinstance(where, And) else (where,)
