"""A request's body, bounded in size and time while it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from backroom.errors import Problem
from backroom.http.limits import Limits, body_too_large
from backroom.http.patience import Waiting, patience_here

#: Bytes a second below which a body counts as stalled. Without it, one byte every few seconds would hold a connection for days.
SLOWEST = 1024

_MOST_DIGITS = 18


class ClientGone(Exception):
    """The client closed the connection: nobody is left to answer."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limits: Limits) -> bytes:
    """The whole body. Raises `Problem` 413, 415, 408 or 400; `ClientGone` if the client leaves half-way."""
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise Problem("http.unsupported_media_type", "Send the body uncompressed: leave the header Content-Encoding out.")
    declared = headers.get(b"content-length")
    if declared is not None:
        if not declared.isdigit():
            raise Problem("http.malformed", "Content-Length is not a number.", headers={"Connection": "close"})
        if len(declared) > _MOST_DIGITS or int(declared) > limits.body_bytes:
            raise body_too_large(limits.body_bytes)
    patience = patience_here()
    waiting = patience.begin(limits.body_seconds)
    try:
        return await _collect(receive, limits, waiting)
    except asyncio.CancelledError:
        if not patience.ran_out(waiting):
            raise
        sentence = "The body did not arrive in time: the connection is too slow, or Content-Length is larger than what was sent."
        raise Problem("http.body_timeout", sentence, headers={"Connection": "close"}) from None
    finally:
        patience.end(waiting)


async def _collect(receive: Receive, limits: Limits, waiting: Waiting) -> bytes:
    first = b""
    pieces: bytearray | None = None  # a list of one-byte pieces would take fifty times the memory that the limit allows
    received = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        if piece:
            received += len(piece)
            if received > limits.body_bytes:
                raise body_too_large(limits.body_bytes)
            if not first:
                first = piece
            elif pieces is None:
                pieces = bytearray(first)
                pieces += piece
            else:
                pieces += piece
        if not message.get("more_body", False):
            return first if pieces is None else bytes(pieces)
        waiting.extra = received / SLOWEST
