"""Pages of large tables, Backroom alone: a few rows that an OR of memberships lets through, and a page far into a list."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any, NamedTuple, cast

import httpx2

from backroom.database.sqlite_file import Connection
from backroom.server.loading import load_app
from backroom.settings import Settings
from benchmarks import load
from benchmarks.check import Caller, sign_up
from benchmarks.cloning import Cloning, cloning
from benchmarks.contender import JSON, Account, Call, Contender, Place
from benchmarks.contenders.backroom import PROJECTS_APP
from benchmarks.environment import OUT
from benchmarks.figures import Load
from benchmarks.postgres import Postgres, connect
from benchmarks.processes import free_port, start
from benchmarks.results import Deep, Sparse

DOCUMENTS, TEAMS, FEW = 500_000, 5_000, 3
TASKS, DEPTH, STEP = 1_000_000, 900_000, 1_000
CONNECTIONS = 8  # of which the time in the database is the larger part of what a caller waits
TIMES = 50
NAMES = {"sqlite": "SQLite", "postgresql": "Postgres"}
DOCUMENTS_PAGE = "/api/documents?limit=20"
TASKS_PAGE = "/api/tasks?limit=20&order=id.desc"


def measure(contender: Contender, postgres: Postgres | None, seconds: float) -> tuple[list[Sparse], list[Deep]]:
    """Fill the tables, then one run of each."""
    folder = OUT / "runs" / f"large-{contender.key}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Place(folder, free_port(), postgres.create(folder.name) if postgres and contender.database == "postgresql" else None)
    server = start(contender, place)
    try:
        print(f"seeding {folder.name} ...", flush=True)
        people = {name: sign_up(place, contender.wire, f"{name.replace(' ', '-')}@example.com") for name in ("owner", "none", "a few", "all")}
        with cloning(place) as rows:
            _fill(place, rows, people)
        contender.rows.settle(place)
        found = Run(contender, place, seconds)
        return [found.sparse(name, people[name]) for name in ("none", "a few", "all")], found.deep(people["owner"])
    finally:
        server.stop()


def _fill(place: Place, rows: Cloning, people: dict[str, Account]) -> None:
    """One row of each kind by the wire, then copies of it."""
    owner = Caller(place, people["owner"].token)

    def made(resource: str, **fields: Any) -> int:
        owner.succeed(Call("POST", f"/api/{resource}", json.dumps(fields), JSON))
        return rows.last(resource)

    team = made("teams", name="Team")
    rows.clone("teams", team, TEAMS - 1)
    made("documents", title="Minutes", team_id=team)
    rows.clone("documents", rows.last("documents"), DOCUMENTS - 1, team_id=f"{team} + numbers.n % {TEAMS}")
    for name, teams in (("a few", FEW), ("all", TEAMS)):
        member = made("members", team_id=team, user_id=people[name].key)
        rows.clone("members", member, teams - 1, team_id=f"{team} + numbers.n * {TEAMS // teams}")
    task = made("tasks", title="Buy milk", project_id=made("projects", name="Project"))
    rows.clone("tasks", task, TASKS - 1)


class Asked(NamedTuple):
    text: str
    parameters: tuple[Any, ...]


class Run:
    """One server with its tables filled."""

    def __init__(self, contender: Contender, place: Place, seconds: float) -> None:
        self._contender, self._place, self._seconds = contender, place, seconds

    def sparse(self, name: str, person: Account) -> Sparse:
        asked = asyncio.run(self._statement(person, DOCUMENTS_PAGE))
        microseconds = _in_sqlite(self._place, asked) if self._place.database is None else asyncio.run(_in_postgres(self._place, asked))
        one = Sparse(NAMES[self._contender.database], name, microseconds, self._load(person, DOCUMENTS_PAGE))
        print(f"sparse  {one.database:10} {name:6} {microseconds:>9,.0f} us  {one.load.per_second:>9,.0f}/s", flush=True)
        return one

    def deep(self, owner: Account) -> list[Deep]:
        cursor = self._cursor(owner)
        pages = {"first": TASKS_PAGE, "after": f"{TASKS_PAGE}&after={cursor}", "offset": f"{TASKS_PAGE}&offset={DEPTH}"}
        found: list[Deep] = []
        for page, path in pages.items():
            found.append(Deep(NAMES[self._contender.database], page, self._load(owner, path)))
            print(f"deep    {found[-1].database:10} {page:6} {found[-1].load.per_second:>9,.0f}/s", flush=True)
        return found

    def _load(self, person: Account, path: str) -> Load:
        place, calls = self._place, [Call("GET", path)]
        file = place.folder / "requests"
        return load.run(place.url, calls, token=person.token, seconds=self._seconds, once=False, file=file, connections=CONNECTIONS)

    def _cursor(self, owner: Account) -> str:
        """The one behind `DEPTH` rows, by walking there."""
        caller, address = Caller(self._place, owner.token), TASKS_PAGE.replace("limit=20", f"limit={STEP}")
        for _ in range(DEPTH // STEP):
            address = caller.send(Call("GET", address)).headers["link"].partition("<")[2].partition(">")[0]
        return address.rpartition("after=")[2]

    async def _statement(self, person: Account, path: str) -> Asked:
        """The last statement that the app asks to answer this, and what it binds: the app runs here, on the same database."""
        given: dict[str, Any] = dict(self._contender.environment(self._place))
        backend = load_app(str(PROJECTS_APP)).backend(Settings(_env_file=None, **given))  # type: ignore[call-arg]
        await backend.start()
        try:
            heard: list[Asked] = []
            database: Any = backend.store.database
            read: Callable[..., Awaitable[Any]] = database.read

            async def heard_read(text: str, parameters: tuple[Any, ...] = (), **options: Any) -> Any:
                heard.append(Asked(text, tuple(parameters)))
                return await read(text, parameters, **options)

            database.read = heard_read
            transport = httpx2.ASGITransport(app=cast(Any, backend.door))
            async with httpx2.AsyncClient(transport=transport, base_url=f"http://localhost:{self._place.port}") as client:
                reply = await client.get(path, headers={"authorization": f"Bearer {person.token}"})
            if reply.status_code != 200:
                raise SystemExit(f"{path} answered {reply.status_code}: {reply.text}")
            return heard[-1]
        finally:
            await backend.stop()


def _in_sqlite(place: Place, asked: Asked) -> float:
    """Microseconds, median."""
    connection, found = Connection(str(place.folder / "app.db"), seconds=60.0, reads=True, cache_kib=16_384, most_bytes=2**26), list[float]()
    for _ in range(TIMES):
        began = time.perf_counter()
        connection.run(asked.text, asked.parameters)
        found.append(time.perf_counter() - began)
    connection.close()
    return median(found) * 1e6


async def _in_postgres(place: Place, asked: Asked) -> float:
    """Microseconds, median: to plan it and to run it, as EXPLAIN ANALYZE tells them."""
    connection, found = await connect(place.database), list[float]()
    try:
        for _ in range(TIMES):
            plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {asked.text}", *asked.parameters))[0]
            found.append(plan["Planning Time"] + plan["Execution Time"])
    finally:
        await connection.close()
    return median(found) * 1e3
