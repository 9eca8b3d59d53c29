"""Arguments of an app's own endpoints and functions."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pydantic
import pytest
from pydantic import BaseModel, EmailStr

from backroom.errors import DeclarationError
from backroom.resources.fields import field
from backroom.resources.resource import User
from backroom.validation.arguments import Arguments
from tests.validation.things import Color, Line, Thing, fault, refused


class Order(BaseModel):
    amount: int
    lines: list[Line] = []


NO_TAGS: list[str] = []
NO_LINES: list[Line] = []


async def archive(
    id: int,
    me: User,
    q: str = "x",
    n: int | None = None,
    tag: list[str] = NO_TAGS,
    when: date | None = None,
    color: Color = Color.RED,
    on: bool = False,
) -> None: ...


async def contact(
    id: int, me: User, email: EmailStr, text: str = field(min_length=2), lines: list[Line] = NO_LINES, price: Decimal | None = None
) -> None: ...


async def place(id: int, order: Order) -> None: ...


async def bounded(n: Annotated[int, pydantic.Field(ge=1, le=5)]) -> None: ...


ME = frozenset({"me"})
FROM_QUERY = Arguments.of(archive, ("id",), False, ME)
FROM_BODY = Arguments.of(contact, ("id",), True, ME)
ONE_MODEL = Arguments.of(place, ("id",), True, frozenset())


def post(arguments: Arguments, body: Any) -> dict[str, Any]:
    return arguments.read({"id": "7"}, b"", body if isinstance(body, bytes) else json.dumps(body).encode())


def test_path_and_query_are_read_into_the_declared_types() -> None:
    given = FROM_QUERY.read({"id": "4"}, b"q=a+b&n=5&tag=x&tag=y&when=2026-01-01&color=blue&on=true", None)
    assert given == {"id": 4, "q": "a b", "n": 5, "tag": ["x", "y"], "when": date(2026, 1, 1), "color": Color.BLUE, "on": True}


def test_absent_arguments_take_their_defaults_and_never_share_them() -> None:
    first = FROM_QUERY.read({"id": "4"}, b"", None)
    assert first == {"id": 4, "q": "x", "n": None, "tag": [], "when": None, "color": Color.RED, "on": False}
    first["tag"].append("mine")
    assert FROM_QUERY.read({"id": "4"}, b"", None)["tag"] == []


def test_a_body_gives_code_its_own_types() -> None:
    given = post(FROM_BODY, {"email": "a@b.cc", "text": "hello", "lines": [{"name": "x", "price": "1.50"}], "price": 1.5})
    assert given == {"id": 7, "email": "a@b.cc", "text": "hello", "lines": [Line(name="x", price=Decimal("1.50"))], "price": Decimal("1.5")}


def test_one_model_is_the_whole_body() -> None:
    assert post(ONE_MODEL, {"amount": 1}) == {"id": 7, "order": Order(amount=1)}
    assert fault(post, ONE_MODEL, {"amount": "1"}) == ("amount", "type", "Amount must be a whole number; send the number 1, without quotes.")
    assert fault(post, ONE_MODEL, {"amount": 1, "amuont": 2})[:2] == ("amuont", "unknown")
    assert fault(post, ONE_MODEL, [])[:2] == (None, "type")


def test_all_faults_of_path_query_and_body_are_named_at_once() -> None:
    problem = refused(FROM_QUERY.read, {"id": "x"}, b"q=a&q=b&n=x&nope=1&when=z&color=green&on=1", None)
    assert {(each.field, each.code) for each in problem.errors} == {
        ("id", "type"), ("q", "repeated"), ("n", "type"), ("nope", "unknown"), ("when", "type"), ("color", "choice"), ("on", "type"),
    }  # fmt: skip
    problem = refused(FROM_BODY.read, {"id": "x"}, b"q=1", b'{"text": " h ", "id": 4, "lines": [{"name": "x"}]}')
    assert {(each.field, each.code) for each in problem.errors} == {
        ("id", "type"), ("q", "unknown"), ("text", "too_short"), ("email", "required"), ("lines.0.price", "required"), ("id", "unknown"),
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_no_body_is_an_empty_one(body: bytes) -> None:
    assert {each.field for each in refused(post, FROM_BODY, body).errors} == {"email", "text"}


def test_broken_json_is_refused_as_everywhere() -> None:
    for body in (b'{"email": 1', b'{"email": "a", "email": "b"}', b"[" * 40_000):
        assert refused(post, FROM_BODY, body).code == "validation.json"


def test_constraints_of_annotated_hold() -> None:
    arguments = Arguments.of(bounded, (), False, frozenset())
    assert arguments.read({}, b"n=5", None) == {"n": 5}
    assert fault(arguments.read, {}, b"n=6", None) == ("n", "too_large", "N may be at most 5.")


async def of_anything(*everything: Any) -> None: ...
async def of_a_row(thing: Thing) -> None: ...
async def of_a_dict(x: dict[str, int]) -> None: ...


@pytest.mark.parametrize(
    ("function", "path", "from_body", "sentence"),
    [
        (of_anything, (), True, "can't be sent"),
        (of_a_row, (), True, "`thing` is a row, which can't be sent; take its id"),
        (of_a_dict, (), False, "`x` does not fit into the query"),
        (of_a_dict, ("id",), True, "the function has no parameter `id`"),
    ],
)
def test_a_parameter_that_nobody_could_send_stops_the_start(function: Any, path: tuple[str, ...], from_body: bool, sentence: str) -> None:
    with pytest.raises(DeclarationError) as told:
        Arguments.of(function, path, from_body, frozenset())
    assert sentence in str(told.value) and str(told.value).startswith(function.__name__)


def test_a_parameter_without_a_type_stops_the_start() -> None:
    untyped: Any = eval("lambda x: None")
    with pytest.raises(DeclarationError, match="`x` has no type; write `x: str`"):
        Arguments.of(untyped, (), True, frozenset())
