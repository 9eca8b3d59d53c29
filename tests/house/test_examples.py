"""The examples of the documentation run, as they are printed. How a block is run is said by its first line:

# app.py                    an app: a file of its own, which must start
# app.py, further down      the rest of the same file
# test_app.py               its tests, run as they are
# inside an endpoint        lines that run with `db` (acting for Ann), `me` (Ann) and the names of the app
# stops the start           must be refused at start, with the words of the `text` block below it
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from backroom.errors import DeclarationError
from backroom.testing import client
from tests.house.sources import DOCS, ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
FORMS = ("# app.py", "# app.py, further down", "# test_app.py", "# inside an endpoint", "# stops the start")
_count = itertools.count()


@dataclass
class Story:
    """One app of a page, with what the page does with it."""

    page: str
    line: int
    app: str
    tests: list[str] = field(default_factory=list[str])
    snippets: list[str] = field(default_factory=list[str])


@dataclass
class Mistake:
    """What a page shows as wrong, and the words that the start is refused with."""

    page: str
    line: int
    code: str
    words: str


@dataclass
class Block:
    language: str
    code: str
    line: int

    @property
    def form(self) -> str:
        """The first line, as far as it says how to run the block."""
        first = self.code.split("\n", 1)[0]
        return max((form for form in FORMS if first.startswith(form)), key=len, default="")


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 2) for found in BLOCK.finditer(text)]


def stories() -> Iterator[Story]:
    for path in PAGES:
        story: Story | None = None
        for block in blocks(path) if path.exists() else []:
            if block.form == "# app.py":
                story = Story(path.name, block.line, block.code)
                yield story
            elif story is not None:
                if block.form == "# app.py, further down":
                    story.app += "\n\n" + block.code
                elif block.form == "# test_app.py":
                    story.tests.append(block.code)
                elif block.form == "# inside an endpoint":
                    story.snippets.append(block.code)


def mistakes() -> Iterator[Mistake]:
    for path in PAGES:
        found = blocks(path) if path.exists() else []
        for block, after in itertools.pairwise([*found, Block("", "", 0)]):
            if block.form == "# stops the start":
                yield Mistake(path.name, block.line, block.code, after.code.strip() if after.language == "text" else "")


def load(folder: Path, name: str, code: str) -> ModuleType:
    """The code as a module of its own, known under `name` while it runs."""
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


async def perform(story: Story, module: ModuleType, folder: Path) -> None:
    async with client(module.app):
        pass
    for code in story.tests:
        tests = load(folder, f"test_{module.__name__}", code.replace("from app import", f"from {module.__name__} import"))
        for name, test in vars(tests).items():
            if name.startswith("test_") and inspect.iscoroutinefunction(test):
                await test()
    if story.snippets:
        await perform_snippets(story, module)


async def perform_snippets(story: Story, module: ModuleType) -> None:
    """All snippets of a page one after another, in one function, so that a later one may use what an earlier one made."""
    body = textwrap.indent("\n".join(story.snippets), "    ")
    names: dict[str, Any] = dict(vars(module))
    exec(compile(f"async def snippets(db, me):\n{body}", f"{story.page}:{story.line}", "exec"), names)
    async with client(module.app) as visitor:
        ann = await visitor.sign_up("ann@example.com")
        async with ann.db() as db:
            await names["snippets"](db, ann.user)


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: f"{story.page}:{story.line}")
def test_an_app_of_the_docs_starts_and_does_what_the_page_says(story: Story, tmp_path: Path) -> None:
    module = load(tmp_path, f"app_of_the_docs_{next(_count)}", story.app)
    asyncio.run(perform(story, module, tmp_path))


@pytest.mark.parametrize("mistake", list(mistakes()), ids=lambda mistake: f"{mistake.page}:{mistake.line}")
def test_a_mistake_of_the_docs_stops_the_start_with_the_printed_words(mistake: Mistake, tmp_path: Path) -> None:
    async def start(module: ModuleType) -> None:
        async with client(module.app):
            pass

    code = mistake.code if "app = App(" in mistake.code else f"from backroom import *\n\napp = App()\n\n{mistake.code}"
    with pytest.raises((DeclarationError, TypeError)) as refused:
        asyncio.run(start(load(tmp_path, f"mistake_of_the_docs_{next(_count)}", code)))
    assert mistake.words
    assert mistake.words in str(refused.value), str(refused.value)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_of_python_says_how_it_is_run(path: Path) -> None:
    assert [f"{path.name}:{block.line}" for block in blocks(path) if block.language == "python" and not block.form] == []


def test_the_readme_shows_the_example_as_it_is() -> None:
    shown = next(block.code for block in blocks(ROOT / "README.md") if block.form == "# app.py")
    written = (ROOT / "examples" / "todo" / "app.py").read_text(encoding="utf-8")
    assert shown.partition("\n")[2].strip() == written.partition('"""\n\n')[2].strip()
