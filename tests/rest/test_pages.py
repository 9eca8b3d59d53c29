"""A page may be printed by the database itself: it must hold what the rows show one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom import App, Resource, User, allow, me, owner, this
from tests.databases import DATABASES, database_url
from tests.rest.world import World, running

ROWS = "/api/rows"


def app() -> App:
    """Every kind that SQLite prints, empty and filled. `order` and `select` are names that SQL has to quote."""
    app = App()

    @app.resource("rows")
    class Row(Resource):
        text: str = ""
        number: int | None = None
        ratio: float | None = None
        done: bool | None = None
        price: Decimal | None = None
        day: date | None = None
        at: datetime | None = None
        opens: time | None = None
        meta: dict[str, Any] | None = None
        group: str | None = None
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.resource("spans")
    class Span(Resource):
        lasts: timedelta = timedelta(0)
        data: bytes = b""
        salary: int = 7
        owner: User = owner()

        access = allow(everything=this.owner == me, fields={"salary": allow(read=this.salary > 5, create=me.signed_in)})

    return app


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    st.none() | st.booleans() | numbers | floats | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
rows = st.fixed_dictionaries(
    {"text": texts},
    optional={
        "number": numbers | st.none(),
        "ratio": floats | st.none(),
        "done": st.booleans() | st.none(),
        "price": st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda value: format(value, "f")) | st.none(),
        "day": st.dates().map(date.isoformat),
        "at": st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat(timespec="milliseconds")),
        "opens": st.times().map(time.isoformat),
        "meta": st.dictionaries(texts, trees, max_size=3),
        "group": texts | st.none(),
    },
)


class Served:
    """One app with one person, kept while Hypothesis draws."""

    def __init__(self, runner: asyncio.Runner, person: Any) -> None:
        self._runner, self._person = runner, person

    def ask(self, method: str, path: str, **given: Any) -> Any:
        reply = self._runner.run(self._person.request(method, path, **given))
        assert reply.status_code < 300, reply.text
        return reply


@pytest.fixture(scope="module", params=DATABASES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def enter() -> Any:
            url = stack.enter_context(database_url(request.param, tmp_path_factory.mktemp("pages")))
            world: World = await stack.enter_async_context(running(url, app()))
            return await world.person()

        try:
            yield Served(runner, runner.run(enter()))
        finally:
            runner.run(stack.aclose())


@settings(max_examples=100, deadline=None)
@given(sent=st.lists(rows, min_size=1, max_size=5), limit=st.integers(0, 6), newest_first=st.booleans())
def test_a_page_holds_its_rows_as_each_is_shown_alone(served: Served, sent: list[dict[str, Any]], limit: int, newest_first: bool) -> None:
    created = served.ask("POST", ROWS, json=sent).json()
    first = created[0]["id"]
    alone = [served.ask("GET", f"{ROWS}/{row['id']}").json() for row in created]
    wanted = (alone[::-1] if newest_first else alone)[:limit]
    page = served.ask("GET", ROWS, params={"id": f"gte.{first}", "limit": str(limit), "order": "id.desc" if newest_first else "id"})
    # As text, so that 1 and 1.0, true and 1, and the order of keys are told apart; what `json.loads` can't tell is no difference to a client.
    assert [json.dumps(row) for row in page.json()] == [json.dumps(row) for row in wanted]
    assert page.headers["content-range"] == (f"0-{len(wanted) - 1}/*" if wanted else "*/*")
    assert ("next" in page.headers.get("link", "")) is (0 < limit < len(sent))


def test_a_page_of_a_thousand_keeps_its_order(served: Served) -> None:
    sent = [{"text": f"{number * 7919 % 1000:04}", "group": "many"} for number in range(1000)]
    served.ask("POST", ROWS, json=sent)
    page = served.ask("GET", ROWS, params={"group": "eq.many", "order": "text.desc", "limit": "1000"}).json()
    assert [row["text"] for row in page] == [f"{number:04}" for number in range(999, -1, -1)]


def test_what_the_database_can_not_print_is_printed_all_the_same(served: Served) -> None:
    served.ask("POST", "/api/spans", json=[{"lasts": "PT90M", "data": "AAE="}, {"salary": 3}, {}])
    page = served.ask("GET", "/api/spans", params={"limit": "2"})
    assert [row["lasts"] for row in page.json()] == ["PT1H30M", "PT0S"]
    assert ["salary" in row for row in page.json()] == [True, False]
    assert "next" in page.headers["link"]
