"""The tables behind people's accounts. They are no resources: no route, filter, relation or import reaches them.

    users (a resource)  1:1  _accounts        password, confirmation, ban, metadata
                        1:n  _sessions        one per sign-in: a browser's cookie, or a token's family
                                1:n  _refresh_tokens
    _signing_keys                             what access tokens are signed with

Deleting a person deletes the rest of these rows by foreign key, whoever deletes the row.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from backroom.resources.fields import Kind
from backroom.sql.tables import Tables, column_type, index_name
from backroom.sql.values import DialectName


class AuthTables:
    """The tables, and the app's `users` beside them. `dialect` says in which form values are stored."""

    def __init__(self, tables: Tables) -> None:
        self.dialect: DialectName = tables.dialect
        self.users = tables["users"]
        found = tables.metadata.tables
        self.accounts = found["_accounts"]
        self.sessions = found["_sessions"]
        self.refresh_tokens = found["_refresh_tokens"]
        self.signing_keys = found["_signing_keys"]


def add_auth_tables(tables: Tables) -> AuthTables:
    """Add the tables to the app's MetaData, before the database is prepared. Calling it twice changes nothing."""
    if "_accounts" not in tables.metadata.tables:
        _accounts(tables)
        _sessions(tables)
        _refresh_tokens(tables)
        _signing_keys(tables)
    return AuthTables(tables)


def _accounts(tables: Tables) -> None:
    _table(
        tables,
        "_accounts",
        _column(tables, "user_id", "uuid", _cascade("_accounts", "user_id", "users.id"), primary_key=True),
        _column(tables, "password_hash", "text", nullable=True),
        _column(tables, "email_confirmed_at", "datetime", nullable=True),
        _column(tables, "banned_until", "datetime", nullable=True),
        _column(tables, "app_metadata", "json"),
        _column(tables, "user_metadata", "json"),
        _column(tables, "last_sign_in_at", "datetime", nullable=True),
    )


def _sessions(tables: Tables) -> None:
    _table(
        tables,
        "_sessions",
        _column(tables, "id", "uuid", primary_key=True),
        _column(tables, "user_id", "uuid", _cascade("_sessions", "user_id", "users.id")),
        _column(tables, "secret_hash", "text", nullable=True),  # of the cookie; empty for sessions of tokens
        _column(tables, "method", "text"),  # how the person signed in: "password"
        _column(tables, "created_at", "datetime"),
        _column(tables, "used_at", "datetime"),
        _column(tables, "expires_at", "datetime"),
        UniqueConstraint("secret_hash", name="_sessions_secret_hash_key"),
        Index(index_name("_sessions", ("user_id",)), "user_id"),
    )


def _refresh_tokens(tables: Tables) -> None:
    _table(
        tables,
        "_refresh_tokens",
        _column(tables, "token_hash", "text", primary_key=True),
        _column(tables, "session_id", "uuid", _cascade("_refresh_tokens", "session_id", "_sessions.id")),
        _column(tables, "used_at", "datetime", nullable=True),
        _column(tables, "successor", "text", nullable=True),  # sealed: see refresh.py
        Index(index_name("_refresh_tokens", ("session_id",)), "session_id"),
    )


def _signing_keys(tables: Tables) -> None:
    _table(
        tables,
        "_signing_keys",
        _column(tables, "kid", "text", primary_key=True),
        _column(tables, "sealed", "text"),
        _column(tables, "public", "json"),
        _column(tables, "created_at", "datetime"),
    )


def _table(tables: Tables, name: str, *items: Column[Any] | UniqueConstraint | Index) -> None:
    Table(name, tables.metadata, *items, sqlite_strict=True)


def _column(tables: Tables, name: str, kind: Kind, *constraints: Any, nullable: bool = False, **options: Any) -> Column[Any]:
    return Column(name, column_type(kind, tables.dialect), *constraints, nullable=nullable, **options)


def _cascade(table: str, column: str, target: str) -> ForeignKey:
    return ForeignKey(target, name=f"{table}_{column}_fkey", ondelete="CASCADE")
