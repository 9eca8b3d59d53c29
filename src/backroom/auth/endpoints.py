"""The addresses of accounts and sessions, as a table: method, path, handler, whose words its refusals use, and who may call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backroom.auth.authenticate import Authenticator
from backroom.auth.cookie_face import CookieFace
from backroom.auth.gotrue import GoTrueFace
from backroom.auth.gotrue_refusals import refusal_of
from backroom.calls import Actor
from backroom.errors import Problem
from backroom.http.request import Request
from backroom.http.response import Response

Handler: TypeAlias = Callable[[Request, Actor], Awaitable[Response]]
#: "nobody": credentials aren't looked at (whoever signs in may hold an old one) · "anyone" · "person": else 401.
Who: TypeAlias = Literal["nobody", "anyone", "person"]


@dataclass(frozen=True, slots=True)
class AuthEndpoint:
    """One line of the table. `answer(request)` is all a router needs: it authenticates, and refuses in the face's own words."""

    method: str
    path: str
    handler: Handler
    who: Who
    authenticator: Authenticator

    async def answer(self, request: Request) -> Response:
        """The reply. `Problem` is raised on `/api`; on `/auth/v1` it is answered, as GoTrue would."""
        if not self.path.startswith("/auth/v1"):
            return await self._answer(request)
        try:
            return await self._answer(request)
        except Problem as problem:
            return refusal_of(problem, request)

    async def _answer(self, request: Request) -> Response:
        actor = Actor.ANYONE if self.who == "nobody" else await self.authenticator.authenticate(request)
        if self.who == "person" and not actor.signed_in:
            raise Problem("auth.required")
        return await self.handler(request, actor)


def endpoints(authenticator: Authenticator, cookies: CookieFace, gotrue: GoTrueFace) -> list[AuthEndpoint]:
    """The whole table."""
    rows: list[tuple[str, str, Handler, Who]] = [
        ("POST", "/api/account", cookies.sign_up, "nobody"),
        ("GET", "/api/account", cookies.who_am_i, "person"),
        ("PATCH", "/api/account", cookies.change, "person"),
        ("DELETE", "/api/account", cookies.delete, "person"),
        ("POST", "/api/session", cookies.sign_in, "nobody"),
        ("GET", "/api/session", cookies.who_am_i, "person"),
        ("DELETE", "/api/session", cookies.sign_out, "anyone"),
        ("POST", "/auth/v1/signup", gotrue.sign_up, "nobody"),
        ("POST", "/auth/v1/token", gotrue.token, "nobody"),
        ("GET", "/auth/v1/user", gotrue.user, "person"),
        ("PUT", "/auth/v1/user", gotrue.change, "person"),
        ("POST", "/auth/v1/logout", gotrue.sign_out, "person"),
        ("GET", "/auth/v1/.well-known/jwks.json", gotrue.jwks, "nobody"),
        ("GET", "/auth/v1/settings", gotrue.settings, "nobody"),
        ("GET", "/auth/v1/health", gotrue.health, "nobody"),
    ]
    return [AuthEndpoint(*row, authenticator) for row in rows]
