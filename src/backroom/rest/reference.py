"""`/docs`: the reference for people. One page of ours that reads `/openapi.json`; nothing comes from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

#: Its own script and style only; it may ask nobody but this server.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "/docs": ("reference.html", "text/html; charset=utf-8"),
    "/docs/reference.js": ("reference.js", "text/javascript; charset=utf-8"),
    "/docs/reference.css": ("reference.css", "text/css; charset=utf-8"),
}


@cache
def pages() -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, bytes). To be sent with `CONTENT_SECURITY_POLICY`.

    >>> pages()["/docs"][0]
    'text/html; charset=utf-8'
    """
    folder = files("backroom.rest").joinpath("static")
    return {path: (kind, folder.joinpath(name).read_bytes()) for path, (name, kind) in _FILES.items()}
