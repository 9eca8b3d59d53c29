"""What a stranger can make the server keep, or compute, by asking for something new each time."""

from __future__ import annotations

import gc
import itertools
import tracemalloc

from backroom import App, Resource, allow, anyone
from backroom.rest.representation import Representation
from tests.rest.world import running


def open_app() -> App:
    app = App()

    @app.resource("things")
    class Thing(Resource):
        a: str = ""
        b: str = ""
        c: str = ""
        d: str = ""
        e: str = ""
        number: int = 0

        access = allow(everything=anyone)

    return app


async def test_made_up_choices_of_columns_are_not_kept(each_database: str) -> None:
    async with running(each_database, open_app()) as world, world.browser() as stranger:
        before = _representations()
        for columns in itertools.islice(itertools.permutations(("id", "a", "b", "c", "d", "e", "number"), 5), 1500):
            assert (await stranger.get(f"/api/things?select={','.join(columns)}")).status_code == 200
        assert _representations() - before < 1100  # the last thousand queries keep theirs


def _representations() -> int:
    gc.collect()
    return sum(isinstance(each, Representation) for each in gc.get_objects())


async def test_long_queries_are_answered_and_forgotten(each_database: str) -> None:
    async with running(each_database, open_app()) as world, world.browser() as stranger:
        tracemalloc.start()
        try:
            for first in range(20):
                values = ",".join(str(each % 10) for each in range(990))
                assert (await stranger.get(f"/api/things?number=in.({first},{values})")).status_code == 200
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert kept < 1_000_000
