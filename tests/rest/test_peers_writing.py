"""What other servers let strangers write, and by which side door."""

from __future__ import annotations

import logging
from typing import Any, Literal
from uuid import uuid4

import pytest

from backroom import App, Db, DeclarationError, Resource, User, allow, anyone, me, owner, replace, this
from tests.rest.crowded_app import THING, crowded_app
from tests.rest.newsroom_app import ARTICLES, newsroom
from tests.rest.world import PASSWORD
from tests.rest.world import running as browsing
from tests.rules.world import running

INTERNAL = (
    "_accounts",
    "_sessions",
    "_refresh_tokens",
    "_signing_keys",
    "_backroom_schema",
    "sqlite_master",
    "sqlite_sequence",
    "pg_class",
    "Person",
)


# ---------------------------------------------------------------- whose, and what the server sets
@pytest.mark.advisory("CVE-2024-6534")
@pytest.mark.case(84)
async def test_no_row_is_created_for_or_handed_to_somebody_else(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for body in ({"owner_id": str(bob.id)}, {"owner_id": None}, {"owner": str(bob.id)}, {"owner": {"id": str(bob.id)}}):
            for face in ("/api", "/rest/v1"):
                for path, sent in ((f"{face}/dossiers", body), (f"{face}/dossiers?columns={next(iter(body))}", [body])):
                    reply = await ann.post(path, sent)
                    assert reply.status_code == 400 and reply.json()["errors"][0]["field"] in body, (path, body, reply.text)
        made = (await ann.post("/api/dossiers", {"title": "mine", "owner_id": str(ann.id)})).json()
        for method, path in (("PATCH", f"/api/dossiers/{made['id']}"), ("PUT", f"/api/dossiers/{made['id']}"), ("PATCH", "/api/dossiers?id=gt.0")):
            reply = await ann.client.request(method, path, json={"owner_id": str(bob.id)})
            assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "owner_id"), (method, path)
        assert [row["owner_id"] for row in (await world.dump("dossiers"))["dossiers"]] == [ann.id if each_database[0] == "p" else str(ann.id)]


@pytest.mark.advisory("CVE-2025-24353")
async def test_who_creates_a_row_chooses_no_role_for_it(each_database: str) -> None:
    app = App()

    @app.resource("shares")
    class Share(Resource):
        text: str = ""
        role: Literal["viewer", "admin"] = "viewer"
        owner: User = owner()

        access = allow(everything=this.owner == me, fields={"role": allow(read=anyone, create=me.has_role("boss"), update=me.has_role("boss"))})

    async with running(app, each_database) as world:
        ann, boss = await world.person("ann"), await world.person("boss", roles=["boss"])
        made = await ann.post("/api/shares", {"text": "x"})
        assert made.json()["role"] == "viewer"
        for face in ("/api", "/rest/v1"):
            assert (await ann.post(f"{face}/shares", {"role": "admin"})).status_code == 403
            assert (await ann.post(f"{face}/shares", [{"text": "a"}, {"role": "admin"}])).status_code == 403
            assert (await ann.patch(f"{face}/shares?id=eq.{made.json()['id']}", {"role": "admin"})).status_code == 403
            merging = {"prefer": "resolution=merge-duplicates"}
            assert (await ann.post(f"{face}/shares", {"id": made.json()["id"], "role": "admin"}, headers=merging)).status_code in (403, 404)
        assert (await ann.patch(f"/api/shares/{made.json()['id']}", {"role": "viewer", "text": "y"})).status_code == 200, "as it is: sent back"
        assert (await boss.post("/api/shares", {"role": "admin"})).json()["role"] == "admin"
        assert [row["role"] for row in (await world.dump("shares"))["shares"]] == ["viewer", "admin"]


