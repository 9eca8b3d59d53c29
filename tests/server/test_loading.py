"""Every fault in a user's file is one sentence: file, line, what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from backroom.errors import DeclarationError
from backroom.server import load_app

GOOD = "from backroom import App\n\napp = App(title='Mine')\n"


@pytest.fixture(autouse=True)
def _nothing_stays_imported() -> Generator[None]:
    """Each test's app is the module `app` of its own folder."""
    path, known = list(sys.path), set(sys.modules)
    before = sys.modules.pop("app", None)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - known - {name for name in sys.modules if name.startswith("backroom")}:
        del sys.modules[name]
    if before is not None:
        sys.modules["app"] = before


def written(folder: Path, text: str, name: str = "app.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def sentence(folder: Path, text: str) -> str:
    with pytest.raises(DeclarationError) as caught:
        load_app(written(folder, text))
    told = str(caught.value)
    assert "\n" not in told
    return told


def test_a_file_is_imported_as_the_module_app_with_its_folder_on_the_path(tmp_path: Path) -> None:
    written(tmp_path, "name = 'beside'\n", "beside.py")
    app = load_app(written(tmp_path, "import beside\n" + GOOD, "server.py"))
    assert app.title == "Mine"
    assert sys.modules["app"].app is app
    assert sys.path[0] == str(tmp_path)


def test_a_folder_means_the_app_file_in_it(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    assert load_app(str(tmp_path)).title == "Mine"


def test_the_same_file_is_imported_once(tmp_path: Path) -> None:
    target = written(tmp_path, GOOD)
    assert load_app(target) is load_app(target)


def test_a_module_and_a_name_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, GOOD.replace("app =", "mine ="), "some_backend.py")
    monkeypatch.chdir(tmp_path)
    assert load_app("some_backend:mine").title == "Mine"
    with pytest.raises(DeclarationError, match=r"some_backend:other is no App; write some_backend:mine"):
        load_app("some_backend:other")


def test_a_missing_file_is_told_with_the_next_command() -> None:
    with pytest.raises(DeclarationError, match=r"There is no file nowhere\.py.*backroom new demo"):
        load_app("nowhere.py")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1 +\n", "app.py:1: this is not Python"),
        ("import backroom\n\nprint(undefined)\n", "app.py:3: name 'undefined' is not defined"),
        ("import no_such_module_anywhere\n", "app.py:1: there is no module 'no_such_module_anywhere'; install it"),
        ("from backroom import Ap\n", "app.py:1: cannot import name 'Ap'"),
        ("\nraise ValueError('a\\nb')\n", "app.py:2: ValueError: a b"),
        ("import sys\nsys.exit(3)\n", "app.py:2: the file ends the program"),
        (
            "from backroom import App, me, this\napp = App()\nrule = (this.owner == me) and this.public\n",
            "app.py:3: A condition is not a Python bool.",
        ),
        ("from backroom import App\napp = App()\n@app.get('x')\nasync def f() -> None: ...\n", "app.py:3: the path 'x' must begin with a slash"),
        ("from backroom import App\napp = App()\n@app.get('/x')\nasync def f() -> None: ...\n", "app.py:3: GET /api/x: nobody is named"),
        ("x = 1\n", "app.py:1: there is no App in this file; write `app = App()`"),
        (GOOD + "other = App()\n", "app.py:1: there are several Apps in this file (app, other)"),
    ],
)
def test_a_fault_is_one_sentence_with_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    found = sentence(tmp_path, text)
    assert told in found
    assert found.count("app.py:") == 1


def test_a_fault_in_a_file_beside_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    written(tmp_path / "a folder", "value = 1\nvalue.missing\n", "beside.py")
    assert "beside.py:2: AttributeError" in sentence(tmp_path / "a folder", "import beside\n" + GOOD)


def test_a_file_that_failed_can_be_loaded_after_it_was_mended(tmp_path: Path) -> None:
    sentence(tmp_path, "x = 1 +\n")
    assert load_app(written(tmp_path, GOOD)).title == "Mine"
