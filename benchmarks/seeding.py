"""The data every round begins with: seeded once per contender and size, then copied while nobody runs on it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.check import NotTheSame, same_work, sign_in, sign_up
from benchmarks.contender import SEED, Account, Contender, Place
from benchmarks.environment import OUT
from benchmarks.postgres import Postgres
from benchmarks.processes import Server, free_port, start
from benchmarks.workloads import Rights

CALLER = "ann@example.com"
OTHERS = tuple(f"other-{number}@example.com" for number in range(4))
BLOCKS = 20  # the caller's and the others' rows alternate in blocks, so that neither lies in one piece of the table


#: Signs people up at a contender that runs empty, gives them so many rows, checks its answers; returns keys of the caller's.
Seeding: TypeAlias = Callable[[Contender, Place, int], list[str]]


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


def seed_todos(contender: Contender, place: Place, count: int) -> list[str]:
    """`count` todos of the caller among as many of others; returns their keys."""
    wire, rows = contender.wire, contender.rows
    caller = sign_up(place, wire, CALLER)
    others = [sign_up(place, wire, email) for email in OTHERS]
    keys: list[str] = []
    for block in range(BLOCKS):
        keys += rows.add(place, caller, count // BLOCKS)
        rows.add(place, others[block % len(others)], count // BLOCKS)
    same_work(place, wire, caller, others[0])
    if rows.count(place) != 2 * len(keys):
        raise SystemExit(f"{contender.title}: seeded {2 * len(keys)} rows, found {rows.count(place)}")
    return keys


class Seeds:
    """Makes the templates and hands out copies of them."""

    def __init__(self, postgres: Postgres | None, seed: Seeding = seed_todos) -> None:
        self._postgres, self._seed = postgres, seed
        self._keys: dict[str, list[str]] = {}

    def make(self, entrant: Entrant) -> None:
        """Start it empty, check that it does the same work as the others, seed it, stop it. Once per template."""
        if entrant.template in self._keys:
            return
        place = self._place(entrant, "templates", entrant.template, copied=False)
        server = start(entrant.contender, place)
        try:
            keys = self._seed(entrant.contender, place, entrant.rows)
        except NotTheSame as error:
            raise NotTheSame(f"{entrant.contender.title}: {error}") from None
        finally:
            server.stop()
        entrant.contender.rows.settle(place)
        random.Random(SEED).shuffle(keys)
        self._keys[entrant.template] = keys

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
