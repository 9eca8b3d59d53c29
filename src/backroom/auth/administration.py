"""What the command line does with people: make, list, promote, ban. With full rights; every process notices within a second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backroom.auth.emails import normalized
from backroom.auth.passwords import Passwords, weaknesses
from backroom.auth.sessions import Sessions
from backroom.auth.tables import add_auth_tables
from backroom.auth.users import Account, Users
from backroom.calls import Unit
from backroom.errors import Fault, NotFound, Problem
from backroom.orm.reach import Store
from backroom.orm.rows import new_key
from backroom.settings import Settings
from backroom.sql.values import store
from backroom.validation.bodies import BodyReader, check_row
from backroom.validation.faults import refusal

#: "For good" as a date: the last one that every database and JavaScript can hold.
FOR_GOOD = datetime(9999, 12, 31, tzinfo=UTC)


async def list_users(store_: Store) -> list[Account]:
    """Everybody who has an account, oldest first."""
    return await _users(store_).every()


async def add_user(store_: Store, settings: Settings, email: str, password: str, **own: object) -> Account:
    """A person with a password. Whoever runs the server vouches for the address: it counts as confirmed.

    `own`: fields of the app's users, by column. Raises `Problem` 400 naming every fault, 409 `auth.email_taken`.
    """
    users, address = _users(store_), normalized(email)
    faults = [] if address else [Fault("email", "invalid", "Email must be an email address, like ann@example.com.")]
    faults += weaknesses(password, email)
    try:
        given = check_row(users.definition, own, "create")
    except Problem as problem:
        faults += problem.errors
        given = {}
    if faults or address is None:
        raise refusal(faults)
    passwords = Passwords(1)
    try:
        hashed = await passwords.hash(password)
    finally:
        passwords.close()
    now = datetime.now(UTC)
    user_id = new_key()
    row: dict[str, Any] = {
        **BodyReader(users.definition, settings).complete(given, caller=user_id, moment=now),
        "id": user_id,
        "email": address,
        "roles": [],
    }
    await users.create(row, frozenset(given), lambda: users.add_account(user_id, hashed, {}, confirmed=now))
    return await _find(users, email)


async def set_role(store_: Store, email: str, role: str, *, remove: bool = False) -> tuple[str, ...]:
    """Give (or take) a role; the person's roles afterwards. Raises `NotFound`, `Problem` 400 for a role that is no word."""
    users = _users(store_)
    account = await _find(users, email)
    if not role or role != role.strip() or len(role) > 64:
        raise Problem("validation.failed", f"{role!r} is no role: write a word, like admin.")

    def unit() -> Unit[tuple[str, ...]]:
        now = yield from users.find(account.email)
        held = tuple(each for each in (now or account).roles if each != role)
        roles = held if remove else (*held, role)
        yield from users.set_roles(account.user_id, roles)
        return roles

    return await store_.database.write(unit)


async def ban(store_: Store, settings: Settings, email: str, until: datetime | None = None) -> None:
    """End all sessions of the person and let them open no other before `until` (aware; None: for good). Raises `NotFound`."""
    users = _users(store_)
    account = await _find(users, email)
    sessions = Sessions(store_.database, add_auth_tables(store_.tables), settings)
    stored_until = store("datetime", until or FOR_GOOD, store_.dialect)

    def unit() -> Unit[None]:
        yield from users.set(account.user_id, "banned_until", stored_until)
        yield from sessions.end_all(account.user_id)

    await store_.database.write(unit)


async def unban(store_: Store, email: str) -> None:
    """Let the person sign in again. Raises `NotFound`."""
    users = _users(store_)
    account = await _find(users, email)
    await store_.database.write(lambda: users.set(account.user_id, "banned_until", None), single=True)


def _users(store_: Store) -> Users:
    return Users(store_, add_auth_tables(store_.tables))


async def _find(users: Users, email: str) -> Account:
    address = normalized(email)
    account = await users.by_email(address) if address else None
    if account is None:
        raise NotFound(f"There is nobody with the email {email}.")
    return account
