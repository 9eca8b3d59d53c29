"""Refresh tokens: each is good for one use, and using an old one again ends the whole session.

Two tabs may refresh at the same moment, and a reply may be lost: for ten seconds a used token gives the same successor once more. After
that, whoever shows it holds a copy: thief or owner, nobody can tell, so both are signed out. The successor is stored sealed under the
used token, for those ten seconds' sake; the database alone tells neither.
"""

from __future__ import annotations

import logging
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from backroom.auth.moments import DAY, WALL, Clock, seconds_of, stored
from backroom.auth.opaque import hashed, is_secret, new_secret, seal, unseal
from backroom.auth.sessions import Sessions
from backroom.auth.tables import AuthTables
from backroom.calls import Ask, Row, Unit
from backroom.database.database import Database
from backroom.sql.compiled import compiled
from backroom.sql.values import DialectName, load, store

GRACE = 10.0
#: Used tokens are remembered for a week: time enough to catch a copy, and an end to their number.
REMEMBERED = 7 * DAY
#: How often a token may have been followed by another within the grace.
_LONGEST_CHAIN = 16

Why: TypeAlias = Literal["unknown", "used", "expired", "banned"]

log = logging.getLogger("backroom.auth")


class Refreshed(NamedTuple):
    """The session goes on: whose, which, and the refresh token to use next."""

    user_id: UUID
    session_id: UUID
    token: str


class Refused(NamedTuple):
    """The session doesn't go on. A value, not an exception: an exception would undo the ending of the session."""

    why: Why
    user_id: UUID | None = None


class Refresher:
    """Exchanges refresh tokens."""

    def __init__(self, database: Database, tables: AuthTables, sessions: Sessions, clock: Clock = WALL) -> None:
        self._database = database
        self._sessions = sessions
        self._dialect: DialectName = tables.dialect
        self._clock = clock
        tokens, rows, accounts = tables.refresh_tokens, tables.sessions, tables.accounts
        key = tokens.c.token_hash == bindparam("hash")
        joined = tokens.join(rows, rows.c.id == tokens.c.session_id).join(accounts, accounts.c.user_id == rows.c.user_id)
        columns = (tokens.c.used_at, tokens.c.successor, rows.c.id, rows.c.user_id, rows.c.used_at, rows.c.expires_at, accounts.c.banned_until)
        now, before = bindparam("now", type_=tokens.c.used_at.type), bindparam("before", type_=tokens.c.used_at.type)
        session = tokens.c.session_id == bindparam("session_id", type_=tokens.c.session_id.type)
        self._select = compiled(select(*columns).select_from(joined).where(key), self._dialect)
        self._use = compiled(update(tokens).values(used_at=now, successor=bindparam("sealed")).where(key), self._dialect, writes=True)
        sealed = (session, tokens.c.used_at < before, tokens.c.successor.is_not(None))
        self._forget = compiled(update(tokens).values(successor=None).where(*sealed), self._dialect, writes=True)
        self._delete = compiled(delete(tokens).where(session, tokens.c.used_at < before), self._dialect, writes=True)

    async def refresh(self, token: str) -> Refreshed | Refused:
        """The next token of the session, or why there is none."""
        if not is_secret(token):
            return Refused("unknown")
        outcome = await self._database.write(lambda: self._refresh(token))
        if isinstance(outcome, Refused) and outcome.why == "used" and outcome.user_id is not None:
            self._sessions.forget_person(outcome.user_id)
            log.warning("A used refresh token of person %s was shown again; its session is ended.", outcome.user_id)
        return outcome

    def _refresh(self, token: str) -> Unit[Refreshed | Refused]:
        now, shown = self._clock(), token
        for _ in range(_LONGEST_CHAIN):
            rows = yield Ask(self._select.text, (hashed(token),))
            if not rows:
                return Refused("unknown")
            row = rows[0]
            session_id, user_id = load("uuid", row[2], self._dialect), load("uuid", row[3], self._dialect)
            used, why = seconds_of(row[0], self._dialect), self._ended(row, now)
            if why is None and used is not None and (now - used > GRACE or row[1] is None):
                why = "used"
            if why is not None:
                yield from self._sessions.end(session_id)
                return Refused(why, user_id)
            if used is None and token == shown:
                token = yield from self._rotate(token, session_id, now)
            if used is None:
                return Refreshed(user_id, session_id, token)
            token = unseal(str(row[1]), token)
        return Refused("unknown")

    def _ended(self, row: Row, now: float) -> Why | None:
        used, ends, banned_until = (seconds_of(value, self._dialect) for value in (row[4], row[5], row[6]))
        if now >= min((used or 0.0) + self._sessions.idle, ends or 0.0):
            return "expired"
        return "banned" if banned_until is not None and now < banned_until else None

    def _rotate(self, token: str, session_id: UUID, now: float) -> Unit[str]:
        key, successor = store("uuid", session_id, self._dialect), new_secret()
        used: dict[str, Any] = {"hash": hashed(token), "now": stored(now, self._dialect), "sealed": seal(successor, token)}
        yield Ask(self._use.text, self._use.bind(used))
        for statement, age in ((self._forget, GRACE), (self._delete, REMEMBERED)):
            yield Ask(statement.text, statement.bind({"session_id": key, "before": stored(now - age, self._dialect)}))
        yield from self._sessions.add_token(session_id, successor)
        yield from self._sessions.touch(session_id)
        return successor
