"""Passwords: which ones are taken, and how they are stored and compared.

argon2id with OWASP's first choice for servers (19 MiB, 2 passes, 1 lane): about 30 ms of one core and 19 MiB while it runs. RFC 9106's
"low memory" set (64 MiB, 3 passes, 4 lanes) takes several times both, which on a small server means that a handful of people signing
in at once stop everybody else. Stored hashes name their parameters; whoever signs in with older ones is hashed anew.
"""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher

from backroom.errors import Fault, Problem

T = TypeVar("T")

MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
SHORTEST, LONGEST = 8, 128

#: How many may wait for each hash that runs: about two seconds of work. Who would wait longer is told at once to come again.
WAITING_EACH = 48


def normalized(password: str) -> str:
    """Unicode form NFC, nothing else: the same password typed on a phone and on a laptop is the same bytes. Blanks and case count."""
    return unicodedata.normalize("NFC", password)


def weaknesses(password: str, email: str) -> list[Fault]:
    """What is wrong with a new password, if anything. Length counts characters; there are no rules about digits or signs."""
    # Before NFC, whose time grows with the square of a run of accents: a body full of them would hold the event loop for minutes.
    chosen = normalized(password) if len(password) <= LONGEST else password
    if len(chosen) < SHORTEST:
        return [_fault("too_short", f"Password must have at least {SHORTEST} characters.")]
    if len(chosen) > LONGEST:
        return [_fault("too_long", f"Password may have at most {LONGEST} characters.")]
    folded = chosen.casefold()
    address = email.casefold()
    if folded in (address, address.partition("@")[0]):
        return [_fault("weak", "Password must not be your email address.")]
    if folded in common_passwords() or len(set(folded)) == 1:
        return [_fault("weak", "This password is among the first ones that attackers try; choose another.")]
    return []


def _fault(code: str, sentence: str) -> Fault:
    return Fault("password", code, sentence)


@cache
def common_passwords() -> frozenset[str]:
    """The shipped list, one a line, lower-case; only those that are long enough to be chosen at all."""
    text = files("backroom.auth").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


class Passwords:
    """Hashes in threads, `at_once` at a time; `pending` run or wait. Raises `Problem` 503 with Retry-After when too many wait already."""

    def __init__(self, at_once: int) -> None:
        self._hasher = Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="backroom-passwords")
        self._most = at_once * (WAITING_EACH + 1)
        self.pending = 0
        self._lock = threading.Lock()
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """What to store."""
        return await self._run(lambda: self._hasher.hash(normalized(password)))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Is it the password, and what to store from now on, if that changed.

        `stored` None: there is no such account, or it has no password. A hash is computed all the same, so that the time tells nothing.
        """
        return await self._run(lambda: self._compare(normalized(password), stored))

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _compare(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        if stored is None:
            self._hasher.verify(password, self._dummy_hash())
            return False, None
        if not self._hasher.verify(password, stored):
            return False, None
        return True, self._hasher.hash(password) if self._hasher.check_needs_rehash(stored) else None

    def _dummy_hash(self) -> str:
        if self._dummy is None:
            self._dummy = self._hasher.hash("nobody's password")
        return self._dummy

    def warm(self) -> None:
        """Begin to compute what the first stranger would otherwise wait for twice as long as an account's owner."""
        self._threads.submit(self._dummy_hash)

    async def _run(self, work: Callable[[], T]) -> T:
        with self._lock:
            if self.pending >= self._most:
                raise Problem("http.unavailable", "Too many people are signing in at this moment. Try again shortly.", headers={"Retry-After": "2"})
            self.pending += 1
        future: Future[T] = self._threads.submit(work)
        # Counted down when the work is done or dropped, not when its caller goes: it is the work that fills the memory.
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    def _done(self, _: Future[Any]) -> None:
        with self._lock:
            self.pending -= 1
