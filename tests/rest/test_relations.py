"""Relations in `select`, on both databases: what they reach, how they are named, and that the rules of the rows they reach hold at every level."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from backroom import App, Resource, User, allow, anyone, field, many, me, owner, this
from tests.rest.world import faults_of, running


def works_app() -> App:
    app = App()

    @app.user
    class Person(User):
        name: str = ""
        access = allow(read=anyone, update=this == me, fields={"email": this == me})

    @app.resource("projects")
    class Project(Resource):
        name: str = field(unique=True)
        owner: User = owner()
        lead: Person | None = None
        tasks: list[Task] = many(via="project")
        tags: list[Tag] = many(through="Tagged")

        access = allow(read=anyone, write=me.signed_in)

    @app.resource("tasks", aggregates=True)
    class Task(Resource):
        title: str
        project: Project
        parent: Task | None = None
        children: list[Task] = many(via="parent")
        cost: Decimal = Decimal(0)
        hours: int = 0
        data: dict[str, Any] = field(default_factory=dict)
        span: timedelta = timedelta(0)
        blob: bytes = b""
        at: time | None = None
        day: date | None = None
        secret: str = "hush"
        reviewer: Person | None = None
        owner: User = owner()

        # Tasks of 50 and more are nobody's to see; a secret is its owner's; who reviews is told to nobody.
        access = allow(read=this.cost < 50, write=me.signed_in, create=me.signed_in, fields={"secret": this.owner == me, "reviewer": allow()})

    @app.resource("tags")
    class Tag(Resource):
        name: str
        access = allow(everything=anyone)

    @app.resource("tagged", unique=[("project", "tag")])
    class Tagged(Resource):
        project: Project
        tag: Tag
        shown: bool = True
        access = allow(read=this.shown, write=me.signed_in, create=me.signed_in)

    @app.resource("plans")
    class Plan(Resource):
        project: Project = field(unique=True)
        text: str
        access = allow(everything=anyone)

    return app


class Works:
    """Ann's and Bob's projects."""

    def __init__(self, ann: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> None:
        self.ann, self.bob = ann, bob

    async def post(self, person: httpx2.AsyncClient, resource: str, **body: Any) -> Any:
        reply = await person.post(f"/api/{resource}", json=body)
        assert reply.status_code == 201, reply.text
        return reply.json()["id"] if reply.json() else None

    async def asked(self, query: str, person: httpx2.AsyncClient | None = None) -> Any:
        reply = await (person or self.ann).get(f"/api/{query}")
        assert reply.status_code == 200, f"{query}: {reply.text}"
        return reply.json()

    async def refused(self, query: str) -> tuple[str | None, str]:
        reply = await self.ann.get(f"/api/{query}")
        assert reply.status_code == 400, f"{query}: {reply.status_code} {reply.text}"
        [(name, code)] = faults_of(reply).items()
        return name, code


@asynccontextmanager
async def works(url: str) -> AsyncGenerator[Works]:
    async with running(url, works_app()) as world:
        w = Works(await world.person("ann"), await world.person("bob"))
        for person, name in ((w.ann, "Ann"), (w.bob, "Bob")):
            assert (await person.patch("/api/account", json={"name": name})).status_code == 200
        one = await w.post(w.ann, "projects", name="One")
        two = await w.post(w.bob, "projects", name='Tw"o')
        first = await w.post(
            w.ann, "tasks", title="a", project_id=one, cost="1.50", hours=3, span="-P1DT1H30M0.25S", blob="aGk=", at="09:30:00.5", day="2026-01-02",
            data={"city": "Paris", "n": 5, "flag": True, "list": [1, {"x": None}], "a b": "q"},
        )  # fmt: skip
        await w.post(w.bob, "tasks", title="b", project_id=one, cost="2.25", hours=4, parent_id=first, data={"city": "Rome", "n": "5"})
        await w.post(w.bob, "tasks", title="dear", project_id=one, cost="99", hours=100, parent_id=first)
        await w.post(w.bob, "tasks", title="dear too", project_id=two, cost="99")
        red, blue = await w.post(w.ann, "tags", name="red"), await w.post(w.ann, "tags", name="blue")
        await w.post(w.ann, "tagged", project_id=one, tag_id=red)
        await w.post(w.ann, "tagged", project_id=one, tag_id=blue, shown=False)
        await w.post(w.ann, "plans", project_id=one, text="go")
        yield w


async def test_a_relation_to_one_row_is_an_object_or_null(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.asked("tasks?select=title,parent(title)") == [{"title": "a", "parent": None}, {"title": "b", "parent": {"title": "a"}}]
        # By the relation's name, the reference's column, the resource, the constraint; under a name of one's own.
        for name in ("project", "project_id", "projects", "tasks_project_id_fkey", "projects!tasks_project_id_fkey", "projects!project_id"):
            shown = name.partition("!")[0]
            assert await w.asked(f"tasks?select={name}(name)&title=eq.a") == [{shown: {"name": "One"}}]
        assert await w.asked("tasks?select=of:project(called:name)&title=eq.a") == [{"of": {"called": "One"}}]
        # A unique reference reaches one row from the other side too.
        assert await w.asked("projects?select=name,plans(text)") == [{"name": "One", "plans": {"text": "go"}}, {"name": 'Tw"o', "plans": None}]


async def test_a_relation_to_many_rows_is_a_list_in_its_own_order(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.asked("projects?select=name,tasks(title)&tasks.order=title.desc") == [
            {"name": "One", "tasks": [{"title": "b"}, {"title": "a"}]},
            {"name": 'Tw"o', "tasks": []},
        ]
        assert await w.asked("projects?select=tasks(title)&name=eq.One&tasks.limit=1&tasks.offset=1") == [{"tasks": [{"title": "b"}]}]
        assert await w.asked("projects?select=tasks(title)&name=eq.One&tasks.or=(title.eq.b,hours.gt.50)") == [{"tasks": [{"title": "b"}]}]
        assert await w.asked("tasks?select=title,children(title),tasks(title)&order=title") == [
            {"title": "a", "children": [{"title": "b"}], "tasks": [{"title": "b"}]},
            {"title": "b", "children": [], "tasks": []},
        ]


async def test_a_reference_beside_the_star_stands_for_its_column(each_database: str) -> None:
    async with works(each_database) as w:
        [row] = await w.asked("tasks?select=*,project_id(name)&title=eq.a")
        assert (row["project_id"], row["title"], row["cost"]) == ({"name": "One"}, "a", "1.50")
        [row] = await w.asked("tasks?select=*,project_id()&title=eq.a")
        assert isinstance(row["project_id"], int)
        for select in ("*,*", "title,*", "*,title:hours", "*,...project(id)", "*,title:project(id)"):
            assert await w.refused(f"tasks?select={select}") == ("select", "repeated"), select


async def test_a_junction_leads_to_the_rows_behind_it_as_far_as_it_may_be_read(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.asked("projects?select=tags(name)&name=eq.One") == [{"tags": [{"name": "red"}]}]
        assert await w.asked("tags?select=name,projects(name)") == [{"name": "red", "projects": [{"name": "One"}]}, {"name": "blue", "projects": []}]
        assert await w.asked("projects?select=tagged(tag(name))&name=eq.One") == [{"tagged": [{"tag": {"name": "red"}}]}]


async def test_rows_that_may_not_be_read_are_not_there_behind_a_relation(each_database: str) -> None:
    async with works(each_database) as w:
        one, two = await w.asked("projects?select=name,tasks(count)")
        assert (one["tasks"], two["tasks"]) == ([{"count": 2}], [{"count": 0}])
        assert await w.asked("projects?select=name,tasks!inner(title)") == [{"name": "One", "tasks": [{"title": "a"}, {"title": "b"}]}]
        assert await w.asked("projects?select=name,tasks()&tasks=is.null") == [{"name": 'Tw"o'}]
        assert await w.asked("projects?select=name,tasks()&tasks=not.is.null") == [{"name": "One"}]
        assert await w.asked("projects?select=name,tasks!inner(title)&tasks.title=like.dear*") == []
        reply = await w.ann.get("/api/projects?select=name,tasks!inner(title)", headers={"prefer": "count=exact"})
        assert reply.headers["content-range"] == "0-0/1"
        # A cell that is hidden in some rows is absent there, and null to whoever looks through it.
        assert await w.asked("projects?select=tasks(title,secret)&name=eq.One") == [{"tasks": [{"title": "a", "secret": "hush"}, {"title": "b"}]}]
        assert await w.asked("projects?select=tasks(title)&tasks.secret=eq.hush&name=eq.One") == [{"tasks": [{"title": "a"}]}]
        assert await w.asked("tasks?select=owner(email,name)") == [{"owner": {"email": "ann@example.com", "name": "Ann"}}, {"owner": {"name": "Bob"}}]
        assert await w.asked("tasks?select=title,owner()&owner.email=eq.bob@example.com&owner=not.is.null") == []


async def test_a_hidden_reference_leads_nowhere_in_either_direction(each_database: str) -> None:
    async with works(each_database) as w:
        for query in ("tasks?select=reviewer(name)", "tasks?select=reviewer_id(name)", "users?select=tasks!reviewer_id(title)"):
            assert (await w.refused(query))[1] == "relation"
        same = [(await w.ann.get(f"/api/tasks?select={name}(name)")).text.replace(name, "*") for name in ("reviewer", "nonsense")]
        assert same[0] == same[1]
        # Two references would be ambiguous; one of them does not exist for anybody.
        assert [row["tasks"] for row in await w.asked("users?select=tasks(title)&order=name")] == [[{"title": "a"}], [{"title": "b"}]]


async def test_a_name_that_fits_several_relations_is_refused_with_all_of_them(each_database: str) -> None:
    async with works(each_database) as w:
        reply = await w.ann.get("/api/projects?select=users(name)")
        assert reply.status_code == 400
        [fault] = reply.json()["errors"]
        assert fault["code"] == "ambiguous"
        assert "users!projects_owner_id_fkey" in fault["message"]
        assert "users!projects_lead_id_fkey" in fault["message"]
        reply = await w.ann.get("/rest/v1/projects?select=users(name)")
        assert (reply.status_code, reply.json()["code"]) == (300, "PGRST201")
        reply = await w.ann.get("/rest/v1/projects?select=strangers(name)")
        assert (reply.status_code, reply.json()["code"]) == (400, "PGRST200")
        assert await w.asked("projects?select=owner(name),lead(name)&name=eq.One") == [{"owner": {"name": "Ann"}, "lead": None}]


async def test_spread_columns_stand_among_the_rows_own(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.asked("tasks?select=title,...project(project:name,...owner(by:name))") == [
            {"title": "a", "project": "One", "by": "Ann"},
            {"title": "b", "project": "One", "by": "Ann"},
        ]
        assert await w.asked("projects?select=name,...tasks(titles:title,costs:cost)") == [
            {"name": "One", "titles": ["a", "b"], "costs": ["1.50", "2.25"]},
            {"name": 'Tw"o', "titles": [], "costs": []},
        ]
        assert await w.asked("tasks?select=title,...parent(above:title)") == [{"title": "a", "above": None}, {"title": "b", "above": "a"}]
        assert await w.refused("tasks?select=title,...project(title:name)") == ("select", "repeated")


async def test_lists_are_ordered_by_a_column_behind_a_relation(each_database: str) -> None:
    async with works(each_database) as w:
        assert [row["title"] for row in await w.asked("tasks?select=title,parent(title)&order=parent(title).asc.nullslast")] == ["b", "a"]
        assert [row["name"] for row in await w.asked("projects?select=name,owner()&order=owner(name).desc")] == ['Tw"o', "One"]
        assert await w.refused("projects?select=name&order=owner(name)") == ("order", "relation")
        assert await w.refused("projects?select=name,tasks(id)&order=tasks(title)") == ("order", "relation")


async def test_every_kind_is_printed_alike_in_a_row_and_behind_a_relation(each_database: str) -> None:
    async with works(each_database) as w:
        [row] = await w.asked("tasks?title=eq.a")
        [below] = await w.asked("projects?select=tasks(*)&name=eq.One&tasks.title=eq.a")
        assert below["tasks"] == [row]
        assert (row["span"], row["blob"], row["at"]) == ("-P1DT1H30M0.25S", "aGk=", "09:30:00.500000")
        [embedded] = await w.asked(f"tasks?select=*,project()&id=eq.{row['id']}")
        assert embedded == row


async def test_values_inside_json_are_chosen_asked_for_and_sorted_by(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.asked("tasks?select=data->city,text:data->>n,x:data->list->1,data->list->>0,none:data->zzz") == [
            {"city": "Paris", "text": "5", "x": {"x": None}, "list": "1", "none": None},
            {"city": "Rome", "text": "5", "x": None, "list": None, "none": None},
        ]
        for query, titles in {
            "data->>city=eq.Paris": ["a"],
            "data->>city=like.R*": ["b"],
            "data->>n=eq.5": ["a", "b"],
            "data->n=eq.5": ["a"],
            'data->n=eq."5"': ["b"],
            "data->n=gte.4.5": ["a"],
            "data->flag=is.true": ["a"],
            "data->flag=is.null": ["b"],
            "data->list=cs.[1]": ["a"],
            'data->"a b"=eq."q"': ["a"],
            "data->list->1->>x=is.null": ["a", "b"],
            r'or=(data->>city.eq.Paris,data->n.eq."\"5\"")': ["a", "b"],
            "data->>city=not.in.(Paris,Oslo)": ["b"],
            "order=data->n": ["b", "a"],
            "order=data->>city.desc": ["b", "a"],
        }.items():
            assert [row["title"] for row in await w.asked(f"tasks?select=title&{query}")] == titles, query
        assert await w.refused("tasks?title->a=eq.1") == ("title->a", "type")
        assert await w.refused("tasks?data->n=eq.abc") == ("data->n", "syntax")


async def test_groups_come_to_sums_and_counts_of_what_may_be_seen(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.asked("tasks?select=cost.sum(),hours.avg(),top:hours.max(),count()") == [{"sum": "3.75", "avg": 3.5, "top": 4, "count": 2}]
        assert await w.asked("tasks?select=project(name),cost.sum()") == [{"project": {"name": "One"}, "sum": "3.75"}]
        assert await w.asked("tasks?select=title,hours.sum()&order=title.desc") == [{"title": "b", "sum": 4}, {"title": "a", "sum": 3}]
        # A hidden cell makes a group without the key, and is in no aggregate.
        assert await w.asked("tasks?select=secret,count()") == [{"count": 1}, {"secret": "hush", "count": 1}]
        assert await w.asked("tasks?select=secret.max(),secret.count()") == [{"max": "hush", "count": 1}]
        assert await w.asked("projects?select=name,tasks(hours.sum(),spans:span.sum())&order=name.desc") == [
            {"name": 'Tw"o', "tasks": [{"sum": None, "spans": None}]},
            {"name": "One", "tasks": [{"sum": 7, "spans": "-P1DT1H30M0.25S"}]},
        ]
        reply = await w.ann.get("/api/tasks?select=title,count()&limit=1", headers={"prefer": "count=exact"})
        assert (reply.json(), reply.headers["content-range"]) == ([{"title": "a", "count": 1}], "0-0/2")
        assert await w.asked("tags?select=count()") == [{"count": 2}]
        assert await w.refused("tags?select=name,count()") == ("select", "aggregates")
        assert await w.refused("tasks?select=title.sum()") == ("title", "type")
        assert await w.refused("tasks?select=title,count()&order=hours") == ("order", "syntax")


async def test_columns_are_renamed_and_cast(each_database: str) -> None:
    async with works(each_database) as w:
        [row] = await w.asked("tasks?select=called:title,text:hours::text,number:cost::float8,day:created_at::date,shown:data::text&title=eq.b")
        assert (row["called"], row["text"], row["number"], len(row["day"])) == ("b", "4", 2.25, 10)
        assert "Rome" in row["shown"]
        assert await w.refused("tasks?select=title::int") == ("title", "unavailable")
        assert await w.refused("tasks?select=title,title") == ("select", "repeated")
        assert await w.refused("tasks?select=*,*") == ("select", "repeated")


@pytest.mark.parametrize(
    ("select", "name", "code"),
    [
        ("project(name", "select", "syntax"),
        ("project(zzz)", "project.zzz", "unknown"),
        ("zzz(name)", "zzz", "relation"),
        ("project(name),project(id)", "select", "repeated"),
        ("project(tasks(project(tasks(project(tasks(id))))))", "select", "too_many"),
        (",".join(f"a{n}:project(id)" for n in range(21)), "select", "too_many"),
        (",".join(f"a{n}:title" for n in range(201)), "select", "too_many"),
        ("data" + "->a" * 11, "select", "too_many"),
        ("title.total()", "select", "syntax"),
        ("project!a!b(name)", "select", "syntax"),
    ],
)
async def test_a_select_that_goes_wrong_is_told_where(each_database: str, select: str, name: str, code: str) -> None:
    async with running(each_database, works_app()) as world:
        reply = await world.browser().get("/api/tasks", params={"select": select})
        assert reply.status_code == 400, reply.text
        assert [(fault["field"], fault["code"]) for fault in reply.json()["errors"]] == [(name, code)]


async def test_parameters_of_a_relation_that_select_does_not_name_are_refused(each_database: str) -> None:
    async with works(each_database) as w:
        assert await w.refused("tasks?project.name=eq.One") == ("project.name", "relation")
        assert await w.refused("tasks?select=title,project(name)&project.zzz=eq.1") == ("project.zzz", "unknown")
        assert await w.refused("tasks?select=title,project(name)&project=eq.1") == ("project", "operator")
        assert await w.refused("tasks?select=title,project(name)&project.limit=x") == ("project.limit", "type")


async def test_one_row_is_read_with_its_relations_and_its_tag_follows_them(each_database: str) -> None:
    async with works(each_database) as w:
        [task] = await w.asked("tasks?select=id,project_id&title=eq.a")
        address = f"/api/tasks/{task['id']}?select=title,project(name)"
        reply = await w.ann.get(address)
        assert reply.json() == {"title": "a", "project": {"name": "One"}}
        tag = reply.headers["etag"]
        assert (await w.ann.get(address, headers={"if-none-match": tag})).status_code == 304
        assert (await w.ann.patch(f"/api/projects/{task['project_id']}", json={"name": "Uno"})).status_code == 200
        reply = await w.ann.get(address, headers={"if-none-match": tag})
        assert (reply.status_code, reply.json()["project"]) == (200, {"name": "Uno"})
        columns = f"/api/tasks/{task['id']}?select=title,secret"
        tag = (await w.ann.get(columns)).headers["etag"]
        assert (await w.ann.get(columns, headers={"if-none-match": tag})).status_code == 304
        assert (await w.bob.get(columns)).headers["etag"] != tag  # who sees fewer keys has another representation
        assert (await w.ann.get("/api/tasks/9999?select=title,project(name)")).status_code == 404


async def test_relations_come_as_lines_of_values_too(each_database: str) -> None:
    async with works(each_database) as w:
        reply = await w.ann.get("/api/tasks?select=title,...project(project:name),owner(name)&title=eq.a", headers={"accept": "text/csv"})
        assert reply.text == 'title,project,owner\na,One,"{""name"":""Ann""}"\n'


async def test_a_write_answers_with_the_relations_of_its_rows(each_database: str) -> None:
    async with works(each_database) as w:
        [one, *_] = await w.asked("projects?select=id&name=eq.One")
        reply = await w.ann.post("/api/tasks?select=title,project(name)", json={"title": "new", "project_id": one["id"], "cost": "1"})
        assert (reply.status_code, reply.json()) == (201, {"title": "new", "project": {"name": "One"}})
        assert reply.headers["location"].startswith("/api/tasks/")
        assert "etag" not in reply.headers
        # A row that its creator may not read leaves the reply, relations and all.
        rows = [{"title": "dear", "project_id": one["id"], "cost": "70"}, {"title": "cheap", "project_id": one["id"], "cost": "2"}]
        reply = await w.ann.post("/api/tasks?select=title,...project(of:name)", json=rows)
        assert (reply.status_code, reply.json()) == (201, [{"title": "cheap", "of": "One"}])
        reply = await w.ann.patch("/api/tasks?title=in.(new,cheap)&select=title,project(name)", json={"hours": 9})
        assert (reply.status_code, reply.json()) == (
            200,
            [{"title": "new", "project": {"name": "One"}}, {"title": "cheap", "project": {"name": "One"}}],
        )
        wanted = {"prefer": "return=representation"}
        reply = await w.ann.delete("/api/tasks?title=in.(new,cheap)&select=title,owner(name)", headers=wanted)
        assert (reply.status_code, reply.json()) == (200, [{"title": "new", "owner": {"name": "Ann"}}, {"title": "cheap", "owner": {"name": "Ann"}}])
        assert await w.asked("tasks?title=in.(new,cheap)") == []
        reply = await w.ann.post(
            "/rest/v1/projects?on_conflict=name&select=name,tasks(title)&tasks.order=title",
            json={"name": "One"},
            headers={"prefer": "resolution=merge-duplicates,return=representation"},
        )
        assert (reply.status_code, reply.json()) == (200, [{"name": "One", "tasks": [{"title": "a"}, {"title": "b"}]}])
        reply = await w.ann.post("/api/tasks?select=count()", json={"title": "new", "project_id": one["id"]})
        assert (reply.status_code, faults_of(reply)) == (400, {"select": "unavailable"})


async def test_a_filter_over_relations_says_which_rows_a_write_means(each_database: str) -> None:
    async with works(each_database) as w:
        reply = await w.ann.patch("/api/tasks?select=title,project!inner()&project.name=eq.One&title=eq.a", json={"hours": 8})
        assert (reply.status_code, reply.json()) == (200, [{"title": "a"}])
        reply = await w.ann.delete("/api/tasks?select=title,project!inner()&project.name=eq.Nowhere")
        assert (reply.status_code, reply.headers["content-range"]) == (204, "*/0")


async def test_a_reply_that_would_not_fit_into_memory_is_refused(each_database: str) -> None:
    """SQLite alone prints whole pages; Postgres is bounded by the time that a query may take."""
    if not each_database.startswith("sqlite"):
        return
    async with works(each_database) as w:
        [task] = await w.asked("tasks?select=id,project_id&title=eq.a")
        assert (await w.ann.patch(f"/api/tasks/{task['id']}", json={"title": "x" * 1_000_000})).status_code == 200
        for number in range(70):
            await w.post(w.ann, "tasks", title=f"child {number}", project_id=task["project_id"], parent_id=task["id"])
        reply = await w.ann.get("/api/tasks?select=parent(title)")
        assert (reply.status_code, reply.json()["code"]) == (400, "database.too_large")
        assert len(await w.asked("tasks?select=parent(title)&limit=10&title=like.child*")) == 10
