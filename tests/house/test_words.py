"""What files may be called, how long they may be, and which words they may not hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT, Source, sources, written_tests

#: Names that say nothing of what is inside, so everything ends up there.
EMPTY_NAMES = {"base", "common", "core", "helper", "helpers", "manager", "misc", "shared", "util", "utils"}
MOST_LINES = 400
LEFT_OUT = {".venv", ".git", "node_modules", "out", "dist", "data", "__pycache__"}
TEXTS = {".py", ".md", ".toml", ".js", ".css", ".html", ".svg", ".sh", ".lua", ".yml", ""}

#: Paths of one machine. `/tmp` and `/usr/lib` are every machine's.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home/(?!app/)\w+|Users/\w+)/[\w.]+")
#: Who wrote a line, and where it was discussed, is the version history's to tell.
OTHER_MATTERS = re.compile(r"\b(?:issue #?\d+|language model|AI session|copilot|chatgpt|FIXME|XXX)\b", re.IGNORECASE)

#: British words. After a dot it is somebody's API; "cancelled" is what asyncio calls a task.
BRITISH = re.compile(
    r"(?<!\.)\b(?:(?:behavi|col|fav|hon|hum|lab|neighb|harb|vap)our\w*|licences?|cancelling|labell(?:ed|ing)|modell(?:ed|ing)|travell(?:ed|ing)|signall(?:ed|ing)"
    r"|cent(?:re|red|ring)|met(?:re|res)|catalogues?|dialogues?|grey(?:ed|s)?|judgement|artefacts?|defence|offence|whilst|amongst|fulfil|enrol|analys(?:e[ds]?|ing)"
    r"|(?:author|organ|recogn|normal|serial|initial|optim|synchron|summar|util|custom|minim|maxim|special|general|standard|token|parallel|priorit|visual|capital|categor|emphas|real|final|anonym)is(?:e[ds]?|er|ing|ation)s?)\b",
    re.IGNORECASE,
)

#: Where a test waits by the clock, and why nothing better would do: `file:function` -> reason.
# fmt: off
SLEEPS = {
    "tests/auth/test_sessions.py:test_a_known_credential_gives_the_same_actor_so_that_what_rules_computed_stays": "kept for half a second",
    "tests/database/test_postgres.py:test_callers_that_leave_give_their_connections_back": "callers leave while the server is at work",
    "tests/database/test_postgres.py:test_an_outage_is_503_and_heals_by_itself": "the outage has a length",
    "tests/database/test_sqlite.py:test_a_caller_that_leaves_stops_its_long_read": "callers leave while the thread is at work",
    "tests/http/test_request.py:test_a_body_that_trickles_is_refused_although_each_piece_is_in_time": "a slow sender is what it tests",
    "tests/http/test_request.py:test_a_body_that_keeps_coming_is_granted_more_time": "a slow sender is what it tests",
    "tests/contract/test_database.py:test_callers_that_leave_while_writing_leave_whole_writes_or_none": "callers leave at mixed moments",
}
# fmt: on


def texts() -> Iterator[Path]:
    """Every text file that people read, of the whole project."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if path.is_file() and not hidden and not LEFT_OUT & set(parts) and path.suffix in TEXTS and path != Path(__file__):
            yield path


def found(pattern: re.Pattern[str]) -> list[str]:
    """`file:line: word` for every place that matches."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    assert [
        source.name for source in (*sources(), *written_tests()) if EMPTY_NAMES & set(re.split(r"[/_.]", source.name.removeprefix("src/backroom/")))
    ] == []


def test_no_file_of_the_package_is_longer_than_400_lines() -> None:
    assert {source.name: len(source.lines) for source in sources() if len(source.lines) > MOST_LINES} == {}


def test_every_file_of_the_package_says_first_what_it_is_for() -> None:
    assert [source.name for source in sources() if not ast.get_docstring(source.tree)] == []


def test_no_text_holds_a_path_of_one_machine() -> None:
    assert found(MACHINE_PATH) == []


def test_the_project_speaks_of_the_project_alone() -> None:
    assert found(OTHER_MATTERS) == []


def test_the_spelling_is_american() -> None:
    assert found(BRITISH) == []


@pytest.mark.parametrize("word", ["behaviour", "neighbouring", "recognised", "serialisation", "Licence", "normaliser"])
def test_a_british_word_is_found(word: str) -> None:
    assert BRITISH.fullmatch(word)


@pytest.mark.parametrize(
    "word", ["behavior", "promise", "exercise", "raises", "otherwise", "our", "hours", "license", "canceled", "four", "cancelled"]
)
def test_an_american_word_is_left_alone(word: str) -> None:
    assert not BRITISH.search(word)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The file's functions and its classes' methods; a function inside another belongs to the outer one."""
    for node in source.tree.body:
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                yield one


def test_the_name_of_a_test_is_a_sentence() -> None:
    short = [
        f"{source.name}:{one.lineno} {one.name}"
        for source in written_tests()
        if source.path.name.startswith("test_")
        for one in functions(source)
        if one.name.startswith("test_") and len(one.name.split("_")) < 5
    ]
    assert short == []


def sleepers() -> set[str]:
    """`file:function` of every test function that waits by the clock. In a loop that ends when it has seen enough, it asks again, which is fine."""
    found: set[str] = set()
    for source in written_tests():
        for one in functions(source):
            asking = {id(inner) for loop in ast.walk(one) if asks_again(loop) for inner in ast.walk(loop)}
            found |= {f"{source.name}:{one.name}" for node in ast.walk(one) if is_sleep(node) and id(node) not in asking}
    return found


def asks_again(node: ast.AST) -> bool:
    return isinstance(node, ast.While) or (isinstance(node, ast.For) and any(isinstance(inner, ast.Break | ast.Return) for inner in ast.walk(node)))


def is_sleep(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep"), args=[ast.Constant(value=0)]):
            return False
        case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
            return True
        case _:
            return False


def test_no_test_waits_by_the_clock_without_a_reason_in_the_list() -> None:
    assert sleepers() - set(SLEEPS) == set()


def test_the_list_of_reasons_to_wait_holds_nothing_that_is_gone() -> None:
    assert set(SLEEPS) - sleepers() == set()
