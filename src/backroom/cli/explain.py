"""`backroom explain`: why somebody may, or may not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from backroom.cli.options import Refused, opened, request_of

if TYPE_CHECKING:
    from backroom.backend import Backend
    from backroom.calls import Actor

OUTCOMES = {True: "permitted", False: "refused", None: "depends on the row"}
USAGE = "backroom explain [APP] --as EMAIL METHOD PATH, like: backroom explain --as ann@example.com DELETE /api/todos/42"


def explain(
    request: Annotated[list[str], typer.Argument(metavar="[APP] METHOD PATH", help="The request in question, like GET /api/todos/42.")],
    email: Annotated[str | None, typer.Option("--as", metavar="EMAIL", help="Who asks; left out, somebody signed out.")] = None,
) -> None:
    """Say why a request is permitted or refused: each part of the rule with its values."""
    app, method, path = request_of(request, USAGE)
    raise typer.Exit(0 if asyncio.run(_explain(app, email, method, path)) else 1)


async def _explain(app: str, email: str | None, method: str, path: str) -> bool:
    from backroom.errors import Problem
    from backroom.rest.steps import ResourceSteps
    from backroom.rules.explain import Explainer

    async with opened(app) as backend:
        try:
            steps, parameters = backend.router.route("GET" if method == "HEAD" else method, path.partition("?")[0])
        except Problem as problem:
            raise Refused(f"{method} {path}: {problem.sentence} Addresses are listed by: backroom openapi {app}") from None
        if not isinstance(steps, ResourceSteps):
            raise Refused(f"{method} {path} is no action of a resource, so no rule of one is asked; its own code decides")
        actor = await _caller(backend, email)
        try:
            key = steps.endpoint.key(parameters["id"]) if "id" in parameters else None
        except Problem:
            raise Refused(f"{parameters['id']!r} can't be a key of {steps.endpoint.definition.name}, so there is no such row: 404") from None
        definition, action = steps.endpoint.definition, steps.action
        found = await Explainer(backend.store.tables, backend.store.database.read).explain(definition, action, actor, key)
        for line in found.lines():
            print(line)
        permitted: bool | None = found.permitted
        if key is None:  # no row yet: what is known of the caller alone may settle it
            predicate = backend.store.rules.grant(definition.name, actor).rights.actions[action]
            permitted = True if predicate.always else False if predicate.never else None
        print(f"{method} {path} by {email or 'somebody signed out'}: {OUTCOMES[permitted]}")
        return permitted is not False


async def _caller(backend: Backend, email: str | None) -> Actor:
    from backroom.auth.administration import list_users
    from backroom.calls import Actor

    if email is None:
        return Actor.ANYONE
    account = next((each for each in await list_users(backend.store) if each.email == email.strip().lower()), None)
    if account is None:
        raise Refused(f"There is nobody with the email {email}. Everybody is listed by: backroom user list")
    counts = account.confirmed is not None or not backend.settings.CONFIRM_EMAIL
    return Actor(id=account.user_id, email=account.email if counts else None, roles=account.roles, claims=account.app_metadata)
