"""One vocabulary: a room's folder, its docs page, its folder of tests, the first word of its errors and its label in Server-Timing are one word."""

from __future__ import annotations

import pytest

from backroom.errors import ERRORS
from tests.house.sources import DOCS, PACKAGE, TESTS, rooms

#: Pages about using the whole, not about one room.
GUIDES = {
    "quickstart",
    "testing",
    "rules-by-example",
    "two-databases",
    "deploy",
    "limits-and-shortcomings",
    "settings",
    "errors",
    "commands",
    "hooks",
    "queries",
    "typed-clients",
    "supabase-js",
    "README",
}
#: Rooms that a reader of the docs knows by what they are for.
PAGE_OF = {"cli": "commands", "server": "deploy"}
#: Folders of tests about the whole.
SUITES = {"contract", "flows", "house", "typing"}
#: First words of codes that are no folders: what an app's own code raises, and references, whose codes the wire fixes.
OTHER_CODES = {"app", "reference"}


def files_of_rooms() -> set[str]:
    """Rooms that are one file: `app`, `server`, `testing`."""
    return {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}


def test_every_room_has_a_docs_page_of_its_name() -> None:
    assert [room for room in rooms() if not (DOCS / f"{PAGE_OF.get(room, room)}.md").exists()] == []


def test_every_docs_page_is_a_rooms_or_a_listed_guide() -> None:
    assert {page.stem for page in DOCS.glob("*.md")} - set(rooms()) - GUIDES == set()


def test_every_listed_guide_exists() -> None:
    assert [guide for guide in sorted(GUIDES) if not (DOCS / f"{guide}.md").exists()] == []


@pytest.mark.parametrize("room", rooms())
def test_every_room_has_tests_under_its_name(room: str) -> None:
    assert [*TESTS.glob(f"{room}/test_*.py"), *TESTS.glob(f"contract/test_{room}*.py"), *TESTS.glob(f"flows/test_{room}*.py")] != []


def test_every_folder_of_tests_is_a_room_or_a_suite_about_the_whole() -> None:
    folders = {path.parent.name for path in TESTS.glob("*/test_*.py")}
    assert folders - set(rooms()) - files_of_rooms() - SUITES == set()


def test_the_first_word_of_an_error_code_is_the_room_that_refuses() -> None:
    assert {code.partition(".")[0] for code in ERRORS} - set(rooms()) - OTHER_CODES == set()
