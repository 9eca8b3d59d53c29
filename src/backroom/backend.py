"""The rooms, joined: a catalog and settings become tables, rules, endpoints, and the door that an ASGI server calls."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from backroom.auth.auth import Auth
from backroom.calls import Actor
from backroom.database.database import connect
from backroom.database.migrations import prepare
from backroom.errors import DeclarationError, SettingsError
from backroom.http.asgi import Door
from backroom.http.request import Request
from backroom.http.response import Response, json_response
from backroom.http.router import Router
from backroom.http.static import PublicFolder
from backroom.orm.reach import Store
from backroom.orm.session import Db, join
from backroom.resources.catalog import Catalog
from backroom.resources.nodes import CallerValue
from backroom.rest.actions import addresses
from backroom.rest.batch import ADDRESS as BATCH
from backroom.rest.batch import Batch
from backroom.rest.custom import CustomEndpoint
from backroom.rest.custom_steps import CustomSteps
from backroom.rest.endpoint import Endpoint
from backroom.rest.faces import FACES, POSTGREST
from backroom.rest.function_steps import FunctionSteps
from backroom.rest.hints import hints
from backroom.rest.idempotency import Idempotency
from backroom.rest.openapi import document
from backroom.rest.pipeline import Handler, Pipeline
from backroom.rest.reference import CONTENT_SECURITY_POLICY, pages
from backroom.rest.steps import Steps
from backroom.rules.authorize import Rules
from backroom.settings import Settings
from backroom.sql.checks import add_checks
from backroom.sql.tables import Tables

OWNS = ("/api", "/auth/v1", "/rest/v1", "/health", "/openapi.json", "/docs")
log = logging.getLogger("backroom")


class Declared(Protocol):
    """What an App says beside its resources."""

    title: str
    description: str
    version: str
    public: str
    spa: bool
    folder: Path
    endpoints: list[tuple[CustomEndpoint, bool]]
    mounts: list[tuple[str, ASGIApp]]
    seeds: list[Any]


class Backend:
    """One running app: `door` is its ASGI application, `store` its data with rules. `start()` before the first request, `stop()` after the last."""

    def __init__(self, catalog: Catalog, settings: Settings, declared: Declared) -> None:
        self.catalog, self.settings, self.declared = catalog, settings, declared
        self.database = connect(settings)
        tables = Tables(catalog, self.database.name)
        add_checks(tables)
        rules = Rules(catalog, self.database.name)
        _require_verified_email(rules, declared, settings)
        self.store = join(Store(self.database, catalog, tables, rules))
        self.auth = Auth(self.store, settings)
        self.router = self._routes()
        idempotency = Idempotency(self.store, settings)
        self.pipeline = Pipeline(self.router, self.auth.authenticate, idempotency, hints(self.store) if settings.DEVELOPMENT else None)
        public = _public(declared, getattr(self.database, "path", None))
        self.door = Door(
            self.pipeline.answer,
            settings,
            owns=OWNS,
            mounts=[(path, self._lent(mounted)) for path, mounted in declared.mounts],
            static=PublicFolder(public, spa=declared.spa) if public is not None else None,
            on_start=self.start,
            on_stop=self.stop,
        )
        self.is_open = False

    async def start(self) -> None:
        """Open the database, bring the tables to the declarations, read the keys. Raises `SettingsError`, `DeclarationError`."""
        if self.is_open:
            return
        await self.database.open()
        try:
            done = await prepare(self.database, self.store.tables.metadata, allow="additive" if self.settings.DEVELOPMENT else "create")
            for step in done:
                log.info("%s", step)
            await self.auth.open()
            self.is_open = True
            if done and self.settings.DEVELOPMENT:
                await self._seed()
        except BaseException:
            await self.database.close()
            raise

    async def stop(self) -> None:
        """Finish what is being written, then let go of the database."""
        if self.is_open:
            self.is_open = False
            await self.auth.close()
            await self.database.close()

    async def _seed(self) -> None:
        rows = await self.database.read("SELECT count(*) FROM users")
        if not rows[0][0]:
            for seed in self.declared.seeds:
                await seed(Db(self.store, Actor.TRUSTED))

    # ------------------------------------------------------------ addresses
    def _routes(self) -> Router[Steps | Handler]:
        router: Router[Steps | Handler] = Router()
        for definition in self.catalog.definitions.values():
            for face in FACES:
                for method, path, steps in addresses(Endpoint(self.store, definition, self.settings, face)):
                    router.add(method, path, steps)
        for endpoint in self.auth.endpoints:
            router.add(endpoint.method, endpoint.path, _without_parameters(endpoint.answer))
        router.add("GET", "/health", _alive)
        router.add("GET", "/health/ready", self._ready)
        router.add("POST", BATCH, Batch(router.route, self.store, self.settings))
        self._reference(router)
        for custom, replaces in _answering(self.declared):
            own = CustomSteps(custom, self.store, self.settings)
            try:
                router.add(custom.method, custom.path, own, replaces=replaces)
                if custom.path.startswith("/api/rpc/"):
                    router.add(custom.method, POSTGREST.prefix + custom.path.removeprefix("/api"), FunctionSteps(custom, self.store, self.settings))
            except DeclarationError as error:
                raise custom.error(str(error)) from None
        return router

    def _reference(self, router: Router[Steps | Handler]) -> None:
        """/openapi.json, described when somebody first asks, and the /docs that reads it."""
        if not self.settings.API_DOCS:
            return
        router.add("GET", "/openapi.json", self._openapi)
        for path, (kind, content) in pages().items():
            headers = [
                (b"content-type", kind.encode()),
                (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
                (b"cache-control", b"no-cache"),
            ]
            router.add("GET", path, _constant(Response(200, headers, content)))

    async def _openapi(self, _request: Request, _parameters: Mapping[str, str]) -> Response:
        return json_response(self.openapi)

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of all that this app answers."""
        declared = self.declared
        custom = [endpoint for endpoint, _ in _answering(declared)]
        return document(
            self.catalog, self.settings, title=declared.title, description=declared.description, version=declared.version, endpoints=custom
        )

    async def _ready(self, _request: Request, _parameters: Mapping[str, str]) -> Response:
        await self.database.read("SELECT 1")
        return json_response({"status": "ready"})

    def _lent(self, mounted: ASGIApp) -> ASGIApp:
        """A mounted app finds us in its scope, so that `current_user` works inside it."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await mounted({**scope, "backroom": self}, receive, send)

        return app


def _answering(declared: Declared) -> list[tuple[CustomEndpoint, bool]]:
    """The app's endpoints and functions. Where it says itself what a GET does, no function is asked by GET."""
    said = {(endpoint.method, endpoint.path) for endpoint, _ in declared.endpoints if not endpoint.reads_only}
    return [each for each in declared.endpoints if not each[0].reads_only or ("GET", each[0].path) not in said]


