"""Headers that tell a browser what it must not do with a reply."""

from __future__ import annotations

from backroom.http.response import Header
from backroom.settings import Settings

_NOSNIFF: Header = (b"x-content-type-options", b"nosniff")


def strict(settings: Settings) -> list[Header]:
    """For the API and our own pages. JSON is data: nothing in it may run, be framed, or be pulled in by a foreign page's tags.

    Cross-Origin-Resource-Policy does not touch `fetch` with CORS; it stops `<img>` and `<script>` of other origins.
    """
    return [
        _NOSNIFF,
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        *_transport(settings),
    ]


def mild(settings: Settings) -> list[Header]:
    """For the user's own pages and mounted apps: only what breaks nothing."""
    return [_NOSNIFF, (b"referrer-policy", b"strict-origin-when-cross-origin"), *_transport(settings)]


def missing(wanted: list[Header], present: list[Header]) -> list[Header]:
    """Those of `wanted` that a reply doesn't set itself."""
    names = {name.lower() for name, _ in present}
    return [header for header in wanted if header[0] not in names]


def _transport(settings: Settings) -> list[Header]:
    # Over http a browser ignores it; on a machine that also serves http under this name it would lock people out.
    return [(b"strict-transport-security", b"max-age=31536000")] if settings.PUBLIC_URL.startswith("https://") else []
