"""Opaque secrets: what a browser or an app holds, and what is stored of it."""

from __future__ import annotations

import re
from hashlib import sha256, sha512
from secrets import token_urlsafe

_is_secret = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch


def new_secret() -> str:
    """256 random bits as 43 characters that need no escaping in a cookie, a header or JSON."""
    return token_urlsafe(32)


def is_secret(text: str) -> bool:
    """Could this be one of ours? Anything else needs no look into the database."""
    return _is_secret(text) is not None


def hashed(secret: str) -> str:
    """What is stored. A fast hash serves: there is nothing to guess in 256 random bits."""
    return sha256(secret.encode()).hexdigest()


def seal(successor: str, token: str) -> str:
    """`successor` so that only who holds `token` can read it: the database alone tells nothing."""
    return _pad(successor.encode(), token).hex()


def unseal(sealed: str, token: str) -> str:
    """What `seal` hid under the same token."""
    return _pad(bytes.fromhex(sealed), token).decode("ascii")


def _pad(text: bytes, token: str) -> bytes:
    # 64 bytes of pad for 43 of text, used once: each token has one successor.
    return bytes(left ^ right for left, right in zip(text, sha512(b"successor\0" + token.encode()).digest(), strict=False))
