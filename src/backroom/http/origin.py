"""May the page that sent this use the browser's session? A foreign page's form or script would carry the cookie just as well."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from backroom.errors import Problem, SettingsError
from backroom.http.request import Request
from backroom.settings import Settings

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_LONGEST = 255


def require_same_origin(request: Request, settings: Settings) -> None:
    """Let a request that carries or sets the session cookie pass, or raise `Problem` 403 `auth.origin` with the line to add.

    Passes: GET, HEAD and OPTIONS; a page of this server; a page of PUBLIC_URL or of CORS_ORIGINS; in development any port of localhost.
    Refused: every other page, `Origin: null`, and a request that doesn't say where it comes from.
    """
    if request.method not in SAFE_METHODS:
        require_own_page(request, settings)


def require_own_page(request: Request, settings: Settings) -> None:
    """`require_same_origin` whatever the method. Raises `Problem` 403 `auth.origin`."""
    origin = request.headers.get(b"origin")
    if origin == b"null":
        raise Problem("auth.origin", "The page has no origin (a file, or a sandboxed frame): such a page may not use this session.")
    if request.headers.get(b"sec-fetch-site") == b"same-origin":
        return
    if origin is None:
        raise Problem(
            "auth.origin", "The request doesn't say which page it comes from (Origin): a program should send a bearer token, not the cookie."
        )
    written = origin.decode("latin-1")
    if is_own_origin(request, written) or written == origin_of(settings.PUBLIC_URL) or written in known_origins(settings.CORS_ORIGINS):
        return
    if settings.DEVELOPMENT and is_loopback(written):
        return
    raise Problem("auth.origin", hint=line_to_add(written, settings.CORS_ORIGINS))


def is_own_origin(request: Request, origin: str) -> bool:
    """Is this the origin under which the request itself was sent?"""
    host = request.headers.get(b"host", b"").decode("latin-1")
    return bool(host) and origin == origin_of(f"{request.scheme}://{host}")


@lru_cache(maxsize=256)
def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers write an origin; "" if it has none.

    >>> origin_of("https://App.example.com:443/start")
    'https://app.example.com'
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{parts.scheme}://{shown}:{port}"


@lru_cache(maxsize=64)
def known_origins(written: tuple[str, ...]) -> frozenset[str]:
    """CORS_ORIGINS as browsers will write them. Raises `SettingsError` for one that no browser would send."""
    for text in written:
        if not origin_of(text):
            raise SettingsError(f"CORS_ORIGINS: {text!r} is not an origin; write scheme and host, for example https://app.example.com.")
    return frozenset(map(origin_of, written))


def is_loopback(origin: str) -> bool:
    """Is this a page of this very machine: `http://localhost`, `127.0.0.1` or `[::1]`, any port?"""
    return len(origin) <= _LONGEST and origin_of(origin) == origin and origin.startswith("http://") and urlsplit(origin).hostname in _LOOPBACK


def line_to_add(origin: str, present: tuple[str, ...]) -> str:
    """The line of the environment that would let this origin in."""
    shown = origin if len(origin) <= _LONGEST and origin_of(origin) == origin else "https://app.example.com"
    return f"If that page is yours, add its origin: CORS_ORIGINS={','.join((*present, shown))}"
