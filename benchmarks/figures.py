"""Numbers: what one load run said, and what many rounds of them mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import TypeVar

import msgspec

_Item = TypeVar("_Item")


class Refused(Exception):
    """The run can't be used: a reply was not 2xx, a socket failed, or the effect is missing. Says which."""


class Load(msgspec.Struct, frozen=True):
    """What wrk's `done()` wrote: counts, and times in microseconds."""

    requests: int
    microseconds: int
    bytes: int
    p50: int
    p99: int
    slowest: int
    connect: int
    read: int
    write: int
    timeout: int
    status: int

    @property
    def per_second(self) -> float:
        return self.requests * 1_000_000 / self.microseconds


class Ratio(msgspec.Struct, frozen=True):
    """One contender against another: the median of the rounds' ratios and the worst round."""

    median: float
    worst: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.worst)})"


_FIGURES = re.compile(r"^FIGURES (\{.*\})$", re.MULTILINE)
_NON_2XX = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_SOCKET_ERRORS = re.compile(r"^\s*Socket errors: (.*)$", re.MULTILINE)


def parse(output: str) -> Load:
    """What wrk printed -> `Load`. Raises `Refused` for any reply that is not 2xx, any socket error, and for no reply at all."""
    for pattern, sentence in ((_NON_2XX, "replies that are not 2xx: "), (_SOCKET_ERRORS, "socket errors: ")):
        if found := pattern.search(output):
            raise Refused(sentence + found[1])
    found = _FIGURES.search(output)
    if found is None:
        raise Refused(f"wrk ended without figures:\n{output.strip()[-2000:]}")
    load = msgspec.json.decode(found[1], type=Load)
    failures = {name: getattr(load, name) for name in ("status", "connect", "read", "write", "timeout") if getattr(load, name)}
    if failures:
        raise Refused(f"wrk counted failures: {failures}")
    if not load.requests:
        raise Refused("no reply arrived")
    return load


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Ratios of the same rounds, never of two medians: what slowed the machine down in a round slowed both.

    >>> str(paired([30.0, 20.0, 80.0], [10.0, 10.0, 20.0]))
    '3.0 (2.0)'
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError(f"rounds don't pair: {len(ours)} against {len(theirs)}")
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return Ratio(median(ratios), min(ratios))


def rotated(items: Sequence[_Item], by: int) -> list[_Item]:
    """The order of round `by`: each contender comes first once before any comes first twice.

    >>> rotated(["a", "b", "c"], 1)
    ['b', 'c', 'a']
    """
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"
