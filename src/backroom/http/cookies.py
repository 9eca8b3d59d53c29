"""One cookie in, one cookie out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backroom.http.response import Header

_is_value = re.compile(r"[!#-+\--:<-\[\]-~]*").fullmatch  # RFC 6265: what needs no quotes and ends nothing
_is_name = re.compile(r"[A-Za-z0-9_.-]+").fullmatch
_LARGEST = 4096


def read_cookie(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """The value of one cookie, or None.

    Sent twice it counts as absent, even with equal values: a page of a sibling domain can plant a second cookie of the same name, and
    which of the two a browser puts first is in that page's hands. Nobody is signed in as somebody else by such an order.

    >>> read_cookie({b"cookie": b"a=1; session=abc"}, b"session")
    'abc'
    """
    sent = headers.get(b"cookie")
    if sent is None or name not in sent:
        return None
    found: str | None = None
    for part in sent.split(b";"):
        key, equals, value = part.partition(b"=")
        if equals and key.strip() == name:
            if found is not None:
                return None
            found = value.strip().decode("latin-1")
    return found


def set_cookie(name: str, value: str, *, secure: bool, max_age: int | None = None, same_site: str = "Lax") -> Header:
    """A Set-Cookie header: HttpOnly, for the whole site, this host only. `max_age` in seconds; None: until the browser closes.

    Raises `ValueError` for characters a cookie can't hold, for more than 4,096 bytes, and for a `__Host-` name that isn't secure: all
    three a browser would drop without a word.

    >>> set_cookie("session", "abc", secure=True, max_age=60)
    (b'set-cookie', b'session=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60')
    """
    if not _is_name(name) or not _is_value(value):
        raise ValueError(f"The cookie {name!r} holds characters that a cookie can't hold.")
    if name.startswith("__") and not secure:
        raise ValueError(f"The cookie {name!r} must be secure: browsers refuse it otherwise.")
    written = f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}"
    if secure:
        written += "; Secure"
    if max_age is not None:
        written += f"; Max-Age={max_age}"
    if len(written) > _LARGEST:
        raise ValueError(f"The cookie {name!r} is longer than {_LARGEST} bytes.")
    return b"set-cookie", written.encode("ascii")


def clear_cookie(name: str, *, secure: bool) -> Header:
    """A Set-Cookie header that removes what `set_cookie` set."""
    return set_cookie(name, "", secure=secure, max_age=0)
