"""Kill -9 under load of writes with an Idempotency-Key. The long run is a command: `python -m tests.flows.killed_keys --kills 50`."""

from __future__ import annotations

import random
from pathlib import Path

import httpx2
import pytest

from tests.flows.killed_keys import PASSWORD, Client, Twice, run, settle
from tests.flows.servers import ROOT, backroom_serve, running


@pytest.mark.case(118)
async def test_each_key_is_done_once_however_often_it_was_sent_to_a_server_that_dies(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    tally = await run(tmp_path, 3, seed)
    assert tally.kills == 3
    assert min(tally.done[sort] for sort in ("one", "array", "batch")) > 0
    assert tally.broken > 0, "no kill hit a request: the load proves nothing"


async def test_the_count_sees_what_was_done_twice_or_never(tmp_path: Path) -> None:
    cases: list[tuple[list[str], dict[str, tuple[str, int]]]] = [
        ([], {"a": ("one", 0)}),
        (["a", "a"], {"a": ("one", 0)}),
        (["a"], {}),
        (["a"], {"a": ("one", 1)}),
        (["a"], {"a": ("batch", 0)}),
    ]
    with running(backroom_serve(ROOT / "examples" / "todo" / "app.py", tmp_path)) as server:
        async with httpx2.AsyncClient(base_url=server.url) as web:
            for number, (sent, told) in enumerate(cases):
                person = {"email": f"{number}@example.com", "password": PASSWORD}
                client = Client(number, (await web.post("/auth/v1/signup", json=person)).json()["access_token"])
                mine = {"authorization": f"Bearer {client.token}"}
                ids = [(await web.post("/api/todos", json={"title": title}, headers=mine)).json()["id"] for title in sent]
                client.told = {word: (sort, [(ids or [1])[0] + off]) for word, (sort, off) in told.items()}
                with pytest.raises(Twice):
                    await settle([client], server)
