"""The run as tables: to the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.catalog import CONTENDERS
from benchmarks.figures import Load
from benchmarks.projects_workloads import PROJECTS_WORKLOADS
from benchmarks.results import Measure, Run, against, middle, of
from benchmarks.targets import verdicts
from benchmarks.workloads import WORKLOADS

BASELINES = {
    "sqlite": (("PocketBase", "pocketbase"), ("raw", "raw"), ("FastAPI", "fastapi")),
    "postgresql": (("raw", "raw-postgres"), ("FastAPI", "fastapi-postgres")),
}
DATABASES = {"sqlite": "SQLite", "postgresql": "Postgres"}
Table = list[list[str]]


def markdown(run: Run) -> str:
    """Everything a reader needs to judge the figures, then the figures."""
    facts = run.facts
    parts = ["# Results", *_preface(run)]
    if promises := verdicts(run):
        kept = sum(verdict.held for verdict in promises)
        rows = [[verdict.promise, verdict.measured, "yes" if verdict.held else "**no**"] for verdict in promises]
        parts += [f"## Promises: {kept} of {len(promises)} kept", _markdown_table([["", "measured", "kept"], *rows])]
    for database, name in DATABASES.items():
        if tables := _workload_tables(run, database):
            parts += [f"## {name}", *tables]
    if run.startups:
        parts += ["## From the command to the first 200", _markdown_table(_startup_table(run))]
    if run.growth:
        parts += [
            "## As rows grow",
            "Requests/s by the caller's rows (others have as many), and the last against the first.",
            _markdown_table(_growth_table(run)),
        ]
    if run.sparse or run.deep:
        parts += ["## In large tables, Backroom alone", *_large_tables(run)]
    if run.profiles:
        parts += ["## Where the time goes", "Percent of a contender's processor time, by library (perf).", *_profile_tables(run)]
    parts += ["## Who ran", _markdown_table(_settings_table(run))]
    if facts.postgres:
        durable = "fsync, synchronous_commit and full_page_writes on"
        parts.append(f"Postgres {facts.postgres} as installed ({durable}), on the same cores; its memory isn't counted.")
    return "\n\n".join(parts) + "\n"


def _preface(run: Run) -> list[str]:
    facts = run.facts
    load = f"load average {facts.load_before} before and {facts.load_after} after"
    data = f"{facts.rows:,} todos of the caller among as many of others"
    return [
        f"`make bench` wrote this file. Commit {facts.commit}; {facts.machine}; {load}.",
        f"{facts.rounds} rounds of {facts.seconds:g} s, seed {facts.seed}, {data}, 32 connections. {facts.shared}",
        (
            "Each round starts every contender on a fresh copy of the seeded data; the order rotates. Ratios are medians of the rounds' own ratios, "
            "the worst round in brackets. Requests/s, p50 and p99 are medians. Memory is the resident size of all its processes after the load; "
            "processor is theirs per request. A reply that is not 2xx, a socket error, or rows that don't match the replies fail the run."
        ),
    ]


def _workload_tables(run: Run, database: str) -> list[str]:
    present = [key for key in CONTENDERS if CONTENDERS[key].database == database and any(one.contender == key for one in run.measures)]
    parts: list[str] = []
    for workload in (*WORKLOADS.values(), *PROJECTS_WORKLOADS.values()):
        rows = [_row(run.measures, key, workload.key, database) for key in present if of(run.measures, key, workload.key)]
        if rows:
            ratios = [f"to {name} (worst)" for name, _ in BASELINES[database]]
            header = ["", "requests/s", "lowest-highest", "p50 ms", "p99 ms", "memory MiB", "processor us", *ratios]
            parts += [f"### {workload.title}", _markdown_table([header, *rows])]
    return parts


def _row(measures: Sequence[Measure], contender: str, workload: str, database: str) -> list[str]:
    ours = of(measures, contender, workload)
    speeds = [one.load.per_second for one in ours]
    ratios = [against(ours, of(measures, key, workload)) if key != contender else None for _, key in BASELINES[database]]
    return [
        CONTENDERS[contender].title,
        f"{median(speeds):,.0f}",
        f"{min(speeds):,.0f}-{max(speeds):,.0f}",
        f"{middle(ours, lambda one: one.load.p50) / 1000:.1f}",
        f"{middle(ours, lambda one: one.load.p99) / 1000:.1f}",
        f"{middle(ours, lambda one: one.memory):.0f}",
        f"{middle(ours, lambda one: one.processor_per_request):,.0f}",
        *(str(ratio) if ratio else "-" for ratio in ratios),
    ]


def _startup_table(run: Run) -> Table:
    table = [["", "seconds", "slowest"]]
    for key in CONTENDERS:
        seconds = [one.seconds for one in run.startups if one.contender == key]
        if seconds:
            table.append([CONTENDERS[key].title, f"{median(seconds):.2f}", f"{max(seconds):.2f}"])
    return table


def _growth_table(run: Run) -> Table:
    sizes = sorted({one.rows for one in run.growth})
    table = [["", "", *(f"{size:,}" for size in sizes), "last to first (worst)"]]
    for key in CONTENDERS:
        for workload in WORKLOADS.values():
            cells = [of(run.growth, key, workload.key, size) for size in sizes]
            if all(cells):
                speeds = [f"{middle(cell, lambda one: one.load.per_second):,.0f}" for cell in cells]
                table.append([CONTENDERS[key].title, workload.title, *speeds, str(against(cells[-1], cells[0]))])
    return table


def _large_tables(run: Run) -> list[str]:
    def speed(load: Load) -> list[str]:
        return [f"{load.per_second:,.0f}", f"{load.p50 / 1000:.1f}", f"{load.p99 / 1000:.1f}"]

    speeds = ["requests/s", "p50 ms", "p99 ms"]
    sparse = [[f"{one.database}: {one.caller}", f"{one.microseconds / 1000:.2f}", *speed(one.load)] for one in run.sparse]
    deep = [[f"{one.database}: {one.page}", *speed(one.load)] for one in run.deep]
    return [
        "20 of 500,000 documents in 5,000 teams, under the rule `this.team.members.any(user=me) | (this.owner == me)`, 8 connections:",
        _markdown_table([["member of", "in the database, ms", *speeds], *sparse]),
        "20 of a million tasks: the first page, behind 900,000 rows by the cursor (`after=`), and by `offset`, 8 connections:",
        _markdown_table([["page", *speeds], *deep]),
    ]


def _profile_tables(run: Run) -> list[str]:
    tables: list[str] = []
    for key in dict.fromkeys(profile.contender for profile in run.profiles):
        ours = [profile for profile in run.profiles if profile.contender == key]
        libraries = dict.fromkeys(library for profile in ours for library in profile.percent)
        rows = [[library, *(f"{profile.percent.get(library, 0):.1f}" for profile in ours)] for library in libraries]
        tables.append(_markdown_table([[CONTENDERS[key].title, *(profile.workload for profile in ours)], *rows]))
    return tables


def _settings_table(run: Run) -> Table:
    columns = ("versions", "runtime", "durability", "passwords")
    table = [["", *columns]]
    for key, facts in run.facts.contenders.items():
        table.append([CONTENDERS[key].title, *(facts[column] for column in columns)])
    return table


def _markdown_table(table: Table) -> str:
    """Aligned, so that the terminal shows the same text as the page."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in table
    ]
    rule = "|" + "|".join((":" + "-" * (width + 1)) if not column else ("-" * (width + 1) + ":") for column, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
