"""What a class body may say, and the one sentence that stops the start where it can't be."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest

from backroom import App, DeclarationError, NotLoaded, Resource, User, allow, field, many, me, owner, ref, replace, this
from backroom.resources.definition import Definition
from backroom.resources.nodes import Compare


def declared(*resources: tuple[str, type[Resource[Any]]], **options: Any) -> dict[str, Definition]:
    app = App()
    for name, cls in resources:
        app.resource(name, **options)(cls)
    app.catalog.freeze()
    return app.catalog.definitions


def made(annotations: dict[str, Any]) -> Any:
    """A class with fields of these names and types: no class body could spell them."""
    return types.new_class("Made", (Resource,), exec_body=lambda body: body.update({"__annotations__": annotations, "access": allow()}))


def refusal_of(build: Callable[[], object]) -> str:
    with pytest.raises(DeclarationError) as caught:
        build()
    return str(caught.value)


def test_every_resource_has_a_key_and_two_times_around_its_own_fields() -> None:
    class Todo(Resource):
        title: str
        owner: User = owner()
        access = allow(everything=this.owner == me)

    todos = declared(("todos", Todo))["todos"]
    assert [each.column for each in todos.fields] == ["id", "title", "owner_id", "created_at", "updated_at"]
    assert (todos.key.kind, todos.by_name["owner"].kind, todos.by_name["owner"].target) == ("integer", "uuid", "users")


def test_a_resource_of_uuids_has_keys_of_that_kind() -> None:
    class Document(Resource[UUID]):
        name: str
        access = allow()

    assert declared(("documents", Document))["documents"].key.kind == "uuid"


def test_annotations_resolve_inside_functions_by_class_name_and_as_text() -> None:
    class Color(Enum):
        RED = "red"
        BLUE = "blue"

    class Project(Resource):
        name: str
        parts: list[Part] = many(via="project")
        access = allow()

    class Part(Resource):
        project: Project
        color: Color = Color.RED
        size: Literal["s", "m"] = "m"
        price: Decimal | None = None
        access = allow()

    found = declared(("projects", Project), ("parts", Part))
    assert found["parts"].by_name["project"].target == "projects"
    assert found["parts"].by_name["color"].choices == ("red", "blue")
    assert found["parts"].by_name["price"].nullable
    assert found["projects"].collections["parts"].via is found["parts"].by_name["project"]


def test_a_base_class_hands_down_fields_and_access() -> None:
    class Owned(Resource):
        owner: User = owner()
        access = allow(everything=this.owner == me)

    class Note(Owned):
        text: str

    notes = declared(("notes", Note))["notes"]
    assert [each.name for each in notes.fields[1:-2]] == ["owner", "text"]
    assert isinstance(notes.access.read, Compare)


def test_methods_stay_and_are_no_fields() -> None:
    class Note(Resource):
        text: str
        access = allow()

        def shout(self) -> str:
            return self.text.upper()

    assert [each.name for each in declared(("notes", Note))["notes"].fields[1:-2]] == ["text"]
    assert Note(text="hi").shout() == "HI"


def test_rows_are_frozen_and_say_how_to_change_them() -> None:
    class Note(Resource):
        text: str
        pages: int = 1
        owner: User = owner()
        access = allow()

    note = Note(text="hi")
    assert note.pages == 1
    with pytest.raises(TypeError, match=r"await db\.update\(row, text="):
        note.text = "ho"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
    assert replace(note, text="ho").text == "ho"
    with pytest.raises(AttributeError, match="not stored yet"):
        note.id  # noqa: B018
    with pytest.raises(TypeError, match="no field 'nope'"):
        Note(text="hi", nope=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def test_a_reference_knows_its_key_and_names_the_include_for_the_rest() -> None:
    class Project(Resource):
        name: str
        access = allow()

    project = ref(Project, 7)
    assert project.id == 7
    with pytest.raises(NotLoaded, match=r'include=\["name"\]'):
        project.name  # noqa: B018


def test_a_value_without_type_stops_the_start_with_the_line_to_write() -> None:
    def build() -> None:
        class Note(Resource):  # pyright: ignore[reportUnusedClass]
            done = False
            access = allow()

    assert "write `done: bool = False`" in refusal_of(build)


@pytest.mark.case(92)
@pytest.mark.advisory("CVE-2025-48757")
def test_a_resource_without_rules_stops_the_start() -> None:
    class Note(Resource):
        text: str

    assert "No rule, no access" in refusal_of(lambda: declared(("notes", Note)))


def test_two_resources_of_one_name_stop_the_start() -> None:
    class Note(Resource):
        text: str
        access = allow()

    class Memo(Resource):
        text: str
        access = allow()

    assert "two resources named 'notes'" in refusal_of(lambda: declared(("notes", Note), ("notes", Memo)))


@pytest.mark.parametrize("name", ["users", "session", "rpc", "Notes", "no-tes", "1st"])
def test_a_reserved_or_impossible_name_stops_the_start(name: str) -> None:
    class Note(Resource):
        text: str
        access = allow()

    assert repr(name) in refusal_of(lambda: declared((name, Note)))


def test_a_reserved_column_stops_the_start_but_a_reference_of_that_name_is_fine() -> None:
    class Order(Resource):
        name: str
        access = allow()

    class Line(Resource):
        order: Order
        access = allow()

    class Bad(Resource):
        limit: int
        access = allow()

    assert declared(("orders", Order), ("lines", Line))["lines"].by_name["order"].column == "order_id"
    assert "`limit` is a reserved word" in refusal_of(lambda: declared(("bads", Bad)))


def test_an_unknown_type_names_file_and_line() -> None:
    class Note(Resource):
        text: Nowhere  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable]
        access = allow()

    told = refusal_of(lambda: declared(("notes", Note)))
    assert "test_declarations.py:" in told
    assert "the type of `text` is unknown" in told


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"min_length": 3, "default": "x"}, "does not fit"),
        ({"ge": 3}, "ge does not fit"),
        ({"on_delete": "cascade"}, "no reference"),
        ({"read_only": True, "write_only": True}, "hidden=True"),
        ({"default": "x", "default_factory": str}, "keep one"),
        ({"search": True, "hidden": True}, "would tell what is in it"),
        ({"renamed_from": "words"}, "not available in this version"),
    ],
)
def test_options_that_contradict_each_other_stop_the_start(options: dict[str, Any], sentence: str) -> None:
    written: Any = field  # a checker would refuse what is wrong on purpose

    class Note(Resource):
        text: str = written(**options)
        access = allow()

    assert sentence in refusal_of(lambda: declared(("notes", Note)))


def test_set_null_needs_a_reference_that_may_be_empty() -> None:
    class Project(Resource):
        name: str
        access = allow()

    class Part(Resource):
        project: Project = field(on_delete="set_null")
        access = allow()

    assert "Project | None" in refusal_of(lambda: declared(("projects", Project), ("parts", Part)))


def test_a_collection_names_a_reference_that_exists() -> None:
    class Project(Resource):
        parts: list[Part] = many(via="owner")
        access = allow()

    class Part(Resource):
        day: date
        access = allow()

    assert "has no reference `owner`" in refusal_of(lambda: declared(("projects", Project), ("parts", Part)))


@pytest.mark.parametrize("options", [{"order": "-nope"}, {"unique": [("nope",)]}, {"index": ["nope"]}])
def test_an_option_that_names_no_field_stops_the_start(options: dict[str, Any]) -> None:
    class Note(Resource):
        text: str
        access = allow()

    assert "`nope`, which is no field" in refusal_of(lambda: declared(("notes", Note), **options))


@pytest.mark.parametrize("options", [{"unique": [("data",)]}, {"unique": [("name", "data")]}])
def test_json_can_not_be_unique(options: dict[str, Any]) -> None:
    class Note(Resource):
        name: str
        data: dict[str, Any]
        access = allow()

    assert "`data` holds JSON, which the two databases do not compare alike" in refusal_of(lambda: declared(("notes", Note), **options))


def test_json_can_not_be_unique_by_its_own_field_either() -> None:
    class Note(Resource):
        tags: list[str] = field(default_factory=list, unique=True)
        access = allow()

    told = refusal_of(lambda: declared(("notes", Note)))
    assert "test_declarations.py:" in told
    assert "`tags` holds JSON" in told


@pytest.mark.parametrize(("length", "letter"), [(64, "a"), (32, "\u00e4")])
def test_a_name_that_no_column_can_have_stops_the_start_in_one_sentence(length: int, letter: str) -> None:
    name = letter * length
    long = made({name: str})

    assert f"`{name}` is longer than the 63 bytes" in refusal_of(lambda: declared(("longs", long)))


def test_the_key_of_a_reference_counts_to_the_length_of_its_name() -> None:
    class Target(Resource):
        access = allow()

    name = "a" * 61
    long = made({name: Target})
    assert f"`{name}_id` is longer than the 63 bytes" in refusal_of(lambda: declared(("targets", Target), ("longs", long)))


@pytest.mark.parametrize("name", ["ID", "Created_At", "namE"])
def test_names_that_differ_only_in_case_stop_the_start(name: str) -> None:
    twin = made({"name": str, name: str})
    assert f"`{name}` differ only in case" in refusal_of(lambda: declared(("twins", twin)))


@pytest.mark.parametrize("name", ["xmin", "xmax", "ctid"])
def test_a_name_that_postgres_keeps_for_itself_stops_the_start(name: str) -> None:
    box = made({name: int})
    assert f"`{name}` is a name that Postgres keeps" in refusal_of(lambda: declared(("boxes", box)))


def test_a_default_of_me_is_filled_with_the_caller() -> None:
    class Note(Resource):
        text: str
        editor: User | None = field(default=me, read_only=True)
        access = allow()

    assert declared(("notes", Note))["notes"].by_name["editor"].caller_default
    assert "editor" not in Note(text="x").__dict__
