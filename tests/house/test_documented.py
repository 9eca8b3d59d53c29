"""Every setting, error, hook, command and option of a field is in the docs, and the docs name none that is gone."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from backroom.errors import ERRORS
from backroom.resources.access import allow
from backroom.resources.fields import field
from backroom.settings import Settings
from tests.house.sources import DOCS, ROOT, rooms
from tests.house.tables import PAGE_OF, TABLES, command_lines, filled

PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
#: Words in capitals that are no settings.
NOT_SETTINGS = {"TYPE_CHECKING"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_the_docs_have_the_table_as_the_code_has_it(name: str) -> None:
    text = page(PAGE_OF.get(name, name))
    assert f"<!-- table: {name} -->" in text
    assert text == filled(text), "run: make docs"


@pytest.mark.parametrize("option", [name for name in inspect.signature(field).parameters if name != "renamed_from"])
def test_every_option_of_a_field_is_on_the_page_of_resources(option: str) -> None:
    assert re.search(rf"`{option}\b", page("resources"))


@pytest.mark.parametrize("word", list(inspect.signature(allow).parameters))
def test_every_word_of_allow_is_on_the_page_of_rules(word: str) -> None:
    assert re.search(rf"\b{word}\b", page("rules"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    places = [place.partition("#")[0] for place in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in place]
    assert [place for place in places if place and not (path.parent / place).exists()] == []


def test_every_docs_page_is_reached_from_the_readme_of_docs() -> None:
    index = page("README")
    assert [one.name for one in DOCS.glob("*.md") if one.stem != "README" and f"({one.name})" not in index] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_setting_that_a_page_names_exists(path: Path) -> None:
    named = re.findall(r"\b([A-Z]+_[A-Z_]+)\b", path.read_text(encoding="utf-8"))
    assert set(named) - set(Settings.model_fields) - NOT_SETTINGS == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_error_that_a_page_names_exists(path: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(rooms())}|reference)\.(?!py\b)\w+)`", path.read_text(encoding="utf-8"))
    assert set(named) - set(ERRORS) == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_that_a_page_names_exists(path: Path) -> None:
    named = re.findall(r"(?:`|^|&& )backroom ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) - {name.split()[0] for name in command_lines()} == set()
