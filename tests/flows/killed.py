"""Kill a real server at random under mixed load, start it again, and look for what it had acknowledged.

    python -m tests.flows.killed --kills 200 --seed 7

Every client notes what it is about to ask and what was acknowledged. After each kill every acknowledged write must be there; a write that
was under way may be there or not, but never half.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import apsw
import httpx2

from tests.flows.servers import ROOT, Server, backroom_serve

CLIENTS = 6
ARRAY = 5
PASSWORD = "correct horse battery"
LONGEST_LOAD_SECONDS = 0.5

#: A todo as its client knows it: title and done.
Todo: TypeAlias = tuple[str, bool]


class Lost(AssertionError):
    """Something that was acknowledged is gone, or something is half."""


@dataclass
class Client:
    """One person: what was acknowledged, and the one request that may be under way."""

    number: int
    token: str = ""
    email: str = ""
    todos: dict[int, Todo] = field(default_factory=dict[int, Todo])
    deleted: set[int] = field(default_factory=set[int])
    arrays: set[str] = field(default_factory=set[str])
    people: set[str] = field(default_factory=set[str])
    asked: tuple[str, Any] | None = None
    count: int = 0

    def word(self) -> str:
        """A title that nobody used before."""
        self.count += 1
        return f"{self.number}-{self.count}"


@dataclass
class Tally:
    """What one run has done."""

    kills: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter[str])
    under_way: Counter[str] = field(default_factory=Counter[str])
    came_through: Counter[str] = field(default_factory=Counter[str])
    slowest_start: float = 0.0

    def line(self) -> str:
        done = ", ".join(f"{number} {name}" for name, number in sorted(self.acknowledged.items()))
        open_ends = sum(self.under_way.values())
        through = sum(self.came_through.values())
        return (
            f"{self.kills} kills; acknowledged: {sum(self.acknowledged.values())} ({done}); "
            f"under way at a kill: {open_ends}, of which {through} were there afterwards; slowest start {self.slowest_start:.1f} s"
        )


async def work(client: Client, web: httpx2.AsyncClient, rng: random.Random, tally: Tally) -> None:
    """Ask, one request after the other, until the connection breaks."""
    while True:
        kind = rng.choices(("create", "update", "delete", "array", "signup"), (40, 30, 10, 15, 5))[0]
        if kind in ("update", "delete") and not client.todos:
            kind = "create"
        try:
            await _ask(kind, client, web, rng)
        except httpx2.TransportError:
            return  # nobody knows how it ended: `asked` still says what it was
        client.asked = None
        tally.acknowledged[kind] += 1


async def _ask(kind: str, client: Client, web: httpx2.AsyncClient, rng: random.Random) -> None:
    mine = {"authorization": f"Bearer {client.token}"}
    word = client.word()
    if kind == "create":
        client.asked = (kind, word)
        row = _ok(await web.post("/api/todos", json={"title": word}, headers=mine), 201)
        client.todos[row["id"]] = (word, False)
    elif kind == "update":
        key = rng.choice(list(client.todos))
        wanted = (word, not client.todos[key][1])
        client.asked = (kind, (key, wanted))
        _ok(await web.patch(f"/api/todos/{key}", json={"title": wanted[0], "done": wanted[1]}, headers=mine), 200)
        client.todos[key] = wanted
    elif kind == "delete":
        key = rng.choice(list(client.todos))
        client.asked = (kind, key)
        _ok(await web.delete(f"/api/todos/{key}", headers=mine), 204)
        del client.todos[key]
        client.deleted.add(key)
    elif kind == "array":
        client.asked = (kind, word)
        _ok(await web.post("/api/notes", json=[{"title": word, "body": str(part)} for part in range(ARRAY)], headers=mine), 201)
        client.arrays.add(word)
    else:
        email = f"p{word}@example.com"
        client.asked = (kind, email)
        _ok(await web.post("/auth/v1/signup", json={"email": email, "password": PASSWORD}), 200)
        client.people.add(email)


def _ok(reply: httpx2.Response, status: int) -> Any:
    if reply.status_code != status:
        raise Lost(f"{reply.request.method} {reply.request.url} answered {reply.status_code}: {reply.text[:300]}")
    return reply.json() if reply.content else None


# ---------------------------------------------------------------- what must be there afterwards
def settle(clients: list[Client], path: Path, tally: Tally) -> None:
    """Compare every row with what its client knows; the client then knows how its open request ended. Raises `Lost`."""
    stored = apsw.Connection(str(path))
    try:
        rows: dict[str, dict[int, Todo]] = {}
        for owner, key, title, done in _all(stored, "SELECT u.email, t.id, t.title, t.done FROM todos t JOIN users u ON u.id = t.owner_id"):
            rows.setdefault(owner, {})[key] = (title, bool(done))
        arrays = dict(_all(stored, "SELECT title, count(*) FROM notes GROUP BY title"))
        halves = {title for title, parts in arrays.items() if parts != ARRAY}
        if halves:
            raise Lost(f"half an array: {halves}")
        people = {
            email
            for (email,) in _all(stored, "SELECT u.email FROM users u JOIN _accounts a ON a.user_id = u.id JOIN _sessions s ON s.user_id = u.id")
        }
        half_people = {email for (email,) in _all(stored, "SELECT email FROM users")} - people
        if half_people:
            raise Lost(f"people without account or session: {half_people}")
        for client in clients:
            _settle_todos(client, rows.get(client.email, {}), tally)
            client.arrays = _settle_names(client, "array", client.arrays, {title for title in arrays if title.startswith(f"{client.number}-")}, tally)
            client.people = _settle_names(
                client, "signup", client.people, {email for email in people if email.startswith(f"p{client.number}-")}, tally
            )
            if client.asked is not None:
                tally.under_way[client.asked[0]] += 1
            client.asked = None
        checks = _all(stored, "PRAGMA integrity_check"), _all(stored, "PRAGMA foreign_key_check")
        if checks != ([("ok",)], []):
            raise Lost(f"the file is damaged: {checks}")
    finally:
        stored.close()


def _all(stored: Any, text: str) -> list[Any]:
    return list(stored.execute(text))


def _settle_todos(client: Client, found: dict[int, Todo], tally: Tally) -> None:
    kind: str = client.asked[0] if client.asked else ""
    what: Any = client.asked[1] if client.asked else None
    expected = dict(client.todos)
    fresh = [key for key in found if key not in expected]
    if kind == "create" and len(fresh) == 1 and found[fresh[0]] == (what, False):
        expected[fresh[0]] = (what, False)
        tally.came_through[kind] += 1
    elif kind == "update" and found.get(what[0]) == what[1]:
        expected[what[0]] = what[1]
        tally.came_through[kind] += 1
    elif kind == "delete" and what not in found:
        del expected[what]
        tally.came_through[kind] += 1
    if found != expected:
        wrong = {key: (expected.get(key), found.get(key)) for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
        raise Lost(f"client {client.number}, {kind} {what} under way: expected and found {wrong}")
    client.todos = expected


def _settle_names(client: Client, kind: str, known: set[str], found: set[str], tally: Tally) -> set[str]:
    asked, what = client.asked or ("", None)
    fresh = found - known
    if known - found or (fresh and (asked != kind or fresh != {what})):
        raise Lost(f"client {client.number}, {kind}: lost {known - found}, unasked {fresh}")
    tally.came_through[kind] += len(fresh)
    return found


# ---------------------------------------------------------------- one run
async def run(folder: Path, kills: int, seed: int, *, workers: int = 1, tell: Callable[[str], None] | None = None) -> Tally:
    """Raises `Lost` with what is wrong."""
    rng = random.Random(seed)
    server = backroom_serve(ROOT / "examples" / "todo" / "app.py", folder, ACCESS_TOKEN_SECONDS="86400")
    server.command = [*server.command, "--workers", str(workers)]
    clients, tally = [Client(number) for number in range(CLIENTS)], Tally()
    try:
        server.start()
        async with httpx2.AsyncClient(base_url=server.url) as web:
            for client in clients:
                client.email = f"client{client.number}@example.com"
                client.token = _ok(await web.post("/auth/v1/signup", json={"email": client.email, "password": PASSWORD}), 200)["access_token"]
        for kill in range(kills):
            await _load_and_kill(server, clients, rng, tally)
            settle(clients, folder / "app.db", tally)
            begun = time.monotonic()
            server.start()
            tally.slowest_start = max(tally.slowest_start, time.monotonic() - begun)
            tally.kills += 1
            await _serves_what_is_stored(server, clients[kill % CLIENTS])
            if tell is not None and tally.kills % 10 == 0:
                tell(tally.line())
        await _can_sign_in(server, clients, rng)
    finally:
        server.kill()
    settle(clients, folder / "app.db", tally)
    return tally


async def _load_and_kill(server: Server, clients: list[Client], rng: random.Random, tally: Tally) -> None:
    async with httpx2.AsyncClient(base_url=server.url, timeout=20) as web:
        tasks = [asyncio.create_task(work(client, web, random.Random(rng.random()), tally)) for client in clients]
        await asyncio.wait(tasks, timeout=rng.uniform(0.02, LONGEST_LOAD_SECONDS), return_when=asyncio.FIRST_EXCEPTION)
        server.kill()
        await asyncio.gather(*tasks)


async def _serves_what_is_stored(server: Server, client: Client) -> None:
    """Through the front door too: the session outlived the kill, and the last rows are as the client knows them."""
    async with httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {client.token}"}) as web:
        rows = _ok(await web.get("/api/todos?order=id.desc&limit=200"), 200)
    wanted = dict(sorted(client.todos.items(), reverse=True)[:200])
    if {row["id"]: (row["title"], row["done"]) for row in rows} != wanted:
        raise Lost(f"client {client.number}: the server shows other rows than the file has")


async def _can_sign_in(server: Server, clients: list[Client], rng: random.Random) -> None:
    """People who were told that they have an account have one."""
    people = sorted(email for client in clients for email in client.people)
    async with httpx2.AsyncClient(base_url=server.url) as web:
        for email in rng.sample(people, min(20, len(people))):
            _ok(await web.post("/auth/v1/token?grant_type=password", json={"email": email, "password": PASSWORD}), 200)


def _tell(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="the same seed chooses the same requests and moments (the machine still has its say)")
    parser.add_argument("--workers", type=int, default=1, help="server processes on the one file")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    print(f"seed {seed}, SQLite {apsw.sqlite_lib_version()}, {given.workers} process(es)", flush=True)
    with tempfile.TemporaryDirectory(prefix="backroom killed ") as folder:
        try:
            tally = asyncio.run(run(Path(folder), given.kills, seed, workers=given.workers, tell=_tell))
        except Lost as lost:
            print(f"LOST: {lost}")
            return 1
    print(f"nothing lost, nothing half, integrity_check ok: {tally.line()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
