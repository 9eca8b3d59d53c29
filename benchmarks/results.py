"""What a run leaves: one `Measure` per contender, workload and round, and the facts that it can't be read without."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median

import msgspec

from benchmarks.figures import Load, Ratio, paired


class Measure(msgspec.Struct, frozen=True):
    round: int
    contender: str
    rows: int
    workload: str
    load: Load
    memory: float
    """Resident MiB of all processes of the contender, right after the load."""
    processor: float
    """Processor seconds of all processes of the contender during the load."""

    @property
    def processor_per_request(self) -> float:
        """Microseconds. Less shaken by a busy machine than requests/s."""
        return self.processor * 1_000_000 / self.load.requests


class Startup(msgspec.Struct, frozen=True):
    round: int
    contender: str
    seconds: float


class Profile(msgspec.Struct, frozen=True):
    """Percent of a contender's processor time by library, during one workload."""

    contender: str
    workload: str
    percent: dict[str, float]


class Sparse(msgspec.Struct, frozen=True):
    """A page of many rows of which an OR of memberships lets a caller see some. `microseconds`: the statement in the database, median."""

    database: str
    caller: str
    microseconds: float
    load: Load


class Deep(msgspec.Struct, frozen=True):
    """A page far into a list: by cursor, and by offset."""

    database: str
    page: str
    load: Load


class Facts(msgspec.Struct):
    """Printed above the table."""

    machine: str
    commit: str
    seed: int
    rounds: int
    seconds: float
    rows: int
    shared: str
    load_before: str
    load_after: str = ""
    postgres: str = ""
    contenders: dict[str, dict[str, str]] = {}


class Run(msgspec.Struct):
    facts: Facts
    measures: list[Measure] = []
    growth: list[Measure] = []
    startups: list[Startup] = []
    profiles: list[Profile] = []
    sparse: list[Sparse] = []
    deep: list[Deep] = []


def of(measures: Iterable[Measure], contender: str, workload: str, rows: int | None = None) -> list[Measure]:
    """The measures of one cell, in the order of the rounds."""
    chosen = (one for one in measures if one.contender == contender and one.workload == workload and rows in (None, one.rows))
    return sorted(chosen, key=lambda one: one.round)


def middle(measures: list[Measure], figure: Callable[[Measure], float]) -> float:
    return median(figure(one) for one in measures)


def against(ours: list[Measure], theirs: list[Measure]) -> Ratio | None:
    """Requests/s against another contender's, round by round; None where one of the two was not measured."""
    if not ours or not theirs:
        return None
    return paired([one.load.per_second for one in ours], [one.load.per_second for one in theirs])
