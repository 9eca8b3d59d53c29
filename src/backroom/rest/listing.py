"""How one query string of a list is answered, for callers of one shape: its statements, what they bind, and where the next page begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec

from backroom.calls import Actor, Row, Statement
from backroom.errors import Fault, Problem
from backroom.http.response import PRIVATE, VARY_CREDENTIALS, Header
from backroom.orm import reads
from backroom.orm.reach import reached_by
from backroom.resources.fields import Field
from backroom.resources.selections import Selection, Shown
from backroom.rest.cursors import refuse_cursor
from backroom.rest.endpoint import Endpoint
from backroom.rest.negotiation import CONTENT_TYPES, Form, Span
from backroom.rest.preferences import Preferences
from backroom.rest.representation import csv_of
from backroom.rules.authorize import Rights
from backroom.sql import printed
from backroom.sql.normal import normal
from backroom.sql.ordering import total_order
from backroom.sql.placeholders import lifted, lifted_selection
from backroom.sql.select import Nulls
from backroom.validation.parameters import split
from backroom.validation.queries import Query

#: What was read, and the limit -> the page.
PageOf: TypeAlias = Callable[[Sequence[Row], int], printed.Page]
#: Parameters that pages of one list may differ in.
_OF_A_PAGE = frozenset({"after", "offset", "limit"})


@dataclass(frozen=True, slots=True)
class Listing:
    """`keys` are the columns of the order, none where a page can't begin behind a row; `context` is what its cursors are bound to.

    `last_keys` reads them from what a page gives of its last row. `beyond` names the other resources that the statements read, `consulted` holds
    what a caller's rights to some were when the names were read.
    """

    statement: Statement
    counting: Statement | None
    page_of: PageOf
    values: Mapping[str, Any]
    limit: int
    offset: int
    form: Form
    headers: list[Header]
    link: bytes
    context: bytes
    keys: tuple[Field, ...]
    last_keys: Callable[[bytes], list[Any]]
    beyond: tuple[str, ...]
    consulted: tuple[tuple[str, Rights], ...]

    def holds_for(self, endpoint: Endpoint, actor: Actor) -> bool:
        """The names of the query mean the same to this caller."""
        return all(endpoint.store.rules.grant(name, actor).rights is rights for name, rights in self.consulted)


@dataclass(frozen=True, slots=True)
class _Statements:
    statement: Statement
    counting: Statement | None
    page_of: PageOf
    values: Mapping[str, Any]
    beyond: tuple[str, ...] = ()
    keys_alone: bool = False


def without_cursor(raw: bytes) -> tuple[bytes, str]:
    """The query string without `after=`, and its value. Pages of one list differ in it alone."""
    parts = [part for part in raw.split(b"&") if not part.startswith(b"after=")]
    found = [part for part in raw.split(b"&") if part.startswith(b"after=")]
    if len(found) != 1:
        return raw, ""  # in another place, or twice: the reader of queries tells
    return b"&".join(parts), found[0].removeprefix(b"after=").decode("ascii", "replace")


def only_reading(query: Query) -> None:
    """Raises `Problem` 400 for what only a write can grant."""
    if query.on_conflict is not None:
        fault = Fault("on_conflict", "unavailable", "`on_conflict` says where a new row goes; it stands in a `POST`.")
        raise Problem("validation.query", fault.message, errors=[fault])


def listed(
    endpoint: Endpoint,
    actor: Actor,
    rights: Rights,
    raw: bytes,
    wishes: Preferences,
    form: Form,
    span: Span | None,
    after: Nulls | None,
    by_cursor: bool,
) -> Listing:
    """`after`: which keys of the cursor are empty, None without one; `by_cursor`: `after=` was given. Raises `Problem` 400."""
    query = endpoint.queries.read(raw, rights.known, others=endpoint.known_to(actor))
    only_reading(query)
    return listing_of(endpoint, actor, rights, query, raw, wishes, form, span, after, by_cursor)


def listing_of(
    endpoint: Endpoint,
    actor: Actor,
    rights: Rights,
    query: Query,
    raw: bytes,
    wishes: Preferences,
    form: Form,
    span: Span | None,
    after: Nulls | None = None,
    by_cursor: bool = False,
) -> Listing:
    """`listed`, of a query string that has been read."""
    offset = query.offset if span is None else query.offset or span.offset
    limit = endpoint.page_length(query.limit if query.limit is not None or span is None else span.limit)
    keys = _keys(endpoint, query)
    if by_cursor and (offset or not keys):
        sentence = "`after` and `offset` can't be given together." if offset else "A list in this order has no cursors; page with `offset`."
        raise Problem("validation.query", sentence, errors=[Fault("after", "unavailable", sentence)])
    if after is not None and len(after) != len(keys):
        refuse_cursor()
    paged_by_offset = bool(offset) or span is not None
    made = _statements(endpoint, actor, rights, query, form, keys if not paged_by_offset else (), after, counted=wishes.counted is not None)
    parameters = [(each.name, each.value) for each in split(raw)]
    kept = [(name, value) for name, value in parameters if name not in ("after", "offset")]
    link = f"<{endpoint.path}?{urlencode(kept)}{'&' if kept else ''}".encode()
    told = sorted((name, value) for name, value in parameters if name not in _OF_A_PAGE)
    # With their kinds: a cursor may be older than the declaration.
    order = [(each.field.column, each.field.kind, each.descending, each.nulls_first) for each in total_order(endpoint.definition, query.order)]
    return Listing(
        made.statement,
        made.counting,
        made.page_of,
        {**made.values, "limit": limit + 1, "offset": offset},
        limit,
        offset,
        form,
        [CONTENT_TYPES[form], PRIVATE, VARY_CREDENTIALS, *wishes.applied("count")],
        link,
        msgspec.json.encode([endpoint.path, told, order]),
        keys if not paged_by_offset else (),
        _reader(keys, alone=made.keys_alone),
        made.beyond,
        tuple((name, endpoint.store.rules.grant(name, actor).rights) for name in query.consulted),
    )


def _reader(keys: tuple[Field, ...], *, alone: bool) -> Callable[[bytes], list[Any]]:
    """Reads the keys out of a row's JSON, where those that are hidden are missing; or out of a list of them `alone`."""
    if alone:
        return msgspec.json.Decoder(list[Any]).decode
    names = [(f"f{index}", Any, None) for index in range(len(keys))]
    struct = msgspec.defstruct("Keys", names, rename={f"f{index}": field.column for index, field in enumerate(keys)})
    decode = msgspec.json.Decoder(struct).decode
    return lambda row: list(msgspec.structs.astuple(decode(row)))


