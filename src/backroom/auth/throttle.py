"""How often somebody may try. Guessing gets slow; the owner of an account is never locked out of it.

    one account from one address        10 wrong passwords in 5 minutes
    one account from everywhere         50 wrong passwords in 5 minutes; beyond that an address from which its owner has signed in goes on as
                                        ever, and of all others one attempt is heard every 2 seconds
    one address                         100 attempts a minute, for whichever accounts

Counts live in this process's memory: several processes each count their own, and a restart forgets. An IPv6 address counts as its /64, which
is what one household gets.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable
from functools import lru_cache
from math import ceil

from backroom.errors import Problem
from backroom.http.request import Request

WRONG_PER_PAIR = 10
WRONG_PER_ACCOUNT = 50
WRONG_WINDOW = 300.0
TRICKLE = 2.0
PER_ADDRESS = 100
ADDRESS_WINDOW = 60.0
#: Counters of each kind kept at once. The oldest goes first.
KEPT = 50_000

log = logging.getLogger("backroom.auth")


class _Counts:
    """Moments of attempts by key, no longer than a window."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._moments: dict[Hashable, deque[float]] = {}

    def count(self, key: Hashable, now: float) -> int:
        moments = self._moments.get(key)
        if moments is None:
            return 0
        while moments and moments[0] <= now - self._window:
            moments.popleft()
        if not moments:
            del self._moments[key]
        return len(moments)

    def add(self, key: Hashable, now: float, most: int) -> None:
        moments = self._moments.get(key)
        if moments is None:
            if len(self._moments) >= KEPT:
                del self._moments[next(iter(self._moments))]
            moments = self._moments[key] = deque(maxlen=most)
        moments.append(now)

    def take_back(self, key: Hashable) -> None:
        """The latest attempt doesn't count after all."""
        moments = self._moments.get(key)
        if moments:
            moments.pop()

    def clear(self, key: Hashable) -> None:
        self._moments.pop(key, None)

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until the oldest attempt that counts is forgotten."""
        moments = self._moments.get(key)
        return moments[0] + self._window - now if moments else 0.0


class Throttle:
    """Counts attempts to sign in and up. `on` False (RATE_LIMIT=off): counts nothing. Raises `Problem` 429 with Retry-After."""

    def __init__(self, *, on: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._on = on
        self._clock = clock
        self._addresses = _Counts(ADDRESS_WINDOW)
        self._pairs = _Counts(WRONG_WINDOW)
        self._accounts = _Counts(WRONG_WINDOW)
        self._heard: dict[str, float] = {}
        self._familiar: dict[tuple[str, str], None] = {}
        self._warned = False

    def attempt(self, request: Request) -> None:
        """Somebody at this address tries something that costs us a password hash."""
        if not self._on:
            return
        address, now = _network(request.client), self._clock()
        if self._addresses.count(address, now) >= PER_ADDRESS:
            self._warn(request)
            raise _too_many(self._addresses.wait(address, now))
        self._addresses.add(address, now, PER_ADDRESS)

    def guess(self, request: Request, account: str) -> None:
        """Somebody is about to be heard with a password for this account (whether or not there is one). It counts as wrong until `right`."""
        if not self._on:
            return
        pair, now = (account, _network(request.client)), self._clock()
        if self._pairs.count(pair, now) >= WRONG_PER_PAIR:
            raise _too_many(self._pairs.wait(pair, now))
        if self._accounts.count(account, now) >= WRONG_PER_ACCOUNT and pair not in self._familiar:
            since = now - self._heard.get(account, -TRICKLE)
            if since < TRICKLE:
                raise _too_many(TRICKLE - since)
            _bounded(self._heard)
            self._heard[account] = now
        # Counted before the answer is known: of a thousand guesses sent at once, all would else pass before the first is found wrong.
        self._pairs.add(pair, now, WRONG_PER_PAIR)
        self._accounts.add(account, now, WRONG_PER_ACCOUNT)

    def right(self, request: Request, account: str) -> None:
        """The password was right: this address is the owner's."""
        if self._on:
            pair = (account, _network(request.client))
            self._pairs.clear(pair)
            self._accounts.take_back(account)
            self._familiar.pop(pair, None)
            _bounded(self._familiar)
            self._familiar[pair] = None

    def _warn(self, request: Request) -> None:
        if not self._warned and b"x-forwarded-for" in request.headers:
            self._warned = True
            log.warning(
                "Too many attempts to sign in from %s, which sends X-Forwarded-For. If that is your own proxy, everybody behind it counts as one: "
                "add TRUSTED_PROXIES=%s",
                request.client,
                request.client,
            )


def _bounded(table: dict[str, float] | dict[tuple[str, str], None]) -> None:
    if len(table) >= KEPT:
        del table[next(iter(table))]  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _too_many(seconds: float) -> Problem:
    return Problem("auth.too_many", headers={"Retry-After": str(max(1, ceil(seconds)))})
