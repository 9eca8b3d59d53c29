"""Every error that a client can meet: code, status, title, sentence.

    Problem                  any refusal, answered as `application/problem+json`
     +- Invalid         400  the input is wrong: one `Fault` a field, all at once
     +- NotSignedIn     401  who are you?
     +- Forbidden       403  I know you, and no
     +- NotFound        404  there is no such thing, or it isn't yours to see
     +- Conflict        409  it clashes with what is stored
     +- TooMany         429  later
    NotLoaded                a relation that was not asked for (a fault of the code, not of the caller)
    DeclarationError         `app.py` says something that can't be: stops the start
    SettingsError            the environment says something that can't be: stops the start

The first word of a code is the room that refuses. docs/errors.md lists them; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple


class ErrorKind(NamedTuple):
    status: int
    title: str
    sentence: str


ERRORS: Mapping[str, ErrorKind] = {
    # http: the front door
    "http.malformed": ErrorKind(400, "Malformed request", "The request could not be read."),
    "http.not_found": ErrorKind(404, "No such address", "There is nothing at this address."),
    "http.method_not_allowed": ErrorKind(405, "Method not allowed", "This address does not take that method."),
    "http.preference": ErrorKind(400, "Unknown preference", "The header Prefer asks for something that does not exist here."),
    "http.not_acceptable": ErrorKind(406, "Not acceptable", "This address answers in application/json."),
    "http.body_timeout": ErrorKind(408, "Body too slow", "The body did not arrive in time."),
    "http.body_too_large": ErrorKind(413, "Body too large", "The body is larger than this server takes."),
    "http.uri_too_long": ErrorKind(414, "Address too long", "The address is longer than this server takes."),
    "http.unsupported_media_type": ErrorKind(415, "Unsupported media type", "Send JSON: add headers: {'Content-Type': 'application/json'}."),
    "http.headers_too_large": ErrorKind(431, "Headers too large", "The headers are larger than this server takes."),
    "http.internal": ErrorKind(500, "Internal error", "Something failed on the server. The log has the details under this request id."),
    "http.unavailable": ErrorKind(503, "Not available", "The server can't answer this now. Try again shortly."),
    # auth: who is asking
    "auth.required": ErrorKind(401, "Sign in first", "Sign in first."),
    "auth.invalid_token": ErrorKind(401, "Invalid token", "The token is not valid (any more). Sign in again."),
    "auth.invalid_credentials": ErrorKind(400, "Invalid login credentials", "The email or the password is wrong."),
    "auth.email_taken": ErrorKind(409, "Email taken", "There is an account with this email. Sign in."),
    "auth.weak_password": ErrorKind(400, "Weak password", "Choose a longer or less common password."),
    "auth.origin": ErrorKind(403, "Foreign origin", "A page of another origin may not use this session."),
    "auth.banned": ErrorKind(403, "Account closed", "This account is not allowed to sign in."),
    "auth.refresh_token": ErrorKind(400, "Invalid refresh token", "The refresh token is not valid (any more). Sign in again."),
    "auth.grant_type": ErrorKind(400, "Unknown grant type", "grant_type is password or refresh_token."),
    "auth.too_many": ErrorKind(429, "Too many attempts", "Too many attempts. Wait, then try again."),
    # rules: which rows they may touch
    "rules.forbidden": ErrorKind(403, "Not allowed", "You are not allowed to do this."),
    "rules.field": ErrorKind(403, "Field not allowed", "You are not allowed to write this field."),
    # validation: is the input right
    "validation.failed": ErrorKind(400, "Invalid input", "Some fields are not right."),
    "validation.json": ErrorKind(400, "Invalid JSON", "The body is not valid JSON."),
    "validation.query": ErrorKind(400, "Invalid query", "The query string is not right."),
    # database: what is stored
    "reference.not_found": ErrorKind(409, "No such reference", "A reference points at a row that does not exist."),
    "reference.in_use": ErrorKind(409, "Still referenced", "Other rows refer to this one."),
    "database.unique": ErrorKind(409, "Already taken", "There is already a row with this value."),
    "database.check": ErrorKind(409, "Check failed", "The row breaks a check of this resource."),
    "database.busy": ErrorKind(503, "Database busy", "The database is busy. Try again shortly."),
    "database.full": ErrorKind(507, "Storage full", "The server's storage is full. Reading still works."),
    "database.too_large": ErrorKind(400, "Too much at once", "The reply would be larger than this server sends. Ask for fewer rows or columns."),
    "database.timeout": ErrorKind(503, "Query took too long", "The query took too long and was stopped. Ask for less."),
    # rest: one request, start to end
    "rest.not_found": ErrorKind(404, "Not found", "There is no such row."),
    "rest.not_single": ErrorKind(406, "Not one row", "Cannot coerce the result to a single JSON object."),
    "rest.range": ErrorKind(416, "No such range", "Requested range not satisfiable."),
    "rest.stale": ErrorKind(412, "Changed meanwhile", "The row has changed since you read it. Read it again."),
    "rest.max_affected": ErrorKind(400, "Too many rows", "More rows match than max-affected allows; nothing was changed."),
    "rest.no_filter": ErrorKind(400, "No filter", "To change many rows, say which: add a filter."),
    "rest.schema": ErrorKind(406, "No such schema", "There is one schema here, `public`."),
    "rest.one_key": ErrorKind(405, "Not one row", "PUT takes one row: the only filter must be `id=eq.KEY`."),
    "rest.other_key": ErrorKind(400, "Another key", "The id of the body is not the one of the address."),
    "rest.idempotency_in_flight": ErrorKind(409, "Under way", "A request with this Idempotency-Key is under way. Wait, then send it again."),
    "rest.idempotency_reused": ErrorKind(422, "Key used before", "This Idempotency-Key was sent with another request. Give each request its own."),
    "rest.read_only": ErrorKind(405, "Only reading", "A GET may change nothing. Call this by POST."),
    "rest.reply_too_large": ErrorKind(400, "Reply too large", "The reply would be larger than this server keeps together. Ask for less at once."),
    # raised by an app's own code without a code of its own
    "app.invalid": ErrorKind(400, "Invalid input", "The input is not right."),
    "app.forbidden": ErrorKind(403, "Not allowed", "You are not allowed to do this."),
    "app.not_found": ErrorKind(404, "Not found", "There is no such thing."),
    "app.conflict": ErrorKind(409, "Conflict", "This clashes with what is stored."),
    "app.too_many": ErrorKind(429, "Too many", "Too many. Wait, then try again."),
    "app.timeout": ErrorKind(503, "Took too long", "A hook or a transaction took more than 2 seconds and was undone."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the input. `field` is a dotted path (None: the whole form), `row` the index in an array body."""

    field: str | None
    code: str
    message: str
    row: int | None = None


