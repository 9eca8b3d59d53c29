"""What an app's own code returns: whoever read the rows, and however they are wrapped, the caller gets what the rules give him."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from backroom import App, Db, Resource, User, allow, anyone, field, many, me, owner, this
from tests.rest.world import World, running


class Wrapped(BaseModel):
    row: Any
    digest: str = Field(default="canary-excluded", exclude=True)


@dataclass
class Plain:
    row: Any


def board() -> App:
    app = App()

    @app.user
    class Person(User):
        access = allow(read=me.signed_in, update=this == me)

    @app.resource("projects")
    class Project(Resource):
        name: str
        pin: str = field(default="canary-pin", hidden=True)
        boss: Person | None = None
        spy: Person | None = field(default=None, hidden=True)
        owner: User = owner()
        tasks: list["Task"] = many(via="project")
        watched: list["Task"] = many(via="watch")

        access = allow(read=anyone, write=this.owner == me, fields={"boss": this.owner == me})

    @app.resource("tasks")
    class Task(Resource):
        title: str
        project: Project
        watch: Project | None = field(default=None, hidden=True)
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.post("/spy/{id}")
    async def send_spy(id: int, me: Person, db: Db) -> None:
        await db.update(await db.get(Project, id), spy=me)
        for task in await db.find(Task):
            await db.update(task, watch=await db.get(Project, id))

    @app.get("/own/{id}")
    async def own(id: int, me: Person, db: Db) -> Project:
        return await db.get(Project, id, include=["boss", "spy", "tasks.owner", "watched"])

    @app.get("/trusted/{id}")
    async def trusted(id: int, me: Person, db: Db) -> Project:
        return await db.trusted().get(Project, id, include=["boss", "spy", "tasks.owner", "watched"])

    @app.get("/tasks-of-all")
    async def tasks_of_all(me: Person, db: Db) -> list[Task]:
        return await db.trusted().find(Task)

    @app.get("/task/{id}")
    async def task(id: int, me: Person, db: Db) -> Task:
        return await db.trusted().get(Task, id)

    @app.get("/wrapped/{id}")
    async def wrapped(id: int, me: Person, db: Db) -> Wrapped:
        return Wrapped(row=[{"deep": (await db.trusted().get(Project, id),)}])

    @app.get("/plain/{id}")
    async def plain(id: int, me: Person, db: Db) -> Plain:
        return Plain(await db.trusted().get(Project, id))

    @app.get("/counted/{id}")
    async def counted(id: int, me: Person, db: Db) -> dict[Any, int]:
        return {await db.trusted().get(Project, id): 1}

    return app


async def project_of_ann(world: World) -> tuple[Any, Any, int]:
    ann, bob = await world.person("ann"), await world.person("bob")
    boss = (await bob.get("/api/session")).json()["id"]
    project = (await ann.post("/api/projects", json={"name": "Boat", "boss_id": boss})).json()["id"]
    for title in ("keel", "mast"):
        assert (await ann.post("/api/tasks", json={"title": title, "project_id": project})).status_code == 201
    assert (await ann.post(f"/api/spy/{project}")).status_code == 204
    return ann, bob, project


async def test_relations_leave_through_the_rules_of_the_field_they_hang_on(each_database: str) -> None:
    async with running(each_database, board()) as world:
        ann, bob, project = await project_of_ann(world)
        for path in ("own", "trusted"):
            mine = (await ann.get(f"/api/{path}/{project}")).json()
            assert mine["boss"]["id"] == mine["boss_id"]
            assert [task["title"] for task in mine["tasks"]] == ["keel", "mast"]
            assert all(task["owner"]["id"] == task["owner_id"] for task in mine["tasks"])
            theirs = (await bob.get(f"/api/{path}/{project}")).json()
            assert "boss" not in theirs  # he may read that person, but not who of them is the boss here
            assert "boss_id" not in theirs
            assert theirs["tasks"] == []  # not even how many there are
            assert not {"spy", "spy_id", "watched", "pin"} & (mine.keys() | theirs.keys())


async def test_rows_read_with_full_rights_are_masked_however_they_are_wrapped(each_database: str) -> None:
    async with running(each_database, board()) as world:
        ann, bob, project = await project_of_ann(world)
        seen = (await bob.get(f"/api/projects/{project}")).json()
        assert (await bob.get(f"/api/wrapped/{project}")).json() == {"row": [{"deep": [seen]}]}
        assert (await bob.get(f"/api/plain/{project}")).json() == {"row": seen}
        assert (await bob.get("/api/tasks-of-all")).json() == []
        assert (await bob.get("/api/task/1")).json() == {}
        assert len((await ann.get("/api/tasks-of-all")).json()) == 2
        # A row is no name: its repr would be one.
        refused = await bob.get(f"/api/counted/{project}")
        assert refused.status_code == 500
        assert "Boat" not in refused.text


async def test_the_description_knows_no_relation_over_a_hidden_field(each_database: str) -> None:
    async with running(each_database, board()) as world, world.browser() as stranger:
        document = (await stranger.get("/openapi.json")).text
        assert '"boss"' in document
        assert not any(f'"{name}' in document for name in ("spy", "watch", "pin"))


async def test_a_reference_to_somebody_unreadable_keeps_its_key_when_it_is_included(each_database: str) -> None:
    app = App()

    @app.resource("notes")
    class Note(Resource):
        owner: User = owner()
        access = allow(read=anyone, create=me.signed_in)

    @app.get("/note/{id}")
    async def note(id: int, me: User, db: Db) -> Note:
        return await db.get(Note, id, include=["owner"])

    async with running(each_database, app) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        made = (await ann.post("/api/notes", json={})).json()
        assert (await bob.get(f"/api/note/{made['id']}")).json() == made


async def test_a_row_that_left_the_callers_sight_is_not_shown_as_it_was(each_database: str) -> None:
    app = App()

    @app.resource("drafts")
    class Draft(Resource):
        text: str
        open: bool = True
        owner: User = owner()
        access = allow(read=this.open & (this.owner == me), create=me.signed_in, update=this.owner == me, update_check=this.owner == me)

    @app.post("/drafts/{id}/close")
    async def close(id: int, me: User, db: Db) -> Draft:
        return await db.update(await db.get(Draft, id), open=False)

    async with running(each_database, app) as world:
        ann = await world.person("ann")
        made = (await ann.post("/api/drafts", json={"text": "canary"})).json()
        closed = await ann.post(f"/api/drafts/{made['id']}/close")
        assert (closed.status_code, closed.json()) == (200, {})
