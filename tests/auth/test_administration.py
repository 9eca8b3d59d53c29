"""What the command line does with people."""

from __future__ import annotations

import pytest

from backroom.auth.administration import add_user, ban, list_users, set_role
from backroom.errors import NotFound, Problem
from tests.auth.world import PASSWORD, one


async def test_people_made_by_the_operator_can_sign_in_and_their_address_counts_as_confirmed(each_database: str) -> None:
    async with one(each_database) as app, app.client() as client:
        made = await add_user(app.store, app.settings, "Ann@Example.com", PASSWORD, name="Ann", plan="pro")
        assert (made.email, made.confirmed is not None) == ("ann@example.com", True)
        reply = await client.post("/api/session", json={"email": "ann@example.com", "password": PASSWORD})
        assert (reply.status_code, reply.json()["name"], reply.json()["plan"]) == (201, "Ann", "pro")
        assert [each.email for each in await list_users(app.store)] == ["ann@example.com"]


async def test_the_operator_is_told_what_is_wrong(each_database: str) -> None:
    async with one(each_database) as app:
        with pytest.raises(Problem) as wrong:
            await add_user(app.store, app.settings, "ann", "short", color="red")
        assert {fault.field for fault in wrong.value.errors} == {"email", "password", "color"}
        await add_user(app.store, app.settings, "ann@example.com", PASSWORD)
        with pytest.raises(Problem) as taken:
            await add_user(app.store, app.settings, "ANN@example.com", PASSWORD)
        assert taken.value.code == "auth.email_taken"
        for call in (
            set_role(app.store, "bob@example.com", "admin"),
            ban(app.store, app.settings, "bob@example.com"),
            ban(app.store, app.settings, "x"),
        ):
            with pytest.raises(NotFound):
                await call
        with pytest.raises(Problem):
            await set_role(app.store, "ann@example.com", " ")


async def test_roles_are_a_set_that_grows_and_shrinks(each_database: str) -> None:
    async with one(each_database) as app:
        await add_user(app.store, app.settings, "ann@example.com", PASSWORD)
        assert await set_role(app.store, "ann@example.com", "admin") == ("admin",)
        assert await set_role(app.store, "ann@example.com", "editor") == ("admin", "editor")
        assert await set_role(app.store, "ann@example.com", "admin") == ("editor", "admin")
        assert await set_role(app.store, "ann@example.com", "editor", remove=True) == ("admin",)
        assert (await list_users(app.store))[0].roles == ("admin",)
