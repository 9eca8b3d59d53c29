"""`App`: what a user's file declares, and, at start, the rooms joined into one ASGI application. The only file that knows every room."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from backroom.backend import Backend
from backroom.calls import Actor
from backroom.errors import DeclarationError, SettingsError
from backroom.orm.session import Db, actor_of
from backroom.resources.catalog import Catalog
from backroom.resources.conditions import Condition
from backroom.resources.definition import Options
from backroom.resources.hooks import POSITIONAL, Hook, Moment
from backroom.resources.resource import Resource, User
from backroom.rest.custom import CustomEndpoint
from backroom.settings import Settings, load, require_safe

R = TypeVar("R", bound=Resource[Any])
U = TypeVar("U", bound=User)
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


class App:
    """Everything one `app.py` declares. It is an ASGI application itself; `backroom dev` and `backroom serve` run it.

    `public` is the folder served at `/`, beside the file that makes the App; with `spa=True` unknown paths that accept HTML get its
    `index.html`. Wrong declarations raise `DeclarationError` at start: file, line, what is wrong, what to write.

    >>> from backroom import App
    >>> app = App(title="Todos")
    """

    def __init__(self, *, public: str = "public", spa: bool = False, title: str = "Backroom", description: str = "", version: str = "0.1.0") -> None:
        self.title, self.description, self.version = title, description, version
        self.public, self.spa = public, spa
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        self.folder = Path(caller.f_code.co_filename if caller is not None else ".").resolve().parent
        self.catalog = Catalog()
        self.endpoints: list[tuple[CustomEndpoint, bool]] = []
        self.mounts: list[tuple[str, ASGIApp]] = []
        self.seeds: list[Callable[..., Awaitable[Any]]] = []
        self._pending_hooks: list[tuple[Moment, type[Resource[Any]], Hook]] = []
        self._backend: Backend | None = None

    # ------------------------------------------------------------ resources
    def resource(
        self,
        name: str,
        *,
        order: str | None = None,
        unique: Iterable[Iterable[str]] = (),
        index: Iterable[str | Iterable[str]] = (),
        check: Condition | None = None,
        client_key: bool = False,
        max_limit: int | None = None,
        aggregates: bool = False,
    ) -> Callable[[type[R]], type[R]]:
        """Register a class under its name on the wire: `@app.resource("todos", order="-created_at", unique=[("owner", "title")])`.

        `order` sorts lists (a minus descends), `check` must hold for every stored row, `client_key` lets clients choose the id,
        `max_limit` is the greatest `limit` of a list (default 1000). `aggregates` allows sums,
        averages and groups, which read all rows.
        """

        def register(cls: type[R]) -> type[R]:
            self.catalog.declare(
                name, cls, Options(order, tuple(tuple(group) for group in unique), tuple(index), check, client_key, max_limit, aggregates)
            )
            return cls

        return register

    def user(self, cls: type[U]) -> type[U]:
        """Register the app's own people: a subclass of `User` with more fields and rules."""
        self.catalog.declare("users", cls, Options())
        return cls

    # ------------------------------------------------------------ hooks
    def before_create(self, resource: type[Resource[Any]]) -> Callable[[F], F]:
        """Run before every create, in its transaction: `async def check(row, *, me, db)`. Raise to refuse; return the row to store, or None."""
        return self._hook("before_create", resource)

    def before_update(self, resource: type[Resource[Any]]) -> Callable[[F], F]:
        """Run before every update: `async def check(row, changes, *, me, db)`; `row` has the new values in place."""
        return self._hook("before_update", resource)

    def before_delete(self, resource: type[Resource[Any]]) -> Callable[[F], F]:
        """Run before every delete, cascades included: `async def check(row, *, me, db)`."""
        return self._hook("before_delete", resource)

    def after_create(self, resource: type[Resource[Any]]) -> Callable[[F], F]:
        """Run after every create, in its transaction: `async def follow(row, *, me, db)`."""
        return self._hook("after_create", resource)

    def after_update(self, resource: type[Resource[Any]]) -> Callable[[F], F]:
        """Run after every update: `async def follow(row, before, *, me, db)`."""
        return self._hook("after_update", resource)

    def after_delete(self, resource: type[Resource[Any]]) -> Callable[[F], F]:
        """Run after every delete: `async def follow(row, *, me, db)`."""
        return self._hook("after_delete", resource)

    def _hook(self, moment: Moment, resource: type[Resource[Any]]) -> Callable[[F], F]:
        def register(function: F) -> F:
            self._pending_hooks.append((moment, resource, _adapted(moment, function)))
            return function

        return register

    # ------------------------------------------------------------ endpoints
    def get(self, path: str, *, access: Condition | None = None, replaces: bool = False) -> Callable[[F], F]:
        """`GET /api` + path. Without a parameter `me`, `access=` must say who may call it."""
        return self._endpoint("GET", path, access, replaces)

    def post(self, path: str, *, access: Condition | None = None, replaces: bool = False) -> Callable[[F], F]:
        """`POST /api` + path; arguments from the JSON object."""
        return self._endpoint("POST", path, access, replaces)

    def put(self, path: str, *, access: Condition | None = None, replaces: bool = False) -> Callable[[F], F]:
        """`PUT /api` + path; arguments from the JSON object."""
        return self._endpoint("PUT", path, access, replaces)

    def patch(self, path: str, *, access: Condition | None = None, replaces: bool = False) -> Callable[[F], F]:
        """`PATCH /api` + path; arguments from the JSON object."""
        return self._endpoint("PATCH", path, access, replaces)

    def delete(self, path: str, *, access: Condition | None = None, replaces: bool = False) -> Callable[[F], F]:
        """`DELETE /api` + path; arguments from the query."""
        return self._endpoint("DELETE", path, access, replaces)

    def function(self, name: str, *, access: Condition | None = None) -> Callable[[F], F]:
        """`POST /api/rpc/{name}`, and `GET` where its arguments fit into an address; by GET its `db` changes nothing."""
        return self._endpoint("POST", f"/rpc/{name}", access, False, by_get=True)

    def _endpoint(self, method: str, path: str, access: Condition | None, replaces: bool, *, by_get: bool = False) -> Callable[[F], F]:
        if not path.startswith("/"):
            raise DeclarationError(f"the path {path!r} must begin with a slash: `/{path}` (it is served under /api)")

        def register(function: F) -> F:
            endpoint = CustomEndpoint(method, f"/api{path}", function, access)
            self.endpoints.append((endpoint, replaces))
            asked_by_get = endpoint.by_get() if by_get else None
            if asked_by_get is not None:
                self.endpoints.append((asked_by_get, False))
            return function

        return register

    def mount(self, path: str, asgi_app: ASGIApp) -> None:
        """Serve any ASGI application (FastAPI, Starlette...) at a path from the root: `app.mount("/ext", other)`."""
        self.mounts.append((path, asgi_app))

    def seed(self, function: F) -> F:
        """Rows for an empty development database: `@app.seed async def rows(db): ...`, run once, with full rights."""
        self.seeds.append(function)
        return function

    # ------------------------------------------------------------ outside a request
    @asynccontextmanager
    async def db(self, *, as_user: User | None = None) -> AsyncGenerator[Db]:
        """A session outside of requests: full rights, or acting for a user. Opens the database if the server isn't running.

        >>> # async with app.db() as db: todos = await db.find(Todo)
        """
        backend, opened = self._backend, False
        if backend is None or not backend.is_open:
            backend, opened = self.backend(load(development=True)), True
            await backend.start()
        try:
            yield Db(backend.store, actor_of(as_user) if as_user is not None else Actor.TRUSTED)
        finally:
            if opened:
                await backend.stop()

    def backend(self, settings: Settings) -> Backend:
        """Resolve every declaration and join the rooms. Raises `DeclarationError`."""
        self.catalog.freeze()
        for moment, resource, hook in self._pending_hooks:
            self.catalog.of(resource).hooks.add(moment, hook)
        self._pending_hooks.clear()
        self.catalog.require_values()
        self._backend = Backend(self.catalog, settings, self)
        return self._backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for servers that take the App itself (`uvicorn app:app`): production settings, which must be safe as for `backroom serve`."""
        if self._backend is None:
            try:
                settings = load()
                require_safe(settings)
                self.backend(settings)
            except (DeclarationError, SettingsError) as error:
                if scope["type"] != "lifespan":
                    raise
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        assert self._backend is not None
        await self._backend.door(scope, receive, send)


def _adapted(moment: Moment, function: Callable[..., Awaitable[Any]]) -> Hook:
    """The hook as rows call it: `hook(*rows, me=, db=)`, whichever of `me` and `db` it takes."""
    code = inspect.unwrap(function).__code__
    place = f"{code.co_filename}:{code.co_firstlineno}"
    if not inspect.iscoroutinefunction(function):
        raise DeclarationError(f"{place}: the {moment} hook must be `async def {function.__name__}(...)`")
    parameters = inspect.signature(function).parameters
    positional = [name for name in parameters if name not in ("me", "db")]
    expected = POSITIONAL[moment]
    if len(positional) != len(expected):
        raise DeclarationError(f"{place}: the {moment} hook takes `({', '.join(expected)}, *, me, db)`")
    wanted = [name for name in ("me", "db") if name in parameters]

    async def call(*rows: Any, **known: Any) -> Any:
        return await function(*rows, **{name: known[name] for name in wanted})

    return call
