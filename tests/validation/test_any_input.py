"""Whatever is sent: an answer, or a 400 that says why. Never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python

from backroom.errors import Problem
from backroom.resources.nodes import Compare, Constant
from backroom.validation.bodies import check_row
from tests.validation.test_arguments import FROM_BODY, FROM_QUERY, ONE_MODEL
from tests.validation.things import BODIES, KNOWN, QUERIES, READABLE, THINGS, create, raw, update

COLUMNS = sorted(KNOWN)
TEXTS = st.text() | st.sampled_from(
    [
        "",
        "null",
        "true",
        "1",
        "-0",
        "1e5",
        "2026-12-01",
        "2026-12-01T00:00:00Z",
        "P1D",
        "٣",
        "\0",
        "\ud800",
        "a@b",
        "http://",
        "PT",
        "0001-01-01T00:00:00+23:59",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20)
ROWS = st.dictionaries(st.sampled_from(COLUMNS) | TEXTS, JSON, max_size=6)
PIECES = st.sampled_from(
    [
        *[
            "&",
            "=",
            ".",
            ",",
            "(",
            ")",
            '"',
            "%",
            "%00",
            "%ff",
            "+",
            "not.",
            "or",
            "and",
            "eq",
            "in",
            "is",
            "like",
            "null",
            "order",
            "select",
            "limit",
            "offset",
            "desc",
            "->",
            "::",
            "*",
            ":",
        ],
        "\\",
        *COLUMNS,
    ],
)


def answered(call: Callable[..., Any], *given: Any) -> Any:
    try:
        return call(*given)
    except Problem as problem:
        refusal = problem
    assert refusal.status == 400 and refusal.sentence and len(refusal.errors) <= 100
    json.dumps(refusal.body(), ensure_ascii=False).encode()
    return None


@given(st.sampled_from(COLUMNS), JSON)
@example("email", "a@" + "b" * 300 + ".c")
@example("link", "http://[::")
@example("ratio", 10**400)
def test_any_value_in_any_field_is_read_or_refused(column: str, value: Any) -> None:
    answered(update, {column: value})


@given(JSON)
def test_any_json_as_a_body_is_read_or_refused(tree: Any) -> None:
    body = json.dumps(tree).encode()
    answered(create, body)
    answered(BODIES.read_many, body, "create", KNOWN)
    answered(BODIES.read_many, raw([tree, {"title": "a"}]), "create", KNOWN)
    for arguments in (FROM_BODY, ONE_MODEL):
        answered(arguments.read, {"id": "1"}, b"", body)


@given(ROWS)
def test_any_row_is_read_the_same_alone_and_in_an_array(row: dict[str, Any]) -> None:
    alone = answered(create, row)
    listed = answered(BODIES.read_many, raw([row]), "create", KNOWN)
    assert listed == (None if alone is None else [alone])


@given(st.binary() | st.text(st.sampled_from('{}[]",:\\u0d8eE+-.1tfn \n')).map(str.encode))
def test_any_bytes_as_a_body_are_read_or_refused(body: bytes) -> None:
    answered(create, body)
    answered(BODIES.read_many, body, "create", KNOWN)


@given(st.binary() | st.lists(PIECES | TEXTS, max_size=12).map(lambda parts: "".join(parts).encode("utf-8", "replace")))
def test_any_bytes_as_a_query_are_read_or_refused(query: bytes) -> None:
    answered(QUERIES.read, query, READABLE)
    answered(FROM_QUERY.read, {"id": "1"}, query, None)


@given(
    st.dictionaries(
        st.sampled_from(COLUMNS) | TEXTS,
        JSON | st.dates() | st.datetimes() | st.decimals() | st.uuids() | st.binary() | st.timedeltas() | st.floats(),
        max_size=4,
    )
)
def test_any_python_values_of_a_row_are_taken_or_refused(values: dict[str, Any]) -> None:
    answered(check_row, THINGS, values, "update")


MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).filter(
            lambda text: bool(text.strip())
        ),
        "done": st.booleans(),
        "due": st.none() | st.dates(),
        "at": st.none() | MOMENTS,
        "opens": st.times(),
        "lasts": st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
        "token": st.uuids(),
        "data": st.none() | st.just(b"hi"),
        "big": st.integers(-(2**53) + 1, 2**53 - 1),
        "ratio": st.floats(allow_nan=False, allow_infinity=False),
        "price": st.decimals(min_value=0, max_value=Decimal(10) ** 20, allow_nan=False, places=5),
        "color": st.sampled_from(["red", "blue"]),
        "level": st.sampled_from([1, 2]),
    },
)


def _sent(value: Any) -> Any:
    return "aGk=" if value == b"hi" else to_jsonable_python(value)


@given(VALUES)
def test_what_is_written_as_json_reads_back_as_the_same_values(values: dict[str, Any]) -> None:
    assert update({column: _sent(value) for column, value in values.items()}) == values
    assert check_row(THINGS, values, "update") == values


@given(VALUES)
def test_what_is_written_into_a_query_reads_back_as_the_same_value(values: dict[str, Any]) -> None:
    for column, value in values.items():
        if value is None:
            continue
        text = json.dumps(value) if isinstance(value, bool | int | float) else str(_sent(value))
        encoded = "".join(f"%{byte:02X}" for byte in text.encode())
        node = QUERIES.read(f"{column}=eq.{encoded}".encode(), READABLE).where
        assert isinstance(node, Compare) and isinstance(node.right, Constant) and node.right.value == value
        assert isinstance(value, bool | int | float | str | date | datetime | Decimal | UUID | bytes | timedelta) or type(node.right.value) is type(
            value
        )
