"""What both checkers must refuse, each line for itself: a slip that they let pass would be met by a user at run time."""

from __future__ import annotations

from datetime import date

from backroom import App, Conflict, Db, Resource, User, allow, field, me, owner, replace, this

app = App()


@app.resource("todos")
class Todo(Resource):
    title: str = field(min_length=1)
    done: bool = False
    due: date | None = None
    owner: User = owner()

    access = allow(everything=this.owner == me)


def rows(todo: Todo, user: User) -> None:
    Todo()  # wrong: the title is required
    Todo("Buy milk")  # wrong: fields are named
    Todo(title=3)  # wrong: a title is text
    Todo(title="Buy milk", finished=True)  # wrong: there is no such field
    Todo(title="Buy milk", owner=user)  # wrong: the server fills it
    Todo(title="Buy milk", id=3)  # wrong: the server sets it
    todo.done = True  # wrong: rows are frozen; db.update returns the new one
    todo.finished  # wrong: there is no such field
    todo.title + 1  # wrong: a title is text
    todo.due.year  # wrong: it may be None
    replace(todo, "Buy milk")  # wrong: changes are named


async def session(db: Db, todo: Todo) -> None:
    title: int = (await db.get(Todo, 42)).title  # wrong: a title is text
    found: Todo = await db.find_one(Todo, this.title == "Buy milk")  # wrong: it may be None
    await db.find(Todo, limit="20")  # wrong: a limit is a number
    await db.get("todos", 42)  # wrong: the resource is its class
    raise Conflict("Taken.", status=410)  # wrong: a conflict is 409


allow(everything=True)  # wrong: a rule is a condition
allow(everything=this.owner is me)  # wrong: `is` asks Python, not the row
allow(anything=this.owner == me)  # wrong: there is no such action
field(minimum_length=3)  # wrong: there is no such option
