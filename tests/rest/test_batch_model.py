"""Random batches against a model of one resource in plain Python, and, where they are done, against the same requests one by one in a twin world."""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from backroom import App, Resource, User, allow, anyone, field, me, owner, this
from backroom.validation.strict_json import is_array, is_object
from tests.rest.world import running

BATCHES = 60
LONGEST = 8
KEYS = range(1, 9)
SLUGS = ("a", "b", "c", "d", None)


def pages() -> App:
    app = App()

    @app.resource("pages", client_key=True)
    class Page(Resource):
        title: str = field(max_length=5)
        slug: str | None = field(default=None, unique=True)
        count: int = 0
        owner: User = owner()

        access = allow(read=anyone, create=me.signed_in, update=this.owner == me, delete=this.owner == me)

    return app


# ---------------------------------------------------------------- the model: knows nothing of the app
@dataclass
class Row:
    title: str
    slug: str | None = None
    count: int = 0
    mine: bool = True
    version: int = 1


@dataclass(frozen=True)
class Asked:
    """One request. `version`: what If-Match asks for; `least`: the filter `count=gte.`."""

    method: str
    key: int | None = None
    body: Mapping[str, Any] | None = None
    version: int | None = None
    least: int | None = None
    rows: tuple[Mapping[str, Any], ...] = ()

    def request(self) -> dict[str, Any]:
        path = "/api/pages" + (f"/{self.key}" if self.key is not None and self.method != "POST" else "")
        query = "?order=id" if self.method == "GET" and self.key is None else f"?count=gte.{self.least}" if self.least is not None else ""
        made: dict[str, Any] = {"method": self.method, "path": path + query}
        if self.rows:
            made["body"] = [dict(row) for row in self.rows]
        elif self.body is not None:
            made["body"] = dict(self.body)
        if self.version is not None:
            made["headers"] = {"If-Match": f'"{self.version}-x"'}
        return made


class Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


State = dict[int, Row]


def shown(key: int, row: Row) -> dict[str, Any]:
    return {"id": key, "title": row.title, "slug": row.slug, "count": row.count}


def invalid(asked: Asked) -> bool:
    return any(len(str(body.get("title", ""))) > 5 for body in (*asked.rows, asked.body or {}))


def answered(state: State, asked: Asked) -> tuple[int, Any]:
    """What the state becomes, in place, and the status and the body of the reply. Raises `Refused`."""
    if asked.method == "POST":
        return posted(state, asked)
    if asked.key is None:
        return of_many(state, asked)
    row = state.get(asked.key)
    if asked.method == "PUT" and row is None:
        if asked.version is not None:
            raise Refused(412)
        return 201, insert(state, {"id": asked.key, **(asked.body or {})})
    if row is None:
        raise Refused(404)
    if asked.method == "GET":
        return 200, shown(asked.key, row)
    if not row.mine:
        raise Refused(403)
    if asked.version not in (None, row.version):
        raise Refused(412)
    if asked.method == "DELETE":
        del state[asked.key]
        return 204, None
    reset: dict[str, Any] = {"slug": None, "count": 0} if asked.method == "PUT" else {}
    changes = {**reset, **(asked.body or {})}
    require_free(state, changes.get("slug"), asked.key)
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    return 200, shown(asked.key, row)


def posted(state: State, asked: Asked) -> tuple[int, Any]:
    if asked.rows:
        return 201, [insert(state, row) for row in asked.rows]
    return 201, insert(state, asked.body or {})


def of_many(state: State, asked: Asked) -> tuple[int, Any]:
    if asked.method == "GET":
        return 200, [shown(key, row) for key, row in sorted(state.items())]
    found = {key: row for key, row in sorted(state.items()) if row.mine and row.count >= (asked.least or 0)}
    if asked.method == "DELETE":
        for key in found:
            del state[key]
        return 204, None
    for row in found.values():
        row.count, row.version = (asked.body or {})["count"], row.version + 1
    return 200, [shown(key, row) for key, row in found.items()]


def insert(state: State, body: Mapping[str, Any]) -> dict[str, Any]:
    if body["id"] in state:
        raise Refused(409)
    require_free(state, body.get("slug"), body["id"])
    state[body["id"]] = Row(**{name: value for name, value in body.items() if name != "id"})
    return shown(body["id"], state[body["id"]])


def require_free(state: State, slug: str | None, key: int) -> None:
    if slug is not None and any(row.slug == slug for other, row in state.items() if other != key):
        raise Refused(409)


