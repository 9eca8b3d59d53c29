"""The ASGI application: every connection comes in here, and every reply goes out here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from backroom.errors import Problem
from backroom.http.body import ClientGone
from backroom.http.cors import Cors
from backroom.http.lifespan import Step, run_lifespan
from backroom.http.limits import ALLOW_ANY, METHODS, Limits, is_host, require_modest
from backroom.http.mounts import Mounts
from backroom.http.outgoing import Outgoing, Torn, server_timing
from backroom.http.paths import require_plain
from backroom.http.request import Request, new_id
from backroom.http.response import Answered, Header, Response, problem_response
from backroom.http.security import mild, missing, strict
from backroom.settings import Settings

Answer: TypeAlias = Callable[[Request], Awaitable[Response]]

_METHODS = frozenset(METHODS)
_NEVER = frozenset(("TRACE", "CONNECT"))  # they would echo the caller's own cookies, or make a proxy of us
_BODILESS = frozenset((204, 304))

log = logging.getLogger("backroom.http")


async def _nothing() -> None:
    return


class Door:
    """Takes a request in, asks whoever owns the address, sends the reply.

    `owns` names the prefixes that `answer` serves: `/api` is `/api` and all below it. A mount beneath one of them goes before it, other
    mounts come after, then `static`; what is left is 404. `on_start` and `on_stop` run with the server.

    Raises `SettingsError` for CORS_ORIGINS or TRUSTED_PROXIES that can't be, `DeclarationError` for a mount that would never be reached.
    """

    def __init__(
        self,
        answer: Answer,
        settings: Settings,
        *,
        owns: tuple[str, ...],
        mounts: Sequence[tuple[str, ASGIApp]] = (),
        static: ASGIApp | None = None,
        on_start: Step = _nothing,
        on_stop: Step = _nothing,
    ) -> None:
        self._answer = answer
        self._on_start = on_start
        self._on_stop = on_stop
        self._static = static
        self._limits = Limits.of(settings)
        self._cors = Cors(settings)
        self._strict = strict(settings)
        self._mild = mild(settings)
        self._timed = settings.SERVER_TIMING or settings.DEVELOPMENT
        self._owned = frozenset(owns)
        self._below = tuple(prefix + "/" for prefix in owns)
        self._mounts = Mounts(mounts, owns)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        kind = scope["type"]
        if kind == "http":
            return self._serve(scope, receive, send)
        if kind == "lifespan":
            return run_lifespan(receive, send, self._on_start, self._on_stop)
        return self._open(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter() if self._timed else 0.0
        request: Request | None = None
        try:
            request = Request(scope, receive, self._limits, [] if self._timed else None)
            self._admit(request)
            other = self._elsewhere(request)
            if other is not None:
                await self._pass_on(other, request, receive, send, started)
                return
            response = await self._answer(request)
        except Problem as problem:
            response = problem_response(problem, request)
        except Answered as answered:
            response = answered.response
        except HTTPException as error:  # Starlette's own refusals, from mounts and static files
            response = problem_response(_as_problem(error), request)
        except ClientGone:
            # Gone, or its chunks are malformed: the server below tells both alike, and would answer for us with a 500.
            sentence = "The body ended before it was complete, or is cut into malformed chunks."
            response = problem_response(Problem("http.malformed", sentence, headers={"Connection": "close"}), request)
        except ClientDisconnect:
            return
        except Torn:
            raise  # the server closes the connection: a reply cut short must not look complete
        except Exception as error:  # noqa: BLE001 - whatever failed, the client gets an answer and the log the traceback
            response = _failed(request, error)
        await self._send(request, response, scope["method"], send, started)

    def _admit(self, request: Request) -> None:
        require_modest(len(request.raw_path) + len(request.query), len(request.scope["headers"]), request.headers, self._limits)
        if not is_host(request.headers.get(b"host", b"")):
            raise Problem("http.malformed", "The header Host is missing, or is not the name of a host.")
        coding = request.headers.get(b"transfer-encoding")
        if coding is not None and coding.lower() != b"chunked":  # twice, or beside others: whoever stands in front may see the end elsewhere
            raise Problem("http.malformed", "Transfer-Encoding is something else than `chunked`.", headers={"Connection": "close"})
        if request.method in _NEVER:
            raise Problem("http.method_not_allowed", headers=ALLOW_ANY)
        if request.method == "OPTIONS" and (preflight := self._cors.preflight(request)) is not None:
            raise Answered(preflight)

    def _elsewhere(self, request: Request) -> tuple[ASGIApp, Scope] | None:
        """The app and scope that serve an address which isn't ours; None: it is ours. Raises `Problem` 404, or 405 for our addresses."""
        path = request.path
        mount = self._mounts.inner(path, request.scope)
        if mount is not None:
            return mount
        if path.startswith(self._below) or path in self._owned:
            if request.method not in _METHODS:
                raise Problem("http.method_not_allowed", headers=ALLOW_ANY)
            if b"%" in request.raw_path or "/." in path:
                require_plain(path, request.raw_path)
            return None
        mount = self._mounts.outer(path, request.scope)
        if mount is not None:
            return mount
        require_plain(path, request.raw_path)
        if self._static is None:
            raise Problem("http.not_found")
        return self._static, request.scope

    async def _pass_on(self, other: tuple[ASGIApp, Scope], request: Request, receive: Receive, send: Send, started: float) -> None:
        app, scope = other
        outgoing = Outgoing(send, [*self._mild, *self._cors.headers(request)], self._marks(request, started))
        try:
            await app(scope, receive, outgoing)
        except Exception as error:
            if not outgoing.begun:
                raise
            if isinstance(error, (ClientDisconnect, OSError)):
                return
            log.exception("Request %s failed after its reply had begun: %s %.300r", request.id, request.method, request.raw_path)
            raise Torn from error

    async def _send(self, request: Request | None, response: Response, method: str, send: Send, started: float) -> None:
        status, given, body = response
        headers = [*self._security(given), *given]
        if request is None:
            headers += [*self._cors.nobody, (b"x-request-id", new_id().encode())]
        else:
            headers += self._cors.headers(request)
            headers += self._marks(request, started)
        if status in _BODILESS:
            body = b""
        else:
            headers.append((b"content-length", b"%d" % len(body)))
            if method == "HEAD":
                body = b""
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        except OSError:
            return  # the client has gone; the work is done and nobody is left to tell

    def _security(self, given: list[Header]) -> list[Header]:
        for name, _ in given:
            if name == b"content-security-policy":  # a page of ours, which says itself what it may run
                return missing(self._strict, given)
        return self._strict

    def _marks(self, request: Request, started: float) -> list[Header]:
        marks: list[Header] = [(b"x-request-id", request.id.encode())]
        if request.timings is not None:
            marks.append(server_timing(request.timings, perf_counter() - started))
        return marks

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        mount = self._mounts.inner(path, scope)
        if mount is None and not (path.startswith(self._below) or path in self._owned):
            mount = self._mounts.outer(path, scope)
        if mount is not None:
            await mount[0](mount[1], receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "There is no websocket at this address."})


def _failed(request: Request | None, error: Exception) -> Response:
    """A 500 that says nothing of the inside; the log has the traceback under the request's id."""
    if request is None:
        log.error("A request could not be read.", exc_info=error)
    else:
        log.error("Request %s failed: %s %.300r", request.id, request.method, request.raw_path, exc_info=error)
    return problem_response(Problem("http.internal"), request)


_CODES = {404: "http.not_found", 405: "http.method_not_allowed", 406: "http.not_acceptable", 415: "http.unsupported_media_type"}


def _as_problem(error: HTTPException) -> Problem:
    status, detail = error.status_code, str(error.detail)
    if status in _CODES:
        return Problem(_CODES[status], headers=error.headers)
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Refused"
    return Problem("http.malformed" if status < 500 else "http.internal", detail, status=status, title=phrase, headers=error.headers)
