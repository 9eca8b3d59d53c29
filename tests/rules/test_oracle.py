"""Drawn apps against an evaluation that shares nothing with ours. More of them: `python -m tests.rules.oracle --cases 1000`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import database_url
from tests.rules.oracle.play import play


@pytest.mark.parametrize(("database", "cases"), [("sqlite", 6), ("postgresql", 3)])
@pytest.mark.case(80)
def test_every_reply_of_a_drawn_app_is_what_its_rules_say(database: str, cases: int, tmp_path: Path) -> None:
    compared = 0
    for index in range(cases):
        folder = tmp_path / str(index)
        folder.mkdir()
        with database_url(database, folder) as url:
            compared += play(f"tests:{index}", url)["comparisons"]
    assert compared > 150 * cases


@pytest.mark.parametrize("seed", ["1:4", "1:14", "2:104"])
def test_what_was_once_answered_wrongly_stays_right(seed: str, each_database: str) -> None:
    """An empty step under `is_null`; `= NULL` for a row without id; a diamond of cascades."""
    assert play(seed, each_database)["comparisons"] > 100
