"""In which form a reply goes out: Accept, and Range, as PostgREST reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import msgspec

from backroom.errors import Problem
from backroom.http.request import Request
from backroom.http.response import JSON, Header, Response

#: An array of rows, exactly one row as an object, or lines of comma-separated values.
Form: TypeAlias = Literal["array", "object", "csv"]

OBJECT: Header = (b"content-type", b"application/vnd.pgrst.object+json; charset=utf-8")
CSV: Header = (b"content-type", b"text/csv; charset=utf-8")
CONTENT_TYPES: dict[Form, Header] = {"array": JSON, "object": OBJECT, "csv": CSV}

_FORMS: dict[str, Form] = {
    "*/*": "array",
    "application/*": "array",
    "application/json": "array",
    "application/problem+json": "array",
    "application/vnd.pgrst.array+json": "array",
    "application/vnd.pgrst.object+json": "object",
    "application/vnd.pgrst.object": "object",
    "text/csv": "csv",
}
_SHAPED = (b"application/json", b"application/vnd.pgrst.object+json")
_RANGE = re.compile(r"(?:items=)?([0-9]{1,10})-([0-9]{0,10})\Z")


class Span(NamedTuple):
    """Rows `offset` to `offset + limit - 1`; `limit` None: to the end."""

    offset: int
    limit: int | None


def form_of(request: Request) -> Form:
    """The form that the client would like best of those that are there. Raises `Problem` 406 if it takes none of them."""
    accept = request.headers.get(b"accept")
    if accept is None or accept in (b"*/*", b"application/json"):
        return "array"
    found = _best(accept)
    if found is None:
        raise Problem("http.not_acceptable")
    return found


@lru_cache(maxsize=256)
def _best(accept: bytes) -> Form | None:
    if not accept.strip():
        return "array"
    offers: list[tuple[float, int, Form]] = []
    for place, part in enumerate(accept.decode("latin-1").lower().split(",")):
        kind, *parameters = (each.strip() for each in part.split(";"))
        quality = next((_quality(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        if kind in _FORMS and quality > 0:
            offers.append((-quality, place, _FORMS[kind]))
    return min(offers)[2] if offers else None


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def require_schema(request: Request) -> None:
    """Raises `Problem` 406 where a request of PostgREST's clients names another schema than `public`, the only one."""
    name = b"accept-profile" if request.method in ("GET", "HEAD") else b"content-profile"
    if request.headers.get(name, b"public") != b"public":
        raise Problem("rest.schema")


def in_shape(request: Request, response: Response) -> Response:
    """`Accept: application/vnd.pgrst.array+json;nulls=stripped`: the same JSON without the keys that are null, at every depth."""
    if b"nulls=stripped" not in request.headers.get(b"accept", b"") or not response.body:
        return response
    kind = next((value for name, value in response.headers if name == b"content-type"), b"")
    if not kind.startswith(_SHAPED):
        return response
    kept = [each for each in response.headers if each[0] not in (b"content-type", b"etag")]  # the tag is that of all keys
    shaped = [(b"content-type", b"application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8")]
    return Response(response.status, shaped + kept, msgspec.json.encode(_without_nulls(msgspec.json.decode(response.body))))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in cast("dict[str, Any]", value).items() if each is not None}
    return list(map(_without_nulls, cast("Iterable[Any]", value))) if isinstance(value, list) else value


def span_of(request: Request) -> Span | None:
    """`Range: 0-9`, in rows. Another unit is no question to us. Raises `Problem` 416 where it ends before it begins."""
    given = request.headers.get(b"range")
    if given is None or request.headers.get(b"range-unit", b"items") != b"items":
        return None
    found = _RANGE.match(given.decode("latin-1").strip())
    if found is None:
        return None
    first, last = int(found[1]), int(found[2]) if found[2] else None
    if last is not None and last < first:
        raise Problem("rest.range", details="The lower boundary must be lower than or equal to the upper boundary in the Range header.")
    return Span(first, None if last is None else last - first + 1)


def require_one(found: int) -> None:
    """406 where a client takes one row as an object and there are none or several."""
    if found != 1:
        raise Problem("rest.not_single", details=f"The result contains {found} rows", hint=None)
