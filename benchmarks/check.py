"""Before anything is timed: does this contender do the same todos work? One request of each kind, and who may not."""

from __future__ import annotations

from typing import Any

import httpx2

from benchmarks.contender import Account, Call, Place, Wire

FIELDS = {"id", "title", "done", "due", "owner_id", "created_at", "updated_at"}


class NotTheSame(Exception):
    """A contender answers otherwise than the others must."""


class Caller:
    """Sends calls as one user, or as nobody."""

    def __init__(self, place: Place, token: str | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.Client(base_url=place.url, headers=headers, timeout=60)

    def send(self, call: Call) -> httpx2.Response:
        headers = {name: value for name, value in (("content-type", call.kind), ("prefer", call.prefer)) if value}
        return self._client.request(call.method, call.path, content=call.body, headers=headers)

    def succeed(self, call: Call) -> Any:
        reply = self.send(call)
        if not 200 <= reply.status_code < 300:
            raise NotTheSame(f"{call.method} {call.path} answered {reply.status_code}: {reply.text[:500]}")
        return reply.json() if reply.content else None


def sign_up(place: Place, wire: Wire, email: str) -> Account:
    Caller(place).succeed(wire.sign_up(email))
    return sign_in(place, wire, email)


def sign_in(place: Place, wire: Wire, email: str) -> Account:
    key, token = wire.account(Caller(place).succeed(wire.sign_in(email)))
    return Account(email, key, token)


def same_work(place: Place, wire: Wire, mine: Account, others: Account) -> None:
    """Create, read, list, update, delete as the caller; then as somebody else and as nobody. Leaves no row. Raises `NotTheSame`."""
    me, other, nobody, forger = Caller(place, mine.token), Caller(place, others.token), Caller(place), Caller(place, _forged(mine.token))
    row = me.succeed(wire.create("Buy milk", mine.key, due="2026-12-24"))
    _expect(set(row) >= FIELDS, f"the row lacks {FIELDS - set(row)}")
    _expect(row["title"] == "Buy milk" and row["done"] is False and row["owner_id"] == mine.key, f"the created row is {row}")
    _expect(str(row["due"]).startswith("2026-12-24"), f"due is {row['due']!r}")
    key = str(row["id"])
    _expect(_settled(me.succeed(wire.read(key))) == _settled(row), "reading gives another row than creating did")
    rows = wire.rows(me.succeed(wire.list()))
    _expect(len(rows) == 20 and _settled(rows[0]) == _settled(row), f"the list has {len(rows)} rows, and the first is {rows[:1]}")
    _expect({listed["owner_id"] for listed in rows} == {mine.key}, "the list shows somebody else's rows")
    changed = me.succeed(wire.update(key, title="Buy oats", done=True))
    _expect(
        _settled(me.succeed(wire.read(key))) == _settled(changed) and changed["title"] == "Buy oats" and changed["done"] is True,
        f"the updated row is {changed}",
    )
    for call in (wire.read(key), wire.update(key, title="Mine now"), wire.delete(key)):
        _expect(other.send(call).status_code == 404, f"somebody else's {call.method} isn't 404")
        for stranger, who in ((nobody, "signed-out"), (forger, "forged")):
            _expect(stranger.send(call).status_code in wire.signed_out, f"a {who} {call.method} isn't refused")
    _expect(nobody.send(wire.create("Nobody's", mine.key)).status_code in wire.signed_out - {200}, "a signed-out create isn't refused")
    _expect(me.send(wire.create("", mine.key)).status_code in (400, 422), "a blank title isn't refused")
    _expect(_settled(me.succeed(wire.read(key))) == _settled(changed), "a refused write changed the row")
    me.succeed(wire.delete(key))
    _expect(me.send(wire.read(key)).status_code == 404, "a deleted row is still there")


def _settled(row: dict[str, Any]) -> dict[str, Any]:
    """SQLAlchemy on SQLite writes a time with its zone and reads it back without: the same moment in two spellings."""
    return row | {name: str(row[name])[:19] for name in ("created_at", "updated_at")}


def _forged(token: str) -> str:
    """The same claims, another signature."""
    claims, _, signature = token.rpartition(".")
    return f"{claims}.{signature[::-1]}"


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise NotTheSame(otherwise)
