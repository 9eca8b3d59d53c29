"""The two actions that read: one row, and a list."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import nullcontext
from typing import Any

from backroom.calls import Actor
from backroom.errors import Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Header, Response
from backroom.orm import reads
from backroom.resources.access import Action
from backroom.rest.cursors import bound
from backroom.rest.endpoint import Call, Endpoint
from backroom.rest.listing import Listing, listed, only_reading, without_cursor
from backroom.rest.negotiation import form_of, require_one, span_of
from backroom.rest.preconditions import require_acceptable, unchanged
from backroom.rest.preferences import preferences
from backroom.rest.representation import Representation
from backroom.rest.steps import ResourceSteps
from backroom.rules.authorize import Grant, authorize
from backroom.sql.values import load
from backroom.validation.queries import Query

_ITEM: list[Header] = [JSON, PRIVATE, VARY_CREDENTIALS]
_KEPT_QUERIES = 1024
#: Bytes of a query string whose page is kept. A longer one, with its thousands of values, would fill a megabyte, and a thousand of them the machine.
_LONGEST_KEPT = 1024


class _Read(ResourceSteps):
    action: Action = "read"

    def authorize(self, actor: Actor) -> Grant:
        grant = self._endpoint.grant(actor)
        authorize("read", grant, actor)
        return grant


class ReadOne(_Read):
    """GET /api/todos/42"""

    async def validate(self, call: Call) -> None:
        require_acceptable(call.request)
        endpoint = self._endpoint
        call.key = endpoint.key(call.parameters["id"])
        if call.request.query:
            call.query = endpoint.queries.read(call.request.query, call.grant.rights.known, others=endpoint.known_to(call.actor))
            only_reading(call.query)
            _only_select(call.query)

    def statement(self, call: Call) -> None:
        call.plan = self._endpoint.read_plan(call.actor, call.grant)

    async def run(self, call: Call) -> None:
        endpoint, statement = self._endpoint, call.plan.statement
        if call.query is not None and call.query.selection is not None:
            key = load(endpoint.definition.key.kind, call.key, endpoint.store.dialect)
            selected = await reads.read_selected(endpoint.store, endpoint.definition, call.actor, call.query.selection, [key], call.channel)
            call.result = selected[0]
        else:
            reach = endpoint.reach(call.actor)
            values = reach.bound(key=call.key) if reach.clock else {**reach.values, "key": call.key}
            rows = await (call.channel or endpoint.store.database).read(statement.text, statement.bind(values))
            call.result = rows[0] if rows else None
        if call.result is None:
            raise Problem("rest.not_found")

    def respond(self, call: Call) -> Response:
        etag, body = self._shown(call)
        self._endpoint.require_bounded(body)
        if b"if-none-match" in call.request.headers and unchanged(call.request, etag):
            return Response(304, [*_ITEM, (b"etag", etag)], b"")
        return Response(200, [*_ITEM, (b"etag", etag)], body)

    def _shown(self, call: Call) -> tuple[bytes, bytes]:
        """ETag and body."""
        representation: Representation = call.plan.representation
        query: Query | None = call.query
        if query is None or (query.columns is None and query.selection is None):
            return representation.etag(call.result), representation.one(call.result)
        if query.columns is not None:
            return representation.some(call.result, tuple(field.column for field in query.columns))
        # The counter knows nothing of other rows, which the reply shows too.
        return b'"%b"' % hashlib.sha256(call.result).hexdigest()[:32].encode(), call.result


def _only_select(query: Query) -> None:
    if query.filtered or query.order or query.limit is not None or query.offset:
        raise Problem("validation.query", "One row takes only `select=`; to filter, order or page, ask the list.")


class ReadList(_Read):
    """GET /api/todos?done=is.false&order=created_at.desc&limit=20"""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._listings: OrderedDict[Any, Listing] = OrderedDict()

    def authorize(self, actor: Actor) -> Grant:
        return self._endpoint.grant(actor) if self._endpoint.face.lists_nothing else super().authorize(actor)

    async def validate(self, call: Call) -> None:
        request, endpoint = call.request, self._endpoint
        form, wishes, span = form_of(request), preferences(request), span_of(request)
        raw, cursor = (request.query, None) if b"after=" not in request.query else without_cursor(request.query)
        proof, keys = endpoint.cursors.open(cursor) if cursor else (b"", None)
        after = None if keys is None else tuple(key is None for key in keys)
        asked = (raw, wishes, form, span, after, cursor is not None)
        listing = self._listings.get((call.grant.rights, asked))
        if listing is None or not listing.holds_for(endpoint, call.actor):
            listing = listed(endpoint, call.actor, call.grant.rights, *asked)
            if len(raw) <= _LONGEST_KEPT:
                self._listings[call.grant.rights, asked] = listing
            if len(self._listings) > _KEPT_QUERIES:
                self._listings.popitem(last=False)
        call.query = listing
        if keys is not None:
            endpoint.cursors.prove(proof, listing.context, call.actor)
            call.key = bound(listing.keys, keys, endpoint.store.dialect)

    def statement(self, call: Call) -> None:
        listing, endpoint = call.query, self._endpoint
        reach = endpoint.store.reach(endpoint.definition, call.actor, beyond=listing.beyond) if listing.beyond else endpoint.reach(call.actor)
        values: dict[str, Any] = {**reach.values, **listing.values, **(call.key or {})}
        call.given = reach.bound(**values) if reach.clock else values

    async def run(self, call: Call) -> None:
        listing, database = call.query, self._endpoint.store.database
        statement = listing.statement
        if listing.counting is None:
            call.result = (await (call.channel or database).read(statement.text, statement.bind(call.given)), None)
            return
        async with database.snapshot() if call.channel is None else nullcontext(call.channel) as reader:
            rows = await reader.read(statement.text, statement.bind(call.given))
            total = (await reader.read(listing.counting.text, listing.counting.bind(call.given)))[0][0]
        call.result = (rows, total)

    def respond(self, call: Call) -> Response:
        rows, total = call.result
        listing: Listing = call.query
        offset = listing.offset
        page = listing.page_of(rows, listing.limit)
        self._endpoint.require_bounded(page.body)
        shown = b"*" if call.key is not None or not page.length else b"%d-%d" % (offset, offset + page.length - 1)
        headers = [*listing.headers, (b"content-range", shown + (b"/*" if total is None else b"/%d" % total))]
        if page.more and page.length:  # the page after an empty one would be itself
            headers.append((b"link", self._next(call, page.last)))
        body = page.body
        if listing.form == "object":
            require_one(page.length + page.more)
            body = body[1:-1]
        return Response(self.status(offset, page.length, total), headers, body)

    def status(self, offset: int, length: int, total: int | None) -> int:
        """206 for a part of the rows that were counted. Raises `Problem` 416 for a page behind them."""
        if total is None or not self._endpoint.face.is_postgrest:
            return 200
        if offset > total:
            raise Problem("rest.range", details=f"An offset of {offset} was requested, but there are only {total} rows.")
        return 206 if length < total else 200

    def _next(self, call: Call, last: bytes | None) -> bytes:
        """The address of the next page: it begins behind the last row of this one; where an order has no such place, at an offset."""
        listing: Listing = call.query
        if not listing.keys or last is None:
            return listing.link + b'offset=%d>; rel="next"' % (listing.offset + listing.limit)
        cursor = self._endpoint.cursors.write(listing.context, call.actor, listing.last_keys(last))
        return listing.link + b'after=%b>; rel="next"' % cursor.encode()
