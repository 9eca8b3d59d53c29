"""Whatever is sent to a running app, it answers, and never with a 5xx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Generator
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import DATABASES, database_url
from tests.rest.crowded_app import THING, WRITABLE, crowded_app
from tests.rest.world import JSON, World, running

T = TypeVar("T")

COLUMNS = (*WRITABLE, "id", "kept", "told", "vault", "salary", "owner_id", "created_at", "updated_at", "nope", "__proto__", "")
OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "like", "not.eq", "not.in", "not.is", "cs", "fts", "eq(any)", "")
any_text = st.text(max_size=30)
hostile_text = st.sampled_from(
    (
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "9" * 400,
        "1e400",
        "NaN",
        "(1,2)",
        "()",
        '("a',
        "2026-12-01",
        "0001-01-01T00:00:00Z",
        "%00",
        "'",
        "\\",
        "\x00",
        "٣",
        "P1D",
        "AA==",
    )
)
text = any_text | hostile_text
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | text
    | st.sampled_from((2**53, -(2**63), 10**500, 1e308, -0.0, "2026-12-01", "x" * 300, "0190b6c4-7b1e-7cc2-a4f7-0242ac120002"))
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=8)
rows = st.dictionaries(st.sampled_from(COLUMNS), values, max_size=6)
bodies = (
    (rows | st.lists(rows | values, max_size=4) | values).map(lambda tree: json.dumps(tree).encode())
    | st.binary(max_size=60)
    | rows.map(lambda tree: json.dumps(tree).encode()[:-1])
)
filters = st.tuples(st.sampled_from(COLUMNS), st.sampled_from(OPERATORS), text).map(lambda parts: (parts[0], f"{parts[1]}.{parts[2]}"))
groups = st.tuples(st.sampled_from(("or", "and", "not.or", "not.and")), st.lists(filters, max_size=4)).map(
    lambda parts: (parts[0], "(" + ",".join(f"{name}.{value}" for name, value in parts[1]) + ")")
)
others = st.tuples(
    st.sampled_from(("select", "order", "limit", "offset", "on_conflict", "search", "after", "columns")), text | st.sampled_from(COLUMNS)
)
queries = st.lists(filters | groups | others, max_size=4)
paths = st.sampled_from(
    (
        THING,
        f"{THING}/1",
        "/api/pages",
        "/api/pages/0190b6c4-7b1e-7cc2-a4f7-0242ac120002",
        "/api/messages",
        "/api/stock",
        "/api/stock/1",
        "/api/fragile",
        "/api/users",
        "/api/echo",
        "/api/take",
        "/api/batch",
        "/rest/v1/things",
        "/rest/v1/pages",
        "/api/session",
        "/api/account",
        "/auth/v1/signup",
        "/auth/v1/token",
        "/auth/v1/user",
        "/auth/v1/logout",
        "/api/seen/x",
        "/health",
    )
)
methods = st.sampled_from(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
header_text = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "if-match",
                "if-none-match",
                "prefer",
                "accept",
                "range",
                "authorization",
                "cookie",
                "apikey",
                "content-type",
                "origin",
                "x-forwarded-for",
                "idempotency-key",
                "x-request-id",
            )
        ),
        header_text | st.sampled_from(('"1-x"', "*", "Bearer a.b.c", "count=exact", "application/json", "*/*")),
    ),
    max_size=3,
)


TAILS = ("", "?", "?select=id", "?id=eq.1", "?%zz", "?a=\u00e9 b", "/x", "/%2e%2e", "/")
items = st.fixed_dictionaries(
    {"method": st.sampled_from(("GET", "POST", "PUT", "PATCH", "DELETE"))},
    optional={
        "path": st.tuples(paths, st.sampled_from(TAILS)).map("".join) | text,
        "body": rows | values,
        "headers": st.dictionaries(st.sampled_from(("If-Match", "prefer", "Cookie", "")), text | st.sampled_from(('"1-x"', "*"))) | values,
    },
)


class Running:
    """One app for all examples of a test, on a loop of its own."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.run(self._start(url))

    async def _start(self, url: str) -> None:
        self.world: World = await self._stack.enter_async_context(running(url, crowded_app(), PASSWORD_HASHES_AT_ONCE=1))
        self.ann = await self.world.person()
        await self.ann.post(THING, json={})
        await self.ann.post("/api/stock", json={"left": 3})

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.run(self.ann.request(method, path, **more))

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._loop.close()


@pytest.fixture(scope="module", params=DATABASES)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with database_url(request.param, tmp_path_factory.mktemp("any")) as url:
        app = Running(url)
        yield app
        app.close()


def answered(reply: httpx2.Response) -> None:
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400 and reply.request.method != "HEAD":
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["status"] == reply.status_code
    elif reply.content:
        reply.json()


@given(method=st.sampled_from(("POST", "PUT", "PATCH", "DELETE")), path=paths, body=bodies)
def test_any_body_is_answered(app: Running, method: str, path: str, body: bytes) -> None:
    answered(app.ask(method, path, content=body, headers=JSON))


@given(batch=st.lists(items | values, max_size=4), key=st.none() | st.sampled_from(("k", "l")))
def test_any_batch_is_answered(app: Running, batch: list[Any], key: str | None) -> None:
    headers = {**JSON, **({"idempotency-key": key} if key else {})}
    answered(app.ask("POST", "/api/batch", content=json.dumps(batch).encode(), headers=headers))


@given(path=paths, query=queries)
def test_any_query_is_answered(app: Running, path: str, query: list[tuple[str, str]]) -> None:
    answered(app.ask("GET", path, params=query))


@given(row=rows)
def test_any_row_is_refused_or_can_be_read_and_sent_back(app: Running, row: dict[str, Any]) -> None:
    made = app.ask("POST", THING, content=json.dumps(row).encode(), headers=JSON)
    answered(made)
    if made.status_code == 201:
        item = f"{THING}/{made.json()['id']}"
        assert app.ask("GET", item).json() == made.json()
        assert app.ask("PUT", item, json=made.json()).status_code == 200
        assert app.ask("DELETE", item).status_code == 204


@given(method=methods, path=paths, sent=headers, raw=st.binary(max_size=20))
def test_any_headers_are_answered(app: Running, method: str, path: str, sent: list[tuple[str, str]], raw: bytes) -> None:
    answered(app.ask(method, path, content=raw, headers=[(name.encode(), value.encode("latin-1")) for name, value in sent]))


@given(
    method=methods,
    tail=st.text(max_size=20) | st.lists(st.sampled_from(("..", ".", "%2e", "%2F", "//", ";", "%00", "%ff", "1", "x", "%25", "\\"))).map("/".join),
)
def test_any_address_is_answered(app: Running, method: str, tail: str) -> None:
    raw = b"/api/things/" + tail.encode("utf-8", "replace").replace(b" ", b"%20").replace(b"?", b"%3F").replace(b"#", b"%23")
    url = httpx2.URL("https://app.example.com").copy_with(raw_path=bytes(byte if 32 < byte < 127 else 0x41 for byte in raw))
    answered(app.run(app.ann.request(method, url)))
