"""What people do with their accounts: sign up, in and out, refresh, change, leave. Both faces of the API ask here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from backroom.auth import passwords as password_rules
from backroom.auth.forms import Form, encoded
from backroom.auth.moments import DAY, WALL, Clock, moment
from backroom.auth.passwords import Passwords, weaknesses
from backroom.auth.refresh import Refreshed, Refresher, Why
from backroom.auth.sessions import Held, Sessions
from backroom.auth.throttle import Throttle
from backroom.auth.users import Account, Users, email_taken
from backroom.calls import Actor, Unit
from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.orm.reads import project
from backroom.orm.rows import new_key
from backroom.orm.writes import change_row, remove_rows
from backroom.settings import Settings
from backroom.sql.values import store
from backroom.validation.bodies import BodyReader
from backroom.validation.faults import refusal

#: Where the credential of a new session goes: into a cookie, or into the reply as tokens.
Carrier: TypeAlias = Literal["cookie", "tokens"]
#: Which sessions a sign-out ends: this one, all others, all.
Scope: TypeAlias = Literal["local", "others", "global"]

#: What people say of themselves travels in every token, and a token must fit into a header.
LONGEST_METADATA = 4096
#: Without the current password, a password may be changed by who signed in within a day.
RECENT = DAY

_REFUSALS: Mapping[Why, tuple[str, str | None]] = {
    "unknown": ("auth.refresh_token", None),
    "used": ("auth.refresh_token", "The refresh token was used before. For safety this session has ended; sign in again."),
    "expired": ("auth.refresh_token", "The session has expired. Sign in again."),
    "banned": ("auth.banned", None),
}


class Opened(NamedTuple):
    """A new session: whose, which, and the cookie's secret or the refresh token."""

    user_id: UUID
    session_id: UUID
    secret: str


class RefreshRefused(Problem):
    """400 or 403: no next token. `why` tells the faces which words their clients know."""

    def __init__(self, why: Why) -> None:
        code, sentence = _REFUSALS[why]
        super().__init__(code, sentence)
        self.why: Why = why


class Reauthenticate(Problem):
    """403: signed in too long ago to change the password without naming the current one."""

    def __init__(self) -> None:
        super().__init__("auth.required", "Sign in again, or send current_password, to change the password.", status=403)


class SamePassword(Problem):
    """400: the new password is the old one."""

    def __init__(self) -> None:
        sentence = "The new password must differ from the present one."
        super().__init__("auth.weak_password", sentence, errors=[Fault("password", "same", sentence)])


def _plain(metadata: Mapping[str, Any]) -> Any:
    return msgspec.json.decode(encoded(metadata))


def refuse_large(metadata: Mapping[str, Any]) -> None:
    """Raises `Problem` 400 for more metadata than a token can carry."""
    if len(encoded(metadata)) > LONGEST_METADATA:
        raise refusal([Fault("data", "too_long", f"Data may take at most {LONGEST_METADATA} bytes as JSON: it travels in every token.")])


