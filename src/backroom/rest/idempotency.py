"""Idempotency-Key: a request that is sent again is answered again, and done once.

    same caller, key and request     the stored reply, byte for byte, with `Idempotent-Replayed: true`
    same caller and key, another     422 rest.idempotency_reused
    the first one is under way       409 rest.idempotency_in_flight here; in another process it is waited for
    refused, or broken               nothing was done, so nothing is stored: sent again, it is judged anew

The reply is stored in the transaction of the write, so neither outlives the other, not even a kill. Whoever asks for a stored reply is asked
rule 13 first (RULES.md, 40).
"""

from __future__ import annotations

import hashlib
import re
import time

from backroom.database.database import Transaction, retrying
from backroom.errors import Problem
from backroom.http.request import Request
from backroom.http.response import Header, Response
from backroom.orm.reach import Store, Within
from backroom.resources.hooks import MAX_SECONDS
from backroom.rest.endpoint import Call
from backroom.rest.kept_replies import Clock, KeptReplies, KeptReply
from backroom.rest.steps import Steps
from backroom.settings import Settings

HEADER = b"idempotency-key"
#: The methods that are not idempotent by themselves. Another ignores the header.
METHODS = frozenset(("POST", "PATCH"))
REPLAYED: Header = (b"idempotent-replayed", b"true")
#: Signed out, nothing but the key tells callers apart, so it must not be guessable: crypto.randomUUID() has 36 characters, a nanoid 21.
SHORTEST_OF_NOBODY = 20
SWEEP_EVERY = 10

_is_key = re.compile(rb"[\x21-\x7e]{1,255}").fullmatch


class Idempotency:
    """Answers requests with the header. One per process."""

    def __init__(self, store: Store, settings: Settings, clock: Clock = time.time) -> None:
        self._database = store.database
        self._kept = KeptReplies(store, clock)
        self._largest = settings.MAX_BODY_BYTES
        self._in_flight: set[str] = set()
        self._unswept = 0

    async def answer(self, steps: Steps, call: Call) -> Response:
        """The rest of the walk behind `authorize`: done once, or told again. Raises `Problem`."""
        name = _name(call)
        if name in self._in_flight:
            raise Problem("rest.idempotency_in_flight", headers={"Retry-After": "1"})
        self._in_flight.add(name)
        try:
            return await self._answer(steps, call, name)
        finally:
            self._in_flight.discard(name)

    async def _answer(self, steps: Steps, call: Call, name: str) -> Response:
        await steps.authorize_parts(call)
        fingerprint = _fingerprint(call.request, await call.request.body())
        kept = await self._kept.find(name)
        if kept is not None and not kept.expired:
            return _replayed(kept, fingerprint)
        await steps.validate(call)
        steps.statement(call)
        await self._sweep()

        async def once(transaction: Transaction) -> Response:
            call.channel = Within(transaction)
            await self._kept.take_turn(call.channel, name)
            kept = await self._kept.find(name)  # again: another process may have been first
            if kept is not None and not kept.expired:
                return _replayed(kept, fingerprint)
            await steps.run(call)
            response = steps.respond(call)
            if len(response.body) > self._largest:
                sentence = f"The reply has more than {self._largest:,} bytes (MAX_BODY_BYTES), too many to keep for Idempotency-Key."
                raise Problem("rest.reply_too_large", f"{sentence} Ask for less: `Prefer: return=minimal`.")
            await self._kept.keep(call.channel, name, call.actor.id, fingerprint, response, anew=kept is not None)
            return response

        return await retrying(self._database, once, seconds=MAX_SECONDS)

    async def _sweep(self) -> None:
        self._unswept += 1
        if self._unswept >= SWEEP_EVERY:
            self._unswept = 0
            await self._kept.sweep()


def _name(call: Call) -> str:
    """The caller's key as a row's key. Raises `Problem` 400 for what is no key."""
    key = call.request.headers[HEADER]
    if not _is_key(key):
        raise Problem("http.malformed", "Idempotency-Key takes 1 to 255 visible ASCII characters; crypto.randomUUID() makes a good one.")
    if not call.actor.signed_in and len(key) < SHORTEST_OF_NOBODY:
        sentence = f"Signed out, Idempotency-Key needs at least {SHORTEST_OF_NOBODY} random characters, like those of crypto.randomUUID()."
        raise Problem("http.malformed", sentence)
    return hashlib.sha256(f"{call.actor.id or ''}\0".encode() + key).hexdigest()


def _fingerprint(request: Request, body: bytes) -> str:
    parts = (request.method.encode(), request.path.encode("utf-8", "surrogatepass"), request.query, body)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _replayed(kept: KeptReply, fingerprint: str) -> Response:
    if kept.fingerprint != fingerprint:
        raise Problem("rest.idempotency_reused")
    return kept.response._replace(headers=[*kept.response.headers, REPLAYED])
