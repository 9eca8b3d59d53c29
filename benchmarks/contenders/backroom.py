"""Backroom as `examples/todo` is served in production: one process, two processes, and one process on Postgres."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.contender import JSON, Account, Call, Contender, Place, Spelling, Wire
from benchmarks.rows import PostgresRows, RowsByWire, SqliteRows, by_wire

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "todo" / "app.py"
PROJECTS_APP = Path(__file__).with_name("projects_app.py")
REFERENCES = ("project", "task")
PASSWORDS = "argon2id, 19 MiB, 2 passes, 1 lane (OWASP), off the event loop, two at once"


def _account(reply: Any) -> tuple[str, str]:
    return reply["user"]["id"], reply["access_token"]


def _serve(workers: int, app: Path = APP) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        backroom = str(Path(sys.executable).with_name("backroom"))
        return [backroom, "serve", str(app), "--host", "127.0.0.1", "--port", str(place.port), "--workers", str(workers)]

    return command


def _environment(place: Place) -> Mapping[str, str]:
    return {
        "DATABASE_URL": place.database or f"sqlite:{place.folder / 'app.db'}",
        "SECRET_KEY": "benchmarks-only-7Qm2xV9sLd4RtK8wZbHcYf3NpJg6",
        "PUBLIC_URL": f"http://localhost:{place.port}",
        "RATE_LIMIT": "off",
    }


def _contender(key: str, title: str, workers: int, *, postgres: bool = False) -> Contender:
    looking = PostgresRows() if postgres else SqliteRows("app.db", "", lambda title, owner: ())
    return Contender(
        key=key,
        title=title,
        database="postgresql" if postgres else "sqlite",
        template="backroom-postgres" if postgres else "backroom",
        command=_serve(workers),
        environment=_environment,
        wire=Wire(_account),
        rows=RowsByWire(looking),
        durability="Postgres: fsync and synchronous_commit on, SERIALIZABLE"
        if postgres
        else "WAL, synchronous=FULL: an acknowledged write survives a power cut",
        passwords=PASSWORDS,
        runtime=f"{workers} process{'es' if workers > 1 else ''}, granian",
        packages=("backroom", "granian", "apsw", "asyncpg"),
    )


def _fill(place: Place, owner: Account, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """`project` is sent as `project_id`: the key of a row, a number."""
    sent = [{f"{name}_id" if name in REFERENCES else name: int(row[name]) if name in REFERENCES else row[name] for name in row} for row in rows]
    return by_wire(place, owner, table, sent)


def _bulk(titles: list[str], project: str, _: str) -> Call:
    return Call("POST", "/api/tasks", json.dumps([{"title": title, "due": "2026-12-24", "project_id": int(project)} for title in titles]), JSON)


def _upsert(slug: str, color: str, _: str) -> Call:
    return Call(
        "POST", "/api/labels?on_conflict=slug", json.dumps({"slug": slug, "color": color}), JSON, "resolution=merge-duplicates,return=representation"
    )


TASKS = "/api/tasks?limit=20&order=id.desc"
SPELLING = Spelling(
    fill=_fill,
    lists={
        "plain": TASKS,
        "filters": "/api/tasks?project_id=eq.{project}&done=is.false&order=due.desc&limit=20",
        "to-one": TASKS + "&select=*,project(*)",
        "to-many": TASKS + "&select=*,comments(*)",
        "both": TASKS + "&select=*,project(*),comments(*)",
        "count": TASKS,
        "search": "/api/notes?search={word}&limit=20",
    },
    prefer={"count": "count=exact"},
    upsert=_upsert,
    bulk=_bulk,
    related=lambda row, name: row[name],
    total=lambda headers, _: int(headers["content-range"].rpartition("/")[2]),
)


def _with_projects(contender: Contender, *, postgres: bool = False) -> Contender:
    """The same server with the app that the rows of the data API are measured on."""
    counted = ("tasks.title", "labels.color")
    looking = PostgresRows(counted) if postgres else SqliteRows("app.db", "", lambda title, owner: (), counted=counted)
    return replace(
        contender,
        template=f"{contender.template}-projects",
        command=_serve(1, PROJECTS_APP),
        wire=replace(contender.wire, spelling=SPELLING),
        rows=RowsByWire(looking),
    )


BACKROOM = (
    _contender("backroom", "Backroom, 1 process", 1),
    _contender("backroom-2", "Backroom, 2 processes", 2),
    _contender("backroom-postgres", "Backroom on Postgres", 1, postgres=True),
)

BACKROOM_PROJECTS = (_with_projects(BACKROOM[0]), _with_projects(BACKROOM[2], postgres=True))