class Accounts:
    """One per process."""

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        refresher: Refresher,
        passwords: Passwords,
        throttle: Throttle,
        settings: Settings,
        clock: Clock = WALL,
    ) -> None:
        self.users = users
        self.sessions = sessions
        self.settings = settings
        self._refresher = refresher
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._database = users.store.database
        self._definition = users.definition
        self._reader = BodyReader(users.definition, settings)
        # What a person may fill in at all; the rules of each field are asked when the row is stored.
        self._own = frozenset(field.column for field in users.definition.fields if field.writable)

    # ---------------------------------------------------------------- in
    async def sign_up(
        self, request: Request, form: Form, carrier: Carrier, *, own: Mapping[str, Any], metadata: Mapping[str, Any], replaces: UUID | None = None
    ) -> Opened:
        """A new person with a session. `own`: their fields of the app's `users`, as JSON. The form still holds `email` and `password`.

        Raises `Problem` 400 with every fault, 409 `auth.email_taken`, 403 `rules.field`, 429.
        """
        email, password = form.email(), form.text("password")
        if password:
            form.faults += weaknesses(password, email)
        given = self._own_fields(form, own, "create")
        form.check()
        refuse_large(metadata)
        self._throttle.attempt(request)
        if await self.users.by_email(email) is not None:
            raise email_taken()
        hashed = await self._passwords.hash(password)
        user_id, now = new_key(), moment(self._clock())
        row: dict[str, Any] = {**self._reader.complete(given, caller=user_id, moment=now), "id": user_id, "email": email, "roles": []}

        def finish() -> Unit[Opened]:
            yield from self.users.add_account(user_id, hashed, _plain(metadata))
            yield from self.users.require_permitted(user_id, frozenset(given))
            return (yield from self._open(user_id, carrier, None, replaces))

        return self._replaced(await self.users.create(row, frozenset(given), finish), replaces)

    def _own_fields(self, form: Form, own: Mapping[str, Any], mode: Literal["create", "update"]) -> dict[str, Any]:
        try:
            return self._reader.read(encoded(own), mode, self._own)
        except Problem as problem:
            form.collect(problem)
            return {}

    async def sign_in(self, request: Request, form: Form, carrier: Carrier, *, replaces: UUID | None = None) -> Opened:
        """A new session for who knows the password. `replaces`: the session that this browser held until now.

        Raises `Problem` 400 `auth.invalid_credentials` (the same for a wrong password and for no such account), 403 `auth.banned`, 429.
        """
        email, password = form.email(), form.text("password")
        form.check()
        self._throttle.attempt(request)
        account, rehashed = await self._require_password(request, email, password, await self.users.by_email(email))
        if account.banned_until is not None and self._clock() < account.banned_until:
            raise Problem("auth.banned")

        def unit() -> Unit[Opened]:
            yield from self._unchanged(account)
            return (yield from self._open(account.user_id, carrier, rehashed, replaces))

        return self._replaced(await self._database.write(unit), replaces)

    def _replaced(self, opened: Opened, replaces: UUID | None) -> Opened:
        """The session that this browser held until now is over in this process at once."""
        if replaces is not None:
            self.sessions.forget(replaces)
        return opened

    async def _require_password(self, request: Request, email: str, password: str, account: Account | None) -> tuple[Account, str | None]:
        self._throttle.guess(request, email)
        if len(password) > password_rules.LONGEST:
            raise Problem("auth.invalid_credentials")
        right, rehashed = await self._passwords.verify(password, account.password_hash if account is not None else None)
        if account is None or not right:
            raise Problem("auth.invalid_credentials")
        self._throttle.right(request, email)
        return account, rehashed

    def _unchanged(self, account: Account) -> Unit[None]:
        """While the password was compared, it may have been changed, or the person banned or deleted."""
        now = yield from self.users.find(account.email)
        if now is None or now.user_id != account.user_id or now.password_hash != account.password_hash or now.banned_until != account.banned_until:
            raise Problem("auth.invalid_credentials")

    def _open(self, user_id: UUID, carrier: Carrier, rehashed: str | None, replaces: UUID | None) -> Unit[Opened]:
        if replaces is not None:
            yield from self.sessions.end(replaces)
        yield from self.users.signed_in(user_id, self._clock(), rehashed)
        opening = self.sessions.open_with_cookie if carrier == "cookie" else self.sessions.open_with_token
        session_id, secret = yield from opening(user_id, "password")
        return Opened(user_id, session_id, secret)

    async def refresh(self, token: str) -> Opened:
        """The session goes on with the next refresh token. Raises `RefreshRefused`."""
        outcome = await self._refresher.refresh(token)
        if isinstance(outcome, Refreshed):
            return Opened(*outcome)
        raise RefreshRefused(outcome.why)

    async def opened(self, opened: Opened) -> Held:
        """The new session as later requests will find it."""
        held = await self.sessions.find(opened.session_id)
        if held is None:
            raise Problem("auth.invalid_token", "The session ended while it was made. Sign in again.")
        return held

    # ---------------------------------------------------------------- out
    async def sign_out(self, actor: Actor, scope: Scope = "local") -> None:
        """End this session, all others, or all of them; on return no process of ours honors them for longer than a second."""
        assert actor.id is not None
        assert actor.session is not None
        user_id, session_id = actor.id, UUID(actor.session)

        def unit() -> Unit[None]:
            if scope == "local":
                yield from self.sessions.end(session_id)
            else:
                yield from self.sessions.end_all(user_id, but=session_id if scope == "others" else None)

        await self._database.write(unit, single=True)
        self.sessions.forget_person(user_id)

    async def delete(self, actor: Actor) -> None:
        """Delete the person, the account and what hangs on it. Raises `Problem` 409 `reference.in_use` while other rows refer to them."""
        assert actor.id is not None
        await remove_rows(self.users.store, self._definition, Actor(id=actor.id, trusted=True), actor.id)
        self.sessions.forget_person(actor.id)

    # ---------------------------------------------------------------- changes
    async def change(self, actor: Actor, own: Mapping[str, Any]) -> None:
        """Set the person's own fields, as the rules of `users` let them. Raises `Problem` 400, 403, 409."""
        form = Form({})
        given = self._own_fields(form, own, "update")
        form.check()
        if given:
            rights = self.users.store.rules.grant("users", actor).rights
            await change_row(self.users.store, self._definition, actor, actor.id, given, project(self._definition, rights, code=False))

    async def change_metadata(self, actor: Actor, changes: Mapping[str, Any]) -> None:
        """Merge into what the person says of themselves; a null takes a name away. Rules never trust it."""
        account = await self.account(actor)

        def unit() -> Unit[None]:
            now = yield from self.users.find(account.email)
            merged = {name: value for name, value in {**(now or account).user_metadata, **changes}.items() if value is not None}
            refuse_large(merged)
            yield from self.users.set(account.user_id, "user_metadata", store("json", _plain(merged), self.users.store.dialect))

        await self._database.write(unit)

    async def change_password(self, request: Request, actor: Actor, password: str, current: str | None) -> Opened | None:
        """Set the password and end all other sessions. A browser's session is replaced: the new one is returned.

        `current` None: this session must be younger than a day. Raises `Problem` 400 `auth.weak_password`, `auth.invalid_credentials`.
        """
        account = await self.account(actor)
        form = Form({})
        form.faults += weaknesses(password, account.email)
        form.check()
        await self._require_owner(request, actor, account, current)
        if (await self._passwords.verify(password, account.password_hash))[0]:
            raise SamePassword()
        hashed, session_id = await self._passwords.hash(password), UUID(actor.session or "")

        def unit() -> Unit[Opened | None]:
            yield from self._unchanged(account)
            yield from self.users.set(account.user_id, "password_hash", hashed)
            if actor.via != "cookie":
                yield from self.sessions.end_all(account.user_id, but=session_id)
                return None
            yield from self.sessions.end_all(account.user_id)
            session = yield from self.sessions.open_with_cookie(account.user_id, "password")
            return Opened(account.user_id, *session)

        opened = await self._database.write(unit)
        self.sessions.forget_person(account.user_id)
        return opened

    async def _require_owner(self, request: Request, actor: Actor, account: Account, current: str | None) -> None:
        if current is not None:
            self._throttle.attempt(request)
            await self._require_password(request, account.email, current, account)
        elif self._clock() - await self.sessions.created(UUID(actor.session or "")) > RECENT:
            raise Reauthenticate()

    async def account(self, actor: Actor) -> Account:
        """The caller's account."""
        assert actor.id is not None
        found = await self.users.by_id(actor.id)
        if found is None:
            raise Problem("auth.required")
        return found
