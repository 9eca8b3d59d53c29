"""What the rooms read of a request."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from backroom.errors import Problem, SettingsError
from backroom.http.body import SLOWEST, ClientGone
from backroom.http.client import client_address, parse_networks
from backroom.http.limits import Limits
from backroom.http.request import Request
from tests.http.doors import Headers, no_body, scope_of

LIMITS = Limits()


def request_of(headers: Headers = (), target: str = "/api/echo") -> Request:
    return Request(scope_of("GET", target, headers), no_body)


def sending(*messages: Message, limits: Limits = LIMITS, **headers: str) -> Request:
    coming = list(messages)

    async def receive() -> Message:
        if not coming:
            await asyncio.Event().wait()  # for ever: the client sends nothing more
        return coming.pop(0)

    return Request(scope_of("POST", "/api/echo", {name.replace("_", "-"): value for name, value in headers.items()}), receive, limits)


def piece(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def refusal(request: Request) -> Problem:
    with pytest.raises(Problem) as caught:
        await request.body()
    return caught.value


SINGLE = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Host", "Content-Length", "Origin", "apikey"]


@pytest.mark.parametrize("name", SINGLE)
def test_a_header_that_may_stand_once_and_stands_twice_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="stands twice") as caught:
        request_of([(name, "a"), (name, "a")])
    assert caught.value.status == 400


def test_list_headers_in_several_lines_are_joined() -> None:
    sent = [("Prefer", "count=exact"), ("Accept", "a"), ("Prefer", "return=minimal"), ("If-None-Match", '"1"'), ("If-None-Match", '"2"')]
    headers = request_of(sent).headers
    assert headers[b"prefer"] == b"count=exact, return=minimal"
    assert headers[b"if-none-match"] == b'"1", "2"'
    assert request_of([("Cookie", "a=1"), ("Cookie", "b=2")]).headers[b"cookie"] == b"a=1; b=2"


def test_a_sane_request_id_is_kept_and_another_is_replaced() -> None:
    assert request_of({"X-Request-Id": "abc-1.2_3"}).id == "abc-1.2_3"
    for given in ("", "a b", "a" * 65, "a\u001b[31m", "a\r\nb"):
        assert request_of({"X-Request-Id": given}).id != given
    assert request_of().id != request_of().id


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; Charset=UTF-8", True),
        ('application/json; charset="utf-8"', True),
        ("application/vnd.pgrst.object+json", True),
        ("application/json; charset=utf-7", False),
        ("application/json; charset=utf-16", False),
        ("text/plain", False),
        ("text/json+json", False),
        ("application/jsonp", False),
        ("", False),
    ],
)
def test_only_json_in_utf_8_counts_as_json(content_type: str, is_json: bool) -> None:
    assert request_of({"Content-Type": content_type}).is_json() is is_json
    assert not request_of().is_json()


async def test_a_body_in_pieces_is_put_together_and_kept() -> None:
    request = sending(piece(b"one"), piece(b""), piece(b"two"), piece(b"three"), piece(b"", more=False))
    assert await request.body() == b"onetwothree"
    assert await request.body() == b"onetwothree"


async def test_a_body_may_be_as_large_as_the_limit_and_not_one_byte_larger() -> None:
    limits = Limits(body_bytes=8)
    assert await sending(piece(b"1234"), piece(b"5678", more=False), limits=limits).body() == b"12345678"
    problem = await refusal(sending(piece(b"12345678"), piece(b"9"), limits=limits))
    assert (problem.status, problem.headers) == (413, {"Connection": "close"})


@pytest.mark.parametrize("length", ["9", "9" * 20, "9" * 5000])
async def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read(length: str) -> None:
    problem = await refusal(sending(limits=Limits(body_bytes=8), content_length=length))  # would wait for ever if it read
    assert problem.status == 413


@pytest.mark.parametrize("length", ["-1", "+5", "0x5", "5, 6", "²", ""])
async def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    assert (await refusal(sending(content_length=length))).status == 400


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br", "zstd", "identity, gzip"])
async def test_a_compressed_body_is_refused_unread(coding: str) -> None:
    assert (await refusal(sending(content_encoding=coding))).status == 415


async def test_identity_is_no_compression() -> None:
    assert await sending(piece(b"a", more=False), content_encoding="Identity").body() == b"a"


async def test_a_body_that_stalls_is_refused_in_time() -> None:
    began = asyncio.get_running_loop().time()
    problem = await refusal(sending(piece(b"half"), limits=Limits(body_seconds=0.05)))
    assert (problem.code, problem.status, problem.headers) == ("http.body_timeout", 408, {"Connection": "close"})
    assert asyncio.get_running_loop().time() - began < 2


async def test_a_body_that_trickles_is_refused_although_each_piece_is_in_time() -> None:
    async def receive() -> Message:
        await asyncio.sleep(0.02)
        return piece(b"a")

    request = Request(scope_of("POST", "/api/echo"), receive, Limits(body_seconds=0.1))
    assert (await refusal(request)).status == 408


async def test_a_body_that_keeps_coming_is_granted_more_time() -> None:
    limit, coming = 0.1, 8

    async def receive() -> Message:
        nonlocal coming
        await asyncio.sleep(0.05)
        coming -= 1
        return piece(b"a" * SLOWEST, more=coming > 0)

    request = Request(scope_of("POST", "/api/echo"), receive, Limits(body_seconds=limit))
    assert len(await request.body()) == 8 * SLOWEST


async def test_a_cancelled_task_stays_cancelled_while_it_waits_for_a_body() -> None:
    task = asyncio.create_task(sending(limits=Limits(body_seconds=60)).body())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_client_that_leaves_in_the_middle_leavesno_body() -> None:
    with pytest.raises(ClientGone):
        await sending(piece(b"half"), {"type": "http.disconnect"}).body()


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1", b"6.6.6.6", "203.0.113.1"),  # not our proxy: what it says counts for nothing
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", b"6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", b"6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", b"10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", b"6.6.6.6, junk, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", b"6.6.6.6, 203.0.113.9:5000", "203.0.113.9"),
        ("127.0.0.1", b"[2001:db8::1]:5000", "2001:db8::1"),
        ("::ffff:127.0.0.1", b"203.0.113.9", "203.0.113.9"),
        ("", b"203.0.113.9", ""),
    ],
)
def test_the_client_is_the_rightmost_address_that_no_proxy_of_ours_has(peer: str, forwarded: bytes | None, client: str) -> None:
    assert client_address(peer, forwarded, parse_networks(["127.0.0.1", "10.0.0.0/8"])) == client


def test_without_trusted_proxies_nothing_forwarded_counts() -> None:
    request = request_of({"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Real-IP": "6.6.6.6"})
    assert (request.client, request.scheme) == ("127.0.0.1", "http")


def test_a_trusted_proxy_may_say_https() -> None:
    limits = Limits(proxies=parse_networks(["127.0.0.1"]))
    assert Request(scope_of("GET", "/", {"X-Forwarded-Proto": "https"}), no_body, limits).scheme == "https"
    assert Request(scope_of("GET", "/", {"X-Forwarded-Proto": "gopher"}), no_body, limits).scheme == "http"


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        parse_networks(["proxy.internal"])
