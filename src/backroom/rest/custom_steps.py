"""One request on its way through an app's own endpoint or function."""

from __future__ import annotations

import asyncio
from typing import Any

from backroom.calls import Actor
from backroom.database.database import SerializationFailure
from backroom.database.refusals import TRIES, pause
from backroom.errors import Problem
from backroom.http.origin import require_own_page
from backroom.http.response import Response
from backroom.orm.reach import Channel, ReadOnly, Store
from backroom.orm.session import Db
from backroom.orm.writes import person
from backroom.rest.custom import BODILESS, CustomEndpoint
from backroom.rest.endpoint import Call
from backroom.rest.preconditions import require_acceptable, require_json
from backroom.rest.replies import render
from backroom.rest.steps import Steps
from backroom.settings import Settings


class CustomSteps(Steps):
    """Arguments in, the function called, its reply through the caller's rules.

    An endpoint whose transaction Postgres could not serialize is run again from its beginning: it may do nothing outside of `db`.
    """

    def __init__(self, endpoint: CustomEndpoint, store: Store, settings: Settings) -> None:
        self.custom = endpoint
        self._store, self._settings = store, settings
        self._bounds = (settings.MAX_JSON_DEPTH, settings.MAX_JSON_VALUES)

    def authorize(self, actor: Actor) -> None:
        self.custom.permit(actor)

    async def validate(self, call: Call) -> None:
        request = call.request
        if self.custom.reads_only and call.actor.via == "cookie":
            # Its `db` changes nothing, but what else it does nobody knows: a link on a foreign page must not do it in this person's name.
            require_own_page(request, self._settings)
        query = self.asked(call)
        body = None
        if self.custom.method not in BODILESS:
            body = await request.body()
            if body:
                require_json(request)
        call.given = self.custom.arguments.read(call.parameters, query, body, self._bounds)

    def asked(self, call: Call) -> bytes:
        """The part of the query string that holds arguments: all of it."""
        require_acceptable(call.request)
        return call.request.query

    def statement(self, call: Call) -> None:
        """The code asks as it goes along."""

    async def run(self, call: Call) -> None:
        channel = ReadOnly(self._store.database) if self.custom.reads_only else call.channel
        returned = await (self._retried(call) if channel is None else self._once(call, channel))
        call.result = await self.reply(call, returned, channel)

    async def reply(self, call: Call, returned: Any, channel: Channel | None) -> Response:
        """What the code returned, as an answer."""
        return await render(self._store, call.actor, returned, channel)

    async def _retried(self, call: Call) -> Any:
        for attempt in range(1, TRIES):
            try:
                return await self._once(call, None)
            except SerializationFailure:
                await asyncio.sleep(pause(attempt))
        return await self._once(call, None)

    async def _once(self, call: Call, channel: Channel | None) -> Any:
        custom, actor, arguments = self.custom, call.actor, dict(call.given)
        if custom.db is not None:
            arguments[custom.db] = Db(self._store, actor, channel)
        if custom.request is not None:
            arguments[custom.request] = call.request
        if custom.me is not None:
            me = arguments[custom.me] = await person(self._store, actor, channel)
            if me is None and actor.signed_in:  # the account was deleted a moment ago
                raise Problem("auth.required")
        returned = await custom.function(**arguments)
        return custom.reply.validate_python(returned) if custom.reply is not None else returned

    def respond(self, call: Call) -> Response:
        response: Response = call.result
        return response
