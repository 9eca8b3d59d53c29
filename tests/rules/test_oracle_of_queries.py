"""Drawn queries against an evaluation that shares nothing with ours. More of them: `python -m tests.rules.oracle queries --cases 10000`."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.databases import database_url
from tests.rules.oracle.draw import Caller
from tests.rules.oracle.queries.asking_reads import AskingReads
from tests.rules.oracle.queries.play import compare, play
from tests.rules.oracle.queries.stage import drawn, staged

EACH = 90


@pytest.mark.parametrize(("database", "scenes"), [("sqlite", 14), ("postgresql", 8)])
@pytest.mark.case(80)
def test_every_reply_to_a_drawn_query_is_what_the_rules_say(database: str, scenes: int, tmp_path: Path) -> None:
    asked = Counter[str]()
    for index in range(scenes):
        folder = tmp_path / str(index)
        folder.mkdir()
        with database_url(database, folder) as url:
            asked += play(f"tests:{index}", url, EACH)
    assert asked["cases"] + asked["twins"] + asked["thrice"] >= scenes * EACH
    assert asked["with rows"] > scenes * EACH / 10
    assert asked["written"] > scenes / 2


def test_a_query_that_hypothesis_draws_and_makes_small_is_answered_as_the_rules_say(each_database: str) -> None:
    scene, app = drawn("hypothesis")
    with asyncio.Runner() as runner:
        context = staged(scene, app, each_database)
        stage = runner.run(context.__aenter__())

        @settings(max_examples=60, derandomize=True, database=None)
        @given(st.randoms(use_true_random=False), st.sampled_from(scene.callers))
        def ask(chance: Random, caller: Caller) -> None:
            question = AskingReads(chance, stage.sight(caller)).draw()
            runner.run(compare(stage, caller, question, Counter()))

        try:
            ask()
        finally:
            runner.run(context.__aexit__(None, None, None))
