"""Kill -9 of the real server under load. The long run is a command: `python -m tests.flows.killed --kills 200`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.flows.killed import Client, Lost, Tally, run, settle


async def test_what_was_acknowledged_survives_kills_of_the_server_and_nothing_is_half(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    tally = await run(tmp_path, 10, seed)
    assert tally.kills == 10
    assert min(tally.acknowledged[kind] for kind in ("create", "update", "delete", "array", "signup")) > 0
    assert sum(tally.under_way.values()) > 0, "no kill hit a request: the load proves nothing"


def stored(path: Path, *statements: str) -> None:
    file: Any = apsw.Connection(str(path))
    for statement in (
        "CREATE TABLE users (id TEXT, email TEXT)",
        "CREATE TABLE _accounts (user_id TEXT)",
        "CREATE TABLE _sessions (user_id TEXT)",
        "CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, done INTEGER, owner_id TEXT)",
        "CREATE TABLE notes (title TEXT)",
        "INSERT INTO users VALUES ('a', 'ann'); INSERT INTO _accounts VALUES ('a'); INSERT INTO _sessions VALUES ('a')",
        *statements,
    ):
        file.execute(statement)
    file.close()


@pytest.mark.parametrize(
    ("statement", "knows"),
    [
        ("", {"todos": {1: ("x", False)}}),
        ("INSERT INTO todos VALUES (1, 'old', 0, 'a')", {"todos": {1: ("new", False)}}),
        ("INSERT INTO todos VALUES (1, 'x', 0, 'a')", {"deleted": {1}}),
        ("INSERT INTO todos VALUES (1, 'new', 0, 'a')", {"todos": {1: ("old", False)}, "asked": ("update", (1, ("new", True)))}),
        ("INSERT INTO notes VALUES ('0-1'), ('0-1')", {"asked": ("array", "0-1")}),
        ("", {"arrays": {"0-1"}}),
        ("", {"people": {"p0-1@example.com"}}),
        ("INSERT INTO users VALUES ('b', 'bob')", {}),
    ],
)
def test_the_harness_sees_what_is_lost_or_half(tmp_path: Path, statement: str, knows: dict[str, object]) -> None:
    stored(tmp_path / "app.db", statement)
    with pytest.raises(Lost):
        settle([Client(0, email="ann", **knows)], tmp_path / "app.db", Tally())  # type: ignore[arg-type]
