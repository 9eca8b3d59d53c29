"""One drawn app, played over HTTP and compared with the model: every status, every body, every table."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import apsw
import httpx2

from backroom import DeclarationError
from backroom.database import functions
from tests.postgres import connect
from tests.rules.oracle import draw
from tests.rules.oracle.build import build
from tests.rules.oracle.draw import Caller, Rule, Table
from tests.rules.oracle.model import Answer, Model
from tests.rules.world import Person, World, running

_SERVER_SET = ("created_at", "updated_at", "_version")
_THEN = "2024-01-01T00:00:00.000Z"


class Mismatch(AssertionError):
    """A reply or a table that the rules don't allow."""


class Driver:
    """The database without us."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> None:
        self.lite: Any = apsw.Connection(self.url.removeprefix("sqlite:")) if self.url.startswith("sqlite:") else None
        if self.lite is not None:
            functions.install(self.lite)
            self.lite.set_busy_timeout(5000)
        else:
            self.wire = await connect(self.url)

    async def close(self) -> None:
        if self.lite is not None:
            self.lite.close()
        else:
            await self.wire.close()

    async def insert(self, name: str, table: Table, row: Mapping[str, Any]) -> None:
        columns = [*row, "created_at", "updated_at"]
        values = [self.stored(table, column, value) for column, value in row.items()] + [self.stored(table, "created_at", _THEN)] * 2
        marks = ["?" if self.lite is not None else f"${index}" for index in range(1, len(values) + 1)]
        text = f'INSERT INTO "{name}"({", ".join(columns)}) VALUES ({", ".join(marks)})'
        if self.lite is not None:
            self.lite.execute(text, values)
        else:
            await self.wire.execute(text, *values)

    def stored(self, table: Table, column: str, value: Any) -> Any:
        kind = "datetime" if column in _SERVER_SET else table.columns.get(column, ("key", True))[0]
        if value is None:
            return None
        if self.lite is not None:
            return int(value) if kind == "boolean" else value
        if kind == "key":
            return UUID(value) if isinstance(value, str) else value
        return Decimal(value) if kind == "decimal" else datetime.fromisoformat(value) if kind == "datetime" else value

    async def dump(self, tables: Mapping[str, Table]) -> dict[str, dict[Any, dict[str, Any]]]:
        found: dict[str, dict[Any, dict[str, Any]]] = {}
        for name, table in tables.items():
            columns = ["id", *table.columns, *(f"{column}_id" for column in table.references)]
            text = f'SELECT {", ".join(columns)} FROM "{name}" ORDER BY id'
            rows = list(self.lite.execute(text)) if self.lite is not None else await self.wire.fetch(text)
            found[name] = {row[0]: {column: self.plain(table, column, cell) for column, cell in zip(columns, row, strict=True)} for row in rows}
        return found

    def plain(self, table: Table, column: str, cell: Any) -> Any:
        if table.columns.get(column, ("", True))[0] == "boolean" and cell is not None:
            return bool(cell)
        if isinstance(cell, datetime):
            return cell.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return format(cell, "f") if isinstance(cell, Decimal) else str(cell) if isinstance(cell, UUID) else cell


class Case:
    """One app, its people, and everything they try."""

    def __init__(self, seed: str, url: str) -> None:
        self.chance, self.url, self.seed = Random(seed), url, seed
        self.counts: Counter[str] = Counter()
        while True:
            self.tables = draw.application(self.chance)
            try:
                self.app, self.classes = build(self.tables)
            except DeclarationError as error:
                if "can never be true" not in str(error):
                    raise
                continue
            return

    async def play(self) -> Counter[str]:
        async with running(self.app, self.url, CONFIRM_EMAIL=True) as world:
            self.driver = Driver(self.url)
            await self.driver.open()
            try:
                await self.begin(world)
                for _ in range(12):
                    await self.reads()
                    await self.writes()
            finally:
                await self.driver.close()
        return self.counts

    async def begin(self, world: World) -> None:
        self.people: dict[str | None, Person] = {None: world.nobody}
        self.callers = draw.callers(self.chance)
        for caller in self.callers[1:]:
            person = await world.person(str(caller.name), roles=caller.roles, claims=caller.claims, verified=True)
            self.people[caller.name] = person
            caller.id, caller.email = str(person.id), person.email
        known: dict[str, list[Any]] = {"users": [caller.id for caller in self.callers[1:]]}
        for name in ("teams", "items", "ties", "links"):
            for _ in range(self.chance.choice((2, 4, 6))):
                row = draw.values(self.chance, self.tables, name, known)
                if draw.is_complete(self.tables, name, row):
                    await self.driver.insert(name, self.tables[name], row)
                    known.setdefault(name, []).append(len(known.get(name, ())) + 1)
        self.model = Model(self.tables, await self.driver.dump(self.tables))

    # ---------------------------------------------------------------- what they try
    async def reads(self) -> None:
        for caller in self.callers:
            name = self.chance.choice(list(self.tables))
            where, order = draw.query(self.chance, self.tables, name)
            parameters = [*(spelled(where) if where else []), *([("order", f"{order[0]}.{'desc' if order[1] else 'asc'}")] if order else [])]
            wanted = self.model.page(caller, name, where, order)
            reply = await self.ask(caller, "GET", f"/api/{name}?{urlencode(parameters)}", None, wanted, {"prefer": "count=exact"})
            if wanted.status == 200 and not reply.headers["content-range"].endswith(f"/{len(wanted.body)}"):
                self.fail(caller, f"GET /api/{name}?{urlencode(parameters)}", reply, wanted, "the count is wrong")
            wanted = self.model.page(caller, name, None, None)
            await self.ask(caller, "GET", f"/api/{name}", None, wanted)
            key = self.key(name)
            await self.ask(caller, "GET", f"/api/{name}/{key}", None, self.model.get(caller, name, key))

    async def writes(self) -> None:
        for caller in self.callers:
            name = self.chance.choice(list(self.tables))
            await self.chance.choice((self.create, self.create, self.create_many, self.update, self.update, self.update, self.delete))(caller, name)

    def key(self, name: str) -> int:
        found: int = self.chance.choice([*self.model.world[name], *self.model.world[name], 99])
        return found

    def body(self, name: str, *, whole: bool) -> dict[str, Any]:
        known = {resource: [*rows, 99] for resource, rows in self.model.world.items()}
        row = draw.values(self.chance, self.tables, name, {**known, "users": [caller.id for caller in self.callers[1:]]})
        if whole:
            optional = {column for column, (_, nullable) in self.tables[name].columns.items() if nullable}
            optional |= {f"{column}_id" for column, (_, nullable, _) in self.tables[name].references.items() if nullable}
            return {column: value for column, value in row.items() if column not in optional or self.chance.random() < 0.6}
        return {column: row[column] for column in self.chance.sample(list(row), self.chance.choice((0, 1, 1, 2)))}

    def fits(self, name: str, body: Mapping[str, Any]) -> bool:
        return all(
            body[f"{column}_id"] is not None or nullable
            for column, (_, nullable, _) in self.tables[name].references.items()
            if f"{column}_id" in body
        )

    async def create(self, caller: Caller, name: str) -> None:
        body = self.body(name, whole=True)
        if self.fits(name, body):
            await self.post(caller, name, [body], body)

    async def create_many(self, caller: Caller, name: str) -> None:
        body = self.body(name, whole=True)
        bodies = [each for each in (body, self.body(name, whole=True)) if self.fits(name, each)]
        if bodies:
            columns = set(bodies[0]).intersection(*bodies[1:])
            bodies = [{column: value for column, value in each.items() if column in columns} for each in bodies]
            await self.post(caller, name, bodies, bodies)

    async def post(self, caller: Caller, name: str, bodies: list[dict[str, Any]], sent: Any) -> None:
        wanted, rows = self.model.create(caller, name, bodies)
        reply = await self.ask(caller, "POST", f"/api/{name}", sent, wanted)
        after = await self.driver.dump(self.tables)
        if rows:
            new = sorted(set(after[name]) - set(self.model.world[name]))[: len(rows)]
            for key, row in zip(new, rows, strict=False):
                self.model.world[name][key] = {**row, "id": key}
            seen = [self.model.get(caller, name, key) for key in new]
            shown = [answer.body for answer in seen if answer.status == 200]
            self.compare(caller, f"POST /api/{name} {sent}", reply, Answer(201, shown if isinstance(sent, list) else shown[0] if shown else {}))
        self.same(after, f"{caller.name} POST /api/{name} {sent}")

    async def update(self, caller: Caller, name: str) -> None:
        body, key = self.body(name, whole=False), self.key(name)
        if not self.fits(name, body):
            return
        wanted, row = self.model.update(caller, name, key, body)
        reply = await self.ask(caller, "PATCH", f"/api/{name}/{key}", body, wanted)
        if row is not None:
            self.model.world[name][key] = row
            seen = self.model.get(caller, name, key)
            self.compare(caller, f"PATCH /api/{name}/{key} {body}", reply, Answer(200, seen.body if seen.status == 200 else {}))
        self.same(await self.driver.dump(self.tables), f"{caller.name} PATCH /api/{name}/{key} {body}")

    async def delete(self, caller: Caller, name: str) -> None:
        key = self.key(name)
        wanted, after = self.model.delete(caller, name, key)
        await self.ask(caller, "DELETE", f"/api/{name}/{key}", None, wanted)
        if after is not None:
            self.model.world = after
        self.same(await self.driver.dump(self.tables), f"{caller.name} DELETE /api/{name}/{key}")

    # ---------------------------------------------------------------- what comes back
    async def ask(self, caller: Caller, method: str, path: str, body: Any, wanted: Answer, headers: dict[str, str] | None = None) -> httpx2.Response:
        try:
            reply = await self.people[caller.name].client.request(method, path, **({"json": body} if body is not None else {}), headers=headers or {})
        except Exception as error:
            raise Mismatch(f"seed {self.seed}: {caller} {method} {path} {body}: {error!r}\n{self.told(path)}") from error
        self.compare(caller, f"{method} {path} {body or ''}", reply, wanted)
        self.counts[f"{method} {reply.status_code}"] += 1
        return reply

    def compare(self, caller: Caller, asked: str, reply: httpx2.Response, wanted: Answer) -> None:
        if reply.status_code != wanted.status:
            self.fail(caller, asked, reply, wanted, "the status is wrong")
        if wanted.body is not None and _plain(reply.json()) != wanted.body:
            self.fail(caller, asked, reply, wanted, "the body is wrong")
        self.counts["comparisons"] += 1

    def same(self, found: Mapping[str, Any], asked: str) -> None:
        self.counts["dumps"] += 1
        for name, rows in found.items():
            if rows != self.model.world[name]:
                raise Mismatch(f"seed {self.seed}: after {asked}, {name} holds\n  {rows}\ninstead of\n  {self.model.world[name]}\n{self.told(name)}")

    def fail(self, caller: Caller, asked: str, reply: httpx2.Response, wanted: Answer, why: str) -> None:
        told = self.told(asked)
        raise Mismatch(
            f"seed {self.seed}: {why}\n{caller}\n{asked}\n got {reply.status_code} {reply.text[:600]}\nwant {wanted.status} {wanted.body}\n{told}"
        )

    def told(self, asked: str) -> str:
        name = next((name for name in self.tables if name in asked), "")
        rows = getattr(self, "model", None)
        table = self.tables.get(name)
        return f"{table}\nrows: {rows.world if rows else ''}"


def _plain(body: Any) -> Any:
    if hasattr(body, "items"):
        return {name: value for name, value in body.items() if name not in _SERVER_SET}
    return [_plain(each) for each in body]


def spelled(where: Rule) -> list[tuple[str, str]]:
    """A filter as PostgREST's parameters."""
    word = where[0]
    if word in ("and", "or"):
        return [(word, f"({','.join(map(_inner, where[1]))})")]
    if word == "not" and where[1][0] in ("and", "or"):
        return [(f"not.{where[1][0]}", f"({','.join(map(_inner, where[1][1]))})")]
    text = _inner(where, top=True)
    column, _, rest = text.partition(".")
    return [(column, rest)]


def _inner(where: Rule, top: bool = False, negated: str = "") -> str:
    match where:
        case ("not", ("not", part)):
            return _inner(part, top)
        case ("not", part):
            return _inner(part, top, "not.")
        case ("and" | "or" as word, parts):
            return f"{negated}{word}({','.join(map(_inner, parts))})"
        case ("null", (_, (column,))):
            return f"{column}.{negated}is.null"
        case ("true", (_, (column,))):
            return f"{column}.{negated}is.true"
        case ("in", (_, (column,)), rights):
            return f"{column}.{negated}in.({','.join(_quoted(right[1]) for right in rights)})"
        case ("compare", operator, (_, (column,)), (_, value, _)):
            words = {"ne": "neq", "le": "lte", "ge": "gte"}
            return f"{column}.{negated}{words.get(operator, operator)}.{_text(value) if top else _quoted(value)}"
        case _:
            raise AssertionError(where)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(value: Any) -> str:
    return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def play(seed: str, url: str) -> Counter[str]:
    return asyncio.run(Case(seed, url).play())
