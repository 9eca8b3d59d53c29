"""`backroom access` tries what the declarations promise, and notices when an app does otherwise."""

from __future__ import annotations

from pathlib import Path

from tests.cli.commands import app_in, backroom
from tests.cli.test_commands import APP

HEAD = """from decimal import Decimal
from typing import Literal
from uuid import UUID

from backroom import App, Conflict, Reply, Resource, User, allow, anyone, field, many, me, owner, this

app = App()
"""
TEAMS = """
@app.user
class Person(User):
    name: str = field(min_length=3, pattern="^[a-z]+$", example="somebody")
    access = allow(read=me.signed_in, update=this == me)


@app.resource("projects")
class Project(Resource[UUID]):
    name: str = field(unique=True, min_length=12)
    owner: User = owner()
    budget: Decimal = field(gt=100, multiple_of=25)
    members: list["Member"] = many(via="project")
    access = allow(read=(this.owner == me) | this.members.any(user=me), create=me.signed_in, write=this.owner == me)


@app.resource("members", unique=[("project", "user")])
class Member(Resource):
    project: Project
    user: User
    role: Literal["editor", "viewer"]
    access = allow(read=me.signed_in, write=this.project.owner == me)


@app.resource("letters")
class Letter(Resource):
    text: str
    about: Project | None = field(on_delete="set_null", default=None)
    access = allow(create=anyone, read=me.has_role("admin") | this.about.is_null())
"""


def row(table: str, action: str, out: str) -> list[str]:
    """The four outcomes of one action in one table."""
    lines = out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == table)
    found = next(line for line in lines[start:] if line.startswith(f"│ {action} "))
    return [cell.strip() for cell in found.split("│")[2:6]]


def test_the_example_does_what_it_says(tmp_path: Path) -> None:
    ended = backroom("access", cwd=app_in(tmp_path, APP))
    assert ended.code == 0, ended.out
    assert row("todos", "read", ended.out) == ["no 401", "no 404", "no 404", "yes"]
    assert row("notes", "create", ended.out) == ["no 401", "yes", "yes", "yes"]
    assert row("users", "delete", ended.out) == ["no 401", "no 403", "no 403", "no 403"]
    assert "this.owner == me" in ended.out
    assert not (tmp_path / "data").exists()


def test_rows_are_made_up_from_the_declarations(tmp_path: Path) -> None:
    ended = backroom("access", cwd=app_in(tmp_path, HEAD + TEAMS))
    assert ended.code == 0, ended.out
    assert row("projects", "update", ended.out) == ["no 401", "no 404", "no 404", "yes"]
    assert row("members", "create", ended.out) == ["no 401", "no 403", "no 403", "yes"]
    assert row("members", "delete", ended.out) == ["no 401", "no 403", "no 403", "yes"]
    assert row("letters", "create", ended.out) == ["yes", "yes", "yes", "yes"]
    assert row("users", "update", ended.out) == ["no 401", "no 403", "no 403", "yes"]


def test_what_rules_leave_open_is_noted(tmp_path: Path) -> None:
    out = backroom("access", cwd=app_in(tmp_path, HEAD + TEAMS)).out
    assert "projects: who may create a row learns whether a value of name is taken" in out
    assert "letters: read asks this.about.is_null()" in out
    assert "The ids of members, letters are numbers in a row" in out


def test_an_app_that_answers_otherwise_than_its_rules_ends_with_1(tmp_path: Path) -> None:
    opened = """
@app.resource("notes")
class Note(Resource):
    title: str
    owner: User = owner()
    access = allow(everything=this.owner == me)


@app.get("/notes/{id}", access=anyone, replaces=True)
async def leak(id: int) -> Reply:
    return Reply({"title": "of somebody else"})
"""
    ended = backroom("access", cwd=app_in(tmp_path, HEAD + opened))
    assert ended.code == 1
    assert "error: notes: read by signed out was answered 200, but its rule says no" in ended.out
    assert row("notes", "read", ended.out) == ["200 !", "200 !", "200 !", "yes"]


def test_a_hook_that_refuses_does_not_count_against_the_rules(tmp_path: Path) -> None:
    hook = "@app.before_update(Todo)\nasync def never(todo: Todo, changes: Todo) -> None:\n    raise Conflict('Todos stay as they are.')\n"
    hooked = f"{APP}\n\nfrom backroom import Conflict\n\n\n{hook}"
    ended = backroom("access", cwd=app_in(tmp_path, hooked))
    assert ended.code == 0, ended.out
    assert row("todos", "update", ended.out) == ["no 401", "no 404", "no 404", "no 409"]


def test_a_resource_that_no_row_can_be_made_up_for_is_left_out_with_the_cure(tmp_path: Path) -> None:
    text = (
        HEAD
        + '\n@app.resource("codes")\nclass Code(Resource):\n    code: str = field(pattern="^[A-Z]{3}-[A-Z]{3}$")\n    access = allow(create=anyone)\n'
    )
    ended = backroom("access", cwd=app_in(tmp_path, text))
    assert "codes was not tried: No value can be made up for codes.code; write one: `code: ... = field(example=...)`" in ended.out
    assert backroom("access", cwd=app_in(tmp_path, text.replace("field(", 'field(example="ABC-DEF", '))).code == 0