@pytest.mark.advisory("CVE-2026-39942")
@pytest.mark.case(84)
async def test_what_the_server_sets_is_refused_in_writes_of_many_and_in_upserts(each_database: str) -> None:
    async with browsing(each_database, crowded_app()) as world:
        ann = await world.person()
        row = (await ann.post(THING, json={"code": "a"})).json()
        forged: dict[str, Any] = {"created_at": "2020-01-01T00:00:00.000Z", "told": "x", "vault": "x", "salary": 1, "_version": 3, "roles": ["admin"]}
        merging = {"prefer": "resolution=merge-duplicates"}
        for column, value in forged.items():
            for method, path, headers in (
                ("PATCH", f"{THING}?code=eq.a", {}),
                ("PATCH", "/rest/v1/things?code=eq.a", {}),
                ("POST", f"{THING}?on_conflict=code", merging),
                ("POST", "/rest/v1/things?on_conflict=code", merging),
                ("POST", f"{THING}?columns=code,{column}", {}),
            ):
                reply = await ann.request(method, path, json={"code": "a" if method == "POST" else "b", column: value}, headers=headers)
                assert reply.status_code == 400, (method, path, column, reply.text)
                assert column in {fault["field"] for fault in reply.json()["errors"]}, (method, path, reply.text)
        assert (await ann.get(THING)).json() == [row]


@pytest.mark.advisory("CVE-2026-30938")
async def test_a_forbidden_name_is_found_wherever_it_stands_in_a_body(each_database: str) -> None:
    async with browsing(each_database, crowded_app()) as world:
        ann = await world.person()
        nested: dict[str, Any] = {"meta": {"a": [{"b": {}}]}, "lines": [{"name": "x", "price": "1"}]}
        for name in ("id", "vault", "salary", "_version", "roles", "owner"):
            bodies: list[Any] = [{name: 1, **nested}, {**nested, name: 1}, {"meta": {name: {}}, name: 1, "text": "x"}]
            for body in bodies:
                arrays: list[Any] = [body, [{}, body], [body, nested]]
                for sent in arrays:
                    reply = await ann.post(THING, json=sent)
                    assert reply.status_code == 400 and name in {fault["field"] for fault in reply.json()["errors"]}, (sent, reply.text)
        assert (await ann.get(THING)).json() == []


# ---------------------------------------------------------------- links
@pytest.mark.case(85)
async def test_nothing_is_linked_to_a_row_that_its_writer_may_not_see_from_either_side(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        label, dossier = (await ann.post("/api/labels", {"text": "hers"})).json()["id"], (await ann.post("/api/dossiers", {})).json()["id"]
        article = (await bob.post(ARTICLES, {"title": "his", "dossier_id": None})).json()["id"]
        own = (await bob.post("/api/labels", {"text": "his"})).json()["id"]
        for face in ("/api", "/rest/v1"):
            absent, unseen = [await bob.post(f"{face}/article_labels", {"article_id": article, "label_id": key}) for key in (987654, label)]
            assert absent.status_code == unseen.status_code == 403 and absent.content == unseen.content
            absent, unseen = [await bob.post(f"{face}/articles", {"title": "x", "dossier_id": key}) for key in (987654, dossier)]
            assert absent.status_code == unseen.status_code == 409 and absent.content == unseen.content
            absent, unseen = [await bob.patch(f"{face}/articles?id=eq.{article}", {"dossier_id": key}) for key in (987654, dossier)]
            assert absent.status_code == unseen.status_code == 409 and absent.content == unseen.content
        assert (await bob.post("/api/article_labels", {"article_id": article, "label_id": own})).status_code == 201
        link = (await bob.get("/api/article_labels")).json()[0]["id"]
        assert (await ann.delete(f"/api/article_labels/{link}")).status_code == 403
        assert (await ann.delete("/api/article_labels?id=gt.0")).headers["content-range"] == "*/0"
        for body in (
            {"labels": [{"text": "x"}]},
            {"comments": [{"text": "x"}]},
            {"dossier": {"title": "x"}},
            {"article_labels": [{"label_id": label}]},
        ):
            refused = await bob.post(ARTICLES, {"title": "nested", "dossier_id": None, **body})
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "unknown")
        tables = await world.dump()
        assert [row["label_id"] for row in tables["article_labels"]] == [own]
        assert [row["dossier_id"] for row in tables["articles"]] == [None]


