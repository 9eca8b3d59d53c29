"""A todo list and shared notes: the whole backend. Run it with `backroom dev`."""

from datetime import date

from backroom import App, Resource, User, allow, field, me, owner, this

app = App()


@app.resource("todos")
class Todo(Resource):
    """Something to do."""

    title: str = field(min_length=1, max_length=200)
    done: bool = False
    due: date | None = None
    owner: User = owner()  # filled from the signed-in user, never from the body

    access = allow(everything=this.owner == me)  # no rule, no access: what is not allowed is refused


@app.resource("notes")
class Note(Resource):
    """A note that can be shared."""

    title: str = field(max_length=200)
    body: str = ""
    public: bool = False
    owner: User = owner()

    access = allow(
        read=(this.owner == me) | this.public,
        create=me.signed_in,
        update=this.owner == me,
        delete=(this.owner == me) | me.has_role("admin"),
    )
