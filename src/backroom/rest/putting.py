"""PostgREST's way to replace one row: PUT on the list, with the row's key as the only filter."""

from __future__ import annotations

from backroom.errors import Fault, Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Response
from backroom.resources.access import Action
from backroom.rest.asked import Asked
from backroom.rest.endpoint import Call
from backroom.rest.negotiation import CONTENT_TYPES
from backroom.rest.writing import Replace
from backroom.sql.values import load
from backroom.validation.faults import refusal
from backroom.validation.parameters import split
from backroom.validation.rows import Mode, Values

_ALLOW = {"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
#: What a query may hold beside filters; what of it a write doesn't take is refused by name.
_NO_FILTERS = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict"})


class ReplaceByFilter(Replace):
    """PUT /rest/v1/todos?id=eq.42: what PUT /api/todos/42 does, answered as this face answers"""

    def _address(self, call: Call) -> None:
        endpoint = self._endpoint
        key = _only_key(call.request.query)
        call.query = Asked.read(endpoint, call.request, call.actor, call.grant.rights, filtered=True)
        if call.query.query.selection is not None:
            sentence = "PUT answers with columns alone; read relations afterwards."
            raise Problem("validation.query", sentence, errors=[Fault("select", "unavailable", sentence)])
        call.key = load(endpoint.definition.key.kind, endpoint.key(key), endpoint.store.dialect)

    async def _body(self, call: Call, mode: Mode, action: Action) -> Values:
        """An object, or an array of one; its id is the address's, if it names one."""
        endpoint = self._endpoint
        sent = endpoint.bodies.read_many(await call.request.body(), mode, endpoint.takes(call.grant.rights, action))
        if isinstance(sent, list):
            if len(sent) != 1:
                raise refusal([Fault(None, "type", "PUT takes one row: send one object.")])
            sent = sent[0]
        if sent.pop("id", call.key) != call.key:
            fault = Fault("id", "invalid", "Id is not the one of the address.")
            raise Problem("rest.other_key", fault.message, errors=[fault])
        return sent

    def statement(self, call: Call) -> None:
        call.plan = self._endpoint.representation(call.grant.rights, call.query.columns)

    def respond(self, call: Call) -> Response:
        asked, (row, visible) = call.query, call.result
        headers = [PRIVATE, VARY_CREDENTIALS, *asked.wishes.applied("return")]
        if asked.returns != "representation":
            return Response(204, headers, b"")
        status = 201 if call.created else 200
        if asked.form == "object":
            return Response(status, [CONTENT_TYPES["object"], *headers], call.plan.one(row) if visible else b"{}")
        return Response(status, [JSON, *headers], call.plan.many([row] if visible else []))


def _only_key(query: bytes) -> str:
    """The KEY of `id=eq.KEY`. Raises `Problem` 405, as PostgREST does, for any other filter."""
    filters = [each for each in split(query) if each.name not in _NO_FILTERS]
    if len(filters) != 1 or filters[0].name != "id" or not filters[0].value.startswith("eq."):
        raise Problem("rest.one_key", headers=_ALLOW)
    return filters[0].value.removeprefix("eq.")
