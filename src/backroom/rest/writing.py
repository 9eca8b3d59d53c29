"""The actions that write: create one or many, replace, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backroom.database.containment import same
from backroom.errors import Fault, Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Header, Response
from backroom.orm import reads, writes
from backroom.orm.refusals import label
from backroom.resources.access import Action
from backroom.resources.fields import Field
from backroom.rest.creating import not_given
from backroom.rest.endpoint import Call
from backroom.rest.preconditions import must_be_new, require_acceptable, require_json, require_no_query, wanted_version
from backroom.rest.steps import Written
from backroom.rules.authorize import authorize
from backroom.sql.values import load
from backroom.validation.faults import refusal
from backroom.validation.rows import Mode, Values
from backroom.validation.wire import stored_form

_REPLY: list[Header] = [JSON, PRIVATE, VARY_CREDENTIALS]
_TRIES = 5


class Update(Written):
    """PATCH /api/todos/42 (merge)"""

    action: Action = "update"
    mode: Mode = "update"

    @property
    def creates(self) -> bool:
        """Where there is no row, this makes one."""
        return False

    async def validate(self, call: Call) -> None:
        self._address(call)
        require_json(call.request)
        must_be_new(call.request, creates=self.creates)
        call.given = await self._body(call, self.mode, "update")  # its faults come before a stale version (RULES.md, 35)
        call.version = wanted_version(call.request)

    def _address(self, call: Call) -> None:
        """Which row, and in which form the reply."""
        require_acceptable(call.request)
        endpoint = self._endpoint
        call.key = load(endpoint.definition.key.kind, endpoint.key(call.parameters["id"]), endpoint.store.dialect)
        require_no_query(call.request)

    async def _body(self, call: Call, mode: Mode, action: Action) -> Values:
        endpoint = self._endpoint
        return endpoint.bodies.read(await call.request.body(), mode, endpoint.takes(call.grant.rights, action))

    async def run(self, call: Call) -> None:
        for _ in range(_TRIES):
            changes, version = await self._changes(call)
            wanted = call.version if call.version is not None else version
            if not changes:
                call.result = await self._as_it_is(call)
                return
            endpoint = self._endpoint
            try:
                call.result = await writes.change_row(
                    endpoint.store, endpoint.definition, call.actor, call.key, changes, call.plan.projection, wanted, call.channel
                )
                return
            except Problem as problem:
                if problem.code != "rest.stale" or call.version is not None:
                    raise  # stale only against what we read ourselves a moment ago: read it again
        raise Problem("database.busy")

    async def _changes(self, call: Call) -> tuple[dict[str, Any], int | None]:
        """The columns to set. What this caller may not write is compared with what is stored: equal is left out, else refused."""
        endpoint, rights, given = self._endpoint, call.grant.rights, call.given
        fixed = [field for column in given if is_fixed(field := endpoint.definition.by_column[column]) or not rights.may("update", field).always]
        if not fixed:
            return dict(given), None
        stored, version = await self._stored(call, fixed)
        changes = dict(given)
        faults: list[Fault] = []
        for field in fixed:
            if field.column in stored and same(stored[field.column], given[field.column]):
                del changes[field.column]
            elif field.name == "updated_at":
                raise Problem("rest.stale")
            elif is_fixed(field):
                faults.append(Fault(field.column, "read_only", f"{label(field)} can't be changed; leave it out or send it as it is."))
        if faults:
            raise refusal(faults)
        return changes, version

    async def _stored(self, call: Call, fields: list[Field]) -> tuple[Mapping[str, Any], int]:
        """These cells as the caller may read them now, and the row's version."""
        endpoint = self._endpoint
        projection = reads.project(endpoint.definition, call.grant.rights, code=False, fields=fields)
        row = await reads.read_one(endpoint.store, endpoint.definition, call.actor, call.key, projection, call.channel)
        if row is None:
            raise Problem("rest.not_found")
        hidden = {field.column for position, field in enumerate(projection.conditional) if not row[len(projection.fields) + position]}
        cells = {
            field.column: load(field.kind, cell, endpoint.store.dialect)
            for field, cell in zip(projection.fields, row, strict=False)
            if field.column not in hidden
        }
        return cells, row[projection.width - 1]

    async def _as_it_is(self, call: Call) -> tuple[Any, bool]:
        """Nothing to change: the row, if this caller could change it at all."""
        from backroom.orm.updates import Revision

        endpoint = self._endpoint
        refused = await Revision(endpoint.store, endpoint.definition, call.actor, call.key, {}, call.plan.projection, call.version).explain(
            call.channel or endpoint.store.database
        )
        if refused is not None:
            raise refused
        row = await reads.read_one(endpoint.store, endpoint.definition, call.actor, call.key, call.plan.projection, call.channel)
        if row is None:
            raise Problem("rest.not_found")
        return row, True

    def respond(self, call: Call) -> Response:
        row, visible = call.result
        if not visible:
            return Response(200, list(_REPLY), b"{}")
        return Response(200, [*_REPLY, (b"etag", call.plan.etag(row))], call.plan.one(row))


