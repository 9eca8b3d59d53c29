"""The bodies of the account endpoints, read as strictly as a resource's: every fault at once, one meaning per body."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec

from backroom.auth import emails
from backroom.errors import Fault, Problem
from backroom.http.request import Request
from backroom.settings import Settings
from backroom.validation.faults import refusal, unknown
from backroom.validation.strict_json import Spelled, read_json

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Form:
    """One JSON object. The readers collect faults; `check()` raises them all as one `Problem` 400."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = dict(tree)
        self.faults: list[Fault] = []

    @classmethod
    async def of(cls, request: Request, settings: Settings) -> Form:
        """Raises `Problem` 415 for what isn't JSON, 400 for what isn't an object."""
        raw = await request.body()
        if not request.is_json():
            raise Problem("http.unsupported_media_type")
        tree = read_json(raw, settings.MAX_JSON_DEPTH, settings.MAX_JSON_VALUES)
        if not isinstance(tree, dict):
            raise refusal([Fault(None, "type", "The body must be a JSON object.")])
        return cls(cast(dict[str, Any], tree))

    def text(self, name: str, *, required: bool = True) -> str:
        """Text that is neither absent nor empty; "" (and a fault, if required) otherwise."""
        value = self.tree.pop(name, None)
        label = name.replace("_", " ").capitalize()
        if value is None or value == "":
            if required:
                self.faults.append(Fault(name, "required", f"{label} is required."))
            return ""
        if not isinstance(value, str):
            self.faults.append(Fault(name, "type", f"{label} must be text."))
            return ""
        if "\0" in value:
            self.faults.append(Fault(name, "character", f"{label} holds U+0000, which can't be stored."))
            return ""
        return value

    def email(self) -> str:
        """An address in its one spelling."""
        given = self.text("email")
        found = emails.normalized(given) if given else None
        if given and found is None:
            self.faults.append(Fault("email", "invalid", "Email must be an email address, like ann@example.com."))
        return found or ""

    def object(self, name: str) -> dict[str, Any]:
        """A JSON object; {} when absent or null."""
        value = self.tree.pop(name, None)
        if value is not None and not isinstance(value, dict):
            self.faults.append(Fault(name, "type", f"{name.capitalize()} must be an object."))
            return {}
        return cast(dict[str, Any], value or {})

    def nothing_else(self, known: Collection[str]) -> None:
        """What is left in the form has no business there."""
        self.faults += [unknown(name, known) for name in self.tree]

    def rest(self) -> bytes:
        """What is left, as JSON."""
        return encoded(self.tree)

    def collect(self, problem: Problem) -> None:
        """Take over the faults of another reader. Raises the problem itself if it names none."""
        if not problem.errors:
            raise problem
        self.faults += problem.errors

    def check(self) -> None:
        """Raises `Problem` with everything that was found: `auth.weak_password` if that alone is wrong, else `validation.failed`."""
        if self.faults:
            weak = all(fault.field == "password" and fault.code in ("weak", "too_short", "too_long") for fault in self.faults)
            raise refusal(self.faults, "auth.weak_password" if weak else "validation.failed")


def encoded(tree: Any) -> bytes:
    """JSON again, numbers with the digits they came with."""
    return _encode(_exact(tree))


def _exact(value: Any) -> Any:
    if isinstance(value, Spelled):
        return Decimal(value.text)
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in cast(dict[str, Any], value).items()}
    return [_exact(each) for each in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]
