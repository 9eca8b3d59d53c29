"""A request that goes well asks the database once: who asks is remembered, rule and relations stand in the statement itself."""

from __future__ import annotations

from typing import Any

import pytest

from backroom import App, Resource, User, allow, field, many, me, owner, this
from tests.rules.world import Asked, Person, World, listening, running


def shop() -> App:
    app = App()

    @app.resource("projects")
    class Project(Resource):
        name: str = field(search=True)
        owner: User = owner()
        tasks: list[Task] = many(via="project")

        access = allow(everything=this.owner == me)

    @app.resource("tasks")
    class Task(Resource):
        title: str
        project: Project
        owner: User = owner()

        access = allow(read=(this.owner == me) | (this.project.owner == me), write=this.owner == me)

    return app


async def _asked(world: World, ann: Person, method: str, path: str, body: Any = None) -> list[Asked]:
    """What one request asks of the tables of the app."""
    with listening(world) as heard:
        reply = await ann.client.request(method, path, json=body) if body is not None else await ann.client.request(method, path)
        assert reply.status_code in (200, 201, 204), reply.text
        await world.heard_all()
    return [each for each in heard if "projects" in each.text or "tasks" in each.text]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/tasks", None),
        ("GET", "/api/tasks/{task}", None),
        ("GET", "/api/tasks?title=eq.first&order=title.desc&limit=1", None),
        ("GET", "/api/tasks?select=*,project(*)", None),
        ("GET", "/api/projects?select=name,tasks(title,project(name))&order=name", None),
        ("GET", "/api/projects?select=*,tasks!inner(*)&tasks.title=eq.first", None),
        ("GET", "/api/projects?search=paint", None),
        ("GET", "{next}", None),
        ("POST", "/api/tasks", {"title": "third", "project_id": "{project}"}),
        ("POST", "/api/projects", [{"name": "one"}, {"name": "two"}]),
        ("PATCH", "/api/projects/{project}", {"name": "paint the shed"}),
        ("DELETE", "/api/tasks/{task}", None),
    ],
)
async def test_a_request_without_hooks_that_succeeds_is_one_statement(each_database: str, method: str, path: str, body: Any) -> None:
    async with running(shop(), each_database) as world:
        ann = await world.person("ann")
        project = (await ann.post("/api/projects", {"name": "paint the fence"})).json()["id"]
        task, _ = [(await ann.post("/api/tasks", {"title": title, "project_id": project})).json()["id"] for title in ("first", "second")]
        link = (await ann.get("/api/tasks?limit=1&order=title")).headers["link"]
        following = link.partition("<")[2].partition(">")[0]
        if method == "POST" and "{project}" in str(body):
            body = {**body, "project_id": project}
        asked = await _asked(world, ann, method, path.format(task=task, project=project, next=following), body)
        assert len(asked) == 1, [each.text for each in asked]
