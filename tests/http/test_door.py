"""The whole door, in process: limits, odd addresses, failures, headers, mounts, start and stop."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from backroom.errors import DeclarationError, Problem
from backroom.http.asgi import Door
from backroom.http.outgoing import Torn
from backroom.http.paths import decode_path
from backroom.http.request import Request
from backroom.http.response import HTML, Response, json_response, problem_response
from tests.http.doors import OWNS, Behind, call, door, mounted, scope_of, settings_of

SECRETS = ("SELECT", "/home", "RuntimeError", "Traceback", "door_app", "backroom/")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "TRACE", "FROB"])
@pytest.mark.parametrize("host", [None, "", "a/b", "a@b", "a b", "\xe4.example", "a" * 256])
async def test_a_request_without_a_sane_host_is_400(host: str | None, method: str) -> None:
    behind = Behind()
    headers = [("Host", host)] if host is not None else [("Host", "")]
    assert (await call(door(behind), method, "/api/echo", headers)).status == 400
    assert behind.ran == []


async def test_an_address_may_be_as_long_as_the_limit_and_not_longer() -> None:
    app = door(Behind(), MAX_URL_BYTES=1024)
    assert (await call(app, "GET", "/api/echo?" + "a" * (1024 - len("/api/echo")))).status == 200
    reply = await call(app, "GET", "/api/echo?" + "a" * (1024 - len("/api/echo") + 1))
    assert (reply.status, reply.json()["code"]) == (414, "http.uri_too_long")


async def test_headers_may_be_as_large_as_the_limit_and_not_larger() -> None:
    app = door(Behind(), MAX_HEADER_BYTES=4096)
    sent = len("host") + len("localhost:8000") + len("x")
    assert (await call(app, "GET", "/api/echo", {"X": "a" * (4096 - sent)})).status == 200
    reply = await call(app, "GET", "/api/echo", {"X": "a" * (4096 - sent + 1)})
    assert (reply.status, reply.header("connection")) == (431, "close")


async def test_a_hundred_headers_are_taken_and_one_more_is_not() -> None:
    pairs = [("Host", "localhost"), *((f"h{i}", "1") for i in range(99))]
    for more in ([("one", "more")], [("h1", "again")]):
        assert (await call(door(Behind()), "GET", "/api/echo", pairs)).status == 200
        assert (await call(door(Behind()), "GET", "/api/echo", [*pairs, *more])).status == 431


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "FROB", "", "PROPFIND"])
async def test_an_unknown_method_is_405_and_runs_nothing(method: str) -> None:
    behind = Behind()
    reply = await call(door(behind), method, "/api/echo")
    assert (reply.status, behind.ran) == (405, [])
    assert "GET" in (reply.header("allow") or "")


async def test_trace_reaches_no_mount() -> None:
    for method in ("TRACE", "CONNECT"):
        assert (await call(door(Behind(), mounts=[("/ext", mounted)]), method, "/ext/a")).status == 405


async def test_a_method_told_in_a_header_or_in_the_query_is_ignored() -> None:
    behind = Behind()
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    await call(door(behind), "GET", "/api/todos/42?_method=DELETE", headers)
    assert behind.ran == ["GET /api/todos/42"]


SAME_OR_NOTHING = [
    "//api/admin/users",
    "/api//admin/users",
    "/api/./admin/users",
    "/./api/admin/users",
    "/x/../api/admin/users",
    "/api/todos/../admin/users",
    "/api/todos/%2e%2e/admin/users",
    "/api/todos/.%2e/admin/users",
    "/api%2Fadmin%2Fusers",
    "/api/todos/..%2Fadmin%2Fusers",
    "/api/todos/%2e%2e%2fadmin%2fusers",
    "/api/admin%2fusers",
    "/api/admin%5cusers",
    "/api\\admin\\users",
    "/api/admin/users/",
    "/api/admin/users.",
    "/api/admin/users%00",
    "/api/admin/users;x=1",
    "/api/admin/users%20",
    "/api/admin/users%ff",
    "/api/admin/%c0%af/users",
    "/API/admin/users",
    "/api/Admin/users",
    "/%61pi/admin/users",
    "/api/%61dmin/users",
    "/api/%2561dmin/users",
    "/api/admin/users%252f",
    "/api/admin/users?x",
    "/api/admin/users#x",
    "/api/admin/use\u017fs",
]


@pytest.mark.parametrize("target", SAME_OR_NOTHING)
async def test_another_spelling_of_an_address_is_that_address_or_404(target: str) -> None:
    behind = Behind()
    reply = await call(door(behind, mounts=[("/ext", mounted)]), "GET", target)
    if reply.status == 200:
        assert behind.ran == ["GET /api/admin/users"]
    else:
        assert (reply.status, behind.ran) == (404, [])


@pytest.mark.parametrize(
    "target", ["/api/todos/%2e%2e", "/api/todos/%2e", "/api/todos/a%2fb", "/api/todos/a%5Cb", "/api/todos/a%00b", "/api/todos/%ff"]
)
async def test_no_such_value_ever_reaches_an_endpoint(target: str) -> None:
    behind = Behind()
    assert (await call(door(behind), "GET", target)).status == 404
    assert behind.ran == []


async def test_an_encoded_slash_is_404_even_where_the_plain_one_leads_somewhere() -> None:
    for target in ("/api/admin%2fusers", "/api/admin%2Fusers", "/api%2fadmin/users"):
        assert (await call(door(Behind()), "GET", target)).status == 404


@pytest.mark.parametrize("raw_path", [b"/a%2fb", b"/a%5Cb", b"/a%00b", b"/a%ffb", b"/a/%2e%2e/b", b"/a/..", b"/./a", b"/a/%2E"])
def test_a_path_that_two_programs_could_read_in_two_ways_is_not_decoded(raw_path: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decode_path(raw_path)
    assert caught.value.status == 404
    assert decode_path(b"/.well-known/a%20b%2525..") == "/.well-known/a b%25.."


async def test_no_unknown_method_reaches_whoever_answers() -> None:
    async def answer(request: Request) -> Response:
        return json_response(request.method)

    reply = await call(Door(answer, settings_of(), owns=OWNS), "FROB", "/api/anything")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")


async def test_a_doubly_encoded_value_is_decoded_once() -> None:
    reply = await call(door(Behind()), "GET", "/api/todos/%252e%252e%252fadmin")
    assert reply.json()["parameters"] == {"id": "%2e%2e%2fadmin"}


async def test_what_nobody_owns_is_a_404_problem() -> None:
    for target in ("/", "/apix", "/healthy", "/favicon.ico"):
        reply = await call(door(Behind()), "GET", target)
        assert (reply.status, reply.header("content-type"), reply.json()["code"]) == (404, "application/problem+json", "http.not_found")


@pytest.mark.parametrize("target", ["/api/boom", "/ext/boom", "/api/inner/boom"])
async def test_a_failure_is_a_500_without_a_word_of_the_inside(target: str, caplog: pytest.LogCaptureFixture) -> None:
    app = door(Behind(), mounts=[("/ext", mounted), ("/api/inner", mounted)])
    with caplog.at_level(logging.ERROR, "backroom.http"):
        reply = await call(app, "GET", target, {"X-Request-Id": "find-me"})
    assert (reply.status, reply.json()["code"], reply.header("x-request-id")) == (500, "http.internal", "find-me")
    assert reply.header("content-type") == "application/problem+json"
    assert not any(secret in repr(reply) for secret in SECRETS)
    assert "find-me" in caplog.text
    assert "SELECT secret" in caplog.text


async def test_a_failure_in_static_files_is_a_500_without_a_word_of_the_inside() -> None:
    reply = await call(door(Behind(), static=mounted), "GET", "/boom")
    assert (reply.status, reply.json()["code"]) == (500, "http.internal")
    assert not any(secret in repr(reply) for secret in SECRETS)


async def test_a_reply_that_cannot_be_encoded_is_a_500() -> None:
    async def answer(request: Request) -> Response:
        return json_response({"a": object()})

    app = Door(answer, settings_of(), owns=OWNS)
    assert (await call(app, "GET", "/api/echo")).status == 500


async def test_a_mount_that_fails_after_its_reply_began_lets_the_server_know() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(Torn):
        await door(Behind(), mounts=[("/ext", mounted)])(scope_of("GET", "/ext/torn"), _never, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"] is True


async def _never() -> Message:
    return {"type": "http.disconnect"}


async def test_a_client_that_has_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def send(message: Message) -> None:
        raise OSError("gone")

    behind = Behind()
    await door(behind)(scope_of("GET", "/api/ran"), _never, send)
    await door(behind)(scope_of("POST", "/api/echo", {"Content-Length": "5"}), _never, send)
    assert "POST /api/echo" not in behind.ran
    assert caplog.records == []


STRICT = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    "target", ["/api/echo", "/api/nothing", "/api/boom", "/api/empty", "/api/unchanged", "/nothing", "/api/echo?" + "a" * 20_000]
)
async def test_every_reply_of_ours_has_the_strict_headers_and_a_request_id(target: str) -> None:
    reply = await call(door(Behind()), "GET", target)
    assert {name: reply.header(name) for name in STRICT} == STRICT
    assert reply.header("x-request-id")
    assert reply.header("strict-transport-security") is None


async def test_a_page_that_says_what_it_may_run_is_believed_and_keeps_the_rest() -> None:
    async def answer(request: Request) -> Response:
        return Response(200, [HTML, (b"content-security-policy", b"default-src 'self'")], b"<p>")

    reply = await call(Door(answer, settings_of(), owns=OWNS), "GET", "/api/docs")
    assert reply.header("content-security-policy") == "default-src 'self'"
    assert reply.header("x-content-type-options") == "nosniff"


async def test_https_is_insisted_on_only_where_the_public_address_has_it() -> None:
    for app in (door(Behind(), PUBLIC_URL="https://a.example.com", mounts=[("/ext", mounted)]),):
        for target in ("/api/echo", "/ext/a"):
            assert "max-age=" in ((await call(app, "GET", target)).header("strict-transport-security") or "")


@pytest.mark.parametrize("target", ["/api/empty", "/api/unchanged"])
async def test_204_and_304_have_neither_body_nor_length(target: str) -> None:
    reply = await call(door(Behind()), "GET", target)
    assert (reply.body, reply.header("content-length")) == (b"", None)


async def test_head_runs_get_and_sends_its_length_without_its_body() -> None:
    behind = Behind()
    reply = await call(door(behind), "HEAD", "/api/todos/1")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.header("content-length") or 0) > 0
    assert (await call(door(behind), "HEAD", "/api/nothing")).body == b""
    assert (await call(door(behind), "HEAD", "/api/admin")).status == 404


async def test_options_is_204_with_allow_and_runs_nothing() -> None:
    behind = Behind()
    reply = await call(door(behind), "OPTIONS", "/api/todos/1")
    assert (reply.status, reply.header("allow"), behind.ran) == (204, "GET, HEAD, DELETE, OPTIONS", [])


async def test_server_timing_names_the_rooms_where_it_is_on() -> None:
    async def answer(request: Request) -> Response:
        assert request.timings is not None
        request.timings += [("auth", 0.001), ("sql", 0.002), ("sql", 0.001)]
        return json_response(None)

    on = await call(Door(answer, settings_of(SERVER_TIMING=True), owns=OWNS), "GET", "/api/echo")
    assert (on.header("server-timing") or "").endswith(", auth;dur=1.000, sql;dur=3.000")
    assert (await call(door(Behind(), DEVELOPMENT=True), "GET", "/api/todos")).header("server-timing") is not None
    assert (await call(door(Behind()), "GET", "/api/todos")).header("server-timing") is None


async def test_a_mount_is_told_its_root_and_what_it_sets_itself_stays() -> None:
    app = door(Behind(), mounts=[("/ext", mounted), ("/ext/deep/", mounted), ("/api/inner", mounted)])
    for target, root, tail in (
        ("/ext", "/ext", ""),
        ("/ext/a", "/ext", "/a"),
        ("/ext/deep/b", "/ext/deep", "/b"),
        ("/api/inner/c", "/api/inner", "/c"),
    ):
        reply = await call(app, "GET", target)
        assert reply.json() == {"tail": tail, "root": root}
        assert reply.header("referrer-policy") == "origin"
        assert reply.header("x-content-type-options") == "nosniff"
        assert reply.header("x-request-id")
        assert reply.header("content-security-policy") is None
    assert (await call(app, "GET", "/extra")).status == 404


@pytest.mark.parametrize("prefix", ["ext", "/api", "/api/"])
def test_a_mount_that_would_never_be_reached_is_refused(prefix: str) -> None:
    with pytest.raises(DeclarationError):
        door(Behind(), mounts=[(prefix, mounted)])


def test_two_mounts_at_one_prefix_are_refused() -> None:
    with pytest.raises(DeclarationError):
        door(Behind(), mounts=[("/ext", mounted), ("/ext/", mounted)])


async def lifespan(on_start: Callable[[], Awaitable[None]], on_stop: Callable[[], Awaitable[None]]) -> list[Message]:
    coming: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    app = Door(Behind().answer, settings_of(), owns=OWNS, on_start=on_start, on_stop=on_stop)
    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    return sent


async def test_start_and_stop_run_with_the_server() -> None:
    steps: list[str] = []

    async def on_start() -> None:
        steps.append("start")

    async def on_stop() -> None:
        steps.append("stop")

    sent = await lifespan(on_start, on_stop)
    assert steps == ["start", "stop"]
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_start_that_fails_is_told_in_one_sentence() -> None:
    async def declared_wrong() -> None:
        raise DeclarationError("app.py, line 3: no such type.")

    async def broken() -> None:
        raise RuntimeError("no disk")

    async def fine() -> None:
        return

    assert await lifespan(declared_wrong, fine) == [{"type": "lifespan.startup.failed", "message": "app.py, line 3: no such type."}]
    assert await lifespan(broken, fine) == [{"type": "lifespan.startup.failed", "message": "The app could not start: RuntimeError: no disk"}]
    assert (await lifespan(fine, broken))[-1]["type"] == "lifespan.shutdown.failed"


async def test_a_websocket_is_refused_unless_a_mount_takes_it() -> None:
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    app = door(Behind(), mounts=[("/ws", socket)])
    for path, expected in (("/ws/a", "websocket.accept"), ("/api/echo", "websocket.close"), ("/nothing", "websocket.close")):
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        await app({**scope_of("GET", path), "type": "websocket"}, receive, send)
        assert [message["type"] for message in sent] == [expected]


def test_a_problem_is_never_cached_and_keeps_its_headers() -> None:
    headers = dict(problem_response(Problem("auth.too_many", headers={"Retry-After": "7"})).headers)
    assert headers == {b"content-type": b"application/problem+json", b"cache-control": b"no-store", b"retry-after": b"7"}
    assert dict(problem_response(Problem("database.busy")).headers)[b"retry-after"] == b"1"
    assert dict(problem_response(Problem("auth.required")).headers)[b"www-authenticate"] == b"Bearer"


def test_a_problem_cannot_smuggle_a_header_or_break_on_half_a_character() -> None:
    response = problem_response(Problem("app.invalid", "\ud800", headers={"X-A": "1\r\nSet-Cookie: a=b \u20ac"}))
    assert (b"x-a", b"1  Set-Cookie: a=b ?") in response.headers
    assert b'"\\ud800"' in response.body
