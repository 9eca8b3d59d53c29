"""What the door adds to replies on their way out."""

from __future__ import annotations

from starlette.types import Message, Send

from backroom.http.response import Header
from backroom.http.security import missing


class Torn(Exception):
    """A mounted app failed after its reply had begun: no status can be sent any more, only the connection can tell."""


class Outgoing:
    """The `send` of a mounted app or of static files: adds `defaults` where the app sets no such header, and `always` in any case."""

    __slots__ = ("_always", "_defaults", "_send", "begun")

    def __init__(self, send: Send, defaults: list[Header], always: list[Header]) -> None:
        self._send = send
        self._defaults = defaults
        self._always = always
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers: list[Header] = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            message = {**message, "headers": [*headers, *missing(self._defaults, headers), *self._always]}
        await self._send(message)


def server_timing(timings: list[tuple[str, float]], total: float) -> Header:
    """Server-Timing from the rooms' seconds, in milliseconds; what no room claims is the door's own.

    >>> server_timing([("auth", 0.001), ("sql", 0.002)], 0.0035)
    (b'server-timing', b'http;dur=0.500, auth;dur=1.000, sql;dur=2.000')
    """
    rooms: dict[str, float] = {"http": total}
    for room, seconds in timings:
        rooms[room] = rooms.get(room, 0.0) + seconds
        rooms["http"] -= seconds
    return b"server-timing", ", ".join(f"{room};dur={max(seconds, 0.0) * 1000:.3f}" for room, seconds in rooms.items()).encode()
