"""`backroom types`: what each declaration becomes in the `Database` type. That supabase-js takes it is tried in tests/flows/test_typed_client.py."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest

from tests.cli.commands import app_in, backroom

HEAD = """
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, HttpUrl

from backroom import App, Db, Reply, Resource, User, allow, anyone, field, many, me, nobody, owner, this

app = App()


class Size(Enum):
    small = "small"
    large = "large"


class Level(IntEnum):
    low = 1
    high = 2


class Address(BaseModel):
    street: str
    city: str = "Paris"
    price: Decimal | None = None


@app.resource("places")
class Place(Resource[UUID]):
    access = allow(everything=anyone)


@app.resource("things")
class Thing(Resource):
    {fields}

    access = allow({access})
"""
#: How a field is declared -> its type in Row, in Insert and in Update.
KINDS = {
    "x: str": ("x: string", "x: string", "x?: string"),
    "x: str = ''": ("x: string", "x?: string", "x?: string"),
    "x: str | None": ("x: string | null", "x?: string | null", "x?: string | null"),
    "x: int": ("x: number", "x: number", "x?: number"),
    "x: float": ("x: number", "x: number", "x?: number"),
    "x: bool": ("x: boolean", "x: boolean", "x?: boolean"),
    "x: Decimal": ("x: string", "x: string", "x?: string"),
    "x: date": ("x: string", "x: string", "x?: string"),
    "x: datetime": ("x: string", "x: string", "x?: string"),
    "x: time": ("x: string", "x: string", "x?: string"),
    "x: timedelta": ("x: string", "x: string", "x?: string"),
    "x: UUID": ("x: string", "x: string", "x?: string"),
    "x: bytes": ("x: string", "x: string", "x?: string"),
    "x: EmailStr": ("x: string", "x: string", "x?: string"),
    "x: HttpUrl | None": ("x: string | null", "x?: string | null", "x?: string | null"),
    "x: Literal['a', 'b']": ('x: "a" | "b"', 'x: "a" | "b"', 'x?: "a" | "b"'),
    "x: Literal[1, 2] = 1": ("x: 1 | 2", "x?: 1 | 2", "x?: 1 | 2"),
    "x: Size": ('x: Database["public"]["Enums"]["Size"]', 'x: Database["public"]["Enums"]["Size"]', 'x?: Database["public"]["Enums"]["Size"]'),
    "x: Level": ('x: Database["public"]["Enums"]["Level"]', 'x: Database["public"]["Enums"]["Level"]', 'x?: Database["public"]["Enums"]["Level"]'),
    "x: list[str]": ("x: string[]", "x: string[]", "x?: string[]"),
    "x: list[int | None]": ("x: (number | null)[]", "x: (number | null)[]", "x?: (number | null)[]"),
    "x: set[int]": ("x: number[]", "x: number[]", "x?: number[]"),
    "x: tuple[int, str]": ("x: [number, string]", "x: [number, string]", "x?: [number, string]"),
    "x: dict[str, int]": ("x: { [key: string]: number }", "x: { [key: string]: number }", "x?: { [key: string]: number }"),
    "x: dict": ("x: { [key: string]: Json }", "x: { [key: string]: Json }", "x?: { [key: string]: Json }"),
    "x: list": ("x: Json[]", "x: Json[]", "x?: Json[]"),
    "x: Any": ("x: Json", "x: Json", "x?: Json"),
    "x: Any | None": ("x: Json", "x?: Json", "x?: Json"),
    "x: int | str": ("x: number | string", "x: number | string", "x?: number | string"),
    "x: Address": ("x: Address", "x: AddressInput", "x?: AddressInput"),
    "x: list[Address] | None": ("x: Address[] | null", "x?: AddressInput[] | null", "x?: AddressInput[] | null"),
    "x: Place": ("x_id: string", "x_id: string", "x_id?: string"),
    "x: Place | None": ("x_id: string | null", "x_id?: string | null", "x_id?: string | null"),
    "x: 'Thing | None'": ("x_id: number | null", "x_id?: number | null", "x_id?: number | null"),
    "x: User = owner()": ("x_id: string", "x_id?: string", "x_id?: string"),
    "x: User = field(default=me)": ("x_id: string", "x_id?: string", "x_id?: string"),
    "x: User = field(default=me, read_only=True)": ("x_id: string", None, "x_id?: string"),
    "x: list[str] = field(default_factory=list)": ("x: string[]", "x?: string[]", "x?: string[]"),
    "x: int = field(read_only=True, default=0)": ("x: number", None, "x?: number"),
    "x: int = field(immutable=True)": ("x: number", "x: number", "x?: number"),
    "x: int = field(write_only=True)": (None, "x: number", "x?: number"),
    "x: int = field(hidden=True, default=0)": (None, None, None),
}


def types(folder: Path, fields: str, access: str = "everything=me.signed_in", after: str = "") -> str:
    """What the command prints for a resource `things` with these fields."""
    told = backroom("types", cwd=app_in(folder, HEAD.format(fields=fields.replace("\n", "\n    "), access=access) + textwrap.dedent(after)))
    assert (told.code, told.err) == (0, "")
    return told.out


def block(text: str, name: str) -> str | None:
    """The type of a property, or of an exported type: what is inside its braces, or the rest of its line."""
    found = re.search(rf'^( *)(?:export type )?"?{re.escape(name)}"?(?: =|:) (?:\{{\n((?:\1 .*\n)*)\1\}}|(.+))', text, re.MULTILINE)
    return None if found is None else textwrap.dedent(found[2]) if found[2] is not None else found[3]


def columns(text: str, part: str, table: str = "things") -> list[str]:
    """The properties of a table's `Row`, `Insert` or `Update`, as they are written."""
    return [line for line in (block(block(text, table) or "", part) or "").splitlines() if not line.lstrip().startswith(("/*", "*"))]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One app with every kind of field: `x` becomes `x0`, `x1`, ..."""
    fields = "\n".join(declaration.replace("x:", f"x{number}:", 1) for number, declaration in enumerate(KINDS))
    return types(tmp_path_factory.mktemp("kinds"), fields)


@pytest.mark.parametrize("declaration", KINDS)
def test_a_field_has_the_type_of_its_json_in_each_direction(kinds: str, declaration: str) -> None:
    name = f"x{list(KINDS).index(declaration)}"
    for part, expected in zip(("Row", "Insert", "Update"), KINDS[declaration], strict=True):
        written = [line for line in columns(kinds, part) if re.match(rf"{name}\b|{name}_id\b", line)]
        assert written == ([] if expected is None else [expected.replace("x", name, 1)]), part


def test_models_and_enumerations_are_written_once_under_their_names(kinds: str) -> None:
    assert block(kinds, "Address") == "street: string\ncity: string\nprice: string | null\n"
    assert block(kinds, "AddressInput") == "street: string\ncity?: string\nprice?: number | string | null\n"
    assert block(kinds, "Enums") == 'Size: "small" | "large"\nLevel: 1 | 2\n'


def test_enumerations_of_one_name_are_told_apart_by_a_number(tmp_path: Path) -> None:
    after = """
        def another() -> type[Enum]:
            class Size(Enum):
                tiny = "tiny"

            return Size

        @app.resource("others")
        class Other(Resource):
            size: another()
            access = allow(everything=anyone)
    """
    text = types(tmp_path, "size: Size", after=after)
    assert block(text, "Enums") == 'Size: "small" | "large"\nSize2: "tiny"\n'
    assert 'size: Database["public"]["Enums"]["Size2"]' in columns(text, "Row", "others")


def test_columns_of_the_server_are_read_and_sent_back_but_never_inserted(tmp_path: Path) -> None:
    text = types(tmp_path, "title: str")
    assert columns(text, "Row") == ["id: number", "title: string", "created_at: string", "updated_at: string"]
    assert columns(text, "Insert") == ["id?: number", "title: string"]  # an id says which row an upsert is about
    assert columns(text, "Update") == ["id?: number", "title?: string", "created_at?: string", "updated_at?: string"]


def test_a_field_that_a_rule_hides_from_some_is_optional_and_from_all_is_absent(tmp_path: Path) -> None:
    rules = "everything=anyone, fields={'a': me.signed_in, 'b': nobody, 'c': allow(read=anyone, create=nobody)}"
    text = types(tmp_path, "a: str = ''\nb: str = ''\nc: str = ''", rules)
    assert columns(text, "Row")[1:-2] == ["a?: string", "c: string"]
    assert columns(text, "Insert") == ["id?: number", "a?: string"]
    assert columns(text, "Update")[1:-2] == ["a?: string", "c?: string"]


def test_what_nobody_may_do_takes_no_type_and_a_table_for_code_alone_is_left_out(tmp_path: Path) -> None:
    inbox = types(tmp_path, "text: str", "create=anyone")
    assert block(block(inbox, "things") or "", "Row") == "{ [_ in never]: never }"
    assert columns(inbox, "Insert") == ["text: string"]
    assert block(block(inbox, "things") or "", "Update") == "never"
    shown = types(tmp_path, "text: str", "read=anyone")
    assert block(block(shown, "things") or "", "Insert") == "never"
    assert block(types(tmp_path, "text: str", ""), "things") is None


def test_ids_that_clients_choose_are_inserted(tmp_path: Path) -> None:
    after = """
        @app.resource("countries", client_key=True)
        class Country(Resource[str]):
            access = allow(everything=anyone)

        @app.resource("notes", client_key=True)
        class Note(Resource[UUID]):
            access = allow(everything=anyone)
    """
    text = types(tmp_path, "a: int", after=after)
    assert columns(text, "Insert", "countries") == ["id: string"]
    assert columns(text, "Insert", "notes") == ["id?: string"]


def test_references_are_relationships_under_the_names_of_their_keys(tmp_path: Path) -> None:
    text = types(tmp_path, "place: Place = field(unique=True)\nsecret: Place | None = field(hidden=True, default=None)\nowner: User = owner()")
    keys = re.findall(r'foreignKeyName: "(\w+)"\s+columns: \["(\w+)"\]\s+isOneToOne: (\w+)\s+referencedRelation: "(\w+)"', text)
    assert keys == [("things_place_id_fkey", "place_id", "true", "places"), ("things_owner_id_fkey", "owner_id", "false", "users")]
    assert "secret" not in text


@pytest.mark.parametrize(
    ("reference", "access", "certain"),
    [
        ("place: Place", "everything=anyone", "true"),  # places are anybody's to read
        ("place: Place | None", "everything=anyone", "false"),
        ("place: User = owner()", "everything=this.place == me", "true"),  # everybody reads himself
        ("place: User = owner()", "everything=me.signed_in", "false"),
        ("place: Place", "everything=anyone, fields={'place': me.signed_in}", "false"),
    ],
)
def test_a_related_row_may_be_null_where_the_rules_could_hide_it(tmp_path: Path, reference: str, access: str, certain: str) -> None:
    text = types(tmp_path, reference, access)
    assert f"isNotNullable: {certain}" in (block(block(text, "Functions") or "", "place") or "")


def test_functions_have_the_types_of_their_signatures(tmp_path: Path) -> None:
    after = """
        class Question(BaseModel):
            words: list[str]
            limit: int = 10

        @app.function("ask", access=anyone)
        async def ask(question: Question) -> list[Thing] | None: ...

        @app.function("add", access=anyone)
        async def add(a: int, size: Size = Size.small, until: date | None = None) -> Decimal:
            '''The sum.

            Of two numbers.
            '''
            ...

        @app.function("nothing")
        async def nothing(me: User, db: Db) -> None: ...

        @app.function("grouped", access=anyone)
        async def grouped() -> Reply[dict[str, tuple[Thing, int]]]: ...

        @app.post("/elsewhere", access=anyone)
        async def elsewhere() -> int: ...
    """
    functions = block(types(tmp_path, "a: int", after=after), "Functions") or ""
    row = 'Database["public"]["Tables"]["things"]["Row"]'
    assert block(functions, "ask") == f"Args: Question\nReturns: {row}[] | null\n"
    assert "/** The sum. */\nadd: {" in functions
    assert block(block(functions, "add") or "", "Args") == 'a: number\nsize?: Database["public"]["Enums"]["Size"]\nuntil?: string | null\n'
    assert block(block(functions, "add") or "", "Returns") == "string"
    assert block(functions, "nothing") == "Args: Record<PropertyKey, never>\nReturns: null\n"
    assert block(block(functions, "grouped") or "", "Returns") == f"{{ [key: string]: [{row}, number] }}"
    assert "elsewhere" not in functions


# ---------------------------------------------------------------- the file
def test_the_same_app_gives_the_same_text_and_says_where_it_comes_from(tmp_path: Path) -> None:
    app_in(tmp_path, HEAD.format(fields="a: Literal['x', 'y', 'z']\n    b: set[str]\n    c: Address", access="everything=anyone"))
    first, second = (backroom("types", "app.py", cwd=tmp_path, PYTHONHASHSEED=seed).out for seed in ("1", "2"))
    assert first == second
    assert first.startswith("// Generated by `backroom types`.")
    assert not (tmp_path / "data").exists()


def test_what_is_printed_is_utf8_whatever_the_terminal_speaks(tmp_path: Path) -> None:
    app_in(tmp_path, HEAD.format(fields="größe: Literal['é']", access="everything=anyone"))
    assert '"größe": "é"' in backroom("types", cwd=tmp_path, PYTHONIOENCODING="ascii").out


def test_out_writes_the_file_only_when_something_changed(tmp_path: Path) -> None:
    app_in(tmp_path, HEAD.format(fields="a: int", access="everything=anyone"))
    (tmp_path / "src").mkdir()
    path = tmp_path / "src" / "database.types.ts"
    assert backroom("types", "--out", "src/database.types.ts", cwd=tmp_path).out == "Wrote src/database.types.ts.\n"
    assert path.read_text() == backroom("types", cwd=tmp_path).out
    os.utime(path, ns=(1, 1))
    assert backroom("types", "--out", "src/database.types.ts", cwd=tmp_path).out == "src/database.types.ts is up to date.\n"
    assert path.stat().st_mtime_ns == 1
    app_in(tmp_path, HEAD.format(fields="b: int", access="everything=anyone"))
    assert backroom("types", "--out", "src/database.types.ts", cwd=tmp_path).out == "Wrote src/database.types.ts.\n"
    assert "b: number" in path.read_text()


@pytest.mark.parametrize("out", ["missing/database.types.ts", "."])
def test_a_place_that_can_not_be_written_is_refused_in_one_sentence(tmp_path: Path, out: str) -> None:
    app_in(tmp_path, HEAD.format(fields="a: int", access="everything=anyone"))
    refused = backroom("types", "--out", out, cwd=tmp_path)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"error: {out} can't be written (")
    assert refused.err.count("\n") == 1
