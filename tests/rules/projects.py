"""The app of the rules' own examples: projects with members and tasks, and a drop box."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from backroom import App, Resource, User, allow, anyone, field, many, me, owner, this
from tests.rules.world import Person, World


def projects() -> App:
    """Fresh classes each time: a class belongs to one app."""
    app = App()

    @app.resource("projects")
    class Project(Resource):
        name: str = field(unique=True)
        owner: User = owner()
        members: list[Member] = many(via="project")

        access = allow(read=(this.owner == me) | this.members.any(user=me), create=me.signed_in, update=this.owner == me, delete=this.owner == me)

    @app.resource("members", unique=[("project", "user")])
    class Member(Resource):
        project: Project
        user: User
        role: Literal["editor", "viewer"]

        access = allow(read=this.project.members.any(user=me), write=this.project.members.any(user=me, role="editor") | (this.project.owner == me))

    @app.resource("tasks")
    class Task(Resource):
        project: Project
        assignee: User | None
        slug: str = field(unique=True)
        status: str = "draft"
        cost: Decimal = Decimal(0)

        access = allow(
            read=this.project.members.any(user=me) & (this.status != "archived"),
            write=this.project.members.any(user=me, role="editor"),
            fields={"cost": this.project.owner == me},
        )

    @app.resource("letters")
    class Letter(Resource):
        text: str

        access = allow(create=anyone, read=me.has_role("staff"))

    return app


class Cast:
    """Ann owns P and edits in it, Eve edits in P, Vic views P, Sam is a stranger who owns Q and edits in it. Ann is not in Q."""

    def __init__(self, world: World, people: dict[str, Person], p: int, q: int) -> None:
        self.world = world
        self.ann, self.eve, self.vic, self.sam = (people[name] for name in ("ann", "eve", "vic", "sam"))
        self.p, self.q = p, q

    async def task(self, slug: str, *, project: int | None = None, **given: object) -> int:
        """A task made past every rule."""
        where = "project_id, slug, status, cost, created_at, updated_at"
        stored = {"status": "draft", "cost": "0", **given}
        now = "'2026-01-01T00:00:00.000Z'"
        rows = await self.world.db.sql(
            f"INSERT INTO tasks({where}) VALUES (:project, :slug, :status, CAST(:cost AS {self._decimal}), {now}, {now}) RETURNING id",
            project=project or self.p, slug=slug, status=stored["status"], cost=str(stored["cost"]),
        )  # fmt: skip
        key: int = rows[0]["id"]
        return key

    @property
    def _decimal(self) -> str:
        return "TEXT" if self.world.backend.store.dialect == "sqlite" else "NUMERIC"


async def cast(world: World) -> Cast:
    people = {name: await world.person(name) for name in ("ann", "eve", "vic", "sam")}
    keys: dict[str, int] = {}
    for name, who in (("P", "ann"), ("Q", "sam")):
        keys[name] = (await people[who].post("/api/projects", {"name": name})).json()["id"]
    for project, owner_, who, role in (
        ("P", "ann", "ann", "editor"),
        ("P", "ann", "eve", "editor"),
        ("P", "ann", "vic", "viewer"),
        ("Q", "sam", "sam", "editor"),
    ):
        reply = await people[owner_].post("/api/members", {"project_id": keys[project], "user_id": str(people[who].id), "role": role})
        assert reply.status_code == 201, reply.text
    return Cast(world, people, keys["P"], keys["Q"])
