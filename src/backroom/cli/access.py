"""`backroom access`: who may do what, derived from the declarations and tried at the real door."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import typer

from backroom.cli.options import AppPath, Refused

if TYPE_CHECKING:
    from backroom.cli.trial import Caller, Trial
    from backroom.resources.access import Action
    from backroom.resources.definition import Definition

METHODS: Mapping[Action, str] = {"create": "POST", "read": "GET", "update": "PATCH", "delete": "DELETE"}


class Outcome(NamedTuple):
    """What came back, and what the rule's own evaluation says. `status` None: there is nothing to try."""

    status: int | None
    expected: bool

    @property
    def permitted(self) -> bool:
        return self.status is not None and self.status < 300

    @property
    def contradicts(self) -> bool:
        """A hook's or a constraint's refusal of what the rules permit is not their business."""
        if self.status is None or (self.status in (400, 409, 412, 429) and self.expected):
            return False
        return self.permitted is not self.expected or self.status >= 500


def access(app: AppPath = "app.py") -> None:
    """Print who may do what, tried on a temporary database; exit code 1 if an outcome contradicts its rule."""
    raise typer.Exit(asyncio.run(_access(app)))


async def _access(app: str) -> int:
    from rich.console import Console
    from rich.markup import escape

    from backroom.cli.trial import trial
    from backroom.cli.warnings import warnings

    console, contradictions, left_out = Console(), list[str](), list[str]()
    async with trial(app) as tried:
        definitions = [each for each in tried.backend.catalog.definitions.values() if each.name != "users"]
        for definition in [*definitions, tried.backend.catalog.definitions["users"]]:
            try:
                outcomes: dict[tuple[str, Action], Outcome] = {
                    (caller.name, action): await _outcome(tried, definition, caller, action) for action in METHODS for caller in tried.callers
                }
            except Refused as refused:
                left_out.append(f"{definition.name} was not tried: {refused}")
                continue
            console.print(_table(definition, outcomes))
            contradictions += [
                f"{definition.name}: {action} by {caller} was answered {outcome.status}, but its rule says {'yes' if outcome.expected else 'no'}"
                for (caller, action), outcome in outcomes.items()
                if outcome.contradicts
            ]
        notes = warnings(tried.backend.catalog)
    for line in (*left_out, *notes):
        console.print(f"note: {escape(line)}", soft_wrap=True, highlight=False)
    for line in contradictions:
        console.print(f"error: {escape(line)}", soft_wrap=True, highlight=False)
    return 1 if contradictions else 0


def _table(definition: Definition, outcomes: Mapping[tuple[str, Action], Outcome]) -> object:
    from rich.markup import escape
    from rich.table import Table

    from backroom.cli.trial import CALLERS
    from backroom.resources.nodes import write

    table = Table("", *CALLERS, "rule", title=definition.name, title_justify="left")
    for action in METHODS:
        cells = [_cell(outcomes[caller, action]) for caller in CALLERS]
        node = definition.access.of(action)
        table.add_row(action, *cells, escape(write(node)))
    return table


def _cell(outcome: Outcome) -> str:
    if outcome.status is None:
        return "-"
    if outcome.contradicts:
        return f"[bold red]{outcome.status} ![/]"
    return "[green]yes[/]" if outcome.permitted else f"[dim]no {outcome.status}[/]"


async def _outcome(tried: Trial, definition: Definition, caller: Caller, action: Action) -> Outcome:
    path = f"/api/{definition.name}"
    if action == "create":
        return await _created(tried, definition, caller, path)
    body = tried.samples.change(definition) if action == "update" else None
    if action == "update" and body is None:
        return Outcome(None, False)
    key = await _target(tried, definition, caller, action)
    expected = await _permits(tried, definition, caller, action, key)
    reply = (
        await caller.http.request(METHODS[action], f"{path}/{key}", json=body)
        if body is not None
        else await caller.http.request(METHODS[action], f"{path}/{key}")
    )
    return Outcome(reply.status_code, expected)


async def _target(tried: Trial, definition: Definition, caller: Caller, action: Action) -> object:
    """A row of the owner's. Of people he is one himself, until it comes to deleting."""
    from backroom.cli.trial import person

    owner = tried.caller("owner")
    if definition.name != "users":
        return await tried.samples.stored(definition, owner.id)
    if action == "delete" and caller is not owner:
        return await person(tried.backend, tried.samples, f"{caller.name.replace(' ', '-')}-s-target@example.com")
    return owner.id


async def _permits(tried: Trial, definition: Definition, caller: Caller, action: Action, key: object) -> bool:
    from backroom.rules.explain import Explainer
    from backroom.sql.values import store

    backend = tried.backend
    explainer = Explainer(backend.store.tables, backend.store.database.read)
    return (await explainer.explain(definition, action, caller.actor, store(definition.key.kind, key, backend.store.dialect))).permitted


async def _created(tried: Trial, definition: Definition, caller: Caller, path: str) -> Outcome:
    from backroom.orm.creates import Creation
    from backroom.sql.select import Projection

    store, owner = tried.backend.store, tried.caller("owner")
    grant = store.rules.grant(definition.name, caller.actor)
    body = await tried.samples.body(definition, owner.id)
    expected = not grant.rights.actions["create"].never
    if expected:
        row = await tried.samples.row(definition, owner.id)
        row |= {field.column: caller.id for field in definition.fields if field.caller_default}
        creation = Creation(store, definition, caller.actor, [row], Projection((definition.key,), version=False), frozenset(body))
        expected = await creation.explain(store.database, rule_only=True) is None
    reply = await caller.http.post(path, json=body)
    return Outcome(reply.status_code, expected)
