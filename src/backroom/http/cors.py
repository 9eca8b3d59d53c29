"""Which pages of other origins a browser lets read our replies."""

from __future__ import annotations

import logging

from backroom.http.origin import is_loopback, is_own_origin, known_origins, line_to_add
from backroom.http.request import Request
from backroom.http.response import Header, Response
from backroom.settings import Settings

EXPOSED = (
    b"Content-Range, Content-Location, Content-Profile, Preference-Applied, Location, Link, ETag, X-Total-Count, X-Request-Id, "
    b"X-Supabase-Api-Version, Server-Timing, Retry-After, Idempotent-Replayed"
)
VARY_ORIGIN: Header = (b"vary", b"Origin")
_ALLOWED_METHODS: Header = (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE")
_PREFLIGHT_SECONDS: Header = (b"access-control-max-age", b"600")
_PREFLIGHT_VARY: Header = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
_HEADER_NAMES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ")
_MOST_REMEMBERED = 512

log = logging.getLogger("backroom.http")


class Cors:
    """Decides once per origin and remembers. `nobody` is what a reply gets that no other origin may read."""

    def __init__(self, settings: Settings) -> None:
        self._listed = settings.CORS_ORIGINS
        self._known = known_origins(settings.CORS_ORIGINS)
        self._development = settings.DEVELOPMENT
        # Where no origin could ever be let in, replies don't vary by it.
        self.nobody: list[Header] = [VARY_ORIGIN] if self._known or self._development else []
        self._decided: dict[bytes, list[Header]] = {}

    def headers(self, request: Request) -> list[Header]:
        """The headers to add to every reply. The list is shared: add it to another, never to it."""
        origin = request.headers.get(b"origin")
        if origin is None:
            return self.nobody
        decided = self._decided.get(origin)
        return self._decide(origin, request) if decided is None else decided

    def preflight(self, request: Request) -> Response | None:
        """The answer to a browser's question before the request itself; None where this origin is not let in."""
        asked = request.headers.get(b"access-control-request-method")
        origin = request.headers.get(b"origin")
        if asked is None or origin is None or not self._allows(origin):
            return None
        headers = [_ALLOWED_METHODS, _PREFLIGHT_SECONDS, _PREFLIGHT_VARY]
        names = request.headers.get(b"access-control-request-headers")
        if names and _HEADER_NAMES.issuperset(names):
            headers.append((b"access-control-allow-headers", names))
        return Response(204, headers, b"")

    def _allows(self, origin: bytes) -> bool:
        written = origin.decode("latin-1")
        return written in self._known or (self._development and is_loopback(written))

    def _decide(self, origin: bytes, request: Request) -> list[Header]:
        if self._allows(origin):
            decided = [
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", EXPOSED),
                VARY_ORIGIN,
            ]
        else:
            decided = self.nobody
        if len(self._decided) < _MOST_REMEMBERED:  # made-up origins must fill neither memory nor the log
            self._decided[origin] = decided
            if decided is self.nobody:
                self._tell(origin.decode("latin-1"), request)
        return decided

    def _tell(self, origin: str, request: Request) -> None:
        if is_own_origin(request, origin):
            return
        log.warning("Pages of %.300r may not read replies of this server. %s", origin, line_to_add(origin, self._listed))
