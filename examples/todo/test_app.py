"""Run with `pytest`. Each test has the app on a fresh database, without a network."""

from app import app
from backroom.testing import client


async def test_a_todo_is_seen_by_its_owner_only() -> None:
    async with client(app) as c:
        ann, bob = await c.sign_up("ann@example.com"), await c.sign_up("bob@example.com")
        todo = (await ann.post("/api/todos", json={"title": "Buy milk"})).json()
        assert (await ann.get(f"/api/todos/{todo['id']}")).status_code == 200
        assert (await bob.get(f"/api/todos/{todo['id']}")).status_code == 404


async def test_a_blank_title_is_refused_naming_the_field() -> None:
    async with client(app) as c:
        ann = await c.sign_up("ann@example.com")
        reply = await ann.post("/api/todos", json={"title": " "})
        assert reply.status_code == 400
        assert [fault["field"] for fault in reply.json()["errors"]] == ["title"]


async def test_a_public_note_is_read_by_all_and_changed_by_its_owner() -> None:
    async with client(app) as c:
        ann, bob = await c.sign_up("ann@example.com"), await c.sign_up("bob@example.com")
        note = (await ann.post("/api/notes", json={"title": "Wi-Fi", "body": "ask Ann", "public": True})).json()
        assert [row["title"] for row in (await c.get("/api/notes")).json()] == ["Wi-Fi"]
        assert (await bob.patch(f"/api/notes/{note['id']}", json={"body": "ask Bob"})).status_code == 403