def _public(declared: Declared, database: str | None) -> Path | None:
    """The folder served at `/`, if there is one. Raises `DeclarationError` where everybody could fetch the app's code or its database there."""
    folder = (declared.folder / declared.public).resolve()
    if not folder.is_dir():
        return None
    cure = "give the pages a folder of their own, like App(public='public')"
    if declared.folder.resolve().is_relative_to(folder):
        raise DeclarationError(f"App(public={declared.public!r}) would serve {declared.folder} to everybody, the app's own code too; {cure}.")
    if database is not None and Path(database).resolve().is_relative_to(folder):
        raise DeclarationError(f"DATABASE_URL names a file inside {folder}, which is served to everybody; write another path, or {cure}.")
    return folder


def _require_verified_email(rules: Rules, declared: Declared, settings: Settings) -> None:
    """A rule about `me.email` is worth nothing while anybody may claim any address (RULES.md, 12)."""
    email = CallerValue("email")
    asking = [*rules.asking(email), *(f"{each.method} {each.path}" for each, _ in declared.endpoints if each.asks(email))]
    if asking and not settings.CONFIRM_EMAIL:
        sentence = (
            f"The rules of {', '.join(asking)} ask me.email, but CONFIRM_EMAIL is off, so anybody can claim any address; set CONFIRM_EMAIL=on "
            "(no mail is sent yet: addresses of `backroom user add` alone count then)."
        )
        if not settings.DEVELOPMENT:
            raise SettingsError(sentence)
        log.warning("%s", sentence)


def _constant(response: Response) -> Handler:
    async def handler(_request: Request, _parameters: Mapping[str, str]) -> Response:
        return response

    return handler


async def _alive(_request: Request, _parameters: Mapping[str, str]) -> Response:
    return json_response({"status": "ok"})


def _without_parameters(answer: Any) -> Handler:
    async def handler(request: Request, _parameters: Mapping[str, str]) -> Response:
        response: Response = await answer(request)
        return response

    return handler
