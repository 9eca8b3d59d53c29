"""The OpenAPI document's refusals and headers: one response per status, made of the table of errors itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backroom.errors import ERRORS, Fault, Problem
from backroom.rest.schemas import Schema

#: Status -> the name of its response among the components.
NAMES: Mapping[int, str] = {
    400: "BadRequest",
    401: "NotSignedIn",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    408: "BodyTooSlow",
    409: "Conflict",
    412: "Stale",
    413: "BodyTooLarge",
    414: "AddressTooLong",
    415: "UnsupportedMediaType",
    422: "Unprocessable",
    429: "TooMany",
    431: "HeadersTooLarge",
    500: "InternalError",
    503: "Unavailable",
    507: "StorageFull",
}
#: What any request may meet before it reaches an endpoint, or when the server fails.
ALWAYS = (400, 406, 414, 431, 500, 503)
WITH_BODY = (408, 413, 415)
WRITING = (507,)
#: What `Idempotency-Key` may meet, and the parameter itself.
KEYED = (409, 422)
IDEMPOTENCY_KEY: Schema = {"$ref": "#/components/parameters/Idempotency-Key"}

_SENTENCES: Mapping[int, str] = {
    400: "Malformed or invalid. `errors` names every fault at once.",
    401: "Signed out where somebody must be signed in, or a session or token that is not valid (any more).",
    403: "Signed in, and not allowed.",
    404: "There is no such thing, or it is not this caller's to see: the two look alike.",
    408: "The body did not arrive in time.",
    409: "It clashes with what is stored: a unique value, a reference, a check; or with a request of the same `Idempotency-Key` under way.",
    422: "This `Idempotency-Key` was sent with another request. At `/auth/v1`: refused in GoTrue's words, `code` is `weak_password`, ...",
    412: "The row has changed since it was read (`If-Match`, or an `updated_at` that is not the stored one).",
}
_TEXT: Schema = {"type": "string"}
_HEADERS: Mapping[str, tuple[str, Schema, str | int]] = {
    "ETag": ("The version of the row as this caller sees it. Send it back as `If-None-Match` or `If-Match`.", _TEXT, '"7-5f3c"'),
    "Location": ("The address of the new row.", {"type": "string", "format": "uri-reference"}, "/api/todos/42"),
    "Content-Range": ("Which rows these are, and how many there are if `Prefer: count=exact` asked.", _TEXT, "0-19/*"),
    "Link": ('Where the next rows are (`rel="next"`), if there are more.', _TEXT, '</api/todos?limit=20&offset=20>; rel="next"'),
    "Allow": ("The methods that this address takes.", _TEXT, "GET, HEAD, POST, OPTIONS"),
    "Retry-After": ("Seconds to wait before trying again.", {"type": "integer", "minimum": 0}, 1),
    "WWW-Authenticate": ("How to sign in for this address.", _TEXT, "Bearer"),
    "Set-Cookie": ("The session.", _TEXT, "backroom-dev=...; Path=/; HttpOnly; SameSite=Lax"),
}
_OF_STATUS: Mapping[int, tuple[str, ...]] = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}

_FAULT: Schema = {
    "type": "object",
    "description": "One thing wrong with the input.",
    "properties": {
        "field": {"type": ["string", "null"], "description": "A dotted path like `lines.0.price`; null: the whole form."},
        "code": {"type": "string", "examples": ["required"]},
        "message": {"type": "string", "description": "A sentence to show beside the field."},
        "row": {"type": "integer", "minimum": 0, "description": "The index in a body that is an array."},
    },
    "required": ["field", "code", "message"],
    "additionalProperties": False,
}
_PROBLEM: Schema = {
    "type": "object",
    "description": "A refusal (RFC 9457). `code` says which, for programs; `detail` says it for people.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "examples": ["validation.failed"]},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
        "message": {"type": "string", "description": "The same as `detail`."},
        "details": {"type": ["string", "null"]},
        "hint": {"type": ["string", "null"], "description": "What to do about it."},
    },
    "required": ["type", "title", "status", "detail", "code", "errors", "message", "details", "hint"],
    "additionalProperties": True,
}
SCHEMAS: Mapping[str, Schema] = {"Problem": _PROBLEM, "Fault": _FAULT}


def headers() -> dict[str, Any]:
    return {name: {"description": told, "schema": schema, "example": example} for name, (told, schema, example) in _HEADERS.items()}


def header_refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def responses() -> dict[str, Any]:
    """One response a status, with an example for each code that the table of errors has for it."""
    return {name: _response(status) for status, name in NAMES.items()}


def refusals(statuses: Iterable[int]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{NAMES[status]}"} for status in sorted(set(statuses))}


def _response(status: int) -> dict[str, Any]:
    codes = [code for code, kind in ERRORS.items() if kind.status == status]
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if codes:
        content["examples"] = {code: {"summary": ERRORS[code].sentence, "value": _example(code)} for code in codes}
    described = _SENTENCES.get(status) or (ERRORS[codes[0]].sentence if codes else NAMES[status])
    response: dict[str, Any] = {"description": described, "content": {"application/problem+json": content}}
    if status in _OF_STATUS:
        response["headers"] = header_refs(*_OF_STATUS[status])
    return response


def _example(code: str) -> dict[str, Any]:
    faults = [Fault("title", "required", "Title is required.")] if code == "validation.failed" else []
    return Problem(code, faults[0].message if faults else None, errors=faults).body()
