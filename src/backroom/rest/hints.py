"""In development, on this machine: a refusal says which rule refused and which value made it false. In production never."""

from __future__ import annotations

import ipaddress

from backroom.errors import Problem
from backroom.http.origin import is_loopback
from backroom.http.request import Request
from backroom.orm.reach import Store
from backroom.rest.endpoint import Call
from backroom.rest.pipeline import Tell
from backroom.rest.steps import ResourceSteps, Steps
from backroom.rules.explain import Explainer

_FORWARDED = frozenset((b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"))
_REFUSALS = frozenset(("rules.forbidden", "rest.not_found", "auth.required"))


def hints(store: Store) -> Tell:
    """What fills `hint` of a refusal. It shows values that the caller may not read: that is the point of it."""
    explainer = Explainer(store.tables, store.database.read)

    async def tell(problem: Problem, steps: Steps, call: Call) -> None:
        if problem.code not in _REFUSALS or problem.hint is not None or not _is_local(call.request) or not isinstance(steps, ResourceSteps):
            return
        endpoint = steps.endpoint
        try:
            key = endpoint.key(call.parameters["id"]) if "id" in call.parameters else None
        except Problem:
            problem.hint = f"{call.parameters['id']!r} can't be a key of {endpoint.definition.name}, so there is no such row."
            return
        problem.hint = (await explainer.explain(endpoint.definition, steps.action, call.actor, key)).hint()

    return tell


def _is_local(request: Request) -> bool:
    """Asked by this machine, under its own name: neither through a proxy, nor by a page whose name somebody points here (DNS rebinding)."""
    if not _FORWARDED.isdisjoint(request.headers) or not is_loopback(f"http://{request.headers.get(b'host', b'').decode('latin-1')}"):
        return False
    client = request.scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
