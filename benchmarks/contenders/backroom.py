"""Backroom as `examples/todo` is served in production: one process, two processes, and one process on Postgres."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.contender import Contender, Place, Wire
from benchmarks.rows import PostgresRows, RowsByWire, SqliteRows

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "todo" / "app.py"
PASSWORDS = "argon2id, 19 MiB, 2 passes, 1 lane (OWASP), off the event loop, two at once"


def _account(reply: Any) -> tuple[str, str]:
    return reply["user"]["id"], reply["access_token"]


def _serve(workers: int) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        backroom = str(Path(sys.executable).with_name("backroom"))
        return [backroom, "serve", str(APP), "--host", "127.0.0.1", "--port", str(place.port), "--workers", str(workers)]

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


BACKROOM = (
    _contender("backroom", "Backroom, 1 process", 1),
    _contender("backroom-2", "Backroom, 2 processes", 2),
    _contender("backroom-postgres", "Backroom on Postgres", 1, postgres=True),
)
