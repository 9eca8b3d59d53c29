"""What tests of an app are given: a real app on a fresh database, people, the database, and a plugin that runs coroutines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backroom import App, Resource, User, allow, field, me, owner, this
from backroom.testing import client

app = App()


@app.user
class Person(User):
    name: str = field(min_length=1)


@app.resource("todos")
class Todo(Resource):
    title: str
    owner: User = owner()
    access = allow(everything=this.owner == me)


async def test_each_client_starts_with_an_empty_database_and_one_app_may_run_twice_at_once() -> None:
    async with client(app) as one, client(app) as two:
        ann = await one.sign_up("ann@example.com", name="Ann")
        other = await two.sign_up("ann@example.com", name="Ann")
        await ann.post("/api/todos", json={"title": "Buy milk"})
        assert [row["title"] for row in (await ann.get("/api/todos")).json()] == ["Buy milk"]
        assert (await other.get("/api/todos")).json() == []
        assert (await one.get("/api/todos")).status_code == 401


async def test_somebody_signed_up_is_known_by_name_and_stays_signed_in() -> None:
    async with client(app) as c:
        ann = await c.sign_up("ann@example.com", name="Ann")
        assert isinstance(ann.user, Person)
        assert (ann.user.email, ann.user.name) == ("ann@example.com", "Ann")
        assert (await ann.get("/api/session")).json()["id"] == str(ann.user.id)
        again = await c.sign_in("ann@example.com")
        assert again.user is not None
        assert again.user.id == ann.user.id


async def test_a_refused_sign_up_fails_the_test_with_the_reply() -> None:
    async with client(app) as c:
        with pytest.raises(AssertionError, match="name"):
            await c.sign_up("ann@example.com")


async def test_the_database_is_at_hand_with_full_rights_and_as_the_person() -> None:
    async with client(app) as c:
        ann, bob = await c.sign_up("ann@example.com", name="Ann"), await c.sign_up("bob@example.com", name="Bob")
        assert ann.user is not None
        async with c.db() as db:
            await db.create(Todo(title="Buy milk"), owner=ann.user)
            assert await db.count(Todo) == 1
        async with ann.db() as db:
            assert await db.count(Todo) == 1
        async with bob.db() as db:
            assert await db.count(Todo) == 0


async def test_a_database_of_ones_own_is_used_and_kept(each_database: str) -> None:
    async with client(app, database_url=each_database) as c:
        await c.sign_up("ann@example.com", name="Ann")
    async with client(app, database_url=each_database) as c:
        assert (await c.sign_in("ann@example.com")).user is not None


async def test_production_and_other_settings_can_be_asked_for() -> None:
    async with client(app, development=False, MAX_BULK_ROWS=1) as c:
        ann = await c.sign_up("ann@example.com", name="Ann")
        assert "server-timing" not in (await ann.get("/api/todos")).headers
        assert (await ann.post("/api/todos", json=[{"title": "a"}, {"title": "b"}])).status_code == 400


def test_the_plugin_runs_coroutine_tests_and_reports_their_failures(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("async def test_right(tmp_path): assert tmp_path.exists()\nasync def test_wrong(): assert 1 == 2\n")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in ended.stdout, ended.stdout


def test_the_plugin_loads_no_library_that_a_project_did_not_ask_for() -> None:
    code = "import sys, backroom.testing; print([name for name in ('sqlalchemy', 'pydantic', 'httpx2', 'starlette') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
