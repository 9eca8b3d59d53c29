"""Addresses that two programs could read in two ways. A proxy that guards `/admin` and a router behind it must see the same path."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from backroom.errors import Problem


def decode_path(raw_path: bytes) -> str:
    """A path as sent, percent-decoded once. Raises `Problem` 404 for an address that `require_plain` refuses.

    >>> decode_path(b"/api/todos/a%20b")
    '/api/todos/a b'
    """
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    require_plain(path, raw_path)
    return path


def require_plain(path: str, raw_path: bytes) -> None:
    """Refuse with 404: an encoded slash, backslash or NUL, bytes that are no UTF-8, and dot segments however they are written.

    Browsers resolve dot segments before they send; what arrives here with one was written to be misread.
    """
    if b"%" in raw_path:
        lower = raw_path.lower()
        if b"%2f" in lower or b"%5c" in lower or b"\0" in unquote_to_bytes(raw_path) or not _is_utf8(raw_path):
            raise Problem("http.not_found")
    if "/." in path and any(segment in (".", "..") for segment in path.split("/")):
        raise Problem("http.not_found")


def _is_utf8(raw_path: bytes) -> bool:
    try:
        unquote_to_bytes(raw_path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