def expected(state: State, batch: list[Asked]) -> tuple[State, int, Any]:
    """The state afterwards, the status of the reply, and the replies of the items or the index of the refused one."""
    for index, asked in enumerate(batch):
        if invalid(asked):
            return state, 400, index
    after = deepcopy(state)
    replies: list[tuple[int, Any]] = []
    for index, asked in enumerate(batch):
        try:
            replies.append(answered(after, asked))
        except Refused as refused:
            return state, refused.status, index
    return after, 200, replies


# ---------------------------------------------------------------- what is asked
def drawn(chance: random.Random, state: State) -> Asked:
    key, slug, count = chance.choice(KEYS), chance.choice(SLUGS), chance.randrange(4)
    title = "too long" if chance.random() < 0.02 else chance.choice("xyz")
    version = chance.choice((1, 2, state[key].version if key in state else 1)) if chance.random() < 0.3 else None
    match chance.choice(("create", "array", "put", "patch", "patch", "delete", "patch many", "delete many", "read", "list")):
        case "create":
            return Asked("POST", body={"id": key, "title": title, "slug": slug, "count": count})
        case "array":
            return Asked("POST", rows=({"id": key, "title": title, "slug": None}, {"id": chance.choice(KEYS), "title": "r", "slug": slug}))
        case "put":
            return Asked("PUT", key, {"title": title, **({"slug": slug} if count else {})}, version)
        case "patch":
            return Asked("PATCH", key, chance.choice(({"title": title}, {"slug": slug}, {"count": count, "title": title})), version)
        case "delete":
            return Asked("DELETE", key, version=version)
        case "patch many":
            return Asked("PATCH", body={"count": count}, least=chance.randrange(4))
        case "delete many":
            return Asked("DELETE", least=chance.choice((3, 4)))
        case "read":
            return Asked("GET", key)
        case _:
            return Asked("GET")


def drawn_batch(chance: random.Random, state: State) -> list[Asked]:
    """Most items would be done, or hardly any batch would be."""
    after, batch = deepcopy(state), list[Asked]()
    for _ in range(chance.randint(1, LONGEST)):
        asked, welcome = drawn(chance, after), chance.random() < 0.9
        while welcome and expected(after, [asked])[1] != 200:
            asked = drawn(chance, after)
        after = expected(after, [asked])[0]
        batch.append(asked)
    return batch


def plain(body: Any) -> Any:
    """Without what the clock and the person decide."""
    if is_array(body):
        return sorted((plain(row) for row in body), key=lambda row: str(row["id"]))
    return {name: body[name] for name in ("id", "title", "slug", "count")} if is_object(body) else body


def stored(state: State) -> list[tuple[Any, ...]]:
    return [(key, row.title, row.slug, row.count, row.version) for key, row in sorted(state.items())]


async def prepared(ann: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> None:
    for who, key, slug in ((ann, 1, "a"), (bob, 2, "b"), (bob, 3, None)):
        assert (await who.post("/api/pages", json={"id": key, "title": "old", "slug": slug})).status_code == 201


async def test_a_batch_does_what_its_requests_do_one_by_one_or_nothing(each_database: str, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    tally: dict[int, int] = {}
    async with running(each_database, pages()) as world, running(f"sqlite:{tmp_path / 'twin.db'}", pages()) as twin:
        ann, bob = await world.person("ann"), await world.person("bob")
        single, other = await twin.person("ann"), await twin.person("bob")
        await prepared(ann, bob)
        await prepared(single, other)
        state: State = {1: Row("old", "a"), 2: Row("old", "b", mine=False), 3: Row("old", mine=False)}
        for _ in range(BATCHES):
            batch = drawn_batch(chance, state)
            requests = [asked.request() for asked in batch]
            state, status, told = expected(state, batch)
            tally[status] = tally.get(status, 0) + 1
            reply = await ann.post("/api/batch", json=requests)
            assert reply.status_code == status, (requests, told, reply.text)
            if status == 200:
                assert [(each["status"], plain(each["body"])) for each in reply.json()] == [(each, plain(body)) for each, body in told], requests
                for each, answer in zip(requests, reply.json(), strict=True):
                    alone = await single.request(each["method"], each["path"], json=each.get("body"), headers=each.get("headers"))
                    assert (alone.status_code, plain(alone.json()) if alone.content else None) == (answer["status"], plain(answer["body"])), each
                    assert alone.headers.get("etag") == answer["headers"].get("etag")
                    assert alone.headers.get("location") == answer["headers"].get("location")
            else:
                assert {fault["row"] for fault in reply.json()["errors"]} == {told}, (requests, reply.text)
            rows = await world.backend.database.read("SELECT id, title, slug, count, _version FROM pages ORDER BY id")
            assert [tuple(row) for row in rows] == stored(state), requests
    assert tally.get(200, 0) > BATCHES / 4, tally
    assert len(tally) > 3, tally
