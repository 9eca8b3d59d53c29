"""The action that creates: one row or many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from backroom.calls import Actor
from backroom.errors import Fault, Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Header, Response
from backroom.orm import writes
from backroom.orm.reach import Channel
from backroom.orm.refusals import label
from backroom.orm.rows import new_key
from backroom.orm.upserts import Put, Upsert
from backroom.resources.access import Action
from backroom.rest.asked import Asked
from backroom.rest.endpoint import Call, Endpoint
from backroom.rest.negotiation import CONTENT_TYPES, form_of, require_one
from backroom.rest.preconditions import require_json, require_unconditional
from backroom.rest.preferences import Preferences
from backroom.rest.steps import Written
from backroom.rules.authorize import refusal as refused
from backroom.validation.faults import refusal
from backroom.validation.queries import Query
from backroom.validation.strict_json import is_array, is_object

_REPLY: list[Header] = [PRIVATE, VARY_CREDENTIALS]


class Create(Written):
    """POST /api/todos: an object, or an array of them, all or none; with `Prefer: resolution=...`, into the place that a unique key says"""

    action: Action = "create"

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._plain = Asked(Query(), Preferences(), "array", endpoint.face.returns)

    async def validate(self, call: Call) -> None:
        endpoint, request, rights = self._endpoint, call.request, call.grant.rights
        require_unconditional(request)
        plain = not request.query and b"prefer" not in request.headers and form_of(request) == "array"
        asked = call.query = self._plain if plain else Asked.read(endpoint, request, call.actor, rights)
        require_json(request)
        takes = endpoint.takes(rights, "create")
        if not endpoint.required <= takes:
            raise refused(call.actor)  # every row needs a field that doesn't exist for this caller, so he can make none
        by_key = asked.place is not None and endpoint.definition.key in asked.place
        try:
            sent = endpoint.bodies.read_many(await request.body(), "create", takes)
        except Problem as problem:
            named = takes if asked.named is None else takes.intersection(asked.named)
            raise _with_not_given(problem, endpoint, await request.body(), call.actor, named, by_key=by_key) from None
        call.key = isinstance(sent, list)
        rows = asked.only_named(sent if isinstance(sent, list) else [sent])
        faults = [
            fault for index, row in enumerate(rows) for fault in not_given(endpoint, row, call.actor, index if call.key else None, by_key=by_key)
        ]
        faults += _without_key(endpoint, rows) if endpoint.definition.options.client_key else ()
        if faults:
            raise refusal(faults)
        if asked.form == "object":
            require_one(len(rows))
        given = [frozenset(row) for row in rows]
        moment = datetime.now(UTC)
        complete = [endpoint.bodies.complete(row, caller=call.actor.id, moment=moment) for row in rows]
        if endpoint.definition.key.kind == "uuid" and asked.place is None:
            for row in complete:
                row.setdefault("id", new_key())
        call.given = (complete, given)

    def statement(self, call: Call) -> None:
        call.plan = call.query.plan(self._endpoint, call.grant.rights)

    async def run(self, call: Call) -> None:
        if call.query.query.selection is None:
            call.result = await self._put(call, call.channel)
            return

        async def work(within: Channel) -> Put:
            put = await self._put(call, within)
            shown = await call.query.shown(self._endpoint, call.actor, put.rows, within)
            return put._replace(rows=shown, visible=[row is not None for row in shown])

        call.result = await writes.in_transaction(self._endpoint.store, call.channel, work)

    async def _put(self, call: Call, channel: Channel | None) -> Put:
        rows, given = call.given
        endpoint, asked, projection = self._endpoint, call.query, call.plan.projection
        if not rows:
            return Put([], [], 0)
        if asked.place is not None:
            upsert = Upsert(endpoint.store, endpoint.definition, call.actor, asked.place, ignore=asked.wishes.resolution == "ignore-duplicates")
            return await upsert.run(rows, given, projection, channel)
        named = frozenset(column for columns in given for column in columns)
        created = await writes.create_rows(endpoint.store, endpoint.definition, call.actor, rows, projection, named, channel, given)
        return Put(created.rows, created.visible, len(created.rows))

    def respond(self, call: Call) -> Response:
        put, representation, asked = call.result, call.plan, call.query
        status = 201 if put.created or asked.place is None or asked.wishes.resolution == "ignore-duplicates" else 200
        shown = [row for row, visible in zip(put.rows, put.visible, strict=True) if visible]
        headers = [*_REPLY, *asked.wishes.applied("return", "resolution", "missing", "count")]
        one = not call.key or asked.form == "object"
        if one and shown and "id" in representation.names and (asked.returns == "headers-only" or not self._endpoint.face.is_postgrest):
            headers.append((b"location", f"{self._endpoint.path}/{quote(str(_key_of(representation, shown[0])), safe='')}".encode()))
        if asked.returns != "representation":
            return Response(status, [*headers, (b"content-range", b"*/%d" % len(put.rows))], b"")
        if not one or self._endpoint.face.is_postgrest:
            headers.append((b"content-range", b"*/%d" % len(put.rows)))
        if self._endpoint.face.is_postgrest and asked.form != "object":
            return Response(status, [JSON, *headers], representation.many(shown))
        if not one:
            return Response(status, [JSON, *headers], representation.many(shown))
        if not shown:
            return Response(status, [CONTENT_TYPES[asked.form], *headers], b"{}")
        if asked.whole:
            headers.append((b"etag", representation.etag(shown[0])))
        return Response(status, [CONTENT_TYPES[asked.form], *headers], representation.one(shown[0]))


def _without_key(endpoint: Endpoint, rows: Sequence[dict[str, Any]]) -> list[Fault]:
    """Rows that lack the key which the client gives: of text always; of an array where others have it, since one statement inserts them all."""
    given = ["id" in row for row in rows]
    needed = endpoint.definition.key.kind == "text" or any(given)
    return [
        Fault("id", "required", "Id is required here.", index if len(rows) > 1 else None) for index, has in enumerate(given) if needed and not has
    ]


def not_given(endpoint: Endpoint, row: dict[str, Any], actor: Actor, index: int | None = None, *, by_key: bool = False) -> list[Fault]:
    """Columns that a new row can't be given. The caller's own id as owner is taken (and left out), since clients of Supabase send it."""
    faults: list[Fault] = []
    for column in list(row):
        field = endpoint.definition.by_column[column]
        if field.options.owner:
            if row.pop(column) != actor.id:
                faults.append(Fault(column, "read_only", f"{label(field)} is always the person who creates the row; leave it out.", index))
        elif field.name == "id" and (by_key or endpoint.definition.options.client_key):
            continue
        elif field.server_set or field.options.read_only:
            faults.append(Fault(column, "read_only", f"{label(field)} is set by the server; leave it out.", index))
    return faults


def _with_not_given(problem: Problem, endpoint: Endpoint, body: bytes, actor: Actor, takes: frozenset[str], *, by_key: bool) -> Problem:
    """The same refusal, with what can't be given in the rows that have other faults too, or beside them."""
    if not problem.errors or any(fault.field is None for fault in problem.errors if fault.row is None):  # of the body as a whole
        return problem
    tree = json.loads(body)
    told, more = {(fault.row, fault.field) for fault in problem.errors}, list[Fault]()
    for index, row in enumerate(tree) if is_array(tree) else ((None, tree),):
        sent = {column: value for column, value in row.items() if column in takes and (index, column) not in told} if is_object(row) else {}
        own = endpoint.definition.owner
        if own is not None and str(sent.get(own.column)).lower() == str(actor.id):
            del sent[own.column]
        more += not_given(endpoint, sent, actor, index, by_key=by_key)
    return refusal(sorted((*problem.errors, *more), key=lambda fault: fault.row or 0)) if more else problem


def _key_of(representation: Any, row: Any) -> Any:
    return row[representation.names.index("id")]
