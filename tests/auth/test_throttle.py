"""Guessing is slowed down, and nobody can lock an owner out by it."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from backroom.auth.throttle import PER_ADDRESS, TRICKLE, WRONG_PER_ACCOUNT, WRONG_PER_PAIR, WRONG_WINDOW, Throttle
from backroom.errors import Problem
from backroom.http.request import Request
from tests.auth.world import ORIGIN, PASSWORD, Process, one, sign_up

WRONG = {"email": "ann@example.com", "password": "wrong password"}
RIGHT = {"email": "ann@example.com", "password": PASSWORD}


async def test_after_ten_wrong_passwords_one_address_must_wait(each_database: str) -> None:
    async with one(each_database, RATE_LIMIT=True) as app, app.client() as client, app.client(address="198.51.100.1") as elsewhere:
        await sign_up(client)
        for _ in range(WRONG_PER_PAIR):
            assert (await client.post("/api/session", json=WRONG)).status_code == 400
        refused = await client.post("/api/session", json=RIGHT)
        assert (refused.status_code, refused.json()["code"]) == (429, "auth.too_many")
        assert 0 < int(refused.headers["retry-after"]) <= WRONG_WINDOW
        refused = await client.post("/auth/v1/token?grant_type=password", json={**RIGHT, "email": "ANN@example.com"})
        assert (refused.status_code, refused.json()["code"]) == (429, "over_request_rate_limit")
        assert (await elsewhere.post("/api/session", json=RIGHT)).status_code == 201
        assert (await client.post("/api/session", json={**WRONG, "email": "bob@example.com"})).status_code == 400  # another account


async def test_guesses_sent_all_at_once_are_counted_too(each_database: str) -> None:
    async with one(each_database, RATE_LIMIT=True) as app, app.client() as client:
        await sign_up(client)
        replies = await asyncio.gather(*(client.post("/api/session", json=WRONG) for _ in range(40)))
        assert sum(reply.status_code == 400 for reply in replies) == WRONG_PER_PAIR
        assert sum(reply.status_code == 429 for reply in replies) == 40 - WRONG_PER_PAIR


async def test_an_unknown_account_is_throttled_as_a_known_one_is(each_database: str) -> None:
    async with one(each_database, RATE_LIMIT=True) as app, app.client() as client:
        body = {"email": "nobody@example.com", "password": "wrong password"}
        statuses = [(await client.post("/api/session", json=body)).status_code for _ in range(WRONG_PER_PAIR + 1)]
        assert statuses == [400] * WRONG_PER_PAIR + [429]


async def test_with_the_limit_off_nobody_waits(each_database: str) -> None:
    async with one(each_database, RATE_LIMIT=False) as app, app.client() as client:
        await sign_up(client)
        statuses = [(await client.post("/api/session", json=WRONG)).status_code for _ in range(WRONG_PER_PAIR + 2)]
        assert statuses == [400] * (WRONG_PER_PAIR + 2)


class Bench:
    """A throttle whose time the test sets, and requests from any address."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.throttle = Throttle(on=True, clock=lambda: self.now)

    @staticmethod
    def request(address: str) -> Request:
        async def nothing() -> dict[str, object]:
            return {}

        return Request(
            {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": [], "client": (address, 1)}, nothing
        )

    def guess(self, address: str, account: str = "ann@example.com") -> int:
        try:
            self.throttle.guess(self.request(address), account)
        except Problem as problem:
            return int(problem.headers["Retry-After"])
        return 0


def test_a_thousand_addresses_get_a_trickle_and_the_owner_still_gets_in() -> None:
    bench = Bench()
    assert bench.guess("192.0.2.1") == 0
    bench.throttle.right(bench.request("192.0.2.1"), "ann@example.com")  # the owner, from home
    heard = sum(bench.guess(f"10.0.{number // 250}.{number % 250}") == 0 for number in range(1000))
    assert heard == WRONG_PER_ACCOUNT + 1
    assert bench.guess("192.0.2.1") == 0  # home is never shut
    heard = 0
    for number in range(200):  # a stranger (or the owner, traveling) is heard every other second
        bench.now += 0.1
        heard += bench.guess(f"10.1.0.{number}") == 0
    assert heard == pytest.approx(200 * 0.1 / TRICKLE, abs=1)
    bench.now += WRONG_WINDOW + 1
    assert bench.guess("10.2.0.1") == bench.guess("10.2.0.2") == 0


def test_one_address_has_a_hundred_attempts_a_minute_for_whatever_accounts() -> None:
    bench = Bench()
    for _ in range(PER_ADDRESS):
        bench.throttle.attempt(bench.request("192.0.2.1"))
    with pytest.raises(Problem) as refused:
        bench.throttle.attempt(bench.request("192.0.2.1"))
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "60")
    bench.throttle.attempt(bench.request("192.0.2.2"))
    bench.now += 61
    bench.throttle.attempt(bench.request("192.0.2.1"))


def test_an_ipv6_household_counts_as_one_address() -> None:
    bench = Bench()
    for number in range(WRONG_PER_PAIR):
        assert bench.guess(f"2001:db8:1:2::{number:x}") == 0
    assert bench.guess("2001:db8:1:2:ffff::1") > 0
    assert bench.guess("2001:db8:1:3::1") == 0


async def test_a_proxy_that_nobody_trusts_is_named_in_the_log(tmp_path: object, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    request = bench.request("10.0.0.1")
    request.headers[b"x-forwarded-for"] = b"192.0.2.1"
    for _ in range(PER_ADDRESS):
        bench.throttle.attempt(request)
    for _ in range(3):
        with pytest.raises(Problem):
            bench.throttle.attempt(request)
    assert caplog.text.count("TRUSTED_PROXIES=10.0.0.1") == 1


async def spray(app: Process, count: int) -> list[httpx2.Response]:
    async with app.client(address="198.51.100.9") as client:
        return [
            await client.post("/api/session", json={"email": "not an address", "password": "x"}, headers={"origin": ORIGIN}) for _ in range(count)
        ]


async def test_a_form_that_is_wrong_costs_nobody_an_attempt(each_database: str) -> None:
    async with one(each_database, RATE_LIMIT=True) as app:
        assert {reply.status_code for reply in await spray(app, PER_ADDRESS + 5)} == {400}
