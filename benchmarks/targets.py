"""What is promised, held against what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Ratio
from benchmarks.results import Run, against, middle, of
from benchmarks.workloads import WORKLOADS

OURS = {"sqlite": "backroom", "postgresql": "backroom-postgres"}
TODOS = [key for key in WORKLOADS if key != "sign-in"]
P99_MILLISECONDS = 10.0
MEMORY_MIB = 120 * 1_000_000 / 2**20  # 120 MB
STARTUP_SECONDS = 1.5
DEARER = 2.0
FLAT = 0.8  # of the speed at the smallest size: what is left after the noise between two rounds of one size
RATIOS: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("sqlite", "pocketbase", {"create": 3, "update": 3, "read": 4, "list": 5}),
    ("sqlite", "pocketbase", dict.fromkeys(("filters", "to-one", "to-many", "both", "count", "search", "upsert", "bulk"), 4)),
    ("sqlite", "raw", {"read": 0.6, "list": 0.6, "create": 0.5}),
    ("sqlite", "fastapi", dict.fromkeys(TODOS, 10)),
    ("postgresql", "fastapi-postgres", dict.fromkeys(TODOS, 5)),
    ("postgresql", "raw-postgres", dict.fromkeys(("read", "list", "create"), 0.6)),
)


@dataclass(frozen=True)
class Verdict:
    """One promise: what it says, what was measured, whether it holds."""

    promise: str
    measured: str
    held: bool


def verdicts(run: Run) -> list[Verdict]:
    """Of everything that this run measured; promises that it did not measure are left out."""
    return [*_ratios(run), *_relations(run), *_latencies(run), *_weights(run), *_flatness(run), *_large(run)]


def _ratios(run: Run) -> Iterable[Verdict]:
    for database, baseline, floors in RATIOS:
        for workload, floor in floors.items():
            ratio = against(of(run.measures, OURS[database], workload), of(run.measures, baseline, workload))
            if ratio:
                yield Verdict(f"{OURS[database]}: {workload} at least {floor:g} times {baseline}", str(ratio), ratio.median >= floor)


def _relations(run: Run) -> Iterable[Verdict]:
    for ours in OURS.values():
        plain, many = of(run.measures, ours, "plain"), of(run.measures, ours, "to-many")
        if plain and many:
            costs = [one.load.per_second / other.load.per_second for one, other in zip(plain, many, strict=True)]
            promise = f"{ours}: a list with a to-many relation costs at most {DEARER:g} times the plain list"
            yield Verdict(promise, str(Ratio(median(costs), max(costs))), median(costs) <= DEARER)


def _large(run: Run) -> Iterable[Verdict]:
    for one in run.sparse:
        if one.caller in ("none", "a few"):
            promise = f"{one.database}: a page of 500,000 documents for a member of {one.caller} teams under 1 ms in the database"
            yield Verdict(promise, f"{one.microseconds / 1000:.2f} ms", one.microseconds < 1000)
    for database in dict.fromkeys(one.database for one in run.deep):
        first, deep = (next(one for one in run.deep if one.database == database and one.page == page) for page in ("first", "after"))
        ratio = deep.load.per_second / first.load.per_second
        yield Verdict(f"{database}: a cursor's page 900,000 rows deep at least {FLAT:g} times the first page", f"{ratio:.2f}", ratio >= FLAT)


def _latencies(run: Run) -> Iterable[Verdict]:
    for workload in TODOS:
        if ours := of(run.measures, OURS["sqlite"], workload):
            p99 = middle(ours, lambda one: one.load.p99) / 1000
            yield Verdict(f"backroom: {workload} p99 under {P99_MILLISECONDS:g} ms at 32 connections", f"{p99:.1f} ms", p99 < P99_MILLISECONDS)


def _weights(run: Run) -> Iterable[Verdict]:
    for title, workloads in (("todos work", TODOS), ("sign-in (argon2id takes 19 MiB a hash)", ["sign-in"])):
        heaviest = [one.memory for one in run.measures if one.contender == OURS["sqlite"] and one.workload in workloads]
        if heaviest:
            yield Verdict(f"backroom: under 120 MB for one process, {title}", f"{max(heaviest) * 2**20 / 1e6:.0f} MB", max(heaviest) < MEMORY_MIB)
    starts = [one.seconds for one in run.startups if one.contender == OURS["sqlite"]]
    if starts:
        yield Verdict(
            f"backroom: first reply under {STARTUP_SECONDS} s after the command", f"{median(starts):.2f} s", median(starts) < STARTUP_SECONDS
        )


def _flatness(run: Run) -> Iterable[Verdict]:
    sizes = sorted({one.rows for one in run.growth})
    for workload in WORKLOADS:
        ratio = against(of(run.growth, OURS["sqlite"], workload, sizes[-1]), of(run.growth, OURS["sqlite"], workload, sizes[0])) if sizes else None
        if ratio:
            promise = f"backroom: {workload} flat from {sizes[0]:,} to {sizes[-1]:,} rows (at least {FLAT:g})"
            yield Verdict(promise, str(ratio), ratio.median >= FLAT)
