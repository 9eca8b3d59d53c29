"""A room imports only from lower floors: nothing of its own level's other rooms, nothing above. CONTRIBUTING.md prints the same table.

Every import counts: at the top of a file, inside a function, under `TYPE_CHECKING`, and `import_module("...")`.
"""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.house.sources import PACKAGE, ROOT, Source, sources

#: The house from the street up. `backroom` itself, the names a user imports, is the roof: nothing inside may import it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("words",),
    ("resources", "http", "database"),
    ("sql", "validation"),
    ("rules",),
    ("orm",),
    ("jobs", "mail"),
    ("auth",),
    ("rest", "realtime", "files", "dashboard"),
    ("backend",),
    ("app", "current"),
    ("server", "serverless", "testing"),
    ("cli",),
    ("__init__", "__main__"),
)
#: Four files that every room may speak are one room: they may name each other, and nothing else of ours.
WORDS = ("calls", "errors", "settings", "observe")
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


LATE = ("import_module", "__import__")


class Import(NamedTuple):
    """`line` of a file imports `module`, a dotted name that begins with `backroom`."""

    line: int
    module: str


def imports(source: Source) -> Iterator[Import]:
    """Everything of ours that this file imports, wherever in the file, with files of a room told apart from names in it."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                found = [name.name for name in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                origin = absolute(source, module, level)
                found = [narrowed(origin, name.name) for name in names]
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]) if called in LATE:
                found = [name]
            case _:
                continue
        yield from (Import(node.lineno, module) for module in found if is_ours(module))


def is_ours(module: str) -> bool:
    return module.partition(".")[0] == "backroom"


def absolute(source: Source, module: str | None, level: int) -> str:
    """The dotted name of `from ...x import` as seen from this file."""
    if not level:
        return module or ""
    package = source.module.split(".") if source.is_package else source.module.split(".")[:-1]
    parts = package[: len(package) - level + 1]
    return ".".join([*parts, *([module] if module else [])])


def narrowed(origin: str, name: str) -> str:
    """`from backroom.http import router` means the file router.py; `from backroom.http import Door` the package."""
    path = PACKAGE.joinpath(*origin.split(".")[1:])
    return f"{origin}.{name}" if (path / f"{name}.py").exists() or (path / name / "__init__.py").exists() else origin


def room(module: str) -> str:
    """`backroom.http.router` belongs to `http`, `backroom.errors` to the words, `backroom` to the roof."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "__init__"
    return "words" if name in WORDS else name


def test_every_file_belongs_to_a_room_of_the_table() -> None:
    assert [source.module for source in sources() if room(source.module) not in FLOOR] == []


def test_no_room_imports_one_of_its_own_floor_or_above() -> None:
    wrong = [
        f"{source.name}:{found.line} imports {found.module}: {room(source.module)} is on floor {FLOOR[room(source.module)]}, "
        f"{room(found.module)} on {FLOOR[room(found.module)]}"
        for source in sources()
        for found in imports(source)
        if room(found.module) != room(source.module) and FLOOR[room(found.module)] >= FLOOR[room(source.module)]
    ]
    assert wrong == []


def test_files_of_one_room_do_not_import_each_other_in_a_circle() -> None:
    graph = {source.module: {found.module for found in imports(source) if found.module != source.module} for source in sources()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        pytest.fail("a circle: " + " <- ".join(circle.args[1]))


def test_the_house_has_two_levels_and_never_three() -> None:
    assert [source.name for source in sources() if len(source.path.relative_to(PACKAGE).parts) > 2] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import backroom.app", ["backroom.app"]),
        ("def late():\n    from backroom.http import router", ["backroom.http.router"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from backroom.http.router import Router", ["backroom.http.router"]),
        ("from . import errors", ["backroom.errors"]),
        ("from .http import router", ["backroom.http.router"]),
        ("import importlib\nimportlib.import_module('backroom.cli')", ["backroom.cli"]),
        ("from backroom import App", ["backroom"]),
        ("import backroomful, json", []),
    ],
)
def test_an_import_is_seen_wherever_and_however_it_is_written(text: str, found: list[str]) -> None:
    given = Source(PACKAGE / "somewhere.py", text)
    assert [one.module for one in imports(given)] == found


def test_contributing_prints_the_same_floors() -> None:
    lines = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    printed = [re.findall(r"`(\w+)`", line.split("|")[2]) for line in lines if re.match(r"\| \d+", line)]
    table = [list(rooms) for rooms in FLOORS[1:-1]]
    assert printed[1:-1][::-1] == table
    assert printed[-1] == list(WORDS)
