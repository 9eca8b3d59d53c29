"""Request -> Actor: who is asking. Every request of the API passes here, so a credential seen before costs a dictionary look-up.

    Authorization: Bearer ...   decides if it is there; a bad one is 401 and never falls back to the cookie
    the session's cookie        only from our own pages, unless the method is safe
    neither                     Actor.ANYONE

Credentials in the address are not read: addresses end up in logs, histories and Referer headers.
"""

from __future__ import annotations

import time
from uuid import UUID

from backroom.auth.moments import WALL, Clock
from backroom.auth.opaque import is_secret
from backroom.auth.sessions import Held, Sessions
from backroom.auth.tokens import Tokens
from backroom.calls import Actor
from backroom.errors import Problem
from backroom.http.cookies import read_cookie
from backroom.http.origin import SAFE_METHODS, require_same_origin
from backroom.http.request import Request
from backroom.settings import Settings

#: Credentials kept in memory, of each kind; and the longest header kept. Their product bounds what one person with many headers can fill.
KEPT = 10_000
LONGEST_KEPT = 2048
#: Seconds after which a token's signature is checked again.
VERIFIED_FOR = 900.0

SESSION_ENDED = "The session of this token has ended. Sign in again."

COOKIE = "__Host-backroom"
#: Over plain http browsers refuse the `__Host-` prefix.
DEVELOPMENT_COOKIE = "backroom-dev"


class _Credential:
    """A header that was found genuine: whose session it names, and until when that needs no second look."""

    __slots__ = ("expires", "held", "session_id")

    def __init__(self, session_id: UUID, held: Held, expires: float) -> None:
        self.session_id = session_id
        self.held = held
        self.expires = expires


def cookie_name(settings: Settings) -> str:
    """The session cookie's name: another one in development, so that it never meets a real one."""
    return DEVELOPMENT_COOKIE if settings.DEVELOPMENT else COOKIE


class Authenticator:
    """Knows who is asking. One per process; `sessions` and `tokens` are shared with the endpoints."""

    def __init__(self, sessions: Sessions, tokens: Tokens, settings: Settings, clock: Clock = WALL) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._settings = settings
        self._clock = clock
        self._cookie_name = cookie_name(settings).encode()
        self._bearers: dict[bytes, _Credential] = {}
        self._cookies: dict[bytes, _Credential] = {}

    async def authenticate(self, request: Request) -> Actor:
        """The caller; the same Actor object for the same session as long as its row says the same.

        Raises `Problem` 401 `auth.invalid_token` for a bearer token that doesn't hold, 403 `auth.origin` for a cookie from a foreign page.
        """
        headers = request.headers
        authorization = headers.get(b"authorization")
        if authorization is not None:
            known = self._bearers.get(authorization)
            if known is not None and time.monotonic() < known.held.until and self._clock() < known.expires:
                return known.held.actor
            return await self._by_bearer(authorization, headers.get(b"apikey"))
        cookie = headers.get(b"cookie")
        if cookie is None or self._cookie_name not in cookie:
            return Actor.ANYONE
        if request.method not in SAFE_METHODS:
            require_same_origin(request, self._settings)
        known = self._cookies.get(cookie)
        if known is not None and time.monotonic() < known.held.until and self._clock() < known.held.expires:
            return known.held.actor
        return await self._by_cookie(request, cookie)

    async def _by_bearer(self, authorization: bytes, apikey: bytes | None) -> Actor:
        known = self._bearers.get(authorization)
        owner: UUID | None = None
        if known is not None and self._clock() < known.expires:
            session_id, expires = known.session_id, known.expires
        else:
            scheme, _, token = authorization.partition(b" ")
            token = token.strip()
            if scheme.lower() == b"bearer" and token == apikey and token.count(b".") != 2:
                return Actor.ANYONE  # supabase-js, signed out: it sends its publishable key in both places
            verified = self._tokens.verify(token) if scheme.lower() == b"bearer" else None
            if verified is None:
                raise invalid_token()
            owner, session_id, expires = verified.user_id, verified.session_id, min(verified.expires, self._clock() + VERIFIED_FOR)
        held = await self._sessions.find(session_id)
        if held is None or held.actor.via != "bearer" or owner not in (None, held.actor.id):
            self._bearers.pop(authorization, None)
            raise invalid_token(SESSION_ENDED)
        _remember(self._bearers, authorization, session_id, held, expires)
        return held.actor

    async def _by_cookie(self, request: Request, cookie: bytes) -> Actor:
        known = self._cookies.get(cookie)
        if known is not None:
            held = await self._sessions.find(known.session_id)
        else:
            secret = read_cookie(request.headers, self._cookie_name)
            held = await self._sessions.find_by_secret(secret) if secret is not None and is_secret(secret) else None
        if held is None:
            self._cookies.pop(cookie, None)
            # Signed out, not an error: a page with public parts must still load in a browser that holds an old cookie.
            return Actor.ANYONE
        assert held.actor.session is not None
        _remember(self._cookies, cookie, UUID(held.actor.session), held, held.expires)
        return held.actor


def _remember(known: dict[bytes, _Credential], header: bytes, session_id: UUID, held: Held, expires: float) -> None:
    credential = known.get(header)
    if credential is not None:
        credential.held, credential.expires = held, expires
    elif len(header) <= LONGEST_KEPT:
        if len(known) >= KEPT:
            del known[next(iter(known))]
        known[header] = _Credential(session_id, held, expires)


def invalid_token(sentence: str | None = None) -> Problem:
    """401, with the challenge that RFC 6750 asks for."""
    return Problem("auth.invalid_token", sentence, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
