"""A raw query string into names and values: decoded once, strictly."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from backroom.errors import Fault
from backroom.validation.faults import refusal

_BROKEN = re.compile(rb"%(?![0-9a-fA-F]{2})")


class Parameter(NamedTuple):
    name: str
    value: str


def split(raw: bytes) -> list[Parameter]:
    """`b"a=1&b=x+y"` -> `[("a", "1"), ("b", "x y")]`; a name without `=` has an empty value. Raises `Problem("validation.query")`.

    >>> split(b"done=is.true")
    [Parameter(name='done', value='is.true')]
    """
    parameters: list[Parameter] = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            parameters.append(Parameter(_decoded(name), _decoded(value)))
    return parameters


def _decoded(raw: bytes) -> str:
    shown = raw[:60].decode("ascii", "replace")
    if _BROKEN.search(raw):
        raise refusal(
            [Fault(None, "encoding", f"`{shown}` holds a `%` that begins no code; write `%25`, or encodeURIComponent(value).")], "validation.query"
        )
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode() if b"%" in raw or b"+" in raw else raw.decode()
    except UnicodeDecodeError:
        raise refusal([Fault(None, "encoding", f"`{shown}` is not UTF-8; write encodeURIComponent(value).")], "validation.query") from None
    if "\0" in text:
        raise refusal([Fault(None, "character", f"`{shown}` holds U+0000.")], "validation.query")
    return text
