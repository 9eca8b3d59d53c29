"""What the pipeline asks of every address of the data API, in the order of a request's walk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from backroom.calls import Actor
from backroom.http.response import Response
from backroom.resources.access import Action
from backroom.rest.endpoint import Call, Endpoint
from backroom.rules.authorize import Grant, authorize


class Steps(ABC):
    """What answers at one address of the data API."""

    @abstractmethod
    def authorize(self, actor: Actor) -> Any:
        """rules: the caller's rights, or 401/403 before any row is read."""

    async def authorize_parts(self, call: Call) -> None:  # noqa: B027 - most requests have no parts
        """rules: 401/403 for what stands in the body and is asked of the caller alone. `validate` does it too."""

    @abstractmethod
    async def validate(self, call: Call) -> None:
        """validation: key, query and body read into types, or 400 with every fault."""

    @abstractmethod
    def statement(self, call: Call) -> None:
        """sql: the compiled statement for this shape of caller."""

    @abstractmethod
    async def run(self, call: Call) -> None:
        """database: rows."""

    @abstractmethod
    def respond(self, call: Call) -> Response:
        """http: bytes."""


class ResourceSteps(Steps):
    """One action of one resource. `action` is the rule that it asks."""

    action: Action

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    @abstractmethod
    def authorize(self, actor: Actor) -> Grant: ...


class Written(ResourceSteps):
    """What the writing actions share: who may, and that nothing else is asked of them."""

    action: Action

    def authorize(self, actor: Actor) -> Grant:
        grant = self._endpoint.grant(actor)
        authorize(self.action, grant, actor)
        return grant

    def statement(self, call: Call) -> None:
        call.plan = self._endpoint.representation(call.grant.rights)
