"""If-Match, If-None-Match, Accept, Prefer: what a request asks of its reply."""

from __future__ import annotations

from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.rest.representation import version_of

_FINE = frozenset({b"*/*", b"application/json", b"application/json, text/plain, */*", b"application/json, */*"})
_TAKEN = (b"*/*", b"application/*", b"application/json", b"application/problem+json")


def require_acceptable(request: Request) -> None:
    """406 for a client that says it can't read JSON."""
    accept = request.headers.get(b"accept")
    if accept is None or accept in _FINE or not accept.strip():
        return
    ranges = [part.strip().lower().split(b";") for part in accept.split(b",")]
    if not any(kind.strip() in _TAKEN and not any(each.strip() in (b"q=0", b"q=0.0") for each in parameters) for kind, *parameters in ranges):
        raise Problem("http.not_acceptable")


def require_json(request: Request) -> None:
    """415 with the cure for a body that isn't called JSON."""
    if not request.is_json():
        raise Problem("http.unsupported_media_type")


def wanted_version(request: Request) -> int | None:
    """The version that If-Match asks for; None where it asks for none. A tag that no row of ours had is stale."""
    given = request.headers.get(b"if-match")
    if given is None or given.strip() == b"*":
        return None
    tags = [version_of(tag) for tag in given.decode("latin-1").split(",")]
    versions = [tag for tag in tags if tag is not None]
    if not versions:
        raise Problem("rest.stale")
    if len(versions) > 1:
        raise Problem("http.malformed", "If-Match takes one tag here: the ETag of the row you read.")
    return versions[0]


def require_no_query(request: Request) -> None:
    """400 where an address takes no parameters."""
    if request.query:
        name = request.query.split(b"&")[0].split(b"=")[0].decode("ascii", "replace")[:80]
        fault = Fault(name, "unknown", f"`{name}` is not known here.")
        raise Problem("validation.query", f"This address takes no parameters; {fault.message}", errors=[fault])


def require_unconditional(request: Request) -> None:
    """Refuse If-Match where there is no one row whose version it could mean: ignored, it would let a stale copy through."""
    if b"if-match" in request.headers:
        raise Problem("http.malformed", "If-Match takes one row, named by its address: /api/NAME/ID. Here leave it out.")


def must_be_new(request: Request, *, creates: bool) -> bool:
    """Does `If-None-Match: *` ask that the row does not exist yet? Only a PUT that may create can grant it; ignored, it would overwrite."""
    given = request.headers.get(b"if-none-match")
    if given is None:
        return False
    if not creates or given.strip() != b"*":
        cure = (
            "If-None-Match takes * here: create, never overwrite."
            if creates
            else "If-None-Match is for reading; to write only what you read, send If-Match."
        )
        raise Problem("http.malformed", cure)
    return True


def unchanged(request: Request, etag: bytes) -> bool:
    """The client holds this very representation (weak comparison, RFC 9110)."""
    given = request.headers.get(b"if-none-match")
    if given is None:
        return False
    return given.strip() == b"*" or any(tag.strip().removeprefix(b"W/") == etag for tag in given.split(b","))
