"""Objects of JSON, put together by the database from the JSON of their values.

SQLite prints neighboring plain cells by one call, which takes half of what a text of each takes, joined:

    '{' || concat_ws(',', trim(json_object('id', page.id, 'title', page.title), '{}'), '"comments":' || (SELECT ...)) || '}'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Text, bindparam, case, func

from backroom.sql.json_text import word

#: Postgres takes at most 100 arguments of a function, and some SQLites 127.
_ARGUMENTS = 90

Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One key of an object. `value` is JSON, never NULL; `shown` None: in every row; `plain`: what SQLite's `json_object` prints as `value`."""

    name: str
    value: Expression
    shown: ColumnElement[bool] | None = None
    plain: Expression | None = None

    @property
    def text(self) -> Expression:
        """`"name":value`, or NULL where the row has no such key."""
        named = _name(msgspec.json.encode(self.name).decode() + ":").concat(self.value)
        return named if self.shown is None else case((self.shown, named))


def object_of(members: Sequence[Member]) -> Expression:
    """The object; keys in the order given."""
    if 0 < len(members) <= _ARGUMENTS // 2 and all(member.plain is not None for member in members):
        return _printed(members)
    texts: list[Expression] = []
    for plain, found in groupby(members, key=lambda member: member.plain is not None):
        run = list(found)
        texts += _without_braces(run) if plain else [member.text for member in run]
    return object_of_texts(texts)


def object_of_texts(texts: Sequence[Expression]) -> Expression:
    """The object of its members' texts."""
    return word("{").concat(with_commas(texts)).concat(word("}"))


def with_commas(texts: Sequence[Expression]) -> Expression:
    """Those that are not NULL, with commas between them."""
    if len(texts) <= _ARGUMENTS:
        return func.concat_ws(word(","), *texts) if texts else word("")
    pieces = [texts[at : at + _ARGUMENTS] for at in range(0, len(texts), _ARGUMENTS)]
    return func.concat_ws(word(","), *(func.nullif(with_commas(piece), word("")) for piece in pieces))


def _without_braces(members: Sequence[Member]) -> Iterable[Expression]:
    """No plain value begins or ends with a brace, so only those of the object are trimmed."""
    most = _ARGUMENTS // 2
    return [func.trim(_printed(members[at : at + most]), word("{}")) for at in range(0, len(members), most)]


def _printed(members: Sequence[Member]) -> Expression:
    return func.json_object(*(part for member in members for part in (_name(member.name), member.plain)))


def _name(text: str) -> Expression:
    """A client may have made it up: it is bound."""
    return bindparam(None, text, type_=Text(), unique=True)
