"""An app with every kind of field, rules of every kind, hooks and endpoints that fail: what hostile tests throw their input at."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from backroom import App, Conflict, Db, Reply, Request, Resource, User, allow, anyone, field, me, nobody, owner, this


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    name: str
    price: Decimal
    count: int = 0


SECRET = "SELECT secret FROM /home/app/app.py"


def crowded_app() -> App:
    """A fresh one each time: a class belongs to one app."""
    app = App(title="Crowded")

    @app.resource("things", order="-created_at")
    class Thing(Resource):
        text: str = field(default="", max_length=20_000)
        code: str | None = field(default=None, unique=True, max_length=200)
        count: int = 0
        ratio: float | None = None
        done: bool = False
        price: Decimal | None = None
        day: date | None = None
        at: datetime | None = None
        opens: time | None = None
        lasts: timedelta | None = None
        token: UUID | None = None
        data: bytes | None = None
        color: Color = Color.RED
        status: Literal["draft", "open"] = "draft"
        meta: dict[str, Any] | None = None
        lines: list[Line] = field(default_factory=list)
        kept: str = field(default="kept", immutable=True)
        told: str = field(default="told", read_only=True)
        word: str | None = field(default=None, write_only=True)
        vault: str = field(default="canary-vault", hidden=True)
        salary: int = 7
        owner: User = owner()

        access = allow(everything=this.owner == me, fields={"salary": me.has_role("hr")})

    @app.resource("pages", client_key=True)
    class Page(Resource[UUID]):
        title: str
        owner: User = owner()

        access = allow(read=anyone, create=me.signed_in, update=this.owner == me, delete=this.owner == me)

    @app.resource("messages")
    class Message(Resource):
        text: str

        access = allow(create=anyone, read=nobody)

    @app.resource("stock", check=this.left >= 0)
    class Stock(Resource):
        left: int = 0

        access = allow(read=anyone, update=me.signed_in, create=me.signed_in)

    @app.resource("fragile")
    class Fragile(Resource):
        text: str = ""
        owner: User = owner()

        access = allow(everything=this.owner == me)

    @app.after_create(Fragile)
    async def break_it(row: Fragile, *, db: Db) -> None:
        if row.text == "late":
            raise RuntimeError(SECRET)
        if row.text == "refuse":
            raise Conflict("Not that one.", code="fragile.refused")

    @app.post("/take", access=anyone)
    async def take(id: int, db: Db) -> dict[str, int]:
        all_rights = db.trusted()
        async with all_rights.transaction():
            stock = await all_rights.get(Stock, id)
            if stock.left == 0:
                raise Conflict("Sold out.", code="stock.empty")
            stock = await all_rights.update(stock, left=stock.left - 1)
        return {"left": stock.left}

    @app.get("/boom", access=anyone)
    async def boom() -> None:
        raise RuntimeError(SECRET)

    @app.get("/unsendable", access=anyone)
    async def unsendable() -> Reply[Any]:
        return Reply({"value": object()})

    @app.get("/half", access=anyone)
    async def half() -> Reply[Any]:
        return Reply({"value": "\ud800"})

    @app.get("/headers", access=anyone)
    async def headers(value: str) -> Reply[Any]:
        return Reply({}, headers={"X-Given": value})

    @app.post("/echo", access=anyone)
    async def echo(text: str, times: int = 1, lines: list[Line] | None = None) -> dict[str, Any]:
        return {"text": text, "times": times, "lines": len(lines or [])}

    @app.get("/seen/{word}", access=anyone)
    async def seen(word: str, request: Request, n: int = 0) -> dict[str, Any]:
        return {"word": word, "n": n, "id": request.id}

    return app


THING = "/api/things"
WRITABLE = (
    "text",
    "code",
    "count",
    "ratio",
    "done",
    "price",
    "day",
    "at",
    "opens",
    "lasts",
    "token",
    "data",
    "color",
    "status",
    "meta",
    "lines",
    "word",
)
