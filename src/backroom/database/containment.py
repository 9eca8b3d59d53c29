"""JSON that holds JSON: Postgres' `@>` and the overlap of lists, for SQLite."""

# What JSON holds has no type of its own.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any


def contains(whole: Any, part: Any) -> bool:
    """`whole @> part`, as Postgres answers it of jsonb.

    >>> contains({"a": [1, 2], "b": {}}, {"a": [2]}), contains(["x"], "x"), contains([1], [True])
    (True, True, False)
    """
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and _holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_holds(each, value) for each in whole) for value in part)
    # A list holds its plain values, but only as a whole: `[[1]]` does not hold 1.
    return same(whole, part) or (isinstance(whole, list) and any(same(each, part) for each in whole))


def _holds(whole: Any, part: Any) -> bool:
    return contains(whole, part) if isinstance(part, dict | list) else same(whole, part)


def overlaps(one: Any, other: Any) -> bool:
    """Two lists have an element in common."""
    if not isinstance(one, list) or not isinstance(other, list):
        return False
    return any(same(left, right) for left in one for right in other)


def same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: to JSON 1 and 1.0 are one number, and 1 is not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return bool(one == other)


def _about_json(ask: Callable[[Any, Any], bool]) -> Callable[..., int | None]:
    def answer(*texts: Any) -> int | None:
        return None if None in texts else int(ask(*map(json.loads, texts)))

    return answer


#: Name in SQL -> the question, asked of two JSON texts: 1, 0, or NULL where one of them is.
QUESTIONS: Mapping[str, Callable[..., int | None]] = {"json_contains": _about_json(contains), "json_overlaps": _about_json(overlaps)}
