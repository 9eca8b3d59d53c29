"""Pages of other origins: what a browser lets them read, and whether they may use the session."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from backroom.errors import Problem, SettingsError
from backroom.http.origin import origin_of, require_same_origin
from backroom.http.request import Request
from tests.http.doors import Behind, Reply, call, door, no_body, scope_of, settings_of

APP = "https://app.example.com"


async def cors(origin: str | None, target: str = "/api/echo", method: str = "GET", headers: dict[str, str] | None = None, **settings: Any) -> Reply:
    given = dict(headers or {})
    given_settings: dict[str, Any] = {"CORS_ORIGINS": APP, **settings}
    if origin is not None:
        given["Origin"] = origin
    return await call(door(Behind(), **given_settings), method, target, given)


async def test_a_named_origin_may_read_with_credentials_and_see_the_headers() -> None:
    reply = await cors(APP)
    assert reply.header("access-control-allow-origin") == APP
    assert reply.header("access-control-allow-credentials") == "true"
    assert "Content-Range" in (reply.header("access-control-expose-headers") or "")
    assert reply.header("vary") == "Origin"


FOREIGN = [
    "null",
    "https://app.com.evil.io",
    "https://app.example.com.evil.io",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://App.example.com",
    "https://app.example.com/",
    f"{APP}, https://evil.io",
    f"{APP} https://evil.io",
    "http://localhost:5173",
    "*",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_no_other_origin_is_let_in(origin: str) -> None:
    for method, target in (("GET", "/api/echo"), ("GET", "/api/nothing"), ("OPTIONS", "/api/echo")):
        reply = await cors(origin, target, method, {"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else None)
        assert reply.header("access-control-allow-origin") is None
        assert reply.header("vary") == "Origin"


async def test_two_origins_in_two_lines_are_refused() -> None:
    reply = await call(door(Behind(), CORS_ORIGINS=APP), "GET", "/api/echo", [("Origin", APP), ("Origin", APP)])
    assert (reply.status, reply.header("access-control-allow-origin"), reply.header("vary")) == (400, None, "Origin")


async def test_a_named_origin_may_read_that_its_address_is_too_long() -> None:
    reply = await cors(APP, "/api/echo?" + "a" * 20_000)
    assert (reply.status, reply.header("access-control-allow-origin")) == (414, APP)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/echo", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/api/echo", 405),
        ("GET", "/api/unchanged", 304),
        ("GET", "/api/boom", 500),
    ],
)
async def test_every_reply_varies_by_origin_where_origins_are_named(method: str, target: str, status: int) -> None:
    for origin in (APP, "https://evil.io", None):
        reply = await cors(origin, target, method)
        assert reply.status == status
        assert "Origin" in (reply.header("vary") or "").split(", ")
        assert reply.header("access-control-allow-origin") == (APP if origin == APP else None)


async def test_a_preflight_of_a_named_origin_echoes_the_headers_it_asks_for() -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type, x-client-info"}
    for target in ("/api/echo", "/api/nothing", "/somewhere"):
        reply = await cors(APP, target, "OPTIONS", asked)
        assert reply.status == 204
        assert reply.header("access-control-allow-origin") == APP
        assert reply.header("access-control-allow-headers") == "content-type, x-client-info"
        assert "PATCH" in (reply.header("access-control-allow-methods") or "")
        assert int(reply.header("access-control-max-age") or 0) > 0


async def test_without_cors_origins_nobody_is_let_in_and_replies_do_not_vary() -> None:
    reply = await cors(APP, CORS_ORIGINS="")
    assert (reply.header("access-control-allow-origin"), reply.header("vary")) == (None, None)


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://localhost", "http://127.0.0.1:3000", "http://[::1]:3000"])
async def test_in_development_any_port_of_this_machine_is_let_in(origin: str) -> None:
    assert (await cors(origin, CORS_ORIGINS="", DEVELOPMENT=True)).header("access-control-allow-origin") == origin


@pytest.mark.parametrize(
    "origin",
    ["http://localhost.evil.io", "http://localhost:99999", "http://127.0.0.1.evil.io", "http://localhost:80", "http://user@localhost", "null"],
)
async def test_in_development_what_only_looks_like_this_machine_is_not(origin: str) -> None:
    assert (await cors(origin, CORS_ORIGINS="", DEVELOPMENT=True)).header("access-control-allow-origin") is None


async def test_a_refused_origin_is_told_once_with_the_line_to_add(caplog: pytest.LogCaptureFixture) -> None:
    app = door(Behind(), CORS_ORIGINS=APP)
    with caplog.at_level(logging.WARNING, "backroom.http"):
        for _ in range(3):
            await call(app, "GET", "/api/echo", {"Origin": "https://other.example.com"})
            await call(app, "GET", "/api/echo", {"Origin": "http://localhost:8000"})  # the request's own: nothing to tell
    assert [record.getMessage().count(f"CORS_ORIGINS={APP},https://other.example.com") for record in caplog.records] == [1]


async def test_a_hostile_origin_is_one_bounded_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "backroom.http"):
        await cors("https://a\x1b[31m" + "a" * 20_000)
    (record,) = caplog.records
    assert len(record.getMessage()) < 1000
    assert "\x1b" not in record.getMessage()


async def test_made_up_origins_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = door(Behind(), CORS_ORIGINS=APP)
    for number in range(1000):
        await call(app, "GET", "/api/echo", {"Origin": f"https://{number}.evil.io"})
    assert len(caplog.records) < 1000
    assert (await call(app, "GET", "/api/echo", {"Origin": APP})).header("access-control-allow-origin") == APP


@pytest.mark.parametrize("written", ["app.example.com", "*", "ftp://app.example.com", "https://"])
def test_an_origin_that_no_browser_sends_stops_the_start(written: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        door(Behind(), CORS_ORIGINS=written)


def test_origins_are_compared_as_browsers_write_them() -> None:
    assert origin_of("HTTPS://App.Example.com:443/x?y") == "https://app.example.com"
    assert origin_of("http://[::1]:8000/") == "http://[::1]:8000"
    assert origin_of("http://localhost:80") == "http://localhost"
    for junk in ("null", "", "localhost:8000", "https://", "https://a:b", "https://a:99999", "https://[::"):
        assert origin_of(junk) == ""


def check(headers: dict[str, str], method: str = "POST", **settings: Any) -> None:
    given = {"PUBLIC_URL": "https://todo.example.com", "CORS_ORIGINS": APP, **settings}
    require_same_origin(Request(scope_of(method, "/api/session", headers), no_body), settings_of(**given))


PASSES: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:5173"},  # through Vite's proxy, which changes Host
    {"Origin": "http://localhost:8000"},
    {"Origin": "https://todo.example.com", "Sec-Fetch-Site": "cross-site"},
    {"Origin": APP, "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", PASSES)
def test_the_servers_own_pages_and_the_named_ones_may_use_the_session(headers: dict[str, str]) -> None:
    check(headers)


REFUSED: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Origin": ""},
    {"Origin": "https://evil.io"},
    {"Origin": "https://localhost:8000"},
    {"Origin": "http://localhost:8001"},
    {"Origin": "http://localhost:5173"},
    {"Origin": "https://todo.example.com.evil.io"},
    {"Origin": "https://todo.example.com/"},
    {"Origin": "https://evil.io", "X-Forwarded-Host": "evil.io", "X-Forwarded-Proto": "https"},
    {"Origin": "https://evil.io", "Authorization": "Bearer junk"},
    {"Referer": "http://localhost:8000/"},
]


@pytest.mark.parametrize("headers", REFUSED)
def test_no_other_page_may_use_the_session(headers: dict[str, str]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(Problem) as caught:
            check(headers, method)
        assert (caught.value.code, caught.value.status) == ("auth.origin", 403)


def test_the_refusal_names_the_line_to_add() -> None:
    with pytest.raises(Problem) as caught:
        check({"Origin": "https://other.example.com"})
    assert caught.value.hint is not None
    assert f"CORS_ORIGINS={APP},https://other.example.com" in caught.value.hint


def test_reading_asks_for_no_origin() -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        check({}, method)


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173"])
def test_in_development_any_port_of_this_machine_may_use_the_session(origin: str) -> None:
    check({"Origin": origin, "Sec-Fetch-Site": "same-site"}, DEVELOPMENT=True)
    with pytest.raises(Problem):
        check({"Origin": "http://localhost.evil.io:5173"}, DEVELOPMENT=True)
