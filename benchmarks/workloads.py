"""The rows of the table: which requests each workload sends, and what must have happened to the rows when it is over."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contender import SEED, Account, Call, Wire, titles
from benchmarks.figures import Refused

REQUESTS = 20_000  # distinct ones, formatted beforehand; then again from the first
CONNECTIONS = 32


@dataclass(frozen=True)
class Rights:
    """What a workload may use: the caller, and the keys of rows that belong to it, in a fixed random order."""

    wire: Wire
    caller: Account
    keys: list[str]


@dataclass(frozen=True)
class Effect:
    """Rows of everybody before and after, and how many carry a title that this workload writes."""

    rows_before: int
    rows_after: int
    marked: int


@dataclass(frozen=True)
class Workload:
    """`calls` makes the requests. `creates` and `updates`: rows that one request adds (below zero: removes) and changes, on average.

    `fills`: rows that it adds the first time it is sent. `most_rounds`: a slow one is measured in the first few rounds alone.
    """

    key: str
    title: str
    calls: Callable[[Rights], list[Call]]
    least_bytes: int
    creates: float = 0.0
    updates: float = 0.0
    once: bool = False
    signed_in: bool = True
    least_seconds: float = 0.0
    fills: float = 0.0
    connections: int = CONNECTIONS
    most_rounds: int = 1_000

    def verify(self, requests: int, distinct: int, effect: Effect) -> None:
        """Replies can lie, rows can't. `distinct`: how many requests there were before they began again. Raises `Refused`."""
        marked = max(0.0, self.creates) * requests + self.updates * min(requests, distinct)
        added = self.creates * requests + self.fills * min(requests, distinct)
        self._within(requests, "rows added", added, effect.rows_after - effect.rows_before)
        self._within(requests, "rows written", marked, effect.marked)

    def _within(self, requests: int, what: str, wanted: float, happened: int) -> None:
        """Every acknowledged one is there. More by what was under way when wrk stopped; a mix may be cut anywhere in its ten."""
        mixed = bool(self.creates % 1 or self.updates % 1 or self.fills % 1)
        under_way = round(self.connections * max(1, self.creates))
        below, above = (under_way if mixed or self.creates < 0 else 0), (under_way if mixed or self.creates >= 0 else 0)
        if not self.creates and not self.updates:
            below = above = 0
        if not wanted - below <= happened <= wanted + above:
            raise Refused(f"{self.title}: {happened} {what}, expected {wanted - below:.0f} to {wanted + above:.0f} after {requests} replies")


MARK = {"create": "New", "update": "Changed", "mixed": "Mixed", "upsert": "Changed", "bulk": "Bulk"}


def _read(rights: Rights) -> list[Call]:
    return [rights.wire.read(key) for key in rights.keys[:REQUESTS]]


def _list(rights: Rights) -> list[Call]:
    return [rights.wire.list()]


def _create(rights: Rights) -> list[Call]:
    return [rights.wire.create(title, rights.caller.key, due="2026-12-24") for title in titles(2_000, MARK["create"])]


def _update(rights: Rights) -> list[Call]:
    pairs = zip(rights.keys[:REQUESTS], titles(REQUESTS, MARK["update"]), strict=False)
    return [rights.wire.update(key, title=title, done=True) for key, title in pairs]


def _delete(rights: Rights) -> list[Call]:
    return [rights.wire.delete(key) for key in rights.keys]


def _mixed(rights: Rights) -> list[Call]:
    """In every ten: six reads, two lists, one create, one update."""
    calls: list[Call] = []
    named, wire = titles(REQUESTS, MARK["mixed"]), rights.wire
    for start in range(0, len(rights.keys[:REQUESTS]) - 7, 7):
        keys = rights.keys[start : start + 7]
        ten = [wire.read(key) for key in keys[:6]] + [wire.list(), wire.list()]
        ten += [wire.create(named[start], rights.caller.key, due="2026-12-24"), wire.update(keys[6], title=named[start + 1], done=True)]
        random.Random(SEED + start).shuffle(ten)
        calls += ten
    return calls


def warm_up(rights: Rights) -> list[Call]:
    """Reads, lists and updates: warms every path and leaves the number of rows as it was."""
    warm: list[Call] = []
    for key, title in zip(rights.keys[:2_000], titles(2_000, "Warm"), strict=False):
        warm += [rights.wire.read(key), rights.wire.list(), rights.wire.update(key, title=title)]
    return warm


def _sign_in(rights: Rights) -> list[Call]:
    return [rights.wire.sign_in(rights.caller.email)]


WORKLOADS: dict[str, Workload] = {
    workload.key: workload
    for workload in (
        Workload("read", "read one, ids vary", _read, least_bytes=150),
        Workload("list", "list 20, newest first", _list, least_bytes=20 * 150),
        Workload("update", "update", _update, least_bytes=150, updates=1.0),
        Workload("mixed", "mixed: 80 % reads, 20 % writes", _mixed, least_bytes=150, creates=0.1, updates=0.1),
        Workload("create", "create", _create, least_bytes=150, creates=1.0),
        Workload("delete", "delete", _delete, least_bytes=20, creates=-1.0, once=True),
        Workload("sign-in", "sign in", _sign_in, least_bytes=150, signed_in=False, least_seconds=10.0, most_rounds=2),
    )
}
