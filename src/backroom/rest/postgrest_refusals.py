"""Refusals of `/rest/v1` in PostgREST's words: its codes and statuses on the face, the fields of our problem documents beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backroom.errors import Problem
from backroom.http.request import Request
from backroom.http.response import Response, problem_response
from backroom.rest.faces import POSTGREST

#: Our code -> PostgREST's (or Postgres') code and its status; None: ours.
_SAID: Mapping[str, tuple[str, int | None]] = {
    "auth.required": ("42501", 401),
    "auth.invalid_token": ("PGRST301", 401),
    "rules.forbidden": ("42501", 403),
    "rules.field": ("42501", 403),
    "validation.json": ("PGRST102", 400),
    "database.unique": ("23505", 409),
    "database.check": ("23514", 400),
    "reference.not_found": ("23503", 409),
    "reference.in_use": ("23503", 409),
    "database.too_large": ("54000", 400),
    "database.timeout": ("57014", 503),
    "database.busy": ("40001", 503),
    "database.full": ("53100", 507),
    "http.not_found": ("PGRST205", 404),
    "http.method_not_allowed": ("PGRST117", 405),
    "http.not_acceptable": ("PGRST107", 406),
    "http.preference": ("PGRST122", 400),
    "http.unavailable": ("PGRST001", 503),
    "http.internal": ("XX000", 500),
    "rest.not_single": ("PGRST116", 406),
    "rest.range": ("PGRST103", 416),
    "rest.max_affected": ("PGRST124", 400),
    "rest.no_filter": ("21000", 400),
    "rest.read_only": ("25006", 405),
    "rest.schema": ("PGRST106", 406),
    "rest.one_key": ("PGRST105", 405),
    "rest.other_key": ("PGRST115", 400),
    "rest.not_found": ("PGRST116", 404),
}
#: A fault's code -> the code of a query or a body that has it.
_IN_QUERY = {
    "relation": "PGRST200",
    "ambiguous": "PGRST201",
    "aggregates": "PGRST123",
    "unknown": "42703",
    "type": "22P02",
    "choice": "22P02",
    "invalid": "22P02",
    "too_large": "22003",
    "too_small": "22003",
}
_IN_BODY = {"unknown": "PGRST204", "required": "23502", "type": "22P02", "choice": "22P02", "encoding": "22P02", "read_only": "428C9"}
_OF_BODY = "23514"  # a check: too short, out of range, no match
_OF_QUERY = "PGRST100"
_FUNCTIONS = f"{POSTGREST.prefix}/rpc/"


class _Said(Problem):
    code_said: str = ""

    def body(self) -> dict[str, Any]:
        return {**super().body(), "code": self.code_said}


def refusal_of(problem: Problem, request: Request) -> Response:
    """The problem document with the code that PostgREST's clients know."""
    code, status = _said(problem) if not request.path.startswith(_FUNCTIONS) else _said_of_function(problem)
    said = _Said(
        problem.code,
        problem.sentence,
        errors=problem.errors,
        headers=problem.headers,
        status=status or problem.status,
        title=problem.title,
        details=problem.details,
        hint=problem.hint,
    )
    said.code_said = code
    return problem_response(said, request)


def _said_of_function(problem: Problem) -> tuple[str, int | None]:
    """A function that is not there, and one that is there with other parameters, are one to PostgREST."""
    strange = problem.code == "validation.failed" and problem.errors and problem.errors[0].code == "unknown"
    return ("PGRST202", 404) if strange or problem.code == "http.not_found" else _said(problem)


def _said(problem: Problem) -> tuple[str, int | None]:
    first = problem.errors[0].code if problem.errors else ""
    if problem.code == "validation.query":
        if first == "invalid" and problem.errors[0].field == "on_conflict":
            return "42P10", None
        return _IN_QUERY.get(first, _OF_QUERY), 300 if first == "ambiguous" else None
    if problem.code == "validation.failed":
        return _IN_BODY.get(first, _OF_BODY), None
    return _SAID.get(problem.code, (problem.code, None))
