"""The two actions that read: one row, and a list."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlencode

from backroom.calls import Actor, Row, Statement
from backroom.errors import Problem
from backroom.http.response import JSON, PRIVATE, VARY_CREDENTIALS, Header, Response
from backroom.orm import reads
from backroom.orm.reach import reached_by
from backroom.resources.access import Action
from backroom.resources.selections import Selection
from backroom.rest.endpoint import Call, Endpoint
from backroom.rest.negotiation import CONTENT_TYPES, Form, Span, form_of, require_one, span_of
from backroom.rest.preconditions import require_acceptable, unchanged
from backroom.rest.preferences import Preferences, preferences
from backroom.rest.representation import Representation, csv_of
from backroom.rest.steps import ResourceSteps
from backroom.rules.authorize import Grant, Rights, authorize
from backroom.sql import printed
from backroom.sql.normal import normal
from backroom.sql.placeholders import lifted, lifted_selection
from backroom.sql.values import load
from backroom.validation.queries import Query

_ITEM: list[Header] = [JSON, PRIVATE, VARY_CREDENTIALS]
_KEPT_QUERIES = 1024
#: Bytes of a query string whose page is kept. A longer one, with its thousands of values, would fill a megabyte, and a thousand of them the machine.
_LONGEST_KEPT = 1024
#: What was read, and the limit -> how many rows the page has, whether more follow, and its JSON.
PageOf: TypeAlias = Callable[[Sequence[Row], int], tuple[int, bool, bytes]]


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


class _Page:
    """What one query string asks of a list, for one shape of caller: kept by its raw bytes."""

    __slots__ = ("beyond", "consulted", "count", "form", "headers", "limit", "link", "page_of", "statement", "values")

    def __init__(
        self,
        statement: Statement,
        page_of: PageOf,
        count: Statement | None,
        limit: int,
        values: Mapping[str, Any],
        link: Header,
        form: Form,
        headers: list[Header],
        beyond: tuple[str, ...] = (),
        consulted: tuple[tuple[str, Rights], ...] = (),
    ) -> None:
        self.beyond = beyond  # the other resources that the statement reads
        self.consulted = consulted  # what this caller's rights to other resources were when the names were read
        self.link = link
        self.statement = statement
        self.page_of = page_of
        self.count = count
        self.limit = limit
        self.values = values
        self.form: Form = form
        self.headers = headers


class _Asked(NamedTuple):
    """The statements that answer one query, and the values to bind; `beyond` names the other resources that they read."""

    statement: Statement
    page_of: PageOf
    counting: Statement | None
    values: Mapping[str, Any]
    beyond: tuple[str, ...]


class ReadList(_Read):
    """GET /api/todos?done=is.false&order=created_at.desc&limit=20"""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._pages: OrderedDict[Any, _Page] = OrderedDict()

    def authorize(self, actor: Actor) -> Grant:
        return self._endpoint.grant(actor) if self._endpoint.face.lists_nothing else super().authorize(actor)

    async def validate(self, call: Call) -> None:
        request = call.request
        form, wishes, span = form_of(request), preferences(request), span_of(request)
        key = (call.grant.rights, request.query, wishes.counted, form, span)
        page = self._pages.get(key)
        if page is None or any(self._endpoint.store.rules.grant(name, call.actor).rights is not rights for name, rights in page.consulted):
            page = self._page(call, wishes, form, span)
            if len(request.query) <= _LONGEST_KEPT:
                self._pages[key] = page
            if len(self._pages) > _KEPT_QUERIES:
                self._pages.popitem(last=False)
        call.query = page

    def _page(self, call: Call, wishes: Preferences, form: Form, span: Span | None) -> _Page:
        endpoint, rights, store = self._endpoint, call.grant.rights, self._endpoint.store
        query = endpoint.queries.read(call.request.query, rights.known, others=endpoint.known_to(call.actor))
        offset = query.offset if span is None else query.offset or span.offset
        limit = endpoint.page_length(query.limit if query.limit is not None or span is None else span.limit)
        asked = self._asked(call, query, form, counted=wishes.counted is not None)
        link = (b"link", self._next(call.request.query, offset + limit))
        headers = [CONTENT_TYPES[form], PRIVATE, VARY_CREDENTIALS, *wishes.applied("count")]
        values = {**asked.values, "limit": limit + 1, "offset": offset}
        consulted = tuple((name, store.rules.grant(name, call.actor).rights) for name in query.consulted)
        return _Page(asked.statement, asked.page_of, asked.counting, limit, values, link, form, headers, asked.beyond, consulted)

    def _asked(self, call: Call, query: Query, form: Form, *, counted: bool) -> _Asked:
        """The statements of a query: plain columns are the common case, and the fast one."""
        endpoint, store = self._endpoint, self._endpoint.store
        definition = endpoint.definition
        if query.selection is not None:
            return self._selected(call, query.selection, form, counted=counted)
        representation, reach = endpoint.representation(call.grant.rights, query.columns), endpoint.reach(call.actor)
        where, values = lifted(normal(query.where), store.dialect)
        asked = (store, definition, reach, representation.projection, where, query.order)
        if form == "csv":
            statement, page_of = reads.list_statement(*asked, paged=True), representation.csv_page_of
        else:
            statement, by_database = reads.page_statement(*asked)
            page_of = printed.page_of if by_database else representation.page_of
        count = reads.count_statement(store, definition, reach, where) if counted else None
        return _Asked(statement, page_of, count, values, ())

    def _selected(self, call: Call, selection: Selection, form: Form, *, counted: bool) -> _Asked:
        store, definition = self._endpoint.store, self._endpoint.definition
        asked, values = lifted_selection(selection, store.dialect)
        beyond = reached_by(asked)
        reach = store.reach(definition, call.actor, beyond=beyond)
        statement = reads.selected_statement(store, reach, asked, "page")
        count = None
        if counted and asked.grouped:
            count = reads.selected_statement(store, reach, asked, "count")
        elif counted:
            count = reads.count_statement(store, definition, reach, asked.where)
        return _Asked(statement, csv_of(asked.names) if form == "csv" else printed.page_of, count, values, beyond)

    def statement(self, call: Call) -> None:
        page, endpoint = call.query, self._endpoint
        reach = endpoint.store.reach(endpoint.definition, call.actor, beyond=page.beyond) if page.beyond else endpoint.reach(call.actor)
        values = {**reach.values, **page.values}
        call.given = reach.bound(**values) if reach.clock else values

    async def run(self, call: Call) -> None:
        page, database = call.query, self._endpoint.store.database
        statement = page.statement
        if page.count is None:
            call.result = (await (call.channel or database).read(statement.text, statement.bind(call.given)), None)
            return
        async with database.snapshot() if call.channel is None else nullcontext(call.channel) as reader:
            rows = await reader.read(statement.text, statement.bind(call.given))
            total = (await reader.read(page.count.text, page.count.bind(call.given)))[0][0]
        call.result = (rows, total)

    def respond(self, call: Call) -> Response:
        rows, total = call.result
        page: _Page = call.query
        offset = page.values["offset"]
        length, more, body = page.page_of(rows, page.limit)
        headers = [*page.headers, (b"content-range", content_range(offset, length, total))]
        if more and page.limit:  # the page after an empty one would be itself
            headers.append(page.link)
        if page.form == "object":
            require_one(length + more)
            body = body[1:-1]
        return Response(self._status(offset, length, total), headers, body)

    def _status(self, offset: int, length: int, total: int | None) -> int:
        if total is None or not self._endpoint.face.is_postgrest:
            return 200
        if offset > total:
            raise Problem("rest.range", details=f"An offset of {offset} was requested, but there are only {total} rows.")
        return 206 if length < total else 200

    def _next(self, query: bytes, offset: int) -> bytes:
        kept = [(name, value) for name, value in parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True) if name != "offset"]
        return f'<{self._endpoint.path}?{urlencode([*kept, ("offset", str(offset))])}>; rel="next"'.encode()


def content_range(offset: int, length: int, total: int | None) -> bytes:
    """`0-19/*`; an empty page is `*/*`."""
    span = f"{offset}-{offset + length - 1}" if length else "*"
    return f"{span}/{'*' if total is None else total}".encode()
