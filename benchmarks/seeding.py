"""The data every round begins with: seeded once per contender and size, then copied while nobody runs on it."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass

from benchmarks.check import NotTheSame, same_work, sign_in, sign_up
from benchmarks.contender import SEED, Account, Contender, Place
from benchmarks.environment import OUT
from benchmarks.postgres import Postgres
from benchmarks.processes import Server, free_port, start
from benchmarks.workloads import Rights

CALLER = "ann@example.com"
OTHERS = tuple(f"other-{number}@example.com" for number in range(4))
BLOCKS = 20  # the caller's and the others' rows alternate in blocks, so that neither lies in one piece of the table


@dataclass(frozen=True)
class Entrant:
    """A contender with so many todos of the caller (and as many of others)."""

    contender: Contender
    rows: int

    @property
    def name(self) -> str:
        return f"{self.contender.key}-{self.rows}"

    @property
    def template(self) -> str:
        return f"{self.contender.template}-{self.rows}"


class Seeds:
    """Makes the templates and hands out copies of them."""

    def __init__(self, postgres: Postgres | None) -> None:
        self._postgres = postgres
        self._keys: dict[str, list[str]] = {}

    def make(self, entrant: Entrant) -> None:
        """Start it empty, check that it does the same work as the others, seed it, stop it. Once per template."""
        if entrant.template in self._keys:
            return
        place = self._place(entrant, "templates", entrant.template, copied=False)
        server = start(entrant.contender, place)
        try:
            self._keys[entrant.template] = self._seed(entrant, place)
        finally:
            server.stop()

    def _seed(self, entrant: Entrant, place: Place) -> list[str]:
        wire, rows = entrant.contender.wire, entrant.contender.rows
        caller = sign_up(place, wire, CALLER)
        others = [sign_up(place, wire, email) for email in OTHERS]
        keys: list[str] = []
        for block in range(BLOCKS):
            keys += rows.add(place, caller, entrant.rows // BLOCKS)
            rows.add(place, others[block % len(others)], entrant.rows // BLOCKS)
        try:
            same_work(place, wire, caller, others[0])
        except NotTheSame as error:
            raise NotTheSame(f"{entrant.contender.title}: {error}") from None
        if rows.count(place) != 2 * len(keys):
            raise SystemExit(f"{entrant.name}: seeded {2 * len(keys)} rows, found {rows.count(place)}")
        rows.settle(place)
        random.Random(SEED).shuffle(keys)
        return keys

    def start(self, entrant: Entrant) -> tuple[Server, Rights]:
        """A running server on a fresh copy, and the caller signed in anew: a token may not live as long as a run."""
        place = self._place(entrant, "runs", entrant.name, copied=True)
        server = start(entrant.contender, place)
        try:
            caller = sign_in(place, entrant.contender.wire, CALLER)
        except BaseException:
            server.stop()
            raise
        return server, Rights(entrant.contender.wire, caller, self._keys[entrant.template])

    def _place(self, entrant: Entrant, kind: str, name: str, *, copied: bool) -> Place:
        folder = OUT / kind / name
        shutil.rmtree(folder, ignore_errors=True)
        if copied:
            shutil.copytree(OUT / "templates" / entrant.template, folder)
        else:
            folder.mkdir(parents=True)
        if entrant.contender.database == "sqlite":
            return Place(folder, free_port(), None)
        if self._postgres is None:
            raise SystemExit(f"{entrant.contender.title} needs --postgres")
        return Place(folder, free_port(), self._postgres.create(f"{kind}-{name}", template=f"templates-{entrant.template}" if copied else None))


def more_rows(place: Place, contender: Contender, caller: Account, count: int) -> list[str]:
    """Rows for a delete run, in the random order in which they will go."""
    keys = contender.rows.add(place, caller, count)
    contender.rows.settle(place)
    random.Random(SEED).shuffle(keys)
    return keys
