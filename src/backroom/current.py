"""The caller, inside a mounted app: `user: User | None = Depends(current_user)` in FastAPI."""

from __future__ import annotations

from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest

from backroom.backend import Backend
from backroom.errors import Problem
from backroom.http.request import Request
from backroom.orm.writes import person
from backroom.resources.resource import User


async def current_user(request: StarletteRequest) -> User | None:
    """Who is asking, by session cookie or bearer token, read with full rights; None for nobody. Raises 401 for a bad token, 403 for a foreign page.

    Works as a FastAPI dependency in anything served by `app.mount(...)`.
    """
    backend = cast("Backend | None", request.scope.get("backroom"))
    if backend is None:
        raise RuntimeError("current_user works in apps served by app.mount(...)")
    try:
        actor = await backend.auth.authenticate(Request(request.scope, request.receive))
    except Problem as problem:
        raise HTTPException(problem.status, problem.sentence, problem.headers) from None
    found: Any = await person(backend.store, actor, None)
    return cast("User | None", found)
