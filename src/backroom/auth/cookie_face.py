"""`/api/account` and `/api/session`: for pages that this server's own origin serves. The credential is a cookie that no script can read."""

from __future__ import annotations

from uuid import UUID

import msgspec

from backroom.auth.accounts import Accounts, Opened
from backroom.auth.authenticate import cookie_name
from backroom.auth.forms import Form
from backroom.auth.opaque import is_secret
from backroom.calls import Actor
from backroom.errors import Fault
from backroom.http.cookies import clear_cookie, read_cookie, set_cookie
from backroom.http.origin import require_same_origin
from backroom.http.request import Request
from backroom.http.response import NO_STORE, VARY_CREDENTIALS, Header, Response, json_response
from backroom.validation.faults import refusal

_PERSONAL = (NO_STORE, VARY_CREDENTIALS)
#: What the browser kept of this person's replies goes. Not "cookies" and "storage": those belong to the whole site, other apps of it too.
_CLEAR: Header = (b"clear-site-data", b'"cache"')


class CookieFace:
    """The handlers. Each takes the request and the caller, and returns the reply or raises `Problem`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._settings = accounts.settings
        self._name = cookie_name(accounts.settings)
        self._secure = not accounts.settings.DEVELOPMENT

    async def sign_up(self, request: Request, _actor: Actor) -> Response:
        require_same_origin(request, self._settings)
        form = await Form.of(request, self._settings)
        own = {name: value for name, value in form.tree.items() if name not in ("email", "password")}
        opened = await self._accounts.sign_up(request, form, "cookie", own=own, metadata={}, replaces=await self._present(request))
        return await self._entered(opened, [(b"location", b"/api/account")])

    async def sign_in(self, request: Request, _actor: Actor) -> Response:
        require_same_origin(request, self._settings)
        form = await Form.of(request, self._settings)
        for name in form.tree.keys() - {"email", "password"}:
            form.faults.append(Fault(name, "unknown", f"There is no field `{name}` here; send email and password."))
        opened = await self._accounts.sign_in(request, form, "cookie", replaces=await self._present(request))
        return await self._entered(opened, [(b"location", b"/api/session")])

    async def who_am_i(self, _request: Request, actor: Actor) -> Response:
        return json_response(await self._accounts.users.shown(actor), headers=_PERSONAL)

    async def sign_out(self, _request: Request, actor: Actor) -> Response:
        if actor.session is not None:
            await self._accounts.sign_out(actor)
        return self._left()

    async def change(self, request: Request, actor: Actor) -> Response:
        """Own fields, and `password` with `current_password`."""
        form = await Form.of(request, self._settings)
        headers: list[Header] = []
        wants_password = bool({"password", "current_password"} & form.tree.keys())
        password, current = (form.text("password"), form.text("current_password")) if wants_password else ("", "")
        if form.faults:
            raise refusal(form.faults)
        own = await self._without_unchanged(form, actor)
        if own and wants_password:  # two transactions: the second could fail when the first is done
            raise refusal([Fault("password", "alone", "Change the password in a request of its own.")])
        if own:
            await self._accounts.change(actor, own)
        if wants_password:
            opened = await self._accounts.change_password(request, actor, password, current)
            if opened is not None:
                headers.append(self._cookie(opened))
                actor = (await self._accounts.opened(opened)).actor
        return json_response(await self._accounts.users.shown(actor), headers=(*_PERSONAL, *headers))

    async def delete(self, _request: Request, actor: Actor) -> Response:
        await self._accounts.delete(actor)
        return self._left()

    async def _without_unchanged(self, form: Form, actor: Actor) -> dict[str, object]:
        """What a page sends back as it got it is no change, so that get, edit, send works for fields the person may not set, too."""
        shown: dict[str, object] = msgspec.json.decode(msgspec.json.encode(await self._accounts.users.shown(actor)))
        changed = {name: value for name, value in form.tree.items() if name not in shown or value != shown[name]}
        for name in changed:
            field = self._accounts.users.definition.by_column.get(name)
            if field is not None and name in shown and not field.writable:
                form.faults.append(Fault(name, "read_only", f"{name.replace('_', ' ').capitalize()} can't be changed here."))
        if form.faults:
            raise refusal(form.faults)
        return changed

    async def _present(self, request: Request) -> UUID | None:
        """The session this browser holds: it ends when another begins, so that nobody is signed in twice, or as whom they left."""
        secret = read_cookie(request.headers, self._name.encode())
        held = await self._accounts.sessions.find_by_secret(secret) if secret is not None and is_secret(secret) else None
        return UUID(held.actor.session) if held is not None and held.actor.session is not None else None

    async def _entered(self, opened: Opened, headers: list[Header]) -> Response:
        held = await self._accounts.opened(opened)
        return json_response(await self._accounts.users.shown(held.actor), 201, (*_PERSONAL, self._cookie(opened), *headers))

    def _cookie(self, opened: Opened) -> Header:
        return set_cookie(self._name, opened.secret, secure=self._secure, max_age=int(self._accounts.sessions.longest))

    def _left(self) -> Response:
        headers: list[Header] = [NO_STORE, clear_cookie(self._name, secure=self._secure)]
        return Response(204, [*headers, _CLEAR] if self._secure else headers, b"")
