"""`check_row`: what `db.create(Thing(...))` is judged by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import HttpUrl

from backroom.validation.bodies import check_row
from tests.validation.things import THINGS, Color, Line, fault, faults


def check(values: dict[str, Any]) -> dict[str, Any]:
    return check_row(THINGS, values, "update")


def test_python_values_come_back_as_they_are_stored() -> None:
    assert check(
        {
            "title": " x ",
            "code": " AB ",
            "due": date(2026, 1, 1),
            "at": datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC),
            "price": Decimal("1.50"),
            "color": Color.BLUE,
            "status": "open",
            "link": HttpUrl("https://example.com"),
            "lines": [Line(name="a", price=Decimal(1))],
            "meta": {"day": date(2026, 1, 1)},
            "ratio": 1,
            "vault": "s",
        }
    ) == {
        "title": " x ",
        "code": "AB",
        "due": date(2026, 1, 1),
        "at": datetime(2026, 1, 1, 12, 0, 0, 999_000, tzinfo=UTC),
        "price": Decimal("1.50"),
        "color": "blue",
        "status": "open",
        "link": "https://example.com/",
        "lines": [{"name": "a", "price": "1", "count": 0}],
        "meta": {"day": "2026-01-01"},
        "ratio": 1.0,
        "vault": "s",
    }


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"title": " "}, "blank"),
        ({"title": "a\0"}, "character"),
        ({"title": "\ud800"}, "character"),
        ({"due": "2026-01-01"}, "type"),
        ({"due": datetime.now(UTC)}, "type"),
        ({"at": datetime(2026, 1, 1)}, "type"),  # noqa: DTZ001 - without a time zone is what is refused
        ({"count": True}, "type"),
        ({"count": 11}, "too_large"),
        ({"big": 2**60}, "too_large"),
        ({"level": True}, "type"),
        ({"price": Decimal("NaN")}, "type"),
        ({"price": 1.5}, "type"),
        ({"ratio": float("inf")}, "type"),
        ({"color": "green"}, "choice"),
        ({"token": "x"}, "type"),
        ({"lasts": timedelta.max}, "too_large"),
        ({"meta": {"a": float("nan")}}, "type"),
        ({"meta": {"a": object()}}, "type"),
        ({"tags": [1]}, "type"),
        ({"done": None}, "required"),
        ({"nonsense": 1}, "unknown"),
    ],
)
def test_a_wrong_value_is_refused_naming_its_field(values: dict[str, Any], code: str) -> None:
    field, found, _ = fault(check, values)
    assert found == code and field is not None and field.partition(".")[0] == next(iter(values))


def test_all_faults_are_named_and_required_fields_too() -> None:
    assert faults(check_row, THINGS, {"count": 11, "owner_id": UUID(int=1)}, "create").keys() == {"title", "count"}
