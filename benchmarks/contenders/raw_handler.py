"""The limit for Python: a hand-written ASGI handler for todos and nothing else.

No framework, no schema, no headers beyond the two that a reply needs. It stays honest where it costs: the token's signature and expiry,
the owner in every statement, the body's types and lengths, durable commits. `raw_sqlite.py` and `raw_postgres.py` bring the storage.
"""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qs

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pwdlib import PasswordHash

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TOKEN_SECONDS = 900
TOKENS_KEPT = 10_000
QUERIES_KEPT = 1_000


class NewTodo(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    done: bool = False
    due: date | None = None


class TodoChanges(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    done: bool | msgspec.UnsetType = msgspec.UNSET
    due: date | msgspec.UnsetType | None = msgspec.UNSET


class Credentials(msgspec.Struct):
    email: str
    password: Annotated[str, msgspec.Meta(min_length=6)]


class Store(Protocol):
    """Where rows live. Every answer about a todo is its JSON, or None when it isn't there or isn't this owner's."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def read(self, key: int, owner: str) -> bytes | None: ...
    async def list(self, owner: str, limit: int) -> bytes: ...
    async def create(self, owner: str, todo: NewTodo) -> bytes: ...
    async def update(self, key: int, owner: str, changes: TodoChanges) -> bytes | None: ...
    async def delete(self, key: int, owner: str) -> bool: ...
    async def add_user(self, key: str, email: str, password: str) -> None: ...
    async def user(self, email: str) -> tuple[str, str] | None: ...


class Tokens:
    """ES256 access tokens. Verifying one costs 85 us, so a verified one is kept; its expiry is looked at on every use."""

    def __init__(self, folder: Path) -> None:
        file = folder / "key.json"
        if not file.exists():
            file.write_bytes(msgspec.json.encode(ECKey.generate_key("P-256").as_dict(private=True)))
        self._key = ECKey.import_key(msgspec.json.decode(file.read_bytes()))
        self._known: dict[bytes, tuple[str, float]] = {}

    def issue(self, owner: str) -> str:
        now = int(time.time())
        return jwt.encode({"alg": "ES256"}, {"sub": owner, "iat": now, "exp": now + TOKEN_SECONDS}, self._key)

    def owner(self, authorization: bytes) -> str | None:
        known = self._known.get(authorization)
        if known is None:
            known = self._verified(authorization)
            if known is None:
                return None
            if len(self._known) >= TOKENS_KEPT:
                self._known.clear()
            self._known[authorization] = known
        return known[0] if known[1] > time.time() else None

    def _verified(self, authorization: bytes) -> tuple[str, float] | None:
        if authorization[:7] != b"Bearer ":
            return None
        try:
            claims = jwt.decode(authorization[7:], self._key, algorithms=["ES256"]).claims
            return str(claims["sub"]), float(claims["exp"])
        except (JoseError, ValueError, KeyError):
            return None


_JSON = (b"content-type", b"application/json")
_NO_CONTENT: tuple[int, bytes] = (204, b"")
_NOT_FOUND = (404, b'{"detail":"Not found."}')
_NOT_SIGNED_IN = (401, b'{"detail":"Sign in."}')
_new_todo = msgspec.json.Decoder(NewTodo)
_changes = msgspec.json.Decoder(TodoChanges)
_credentials = msgspec.json.Decoder(Credentials)


class Handler:
    """`/api/todos`, `/auth/v1/signup` and `/auth/v1/token`, as one ASGI callable."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._tokens = Tokens(folder)
        self._passwords = PasswordHash.recommended()
        self._hashing = ThreadPoolExecutor(2, "hash")
        self._limits: dict[bytes, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        try:
            status, body = await self._answer(scope, receive)
        except msgspec.ValidationError as error:
            status, body = 400, msgspec.json.encode({"detail": str(error)})
        except msgspec.DecodeError as error:
            status, body = 400, msgspec.json.encode({"detail": f"Not JSON: {error}"})
        await send({"type": "http.response.start", "status": status, "headers": [_JSON, (b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        path: str = scope["path"]
        if not path.startswith("/api/todos"):
            return await self._account(scope, receive)
        owner = self._tokens.owner(dict(scope["headers"]).get(b"authorization", b""))
        if owner is None:
            return _NOT_SIGNED_IN
        method: str = scope["method"]
        if len(path) == 10:
            if method == "GET":
                return 200, await self._store.list(owner, self._limit(scope["query_string"]))
            if method == "POST":
                return 201, await self._store.create(owner, _new_todo.decode(await _body(receive)))
            return 405, b""
        key = path[11:]
        if path[10] != "/" or not key.isdecimal():
            return _NOT_FOUND
        return await self._item(method, int(key), owner, receive)

    async def _item(self, method: str, key: int, owner: str, receive: Receive) -> tuple[int, bytes]:
        if method == "GET":
            row = await self._store.read(key, owner)
        elif method == "PATCH":
            row = await self._store.update(key, owner, _changes.decode(await _body(receive)))
        elif method == "DELETE":
            return _NO_CONTENT if await self._store.delete(key, owner) else _NOT_FOUND
        else:
            return 405, b""
        return _NOT_FOUND if row is None else (200, row)

    async def _account(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        path, loop = scope["path"], asyncio.get_running_loop()
        if path == "/health":
            return 200, b"{}"
        if path not in ("/auth/v1/signup", "/auth/v1/token"):
            return _NOT_FOUND
        given = _credentials.decode(await _body(receive))
        if path == "/auth/v1/signup":
            key = str(uuid.uuid4())
            await self._store.add_user(key, given.email, await loop.run_in_executor(self._hashing, self._passwords.hash, given.password))
            return 200, self._session(key)
        stored = await self._store.user(given.email)
        if stored is None or not await loop.run_in_executor(self._hashing, self._passwords.verify, given.password, stored[1]):
            return 400, b'{"detail":"Wrong email or password."}'
        return 200, self._session(stored[0])

    def _session(self, owner: str) -> bytes:
        return msgspec.json.encode({"access_token": self._tokens.issue(owner), "user": {"id": owner}})

    def _limit(self, query: bytes) -> int:
        limit = self._limits.get(query)
        if limit is None:
            limit = min(int(parse_qs(query.decode()).get("limit", ["100"])[0]), 1000)
            if len(self._limits) >= QUERIES_KEPT:
                self._limits.clear()
            self._limits[query] = limit
        return limit

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._store.open()
                gc.freeze()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._store.close()
                return await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body
