"""Kill a real server at random while clients send writes with an Idempotency-Key until they are told the outcome; then count.

    python -m tests.flows.killed_keys --kills 50 --seed 7 [--workers 2] [--postgres]

Whatever was under way at a kill, and however often it was sent: each key has been done exactly once, and its reply tells of that one time.
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
from typing import Any
from uuid import uuid4

import apsw
import httpx2

from tests.flows.servers import ROOT, Server, backroom_serve

CLIENTS = 6
PASSWORD = "correct horse battery"
LONGEST_LOAD_SECONDS = 0.6
#: Rows of each kind that one request of each sort makes: todos, notes.
MADE = {"one": (1, 0), "array": (0, 3), "batch": (1, 2)}


class Twice(AssertionError):
    """Something was done not once, or otherwise than its reply says."""


@dataclass
class Client:
    """One person, and what they were told: word -> the sort of the request and the ids in its reply."""

    number: int
    token: str = ""
    told: dict[str, tuple[str, list[int]]] = field(default_factory=dict[str, tuple[str, list[int]]])


@dataclass
class Tally:
    kills: int = 0
    done: Counter[str] = field(default_factory=Counter[str])
    sent: int = 0
    broken: int = 0
    replayed: int = 0
    waited: int = 0

    def line(self) -> str:
        keys = ", ".join(f"{number} {sort}" for sort, number in sorted(self.done.items()))
        return (
            f"{self.kills} kills; {sum(self.done.values())} keys done ({keys}) by {self.sent} requests: {self.broken} broken off, "
            f"{self.replayed} told again, {self.waited} told to wait"
        )


def request_of(sort: str, word: str) -> tuple[str, Any]:
    todo, note = {"title": word}, {"title": word, "body": "x"}
    if sort == "batch":
        items = [("/api/todos", todo), ("/api/notes", [note, note])]
        return "/api/batch", [{"method": "POST", "path": path, "body": body} for path, body in items]
    return ("/api/notes", [note] * 3) if sort == "array" else ("/api/todos", todo)


async def work(client: Client, web: httpx2.AsyncClient, rng: random.Random, tally: Tally, stop: asyncio.Event) -> None:
    """One key after the other, each sent until somebody says how it ended."""
    while not stop.is_set():
        sort, word, key = rng.choice(list(MADE)), f"{client.number}-{len(client.told)}", str(uuid4())
        path, body = request_of(sort, word)
        while True:
            tally.sent += 1
            try:
                reply = await web.post(path, json=body, headers={"authorization": f"Bearer {client.token}", "idempotency-key": key})
            except httpx2.TransportError:
                tally.broken += 1  # nobody knows how it ended, and the server is down: ask again in a moment
                await asyncio.sleep(0.02)
                continue
            if reply.status_code in (200, 201):
                break
            if reply.status_code not in (409, 503):
                raise Twice(f"{path} answered {reply.status_code}: {reply.text[:300]}")
            tally.waited += 1
            await asyncio.sleep(0.02)
        tally.replayed += reply.headers.get("idempotent-replayed") == "true"
        tally.done[sort] += 1
        client.told[word] = (sort, ids_of(reply.json()))


def ids_of(reply: Any) -> list[int]:
    """All ids in a reply, of a row, of rows, or of a batch's replies."""
    if isinstance(reply, dict):
        return [reply["id"]] if "id" in reply else ids_of(reply["body"])  # pyright: ignore[reportUnknownArgumentType]
    return [number for each in reply for number in ids_of(each)]


async def settle(clients: list[Client], server: Server) -> None:
    """Every row of every client, through the front door, against what they were told. Raises `Twice`."""
    for client in clients:
        async with httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {client.token}"}, timeout=20) as web:
            todos, notes = await _all(web, "todos"), await _all(web, "notes")
        wrong: list[str] = []
        for word, (sort, ids) in client.told.items():
            found = (todos.pop(word, []), notes.pop(word, []))
            if (len(found[0]), len(found[1])) != MADE[sort] or [*found[0], *found[1]] != ids:
                wrong.append(f"{sort} {word}: told of {ids}, found {found}")
        wrong += [f"{word}: there, and nobody was told" for word in (*todos, *notes)]
        if wrong:
            raise Twice("; ".join(wrong[:10]))


async def _all(web: httpx2.AsyncClient, name: str) -> dict[str, list[int]]:
    """Title -> the ids of one's own rows."""
    me = (await web.get("/api/account")).json()["id"]
    found: dict[str, list[int]] = {}
    last = 0
    while True:
        reply = await web.get(f"/api/{name}?owner_id=eq.{me}&id=gt.{last}&order=id&limit=1000")
        reply.raise_for_status()
        rows = reply.json()
        for row in rows:
            found.setdefault(row["title"], []).append(row["id"])
        if not rows:
            return found
        last = rows[-1]["id"]


async def run(
    folder: Path, kills: int, seed: int, *, workers: int = 1, database_url: str | None = None, tell: Callable[[str], None] | None = None
) -> Tally:
    """Raises `Twice` with what is wrong."""
    rng = random.Random(seed)
    given = {} if database_url is None else {"DATABASE_URL": database_url}
    server = backroom_serve(ROOT / "examples" / "todo" / "app.py", folder, ACCESS_TOKEN_SECONDS="86400", **given)
    server.command = [*server.command, "--workers", str(workers)]
    clients, tally, stop = [Client(number) for number in range(CLIENTS)], Tally(), asyncio.Event()
    try:
        server.start()
        async with httpx2.AsyncClient(base_url=server.url, timeout=20) as web:
            for client in clients:
                person = {"email": f"client{client.number}@example.com", "password": PASSWORD}
                client.token = (await web.post("/auth/v1/signup", json=person)).json()["access_token"]
            tasks = [asyncio.create_task(work(client, web, random.Random(rng.random()), tally, stop)) for client in clients]
            for _ in range(kills):
                await asyncio.wait(tasks, timeout=rng.uniform(0.05, LONGEST_LOAD_SECONDS), return_when=asyncio.FIRST_EXCEPTION)
                server.kill()
                tally.kills += 1
                await asyncio.to_thread(server.start)
                if tell is not None and tally.kills % 10 == 0:
                    tell(tally.line())
            stop.set()
            await asyncio.gather(*tasks)
        await settle(clients, server)
    finally:
        server.kill()
    if database_url is None:
        file: Any = apsw.Connection(str(folder / "app.db"))
        checked = list(file.execute("PRAGMA integrity_check"))
        if checked != [("ok",)]:
            raise Twice(f"the file is damaged: {checked}")
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None, help="the same seed chooses the same requests and moments (the machine still has its say)")
    parser.add_argument("--workers", type=int, default=1, help="server processes on the one database")
    parser.add_argument("--postgres", action="store_true", help="a private Postgres instead of a SQLite file")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    url = None
    if given.postgres:
        from tests.postgres import fresh_database

        url = fresh_database()
    print(f"seed {seed}, {'Postgres' if url else 'SQLite'}, {given.workers} process(es)", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="backroom keys ") as folder:
        try:
            tally = asyncio.run(
                run(Path(folder), given.kills, seed, workers=given.workers, database_url=url, tell=lambda line: print(line, flush=True))
            )
        except Twice as twice:
            print(f"NOT ONCE: {twice}")
            return 1
    print(f"each once, in {time.monotonic() - begun:.0f} s: {tally.line()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