def is_fixed(field: Field) -> bool:
    """Nobody's body changes it: set by the server, by code, or at create."""
    return field.server_set or field.options.read_only or field.options.immutable or field.options.owner


class Replace(Update):
    """PUT /api/todos/42: absent fields that the caller may read and write take their defaults, all others keep their value"""

    mode = "replace"

    @property
    def creates(self) -> bool:
        return self._endpoint.definition.options.client_key

    async def validate(self, call: Call) -> None:
        await super().validate(call)
        rights = call.grant.rights
        for field in self._endpoint.definition.fields:
            replaced = (
                field.writable and not field.options.immutable and field.readable and rights.sees(field).always and rights.may("update", field).always
            )
            if replaced and field.column not in call.given and not field.caller_default:
                call.given[field.column] = _default(field)

    async def run(self, call: Call) -> None:
        call.created = False
        if must_be_new(call.request, creates=self.creates):
            await self._create(call, Problem("rest.stale", "There is a row with this id already."))
            return
        try:
            await super().run(call)
        except Problem as problem:
            if problem.code != "rest.not_found" or not self.creates:
                raise
            if b"if-match" in call.request.headers:
                raise Problem("rest.stale", "There is no row with this id (any more).") from None
            try:
                await self._create(call, problem)
            except Problem as taken:
                if taken is not problem:
                    raise
                await super().run(call)  # somebody has created it meanwhile, or it is there and out of sight

    async def _create(self, call: Call, taken: Problem) -> None:
        """`taken`: what to answer when there is a row with this key, seen or unseen."""
        endpoint = self._endpoint
        authorize("create", call.grant, call.actor)
        sent = await self._body(call, "create", "create")
        if "updated_at" in sent:
            raise Problem("rest.stale", "The row that you read is gone.")
        faults = not_given(endpoint, sent, call.actor)
        if sent.setdefault("id", call.key) != call.key:
            faults.append(Fault("id", "read_only", "Id is not the one of the address; leave it out."))
        if faults:
            raise refusal(faults)
        row = endpoint.bodies.complete(sent, caller=call.actor.id, moment=datetime.now(UTC))
        try:
            created = await writes.create_rows(
                endpoint.store, endpoint.definition, call.actor, [row], call.plan.projection, frozenset(sent), call.channel
            )
        except Problem as problem:
            if problem.code == "database.unique" and all(fault.field == "id" for fault in problem.errors):
                raise taken from None
            raise
        call.created = True
        call.result = (created.rows[0], created.visible[0])

    def respond(self, call: Call) -> Response:
        response = super().respond(call)
        return response._replace(status=201) if call.created else response


class Delete(Written):
    """DELETE /api/todos/42"""

    action: Action = "delete"

    async def validate(self, call: Call) -> None:
        endpoint = self._endpoint
        call.key = load(endpoint.definition.key.kind, endpoint.key(call.parameters["id"]), endpoint.store.dialect)
        require_no_query(call.request)
        call.version = wanted_version(call.request)
        must_be_new(call.request, creates=False)

    async def run(self, call: Call) -> None:
        endpoint = self._endpoint
        await writes.remove_rows(endpoint.store, endpoint.definition, call.actor, call.key, call.channel, if_version=call.version)

    def respond(self, call: Call) -> Response:  # noqa: ARG002 - as every endpoint is asked
        return Response(204, [PRIVATE, VARY_CREDENTIALS], b"")


def _default(field: Field) -> Any:
    return stored_form(field, field.default_value())
