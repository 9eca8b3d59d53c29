"""Lists walk by indexes: what a caller may read is found from his side, not by reading the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.databases import database_url
from tests.rules.projects import cast, projects
from tests.rules.world import Asked, Person, World, listening, running, sqlite

_THEN = "'2026-01-01T00:00:00.000Z'"


async def _heard(world: World, who: Person, path: str, table: str) -> Asked:
    with listening(world) as heard:
        assert (await who.get(path)).status_code == 200
        await world.heard_all()
    return [each for each in heard if f"FROM {table}" in each.text and "_sessions" not in each.text][-1]


def _plan(url: str, asked: Asked) -> list[str]:
    with sqlite(url) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.parameters)]


async def test_no_list_under_an_owner_or_a_membership_rule_scans_its_table(tmp_path: Path) -> None:
    with database_url("sqlite", tmp_path) as url:
        async with running(projects(), url) as world:
            c = await cast(world)
            with sqlite(url) as connection:
                numbers = "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 5000)"
                connection.execute(
                    f"INSERT INTO projects(name, owner_id, created_at, updated_at) {numbers} SELECT 'p' || i, '{c.sam.id}', {_THEN}, {_THEN} FROM g"
                )
                connection.execute(
                    f"INSERT INTO tasks(project_id, slug, created_at, updated_at) {numbers} SELECT i, 's' || i, {_THEN}, {_THEN} FROM g"
                )
            for path, table in (
                ("/api/projects", "projects"),
                ("/api/tasks", "tasks"),
                ("/api/members", "members"),
                ("/api/projects?order=name", "projects"),
            ):
                for who in (c.vic, c.sam):
                    plan = _plan(url, await _heard(world, who, path, table))
                    assert not [step for step in plan if step.startswith("SCAN") and table in step], plan


async def test_each_side_of_an_or_walks_its_own_index_and_stops_at_the_page(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        asked = await _heard(world, c.ann, "/api/projects?limit=2&offset=1", "projects")
        assert asked.text.count("UNION") == 1
        assert asked.text.count("LIMIT") == 3
        for index in range(6):
            await c.ann.post("/api/projects", {"name": f"n{index}"})
        whole = [row["name"] for row in (await c.ann.get("/api/projects?order=name.desc")).json()]
        assert whole == ["n5", "n4", "n3", "n2", "n1", "n0", "P"]
        paged: list[Any] = []
        for offset in range(0, 8, 2):
            paged += [row["name"] for row in (await c.ann.get(f"/api/projects?order=name.desc&limit=2&offset={offset}")).json()]
        assert paged == whole


async def test_a_statement_holds_no_value_of_its_caller(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        with listening(world) as heard:
            key = (await c.eve.post("/api/tasks", {"project_id": c.p, "slug": "a-slug-of-hers"})).json()["id"]
            await c.eve.patch(f"/api/tasks/{key}", {"slug": "another-slug"})
            await c.eve.get("/api/tasks?slug=eq.another-slug&order=slug")
            await c.eve.delete(f"/api/tasks/{key}")
            await world.heard_all()
        assert len(heard) > 4
        for each in heard:
            assert not any(value in each.text for value in (str(c.eve.id), "a-slug-of-hers", "another-slug", "archived", "editor")), each.text


async def test_filters_that_differ_in_their_values_alone_are_one_statement(each_database: str) -> None:
    async with running(projects(), each_database) as world:
        c = await cast(world)
        for index in range(4):
            await c.ann.post("/api/projects", {"name": f"n{index}"})
        texts: set[str] = set()
        for names, expected in (("n1", ["n1"]), ("n3,n2", ["n3", "n2"]), ("n0,n1,n2,none", ["n2", "n1", "n0"])):
            path = f"/api/projects?name=in.({names})&id=gt.0&order=name.desc"
            asked = await _heard(world, c.ann, path, "projects")
            assert not any(name in asked.text for name in names.split(","))
            texts.add(asked.text)
            assert [row["name"] for row in (await c.ann.get(path)).json()] == expected
        assert len(texts) == 1
        assert [row["name"] for row in (await c.ann.get("/api/projects?name=not.in.(n0,n1,P)&order=name")).json()] == ["n2", "n3"]