def _keys(endpoint: Endpoint, query: Query) -> tuple[Field, ...]:
    """What a list is sorted by, if those are columns of its own; else none, as where the best rows of a search come first."""
    order = total_order(endpoint.definition, query.order)
    grouped = query.selection is not None and query.selection.grouped
    columns = all(each.through is None and each.extract is None for each in order) and (not query.searched or bool(query.order))
    return tuple(each.field for each in order) if columns and not grouped else ()


def _statements(
    endpoint: Endpoint, actor: Actor, rights: Rights, query: Query, form: Form, keys: tuple[Field, ...], after: Nulls | None, *, counted: bool
) -> _Statements:
    """Plain columns, the keys among them, are the common case, and the fast one."""
    store, definition = endpoint.store, endpoint.definition
    representation = endpoint.representation(rights, query.columns)
    if query.selection is not None:
        return _selected(endpoint, actor, query.selection, form, keys, after, counted=counted)
    if not set(keys) <= set(representation.projection.fields):
        parts = tuple(Shown(field.column, field) for field in representation.projection.fields)
        return _selected(endpoint, actor, Selection(definition.name, parts, query.where, query.order), form, keys, after, counted=counted)
    reach = endpoint.reach(actor)
    where, values = lifted(normal(query.where), store.dialect)
    asked = (store, definition, reach, representation.projection, where, query.order)
    counting = reads.count_statement(store, definition, reach, where) if counted else None
    if form == "csv":
        return _Statements(reads.list_statement(*asked, paged=True, after=after), counting, representation.csv_page_of, values)
    statement, by_database = reads.page_statement(*asked, after=after)
    return _Statements(statement, counting, printed.page_of if by_database else representation.page_of, values)


def _selected(
    endpoint: Endpoint, actor: Actor, selection: Selection, form: Form, keys: tuple[Field, ...], after: Nulls | None, *, counted: bool
) -> _Statements:
    store, definition = endpoint.store, endpoint.definition
    asked, values = lifted_selection(selection, store.dialect)
    beyond = reached_by(asked)
    reach = store.reach(definition, actor, beyond=beyond)
    counting = None
    if counted:
        plain = replace(asked, order=()) if asked.grouped else asked
        counting = reads.groups_statement(store, reach, plain) if asked.grouped else reads.count_statement(store, definition, reach, asked.where)
    statement = reads.selected_page(store, reach, asked, keys, after)
    return _Statements(statement, counting, csv_of(asked.names) if form == "csv" else printed.page_of, values, beyond, keys_alone=True)