# ---------------------------------------------------------------- what is the server's own
@pytest.mark.advisory("CVE-2026-30966", "GHSA-7xg7-rqf6-pw6c", "CVE-2019-1020012", "GHSA-fcv6-fg5r-jm9q")
@pytest.mark.case(99)
async def test_no_table_of_the_servers_own_is_written_read_or_referred_to(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        ann = await world.person("ann")
        before = {name: await world.db.sql(f"SELECT count(*) AS n FROM {name}") for name in INTERNAL[:4]}
        for name in (*INTERNAL, "article_labels; --", "articles,_sessions"):
            for face in ("/api", "/rest/v1"):
                asked: list[tuple[str, Any]] = [("GET", None), ("POST", {"id": 1}), ("POST", []), ("PATCH", {}), ("PUT", {}), ("DELETE", None)]
                for method, body in asked:
                    reply = await ann.client.request(method, f"{face}/{name}?id=gt.0", json=body)
                    assert reply.status_code == 404, (method, name, reply.text)
            for query in (
                f"select=*,{name}(*)",
                f"select=owner({name}(*))",
                f"order={name}(id)",
                f"{name}.id=gt.0",
                f"{name}=not.is.null",
                f"select=owner!{name}(id)",
            ):
                assert (await ann.get(f"{ARTICLES}?{query}")).status_code == 400, query
            pointer = {"__type": "Pointer", "className": name, "objectId": "1"}
            for column in ("dossier_id", "owner_id"):
                assert (await ann.post(ARTICLES, {"title": "x", "dossier_id": None, column: pointer})).status_code == 400
        assert {name: await world.db.sql(f"SELECT count(*) AS n FROM {name}") for name in INTERNAL[:4]} == before


@pytest.mark.advisory("GHSA-6w4q-23cf-j9jp")
async def test_no_session_is_written_by_anybody(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        mine = (await bob.get("/api/session")).json()
        for method in ("PATCH", "PUT"):
            for path in ("/api/session", f"/api/session/{ann.id}", f"/api/sessions/{ann.id}", "/auth/v1/session"):
                reply = await bob.client.request(method, path, json={"user_id": str(ann.id), "id": str(ann.id)})
                assert reply.status_code in (404, 405), (method, path)
        assert (await bob.post("/api/session", {"email": "bob@example.com", "password": PASSWORD, "user_id": str(ann.id)})).status_code == 400
        assert (await bob.get("/api/session")).json() == mine


@pytest.mark.advisory("CVE-2024-47183")
@pytest.mark.case(100)
async def test_an_id_of_the_clients_choice_is_an_id_and_nothing_else(each_database: str) -> None:
    app = App()

    @app.resource("words", client_key=True)
    class Word(Resource[str]):
        text: str = ""
        owner: User = owner()

        access = allow(read=anyone, create=me.signed_in, update=(this.owner == me) | me.has_role("admin"), delete=me.has_role("admin"))

    async with running(app, each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        for key in ("role:admin", "admin", "*", str(ann.id), "me", "null", "../users", "a/b", "%2e%2e", "'", "id=eq.1", "__proto__"):
            assert (await ann.post("/api/words", {"id": key})).json()["id"] == key
            address = str(ann.client.build_request("GET", f"/api/words/{key.replace('%', '%25').replace('/', '%2F')}").url.raw_path, "ascii")
            reply = await bob.patch(address, {"text": "x"})
            assert reply.status_code in (403, 404), (key, reply.status_code)  # 404: an address never holds a slash within a segment
            assert (await bob.delete(f"/api/words?id=eq.{key.replace('%', '%25')}")).status_code in (403, 400)
        assert (await bob.get("/api/session")).json()["roles"] == []
        for key in ("role:admin", str(uuid4())):
            body = {"email": "eve@example.com", "password": PASSWORD, "id": key}
            assert (await world.nobody.post("/api/account", body)).status_code == 400
        assert {row["text"] for row in (await world.dump("words"))["words"]} == {""}


@pytest.mark.advisory("CVE-2025-4644")
@pytest.mark.case(103)
async def test_the_id_of_a_row_that_is_gone_is_never_given_again(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        seen: set[int] = set()
        for _ in range(3):
            key = (await ann.post("/api/dossiers", {"title": "secret"})).json()["id"]
            assert key not in seen
            seen.add(key)
            assert (await ann.delete(f"/api/dossiers/{key}")).status_code == 204
        key = (await bob.post("/api/dossiers", {"title": "his"})).json()["id"]
        assert key not in seen
        assert (await ann.get(f"/api/dossiers/{key}")).status_code == 404


# ---------------------------------------------------------------- the app's own code
@pytest.mark.advisory("CVE-2025-53889")
@pytest.mark.case(92)
def test_an_endpoint_that_does_not_say_who_may_call_it_stops_the_start() -> None:
    app = App()

    async def trigger(db: Db) -> int:
        return 1

    with pytest.raises(DeclarationError, match="access="):
        app.post("/trigger")(trigger)


@pytest.mark.advisory("CVE-2026-39397")
async def test_the_apps_own_code_acts_for_the_caller_unless_it_says_otherwise(each_database: str) -> None:
    app = newsroom()
    dossier: Any = app.catalog.definitions["dossiers"].cls

    @app.get("/titles")
    async def titles(me: User, db: Db) -> list[str]:
        return [row.title for row in await db.find(dossier)]

    @app.post("/clear")
    async def clear(me: User, db: Db) -> int:
        return await db.delete_where(dossier)

    @app.post("/raw")
    async def raw(me: User, db: Db) -> int:
        return len(await db.sql("SELECT 1"))

    @app.get("/count", access=anyone)
    async def count(db: Db) -> int:
        return await db.count(dossier)

    async with running(app, each_database) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        await ann.post("/api/dossiers", {"title": "hers"})
        assert [(await each.get("/api/titles")).json() for each in (ann, bob)] == [["hers"], []]
        assert (await bob.post("/api/clear", {})).json() == 0
        assert (await bob.post("/api/raw", {})).status_code == 500, "it passes by the rules and does not say so"
        assert (await world.nobody.get("/api/count")).status_code == 401
        assert len((await world.dump("dossiers"))["dossiers"]) == 1


@pytest.mark.advisory("CVE-2025-30353")
async def test_an_error_of_the_apps_own_code_shows_nothing_of_where_it_runs(
    each_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CANARY", "canary-environment")
    app = newsroom()
    dossier: Any = app.catalog.definitions["dossiers"].cls

    @app.get("/broken", access=anyone)
    async def broken() -> int:
        import os

        raise ValueError(dict(os.environ))

    @app.before_create(dossier)
    async def breaks(row: Any) -> None:
        import os

        raise KeyError(os.environ["CANARY"])

    async with running(app, each_database) as world:
        ann = await world.person("ann")
        with caplog.at_level(logging.ERROR):
            for reply in (await ann.get("/api/broken"), await ann.post("/api/dossiers", {}), await ann.post("/rest/v1/dossiers", {})):
                assert (reply.status_code, "canary" in reply.text, "Error" in reply.text.replace("Internal error", "")) == (500, False, False)
        assert "canary-environment" in caplog.text, "the log is where it belongs"


@pytest.mark.advisory("CVE-2021-23682", "GHSA-462x-c3jw-7vr6", "GHSA-prm5-8g2m-24gg")
async def test_names_of_the_languages_own_are_data_or_refused_and_change_nothing(each_database: str) -> None:
    app = crowded_app()
    seen: list[str] = []
    fragile: Any = app.catalog.definitions["things"].cls

    @app.before_update(fragile)
    async def looked_at(row: Any, changes: dict[str, Any]) -> Any:
        seen.append(type(row).__name__)
        return replace(row, count=row.count + 1)

    names = (
        "__proto__",
        "constructor",
        "prototype",
        "__class__",
        "__dict__",
        "__init__",
        "__globals__",
        "_reader",
        "__reduce__",
        "toString",
        "hasOwnProperty",
    )
    async with browsing(each_database, app) as world:
        ann = await world.person()
        for name in names:
            for evil in ({"admin": True}, "x", None, [1]):
                assert (await ann.post(THING, json={name: evil})).status_code == 400, name
                assert (await ann.post("/api/echo", json={"text": "x", name: evil})).status_code == 400, name
                assert (await ann.post("/api/account", json={"email": "e@example.com", "password": PASSWORD, name: evil})).status_code == 400, name
            assert (await ann.get(f"{THING}?{name}=eq.1")).status_code == 400
            assert (await ann.get(f"{THING}?select={name}")).status_code == 400
            made = (await ann.post(THING, json={"meta": {name: {"admin": True, name: [name]}}})).json()
            assert made["meta"] == {name: {"admin": True, name: [name]}}
            changed = (await ann.patch(f"{THING}/{made['id']}", json={"meta": {name: 1}})).json()
            assert (changed["meta"], changed["count"], changed["kept"]) == ({name: 1}, 1, "kept")
        assert set(seen) == {"Thing"}
        assert "admin" not in (await ann.get("/api/session")).text
