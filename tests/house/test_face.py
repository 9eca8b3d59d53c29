"""The face: the names a user may import, no more, each saying what it is for and showing how it is written."""

from __future__ import annotations

import inspect

import pytest

import backroom

#: What the documentation imports from `backroom`.
NAMES = {
    *("App", "Resource", "User", "Db", "Reply", "Request"),
    *("field", "owner", "many", "ref", "replace"),
    *("allow", "this", "me", "anyone", "nobody", "now", "today"),
    *("Invalid", "NotSignedIn", "Forbidden", "NotFound", "Conflict", "TooMany", "Problem", "NotLoaded", "DeclarationError"),
    "current_user",
}


def described(name: str) -> str:
    """The docstring of what the name stands for; `me` and `this` are values, so their class says what they are."""
    thing: object = getattr(backroom, name)
    own: object = thing if inspect.isclass(thing) or inspect.isroutine(thing) else type(thing)
    return inspect.getdoc(own) or ""


def test_the_face_is_the_list_of_documented_names() -> None:
    assert set(backroom.__all__) == NAMES
    assert list(backroom.__all__) == sorted(backroom.__all__)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_of_the_face_can_be_imported(name: str) -> None:
    assert getattr(backroom, name) is not None


def test_a_name_that_is_not_of_the_face_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="Widget"):
        getattr(backroom, "Widget")  # noqa: B009 - a checker would refuse `backroom.Widget`


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_of_the_face_says_what_it_is_for_with_an_example(name: str) -> None:
    told = described(name)
    assert ">>>" in told or "`" in told, f"{name}: {told!r}"
