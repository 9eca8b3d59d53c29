"""How much a request may bring before it is turned away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from backroom.errors import Problem
from backroom.http.client import Networks, parse_networks
from backroom.settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOW_ANY = {"Allow": ", ".join(METHODS)}
MOST_HEADERS = 100
_HOST_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")


class Limits(NamedTuple):
    """Sizes in bytes, times in seconds: the settings that every request meets, read once at start."""

    body_bytes: int = 1_048_576
    body_seconds: float = 15.0
    url_bytes: int = 16_384
    header_bytes: int = 32_768
    proxies: Networks = ()

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            settings.MAX_BODY_BYTES,
            settings.BODY_TIMEOUT_SECONDS,
            settings.MAX_URL_BYTES,
            settings.MAX_HEADER_BYTES,
            parse_networks(settings.TRUSTED_PROXIES),
        )


@lru_cache(maxsize=256)
def is_host(host: bytes) -> bool:
    """Is this a name or an address, with or without a port? An empty Host is what some servers make of a missing one."""
    return 0 < len(host) <= 255 and _HOST_CHARACTERS.issuperset(host)


def require_modest(url_bytes: int, pairs: int, headers: Mapping[bytes, bytes], limits: Limits) -> None:
    """Raise `Problem` 414 for a longer address, 431 for more or larger headers than `limits` allow."""
    if url_bytes > limits.url_bytes:
        raise Problem("http.uri_too_long", f"The address is longer than {limits.url_bytes:,} bytes (MAX_URL_BYTES).")
    # Joining is one copy in C; adding up lengths in a loop would cost more than everything else the door does.
    if pairs > MOST_HEADERS or len(b"".join(headers)) + len(b"".join(headers.values())) > limits.header_bytes:
        sentence = f"Send at most {MOST_HEADERS} headers of {limits.header_bytes:,} bytes in all (MAX_HEADER_BYTES)."
        raise Problem("http.headers_too_large", sentence, headers={"Connection": "close"})


def body_too_large(limit: int) -> Problem:
    # The rest of the body is still on its way: read as the next request it would be one that the sender never wrote.
    return Problem("http.body_too_large", f"The body is larger than {limit:,} bytes (MAX_BODY_BYTES).", headers={"Connection": "close"})
