"""Backroom against its peers: the same todos work, side by side, in one run.

    python benchmarks/bench.py                     everything on SQLite; writes benchmarks/RESULTS.md
    python benchmarks/bench.py --postgres          and once more on Postgres
    python benchmarks/bench.py --growth            and read, list, create as rows grow from 10^3 to 10^6
    python benchmarks/bench.py --profile           and where each one's processor time goes, by library
    python benchmarks/bench.py --quick --only backroom raw     a look at two contenders; writes benchmarks/out/RESULTS.md

How the two cores are shared: wrk is pinned to the second core; every server, and Postgres, may run on both. So each contender gets the whole machine
but for what wrk takes, and a contender that can use two cores (PocketBase, two processes) does.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec

sys.path[0] = str(Path(__file__).resolve().parents[1])  # run as a file, Python looks into this folder instead of for the package it is

from benchmarks import large, load
from benchmarks.catalog import CONTENDERS, WITH_PROJECTS
from benchmarks.check import NotTheSame
from benchmarks.contender import SEED, Call
from benchmarks.environment import CORES, HERE, OUT, commit, load_average, machine, make_peers, own_versions, peer_versions
from benchmarks.figures import Refused, rotated
from benchmarks.postgres import Postgres, private_postgres
from benchmarks.processes import NotStarted, Server
from benchmarks.profiling import profiled
from benchmarks.projects import seed_projects
from benchmarks.projects_workloads import PROJECTS_WORKLOADS, warm_lists
from benchmarks.report import markdown
from benchmarks.results import Facts, Measure, Profile, Run, Startup
from benchmarks.seeding import Entrant, Seeds, more_rows
from benchmarks.targets import OURS
from benchmarks.workloads import MARK, WORKLOADS, Effect, Rights, Workload, warm_up

SHARED = "wrk is pinned to one of the two cores, every server may run on both."
GROWTH_SIZES = (1_000, 10_000, 100_000, 1_000_000)
GROWTH_WORKLOADS = ("read", "list", "create")
PROFILED = ("read", "list", "create", "update")
ALL = {**WORKLOADS, **PROJECTS_WORKLOADS}
Warming: TypeAlias = Callable[[Rights], list[Call]]
GROWN = ("backroom", "pocketbase", "raw")


class Round:
    """All entrants up at once, idle but for the one under load: what slows the machine for a minute slows neighbors in the table alike."""

    def __init__(self, number: int, entrants: Sequence[Entrant], seeds: Seeds, seconds: float, warm: Warming) -> None:
        self._number, self._entrants, self._seeds, self._seconds, self._warm = number, entrants, seeds, seconds, warm
        self._running: dict[str, tuple[Server, Rights]] = {}

    def measure(self, workloads: Sequence[Workload]) -> Iterator[Measure]:
        written: dict[str, int] = {}
        for place, workload in enumerate(each for each in workloads if self._number < each.most_rounds):
            for entrant in rotated(self._entrants, self._number + place):
                one = self._one(entrant, workload, written.get(entrant.name))
                if workload.updates == 1 or workload.creates == 1:
                    written[entrant.name] = max(written.get(entrant.name, 0), one.load.requests)
                yield one

    def _one(self, entrant: Entrant, workload: Workload, written: int | None) -> Measure:
        server, rights = self._running[entrant.name]
        contender, place = entrant.contender, server.place
        seconds = max(self._seconds, workload.least_seconds)
        if workload.once:  # deletes use up rows: twice as many as this contender wrote in this round
            wanted = 5_000 + 2 * written if written else int(20_000 * seconds)
            rights = Rights(rights.wire, rights.caller, more_rows(place, contender, rights.caller, wanted))
        calls, mark = workload.calls(rights), MARK.get(workload.key)
        before, (_, processor) = contender.rows.count(place), server.weight()
        try:
            token, requests = rights.caller.token if workload.signed_in else None, place.folder / "requests"
            found = load.run(place.url, calls, token=token, seconds=seconds, once=workload.once, file=requests, connections=workload.connections)
            memory, processor_after = server.weight()
            if found.bytes < workload.least_bytes * found.requests:
                raise Refused(f"replies are {found.bytes / found.requests:.0f} bytes on average, at least {workload.least_bytes} were expected")
            marked = contender.rows.count(place, title_prefix=mark) if mark else 0
            workload.verify(found.requests, len(calls), Effect(before, contender.rows.count(place), marked))
        except Refused as refused:
            log = (place.folder / "server.log").read_text(errors="replace")[-2000:]
            raise SystemExit(f"\nthe run is refused: {contender.title}, {workload.title}: {refused}\n{log}") from None
        return Measure(self._number, contender.key, entrant.rows, workload.key, found, memory, processor_after - processor)

    @contextmanager
    def servers(self) -> Generator[list[Startup]]:
        with ExitStack() as stack:
            startups: list[Startup] = []
            for entrant in rotated(self._entrants, self._number):
                server, rights = self._seeds.start(entrant)
                stack.callback(server.stop)
                self._running[entrant.name] = (server, rights)
                startups.append(Startup(self._number, entrant.contender.key, server.startup))
            for server, rights in self._running.values():
                load.run(
                    server.place.url, self._warm(rights), token=rights.caller.token, seconds=1, once=False, file=server.place.folder / "requests"
                )
            yield startups


def compare(
    entrants: Sequence[Entrant], workloads: Sequence[Workload], seeds: Seeds, rounds: int, seconds: float, warm: Warming = warm_up
) -> tuple[list[Measure], list[Startup]]:
    """Seed all, then `rounds` paired rounds, each on fresh copies."""
    for entrant in entrants:
        print(f"seeding {entrant.name} ...", flush=True)
        seeds.make(entrant)
    measures: list[Measure] = []
    startups: list[Startup] = []
    for number in range(rounds):
        this = Round(number, entrants, seeds, seconds, warm)
        with this.servers() as started:
            startups += started
            for one in this.measure(workloads):
                measures.append(one)
                where = f"round {number + 1}/{rounds}  {one.workload:8} {one.contender:18} {one.rows:>9,}"
                print(f"{where} {one.load.per_second:>9,.0f}/s  p99 {one.load.p99 / 1000:>7.1f} ms  {one.memory:>5.0f} MiB", flush=True)
    return measures, startups


def profile(entrants: Sequence[Entrant], seeds: Seeds) -> list[Profile]:
    """One contender at a time, apart from the rounds: watching costs speed."""
    profiles: list[Profile] = []
    for entrant in entrants:
        server, rights = seeds.start(entrant)
        try:
            for key in PROFILED:
                print(f"profiling {entrant.contender.key}: {key}", flush=True)
                profiles.append(Profile(entrant.contender.key, key, profiled(server, rights, WORKLOADS[key])))
        finally:
            server.stop()
    return profiles


def main() -> None:
    given = _arguments()
    chosen = (
        [CONTENDERS[key] for key in given.only] if given.only else [one for one in CONTENDERS.values() if given.postgres or one.database == "sqlite"]
    )
    workloads = [WORKLOADS[key] for key in given.workloads or WORKLOADS if key in WORKLOADS]
    relational = [PROJECTS_WORKLOADS[key] for key in given.workloads or PROJECTS_WORKLOADS if key in PROJECTS_WORKLOADS]
    make_peers()
    os.sched_setaffinity(0, CORES)  # inherited by every server and by Postgres
    facts = Facts(machine(), commit(), SEED, given.rounds, given.seconds, given.rows, SHARED, load_average())
    for one in chosen:
        versions = own_versions(one.packages) if one.template.startswith("backroom") else peer_versions(one.packages)
        told = ", ".join(f"{name} {version}" for name, version in versions.items())
        facts.contenders[one.key] = {"versions": told, "runtime": one.runtime, "durability": one.durability, "passwords": one.passwords}
    run = Run(facts)
    with ExitStack() as stack:
        postgres: Postgres | None = None
        if any(one.database == "postgresql" for one in chosen):
            postgres = stack.enter_context(private_postgres())
            facts.postgres = postgres.version
        seeds = Seeds(postgres)
        for database in ("sqlite", "postgresql"):
            entrants = [Entrant(one, given.rows) for one in chosen if one.database == database]
            if entrants and workloads:
                measures, startups = compare(entrants, workloads, seeds, given.rounds, given.seconds)
                run.measures += measures
                run.startups += startups
                run.profiles += profile(entrants, seeds) if given.profile else []
            related = [Entrant(WITH_PROJECTS[one.key], given.rows) for one in chosen if one.database == database and one.key in WITH_PROJECTS]
            if related and relational:
                seeded = Seeds(postgres, seed_projects)
                run.measures += compare(related, relational, seeded, given.rounds, given.seconds, warm_lists)[0]
            if given.large and OURS[database] in [one.key for one in chosen]:
                sparse, deep = large.measure(WITH_PROJECTS[OURS[database]], postgres, given.seconds)
                run.sparse += sparse
                run.deep += deep
        if given.growth:
            grown = [Entrant(one, rows) for one in chosen if one.key in GROWN for rows in GROWTH_SIZES if rows <= given.growth_to]
            run.growth, _ = compare(grown, [WORKLOADS[key] for key in GROWTH_WORKLOADS], seeds, given.rounds, given.seconds)
    facts.load_after = load_average()
    _publish(run, HERE / "RESULTS.md" if _whole(given) else OUT / "RESULTS.md")


def _publish(run: Run, file: Path) -> None:
    (OUT / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    text = markdown(run)
    file.write_text(text)
    print(f"\n{text}\nwritten to {file}")


def _whole(given: argparse.Namespace) -> bool:
    """Only a whole run may replace the published results."""
    return not (given.quick or given.only or given.workloads)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 rounds instead of 5, without the large tables")
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), metavar="CONTENDER", help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--workloads", nargs="+", choices=list(ALL), metavar="WORKLOAD", help=f"of {', '.join(ALL)}")
    parser.add_argument("--rounds", type=int, help="paired rounds; the order of the contenders rotates")
    parser.add_argument("--seconds", type=float, help="of each load run")
    parser.add_argument("--rows", type=int, default=20_000, help="todos of the caller; others have as many")
    parser.add_argument("--postgres", action="store_true", help="compare on Postgres as well")
    parser.add_argument("--growth", action="store_true", help="read, list, create from 10^3 to 10^6 rows")
    parser.add_argument("--growth-to", type=int, default=1_000_000, help="largest size of --growth")
    parser.add_argument("--large", action="store_true", help="and pages of a million rows (part of a whole run)")
    parser.add_argument("--profile", action="store_true", help="where each contender's processor time goes, by library (needs perf)")
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.quick else 5)
    given.seconds = given.seconds or 2.0
    given.large = given.large or _whole(given)
    return given


def _end(_signal: int, _frame: object) -> None:
    sys.exit(143)  # unwinds, so that a killed run stops its servers too


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        main()
    except (NotStarted, NotTheSame) as error:
        sys.exit(f"\nthe run is refused: {error}")
