"""A door with a few addresses behind it, and a caller that sends it exactly what it is told."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backroom.http.asgi import Door
from backroom.http.request import Request
from backroom.http.response import Response, json_response
from backroom.http.router import Router
from backroom.settings import Settings, load

Endpoint: TypeAlias = Callable[[Request, dict[str, str]], Awaitable[Response]]

OWNS = ("/api", "/health")


class Reply(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value.decode("latin-1") for key, value in self.headers if key == name.encode()]
        return ", ".join(values) if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class Behind:
    """What stands behind the door. `ran` lists the requests that reached an endpoint: a refused one must not be in it."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.router: Router[Endpoint] = Router()
        for method, pattern, endpoint in (
            ("GET", "/api/echo", self.echo),
            ("POST", "/api/echo", self.echo),
            ("GET", "/api/ran", self.tell),
            ("GET", "/api/todos", self.echo),
            ("GET", "/api/todos/{id}", self.echo),
            ("DELETE", "/api/todos/{id}", self.echo),
            ("GET", "/api/admin/users", self.echo),
            ("GET", "/api/boom", self.boom),
            ("GET", "/api/empty", self.empty),
            ("GET", "/api/unchanged", self.unchanged),
        ):
            self.router.add(method, pattern, endpoint)

    async def answer(self, request: Request) -> Response:
        match = self.router.route(request.method, request.path)
        return await match.endpoint(request, match.parameters)

    async def echo(self, request: Request, parameters: dict[str, str]) -> Response:
        body = await request.body()
        self.ran.append(f"{request.method} {request.path}")
        told = {"method": request.method, "path": request.path, "parameters": parameters, "received": len(body), "client": request.client}
        return json_response(told)

    async def tell(self, request: Request, parameters: dict[str, str]) -> Response:
        return json_response({"ran": self.ran, "worker": os.getpid()})

    async def boom(self, request: Request, parameters: dict[str, str]) -> Response:
        raise RuntimeError("SELECT secret FROM /home/app/app.py")

    async def empty(self, request: Request, parameters: dict[str, str]) -> Response:
        return Response(204, [], b"")

    async def unchanged(self, request: Request, parameters: dict[str, str]) -> Response:
        return Response(304, [(b"etag", b'"1"')], b"")


async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """A foreign app: `/boom` fails before its reply, `/torn` in the middle of it, all else tells what it was given."""
    tail = scope["path"].removeprefix(scope["root_path"])
    if tail == "/boom":
        raise RuntimeError("SELECT secret FROM /home/app/app.py")
    body = json.dumps({"tail": tail, "root": scope["root_path"]}).encode()
    length = len(body) + 100 if tail == "/torn" else len(body)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(length).encode()), (b"referrer-policy", b"origin")]}
    )
    if tail == "/torn":
        await send({"type": "http.response.body", "body": body, "more_body": True})
        raise RuntimeError("in the middle")
    await send({"type": "http.response.body", "body": body})


def door(behind: Behind, *, mounts: Sequence[tuple[str, ASGIApp]] = (), static: ASGIApp | None = None, **settings: Any) -> Door:
    return Door(behind.answer, settings_of(**settings), owns=OWNS, mounts=mounts, static=static)


def settings_of(**given: Any) -> Settings:
    return load(env_file=None, development=bool(given.pop("DEVELOPMENT", False)), **given)


Headers: TypeAlias = Sequence[tuple[str, str]] | dict[str, str]


def scope_of(method: str, target: str, headers: Headers = (), *, client: str = "127.0.0.1") -> Scope:
    """The scope a server would build: `target` is the address as sent, with its query."""
    raw_path, _, query = target.partition("?")
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    if not any(name.lower() == "host" for name, _ in pairs):
        pairs.insert(0, ("host", "localhost:8000"))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path, errors="replace"),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        "client": (client, 1234),
        "server": ("127.0.0.1", 8000),
        "root_path": "",
    }


async def call(app: ASGIApp, method: str, target: str, headers: Headers = (), pieces: Sequence[bytes] = (), *, client: str = "127.0.0.1") -> Reply:
    """Send one request to an ASGI app. `pieces` of the body arrive one by one; Content-Length is sent only if `headers` has it."""
    coming: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def receive() -> Message:
        if not coming:
            await asyncio.Event().wait()  # the client stays and says nothing more
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope_of(method, target, headers, client=client), receive, send)
    assert sent[0]["type"] == "http.response.start", sent
    assert not any(message.get("more_body") for message in sent[-1:]), "The reply was not ended."
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Reply(sent[0]["status"], sent[0]["headers"], body)


async def no_body() -> Message:
    """The `receive` of a request without a body."""
    return {"type": "http.request", "body": b"", "more_body": False}
