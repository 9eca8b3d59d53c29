"""The header Prefer (RFC 7240), in PostgREST's words: what a request would like of its reply."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.http.response import Header

_CHOICES = {
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "handling": ("strict", "lenient"),
}


class Preferences(NamedTuple):
    """None where a request has no wish. `most`: touch so many rows at most. `strange`: what is no preference of ours. `rolled_back`: try it only."""

    returns: str | None = None
    counted: str | None = None
    resolution: str | None = None
    missing: str | None = None
    strict: bool = False
    most: int | None = None
    strange: tuple[str, ...] = ()
    rolled_back: bool = False

    def applied(self, *names: str) -> list[Header]:
        """`Preference-Applied` for those of `names` that were asked for."""
        values = {"return": self.returns, "count": self.counted, "resolution": self.resolution, "missing": self.missing}
        values["max-affected"] = None if self.most is None else str(self.most)
        told = [f"{name}={values[name]}" for name in names if values[name] is not None]
        return [(b"preference-applied", ", ".join(told).encode())] if told else []


_NONE = Preferences()


def preferences(request: Request) -> Preferences:
    """What the request prefers. Raises `Problem` 400 for an unknown preference if it asks to be handled strictly, and for `tx=rollback`."""
    given = request.headers.get(b"prefer")
    if given is None:
        return _NONE
    found = _read(given)
    if found.rolled_back:  # to ignore it, as other preferences that are unknown, would keep what was only to be tried
        sentence = "A request can't be tried and rolled back; leave out `tx=rollback`."
        raise Problem("http.preference", sentence, errors=[Fault("Prefer", "unavailable", sentence)])
    if found.strict and found.strange:
        faults = [Fault("Prefer", "unknown", f"There is no preference `{each}`.") for each in found.strange]
        raise Problem("http.preference", faults[0].message, errors=faults)
    return found


@lru_cache(maxsize=512)
def _read(given: bytes) -> Preferences:
    values: dict[str, str] = {}
    strange: list[str] = []
    most: int | None = None
    rolled_back = False
    for part in given.decode("latin-1").split(","):
        name, _, value = part.partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name == "max-affected" and value.isascii() and value.isdigit() and len(value) < 10:
            most = int(value)
        elif value in _CHOICES.get(name, ()):
            values.setdefault(name, value)  # RFC 7240: of two, the first counts
        elif name == "tx" and value in ("commit", "rollback"):
            rolled_back = value == "rollback"
        elif name:
            strange.append(part.strip()[:60])
    strict = values.get("handling") == "strict"
    return Preferences(
        values.get("return"),
        values.get("count"),
        values.get("resolution"),
        values.get("missing"),
        strict,
        most if strict else None,
        tuple(strange),
        rolled_back,
    )
