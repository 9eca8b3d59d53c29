"""The body of a batch: an array of requests, read with every fault at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from backroom.errors import Fault, Problem
from backroom.http.request import Headers
from backroom.resources.fields import Field, FieldOptions
from backroom.settings import Settings
from backroom.validation.faults import refusal
from backroom.validation.rows import RowSchema, Values
from backroom.validation.strict_json import is_array, is_object, read_json

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

#: The headers that an item may have: what else there is to say of a request, the batch has said.
TAKEN = ("If-Match", "Prefer")
_FIELDS = {
    field.name: field
    for field in (
        Field("method", "method", "text", Method, False, FieldOptions()),
        Field("path", "path", "text", str, False, FieldOptions()),
        Field("body", "body", "json", Any, True, FieldOptions(default=None)),
        Field("headers", "headers", "json", dict[str, str], False, FieldOptions(default_factory=dict)),
    )
}
_NAMES = frozenset(_FIELDS)
BODILESS = ("GET", "DELETE")
_PATH = re.compile(r"/api/[^#\x00-\x1f\x7f]*")
#: What stays as it is in an address; all else is percent-encoded, as fetch does.
_PLAIN = "!$%&'()*+,/:;=?@[]~"


class Item(NamedTuple):
    """One request of a batch. `path` and `query` as they would stand on the wire, `body` the very bytes that were sent."""

    method: str
    path: bytes
    query: bytes
    headers: Headers
    body: bytes


class _Sent(msgspec.Struct):
    body: msgspec.Raw = msgspec.Raw(b"")


_bodies = msgspec.json.Decoder(list[_Sent])


class ItemReader:
    """Reads the bodies of batches. Raises `Problem` 400 with every fault of every item.

    >>> reader = ItemReader(settings)                                                    # doctest: +SKIP
    >>> reader.read(b'[{"method": "DELETE", "path": "/api/todos/42"}]')[0].path            # doctest: +SKIP
    b'/api/todos/42'
    """

    def __init__(self, settings: Settings) -> None:
        self._bounds = (settings.MAX_JSON_DEPTH, settings.MAX_JSON_VALUES)
        self._most, self._most_rows, self._longest = settings.MAX_BATCH_ITEMS, settings.MAX_BULK_ROWS, settings.MAX_URL_BYTES
        self._schema = RowSchema("batch", _FIELDS, stored=False)

    def read(self, raw: bytes) -> list[Item]:
        tree = read_json(raw, *self._bounds)
        if not is_array(tree):
            raise refusal([Fault(None, "type", "The body must be a JSON array of requests: [{method, path, body}, ...].")])
        if len(tree) > self._most:
            raise refusal([Fault(None, "too_many", f"The batch has {len(tree)} requests; send at most {self._most} at once.")])
        rows = sum(len(item["body"]) for item in tree if is_object(item) and is_array(item.get("body")))
        if rows > self._most_rows:
            raise refusal([Fault(None, "too_many", f"The batch has {rows} rows in arrays; send at most {self._most_rows} at once.")])
        given = self._checked(raw, tree)
        return [self._item(item, sent.body) for item, sent in zip(given, _bodies.decode(raw), strict=True)]

    def _checked(self, raw: bytes, tree: list[Any]) -> list[Values]:
        faults: list[Fault] = []
        given: list[Values] = []
        try:
            given = self._schema.read_rows(raw, tree, "create", _NAMES)
        except Problem as problem:
            faults += problem.errors
        for index, item in enumerate(tree):
            if is_object(item):
                faults += self._own_faults(item, index)
        if faults:
            raise refusal(sorted(faults, key=lambda fault: fault.row or 0))
        return given

    def _own_faults(self, item: Mapping[str, Any], index: int) -> Iterator[Fault]:
        path, headers = item.get("path"), item.get("headers")
        if isinstance(path, str):
            if not _PATH.fullmatch(path):
                yield Fault("path", "invalid", "Path must be an address of this API, like `/api/todos/42?select=id`.", index)
            elif len(_encoded(path)) > self._longest:
                yield Fault("path", "too_long", f"Path is longer than {self._longest:,} bytes (MAX_URL_BYTES).", index)
        if item.get("method") in BODILESS and "body" in item:
            yield Fault("body", "unknown", f"{item['method']} takes no body.", index)
        for name, value in headers.items() if is_object(headers) else ():
            if name.title() not in TAKEN:
                sentence = f"The header `{name[:60]}` is not taken here; {' and '.join(TAKEN)} are."
                yield Fault(f"headers.{name[:60]}", "unknown", sentence, index)
            elif isinstance(value, str) and not (value.isascii() and value.isprintable()):
                yield Fault(f"headers.{name}", "character", f"The header `{name}` holds a character that no header may have.", index)
        if is_object(headers) and len({name.lower() for name in headers}) < len(headers):
            yield Fault("headers", "repeated", "A header stands twice; send it once.", index)

    def _item(self, item: Values, body: bytes) -> Item:
        path, _, query = _encoded(item["path"]).partition("?")
        headers = {name.lower().encode(): value.encode() for name, value in item.get("headers", {}).items()}
        return Item(item["method"], path.encode(), query.encode(), {**headers, b"content-type": b"application/json"}, bytes(body))


def _encoded(path: str) -> str:
    return quote(path, safe=_PLAIN)
