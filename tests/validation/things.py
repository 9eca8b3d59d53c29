"""One resource with a field of every kind, and how the tests ask its readers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, HttpUrl

from backroom.errors import Fault, Problem
from backroom.resources.access import allow
from backroom.resources.catalog import Catalog
from backroom.resources.conditions import me, this
from backroom.resources.definition import Definition, Options
from backroom.resources.fields import field, owner
from backroom.resources.resource import Resource, User
from backroom.settings import load
from backroom.validation.bodies import BodyReader
from backroom.validation.queries import QueryReader

SETTINGS = load(env_file=None)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    name: str
    price: Decimal
    count: int = 0


class Open(BaseModel, extra="allow"):
    name: str


class Thing(Resource):
    title: str = field(min_length=1, max_length=20)
    code: str = field(default="AB", min_length=2, pattern="^[A-Z]+$", strip=True)
    done: bool = False
    due: date | None = None
    at: datetime | None = None
    opens: time | None = None
    lasts: timedelta | None = None
    token: UUID | None = None
    data: bytes | None = None
    count: int = field(default=1, ge=0, le=10)
    big: int | None = None
    ratio: float | None = None
    price: Decimal | None = field(default=None, ge=0)
    color: Color = Color.RED
    status: Literal["draft", "open"] = "draft"
    level: Literal[1, 2] = 1
    email: EmailStr | None = None
    link: HttpUrl | None = None
    meta: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list, max_length=3)
    lines: list[Line] = field(default_factory=list)
    vault: str | None = field(default=None, hidden=True)
    password: str | None = field(default=None, write_only=True)
    owner: User = owner()

    access = allow(everything=this.owner == me)


def declared(cls: type[Resource[Any]], name: str = "things", catalog: Catalog | None = None) -> Definition:
    catalog = catalog or Catalog()
    definition = catalog.declare(name, cls, Options())
    catalog.freeze()
    return definition


CATALOG = Catalog()
THINGS = declared(Thing, catalog=CATALOG)
BODIES = BodyReader(THINGS, SETTINGS)
QUERIES = QueryReader(THINGS, SETTINGS, CATALOG)
KNOWN = frozenset(each.column for each in THINGS.fields if not each.options.hidden)
READABLE = frozenset(each.column for each in THINGS.fields if each.readable)


def create(body: Any, known: frozenset[str] = KNOWN) -> dict[str, Any]:
    """What a POST of this body gives; bytes and text go as they are."""
    return BODIES.read(raw(body), "create", known)


def update(body: Any, known: frozenset[str] = KNOWN) -> dict[str, Any]:
    return BODIES.read(raw(body), "update", known)


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()


def refused(call: Callable[..., Any], *given: Any) -> Problem:
    """The refusal of the call, always a 400."""
    try:
        result = call(*given)
    except Problem as problem:
        refusal = problem
    else:
        raise AssertionError(f"{given!r} was taken, as {result!r}")
    assert refusal.status == 400, refusal.code
    return refusal


def faults(call: Callable[..., Any], *given: Any) -> dict[str | None, Fault]:
    return {fault.field: fault for fault in refused(call, *given).errors}


def fault(call: Callable[..., Any], *given: Any) -> tuple[str | None, str, str]:
    """The only fault: field, code, message."""
    (only,) = refused(call, *given).errors
    return only.field, only.code, only.message
