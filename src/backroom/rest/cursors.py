"""Where a page of a list ended, as text that only this server can write: for this query, and for this caller."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from backroom.calls import Actor
from backroom.errors import Fault
from backroom.resources.fields import Field, Kind
from backroom.sql.values import DialectName, store
from backroom.validation.faults import refusal

_MAC_BYTES = 16
_NOBODY = bytes(16)
_LONGEST = 8192
_decode = msgspec.json.Decoder(list[Any]).decode
#: Kinds whose JSON is text, and the type that msgspec reads of it.
_TYPES: Mapping[Kind, type] = {
    "decimal": Decimal,
    "date": date,
    "datetime": datetime,
    "time": time,
    "timedelta": timedelta,
    "uuid": UUID,
    "bytes": bytes,
}


class Cursors:
    """Writes and reads cursors. `context` is everything about a query that its pages have in common."""

    def __init__(self, secret: str) -> None:
        self._key = blake2b(secret.encode(), person=b"backroom.cursor", digest_size=32).digest()

    def write(self, context: bytes, actor: Actor, values: Sequence[Any]) -> str:
        """The keys of a page's last row, as JSON, behind a code that proves where they come from."""
        payload = msgspec.json.encode(values)
        return urlsafe_b64encode(self._code(context, actor, payload) + payload).rstrip(b"=").decode()

    def open(self, text: str) -> tuple[bytes, list[Any]]:
        """What a cursor says, not yet proven. Raises `Problem` 400 for what is none."""
        try:
            whole = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) <= _LONGEST else b""
            return whole, _decode(whole[_MAC_BYTES:])
        except (ValueError, RecursionError, msgspec.DecodeError):
            refuse_cursor()

    def prove(self, whole: bytes, context: bytes, actor: Actor) -> None:
        """Raises `Problem` 400 where a cursor was written for another query or another caller, or by somebody else."""
        if not compare_digest(whole[:_MAC_BYTES], self._code(context, actor, whole[_MAC_BYTES:])):
            refuse_cursor()

    def _code(self, context: bytes, actor: Actor, payload: bytes) -> bytes:
        caller = _NOBODY if actor.id is None else actor.id.bytes
        return blake2b(caller + context + b"\0" + payload, key=self._key, digest_size=_MAC_BYTES).digest()


def refuse_cursor() -> NoReturn:
    sentence = "`after` is no cursor of this list, this order and these filters, or it was somebody else's; start again with an empty `after=`."
    raise refusal([Fault("after", "cursor", sentence)], "validation.query")


def bound(fields: Sequence[Field], values: Sequence[Any], dialect: DialectName) -> dict[str, Any]:
    """The keys of a cursor as the parameters that `sql.keyset` names, in storage form."""
    found: dict[str, Any] = {}
    for index, (field, value) in enumerate(zip(fields, values, strict=True)):
        if value is not None:
            found[f"after_{index}"] = store(field.kind, _typed(field.kind, value), dialect)
    return found


def _typed(kind: Kind, value: Any) -> Any:
    into: Any = _TYPES.get(kind)
    return value if into is None else msgspec.convert(value, into)
