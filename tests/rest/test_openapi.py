"""The document of a running app: accepted by a validator, the same every time, and kept by every reply."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from dataclasses import field as slot
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from backroom import App, Resource, allow, anyone, field
from backroom.backend import Backend
from backroom.resources.fields import Field, FieldOptions
from backroom.rest.openapi import document
from backroom.rest.openapi_endpoints import CustomEndpoint
from backroom.settings import load
from tests.rest.described_app import Size, Todo, app

Document = dict[str, Any]
ROOT = Path(__file__).parents[2]


def backend_at(folder: Path) -> Backend:
    return app.backend(load(development=True, env_file=None, DATABASE_URL=f"sqlite:{folder / 'app.db'}"))


@dataclass
class Fields:
    path: Mapping[str, Field] = slot(default_factory=dict[str, Field])
    query: Mapping[str, Field] = slot(default_factory=dict[str, Field])
    body: Mapping[str, Field] = slot(default_factory=dict[str, Field])
    model: Any = None


@dataclass
class Told:
    """An endpoint of the app, with its arguments as fields."""

    method: str
    path: str
    name: str
    description: str
    returns: Any
    requires_person: bool
    access: Any
    arguments: Fields
    reads_only: bool = False


def endpoints_of(backend: Backend) -> list[CustomEndpoint]:
    number = Field("least", "least", "integer", int, False, FieldOptions(default=1))
    key = Field("id", "id", "integer", int, False, FieldOptions())
    arguments = {"archive": Fields(path={"id": key}), "list_sizes": Fields(query={"least": number}), "keep_size": Fields(model=Size)}
    return [
        Told(
            each.method,
            each.path,
            each.name,
            each.description,
            each.returns,
            each.requires_person,
            each.access,
            arguments.get(each.name, Fields()),
            each.reads_only,
        )
        for each, _ in backend.declared.endpoints
    ]


def document_of(backend: Backend) -> Document:
    return document(backend.catalog, backend.settings, title="Described", description="Everything.", version="1.2.3", endpoints=endpoints_of(backend))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return document_of(backend_at(tmp_path_factory.mktemp("told")))


def schemas(told: Document) -> dict[str, Any]:
    found: dict[str, Any] = told["components"]["schemas"]
    return found


def operations(told: Document) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation | {"method": method.upper(), "path": path}
        for path, item in told["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def resolved(told: Document, node: dict[str, Any]) -> dict[str, Any]:
    found: Any = node
    while "$ref" in found:
        path = found["$ref"].split("/")[1:]
        found = told
        for part in path:
            found = found[part]
    return dict(found)


def faults(told: Document, schema: Mapping[str, Any], value: Any) -> list[str]:
    validator = OAS31Validator({**schema, "components": told["components"]}, format_checker=OAS31Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


# ---------------------------------------------------------------- the document itself
def test_a_validator_of_others_accepts_the_document(told: Document) -> None:
    validate(told)
    json.dumps(told, allow_nan=False)


def test_the_document_is_the_same_in_every_process() -> None:
    code = (
        "import json; from pathlib import Path; from tests.rest.test_openapi import *; print(json.dumps(document_of(backend_at(Path('/nowhere')))))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) > 10_000


def test_every_described_address_is_answered_and_every_answered_one_described(told: Document, tmp_path: Path) -> None:
    routed = {(route.method, re.sub(r":\w+", "", route.pattern)) for route in backend_at(tmp_path).router.routes()}
    described = {(operation["method"], operation["path"]) for operation in operations(told).values()}
    nobody = {f"/api/{name}{item}" for name in ("ledgers", "users", "tags", "letters", "drafts") for item in ("", "/{id}")}
    assert described <= routed
    own = {(method, path) for method, path in routed if path not in nobody and not path.startswith(("/docs", "/openapi.json", "/rest/v1"))}
    assert own <= described


def test_actions_that_nobody_may_take_are_left_out(told: Document) -> None:
    paths = told["paths"]
    assert "/api/ledgers" not in paths
    assert "Ledger" not in schemas(told)
    assert set(paths["/api/tags/{id}"]) == {"parameters", "get", "delete"}
    assert set(paths["/api/users"]) == {"get", "patch"}


def test_what_is_hidden_from_everybody_is_nowhere_in_the_document(told: Document) -> None:
    text = json.dumps(told)
    for word in ("internal_", "quite-internal", "never-told", "Not for print", "buried"):
        assert word not in text
    assert "internal" not in json.dumps(schemas(told)["Thing"])
    assert "secret" not in schemas(told)["Thing"]["properties"]
    assert "secret" in schemas(told)["ThingCreate"]["properties"]


def test_a_search_is_described_where_a_field_is_searched(told: Document) -> None:
    taken = {path: [each["name"] for each in told["paths"][path]["get"]["parameters"] if "name" in each] for path in ("/api/notes", "/api/todos")}
    assert "search" in taken["/api/notes"]
    assert "search" not in taken["/api/todos"]


def test_a_field_that_not_everybody_sees_is_optional_in_the_row(told: Document) -> None:
    thing = schemas(told)["Thing"]
    assert set(thing["properties"]) - set(thing["required"]) == {"cost"}
    person = schemas(told)["Person"]
    assert set(person["properties"]) - set(person["required"]) == {"email", "roles"}
    assert set(schemas(told)["Account"]["required"]) == set(person["properties"])


def test_bodies_hold_what_may_be_sent(told: Document) -> None:
    create, replace, update = (schemas(told)[f"Todo{kind}"] for kind in ("Create", "Replace", "Update"))
    assert list(create["properties"]) == ["title", "done", "due"]
    assert create["required"] == replace["required"] == ["title"]
    assert "required" not in update
    assert {"id", "owner_id", "updated_at"} <= set(replace["properties"])
    assert "default" not in update["properties"]["done"]
    assert "code" in schemas(told)["ThingCreate"]["properties"]
    assert "stored" in schemas(told)["ThingUpdate"]["properties"]["code"]["description"]
    assert "stamp" not in schemas(told)["ThingCreate"]["properties"]
    assert "id" in schemas(told)["SlotCreate"]["properties"]


def test_a_reply_may_be_empty_only_where_a_writer_may_not_read(told: Document) -> None:
    def may_be_empty(name: str, status: str) -> bool:
        return not faults(told, operations(told)[name]["responses"][status]["content"]["application/json"]["schema"], {})

    assert may_be_empty("createLetter", "201")
    assert not may_be_empty("createTodo", "201")
    assert not may_be_empty("createNote", "201")
    assert not may_be_empty("updateTodo", "200")
    assert not may_be_empty("updateLetter", "200")
    assert may_be_empty("createDraft", "201")
    assert may_be_empty("updateDraft", "200")
    assert may_be_empty("replaceDraft", "200")


def test_who_must_be_signed_in_is_said_of_every_operation(told: Document) -> None:
    known = operations(told)
    assert {} not in known["listTodos"]["security"]
    for name in ("listNotes", "createLetter", "readTag", "signOut", "listSizes"):
        assert {} in known[name]["security"]
    assert {} not in known["archive"]["security"]
    assert known["signIn"]["security"] == []


def test_statuses_are_those_that_the_action_can_meet(told: Document) -> None:
    known = operations(told)
    assert "409" in known["deleteTodo"]["responses"]  # a tag may refer to it
    assert "409" not in known["deleteTag"]["responses"]
    assert {"409", "422"} <= set(known["createLetter"]["responses"])  # its Idempotency-Key may be under way, or used before
    assert "409" not in known["listLetters"]["responses"]
    assert {"304", "404"} <= set(known["readTodo"]["responses"])
    assert {"412", "415"} <= set(known["updateTodo"]["responses"])
    assert "415" not in known["deleteTodo"]["responses"]
    assert {"200", "201"} <= set(known["replaceSlot"]["responses"])


def test_what_can_be_sent_again_takes_an_idempotency_key(told: Document) -> None:
    for name, operation in operations(told).items():
        keyed = any(parameter.get("name") == "Idempotency-Key" for parameter in (resolved(told, each) for each in operation.get("parameters", ())))
        account = operation["path"].startswith(("/auth/v1", "/api/account", "/api/session"))
        assert keyed == (operation["method"] in ("POST", "PATCH") and not account), name
    assert "/api/batch" in told["paths"]


def test_own_endpoints_are_described_from_their_docstring_arguments_and_reply(told: Document) -> None:
    known = operations(told)
    assert known["archive"]["summary"] == "Mark a todo as done"
    assert known["archive"]["description"] == "It stays in the list."
    assert known["archive"]["tags"] == ["todos"]
    assert [parameter["name"] for parameter in known["listSizes"]["parameters"]] == ["least"]
    assert not known["listSizes"]["parameters"][0]["required"]
    assert "2XX" in known["keepSize"]["responses"]
    assert known["stats"]["tags"] == ["functions"]


def test_classes_may_be_named_like_parts_of_the_document() -> None:
    named = App()

    class Problem(Resource):
        size: Size
        access = allow(everything=anyone)

    class ProblemRow(Resource):
        access = allow(read=anyone)

    class Fault(Resource):
        access = allow(read=anyone)

    for name, cls in (("problems", Problem), ("problem_rows", ProblemRow), ("sizes", type("Size", (Fault,), {"__doc__": "Another."}))):
        named.resource(name)(cls)
    named.catalog.freeze()
    found = document(named.catalog, load(development=True, env_file=None), title="t", description="", version="1")
    validate(found)
    assert "code" in schemas(found)["Problem"]["properties"]
    items = operations(found)["readProblemRow"]["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"][0]
    assert "size" in resolved(found, items)["properties"]
    assert len({operation["operationId"] for operation in operations(found).values()}) == len(operations(found))
    assert "width" in resolved(found, resolved(found, items)["properties"]["size"])["properties"]


def test_auth_can_be_left_out(tmp_path: Path) -> None:
    backend = backend_at(tmp_path)
    plain = document(backend.catalog, backend.settings, title="t", description="", version="1", auth=False)
    validate(plain)
    assert "securitySchemes" not in plain["components"]
    assert not any(path.startswith(("/auth", "/api/session", "/api/account")) for path in plain["paths"])


# ---------------------------------------------------------------- the document and the server
class Checked:
    """A client that holds every reply against the document."""

    def __init__(self, client: httpx2.AsyncClient, told: Document) -> None:
        self.client, self.told, self.seen = client, told, set[tuple[str, int]]()
        self.operations = operations(told)

    async def __call__(self, name: str, *, status: int, key: Any = None, **options: Any) -> Any:
        operation = self.operations[name]
        path = operation["path"].replace("{id}", str(key))
        headers = {"Origin": "http://localhost:8000", **options.pop("headers", {})}
        reply = await self.client.request(operation["method"], path, headers=headers, **options)
        assert reply.status_code == status, f"{name}: {reply.status_code} {reply.text}"
        responses = operation["responses"]
        response = resolved(self.told, responses.get(str(status)) or responses["2XX"])
        content = response.get("content", {})
        if not content:
            assert reply.content == b""
            return None
        kind = reply.headers["content-type"].partition(";")[0]
        value = reply.json()
        assert faults(self.told, content[kind]["schema"], value) == []
        self.seen.add((name, status))
        return value


@asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[Checked]:
    backend = backend_at(folder)
    await backend.start()
    transport = httpx2.ASGITransport(app=backend.door)
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            yield Checked(client, document_of(backend))
    finally:
        await backend.stop()


SIGN_UP = {"email": "ann@example.com", "password": "seven quiet herons"}


async def test_every_reply_is_one_that_the_document_describes(tmp_path: Path) -> None:
    async with running(tmp_path) as ask:
        await ask("listTodos", status=401)
        await ask("signUp", status=400, json={"email": "x"})
        await ask("signUp", status=201, json={**SIGN_UP, "name": "Ann"})
        await ask("signUp", status=409, json=SIGN_UP)
        await ask("readSession", status=200)
        await ask("updateAccount", status=200, json={"name": "Ann B."})
        await ask("listUsers", status=200)
        todo = await ask("createTodo", status=201, json={"title": "Buy milk"})
        await ask("createTodo", status=201, json=[{"title": "a"}, {"title": "b", "due": "2026-12-01"}])
        await ask("createTodo", status=400, json={"title": " "})
        await ask("createTodo", status=415, content=b"title")
        await ask("listTodos", status=200, params={"order": "title.desc", "done": "is.false"}, headers={"Prefer": "count=exact"})
        await ask("listTodos", status=200, params={"select": "id,title"})
        await ask("listTodos", status=400, params={"nonsense": "1"})
        await ask("listTodos", status=406, headers={"Accept": "text/html"})
        await ask("readTodo", status=200, key=todo["id"])
        await ask("readTodo", status=200, key=todo["id"], params={"select": "title"})
        await ask("readTodo", status=404, key=999)
        await ask("replaceTodo", status=200, key=todo["id"], json={**todo, "title": "Buy bread"})
        await ask("updateTodo", status=200, key=todo["id"], json={"done": True})
        await ask("updateTodo", status=412, key=todo["id"], json={"done": False}, headers={"If-Match": '"0-0"'})
        await ask("createTag", status=201, json={"todo_id": todo["id"], "name": "home"})
        await ask("createTag", status=409, json={"todo_id": 999, "name": "home"})
        await ask("deleteTodo", status=409, key=todo["id"])
        thing = await ask(
            "createThing", status=201, json={"name": "chair", "size": {"width": 2}, "at": "2026-12-01T09:00:00Z", "link": "https://a.example"}
        )
        await ask("createThing", status=409, json={"name": "chair"})
        await ask("readThing", status=200, key=thing["id"])
        await ask("listThings", status=200, params={"status": 'in.("on hold (v1.0)",draft)', "price": "gte.9.5"})
        assert await ask("createLetter", status=201, json={"text": "hello"}) == {}
        await ask("listLetters", status=403)
        draft = await ask("createDraft", status=201, json={})
        assert await ask("updateDraft", status=200, key=draft["id"], json={"status": "sent"}) == {}
        await ask("replaceSlot", status=201, key="0190b6c4-7b1e-7cc2-a4f7-0242ac120002", json={"label": "first"})
        await ask("archive", status=200, key=todo["id"])
        await ask("archive", status=404, key=999)
        await ask("listSizes", status=200, params={"least": 3})
        await ask("keepSize", status=201, json={"width": 3})
        assert await ask("stats", status=200) == await ask("readStats", status=200)
        once = {"Idempotency-Key": "once"}
        assert await ask("createTag", status=201, json={"todo_id": todo["id"], "name": "x"}, headers=once)
        await ask("createTag", status=422, json={"todo_id": todo["id"], "name": "y"}, headers=once)
        items = [{"method": "GET", "path": "/api/todos"}, {"method": "DELETE", "path": "/api/tags/1"}]
        assert [reply["status"] for reply in await ask("sendBatch", status=200, json=items)] == [200, 204]
        assert (await ask("sendBatch", status=404, json=items))["errors"][0]["row"] == 1
        await ask("sendBatch", status=400, json=[{"method": "GET"}])
        await ask("createTokens", status=200, params={"grant_type": "password"}, json=SIGN_UP)
        await ask("createTokens", status=400, params={"grant_type": "password"}, json={**SIGN_UP, "password": "wrong wrong"})
        await ask("readTokenUser", status=200)
        await ask("listKeys", status=200)
        await ask("readHealth", status=200)
        await ask("readReadiness", status=200)
        await ask("signOut", status=204)
        await ask("signIn", status=400, json={**SIGN_UP, "password": "wrong wrong"})
        await ask("signIn", status=201, json=SIGN_UP)
        assert len(ask.seen) > 40


THINGS: list[dict[str, Any]] = [
    {"name": "chair"},
    {"name": "chair", "price": "1.50", "weight": 0.5, "count": 10, "words": ["a", "b", "c"], "stars": 3},
    {"name": "chair", "color": "blue", "status": "on hold (v1.0)", "size": {"width": 1, "parts": [{"width": 2}]}},
    {"name": "chair", "on": "2026-12-01", "at": "2026-12-01T09:00:00+02:00", "clock": "09:30:00", "span": "PT5M", "raw": "aGVsbG8="},
    {"name": "chair", "mail": "ann@example.com", "link": "https://example.com/x", "secret": "s", "code": "y"},
    {},
    {"name": None},
    {"name": "Chair"},
    {"name": "chair", "price": True},
    {"name": "chair", "price": -1},
    {"name": "chair", "weight": 0},
    {"name": "chair", "weight": "1"},
    {"name": "chair", "count": 11},
    {"name": "chair", "count": 1.5},
    {"name": "chair", "words": ["a", "b", "c", "d"]},
    {"name": "chair", "color": "green"},
    {"name": "chair", "stars": 4},
    {"name": "chair", "size": {}},
    {"name": "chair", "size": {"width": 1, "depth": 2}},
    {"name": "chair", "clock": "9:30"},
    {"name": "chair", "internal": "x"},
    {"name": "chair", "buried": "x"},
    {"name": "chair", "id": "0190b6c4-7b1e-7cc2-a4f7-0242ac120002"},
    {"name": "chair", "stamp": "x"},
]


async def test_a_body_fits_its_schema_exactly_where_the_server_takes_it(tmp_path: Path) -> None:
    async with running(tmp_path) as ask:
        await ask("signUp", status=201, json=SIGN_UP)
        for number, body in enumerate(THINGS):
            schema = ask.operations["createThing"]["requestBody"]["content"]["application/json"]["schema"]
            fits = not faults(ask.told, schema, body)
            sent = {**body, "name": "chair" + "x" * number} if fits else body
            await ask("createThing", status=201 if fits else 400, json=sent)


async def test_every_example_of_a_parameter_fits_its_schema_and_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as ask:
        await ask("signUp", status=201, json=SIGN_UP)
        for name in ("listTodos", "listThings", "listTags", "listSlots"):
            for parameter in (resolved(ask.told, each) for each in ask.operations[name]["parameters"]):
                for example in parameter.get("examples", {}).values():
                    assert faults(ask.told, parameter["schema"], example["value"]) == []
                    if parameter["in"] == "query" and parameter["name"] != "cost":  # only staff know that name
                        await ask(name, status=200, params={parameter["name"]: example["value"]})


async def test_limits_are_told_as_the_server_keeps_them(tmp_path: Path) -> None:
    async with running(tmp_path) as ask:
        limit = next(each for each in ask.operations["listNotes"]["parameters"] if each.get("name") == "limit")["schema"]
        assert (limit["maximum"], limit["default"]) == (50, 50)
        await ask("listNotes", status=200, params={"limit": limit["maximum"]})
        await ask("listNotes", status=400, params={"limit": limit["maximum"] + 1})


async def test_a_list_that_says_nothing_gets_the_default_limit_of_its_resource(tmp_path: Path) -> None:
    async with running(tmp_path) as ask:
        await ask("listNotes", status=200)


def test_two_names_of_one_parameter_are_one_address(tmp_path: Path) -> None:
    backend = backend_at(tmp_path)
    key = Field("todo", "todo", "integer", int, False, FieldOptions())
    instead = Told("GET", "/api/todos/{todo:int}", "read_todo", "", Todo, True, None, Fields(path={"todo": key}))
    found = document(backend.catalog, backend.settings, title="t", description="", version="1", endpoints=[instead])
    validate(found)
    assert "/api/todos/{todo}" not in found["paths"]
    assert found["paths"]["/api/todos/{id}"]["get"]["parameters"][0]["name"] == "id"


async def test_a_replace_needs_no_more_than_the_document_says(tmp_path: Path) -> None:
    kept = App()

    @kept.resource("docs")
    class Doc(Resource):
        title: str
        kind: str = field(immutable=True)
        pin: str = field(write_only=True)
        access = allow(everything=anyone)

    backend = kept.backend(load(development=True, env_file=None, DATABASE_URL=f"sqlite:{tmp_path / 'app.db'}"))
    found = document(backend.catalog, backend.settings, title="t", description="", version="1")
    await backend.start()
    try:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=backend.door), base_url="http://localhost:8000") as client:
            await client.post("/api/docs", json={"title": "a", "kind": "k", "pin": "1"})
            assert not faults(found, schemas(found)["DocReplace"], {"title": "b"})
            assert (await client.put("/api/docs/1", json={"title": "b"})).status_code == 200
    finally:
        await backend.stop()
