"""What the files beside this one are checked against: an app with every relation, and fields that not everybody sees."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel

from backroom import App, Db, Resource, User, allow, anyone, field, many, me, owner, this

app = App()


class Size(Enum):
    """How much work it is."""

    small = "small"
    large = "large"


class Address(BaseModel):
    street: str
    city: str = "Paris"


class Period(BaseModel):
    first: date
    last: date | None = None


@app.user
class Person(User):
    name: str = ""
    written: list["Todo"] = many(via="owner")

    access = allow(read=me.signed_in, update=this == me)


@app.resource("profiles", unique=[("person",)])
class Profile(Resource):
    person: User = owner()
    bio: str = ""

    access = allow(everything=this.person == me)


@app.resource("projects")
class Project(Resource):
    name: str
    owner: User = owner()
    members: list["Membership"] = many(via="project")
    todos: list["Todo"] = many(via="project")

    access = allow(everything=this.owner == me)


@app.resource("memberships", unique=[("project", "user")])
class Membership(Resource):
    project: Project = field(on_delete="cascade")
    user: User

    access = allow(read=this.user == me, write=this.project.owner == me)


@app.resource("todos")
class Todo(Resource):
    """Something to do."""

    title: str = field(min_length=1, description="What is to be done.")
    done: bool = False
    due: date | None = None
    price: Decimal = Decimal(0)
    size: Size = Size.small
    state: Literal["open", "closed"] = "open"
    place: Address | None = None
    labels: list[str] = field(default_factory=list)
    extra: Any | None = None
    number: str = field(immutable=True, default="")
    cost: str = ""
    pin: str = field(write_only=True, default="")
    secret: str = field(hidden=True, default="")
    views: int = field(read_only=True, default=0)
    owner: User = owner()
    reviewer: User | None = None
    project: Project | None = None
    parent: "Todo | None" = None
    children: list["Todo"] = many(via="parent")
    tags: list["Tag"] = many(through="TagOnTodo")
    kinds: list["Tag"] = many(through="TagOnTodo")

    access = allow(everything=this.owner == me, fields={"cost": me.has_role("boss")})


@app.resource("tags")
class Tag(Resource):
    name: str = field(unique=True)

    access = allow(read=anyone, write=me.signed_in)


@app.resource("tags_on_todos", unique=[("todo", "tag")])
class TagOnTodo(Resource):
    todo: Todo
    tag: Tag

    access = allow(everything=this.todo.owner == me)


@app.resource("countries", client_key=True)
class Country(Resource[str]):
    name: str

    access = allow(read=anyone, create=me.signed_in)


@app.resource("messages")
class Message(Resource):
    text: str
    sent: datetime | None = None

    access = allow(create=anyone)


@app.resource("audits")
class Audit(Resource):
    what: str

    access = allow()


@app.function("add", access=anyone)
async def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    return a + b


@app.function("stats")
async def stats(me: User, db: Db) -> dict[str, int]:
    return {"todos": await db.count(Todo)}


@app.function("due_in")
async def due_in(period: Period, me: User, db: Db) -> list[Todo]:
    return await db.find(Todo, this.due >= period.first, include=["owner"])


@app.function("nearest", access=anyone)
async def nearest(street: str) -> Address:
    return Address(street=street)


@app.function("forget")
async def forget(me: User) -> None:
    return None
