"""Every command does its work, and says in one sentence what it can't do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import app_in, backroom

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "todo" / "app.py"
PASSWORD = "plum-orbit-lantern-42"
APP = EXAMPLE.read_text()


def test_help_lists_the_commands_with_a_line_each(tmp_path: Path) -> None:
    told = backroom("--help", cwd=tmp_path)
    assert told.code == 0
    for name in ("new", "dev", "serve", "openapi", "types", "access", "explain", "where", "user"):
        assert f" {name} " in told.out
        assert backroom(name, "--help", cwd=tmp_path).code == 0


def test_version_is_the_packages(tmp_path: Path) -> None:
    from importlib.metadata import version

    assert backroom("--version", cwd=tmp_path).out == version("backroom") + "\n"


def test_help_loads_neither_database_nor_validation() -> None:
    code = """
import sys
from backroom.cli.main import app
try:
    app(["--help"])
except SystemExit:
    print([name for name in ("sqlalchemy", "pydantic", "starlette", "granian") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.endswith("[]\n")


@pytest.mark.parametrize("words", [["nonsense"], ["serve", "--port", "many"], ["explain", "GET"], ["user", "role"], ["new"]])
def test_wrong_arguments_end_with_2(tmp_path: Path, words: list[str]) -> None:
    assert backroom(*words, cwd=tmp_path).code == 2


# ---------------------------------------------------------------- new
def test_new_writes_an_app_whose_tests_pass(tmp_path: Path) -> None:
    made = backroom("new", "my demo", cwd=tmp_path)
    assert made.code == 0
    assert "cd 'my demo'\n  backroom dev" in made.out
    assert (tmp_path / "my demo" / "public" / "index.html").exists()
    given = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "my demo",
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout


def test_new_with_vite_has_the_page_as_a_vite_project(tmp_path: Path) -> None:
    assert "npm run dev" in backroom("new", "demo", "--vite", cwd=tmp_path).out
    assert (tmp_path / "demo" / "vite.config.js").exists()
    assert (tmp_path / "demo" / "app.py").exists()
    assert not (tmp_path / "demo" / "public").exists()


def test_new_leaves_a_folder_with_something_in_it_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    refused = backroom("new", "demo", cwd=tmp_path)
    assert (refused.code, refused.err) == (1, "error: demo is not an empty folder; choose another: backroom new demo-2\n")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine.txt"]


# ---------------------------------------------------------------- openapi
def test_openapi_prints_the_document_and_opens_no_database(tmp_path: Path) -> None:
    printed = backroom("openapi", cwd=app_in(tmp_path, APP))
    assert printed.code == 0
    assert "/api/todos" in json.loads(printed.out)["paths"]
    assert not (tmp_path / "data").exists()


def test_a_missing_app_is_one_sentence_with_the_next_command(tmp_path: Path) -> None:
    refused = backroom("openapi", cwd=tmp_path)
    assert refused.code == 1
    assert refused.err.startswith("error: There is no file app.py; ")
    assert refused.err.count("\n") == 1


# ---------------------------------------------------------------- user
def test_people_are_added_promoted_banned_and_listed(tmp_path: Path) -> None:
    app_in(tmp_path, APP)
    assert "backroom user add" in backroom("user", "list", cwd=tmp_path).out
    assert backroom("user", "add", "Ann@example.com", "--password", PASSWORD, cwd=tmp_path).code == 0
    assert backroom("user", "role", "ann@example.com", "admin", cwd=tmp_path).out == "ann@example.com has the roles admin.\n"
    assert "admin" in backroom("user", "list", cwd=tmp_path).out
    assert backroom("user", "role", "ann@example.com", "admin", "--remove", cwd=tmp_path).out == "ann@example.com has no roles.\n"
    assert "unban ann@example.com" in backroom("user", "ban", "ann@example.com", "--days", "2", cwd=tmp_path).out
    assert backroom("user", "unban", "ann@example.com", cwd=tmp_path).code == 0


def test_what_can_not_be_done_to_people_is_said_in_one_sentence(tmp_path: Path) -> None:
    app_in(tmp_path, APP)
    for words, told in (
        (
            ["user", "role", "nobody@example.com", "admin"],
            "There is nobody with the email nobody@example.com. Everybody is listed by: backroom user list",
        ),
        (["user", "add", "not-an-address", "--password", PASSWORD], "Email must be an email address"),
        (["user", "add", "ann@example.com", "--password", "short"], "at least 8"),
    ):
        refused = backroom(*words, cwd=tmp_path)
        assert refused.code == 1
        assert told in refused.err
        assert refused.err.count("\n") == 1


# ---------------------------------------------------------------- explain, where
def test_explain_says_which_part_refused_and_with_which_values(tmp_path: Path) -> None:
    app_in(tmp_path, APP)
    backroom("user", "add", "ann@example.com", "--password", PASSWORD, cwd=tmp_path)
    asked = backroom("explain", "--as", "ann@example.com", "POST", "/api/notes", cwd=tmp_path)
    assert (asked.code, asked.out.splitlines()[-1]) == (0, "POST /api/notes by ann@example.com: permitted")
    refused = backroom("explain", "app.py", "POST", "/api/notes", cwd=tmp_path)
    assert refused.code == 1
    assert "false   me.signed_in   (the caller is signed out)" in refused.out
    missing = backroom("explain", "--as", "ann@example.com", "GET", "/api/todos/7", cwd=tmp_path)
    assert (missing.code, missing.out.splitlines()[0]) == (1, "There is no row 7 in todos.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["explain", "GET", "/api/nothing"], "There is nothing at this address. Addresses are listed by: backroom openapi app.py"),
        (["explain", "TRACE", "/api/todos"], "/api/todos takes "),
        (["explain", "GET", "/health"], "is no action of a resource"),
        (["explain", "GET", "/api/todos/first"], "can't be a key of todos"),
        (["explain", "--as", "x@example.com", "GET", "/api/todos"], "There is nobody with the email x@example.com."),
        (["where", "GET", "/api/nothing"], "There is nothing at this address."),
    ],
)
def test_what_can_not_be_explained_is_said_in_one_sentence(tmp_path: Path, words: list[str], told: str) -> None:
    refused = backroom(*words, cwd=app_in(tmp_path, APP))
    assert refused.code == 1
    assert told in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("method", "path", "begins"),
    [
        ("GET", "/api/todos/42", "SELECT"),
        ("GET", "/api/todos?done=is.false", "SELECT"),
        ("POST", "/api/todos", "INSERT"),
        ("PATCH", "/api/notes/1", "UPDATE"),
        ("DELETE", "/api/notes/1", "DELETE"),
    ],
)
def test_where_shows_the_files_of_the_rooms_and_the_sql(tmp_path: Path, method: str, path: str, begins: str) -> None:
    shown = backroom("where", method, path, cwd=app_in(tmp_path, APP))
    assert shown.code == 0
    rooms = [line.split()[0] for line in shown.out.splitlines() if line and not line.startswith(" ")]
    assert rooms == ["http", "rest", "auth", "rules", "validation", "database"]
    assert f"{tmp_path}/app.py:" in shown.out
    assert any(line.strip().startswith(begins) for line in shown.out.splitlines())
    assert not (tmp_path / "data").exists()


def test_where_names_the_function_of_an_endpoint(tmp_path: Path) -> None:
    text = APP + "\n\nfrom backroom import anyone\n\n\n@app.get('/ping', access=anyone)\nasync def ping() -> str:\n    return 'pong'\n"
    shown = backroom("where", "GET", "/api/ping", cwd=app_in(tmp_path, text))
    assert f"{tmp_path}/app.py:" in shown.out
    assert "ping" in shown.out
