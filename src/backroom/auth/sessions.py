"""Sessions: one per sign-in. A browser holds a cookie's secret; an app holds a refresh token and short-lived access tokens.

A session is a row, and the row is the authority: it is read again at most half a second after the last time, so what another process
ends, bans or demotes is seen here within that time. In this process `forget` makes it at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.sql.elements import ClauseElement

from backroom.auth.moments import DAY, WALL, Clock, seconds_of, stored
from backroom.auth.opaque import hashed, new_secret
from backroom.auth.tables import AuthTables
from backroom.calls import Actor, Ask, Row, Unit
from backroom.database.database import Database
from backroom.settings import Settings
from backroom.sql.compiled import compiled
from backroom.sql.values import DialectName, load, store

#: Seconds for which a session's row counts as read. Half the second that is promised: the rest is for the request itself.
FRESH = 0.5
#: Sessions kept in memory. One takes about 2 kB.
KEPT = 10_000

log = logging.getLogger("backroom.auth")


class Held:
    """A session as it was last read. The same object, and the same Actor, as long as the row says the same."""

    __slots__ = ("actor", "expires", "facts", "touched", "until")

    def __init__(self, actor: Actor, facts: tuple[Any, ...]) -> None:
        self.actor = actor
        self.facts = facts
        self.until = 0.0  # on time.monotonic(): the clock on the wall may be set back
        self.expires = 0.0  # seconds since 1970
        self.touched = False


class Sessions:
    """Reads, opens and ends sessions. Methods that return a `Unit` are steps of a larger transaction."""

    def __init__(self, database: Database, tables: AuthTables, settings: Settings, clock: Clock = WALL) -> None:
        self._database = database
        self._dialect: DialectName = tables.dialect
        self._clock = clock
        self._counts_unconfirmed = not settings.CONFIRM_EMAIL
        self.idle = settings.SESSION_IDLE_DAYS * DAY
        self.longest = settings.SESSION_MAX_DAYS * DAY
        self._touch_after = min(3600.0, self.idle / 10)
        self._held: dict[UUID, Held] = {}
        self._forgotten = 0
        self._touching: set[asyncio.Task[None]] = set()
        self._statements(tables)

    def _statements(self, tables: AuthTables) -> None:
        users, accounts, sessions, tokens = tables.users, tables.accounts, tables.sessions, tables.refresh_tokens
        known = select(
            sessions.c.id, sessions.c.secret_hash, sessions.c.used_at, sessions.c.expires_at,
            users.c.id, users.c.email, users.c.roles, accounts.c.app_metadata, accounts.c.email_confirmed_at, accounts.c.banned_until,
        ).select_from(sessions.join(users, users.c.id == sessions.c.user_id).join(accounts, accounts.c.user_id == sessions.c.user_id))  # fmt: skip

        def written(statement: ClauseElement) -> Any:
            return compiled(statement, self._dialect, writes=True)

        user, key = bindparam("user_id", type_=users.c.id.type), bindparam("key", type_=sessions.c.id.type)
        now, idle_since = (bindparam(name, type_=sessions.c.used_at.type) for name in ("now", "idle_since"))
        self._by_id = compiled(known.where(sessions.c.id == key), self._dialect)
        self._by_secret = compiled(known.where(sessions.c.secret_hash == bindparam("hash")), self._dialect)
        self._created = compiled(select(sessions.c.created_at).where(sessions.c.id == key), self._dialect)
        self._insert = written(sessions.insert().values({column.name: bindparam(column.name) for column in sessions.c}))
        self._insert_token = written(tokens.insert().values(token_hash=bindparam("token_hash"), session_id=bindparam("session_id")))
        self._touch = written(update(sessions).values(used_at=now).where(sessions.c.id == key))
        self._end = written(delete(sessions).where(sessions.c.id == key))
        self._end_all = written(delete(sessions).where(sessions.c.user_id == user))
        self._end_others = written(delete(sessions).where(sessions.c.user_id == user, sessions.c.id != key))
        expired = or_(sessions.c.expires_at <= now, sessions.c.used_at <= idle_since)
        self._end_expired = written(delete(sessions).where(sessions.c.user_id == user, expired))

    # ---------------------------------------------------------------- reading
    def held(self, session_id: UUID) -> Held | None:
        """The session if it was read within the last half second."""
        held = self._held.get(session_id)
        return held if held is not None and time.monotonic() < held.until and self._clock() < held.expires else None

    async def find(self, session_id: UUID) -> Held | None:
        """The session by its id; None once it has ended, expired, or its person was banned or deleted."""
        return self.held(session_id) or await self._read(self._by_id.text, self._by_id.bind({"key": store("uuid", session_id, self._dialect)}))

    async def find_by_secret(self, secret: str) -> Held | None:
        """The session of a cookie."""
        return await self._read(self._by_secret.text, self._by_secret.bind({"hash": hashed(secret)}))

    async def _read(self, text: str, parameters: tuple[Any, ...]) -> Held | None:
        while True:
            before = self._forgotten
            rows = await self._database.read(text, parameters)
            if before == self._forgotten:  # else a session ended while we read, maybe this one: what we hold may be from before
                return self._keep(rows[0]) if rows else None

    async def created(self, session_id: UUID) -> float:
        """When the person signed in (seconds since 1970); long ago for a session that is no more."""
        rows = await self._database.read(self._created.text, self._created.bind({"key": store("uuid", session_id, self._dialect)}))
        return (seconds_of(rows[0][0], self._dialect) or 0.0) if rows else 0.0

    def _keep(self, row: Row) -> Held | None:
        session_id: UUID = load("uuid", row[0], self._dialect)
        used, ends = seconds_of(row[2], self._dialect) or 0.0, seconds_of(row[3], self._dialect) or 0.0
        banned_until = seconds_of(row[9], self._dialect)
        now = self._clock()
        expires = min(used + self.idle, ends)
        if now >= expires or (banned_until is not None and now < banned_until):
            self._held.pop(session_id, None)
            return None
        facts = (row[1], *row[4:9])
        held = self._held.get(session_id)
        if held is None or held.facts != facts:
            if held is not None:
                held.until = 0.0
            if len(self._held) >= KEPT:
                del self._held[next(iter(self._held))]
            held = self._held[session_id] = Held(self._actor(session_id, row), facts)
        held.until, held.expires = time.monotonic() + FRESH, expires
        if now - used >= self._touch_after and not held.touched:
            self._touch_soon(session_id, held)
        return held

    def _actor(self, session_id: UUID, row: Row) -> Actor:
        confirmed = self._counts_unconfirmed or row[8] is not None
        claims: Mapping[str, Any] = MappingProxyType(load("json", row[7], self._dialect))
        return Actor(
            id=load("uuid", row[4], self._dialect),
            email=row[5] if confirmed else None,
            roles=tuple(load("json", row[6], self._dialect)),
            claims=claims,
            session=str(session_id),
            via="bearer" if row[1] is None else "cookie",
        )

    def _touch_soon(self, session_id: UUID, held: Held) -> None:
        """Write down that the session is in use. Beside the request: a full disk must not turn reads away."""
        held.touched = True
        parameters = self._touch.bind({"key": store("uuid", session_id, self._dialect), "now": stored(self._clock(), self._dialect)})

        def unit() -> Unit[None]:
            yield Ask(self._touch.text, parameters)

        async def touch() -> None:
            try:
                await self._database.write(unit, single=True)
            except Exception:  # whatever it was, the request was answered; the log has it, and the next read tries again
                log.exception("A session's last use could not be stored.")
            finally:
                held.touched = False

        task = asyncio.get_running_loop().create_task(touch())
        self._touching.add(task)
        task.add_done_callback(self._touching.discard)

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._touching)

    def forget(self, session_id: UUID) -> None:
        """Called after the commit that ended or changed the session: from now on this process asks the database."""
        self._forgotten += 1
        held = self._held.pop(session_id, None)
        if held is not None:
            held.until = 0.0

    def forget_person(self, user_id: UUID) -> None:
        """The same for all sessions of one person: their roles changed, they were banned, their password is new."""
        self._forgotten += 1
        for session_id in [key for key, held in self._held.items() if held.actor.id == user_id]:
            self.forget(session_id)

    # ---------------------------------------------------------------- opening and ending, inside a transaction
    def open_with_cookie(self, user_id: UUID, method: str) -> Unit[tuple[UUID, str]]:
        """A session for a browser: its id, and the secret for the cookie."""
        secret = new_secret()
        session_id = yield from self._open(user_id, method, hashed(secret))
        return session_id, secret

    def open_with_token(self, user_id: UUID, method: str) -> Unit[tuple[UUID, str]]:
        """A session for an app: its id, and the first refresh token."""
        session_id = yield from self._open(user_id, method, None)
        token = new_secret()
        yield from self.add_token(session_id, token)
        return session_id, token

    def add_token(self, session_id: UUID, token: str) -> Unit[None]:
        bound = self._insert_token.bind({"token_hash": hashed(token), "session_id": store("uuid", session_id, self._dialect)})
        yield Ask(self._insert_token.text, bound)

    def _open(self, user_id: UUID, method: str, secret_hash: str | None) -> Unit[UUID]:
        now, session_id, person = self._clock(), uuid4(), store("uuid", user_id, self._dialect)
        moment = stored(now, self._dialect)
        expired = {"user_id": person, "now": moment, "idle_since": stored(now - self.idle, self._dialect)}
        yield Ask(self._end_expired.text, self._end_expired.bind(expired))
        row = {
            "id": store("uuid", session_id, self._dialect),
            "user_id": person,
            "secret_hash": secret_hash,
            "method": method,
            "created_at": moment,
            "used_at": moment,
            "expires_at": stored(now + self.longest, self._dialect),
        }
        yield Ask(self._insert.text, self._insert.bind(row))
        return session_id

    def touch(self, session_id: UUID) -> Unit[None]:
        yield Ask(self._touch.text, self._touch.bind({"key": store("uuid", session_id, self._dialect), "now": stored(self._clock(), self._dialect)}))

    def end(self, session_id: UUID) -> Unit[None]:
        yield Ask(self._end.text, self._end.bind({"key": store("uuid", session_id, self._dialect)}))

    def end_all(self, user_id: UUID, *, but: UUID | None = None) -> Unit[None]:
        """All sessions of one person, or all but one."""
        person = store("uuid", user_id, self._dialect)
        if but is None:
            yield Ask(self._end_all.text, self._end_all.bind({"user_id": person}))
        else:
            yield Ask(self._end_others.text, self._end_others.bind({"user_id": person, "key": store("uuid", but, self._dialect)}))
