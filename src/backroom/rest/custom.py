"""An app's own endpoints and functions: arguments by name and type, validated; replies through the caller's rules."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter

from backroom.calls import Actor
from backroom.errors import DeclarationError
from backroom.http.request import Request
from backroom.orm.session import Db
from backroom.resources.conditions import Condition, node_of
from backroom.resources.fields import split_optional
from backroom.resources.nodes import CallerValue, Node, write
from backroom.resources.resource import Resource, User
from backroom.rest.replies import Reply
from backroom.rules.authorize import refusal
from backroom.rules.fold import about_caller, fold, parts_of
from backroom.sql.normal import normal
from backroom.validation.arguments import Arguments

BODILESS = ("GET", "DELETE")


class CustomEndpoint:
    """One function of the app at one address. Made at start; what is wrong with it stops the start.

    `custom_steps` runs it. `reads_only`: it is a function asked by GET, whose `db` changes nothing.
    """

    def __init__(
        self, method: str, path: str, function: Callable[..., Awaitable[Any]], access: Condition | None, *, reads_only: bool = False
    ) -> None:
        self.method, self.path, self.function, self.reads_only = method, path, function, reads_only
        self.name = function.__name__
        self._written_access = access
        self.description = inspect.getdoc(function) or ""
        if not inspect.iscoroutinefunction(function):
            raise self.error(f"must be `async def {self.name}(...)`")
        hints = self._hints()
        plain = inspect.signature(function)
        signature = plain.replace(parameters=[each.replace(annotation=hints.get(each.name, Any)) for each in plain.parameters.values()])
        self.returns = hints.get("return", Any)
        #: The parameters that are no arguments: the session, the request, the caller.
        self.db = _named_by_type(signature, hints, Db)
        self.request = _named_by_type(signature, hints, Request)
        self.me = "me" if "me" in signature.parameters else None
        self.requires_person = self.me is not None and not self._may_be_nobody(hints.get("me"))
        self.access = self._access(access)
        names = tuple(re.findall(r"{(\w+)(?::\w+)?}", path))
        self.path_names = names
        skip = frozenset(name for name in (self.db, self.request, self.me) if name is not None)
        try:
            self.arguments = Arguments(signature, names, method not in BODILESS, skip, braces=reads_only)
        except DeclarationError as error:
            raise self.error(str(error)) from error
        self.reply = self._reply_adapter()

    def by_get(self) -> CustomEndpoint | None:
        """The same function asked by GET; None where its arguments don't fit into an address."""
        try:
            return CustomEndpoint("GET", self.path, self.function, self._written_access, reads_only=True)
        except DeclarationError:
            return None

    def error(self, sentence: str) -> DeclarationError:
        code = inspect.unwrap(self.function).__code__
        return DeclarationError(f"{code.co_filename}:{code.co_firstlineno}: {self.method} {self.path}: {sentence}")

    def _hints(self) -> dict[str, Any]:
        try:
            return get_type_hints(self.function, include_extras=True)
        except NameError as error:
            raise self.error(f"a type is unknown ({error})") from None

    def _may_be_nobody(self, annotation: Any) -> bool:
        inner, optional = split_optional(annotation)
        if not (isinstance(inner, type) and issubclass(inner, User)):  # guessing would let everybody in, or nobody
            raise self.error("`me` is the caller; write `me: User` (signed in) or `me: User | None` (anybody)")
        return optional

    def asks(self, value: CallerValue) -> bool:
        """Its `access=` mentions this value of the caller."""
        return self.access is not None and parts_of([self.access]).mentions(value)

    def _access(self, access: Condition | None) -> Node | None:
        if access is None:
            if self.me is None:
                raise self.error("nobody is named who may call it; take `me: User`, or say `access=anyone`")
            return None
        node = normal(node_of(access))
        parts = parts_of([node])
        if parts.slots or not all(about_caller(leaf) for leaf in parts.leaves) or "RowPath" in repr(node):
            raise self.error(f"access= may only ask of the caller, and `{write(node)}` asks of a row")
        return node

    def _reply_adapter(self) -> TypeAdapter[Any] | None:
        """Checks what the code returns against its own annotation, where that names no rows."""
        if self.returns in (Any, None, type(None), inspect.Signature.empty) or _mentions(self.returns, (Resource, Reply)):
            return None
        try:
            return TypeAdapter(self.returns)
        except PydanticSchemaGenerationError:
            raise self.error(f"the return type {self.returns!r} can't be sent as JSON") from None

    def permit(self, actor: Actor) -> None:
        """Raises 401 or 403."""
        if self.requires_person and not actor.signed_in:
            raise refusal(actor)
        if self.access is not None:
            parts = parts_of([self.access])
            shape, _ = parts.shape(actor, "sqlite")
            if not getattr(fold(self.access, parts, shape), "value", False):
                raise refusal(actor)


def _named_by_type(signature: inspect.Signature, hints: Mapping[str, Any], wanted: type) -> str | None:
    return next((name for name in signature.parameters if hints.get(name) is wanted), None)


def _mentions(annotation: Any, wanted: tuple[type, ...]) -> bool:
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, wanted):
        return True
    return any(_mentions(part, wanted) for part in get_args(annotation))
