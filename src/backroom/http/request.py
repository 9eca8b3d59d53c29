"""One request, as cheap as it can be: what the server gave, headers in a dictionary, the body when somebody asks for it."""

from __future__ import annotations

import os
import re
from itertools import count
from typing import TypeAlias

from starlette.types import Receive, Scope

from backroom.errors import Problem
from backroom.http.body import read_body
from backroom.http.client import client_address, is_trusted
from backroom.http.limits import Limits

Headers: TypeAlias = dict[bytes, bytes]

#: Said twice, these leave open which one counts, and two readers would choose differently.
SINGLE = frozenset(
    b"authorization apikey content-type content-length content-encoding transfer-encoding content-range idempotency-key if-match if-modified-since "
    b"if-unmodified-since host origin range referer user-agent sec-fetch-site access-control-request-method accept-profile content-profile "
    b"x-request-id x-forwarded-proto".split()
)

#: What a header of a request says of its own content and conditions: a part of it has its own.
_OF_CONTENT = frozenset(
    b"accept content-type content-length content-encoding content-range transfer-encoding expect if-match if-none-match if-modified-since "
    b"if-unmodified-since if-range range range-unit prefer idempotency-key".split()
)

_DEFAULTS = Limits()
_PREFIX = os.urandom(4).hex() + "-"
_numbers = count(1)
_is_sane_id = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch


def new_id() -> str:
    """A request id: a prefix of this process and a counter, unique across processes for all practical purposes."""
    return _PREFIX + str(next(_numbers))


class Request:
    """What a client sent. `headers` has lower-case names; a list header sent in several lines is joined as RFC 9110 says.

    Raises `Problem` 400 `http.malformed` for a header that may stand only once and stands twice.

    `path` is decoded once, `raw_path` and `query` are the bytes as sent. `id` names the request in logs and replies. `timings` is None, or
    the list to which each room appends its name and the seconds it took.
    """

    __slots__ = ("_body", "_limits", "_receive", "headers", "id", "method", "path", "query", "raw_path", "scope", "timings")

    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Headers
    scope: Scope
    id: str
    timings: list[tuple[str, float]] | None

    def __init__(self, scope: Scope, receive: Receive, limits: Limits = _DEFAULTS, timings: list[tuple[str, float]] | None = None) -> None:
        path: str = scope["path"]
        raw_path: bytes | None = scope.get("raw_path")
        if raw_path is None:
            raw_path = path.encode()
        pairs: list[tuple[bytes, bytes]] = scope["headers"]
        headers = dict(pairs)
        if len(headers) != len(pairs):
            headers = _merge(pairs)
        self.method = scope["method"]
        self.path = path
        self.raw_path = raw_path
        self.query = scope["query_string"]
        self.headers = headers
        self.scope = scope
        given = headers.get(b"x-request-id")
        self.id = given.decode() if given is not None and _is_sane_id(given) else _PREFIX + str(next(_numbers))
        self.timings = timings
        self._receive = receive
        self._limits = limits
        self._body: bytes | None = None

    def part(self, method: str, path: str, raw_path: bytes, query: bytes, headers: Headers, body: bytes) -> Request:
        """A request that came inside of this one: the same client and credentials ask, for something else."""
        kept = {name: value for name, value in self.headers.items() if name not in _OF_CONTENT} | headers
        scope = {**self.scope, "method": method, "path": path, "raw_path": raw_path, "query_string": query, "headers": list(kept.items())}
        inner = Request(scope, self._receive, self._limits)
        inner.id, inner._body = self.id, body
        return inner

    @property
    def client(self) -> str:
        """The address that asks. X-Forwarded-For counts only when the peer is one of TRUSTED_PROXIES."""
        return client_address(self._peer, self.headers.get(b"x-forwarded-for"), self._limits.proxies)

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the browser saw it: X-Forwarded-Proto counts only when the peer is one of TRUSTED_PROXIES."""
        told = self.headers.get(b"x-forwarded-proto")
        if told is not None and self._limits.proxies and is_trusted(self._peer, self._limits.proxies):
            return "https" if told.strip().lower() == b"https" else "http"
        return str(self.scope.get("scheme", "http"))

    @property
    def _peer(self) -> str:
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    async def body(self) -> bytes:
        """The whole body, at most MAX_BODY_BYTES, read once and kept.

        Raises `Problem` 413 when it is larger, 415 when it is compressed, 408 when it doesn't arrive; `ClientGone` when the client leaves.
        """
        body = self._body
        if body is None:
            body = self._body = await read_body(self.headers, self._receive, self._limits)
        return body

    def is_json(self) -> bool:
        """Does Content-Type say JSON in UTF-8? `application/json`, or a type that ends in `+json`; no charset, or utf-8."""
        sent = self.headers.get(b"content-type", b"")
        return sent == b"application/json" or _says_json(sent)


def _says_json(content_type: bytes) -> bool:
    kind, *parameters = (part.strip() for part in content_type.lower().split(b";"))
    if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        return False
    charsets = [part.partition(b"=")[2].strip(b' "') for part in parameters if part.partition(b"=")[0].strip() == b"charset"]
    return all(charset in (b"utf-8", b"utf8") for charset in charsets)


def _merge(pairs: list[tuple[bytes, bytes]]) -> Headers:
    merged: Headers = {}
    for name, value in pairs:
        held = merged.get(name)
        if held is None:
            merged[name] = value
        elif name in SINGLE:
            raise Problem("http.malformed", f"The header {name.decode('latin-1')} stands twice. Send it once.", headers={"Connection": "close"})
        else:
            merged[name] = held + (b"; " if name == b"cookie" else b", ") + value
    return merged
