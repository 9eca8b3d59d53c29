"""Slips in rules stop the start, with the cure: each would otherwise open a table or close it in silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from backroom import App, DeclarationError, Resource, User, allow, anyone, field, many, me, nobody, now, owner, this, today

SLIPS: dict[str, tuple[Callable[[], Any], str]] = {
    "and": (lambda: (this.owner == me) and this.done, "a & b"),
    "or": (lambda: (this.owner == me) or this.done, "a | b"),
    "not": (lambda: not this.done, "~a"),  # pyright: ignore[reportGeneralTypeIssues]
    "in a list": (lambda: this.name in ["a"], "in"),  # noqa: FURB171
    "is": (lambda: this.owner is me, "=="),  # type: ignore[comparison-overlap]
    "is not None": (lambda: this.name is not None, "is_null"),  # pyright: ignore[reportUnnecessaryComparison]
    "a chain": (lambda: 1 < this.number < 5, "(1 < x) & (x < 5)"),
    "me | x": (lambda: this.owner == me | this.done, "parentheses"),
    "an uncalled method": (lambda: me.has_role, "call it"),
    "a lambda": (lambda: lambda: True, "without lambda"),
    "True": (lambda: True, "anyone"),
    "False": (lambda: False, "nobody"),
    "== None": (lambda: this.name == None, "is_null"),  # noqa: E711
    "the time of the start": (lambda: this.at < datetime.now(UTC), "now"),
    "the day of the start": (lambda: this.day < date.today(), "today"),  # noqa: DTZ011
    "what people write of themselves": (lambda: me.claims["user_metadata"] == "x", "user_metadata"),
    "me as a condition": (lambda: me, "signed_in"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_python_is_told_with_its_cure(slip: str) -> None:
    write, cure = SLIPS[slip]
    with pytest.raises(TypeError) as told:
        allow(read=write())
    assert cure in str(told.value)


WRONG: dict[str, tuple[Any, str]] = {
    "a missing field": (this.nmae == "x", "did you mean `name`"),
    "a path beyond a value": (this.name.length == 1, "is no reference"),
    "five steps": (this.parent.parent.parent.parent.name == "x", "more than 4 steps"),
    "text as a condition": (this.name, "compare it"),
    "a wrong constant": (this.number == "x", "is no int"),
    "two kinds": (this.name == this.number, "compares text with integer"),
    "an order of references": (this.owner > this.editor, "no order"),
    "a person with a number": (this.number == me, "compared with a reference to people"),
    "a role of a field": (me.has_role(this.name), "me.has_role"),  # type: ignore[arg-type]
    "roles with ==": (this.name == me.roles, "is a list"),
    "now with a day": (this.day < now, "`now` is a datetime"),
    "today with a moment": (this.at < today, "`today` is a date"),
    "a moment without zone": (this.at < datetime(2020, 1, 1), "no time zone"),  # noqa: DTZ001
    "an empty clock": (now.is_null(), "never empty"),
    "JSON": (this.data == {"a": 1}, "JSON"),
    "a beginning of a number": (this.number.startswith("1"), "only text"),
    "any of no collection": (this.owner.any(id=1), "no collection"),
    "a collection as a value": (this.children == 1, "is a collection"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.case(92)
def test_a_rule_that_can_not_be_meant_stops_the_start_and_names_the_line(wrong: str) -> None:
    rule, cure = WRONG[wrong]
    with pytest.raises(DeclarationError) as told:
        _thing(allow(read=rule))
    assert cure in str(told.value)
    assert "test_declaring.py:" in str(told.value)


def _thing(written: Any) -> App:
    app = App()

    @app.resource("things")
    class Thing(Resource):
        name: str = ""
        number: int = 0
        done: bool = False
        at: datetime | None = None
        day: date | None = None
        data: dict[str, Any] | None = None
        parent: Thing | None = None
        children: list[Thing] = many(via="parent")
        editor: User | None = None
        owner: User = owner()

        access = written

    app.catalog.freeze()
    return app


NEVER: dict[str, Any] = {
    "members of a new row": allow(create=this.children.any(owner=me)),
    "the id of a new row": allow(create=this.id == 5),
    "an owner for nobody": allow(create=anyone),
    "a list of nothing": allow(read=this.name.in_([])),
}


@pytest.mark.parametrize("never", NEVER)
def test_a_rule_that_can_never_be_true_stops_the_start(never: str) -> None:
    with pytest.raises(DeclarationError):
        _thing(NEVER[never])


def test_nobody_may_say_never() -> None:
    _thing(allow(read=nobody, create=nobody, update=nobody, delete=nobody))
    _thing(allow())


def test_set_null_needs_a_reference_that_may_be_empty() -> None:
    app = App()

    @app.resource("boxes")
    class Box(Resource):
        access = allow()

    @app.resource("parts")
    class Part(Resource):
        box: Box = field(on_delete="set_null")
        access = allow()

    with pytest.raises(DeclarationError, match="set_null"):
        app.catalog.freeze()
