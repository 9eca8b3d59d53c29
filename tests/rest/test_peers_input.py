"""What other servers took for more than text: names and values that were SQL, objects that were operators, questions without an end."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from time import thread_time
from typing import Any

import pytest

from backroom import App, Resource, allow, anyone, field
from tests.rest.crowded_app import THING, crowded_app
from tests.rest.newsroom_app import ARTICLES, newsroom
from tests.rest.world import HARMLESS, PASSWORD
from tests.rest.world import running as browsing
from tests.rules.world import listening, running

#: Where a name or a key is SQL, one of these is heard of.
EVIL = (
    "x') OR 1=1 --",
    'x" OR 1=1 --',
    "a'||(SELECT 'in'||'jected')||'",
    'a"."b',
    "count(*)",
    "a) FROM _accounts --",
    "}' OR '1'='1",
    "$.a",
    "[0]') --",
    "%' OR '%'='",
    "\\' OR 1=1 --",
    "1;SELECT pg_sleep(9)",
    "::text FROM users",
)


@pytest.mark.advisory("CVE-2026-33539", "GHSA-gqpp-xgvh-9h7h", "GHSA-c2hr-cqg6-8j6r", "GHSA-6927-3vr9-fxf2", "CVE-2026-34747")
@pytest.mark.case(105, 107)
async def test_names_keys_paths_and_patterns_are_never_sql(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        ann = await world.person("ann")
        meta: dict[str, Any] = {evil: evil for evil in EVIL} | {"plain": "x"}
        made = await ann.post(ARTICLES, {"title": "T", "notes": "n", "meta": meta, "dossier_id": None})
        assert made.json()["meta"] == meta, "a key is text, whatever it looks like"
        with listening(world) as asked:
            for evil in EVIL:
                quoted = '"' + evil.replace("\\", "\\\\").replace('"', '\\"') + '"'
                for parameters in (
                    {f"meta->>{quoted}": f"eq.{evil}"},
                    {f"meta->{quoted}": f"eq.{quoted}"},
                    {"select": f"id,x:meta->>{quoted}"},
                    {"select": f"meta->{quoted}->{quoted}"},
                    {"select": f"{quoted}:title"},
                    {"select": f"{quoted}.max()"},
                    {"select": f"title.{evil}()"},
                    {"select": f"meta->>{quoted},count()"},
                    {"select": f"id,comments!{quoted}({quoted})"},
                    {"select": f"{quoted}:comments({quoted}:text)"},
                    {"select": "id,title::" + evil},
                    {"order": f"meta->>{quoted}.desc"},
                    {"order": f"{quoted}.desc"},
                    {"order": f"comments({quoted})"},
                    {"or": f"(meta->>{quoted}.eq.{quoted},id.lt.0)"},
                    {"or": f"({quoted}.eq.1)"},
                    {"title": f"like.*{evil}*"},
                    {"title": f"ilike(any).{{{quoted}}}"},
                    {"title": f"in.({quoted})"},
                    {"meta": f"cs.{evil}"},
                    {"comments.order": evil, "select": "id,comments(id)"},
                    {"comments.limit": evil, "select": "id,comments(id)"},
                    {f"comments.{evil}": "eq.1", "select": "id,comments(id)"},
                ):
                    reply = await ann.get(ARTICLES, params=parameters)
                    assert reply.status_code in (200, 400), (parameters, reply.text)
                    assert "injected" not in reply.text, parameters
                found = await ann.get(ARTICLES, params={f"meta->>{quoted}": f"eq.{evil}", "select": f"id,x:meta->>{quoted}"})
                assert found.json() == [{"id": made.json()["id"], "x": evil}], (evil, found.text)
            await world.heard_all()
        texts = {HARMLESS.sub("", each.text) for each in asked}
        assert len(asked) > 100
        for evil in EVIL:
            assert evil == "count(*)" or not any(evil in text for text in texts), evil
        assert not any("'" in text for text in texts), next(text for text in texts if "'" in text)


@pytest.mark.advisory("CVE-2026-33503")
@pytest.mark.case(105)
async def test_a_cursor_that_somebody_made_up_is_refused_whatever_it_holds(each_database: str) -> None:
    hostile: list[Any] = [[evil, 1] for evil in EVIL] + [[1], [None, None], [None], [], {}, "x", 1, None, [{}, 1], [["a"], 1], [2**63, 1], [1e308, 1]]
    raws = [json.dumps(each).encode() for each in hostile] + [
        b"[" * 5000, b"[" * 3000 + b"]" * 3000, b"[NaN,1]", b"[" + b"9" * 5000 + b",1]", b"[1e999,1]", b'["\\u0000",1]', b'["\\ud800",1]', b"[1,1",
        b"\xff\xfe", b"",
    ]  # fmt: skip
    async with running(newsroom(), each_database) as world:
        ann = await world.person("ann")
        for number in range(3):
            await ann.post(ARTICLES, {"title": f"t{number}", "dossier_id": None})
        address = (await ann.get(f"{ARTICLES}?order=title&limit=1")).headers["link"].partition(">")[0].removeprefix("<")
        path, _, genuine = address.partition("after=")
        proof = urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))[:16]
        with listening(world) as asked:
            for raw in raws:
                for front in (b"", b"\0" * 16, proof):
                    forged = urlsafe_b64encode(front + raw).rstrip(b"=").decode()
                    for query in (path, path.replace("order=title&", ""), path.replace("order=title", "order=title.desc")):
                        begun = thread_time()
                        reply = await ann.get(f"{query}after={forged}")
                        assert thread_time() - begun < 1
                        assert reply.status_code in (200, 400) if not forged else reply.status_code == 400, (raw[:40], reply.text)
            await world.heard_all()
        assert not any(evil in each.text for each in asked for evil in EVIL if evil != "count(*)")
        assert (await ann.get(address)).json()[0]["title"] == "t1"


@pytest.mark.case(107)
async def test_any_key_in_json_is_reached_by_its_name_on_both_databases(each_database: str) -> None:
    keys = (
        "$", "$a", "$.a", "[0]", "[a]", "[-1]", '"', 'a"b', '"a"', "\\", "a\\b", "\\n", "\n", "a.b", "a]", "'", "%", "_", " ", "", "#", "-1", "0",
        "\u0001", "\u2028", "\\u0041", "::", "->", "a,b", "(a)", "*", "?", "@", "a/b", "null", "\x7f", "é", "😀", "e\u0301", "a" * 200, "__proto__",
    )  # fmt: skip
    async with running(newsroom(), each_database) as world:
        ann = await world.person("ann")
        row = {"title": "T", "dossier_id": None, "meta": {key: key for key in keys} | {"deep": {key: [{"x": key}] for key in keys}}}
        assert (await ann.post(ARTICLES, row)).status_code == 201
        for key in keys:
            quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
            for query in (
                {f"meta->>{quoted}": f"eq.{key}"},
                {f"meta->deep->{quoted}->0->>x": f"eq.{key}"},
                {"or": f"(meta->>{quoted}.eq.{quoted},id.lt.0)"},
                {"order": f"meta->>{quoted}"},
            ):
                reply = await ann.get(ARTICLES, params={**query, "select": f"a:meta->>{quoted},b:meta->deep->{quoted}"})
                assert (reply.status_code, reply.json()) == (200, [{"a": key, "b": [{"x": key}]}]), (key, query, reply.text[:200])
        for path in ("meta->a'->b", "meta->", "meta->>", "->a", "meta->a.b->c", 'meta->"a', "meta->" + "->".join("a" * 1000), "meta->a\x00"):
            for query in ({path: "eq.1"}, {"select": path}, {"order": path}):
                assert (await ann.get(ARTICLES, params=query)).status_code in (200, 400), query


@pytest.mark.advisory("GHSA-q3vj-96h2-gwvg", "CVE-2026-32248", "GHSA-vgjh-hmwf-c588")
async def test_an_object_of_operators_is_no_value_of_any_kind(each_database: str) -> None:
    operators: tuple[Any, ...] = (
        {"$ne": None}, {"$gt": ""}, {"$regex": "^a"}, {"ne": ""}, {"__op": "Increment", "amount": "1; DROP TABLE things"},
        {"__type": "Pointer", "objectId": "1"}, {"$in": ["a"]}, ["a"], [], {}, True,
    )  # fmt: skip
    async with browsing(each_database, crowded_app()) as world:
        ann = await world.person()
        made = (await ann.post(THING, json={"count": 5, "text": "x"})).json()
        item = f"{THING}/{made['id']}"
        for operator in operators:
            for column in ("id", "owner_id", "code", "count", "price", "token", "word", "color"):
                assert (await ann.post(THING, json={column: operator})).status_code == 400, (column, operator)
                assert (await ann.patch(item, json={column: operator})).status_code == 400, (column, operator)
                assert (await ann.patch(f"{THING}?id=gt.0", json={column: operator})).status_code == 400, (column, operator)
            assert (await ann.post("/api/take", json={"id": operator})).status_code == 400, operator
            for path, body in (
                ("/api/session", {"email": operator, "password": PASSWORD}),
                ("/api/session", {"email": "ann@example.com", "password": operator}),
                ("/api/account", {"email": operator, "password": PASSWORD}),
                ("/auth/v1/token?grant_type=password", {"email": operator, "password": PASSWORD}),
                ("/auth/v1/token?grant_type=refresh_token", {"refresh_token": operator}),
                ("/auth/v1/signup", {"email": operator, "password": operator}),
            ):
                reply = await world.browser().post(path, json=body)
                assert reply.status_code == (422 if path.endswith("signup") and not operator else 400), (path, operator, reply.text)
            for query in ({"id": f"eq.{operator}"}, {"id[$ne]": "1"}, {"id": "ne.1"}, {"owner_id": f"eq.{operator}"}):
                assert (await ann.get(THING, params=query)).status_code == 400, query
        assert (await ann.get(item)).json() == made


@pytest.mark.advisory("CVE-2026-22599")
async def test_a_default_is_a_value_and_never_sql(each_database: str) -> None:
    evil = "'); DROP TABLE notes; -- \" $$ :me ? % \\"

    def app_with(*, later: bool) -> App:
        app = App()

        @app.resource("notes")
        class Note(Resource):
            text: str = field(default=evil)
            access = allow(everything=anyone)

        @app.resource("others")
        class Other(Resource):
            number: int = 0
            access = allow(everything=anyone)

        if later:
            grown = App()

            @grown.resource("notes")
            class More(Resource):
                text: str = field(default=evil)
                added: str = field(default=evil + "more")
                access = allow(everything=anyone)

            return grown
        return app

    async with browsing(each_database, app_with(later=False), DEVELOPMENT=True) as world:
        assert (await world.browser().post("/api/notes", json={})).json()["text"] == evil
    grown = app_with(later=True)

    @grown.resource("others")
    class Other(Resource):
        number: int = 0
        access = allow(everything=anyone)

    async with browsing(each_database, grown, DEVELOPMENT=True) as world:
        assert [row["added"] for row in (await world.browser().get("/api/notes")).json()] == [evil + "more"]
        assert (await world.browser().post("/api/notes", json={})).json()["added"] == evil + "more"


# ---------------------------------------------------------------- questions without an end
@pytest.mark.advisory("CVE-2026-32944", "CVE-2026-33498")
async def test_conditions_and_relations_nest_to_a_depth_and_no_further(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        bob = await world.person("bob")
        for depth, status in ((5, 200), (6, 400), (1000, 400)):
            group = "or=(" + "and(" * (depth - 1) + "id.gt.0" + ")" * depth
            negated = "not.or=(" + "not.and(" * (depth - 1) + "id.gt.0" + ")" * depth
            inner = "select=id,comments(id)&comments.or=(" + "and(" * (depth - 1) + "id.gt.0" + ")" * depth
            related = "select=" + "comments(article(" * (depth // 2) + "id" + "))" * (depth // 2)
            for query in (group, negated, inner, related if depth != 5 else "select=comments(article(comments(article(comments(id)))))"):
                begun = thread_time()
                assert (await bob.get(f"{ARTICLES}?{query}")).status_code == status, (depth, query[:80])
                assert thread_time() - begun < 1
        for mixed in (
            "or=(and(or(and(or(and(id.gt.0))))),id.gt.0)",
            "meta=cs." + '{"a":' * 40 + "1" + "}" * 40,
            "meta->" + "a->" * 500 + "a=is.null",
        ):
            assert (await bob.get(f"{ARTICLES}?{mixed}")).status_code == 400, mixed[:80]


@pytest.mark.advisory("CVE-2024-39895", "CVE-2026-34573")
@pytest.mark.case(110)
async def test_nothing_is_asked_for_more_often_than_a_person_would(each_database: str) -> None:
    async with running(newsroom(), each_database) as world:
        bob = await world.person("bob")
        inner = ",".join(f"b{each}:comments(id)" for each in range(20))
        repeated = (
            "select=" + ",".join(["title"] * 200),
            "select=" + ",".join(f"a{number}:title" for number in range(1000)),
            "select=" + ",".join(f"a{number}:comments(id)" for number in range(100)),
            "select=" + ",".join(["comments(id)"] * 50),
            "select=comments(" + ",".join(f"a{number}:article({inner})" for number in range(20)) + ")",
            "select=" + ",".join(f"a{number}:title.max()" for number in range(1000)),
            "order=" + ",".join(["title"] * 100),
            "order=" + ",".join(f"meta->>a{number}" for number in range(1000)),
            "&".join(["title=eq.x"] * 60),
            "on_conflict=" + ",".join(["title"] * 200),
        )
        for query in repeated:
            begun = thread_time()
            reply = await bob.get(f"{ARTICLES}?{query}")
            assert reply.status_code in (400, 414), (query[:60], reply.status_code)
            assert thread_time() - begun < 1, query[:60]


@pytest.mark.advisory("GHSA-38m6-82c8-4xfm")
@pytest.mark.case(108)
async def test_no_header_is_read_by_a_pattern_that_sweats(each_database: str) -> None:
    names = (
        "accept", "accept-language", "authorization", "apikey", "content-type", "cookie", "forwarded", "if-match", "if-none-match", "origin",
        "prefer", "range", "range-unit", "referer", "user-agent", "x-client-info", "x-forwarded-for", "x-request-id", "accept-profile",
        "content-profile", "access-control-request-headers", "accept-encoding", "idempotency-key",
    )  # fmt: skip
    shapes = (
        "a" * 30_000,
        "1." * 15_000,
        ", " * 15_000,
        '"' * 30_000,
        ";q=0," * 5_000,
        "a=1; " * 6_000,
        "W/" * 15_000,
        "(" * 30_000,
        " \t" * 15_000 + "x",
    )
    async with browsing(each_database, crowded_app()) as world:
        ann = await world.person()
        for name in names:
            for shape in shapes:
                for method in ("GET", "POST"):
                    begun = thread_time()
                    reply = await ann.request(method, THING, headers=[(name, shape)], content=b"{}" if method == "POST" else None)
                    assert reply.status_code < 500, (name, shape[:10], reply.text[:200])
                    assert thread_time() - begun < 0.3, (name, shape[:10])


@pytest.mark.advisory("GHSA-6hh7-46r2-vf29")
async def test_a_function_that_does_not_exist_is_404_whatever_it_is_called(each_database: str) -> None:
    async with browsing(each_database, crowded_app()) as world:
        ann = await world.person()
        for name in (
            "nope",
            "__proto__",
            "constructor",
            "toString",
            "__class__",
            "a.b",
            "take'",
            "%00",
            "%ff",
            "..%2ftake",
            "x" * 5000,
            "{id}",
            "take;x",
        ):
            for path in (f"/rest/v1/rpc/{name}", f"/api/rpc/{name}", f"/api/{name}", f"/functions/v1/{name}"):
                for method in ("GET", "POST"):
                    reply = await ann.request(method, path, json={} if method == "POST" else None)
                    assert reply.status_code in (400, 404, 405, 414), (path[:80], reply.status_code)
        assert (await ann.get("/health")).status_code == 200


@pytest.mark.advisory("CVE-2024-36128")
async def test_a_length_that_is_no_number_is_400_everywhere(each_database: str) -> None:
    async with browsing(each_database, crowded_app()) as world:
        ann = await world.person()
        for length in ("abc", "1e9", "-1", "1.5", "NaN", "Infinity", "null", "", "0x10", "9" * 400, "[1]", "{}", "1,2", "²"):
            for path in (
                f"{THING}?limit={length}",
                f"{THING}?offset={length}",
                f"/rest/v1/things?limit={length}",
                f"/rest/v1/things?offset={length}",
            ):
                assert (await ann.get(path)).status_code == 400, path[:80]
            if length != "-1":
                assert (await ann.get(f"/api/seen/x?n={length}")).status_code == 400, length[:20]
            assert (await ann.get("/rest/v1/things", headers=[(b"range", f"0-{length}".encode())])).status_code < 500, length[:20]
            most = [(b"prefer", f"handling=strict, max-affected={length}".encode())]
            assert (await ann.request("DELETE", f"{THING}?id=gt.0", headers=most)).status_code in (204, 400), length[:20]
