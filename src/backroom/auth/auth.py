"""The room joined: what an app needs of it in one object."""

from __future__ import annotations

from backroom.auth.accounts import Accounts
from backroom.auth.authenticate import Authenticator
from backroom.auth.cookie_face import CookieFace
from backroom.auth.endpoints import AuthEndpoint, endpoints
from backroom.auth.gotrue import GoTrueFace
from backroom.auth.moments import WALL, Clock
from backroom.auth.passwords import Passwords
from backroom.auth.refresh import Refresher
from backroom.auth.sessions import Sessions
from backroom.auth.tables import add_auth_tables
from backroom.auth.throttle import Throttle
from backroom.auth.tokens import Tokens
from backroom.auth.users import Users
from backroom.orm.reach import Store
from backroom.settings import Settings


class Auth:
    """Who is asking, for one process. Made before the tables are prepared (it adds its own), opened after.

    `authenticate(request)` gives the Actor; `endpoints` is the table of addresses; `accounts`, `users` and `sessions` serve code.
    """

    def __init__(self, store: Store, settings: Settings, clock: Clock = WALL) -> None:
        tables = self.tables = add_auth_tables(store.tables)
        self.passwords = Passwords(settings.PASSWORD_HASHES_AT_ONCE)
        self.tokens = Tokens(store.database, tables, settings, clock)
        self.sessions = Sessions(store.database, tables, settings, clock)
        self.users = Users(store, tables)
        refresher = Refresher(store.database, tables, self.sessions, clock)
        self.accounts = Accounts(self.users, self.sessions, refresher, self.passwords, Throttle(on=settings.RATE_LIMIT), settings, clock)
        self.authenticator = Authenticator(self.sessions, self.tokens, settings, clock)
        self.authenticate = self.authenticator.authenticate
        self.endpoints: list[AuthEndpoint] = endpoints(self.authenticator, CookieFace(self.accounts), GoTrueFace(self.accounts, self.tokens))

    async def open(self) -> None:
        """Read the signing keys, or make the first."""
        await self.tokens.open()
        self.passwords.warm()

    async def close(self) -> None:
        """Finish what is being written; before the database closes."""
        await self.sessions.close()
        self.passwords.close()
