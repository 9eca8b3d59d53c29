"""One resource's side of the pipeline: everything that can be known before the first request, and what one request carries along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from backroom.calls import Actor, Statement
from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.orm.reach import Channel, Reach, Store
from backroom.orm.reads import project
from backroom.resources.access import Action
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.rest.cursors import Cursors
from backroom.rest.faces import API, Face
from backroom.rest.representation import Representation
from backroom.rules.authorize import Grant, Rights
from backroom.settings import Settings
from backroom.sql import select
from backroom.validation.bodies import BodyReader
from backroom.validation.queries import QueryReader

GREATEST_LIMIT = 1000


class Call:
    """One request on its way through an action: each step adds what the next one needs."""

    __slots__ = ("actor", "channel", "created", "given", "grant", "key", "parameters", "plan", "query", "request", "result", "version")

    def __init__(self, request: Request, actor: Actor, parameters: Mapping[str, str]) -> None:
        self.request = request
        self.actor = actor
        self.channel: Channel | None = None  # an open transaction that this request is part of
        self.created = False
        self.parameters = parameters
        self.grant: Grant
        self.key: Any = None
        self.given: Any = None
        self.query: Any = None
        self.version: int | None = None  # the one that If-Match asks for
        self.plan: Any = None
        self.result: Any = None


class Plan:
    """A statement and how its rows go out, for callers of one shape."""

    __slots__ = ("representation", "statement")

    def __init__(self, statement: Statement, representation: Representation) -> None:
        self.statement = statement
        self.representation = representation


class Endpoint:
    """What all actions of one resource share."""

    def __init__(self, store: Store, definition: Definition, settings: Settings, face: Face = API) -> None:
        self.store = store
        self.face = face
        self.definition = definition
        self.settings = settings
        self.bodies = BodyReader(definition, settings)
        self.queries = QueryReader(definition, settings, store.catalog, regular=store.dialect == "postgresql")
        self.cursors = Cursors(settings.SECRET_KEY.get_secret_value())
        self.path = f"{face.prefix}/{definition.name}"
        self.greatest_limit = definition.options.max_limit or GREATEST_LIMIT
        self._representations: dict[Rights, Representation] = {}
        self._plans: dict[Any, Plan] = {}
        self._writable: dict[tuple[Rights, Action], frozenset[str]] = {}
        self._key_kind = definition.key.kind
        self.required = frozenset(field.column for field in definition.fields if field.writable and not field.has_default)

    def page_length(self, asked: int | None) -> int:
        """Rows of a page; `asked` None: as the face has it. Raises `Problem` 400 where more are asked than allowed and the face doesn't cut."""
        if asked is None:
            return min(self.face.limit, self.greatest_limit)
        if asked > self.greatest_limit and not self.face.cuts:
            fault = Fault("limit", "too_large", f"limit is at most {self.greatest_limit} here; page with offset.")
            raise Problem("validation.query", fault.message, errors=[fault])
        return min(asked, self.greatest_limit)

    def require_bounded(self, body: bytes) -> None:
        """Raises `Problem` 400 for a reply of more bytes than one may have. SQLite puts none together that has more, Postgres has its time."""
        if len(body) > self.settings.MAX_REPLY_BYTES:
            raise Problem("database.too_large")

    def grant(self, actor: Actor) -> Grant:
        return self.store.rules.grant(self.definition.name, actor)

    def reach(self, actor: Actor) -> Reach:
        return self.store.reach(self.definition, actor)

    def known_to(self, actor: Actor) -> Callable[[str], frozenset[str]]:
        """Resource -> the columns that exist for this caller."""
        return lambda name: self.store.rules.grant(name, actor).rights.known

    def key(self, text: str) -> Any:
        """The key in an address, in storage form; what can't be a key is a row that does not exist."""
        if self._key_kind == "integer":
            if text.isascii() and text.isdigit() and len(text) < 20 and (text[0] != "0" or text == "0") and (value := int(text)) < 2**63:
                return value
        elif self._key_kind == "uuid":
            try:
                value_ = UUID(text)
            except ValueError:
                raise Problem("rest.not_found") from None
            if str(value_) == text.lower():
                return text.lower() if self.store.dialect == "sqlite" else value_
        elif "\0" not in text:
            return text
        raise Problem("rest.not_found")

    def representation(self, rights: Rights, fields: Sequence[Field] | None = None) -> Representation:
        """How rows go out to callers of this shape: all fields that exist for them, or the chosen ones."""
        found = self._representations.get(rights) if fields is None else None
        if found is None:
            projection = project(self.definition, rights, code=False, fields=fields)
            found = Representation(projection, self.store.dialect)
            if fields is None:  # a choice of fields is the caller's to make up: kept here, each would stay for good
                self._representations[rights] = found
        return found

    def read_plan(self, actor: Actor, grant: Grant) -> Plan:
        """SELECT of one row by key."""
        plan = self._plans.get(grant.rights)
        if plan is None:
            reach, representation = self.reach(actor), self.representation(grant.rights)
            statement = reach.statement(
                ("one", representation.projection),
                lambda: select.read_one(self.store.tables, self.definition, representation.projection, reach.view, grant.rights.read),
            )
            plan = self._plans[grant.rights] = Plan(statement, representation)
        return plan

    def takes(self, rights: Rights, action: Action) -> frozenset[str]:
        """The names that a body may hold for this caller. What he can neither see nor write does not exist for him."""
        found = self._writable.get((rights, action))
        if found is None:
            fields = [field for field in self.definition.fields if not field.options.hidden]
            found = frozenset(field.column for field in fields if field.column in rights.known or not rights.may(action, field).never)
            self._writable[rights, action] = found
        return found
