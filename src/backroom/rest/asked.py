"""What a write of many rows asks of its reply and says of its rows: `select`, `columns`, `on_conflict`, and the header Prefer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backroom.calls import Actor, Row
from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.orm import reads
from backroom.orm.reach import Channel
from backroom.orm.reads import project
from backroom.orm.refusals import Allow, anything, at_most
from backroom.resources.fields import Field
from backroom.rest.endpoint import Endpoint
from backroom.rest.negotiation import Form, form_of, require_one
from backroom.rest.preferences import Preferences, preferences
from backroom.rest.representation import Representation, Selected
from backroom.rules.authorize import Rights
from backroom.sql.values import load
from backroom.validation.faults import refusal, unknown
from backroom.validation.grammar import parse_columns
from backroom.validation.queries import Query
from backroom.validation.scanner import Misspelled

_EXTRA = frozenset({"columns"})


@dataclass(frozen=True, slots=True)
class Asked:
    """`columns` are those of the reply (None: all), `named` those of the rows that are sent, `place` the unique fields of an upsert."""

    query: Query
    wishes: Preferences
    form: Form
    returns: str
    named: tuple[str, ...] | None = None
    place: tuple[Field, ...] | None = None
    nullable: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[Field, ...] | None:
        return self.query.columns

    def plan(self, endpoint: Endpoint, rights: Rights) -> Representation | Selected:
        """How the rows of the reply go out. With relations in `select` a write gives keys, and `shown` reads what they lead to."""
        if self.query.selection is None:
            return endpoint.representation(rights, self.columns)
        return Selected(project(endpoint.definition, rights, code=True, fields=[endpoint.definition.key]))

    async def shown(self, endpoint: Endpoint, actor: Actor, rows: Sequence[Row], within: Channel) -> list[Row | None]:
        """The rows that a write gave, as `select` wants them: each its key and its JSON; None where the caller may not read it."""
        if self.query.selection is None or not rows:
            return list(rows)
        keys = [load(endpoint.definition.key.kind, row[0], endpoint.store.dialect) for row in rows]
        texts = await reads.read_selected(endpoint.store, endpoint.definition, actor, self.query.selection, keys, within)
        return [None if text is None else (row[0], text) for row, text in zip(rows, texts, strict=True)]

    @property
    def whole(self) -> bool:
        """The reply shows all of a row and nothing else, so its ETag is that of the row."""
        return self.query.columns is None and self.query.selection is None

    @property
    def allow(self) -> Allow:
        """Undoes a write that touches another number of rows than its sender can mean."""
        if self.form == "object" and self.returns == "representation":
            return require_one
        return anything if self.wishes.most is None else at_most(self.wishes.most)

    @classmethod
    def read(cls, endpoint: Endpoint, request: Request, actor: Actor, rights: Rights, *, filtered: bool = False) -> Asked:
        """Raises `Problem` 400 for what this write doesn't take, 406, and 400 `rest.no_filter` where a filter has to say which rows."""
        wishes, form = preferences(request), form_of(request)
        others = endpoint.known_to(actor)
        query = endpoint.queries.read(request.query, rights.known, frozenset() if filtered else _EXTRA, others) if request.query else Query()
        if query.selection is not None and query.selection.grouped:
            sentence = "A write answers with its rows; aggregates are for lists."
            raise Problem("validation.query", sentence, errors=[Fault("select", "unavailable", sentence)])
        _refuse_paging(query, filtered=filtered)
        if filtered and not query.filtered:
            raise Problem("rest.no_filter")
        returns = wishes.returns or endpoint.face.returns
        if returns != "representation":
            query = replace(query, selection=None)  # nobody is shown what relations lead to
        if filtered:
            return cls(query, wishes, form, returns)
        nullable = frozenset(field.column for field in endpoint.definition.fields if field.nullable)
        return cls(query, wishes, form, returns, _named(endpoint, query, rights), _place(endpoint, query, wishes), nullable)

    def only_named(self, rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """With `columns`: these alone, null where a row lacks one that may be null; or its default, if `Prefer: missing=default` says so."""
        if self.named is None:
            return rows
        empty = {} if self.wishes.missing == "default" else dict.fromkeys(self.nullable.intersection(self.named))
        return [{**empty, **{name: value for name, value in row.items() if name in self.named}} for row in rows]


def _refuse_paging(query: Query, *, filtered: bool) -> None:
    asked = {"limit": query.limit is not None, "offset": bool(query.offset), "order": bool(query.order), "search": query.searched}
    if filtered:
        asked["on_conflict"] = query.on_conflict is not None
    elif query.filtered:
        raise Problem("validation.query", "A new row takes no filters; `columns`, `on_conflict` and `select` are known here.")
    for name, given in asked.items():
        if given:
            fault = Fault(name, "unavailable", f"`{name}` is not available for writes.")
            raise Problem("validation.query", fault.message, errors=[fault])


def _named(endpoint: Endpoint, query: Query, rights: Rights) -> tuple[str, ...] | None:
    text = query.extra.get("columns")
    if text is None:
        return None
    try:
        names = parse_columns(text)
    except Misspelled as error:
        raise refusal([Fault("columns", error.code, f"`columns`: {error}.")], "validation.query") from None
    known = rights.known | endpoint.takes(rights, "create")
    faults = [unknown(name, known) for name in names if name not in known]
    if faults:
        raise refusal(faults)
    return names


def _place(endpoint: Endpoint, query: Query, wishes: Preferences) -> tuple[Field, ...] | None:
    """The fields that say where a row goes. Raises `Problem` 400 for fields that are not unique together."""
    definition = endpoint.definition
    if wishes.resolution is None:
        if query.on_conflict is not None:
            sentence = "`on_conflict` needs `Prefer: resolution=merge-duplicates`, or `ignore-duplicates`."
            raise Problem("validation.query", sentence, errors=[Fault("on_conflict", "syntax", sentence)])
        return None
    fields = query.on_conflict or (definition.key,)
    if set(fields) != {definition.key} and not any(set(fields) == set(group) for group in definition.unique):
        names = ", ".join(field.column for field in fields)
        sentence = f"There is no unique key of {names}; declare `unique=` for them."
        raise Problem("validation.query", sentence, errors=[Fault("on_conflict", "invalid", sentence)])
    return tuple(fields)
