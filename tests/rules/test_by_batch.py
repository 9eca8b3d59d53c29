"""The promises about writing what one may not, kept by requests in a batch as by requests of their own."""

from __future__ import annotations

from typing import Any

import httpx2

from backroom import Conflict
from tests.rules.projects import Cast, cast, projects
from tests.rules.world import Person, running


async def batch(who: Person, *items: tuple[Any, ...]) -> httpx2.Response:
    """Items as (method, path, body, headers), what is behind left out."""
    names = ("method", "path", "body", "headers")
    return await who.post("/api/batch", [{name: part for name, part in zip(names, item, strict=False) if part is not None} for item in items])


def refused(reply: httpx2.Response, status: int, code: str, row: int = 0) -> None:
    told = reply.json()
    assert (reply.status_code, told["code"], {fault["row"] for fault in told["errors"]}) == (status, code, {row}), reply.text


def own(c: Cast) -> tuple[Any, ...]:
    """Something that Sam may do, so that there is something to undo."""
    return ("PATCH", f"/api/projects/{c.q}", {"name": "Q2"})


async def test_a_stranger_can_not_make_himself_an_editor(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        before = await world.dump()
        mine = {"project_id": c.p, "user_id": str(c.sam.id), "role": "editor"}
        refused(await batch(c.sam, ("POST", "/api/members", mine)), 403, "rules.forbidden")
        refused(await batch(c.sam, own(c), ("POST", "/api/members", [mine])), 403, "rules.forbidden", 1)
        placed = ("POST", "/api/members?on_conflict=project_id,user_id", mine, {"Prefer": "resolution=merge-duplicates"})
        refused(await batch(c.sam, own(c), placed), 403, "rules.forbidden", 1)
        assert await world.dump() == before


async def test_an_editor_can_not_carry_his_membership_into_another_project(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        member = next(row for row in (await c.eve.get("/api/members")).json() if row["user_id"] == str(c.eve.id))
        before = await world.dump()
        moved = {"project_id": c.q, "user_id": str(c.eve.id), "role": "editor"}
        task = ("POST", "/api/tasks", {"project_id": c.p, "slug": "undone"})
        for item in (
            ("PATCH", f"/api/members/{member['id']}", {"project_id": c.q}),
            ("PUT", f"/api/members/{member['id']}", moved),
            ("PATCH", f"/api/members?user_id=eq.{c.eve.id}", {"project_id": c.q}),
        ):
            refused(await batch(c.eve, task, item), 403, "rules.forbidden", 1)
        assert await world.dump() == before


async def test_a_row_vouches_for_the_next_item_and_never_for_its_neighbor_in_an_array(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        before = await world.dump()
        eve, vic = ({"project_id": c.q, "user_id": str(who.id), "role": "editor"} for who in (c.eve, c.vic))
        refused(await batch(c.eve, ("POST", "/api/members", [eve, vic])), 403, "rules.forbidden")
        refused(await batch(c.eve, ("POST", "/api/members", eve), ("POST", "/api/members", vic)), 403, "rules.forbidden")
        assert await world.dump() == before
        # Sam leaves his project's editors: what he might write before, he may not write after, in the same batch.
        sam = next(row for row in (await c.sam.get("/api/members")).json() if row["user_id"] == str(c.sam.id))
        task, leave = ("POST", "/api/tasks", {"project_id": c.q, "slug": "t"}), ("DELETE", f"/api/members/{sam['id']}")
        refused(await batch(c.sam, leave, task), 403, "rules.forbidden", 1)
        assert await world.dump() == before
        assert (await batch(c.sam, task, leave)).status_code == 200
        back = ("POST", "/api/members", {"project_id": c.q, "user_id": str(c.sam.id), "role": "editor"})
        again = ("POST", "/api/tasks", {"project_id": c.q, "slug": "u"})
        refused(await batch(c.sam, again, back), 403, "rules.forbidden")
        assert (await batch(c.sam, back, again)).status_code == 200, "an item sees the membership that the one before it made"


async def test_an_editor_deletes_all_members_by_filter_himself_included_and_then_may_no_more(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        before = await world.dump()
        away = ("DELETE", f"/api/members?project_id=eq.{c.p}")
        refused(await batch(c.eve, away, ("POST", "/api/tasks", {"project_id": c.p, "slug": "t"})), 403, "rules.forbidden", 1)
        assert await world.dump() == before
        assert (await batch(c.eve, away)).json()[0]["headers"]["content-range"] == "*/3"
        assert [row["project_id"] for row in (await world.dump("members"))["members"]] == [c.q]


async def test_a_hook_that_refuses_answers_no_stranger(each_database: str) -> None:
    app = projects()
    task = next(each.cls for each in app.catalog.definitions.values() if each.name == "tasks")

    @app.before_create(task)
    async def picky(row: Any) -> None:
        if row.slug == "bad":
            raise Conflict("Not that one.", code="tasks.bad")

    async with running(app, each_database) as world:
        c = await cast(world)
        strange = [await batch(c.sam, own(c), ("POST", "/api/tasks", {"project_id": c.p, "slug": slug})) for slug in ("bad", "good")]
        assert strange[0].content == strange[1].content
        refused(strange[0], 403, "rules.forbidden", 1)
        refused(await batch(c.eve, ("GET", "/api/tasks"), ("POST", "/api/tasks", {"project_id": c.p, "slug": "bad"})), 409, "tasks.bad", 1)
        assert (await world.dump("projects"))["projects"][1]["name"] == "Q"


async def test_a_stranger_can_not_ask_which_slugs_are_taken(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        await c.task("taken")
        for many in (False, True):
            rows = [{"project_id": c.p, "slug": slug} for slug in ("taken", "free")]
            taken, free = [await batch(c.sam, ("POST", "/api/tasks", [row] if many else row)) for row in rows]
            refused(taken, 403, "rules.forbidden")
            assert taken.content == free.content


async def test_an_absent_reference_and_one_out_of_sight_are_refused_alike(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        member = next(row for row in (await c.ann.get("/api/members")).json() if row["user_id"] == str(c.vic.id))
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/api/tasks", {"slug": "s"}),
            ("POST", "/api/members", {"user_id": str(c.ann.id), "role": "editor"}),
            ("PATCH", f"/api/members/{member['id']}", {}),
        ]
        for method, path, body in requests:
            keys = (999, c.q)
            absent, invisible = [await batch(c.ann, ("GET", "/api/projects"), (method, path, {**body, "project_id": key})) for key in keys]
            assert absent.status_code in (403, 409)
            assert absent.content == invisible.content


async def test_upsert_onto_a_row_out_of_sight_is_the_same_conflict_as_create(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        await c.task("hidden", project=c.q)
        before = await world.dump()
        row = {"project_id": c.p, "slug": "hidden"}
        address = "/api/tasks?on_conflict=slug"
        created = await batch(c.eve, ("POST", "/api/tasks", row))
        merged = await batch(c.eve, ("POST", address, row, {"Prefer": "resolution=merge-duplicates"}))
        refused(created, 409, "database.unique")
        assert merged.content == created.content
        ignored = await batch(c.eve, ("POST", address, [row], {"Prefer": "resolution=ignore-duplicates"}), ("GET", "/api/tasks"))
        assert [(reply["status"], reply["body"]) for reply in ignored.json()] == [(201, []), (200, [])]
        assert await world.dump() == before


async def test_upsert_by_an_id_that_the_server_sets_only_finds(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        hidden = await c.task("hidden", project=c.q)
        before = await world.dump()
        absent, invisible = [
            await batch(c.eve, ("POST", "/api/tasks", {"id": key, "project_id": c.p, "slug": "mine"}, {"Prefer": "resolution=merge-duplicates"}))
            for key in (999, hidden)
        ]
        refused(absent, 404, "rest.not_found")
        assert absent.content == invisible.content
        assert await world.dump() == before
