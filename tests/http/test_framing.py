"""Bytes that no browser sends, over a real socket to a real server process.

granian (hyper) answers some of them before the door sees them; what counts is the sum: a refusal or a closed connection, the smuggled
request never runs, and the worker lives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.serving import Served, serving

LIMIT = 65_536
HOST = b"Host: localhost\r\n"
SMUGGLED = b"DELETE /api/todos/42 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serving("tests.http.door_app:app", env={"MAX_BODY_BYTES": str(LIMIT), "BODY_TIMEOUT_SECONDS": "1"}) as server:
        yield server


@pytest.fixture(autouse=True)
def the_worker_lives_and_nothing_was_smuggled(server: Served) -> Iterator[None]:
    before = json.loads(server.get("/api/ran").body)
    yield
    after = json.loads(server.get("/api/ran").body)
    assert after["worker"] == before["worker"]
    assert "DELETE /api/todos/42" not in after["ran"]


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


REFUSED = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a list of lengths": b"Content-Length: 5, 6\r\n\r\nhello",
    "a length with a plus": b"Content-Length: +5\r\n\r\nhello",
    "a hexadecimal length": b"Content-Length: 0x5\r\n\r\nhello",
    "a length after a no-break space": b"Content-Length: \xa05\r\n\r\nhello",
    "a negative length": b"Content-Length: -1\r\n\r\nhello",
    "a length of twenty digits": b"Content-Length: 99999999999999999999\r\n\r\nhello",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a coding after chunked": b"Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "identity as a coding": b"Transfer-Encoding: identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked twice in one line": b"Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked twice without a blank": b"Transfer-Encoding: chunked,chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a list that begins empty": b"Transfer-Encoding: , chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "identity before chunked": b"Transfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("framing", REFUSED.values(), ids=REFUSED.keys())
def test_unclear_framing_is_refused_and_the_connection_closed(server: Served, framing: bytes) -> None:
    received = server.exchange(b"POST /api/echo HTTP/1.1\r\n" + HOST + framing + SMUGGLED)
    assert status_of(received) in (400, 501)
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"],
    ids=["length first", "chunked first"],
)
def test_length_beside_chunked_never_runs_a_second_request(server: Served, framing: bytes) -> None:
    # hyper drops the length, takes the chunks (RFC 9112, 6.1) and closes: the door can't tell it from a plain chunked body.
    received = server.exchange(b"POST /api/echo HTTP/1.1\r\n" + HOST + framing + SMUGGLED)
    assert received.count(b"HTTP/1.1 ") == 1


def test_chunked_in_http_1_0_is_refused(server: Served) -> None:
    assert status_of(server.exchange(b"POST /api/echo HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED)) == 400


NOT_HTTP = {
    "http/0.9": b"GET /api/echo\r\n\r\n",
    "http/0.9 told": b"GET /api/echo HTTP/0.9\r\n\r\n",
    "a tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 60,
    "a space in the header's name": b"GET /api/echo HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "a folded header": b"GET /api/echo HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n 2\r\n\r\n",
    "a NUL in a header": b"GET /api/echo HTTP/1.1\r\n" + HOST + b"X-A: 1\x002\r\n\r\n",
}


@pytest.mark.parametrize("raw", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_not_http_is_refused_and_the_connection_closed(server: Served, raw: bytes) -> None:
    assert status_of(server.exchange(raw)) == 400


@pytest.mark.parametrize("host", [b"", b"Host:\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a/b\r\n", b"Host: a b\r\n"])
def test_a_missing_doubled_or_malformed_host_is_refused(server: Served, host: bytes) -> None:
    assert status_of(server.exchange(b"GET /api/echo HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")) == 400


def test_connect_is_refused_or_closed(server: Served) -> None:
    received = server.exchange(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n")
    assert received == b"" or status_of(received) == 405


@pytest.mark.parametrize("method", [b"TRACE", b"get", b"FROB", b"PROPFIND"])
def test_a_method_that_nothing_takes_is_405_with_allow(server: Served, method: bytes) -> None:
    received = server.exchange(method + b" /api/echo HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert status_of(received) == 405
    assert b"\r\nallow: " in received.lower()


def test_an_absolute_address_is_read_as_its_path(server: Served) -> None:
    received = server.exchange(b"GET http://elsewhere/api/echo HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert status_of(received) == 200


def test_options_for_the_whole_server_is_404(server: Served) -> None:
    assert status_of(server.exchange(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")) == 404


@pytest.mark.parametrize(
    "headers",
    [
        b"A: " + b"a" * 40_000 + b"\r\n",
        b"".join(b"H%d: %s\r\n" % (i, b"a" * 1000) for i in range(64)),
        b"".join(b"H%d: 1\r\n" % i for i in range(1000)),
    ],
    ids=["one of 40 KB", "64 KB in all", "a thousand"],
)
def test_too_many_headers_are_431(server: Served, headers: bytes) -> None:
    assert status_of(server.exchange(b"GET /api/echo HTTP/1.1\r\n" + HOST + headers + b"Connection: close\r\n\r\n")) == 431


@pytest.mark.parametrize("length", [20_000, 64_000])
def test_a_long_address_is_414(server: Served, length: int) -> None:
    raw = b"GET /api/echo?" + b"a" * length + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    assert status_of(server.exchange(raw)) == 414


def test_a_declared_body_over_the_limit_is_413_before_it_is_sent(server: Served) -> None:
    with server.connect() as connection:
        connection.send(b"POST /api/echo HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1))
        reply = connection.reply()
        assert reply.status == 413
        assert json.loads(reply.body)["code"] == "http.body_too_large"
        assert connection.is_closed()


def test_a_chunked_body_is_cut_at_the_limit_and_the_connection_closed(server: Served) -> None:
    with server.connect() as connection:
        connection.send(b"POST /api/echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.send((b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 5)  # 80 KB, and no end
        reply = connection.reply()
        assert reply.status == 413
        assert reply.header("connection") == "close"
        assert connection.is_closed()


def test_what_follows_a_refused_body_on_the_same_connection_never_runs(server: Served) -> None:
    body = b"a" * (LIMIT + 1 - len(SMUGGLED)) + SMUGGLED
    received = server.exchange(b"POST /api/echo HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body + SMUGGLED)
    assert received.count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("size", [b"-1", b"0x5", b"+5", b"1_0", b"F" * 17, b"5\r\nhello\r\nZZ"])
def test_a_malformed_chunk_is_400_and_the_connection_closed(server: Served, size: bytes) -> None:
    with server.connect() as connection:
        connection.send(b"POST /api/echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n")
        reply = connection.reply()
        assert (reply.status, json.loads(reply.body)["code"]) == (400, "http.malformed")
        assert connection.is_closed()


def test_a_body_that_never_arrives_is_408_and_the_connection_closed(server: Served) -> None:
    with server.connect() as connection:
        connection.send(b"POST /api/echo HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhalf")
        reply = connection.reply()
        assert reply.status == 408
        assert connection.is_closed()


def test_clients_that_leave_in_the_middle_of_their_body_leave_no_trace(server: Served) -> None:
    before = len(server.lines)
    for framing in (b"Content-Length: 10\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
        with server.connect() as connection:
            connection.send(b"POST /api/echo HTTP/1.1\r\n" + HOST + framing)
    assert server.get("/api/echo").status == 200
    assert server.lines[before:] == []


def test_the_connection_is_usable_after_an_endpoint_failed(server: Served) -> None:
    with server.connect() as connection:
        connection.send(b"GET /api/boom HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.reply().status == 500
        connection.send(b"GET /api/echo HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.reply().status == 200
    server.wait_for("SELECT secret")  # the log has what the reply must not have


def test_pipelined_requests_are_answered_in_order(server: Served) -> None:
    with server.connect() as connection:
        connection.send(b"".join(b"GET /api/todos/%d HTTP/1.1\r\n" % i + HOST + b"\r\n" for i in range(3)))
        assert [json.loads(connection.reply().body)["parameters"]["id"] for _ in range(3)] == ["0", "1", "2"]


def test_head_has_the_length_of_the_body_and_no_body(server: Served) -> None:
    with server.connect() as connection:
        connection.send(b"HEAD /api/todos HTTP/1.1\r\n" + HOST + b"\r\nGET /api/todos HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        head, get = connection.reply("HEAD"), connection.reply()
        assert head.body == b""
        assert abs(int(head.header("content-length") or 0) - len(get.body)) == 1  # the echo names the method: HEAD is one letter longer


def test_204_has_no_length_and_no_body(server: Served) -> None:
    reply = server.get("/api/empty")
    assert (reply.status, reply.body, reply.header("content-length")) == (204, b"", None)


def test_a_mount_that_fails_in_the_middle_does_not_look_complete(server: Served) -> None:
    received = server.exchange(b"GET /ext/torn HTTP/1.1\r\n" + HOST + b"\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    announced = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(body) < announced
