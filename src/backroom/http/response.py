"""One reply: a status, headers, bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import msgspec.json

from backroom.errors import Problem
from backroom.http.request import Request

Header: TypeAlias = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
PROBLEM_JSON: Header = (b"content-type", b"application/problem+json")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
HTML: Header = (b"content-type", b"text/html; charset=utf-8")
NO_STORE: Header = (b"cache-control", b"no-store")
PRIVATE: Header = (b"cache-control", b"private, no-cache")
VARY_CREDENTIALS: Header = (b"vary", b"Cookie, Authorization")
CLOSE: Header = (b"connection", b"close")

_PROBLEM_HEADERS = [PROBLEM_JSON, NO_STORE]
_BY_STATUS: dict[int, tuple[str, str]] = {401: ("WWW-Authenticate", "Bearer"), 429: ("Retry-After", "60"), 503: ("Retry-After", "1")}
_UNSENDABLE = dict.fromkeys((*range(32), 127), " ")


class Response(NamedTuple):
    """What the door sends. It adds Content-Length, X-Request-Id, the security and the CORS headers itself.

    >>> Response(204, [], b"").status
    204
    """

    status: int
    headers: list[Header]
    body: bytes


class Answered(Exception):
    """Raised where an answer is complete before the stages that would have made it: the door sends `response`."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status)


def json_response(value: Any, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    """`value` as JSON.

    >>> json_response({"a": 1}).body
    b'{"a":1}'
    """
    return Response(status, [JSON, *headers], msgspec.json.encode(value))


def problem_response(problem: Problem, request: Request | None = None) -> Response:
    """The problem document of a refusal, never cached. A failure of ours tells the request id, by which the log has the rest."""
    document = problem.body()
    if request is not None and problem.status >= 500 and problem.hint is None:
        document["hint"] = f"Request id: {request.id}"
    told = {name.lower(): value for name, value in problem.headers.items()}
    name, value = _BY_STATUS.get(problem.status, ("", ""))
    if name and name.lower() not in told:
        told[name.lower()] = value
    headers = [PROBLEM_JSON] if "cache-control" in told else _PROBLEM_HEADERS
    return Response(problem.status, headers + [header(name, value) for name, value in told.items()], _encode(document))


def header(name: str, value: str) -> Header:
    """A header's bytes. A control character would end the line and begin another header: it becomes a space."""
    return name.lower().encode("latin-1"), value.translate(_UNSENDABLE).encode("latin-1", "replace")


def _encode(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:  # a sentence that quotes half a surrogate pair must not turn a 400 into a 500
        return json.dumps(document, separators=(",", ":")).encode("ascii")
