"""What we add to SQLite's language: the collation `decimal`, which compares decimal numbers kept as text by their value, and the questions about
JSON that Postgres has operators for."""

# apsw leaves one type of its stubs unknown below Python 3.12.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from base64 import b64encode
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from itertools import accumulate
from math import log, pi
from typing import Any

import apsw

from backroom.database.containment import QUESTIONS

_Key = tuple[int, Decimal, str]
_ZERO = Decimal(0)
#: As many digits as a stored decimal may have, and room for a sum of billions of them.
_EXACT = Context(prec=250)


@lru_cache(maxsize=8192)
def _key(text: str) -> _Key:
    """Numbers come first, by value; whatever is no finite number comes after them, as text. So the order is total."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return (1, _ZERO, text)
    return (0, number, "") if number.is_finite() else (1, _ZERO, text)


def compare_decimals(one: str, other: str) -> int:
    """-1, 0 or 1, by numeric value. Never raises: an error inside a collation would corrupt the order of an index.

    >>> compare_decimals("9.50", "10"), compare_decimals("1.0", "1.00"), compare_decimals("2", "x")
    (-1, 0, -1)
    """
    if one == other:
        return 0
    left, right = _key(one), _key(other)
    return (left > right) - (left < right)


#: Of several hits in one text the first counts most: the sum of 1/i² up to them, as part of pi²/6, which is all that it can come to.
_HITS = tuple(accumulate((6 / (pi * i) ** 2 for i in range(1, 256)), initial=0.0))


def search_score(api: apsw.FTS5ExtensionApi, *weights_and_lengths: Any) -> float:
    """How well a row fits a search, from its own words alone: more hits, in columns of more weight, in shorter texts. As Postgres' `ts_rank`.

    The built-in `bm25` weighs a word by how rare it is in all rows, which tells of those that the caller may not read. Called for every row
    that is found, so it asks FTS5 for as little as it can: the length of a text comes from the row.
    """
    score = 0.0
    count = api.phrase_count
    for phrase in range(count):
        at = 0
        for places in api.phrase_locations(phrase):
            if places:
                score += weights_and_lengths[at] * _HITS[min(len(places), 255)] / log(weights_and_lengths[at + 1] + 2)
            at += 2
    return score / count


def install(connection: apsw.Connection) -> None:
    """Every connection needs this before its first statement: an index that uses `decimal` can't be read without it."""
    connection.create_collation("decimal", compare_decimals)
    for name, ask in QUESTIONS.items():
        connection.create_scalar_function(name, ask, 2, deterministic=True)
    connection.create_scalar_function("base64_text", _base64, 1, deterministic=True)
    connection.create_aggregate_function("decimal_sum", _DecimalSum, 1)
    connection.register_fts5_function("search_score", search_score)


def _base64(*values: Any) -> str | None:
    return None if values[0] is None else b64encode(values[0]).decode()


class _DecimalSum:
    """The exact sum of decimals kept as text; NULL of none."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, *values: Any) -> None:
        if values[0] is not None:
            self.total = _EXACT.add(self.total or _ZERO, Decimal(values[0]))

    def final(self) -> str | None:
        return None if self.total is None else format(self.total, "f")
