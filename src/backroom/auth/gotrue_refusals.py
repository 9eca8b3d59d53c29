"""Refusals of `/auth/v1` in the words of GoTrue: its codes and statuses on the face, the fields of our problem documents beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backroom.auth.accounts import Reauthenticate, RefreshRefused, SamePassword
from backroom.auth.authenticate import SESSION_ENDED
from backroom.errors import ERRORS, Problem
from backroom.http.request import Request
from backroom.http.response import Header, Response, problem_response

VERSION: Header = (b"x-supabase-api-version", b"2024-01-01")


class _Told(Problem):
    """A refusal that only this face knows, by GoTrue's code."""

    def __init__(self, code: str, sentence: str, status: int) -> None:
        super().__init__("validation.failed", sentence, status=status, title="Not available")
        self.gotrue = code


#: Our code -> GoTrue's code, its status, and its sentence where clients show or compare it.
_SAID: Mapping[str, tuple[str, int, str | None]] = {
    "auth.required": ("no_authorization", 401, "This endpoint requires a valid Bearer token"),
    "auth.invalid_token": ("bad_jwt", 403, None),
    "auth.invalid_credentials": ("invalid_credentials", 400, "Invalid login credentials"),
    "auth.email_taken": ("user_already_exists", 422, "User already registered"),
    "auth.weak_password": ("weak_password", 422, None),
    "auth.banned": ("user_banned", 400, "User is banned"),
    "auth.grant_type": ("validation_failed", 400, None),
    "auth.too_many": ("over_request_rate_limit", 429, None),
    "auth.origin": ("no_authorization", 403, None),
    "rules.field": ("validation_failed", 403, None),
    "validation.failed": ("validation_failed", 400, None),
    "validation.query": ("validation_failed", 400, None),
    "validation.json": ("bad_json", 400, None),
    "database.unique": ("conflict", 409, None),
    "http.internal": ("unexpected_failure", 500, None),
}
_REFRESH: Mapping[str, tuple[str, int, str | None]] = {
    "unknown": ("refresh_token_not_found", 400, "Invalid Refresh Token: Refresh Token Not Found"),
    "used": ("refresh_token_already_used", 400, "Invalid Refresh Token: Already Used"),
    "expired": ("session_expired", 400, "Invalid Refresh Token: Session Expired"),
    "banned": ("user_banned", 400, "Invalid Refresh Token: User Banned"),
}


class _Said(Problem):
    """A refusal with GoTrue's code on its face, our own fields beside it."""

    extras: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        return {**super().body(), **self.extras}


def no_email(*, by_phone: bool) -> Problem:
    """Sign-up without an address: by telephone, or anonymously."""
    if by_phone:
        return no_phone("Phone signups are disabled")
    return _Told("anonymous_provider_disabled", "Anonymous sign-ins are disabled", 422)


def no_phone(sentence: str) -> Problem:
    """Somebody hands in a telephone number, which no account here has."""
    return _Told("phone_provider_disabled", sentence, 400)


def refusal_of(problem: Problem, request: Request) -> Response:
    """The problem document with the code and the sentence that GoTrue's clients know."""
    code, status, sentence = _said(problem)
    said = _Said(problem.code, sentence or problem.sentence, errors=problem.errors, headers=problem.headers, status=status, title=problem.title)
    said.hint = problem.hint
    said.extras = {"code": code}
    if code == "weak_password":
        said.extras = {"code": code, "weak_password": {"reasons": [_REASONS.get(fault.code, "pwned") for fault in problem.errors]}}
    response = problem_response(said, request)
    return response._replace(headers=[*response.headers, VERSION])


def told_as(codes: Iterable[str]) -> dict[int, set[str]]:
    """Status -> GoTrue's codes, of our codes: what this face may say where others would say these."""
    found: dict[int, set[str]] = {}
    for code in codes:
        named, status, _ = _SAID.get(code, (code.rpartition(".")[2], ERRORS[code].status, None))
        found.setdefault(status, set()).add(named)
    return found


#: What only this face says: at `token`, at `signup`, at `user`, and wherever somebody has to be signed in.
AT_TOKEN: Mapping[int, set[str]] = {400: {code for code, _, _ in _REFRESH.values()}}
AT_SIGN_UP: Mapping[int, set[str]] = {400: {"phone_provider_disabled"}, 422: {"anonymous_provider_disabled"}}
AT_USER: Mapping[int, set[str]] = {400: {"phone_provider_disabled", "reauthentication_needed"}, 422: {"same_password"}}
OF_SESSION: Mapping[int, set[str]] = {403: {"session_not_found"}}


_REASONS: Mapping[str, str] = {"too_short": "length", "too_long": "length", "weak": "pwned"}


def _said(problem: Problem) -> tuple[str, int, str | None]:
    if isinstance(problem, RefreshRefused):
        return _REFRESH[problem.why]
    if isinstance(problem, _Told):
        return problem.gotrue, problem.status, None
    if isinstance(problem, SamePassword):
        return "same_password", 422, "New password should be different from the old password."
    if isinstance(problem, Reauthenticate):
        return "reauthentication_needed", 400, None
    if problem.code == "auth.invalid_token" and problem.sentence == SESSION_ENDED:
        return "session_not_found", 403, "Session from session_id claim in JWT does not exist"
    return _SAID.get(problem.code, (problem.code.rpartition(".")[2], problem.status, None))
