"""The actions on many rows by filter: update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backroom.errors import Fault, Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Response
from backroom.orm import reads, writes
from backroom.orm.bulk import change_where, remove_where
from backroom.orm.reach import Channel
from backroom.orm.refusals import label, refused_field
from backroom.orm.updates import Updated
from backroom.resources.access import Action
from backroom.resources.fields import Field
from backroom.resources.nodes import Constant, Matches, Node, Not
from backroom.resources.relations import Cell
from backroom.rest.asked import Asked
from backroom.rest.endpoint import Call
from backroom.rest.negotiation import CONTENT_TYPES
from backroom.rest.preconditions import require_json, require_unconditional
from backroom.rest.steps import Written
from backroom.rest.writing import is_fixed
from backroom.sql.normal import all_of
from backroom.validation.faults import refusal


class UpdateMany(Written):
    """PATCH /api/todos?done=is.true: every matching row that the caller may change; one that may not become that refuses all"""

    action: Action = "update"

    async def validate(self, call: Call) -> None:
        rights = call.grant.rights
        require_unconditional(call.request)
        call.query = Asked.read(self._endpoint, call.request, call.actor, rights, filtered=True)
        require_json(call.request)
        call.given = self._endpoint.bodies.read(await call.request.body(), "update", self._endpoint.takes(rights, "update"))

    def statement(self, call: Call) -> None:
        call.plan = call.query.plan(self._endpoint, call.grant.rights)

    async def run(self, call: Call) -> None:
        endpoint, rights, given = self._endpoint, call.grant.rights, call.given
        definition = endpoint.definition
        fixed = [field for column in given if is_fixed(field := definition.by_column[column]) or rights.may("update", field).never]
        if not fixed and call.query.query.selection is None:
            call.result = await self._change(call, given, call.channel)
            return

        async def work(within: Channel) -> Updated:
            await self._require_equal(call, fixed, within)
            changes = {column: given[column] for column in given if definition.by_column[column] not in fixed}
            changed = await self._change(call, changes, within)
            shown = await call.query.shown(endpoint, call.actor, changed.rows, within)
            return Updated(shown, [seen and row is not None for seen, row in zip(changed.visible, shown, strict=True)])

        call.result = await writes.in_transaction(endpoint.store, call.channel, work)

    async def _change(self, call: Call, changes: Mapping[str, Any], channel: Channel | None) -> Updated:
        endpoint, asked = self._endpoint, call.query
        where = asked.query.where
        if changes:
            projection = call.plan.projection
            return await change_where(endpoint.store, endpoint.definition, call.actor, where, changes, projection, channel, allow=asked.allow)
        rows = await reads.read_list(endpoint.store, endpoint.definition, call.actor, call.plan.projection, where, channel=channel)
        asked.allow(len(rows))
        return Updated(rows, [True] * len(rows))

    async def _require_equal(self, call: Call, fixed: list[Field], within: Channel) -> None:
        """What this caller can't change may stand in the body where it is what every matching row holds: so a row that was read can be sent back."""
        endpoint, where = self._endpoint, call.query.query.where

        async def count(condition: Node) -> int:
            return await reads.count(endpoint.store, endpoint.definition, call.actor, condition, within)

        for field in fixed:
            cell = Cell((), field, endpoint.definition.name)
            same: Node = Not(Matches("isdistinct", cell, Constant(call.given[field.column])))
            if field.kind == "json" or field.column not in call.grant.rights.known or await count(where) != await count(all_of([where, same])):
                raise self._refused(field)

    def _refused(self, field: Field) -> Problem:
        if field.name == "updated_at":
            return Problem("rest.stale")
        if not is_fixed(field):
            return refused_field(field, "changed")
        return refusal([Fault(field.column, "read_only", f"{label(field)} can't be changed; leave it out or send it as it is.")])

    def respond(self, call: Call) -> Response:
        changed, representation, asked = call.result, call.plan, call.query
        headers = [PRIVATE, VARY_CREDENTIALS, *asked.wishes.applied("return", "max-affected", "count")]
        count = len(changed.rows)
        span = b"0-%d" % (count - 1) if count and self._endpoint.face.is_postgrest else b"*"
        counted = asked.wishes.counted is not None or not self._endpoint.face.is_postgrest
        headers.append((b"content-range", span + (b"/%d" % count if counted else b"/*")))
        if asked.returns != "representation":
            return Response(204, headers, b"")
        shown = [row for row, visible in zip(changed.rows, changed.visible, strict=True) if visible]
        if asked.form == "object":
            return Response(200, [CONTENT_TYPES["object"], *headers], representation.one(shown[0]) if shown else b"{}")
        return Response(200, [JSON, *headers], representation.many(shown))


class DeleteMany(Written):
    """DELETE /api/todos?done=is.true: every matching row that the caller may delete"""

    action: Action = "delete"

    async def validate(self, call: Call) -> None:
        require_unconditional(call.request)
        call.query = Asked.read(self._endpoint, call.request, call.actor, call.grant.rights, filtered=True)

    def statement(self, call: Call) -> None:
        call.plan = call.query.plan(self._endpoint, call.grant.rights)

    async def run(self, call: Call) -> None:
        endpoint, asked = self._endpoint, call.query
        of = (endpoint.store, endpoint.definition, call.actor)
        if not self._shows(asked):
            call.result = ([], len(await remove_where(*of, asked.query.where, call.channel, allow=asked.allow)))
            return

        async def work(within: Channel) -> tuple[list[Any], int]:
            """What is deleted is shown as it was: read first."""
            keys = await reads.keys_for(*of, "delete", asked.query.where, within)
            rows = await self._rows(call, keys, within)
            removed = set(await remove_where(*of, asked.query.where, within, allow=asked.allow))
            return [row for row, key in zip(rows, keys, strict=True) if row is not None and key in removed], len(removed)

        call.result = await writes.in_transaction(endpoint.store, call.channel, work)

    async def _rows(self, call: Call, keys: list[Any], within: Channel) -> list[Any]:
        of, asked = (self._endpoint.store, self._endpoint.definition, call.actor), call.query
        if not keys:
            return []
        if asked.query.selection is None:
            return await reads.read_keys(*of, call.plan.projection, keys, within)
        texts = await reads.read_selected(*of, asked.query.selection, keys, within)
        return [None if text is None else (key, text) for key, text in zip(keys, texts, strict=True)]

    def _shows(self, asked: Asked) -> bool:
        """A delete answers with its rows where that was asked for, and only then, whatever the face."""
        return asked.wishes.returns == "representation"

    def respond(self, call: Call) -> Response:
        asked, (rows, count) = call.query, call.result
        headers = [PRIVATE, VARY_CREDENTIALS, *asked.wishes.applied("return", "max-affected", "count")]
        counted = asked.wishes.counted is not None or not self._endpoint.face.is_postgrest
        headers.append((b"content-range", b"*/%d" % count if counted else b"*/*"))
        if not self._shows(asked):
            return Response(204, headers, b"")
        if asked.form == "object":
            return Response(200, [CONTENT_TYPES["object"], *headers], call.plan.one(rows[0]) if rows else b"{}")
        return Response(200, [JSON, *headers], call.plan.many(rows))
