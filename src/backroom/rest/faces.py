"""Two faces over one engine: `/api`, plain REST for `fetch`, and `/rest/v1`, which the unmodified supabase-js speaks. They differ in this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Returns: TypeAlias = Literal["representation", "minimal", "headers-only"]


@dataclass(frozen=True, slots=True)
class Face:
    """What one face does unless a request says otherwise.

    `limit` is the length of a page, `cuts` whether a greater limit is cut to the greatest allowed (else 400), `returns` what a write answers with,
    `lists_nothing` whether somebody who can read no row at all gets an empty list (else 401 or 403).
    """

    prefix: str
    limit: int
    cuts: bool
    returns: Returns
    lists_nothing: bool

    @property
    def is_postgrest(self) -> bool:
        return self is POSTGREST


API = Face("/api", limit=100, cuts=False, returns="representation", lists_nothing=False)
POSTGREST = Face("/rest/v1", limit=1000, cuts=True, returns="minimal", lists_nothing=True)
FACES = (API, POSTGREST)
