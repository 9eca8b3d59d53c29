"""`backroom where`: the rooms that a request walks through, their files, and the SQL."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backroom.cli.options import Refused, request_of

if TYPE_CHECKING:
    from backroom.backend import Backend
    from backroom.calls import Unit
    from backroom.rest.steps import ResourceSteps

USAGE = "backroom where [APP] METHOD PATH, like: backroom where GET /api/todos/42"


def where(
    request: Annotated[list[str], typer.Argument(metavar="[APP] METHOD PATH", help="The request in question, like GET /api/todos/42.")],
) -> None:
    """Show where a request is answered: rooms, files, and the SQL for somebody signed in."""
    app, method, path = request_of(request, USAGE)
    asyncio.run(_where(app, "GET" if method == "HEAD" else method, path))


async def _where(app: str, method: str, path: str) -> None:
    from backroom.cli.trial import trial
    from backroom.errors import Problem
    from backroom.rest.steps import ResourceSteps

    async with trial(app) as tried:
        try:
            found = tried.backend.router.route(method, path.partition("?")[0])
        except Problem as problem:
            raise Refused(f"{method} {path}: {problem.sentence} Addresses are listed by: backroom openapi {app}") from None
        steps = found.endpoint
        if not isinstance(steps, ResourceSteps):
            print(f"{method} {path} is answered by {_own_code(tried.backend, method, path.partition('?')[0]) or _file_of(steps)}")
            return
        definition, owner = steps.endpoint.definition, tried.caller("owner")
        recorder = Recorder(tried.backend.store.database)
        key = owner.id if definition.name == "users" else await tried.samples.stored(definition, owner.id)
        body = (
            await tried.samples.body(definition, owner.id)
            if method in ("POST", "PUT")
            else tried.samples.change(definition)
            if method == "PATCH"
            else None
        )
        tried.backend.store.database = recorder  # type: ignore[assignment]
        query = f"?{path.partition('?')[2]}" if "?" in path else ""
        address = f"/api/{definition.name}/{key}" if "id" in found.parameters else f"/api/{definition.name}"
        await owner.http.request(method, address + query, json=body) if body is not None else await owner.http.request(method, address + query)
        for line in _rooms(steps):
            print(line)
        for text in dict.fromkeys(recorder.texts):
            print(f"  {text}".replace("\n", "\n  "))


def _rooms(steps: ResourceSteps) -> list[str]:
    from backroom.auth import authenticate
    from backroom.http import router
    from backroom.resources.definition import where as place_of
    from backroom.resources.nodes import write
    from backroom.rest import pipeline
    from backroom.validation import bodies, queries

    definition, action = steps.endpoint.definition, steps.action
    reader = queries if action == "read" else bodies
    return [
        f"http        {router.__file__}",
        f"rest        {pipeline.__file__}, then {type(steps).__name__} in {inspect.getsourcefile(type(steps))}",
        f"auth        {authenticate.__file__}",
        f"rules       {place_of(definition.cls, 'access')}: {action}={write(definition.access.of(action))}",
        f"validation  {reader.__file__}; fields of {place_of(definition.cls)}",
        f"database    {steps.endpoint.store.database.name}, asked this for somebody signed in:",
    ]


def _own_code(backend: Backend, method: str, path: str) -> str | None:
    """The app's function at this address; literal segments win, as in the router."""
    fitting = [
        each for each, _ in backend.declared.endpoints if each.method == method and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", each.path), path)
    ]
    if not fitting:
        return None
    code = inspect.unwrap(min(fitting, key=lambda each: each.path.count("{")).function).__code__
    return f"{code.co_name} in {code.co_filename}:{code.co_firstlineno}"


def _file_of(handler: Any) -> str:
    code = getattr(handler, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else f"{type(handler).__module__}.{type(handler).__name__}"


class Recorder:
    """A database that notes what it is asked."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> Any:
        self.texts.append(text)
        return await self._database.read(text, parameters)

    async def write(self, unit: Callable[[], Unit[Any]], *, single: bool = False) -> Any:
        return await self._database.write(lambda: self._noted(unit()), single=single)

    def snapshot(self) -> AbstractAsyncContextManager[Any]:
        context: AbstractAsyncContextManager[Any] = self._database.snapshot()
        return context

    def _noted(self, unit: Unit[Any]) -> Unit[Any]:
        rows: Any = None
        try:
            while True:
                ask = unit.send(rows)
                self.texts.append(ask.text)
                rows = yield ask
        except StopIteration as done:
            return done.value
