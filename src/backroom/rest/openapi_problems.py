"""The OpenAPI document's refusals and headers: one response for each status and the codes that an operation may give with it.

A response is named by them: `NotFound-rest.not_found`. `any` among them: an app's own code may raise others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    416: "NoSuchRange",
    422: "Unprocessable",
    429: "TooMany",
    431: "HeadersTooLarge",
    500: "InternalError",
    503: "Unavailable",
    507: "StorageFull",
}
#: Codes that any request may meet before it reaches an endpoint, or when the server fails.
ALWAYS = (
    "http.malformed",
    "validation.query",
    "http.not_acceptable",
    "http.uri_too_long",
    "http.headers_too_large",
    "http.internal",
    "http.unavailable",
    "database.busy",
    "database.timeout",
)
BODY = ("validation.failed", "validation.json", "http.body_timeout", "http.body_too_large", "http.unsupported_media_type")
#: Any write may wait for others, and fill the storage.
WRITING = ("database.full", "app.timeout")
SIGNED_OUT = ("auth.required", "auth.invalid_token")
#: A page of another origin, with the session's cookie.
FOREIGN = ("auth.origin",)
#: What `Idempotency-Key` may meet, and the parameter itself.
KEYED = ("rest.idempotency_in_flight", "rest.idempotency_reused", "rest.reply_too_large")
IDEMPOTENCY_KEY: Schema = {"$ref": "#/components/parameters/Idempotency-Key"}
#: What an app's own code may raise; `ANY` beside them: with codes of its own.
RAISED = ("app.invalid", "auth.required", "app.forbidden", "app.not_found", "app.conflict", "app.too_many")
ANY = "any"

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
_PREFIX = "#/components/responses/"
_TEXT: Schema = {"type": "string"}
_HEADERS: Mapping[str, tuple[str, Schema, str | int]] = {
    "ETag": ("The version of the row as this caller sees it. Send it back as `If-None-Match` or `If-Match`.", _TEXT, '"7-5f3c"'),
    "Location": ("The address of the new row.", {"type": "string", "format": "uri-reference"}, "/api/todos/42"),
    "Content-Range": ("Which rows these are, and how many there are if `Prefer: count=exact` asked.", _TEXT, "0-19/*"),
    "Preference-Applied": ("Which of the preferences in `Prefer` were followed.", _TEXT, "count=exact"),
    "Link": ('Where the next rows are (`rel="next"`), if there are more.', _TEXT, '</api/todos?limit=20&after=c2hvd24>; rel="next"'),
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


def refusals(codes: Iterable[str], *, open_to_others: bool = False) -> dict[str, Any]:
    """Status -> response, for the codes of the table of errors. `open_to_others`: an app's own code raises what it likes."""
    found: dict[int, set[str]] = {}
    for code in codes:
        found.setdefault(ERRORS[code].status, set()).add(code)
    if open_to_others:
        for code in RAISED:
            found.setdefault(ERRORS[code].status, set()).update((code, ANY))
    return told(found)


def told(found: Mapping[int, Iterable[str]]) -> dict[str, Any]:
    """Status -> response, by the codes that stand in it."""
    return {str(status): {"$ref": _PREFIX + "-".join((NAMES[status], *sorted(codes)))} for status, codes in sorted(found.items())}


def responses(names: Iterable[str]) -> dict[str, Any]:
    """The components of these names, each with an example for every code that the table of errors knows."""
    statuses = {name: status for status, name in NAMES.items()}
    found: dict[str, Any] = {}
    for name in sorted(set(names)):
        word, *codes = name.split("-")
        found[name] = _response(statuses[word], codes)
    return found


def _response(status: int, codes: Sequence[str]) -> dict[str, Any]:
    known = [code for code in codes if code in ERRORS]
    schema: Schema = {"type": "string"} if ANY in codes else {"enum": list(codes)}
    own: Schema = {"properties": {"status": {"const": status}, "code": schema}}
    content: dict[str, Any] = {"schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, own]}}
    if known:
        content["examples"] = {code: {"summary": ERRORS[code].sentence, "value": _example(code)} for code in known}
    described = _SENTENCES.get(status) or (ERRORS[known[0]].sentence if known else NAMES[status])
    response: dict[str, Any] = {"description": described, "content": {"application/problem+json": content}}
    if status in _OF_STATUS:
        response["headers"] = header_refs(*_OF_STATUS[status])
    return response


def _example(code: str) -> dict[str, Any]:
    faults = [Fault("title", "required", "Title is required.")] if code == "validation.failed" else []
    return Problem(code, faults[0].message if faults else None, errors=faults).body()
