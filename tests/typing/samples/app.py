"""The forms of the documentation as a user writes them: both checkers must find nothing here."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, assert_type
from uuid import UUID

from pydantic import BaseModel, EmailStr

from backroom import (
    App,
    Conflict,
    Db,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    Reply,
    Resource,
    TooMany,
    User,
    allow,
    anyone,
    field,
    many,
    me,
    nobody,
    now,
    owner,
    ref,
    replace,
    this,
    today,
)

app = App(public="dist", spa=True)


class Color(Enum):
    red = "red"
    blue = "blue"


class Address(BaseModel):
    street: str
    city: str = ""


@app.resource("todos")
class Todo(Resource):
    """Something to do."""

    title: str = field(min_length=1, max_length=200)
    done: bool = False
    due: date | None = None
    owner: User = owner()

    access = allow(everything=this.owner == me)

    @property
    def late(self) -> bool:
        return self.due is not None and self.due < date.today()


@app.resource("projects", order="-created_at", unique=[("owner", "name")])
class Project(Resource):
    name: str = field(unique=True, strip=True)
    owner: User = owner(on_delete="cascade")
    members: list[Membership] = many(via="project")

    access = allow(
        read=(this.owner == me) | this.members.any(user=me, role=["editor", "viewer"]),
        create=me.signed_in & ~me.is_anonymous,
        update=(this.owner == me) & ~this.name.startswith("archived"),
        delete=(this.owner == me) | me.has_role("admin") | (me.claims["plan"] == "pro"),
        fields={"name": allow(read=anyone, update=this.owner == me)},
    )


@app.resource("memberships", unique=[("project", "user")])
class Membership(Resource):
    project: Project
    user: User
    role: Literal["editor", "viewer"]

    access = allow(read=this.project.members.any(user=me), write=this.project.owner == me)


@app.resource("documents", check=this.ends > this.starts, max_limit=50, client_key=True)
class Document(Resource[UUID]):
    starts: datetime
    ends: datetime
    price: Decimal = field(ge=0, default=Decimal("0"))
    color: Color = Color.red
    address: Address | None = None
    tags: list[str] = field(default_factory=list)
    editor: User = field(default=me, read_only=True)

    access = allow(read=(this.starts <= now) & (this["ends"] > today), write=nobody)


@app.user
class Person(User):
    name: str = ""

    access = allow(read=me.signed_in, update=this == me, fields={"email": this == me})


def rows(todo: Todo, project: Project, document: Document, membership: Membership) -> None:
    assert_type(todo.id, int)
    assert_type(todo.title, str)
    assert_type(todo.done, bool)
    assert_type(todo.due, date | None)
    assert_type(todo.created_at, datetime)
    assert_type(todo.owner.id, UUID)
    assert_type(todo.owner.email, str)
    assert_type(todo.late, bool)
    assert_type(document.id, UUID)
    assert_type(document.price, Decimal)
    assert_type(document.color, Color)
    assert_type(document.tags, list[str])
    assert_type(project.members, list[Membership])
    assert_type(membership.project.owner.id, UUID)
    assert_type(membership.role, Literal["editor", "viewer"])


def made(user: User) -> None:
    assert_type(Todo(title="Buy milk").title, str)
    Todo(title="Buy milk", done=True, due=date(2026, 12, 1))
    Project(name="House")
    Membership(project=ref(Project, 7), user=user, role="viewer")
    assert_type(replace(Todo(title="Buy milk"), title="Buy oat milk"), Todo)


async def session(db: Db, user: User) -> None:
    todo = await db.create(Todo(title="Buy milk"))
    assert_type(todo, Todo)
    assert_type(await db.create(Todo(title="Buy milk"), owner=user), Todo)
    assert_type(await db.get(Todo, 42), Todo)
    assert_type(await db.find_one(Todo, this.title == "Buy milk"), Todo | None)
    assert_type(await db.find(Todo, ~this.done, this.due < date.today(), order=["-due", "id"], limit=20, include=["owner"]), list[Todo])
    assert_type(await db.update(todo, done=True), Todo)
    assert_type(await db.upsert(Project(name="House"), on=["name"]), Project)
    assert_type(await db.update_where(Todo, this.done, title="x"), int)
    assert_type(await db.delete_where(Todo, this.done), int)
    assert_type(await db.count(Todo, this.owner == me), int)
    await db.delete(todo)
    async with db.transaction():
        await db.trusted().create(Todo(title="Buy milk"), owner=user)
        await db.as_user(user).get(Todo, 42)
    async with app.db() as trusted, app.db(as_user=user):
        assert_type(trusted, Db)
    await db.trusted().sql("select count(*) as n from todos where owner_id = :me", me=user.id)


@app.before_create(Todo)
async def limit(todo: Todo, *, me: User | None, db: Db) -> Todo | None:
    if await db.count(Todo, this.owner == me) >= 1000:
        raise Conflict("You have 1000 todos; finish one first.", code="todos.too_many")
    return replace(todo, title=todo.title.strip())


@app.before_update(Todo)
async def keep(todo: Todo, changes: dict[str, object], *, me: User | None, db: Db) -> None:
    if "done" in changes and me is None:
        raise NotSignedIn()


@app.after_delete(Todo)
async def gone(todo: Todo, *, me: User | None, db: Db) -> None:
    if todo.title == "":
        raise Invalid(title="Too silly.")


@app.post("/todos/{id}/archive")
async def archive(id: int, me: User, db: Db) -> Todo:
    todo = await db.get(Todo, id)
    if todo.late:
        raise Forbidden("Too late.")
    return await db.update(todo, done=True)


@app.post("/contact", access=anyone)
async def contact(email: EmailStr, text: str, db: Db) -> Reply:
    if not text:
        raise TooMany("Wait a minute.", retry_after=60)
    return Reply({"received": True}, status=202, headers={"X-Kind": "letter"})


@app.function("stats")
async def stats(me: User, db: Db) -> dict[str, int]:
    if "banned" in me.roles:
        raise NotFound()
    return {"todos": await db.count(Todo)}
