"""One request, from start to end. Read this file first: each step is one room, and Server-Timing shows them under the same names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import TypeAlias

from backroom.calls import Actor
from backroom.errors import Problem
from backroom.http.request import Request
from backroom.http.response import Response
from backroom.http.router import Router
from backroom.rest.endpoint import Call
from backroom.rest.faces import POSTGREST
from backroom.rest.idempotency import HEADER, METHODS, Idempotency
from backroom.rest.negotiation import in_shape, require_schema
from backroom.rest.postgrest_refusals import refusal_of
from backroom.rest.steps import Steps

Authenticate: TypeAlias = Callable[[Request], Awaitable[Actor]]


#: An endpoint that isn't an action of a resource: sign-in, an app's own code, a page of ours. It asks for the caller itself.
Handler: TypeAlias = Callable[[Request, Mapping[str, str]], Awaitable[Response]]
#: Adds to a refusal what may be said of it in development.
Tell: TypeAlias = Callable[[Problem, Steps, Call], Awaitable[None]]


_POSTGREST = POSTGREST.prefix + "/"


class Pipeline:
    """Answers the requests of the addresses that are ours."""

    def __init__(self, actions: Router[Steps | Handler], authenticate: Authenticate, idempotency: Idempotency, tell: Tell | None = None) -> None:
        self._route = actions.route
        self._authenticate = authenticate
        self._idempotency = idempotency
        self._tell = tell

    async def answer(self, request: Request) -> Response:
        """Raises `Problem` for every refusal, which the door turns into a problem document; on PostgREST's face it is answered in its words."""
        if not request.path.startswith(_POSTGREST):
            return await self._answer(request)
        try:
            require_schema(request)
            return in_shape(request, await self._answer(request))
        except Problem as problem:
            return refusal_of(problem, request)

    async def _answer(self, request: Request) -> Response:
        if request.timings is not None:
            return await self._answer_timed(request)
        steps, parameters = self._route(request.method, request.path)  # http        -> which action
        if not isinstance(steps, Steps):
            return await steps(request, parameters)
        actor = await self._authenticate(request)  # auth        -> Actor
        call = Call(request, actor, parameters)
        call.grant = steps.authorize(actor)  # rules       -> rights, or 401/403
        if HEADER in request.headers and request.method in METHODS:
            return await self._idempotency.answer(steps, call)
        await steps.validate(call)  # validation  -> typed input, or 400 with every fault at once
        steps.statement(call)  # sql         -> compiled text
        await steps.run(call)  # database    -> rows
        return steps.respond(call)  # http        -> bytes

    async def _answer_timed(self, request: Request) -> Response:
        """The same walk, with the seconds of each room noted."""
        rooms, last = request.timings, perf_counter()
        assert rooms is not None

        def lap(room: str) -> None:
            nonlocal last
            now = perf_counter()
            rooms.append((room, now - last))
            last = now

        steps, parameters = self._route(request.method, request.path)
        lap("http")
        if not isinstance(steps, Steps):
            response = await steps(request, parameters)
            lap("rest")
            return response
        actor = await self._authenticate(request)
        lap("auth")
        call = Call(request, actor, parameters)
        try:
            call.grant = steps.authorize(actor)
            lap("rules")
            if HEADER in request.headers and request.method in METHODS:
                response = await self._idempotency.answer(steps, call)
                lap("database")
                return response
            await steps.validate(call)
            lap("validation")
            steps.statement(call)
            lap("sql")
            await steps.run(call)
            lap("database")
        except Problem as problem:
            if self._tell is not None:
                await self._tell(problem, steps, call)
            raise
        answered = steps.respond(call)
        lap("http")
        return answered
