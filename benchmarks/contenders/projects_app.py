"""What the rows of the data API are measured on: projects with tasks and comments, labels, notes to search, and documents that teams share."""

from datetime import date

from backroom import App, Resource, User, allow, field, many, me, owner, this

app = App()


@app.resource("projects")
class Project(Resource):
    name: str = field(max_length=200)
    owner: User = owner()

    access = allow(everything=this.owner == me)


@app.resource("tasks")
class Task(Resource):
    title: str = field(min_length=1, max_length=200)
    done: bool = False
    priority: int = 0
    due: date | None = None
    project: Project
    owner: User = owner()
    comments: list["Comment"] = many(via="task")

    access = allow(everything=this.owner == me)


@app.resource("comments")
class Comment(Resource):
    text: str = field(max_length=500)
    task: Task = field(reference="any")
    owner: User = owner()

    access = allow(everything=this.owner == me)


@app.resource("labels")
class Label(Resource):
    slug: str = field(unique=True, max_length=50)
    color: str = ""
    owner: User = owner()

    access = allow(everything=this.owner == me)


@app.resource("notes")
class Note(Resource):
    title: str = field(max_length=200, search=True)
    owner: User = owner()

    access = allow(everything=this.owner == me)


@app.resource("teams")
class Team(Resource):
    name: str
    members: list["Member"] = many(via="team")

    access = allow(read=this.members.any(user=me), create=me.signed_in)


@app.resource("members", unique=[("team", "user")])
class Member(Resource):
    team: Team = field(reference="any")
    user: User

    access = allow(read=this.user == me, create=me.signed_in)


@app.resource("documents")
class Document(Resource):
    title: str
    team: Team = field(reference="any")
    owner: User = owner()

    access = allow(read=this.team.members.any(user=me) | (this.owner == me), create=me.signed_in)
