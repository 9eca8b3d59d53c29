"""The library of `tests/flows/library.py` as a served app, with its books and its people."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.flows.servers import Server, backroom_serve, running

APP = Path(__file__).parent / "library.py"
#: As in tests/flows/supabase_js/client.mjs.
PASSWORD = "plum-orbit-lantern-42"

_AUTHORS = [{"name": "Aino", "born": 1950}, {"name": "Ben"}, {"name": "Cleo"}]
# fmt: off
_BOOKS: list[dict[str, Any]] = [
    {"title": "Frost", "isbn": "b-1", "pages": 310, "price": "12.50", "tags": ["winter", "classic"], "published": "2019-05-01", "author_id": 1,
     "facts": {"language": "fi", "size": {"cm": 21}}},
    {"title": "Thaw", "isbn": "b-2", "pages": 240, "price": "8.00", "tags": ["spring"], "published": "2021-03-09", "author_id": 1,
     "facts": {"language": "fi"}},
    {"title": "Harbor", "isbn": "b-3", "pages": 90, "price": "3.75", "tags": ["sea"], "published": "2020-01-01", "author_id": 2, "kind": "audio",
     "in_print": False},
    {"title": "Inland", "isbn": "b-4", "pages": 250, "price": "9.90", "tags": ["classic", "map"], "published": "2022-11-30", "author_id": 2},
    {"title": "Quiet, please", "isbn": "b-5", "pages": 160, "price": "11.00", "author_id": 2},
]
# fmt: on
_GENRES = [{"name": "novel"}, {"name": "nature"}, {"name": "travel"}]
_BOOK_GENRES = [{"book_id": 1, "genre_id": 1}, {"book_id": 1, "genre_id": 2}, {"book_id": 3, "genre_id": 3}]
_NOTES = [{"slug": "ann-own", "text": "Ask Bob"}, {"slug": "ann-open", "text": "Opens at nine", "public": True}]


@contextmanager
def library(folder: Path, **env: str) -> Generator[Server]:
    """Ann keeps five books, has lent Bob one, and wrote two notes, of which one is open to all."""
    with running(backroom_serve(APP, folder, **env)) as server, httpx2.Client(base_url=server.url) as client:
        people = {name: _joined(client, name) for name in ("ann", "bob")}
        for resource, rows in {
            "authors": _AUTHORS,
            "books": _BOOKS,
            "genres": _GENRES,
            "book_genres": _BOOK_GENRES,
            "notes": _NOTES,
            "loans": [{"book_id": 1, "borrower_id": people["bob"]["user"]["id"], "weeks": 3}],
        }.items():
            made = client.post(f"/api/{resource}", json=rows, headers=bearer(people["ann"]))
            assert made.status_code == 201, made.text
        yield server
        assert "Traceback" not in server.log.read_text()


def _joined(client: httpx2.Client, name: str) -> dict[str, Any]:
    session = client.post("/auth/v1/signup", json={"email": f"{name}@example.com", "password": PASSWORD})
    assert session.status_code == 200, session.text
    told: dict[str, Any] = session.json()
    named = client.patch("/api/account", json={"name": name.title()}, headers=bearer(told))
    assert named.status_code == 200, named.text
    return told


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def signed_in(server: Server, name: str) -> dict[str, Any]:
    """A session of one of these people."""
    reply = httpx2.post(f"{server.url}/auth/v1/token?grant_type=password", json={"email": f"{name}@example.com", "password": PASSWORD})
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told
