"""An app with every kind of field and rule that the document has to tell apart."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, HttpUrl

from backroom import App, Db, Reply, Resource, User, allow, anyone, field, many, me, nobody, owner, this


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    width: int
    height: int = 1
    parts: list[Size] = []


app = App(title="Described", description="Everything at once.", version="1.2.3")


@app.user
class Person(User):
    """Somebody."""

    name: str = ""
    access = allow(read=me.signed_in, update=this == me)


@app.resource("todos")
class Todo(Resource):
    """Something to do."""

    title: str = field(min_length=1, max_length=200, example="Buy milk")
    done: bool = False
    due: date | None = None
    owner: User = owner()
    tags: list[Tag] = many(via="todo")

    access = allow(everything=this.owner == me)


@app.resource("tags")
class Tag(Resource):
    todo: Todo
    name: str

    access = allow(read=anyone, create=me.signed_in, delete=me.signed_in)


@app.resource("notes", order="-created_at", max_limit=50)
class Note(Resource):
    """A note that can be shared."""

    title: str = field(max_length=200, search=True)
    public: bool = False
    owner: User = owner()

    access = allow(
        read=(this.owner == me) | this.public, create=me.signed_in, update=this.owner == me, delete=(this.owner == me) | me.has_role("admin")
    )


@app.resource("things", unique=[("name", "color")])
class Thing(Resource[UUID]):
    """All kinds of fields."""

    name: str = field(description="What it is called.", pattern="^[a-z]+$")
    color: Color = Color.RED
    status: Literal["draft", "on hold (v1.0)"] = "draft"
    stars: Literal[1, 2, 3] | None = None
    price: Decimal = field(ge=Decimal(0), default=Decimal("9.50"))
    weight: float | None = field(gt=0, default=None)
    count: int = field(ge=0, le=10, default=1)
    on: date = date(2026, 1, 1)
    at: datetime | None = None
    clock: time = time(9, 30)
    span: timedelta = timedelta(minutes=90)
    raw: bytes = b""
    mail: EmailStr | None = None
    link: HttpUrl | None = None
    size: Size | None = None
    words: list[str] = field(default_factory=list, max_length=3)
    code: str = field(default="x", immutable=True)
    stamp: str = field(default="s", read_only=True)
    secret: str = field(default="", write_only=True)
    internal: str = field(default="quite-internal", hidden=True, example="never-told", description="Not for print.")
    cost: Decimal | None = None
    buried: str = "gone"

    access = allow(everything=me.signed_in, fields={"cost": me.has_role("staff"), "buried": nobody})


@app.resource("letters")
class Letter(Resource):
    """A drop box."""

    text: str
    status: str = "new"

    access = allow(create=anyone, read=me.has_role("staff"), update=me.has_role("staff"))


@app.resource("drafts")
class Draft(Resource):
    """Leaves its owner's sight when it is no draft any more."""

    status: str = "draft"
    owner: User = owner()

    access = allow(read=(this.owner == me) & (this.status == "draft"), create=me.signed_in, update=this.owner == me)


@app.resource("ledgers")
class Ledger(Resource):
    """For code only."""

    total: int = 0

    access = allow()


@app.resource("slots", client_key=True)
class Slot(Resource[UUID]):
    label: str

    access = allow(everything=anyone)


@app.post("/todos/{id}/archive")
async def archive(id: int, me: User, db: Db) -> Todo:
    """Mark a todo as done.

    It stays in the list.
    """
    return await db.update(await db.get(Todo, id), done=True)


@app.get("/sizes", access=anyone)
async def list_sizes(least: int = 1) -> list[Size]:
    return [Size(width=least)]


@app.post("/sizes", access=anyone)
async def keep_size(size: Size) -> Reply[Size]:
    return Reply(size, status=201)


@app.function("stats")
async def stats(me: User, db: Db) -> dict[str, int]:
    return {"todos": await db.count(Todo)}
