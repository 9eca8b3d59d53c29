"""Several requests as one: all or none, in one transaction, each judged after the one before (RULES.md, 34)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from backroom.calls import Actor
from backroom.database.database import SerializationFailure
from backroom.errors import Fault, Problem
from backroom.http.paths import decode_path
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Header, Response
from backroom.http.router import Match
from backroom.orm.reach import Channel, ReadOnly, Store
from backroom.orm.writes import in_transaction
from backroom.resources.hooks import MAX_SECONDS
from backroom.rest.batch_items import Item, ItemReader
from backroom.rest.custom_steps import CustomSteps
from backroom.rest.endpoint import Call
from backroom.rest.preconditions import require_acceptable, require_json, require_no_query
from backroom.rest.steps import ResourceSteps, Steps
from backroom.settings import Settings
from backroom.validation.faults import refusal

ADDRESS = "/api/batch"
#: What the batch's own reply says already, or what no script may read.
_LEFT_OUT = frozenset((b"content-type", b"cache-control", b"vary", b"set-cookie"))


class Part(NamedTuple):
    """One item on its way."""

    steps: Steps
    call: Call


class Batch(Steps):
    """POST /api/batch: `[{"method": "POST", "path": "/api/todos", "body": {...}}, ...]`

    The caller of every item is the caller of the batch, who is authenticated once. All items are read, and asked of their callers, before the
    first one runs.
    """

    def __init__(self, route: Callable[[str, str], Match[Any]], store: Store, settings: Settings) -> None:
        self._route, self._store = route, store
        self._items = ItemReader(settings)
        self._largest = settings.MAX_REPLY_BYTES

    def authorize(self, actor: Actor) -> None:
        """Anybody may send one: each item asks its own rule."""

    async def authorize_parts(self, call: Call) -> None:
        call.given = await self._authorized(call)

    async def _authorized(self, call: Call) -> list[Part]:
        require_acceptable(call.request)
        require_no_query(call.request)
        require_json(call.request)
        parts = self._routed(call, self._items.read(await call.request.body()))
        for index, part in enumerate(parts):
            try:
                part.call.grant = part.steps.authorize(call.actor)
            except Problem as problem:
                raise of_item(problem, index) from None
        return parts

    def _routed(self, call: Call, items: Sequence[Item]) -> list[Part]:
        parts: list[Part] = []
        faults: list[Fault] = []
        lost: Problem | None = None
        for index, item in enumerate(items):
            try:
                path = decode_path(item.path)
                steps, parameters = self._route(item.method, path)
            except Problem as problem:
                lost = lost or of_item(problem, index)
                continue
            if not isinstance(steps, ResourceSteps | CustomSteps) or (isinstance(steps, CustomSteps) and steps.custom.reads_only):
                sentence = f"{item.method} {path[:100]} can't be part of a batch: resources, endpoints and functions (by POST) can."
                faults.append(Fault("path", "unavailable", sentence, index))
                continue
            request = call.request.part(item.method, path, item.path, item.query, item.headers, item.body)
            parts.append(Part(steps, Call(request, call.actor, parameters)))
        if faults:
            raise refusal(faults)
        if lost is not None:
            raise lost
        return parts

    async def validate(self, call: Call) -> None:
        parts: list[Part] = call.given if call.given is not None else await self._authorized(call)
        for index, part in enumerate(parts):
            try:
                await part.steps.validate(part.call)
                part.steps.statement(part.call)
            except Problem as problem:
                raise of_item(problem, index) from None
        call.given = parts

    def statement(self, call: Call) -> None:
        """Each item has its own."""

    async def run(self, call: Call) -> None:
        parts: list[Part] = call.given

        async def work(channel: Channel) -> list[Response]:
            return await self._answers(parts, channel)

        reads = all(part.call.request.method == "GET" and isinstance(part.steps, ResourceSteps) for part in parts)
        if reads and call.channel is None:
            call.result = await self._read(work)
        else:
            call.result = await in_transaction(self._store, call.channel, work)

    async def _read(self, work: Callable[[Channel], Any]) -> list[Response]:
        """Reads alone keep nobody from writing: they see one moment, and may take as long as a transaction."""
        try:
            async with asyncio.timeout(MAX_SECONDS), self._store.database.snapshot() as reader:
                replies: list[Response] = await work(ReadOnly(reader))
                return replies
        except TimeoutError:
            raise Problem("app.timeout") from None

    async def _answers(self, parts: Sequence[Part], channel: Channel) -> list[Response]:
        replies: list[Response] = []
        size = 0
        for index, (steps, part) in enumerate(parts):
            part.channel = channel
            try:
                await steps.run(part)
                replies.append(steps.respond(part))
                size += len(replies[-1].body)
                if size > self._largest:
                    raise Problem("rest.reply_too_large", f"The replies of a batch may have {self._largest:,} bytes (MAX_REPLY_BYTES). Ask for less.")
            except SerializationFailure:  # the whole batch runs again
                raise
            except Problem as problem:
                raise of_item(problem, index) from None
        return replies

    def respond(self, call: Call) -> Response:
        replies: list[Response] = call.result
        cookies = [each for reply in replies for each in reply.headers if each[0] == b"set-cookie"]
        return Response(200, [JSON, PRIVATE, VARY_CREDENTIALS, *cookies], msgspec.json.encode([_shown(reply) for reply in replies]))


def of_item(problem: Problem, index: int) -> Problem:
    """The refusal of one item, as the batch's: `row` says which. The row of an array goes to the front of the field's path."""
    faults = [replace(fault, row=index, field=_place(fault)) for fault in problem.errors]
    return Problem(
        problem.code,
        problem.sentence,
        errors=faults or [Fault(None, problem.code, problem.sentence, index)],
        headers=problem.headers,
        status=problem.status,
        title=problem.title,
        details=problem.details,
        hint=problem.hint,
    )


def _place(fault: Fault) -> str | None:
    if fault.row is None:
        return fault.field
    return str(fault.row) if fault.field is None else f"{fault.row}.{fault.field}"


def _shown(reply: Response) -> dict[str, Any]:
    return {"status": reply.status, "headers": _texts(reply.headers), "body": msgspec.Raw(reply.body) if reply.body else None}


def _texts(headers: Sequence[Header]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, value in headers:
        if name not in _LEFT_OUT:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            told[key] = f"{told[key]}, {text}" if key in told else text
    return told