class Problem(Exception):
    """A refusal. `str(problem)` is the sentence the client reads as `detail` and `message`.

    >>> Problem("rest.not_found").status
    404
    """

    default_code: ClassVar[str] = "http.internal"

    def __init__(
        self,
        code: str,
        sentence: str | None = None,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
        title: str | None = None,
        details: str | None = None,
        hint: str | None = None,
    ) -> None:
        kind = ERRORS.get(code) or ERRORS[self.default_code]
        self.code = code
        self.status = status or kind.status
        self.title = title or kind.title
        self.sentence = sentence or kind.sentence
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.details = details
        self.hint = hint
        super().__init__(self.sentence)

    def body(self) -> dict[str, Any]:
        """The problem document (RFC 9457), with the three names that PostgREST's and GoTrue's clients read."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.sentence,
            "code": self.code,
            "errors": [_fault(fault) for fault in self.errors],
            "message": self.sentence,
            "details": self.details,
            "hint": self.hint,
        }
        return document


def _fault(fault: Fault) -> dict[str, Any]:
    told: dict[str, Any] = {"field": fault.field, "code": fault.code, "message": fault.message}
    if fault.row is not None:
        told["row"] = fault.row
    return told


class _Raised(Problem):
    """The errors an app's own code raises: a sentence, and a code of its own if it likes."""

    def __init__(self, sentence: str | None = None, *, code: str | None = None) -> None:
        super().__init__(code or self.default_code, sentence)


class Invalid(Problem):
    """400: the input is wrong. Keywords name fields: `Invalid(title="Too silly.")`. `Invalid("...")` is about the whole form."""

    default_code = "app.invalid"

    def __init__(self, sentence: str | None = None, *, code: str | None = None, **fields: str) -> None:
        faults = [Fault(name, "invalid", message) for name, message in fields.items()]
        told = sentence or (" ".join(fields.values()) if fields else None)
        super().__init__(code or self.default_code, told, errors=faults)


class NotSignedIn(_Raised):
    """401: sign in first. `raise NotSignedIn("Sign in to vote.")`"""

    default_code = "auth.required"


class Forbidden(_Raised):
    """403: this caller may not do this. `raise Forbidden("Only editors publish.", code="notes.editors_only")`"""

    default_code = "app.forbidden"


class NotFound(_Raised):
    """404: missing, or not this caller's to see. `raise NotFound("There is no such month.")`"""

    default_code = "app.not_found"


class Conflict(_Raised):
    """409: it clashes with what is stored. `raise Conflict("The slot is taken.", code="slots.taken")`"""

    default_code = "app.conflict"


class TooMany(_Raised):
    """429: too many, or too often. `retry_after` is in seconds."""

    default_code = "app.too_many"

    def __init__(self, sentence: str | None = None, *, code: str | None = None, retry_after: int = 60) -> None:
        super().__init__(sentence, code=code)
        self.headers["Retry-After"] = str(retry_after)


class NotLoaded(AttributeError):
    """The code reads a relation that the query did not bring: add it to `include=[...]`."""


class DeclarationError(Exception):
    """`app.py` declares something that can't be. The message is one sentence: file, line, what is wrong, what to write."""


class SettingsError(Exception):
    """A setting is missing, unsafe or malformed. The message is one sentence that names it and says what to write."""
