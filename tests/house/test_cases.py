"""Every case and every advisory about the data of an app has a test that names it (tests/house/cases.py)."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.house.cases import CASES, NOT_YET, advisories
from tests.house.sources import Source, written_tests

MARKS = {"case", "advisory"}


def marks(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, list[ast.expr]]]:
    """The marks on a test by name, with what is in their parentheses: `@pytest.mark.case(91, 88)`."""
    for decorator in test.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="pytest"), attr="mark"), attr=name), args=arguments):
                yield name, arguments
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="pytest"), attr="mark"), attr=name):
                yield name, []
            case _:
                pass


def every_test(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def named() -> dict[int | str, list[str]]:
    """What tests name -> these tests, as `file:test`."""
    found: defaultdict[int | str, list[str]] = defaultdict(list)
    for source in written_tests():
        if not source.path.name.startswith("test_"):
            continue
        for test in every_test(source):
            for name, arguments in marks(test):
                for argument in arguments if name in MARKS else ():
                    assert isinstance(argument, ast.Constant) and isinstance(argument.value, int | str), f"{source.name}:{test.name}"
                    found[argument.value].append(f"{source.name}:{test.name}")
    return found


def test_every_case_has_a_test_that_names_it() -> None:
    assert {number: CASES[number] for number in CASES if number not in named() and number not in NOT_YET} == {}


def test_every_advisory_has_a_test_that_names_it() -> None:
    assert [advisory for advisory in advisories() if advisory not in named() and advisory not in NOT_YET] == []


def test_what_a_test_names_is_in_the_table() -> None:
    assert {name: tests for name, tests in named().items() if name not in CASES and name not in set(advisories())} == {}


def test_no_advisory_stands_in_the_table_twice() -> None:
    assert len(list(advisories())) == len(set(advisories()))


def test_the_list_of_what_is_not_there_yet_holds_nothing_that_has_its_test() -> None:
    assert set(NOT_YET) & set(named()) == set()
    assert set(NOT_YET) - set(CASES) - set(advisories()) == set()


def test_no_test_of_a_case_is_skipped_or_expected_to_fail() -> None:
    slack = {"skip", "skipif", "xfail"}
    assert [
        f"{source.name}:{test.name}"
        for source in written_tests()
        for test in every_test(source)
        if (names := {name for name, _ in marks(test)}) & MARKS and names & slack
    ] == []
