"""The Python peers: FastAPI as documented, and the raw handlers."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from benchmarks.contender import FORM, PASSWORD, Contender, Place, Wire
from benchmarks.environment import peer_executable
from benchmarks.rows import DUE, PostgresRows, SqliteRows, now_text

INSERT = "insert into todos (id, title, done, due, owner_id, created_at, updated_at) values (?, ?, 0, ?, ?, ?, ?)"
POSTGRES = "Postgres: fsync and synchronous_commit on, READ COMMITTED"
FULL = "WAL, synchronous=FULL: an acknowledged write survives a power cut"
MODULE = "benchmarks.contenders.{}:app"


def _granian(app: str) -> Callable[[Place], list[str]]:
    options = ["--interface", "asgi", "--loop", "uvloop", "--workers", "1", "--no-ws", "--host", "127.0.0.1", "--port"]
    return lambda place: [peer_executable("granian"), *options, str(place.port), MODULE.format(app)]


def _uvicorn(place: Place) -> list[str]:
    return [peer_executable("uvicorn"), MODULE.format("fastapi_app"), "--host", "127.0.0.1", "--port", str(place.port), "--no-access-log"]


def _raw_environment(place: Place) -> Mapping[str, str]:
    return {"BENCH_FOLDER": str(place.folder), "BENCH_DATABASE_URL": place.database or ""}


def _fastapi_environment(place: Place) -> Mapping[str, str]:
    url = place.database.replace("postgresql://", "postgresql+asyncpg://") if place.database else f"sqlite+aiosqlite:///{place.folder / 'app.db'}"
    return {"BENCH_DATABASE_URL": url}


def _raw_row(title: str, owner: str) -> tuple[Any, ...]:
    now = now_text()
    return title, DUE.isoformat(), owner, now, now


def _fastapi_row(title: str, owner: str) -> tuple[Any, ...]:
    now = now_text(" ").replace(".000Z", ".000000")  # as SQLAlchemy stores a DateTime in SQLite
    return title, DUE.isoformat(), UUID(owner).hex, now, now


def _raw_account(reply: Any) -> tuple[str, str]:
    return reply["user"]["id"], reply["access_token"]


def _fastapi_account(reply: Any) -> tuple[str, str]:
    claims = reply["access_token"].split(".")[1]
    return json.loads(urlsafe_b64decode(claims + "=="))["sub"], reply["access_token"]


RAW = Wire(_raw_account, list_query="limit=20")
FASTAPI = Wire(
    _fastapi_account,
    signup_path="/users",
    signin_path="/token",
    signin=lambda email: {"username": email, "password": PASSWORD},
    signin_kind=FORM,
    list_query="limit=20",
)

PEERS = (
    Contender(
        key="fastapi",
        title="FastAPI + SQLAlchemy",
        database="sqlite",
        template="fastapi",
        command=_uvicorn,
        environment=_fastapi_environment,
        wire=FASTAPI,
        rows=SqliteRows("app.db", INSERT, _fastapi_row),
        durability=FULL,
        passwords="argon2id, pwdlib's defaults, on the event loop as documented",
        runtime="1 process, uvicorn with uvloop and httptools, aiosqlite",
        packages=("fastapi", "sqlalchemy", "aiosqlite", "uvicorn", "uvloop"),
    ),
    Contender(
        key="raw",
        title="raw apsw",
        database="sqlite",
        template="raw",
        command=_granian("raw_sqlite"),
        environment=_raw_environment,
        wire=RAW,
        rows=SqliteRows("app.db", INSERT, _raw_row),
        durability=FULL,
        passwords="argon2id, pwdlib's defaults, two threads",
        runtime="1 process, granian with uvloop, ES256 tokens cached",
        packages=("granian", "apsw", "msgspec", "uvloop"),
    ),
    Contender(
        key="fastapi-postgres",
        title="FastAPI + SQLAlchemy on Postgres",
        database="postgresql",
        template="fastapi-postgres",
        command=_uvicorn,
        environment=_fastapi_environment,
        wire=FASTAPI,
        rows=PostgresRows(),
        durability=POSTGRES,
        passwords="argon2id, pwdlib's defaults, on the event loop as documented",
        runtime="1 process, uvicorn with uvloop and httptools, asyncpg",
        packages=("fastapi", "sqlalchemy", "asyncpg", "uvicorn", "uvloop"),
    ),
    Contender(
        key="raw-postgres",
        title="raw asyncpg",
        database="postgresql",
        template="raw-postgres",
        command=_granian("raw_postgres"),
        environment=_raw_environment,
        wire=RAW,
        rows=PostgresRows(),
        durability=POSTGRES,
        passwords="argon2id, pwdlib's defaults, two threads",
        runtime="1 process, granian with uvloop, ES256 tokens cached, 8 connections",
        packages=("granian", "asyncpg", "msgspec", "uvloop"),
    ),
)
