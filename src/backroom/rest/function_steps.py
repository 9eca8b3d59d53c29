"""A function asked as PostgREST's clients ask it: of the rows that it returns they may `select`, filter, sort and page as they do of a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, cast, get_args, get_origin
from urllib.parse import unquote_plus

import msgspec

from backroom.calls import Row
from backroom.errors import Fault, Problem
from backroom.http.response import PRIVATE, VARY_CREDENTIALS, Response
from backroom.orm import reads
from backroom.orm.reach import Channel, Store
from backroom.resources.fields import split_optional
from backroom.resources.nodes import Constant, In
from backroom.resources.relations import Cell
from backroom.resources.resource import Resource
from backroom.resources.selections import Selection, Shown
from backroom.rest.custom import BODILESS, CustomEndpoint
from backroom.rest.custom_steps import CustomSteps
from backroom.rest.endpoint import Call, Endpoint
from backroom.rest.faces import POSTGREST
from backroom.rest.listing import listing_of, only_reading
from backroom.rest.negotiation import CONTENT_TYPES, Form, Span, form_of, require_one, span_of
from backroom.rest.preferences import Preferences, preferences
from backroom.rest.reading import ReadList
from backroom.rest.replies import Reply
from backroom.rest.representation import csv_lines
from backroom.rules.authorize import Grant
from backroom.settings import Settings
from backroom.sql.normal import all_of
from backroom.sql.values import load
from backroom.validation.queries import Query


class _Wish(NamedTuple):
    """What a call asks of the rows that come back. `raw`: the query string without the arguments."""

    grant: Grant
    query: Query
    raw: bytes
    form: Form
    wishes: Preferences
    span: Span | None

    @property
    def plain(self) -> bool:
        """Nothing but the rows as the function gives them."""
        return not self.raw and self.form == "array" and self.wishes.counted is None and self.wishes.returns is None and self.span is None


class FunctionSteps(CustomSteps):
    """At `/rest/v1/rpc/`. A function whose annotation is a resource, or a list of them, returns rows; any other returns a value."""

    def __init__(self, custom: CustomEndpoint, store: Store, settings: Settings) -> None:
        super().__init__(custom, store, settings)
        resource, self._many = _rows_of(custom.returns)
        self._rows = None if resource is None else ReadList(Endpoint(store, store.catalog.of(resource), settings, POSTGREST))

    def asked(self, call: Call) -> bytes:
        """Raises `Problem` for what can't be asked of what comes back, before anything is done."""
        request = call.request
        form, wishes, span = form_of(request), preferences(request), span_of(request)
        arguments, raw = self._parted(request.query)
        if self._rows is None:
            _require_nothing(raw, form)
            return arguments
        endpoint = self._rows.endpoint
        grant = endpoint.grant(call.actor)
        query = endpoint.queries.read(raw, grant.rights.known, others=endpoint.known_to(call.actor)) if raw else Query()
        only_reading(query)
        call.query = _Wish(grant, query, raw, form, wishes, span)
        return arguments

    def _parted(self, raw: bytes) -> tuple[bytes, bytes]:
        """Arguments of a function that is asked by GET, and what is asked of its rows. A name that is both is an argument."""
        if self.custom.method not in BODILESS:
            return b"", raw
        if self._rows is None:
            return raw, b""
        parts = [(part, unquote_plus(part.partition(b"=")[0].decode("latin-1")) in self.custom.arguments.query) for part in raw.split(b"&")]
        return b"&".join(part for part, own in parts if own), b"&".join(part for part, own in parts if not own)

    async def reply(self, call: Call, returned: Any, channel: Channel | None) -> Response:
        wish: _Wish | None = call.query
        if self._rows is None or wish is None or wish.plain or isinstance(returned, Reply):
            return await super().reply(call, returned, channel)
        found: list[Any] = cast("list[Any]", returned) if self._many else [] if returned is None else [returned]
        keys = [row.id for row in found if "id" in row.__dict__]  # a row that was never stored has none
        if wish.wishes.returns == "minimal":
            wish = wish._replace(form="array")
        grouped = wish.query.selection is not None and wish.query.selection.grouped
        if wish.query.order or wish.query.searched or grouped:
            response = await self._sorted(call, wish, keys, channel)
        else:
            response = await self._as_returned(call, wish, keys, channel)
        return response._replace(status=204, body=b"") if wish.wishes.returns == "minimal" else response

    def _among(self, keys: list[Any], query: Query) -> Query:
        """The query, of the rows of these keys alone."""
        definition = self._endpoint.definition
        among = In(Cell((), definition.key, definition.name), tuple(map(Constant, keys)))
        selection = query.selection
        return replace(
            query,
            where=all_of([query.where, among]),
            selection=None if selection is None else replace(selection, where=all_of([selection.where, among])),
        )

    @property
    def _endpoint(self) -> Endpoint:
        assert self._rows is not None
        return self._rows.endpoint

    async def _sorted(self, call: Call, wish: _Wish, keys: list[Any], channel: Channel | None) -> Response:
        """As the query sorts or groups them: a list of the resource."""
        assert self._rows is not None
        asked = Call(call.request, call.actor, {})
        asked.grant, asked.channel = wish.grant, channel
        query = self._among(keys, wish.query)
        asked.query = listing_of(self._endpoint, call.actor, wish.grant.rights, query, wish.raw, wish.wishes, wish.form, wish.span)
        self._rows.statement(asked)
        await self._rows.run(asked)
        response = self._rows.respond(asked)
        return response._replace(headers=[each for each in response.headers if each[0] != b"link"])  # it would lead to the resource

    async def _as_returned(self, call: Call, wish: _Wish, keys: list[Any], channel: Channel | None) -> Response:
        """In the order in which the function returned them."""
        endpoint, query = self._endpoint, wish.query
        store, definition, rights = endpoint.store, endpoint.definition, wish.grant.rights
        of = (store, definition, call.actor)
        readable: list[Row] = []
        if not rights.read.never:
            key_alone = reads.project(definition, rights, code=True, fields=[definition.key])
            readable = await reads.read_list(*of, key_alone, self._among(keys, query).where, channel=channel)
        known = {load(definition.key.kind, row[0], store.dialect) for row in readable}
        matching = [key for key in keys if key in known]
        offset = query.offset if wish.span is None else query.offset or wish.span.offset
        limit = endpoint.page_length(query.limit if query.limit is not None or wish.span is None else wish.span.limit)
        shown = query.selection or self._columns(wish)
        texts = await reads.read_selected(*of, shown, matching[offset : offset + limit], channel)
        page = [text for text in texts if text is not None]
        return self._shown(wish, shown, page, offset, None if wish.wishes.counted is None else len(matching))

    def _columns(self, wish: _Wish) -> Selection:
        fields = self._endpoint.representation(wish.grant.rights, wish.query.columns).projection.fields
        return Selection(self._endpoint.definition.name, tuple(Shown(field.column, field) for field in fields))

    def _shown(self, wish: _Wish, shown: Selection, page: list[bytes], offset: int, total: int | None) -> Response:
        assert self._rows is not None
        span = b"%d-%d" % (offset, offset + len(page) - 1) if page else b"*"
        headers = [CONTENT_TYPES[wish.form], PRIVATE, VARY_CREDENTIALS, *wish.wishes.applied("count")]
        headers.append((b"content-range", span + (b"/*" if total is None else b"/%d" % total)))
        if wish.form == "object":
            require_one(len(page))
        if wish.form == "csv":
            body = csv_lines(shown.names, [msgspec.json.decode(text) for text in page])
        elif wish.form == "object" or not self._many:
            body = page[0] if page else b"null"
        else:
            body = b"[%b]" % b",\n".join(page)
        self._endpoint.require_bounded(body)
        return Response(self._rows.status(offset, len(page), total), headers, body)


def _rows_of(annotation: Any) -> tuple[type[Resource[Any]] | None, bool]:
    """The resource of the rows that a function returns, if it returns rows; and whether it returns a list of them."""
    many = get_origin(annotation) is list
    inner, _ = split_optional(get_args(annotation)[0] if many else annotation)
    is_row = isinstance(inner, type) and issubclass(inner, Resource)
    return (cast("type[Resource[Any]]", inner) if is_row else None), many


def _require_nothing(raw: bytes, form: Form) -> None:
    if form == "csv":
        raise Problem("http.not_acceptable")
    if raw:
        name = unquote_plus(raw.partition(b"=")[0].decode("latin-1"))[:60]
        sentence = f"This function gives no rows of a resource, so it takes no `{name}`; its arguments go into the body."
        raise Problem("validation.query", sentence, errors=[Fault(name, "unavailable", sentence)])
