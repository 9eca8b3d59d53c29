"""`/auth/v1`: what the unmodified `@supabase/supabase-js` client sends and expects, and any app that holds tokens.

What its clients send and we don't support (captchas, code challenges) is ignored, as they rely on; known fields are read strictly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from backroom.auth.accounts import Accounts, Opened, Scope, refuse_large
from backroom.auth.forms import Form
from backroom.auth.gotrue_refusals import VERSION, no_email, no_phone
from backroom.auth.moments import moment
from backroom.auth.tokens import Tokens
from backroom.auth.users import Account
from backroom.calls import Actor
from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.http.response import NO_STORE, VARY_CREDENTIALS, Response, json_response
from backroom.sql.values import moment_text
from backroom.validation.faults import refusal

_SCOPES: Mapping[str, Scope] = {"local": "local", "others": "others", "global": "global"}
_PERSONAL = (NO_STORE, VARY_CREDENTIALS, VERSION)


class GoTrueFace:
    """The handlers. Each takes the request and the caller, and returns the reply or raises `Problem`."""

    def __init__(self, accounts: Accounts, tokens: Tokens) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._settings = accounts.settings

    async def sign_up(self, request: Request, _actor: Actor) -> Response:
        form = await Form.of(request, self._settings)
        if not form.tree.get("email"):
            raise no_email(by_phone=bool(form.tree.get("phone")))
        data = form.object("data")
        # A field of the app's own users that stands in `data` is set, too: there is no other place for it in this client.
        columns = {field.column for field in self._accounts.users.definition.fields if field.writable}
        own = {name: value for name, value in data.items() if name in columns}
        return await self._session(await self._accounts.sign_up(request, form, "tokens", own=own, metadata=data))

    async def token(self, request: Request, _actor: Actor) -> Response:
        grant = _query(request).get("grant_type")
        form = await Form.of(request, self._settings)
        if grant == "password":
            return await self._session(await self._accounts.sign_in(request, form, "tokens"))
        if grant == "refresh_token":
            token = form.text("refresh_token")
            form.check()
            return await self._session(await self._accounts.refresh(token))
        raise Problem("auth.grant_type")

    async def user(self, _request: Request, actor: Actor) -> Response:
        return json_response(user_of(await self._accounts.account(actor), self._settings.CONFIRM_EMAIL), headers=_PERSONAL)

    async def change(self, request: Request, actor: Actor) -> Response:
        """`data` is merged into the metadata; `password` ends all other sessions."""
        form = await Form.of(request, self._settings)
        if form.tree.get("phone"):
            raise no_phone("A phone number can't be set here.")
        account = await self._accounts.account(actor)
        email = form.email() if form.tree.get("email") else account.email
        password, current, data = form.text("password", required=False), form.text("current_password", required=False), form.object("data")
        if email and email != account.email:
            form.faults.append(Fault("email", "read_only", "The email can't be changed here."))
        form.check()
        refuse_large({**account.user_metadata, **data})  # before the password is changed
        if password:
            await self._accounts.change_password(request, actor, password, current or None)
        if data:
            await self._accounts.change_metadata(actor, data)
        return json_response(user_of(await self._accounts.account(actor), self._settings.CONFIRM_EMAIL), headers=_PERSONAL)

    async def sign_out(self, request: Request, actor: Actor) -> Response:
        scope = _SCOPES.get(_query(request).get("scope", "global"))
        if scope is None:
            raise refusal([Fault("scope", "choice", "scope must be local, others or global.")], "validation.query")
        await self._accounts.sign_out(actor, scope)
        return Response(204, [NO_STORE, VERSION], b"")

    async def jwks(self, _request: Request, _actor: Actor) -> Response:
        return json_response(self._tokens.jwks, headers=((b"cache-control", b"public, max-age=600"), VERSION))

    async def settings(self, _request: Request, _actor: Actor) -> Response:
        told = {
            "external": {"email": True, "phone": False, "anonymous_users": False},
            "disable_signup": False,
            "mailer_autoconfirm": not self._settings.CONFIRM_EMAIL,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
        return json_response(told, headers=(NO_STORE, VERSION))

    async def health(self, _request: Request, _actor: Actor) -> Response:
        told = {"name": "GoTrue", "version": "backroom", "description": "Backroom, which answers in GoTrue's shapes"}
        return json_response(told, headers=(NO_STORE, VERSION))

    async def _session(self, opened: Opened) -> Response:
        held = await self._accounts.opened(opened)
        account = await self._accounts.account(held.actor)
        user = user_of(account, self._settings.CONFIRM_EMAIL)
        token, expires = self._tokens.sign(claims_of(user, opened.session_id, await self._accounts.sessions.created(opened.session_id)))
        told = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self._tokens.lifetime,
            "expires_at": expires,
            "refresh_token": opened.secret,
            "user": user,
        }
        return json_response(told, headers=_PERSONAL)


def claims_of(user: Mapping[str, Any], session_id: UUID, signed_in: float) -> dict[str, Any]:
    """What an access token says of its holder, beside issuer and times."""
    return {
        "sub": user["id"],
        "email": user["email"],
        "phone": "",
        "app_metadata": user["app_metadata"],
        "user_metadata": user["user_metadata"],
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": int(signed_in)}],
        "session_id": str(session_id),
        "is_anonymous": False,
    }


def user_of(account: Account, confirms: bool) -> dict[str, Any]:
    """GoTrue's User. Where no confirmation is asked for, an address counts as confirmed from the start."""
    created = _time(account.created)
    confirmed = _time(account.confirmed) if confirms or account.confirmed is not None else created
    identity = {
        "identity_id": str(account.user_id),
        "id": str(account.user_id),
        "user_id": str(account.user_id),
        "identity_data": {"email": account.email, "email_verified": confirmed is not None, "phone_verified": False, "sub": str(account.user_id)},
        "provider": "email",
        "email": account.email,
        "last_sign_in_at": _time(account.last_sign_in),
        "created_at": created,
        "updated_at": created,
    }
    return {
        "id": str(account.user_id),
        "aud": "authenticated",
        "role": "authenticated",
        "email": account.email,
        "phone": "",
        "email_confirmed_at": confirmed,
        "confirmed_at": confirmed,
        "last_sign_in_at": _time(account.last_sign_in),
        "app_metadata": {"provider": "email", "providers": ["email"], **account.app_metadata},
        "user_metadata": account.user_metadata,
        "identities": [identity],
        "created_at": created,
        "updated_at": _time(account.updated),
        "is_anonymous": False,
        **({"banned_until": _time(account.banned_until)} if account.banned_until is not None else {}),
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else moment_text(moment(seconds))


def _query(request: Request) -> dict[str, str]:
    """The query's parameters; the first of a name counts."""
    return dict(reversed(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)))
