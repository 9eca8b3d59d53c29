"""What the network tab of a browser shows is what the folders are called."""

from __future__ import annotations

import re

from backroom import App, Resource, User, allow, field, me, owner, this
from backroom.testing import client
from tests.house.sources import rooms

app = App()


@app.resource("todos")
class Todo(Resource):
    """Something to do."""

    title: str = field(min_length=1)
    owner: User = owner()

    access = allow(everything=this.owner == me)


async def test_the_labels_of_server_timing_are_the_rooms_that_a_request_walks_through() -> None:
    async with client(app) as c:
        ann = await c.sign_up("ann@example.com")
        reply = await ann.post("/api/todos", json={"title": "Buy milk"})
        labels = re.findall(r"(\w+);dur=[0-9.]+", reply.headers["server-timing"])
        assert labels == ["http", "auth", "rules", "validation", "sql", "database"]
        assert set(labels) <= set(rooms())
