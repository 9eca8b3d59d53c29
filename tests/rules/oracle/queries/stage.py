"""A scene, running: the app behind its own door, its people signed in, its rows in the tables."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID

import httpx2

from backroom import App, DeclarationError
from tests.rules.oracle.build import build
from tests.rules.oracle.draw import Caller
from tests.rules.oracle.queries.driver import Driver
from tests.rules.oracle.queries.kinds import is_list, is_object
from tests.rules.oracle.queries.policies import prepare
from tests.rules.oracle.queries.questions import Question
from tests.rules.oracle.queries.scene import Rows, Scene, scene
from tests.rules.oracle.queries.sight import Sight
from tests.rules.oracle.queries.spell import address, headers
from tests.rules.world import Person, World, running

#: What moves with every write.
SERVER_SET = ("created_at", "updated_at", "_version")
#: Some have said what they are called.
_NICKS = {"ann": "Ann", "bob": "b"}


def drawn(seed: str) -> tuple[Scene, App]:
    """The first scene of this seed that is an app: a rule that can never be true stops the start."""
    attempt = 0
    while True:
        found = scene(Random(f"{seed}/{attempt}"))
        try:
            return found, build(found.tables)[0]
        except DeclarationError as error:
            if "can never be true" not in str(error):
                raise
        attempt += 1


class Stage:
    """`rows` is what the tables must hold now, people included."""

    def __init__(self, scene: Scene, world: World, driver: Driver, people: dict[str | None, Person], rows: Rows) -> None:
        self.scene, self.world, self.driver, self.people, self.rows = scene, world, driver, people, rows
        self._sights: dict[str | None, Sight] = {}
        self._kinds = {name: driver.kinds(name) for name in scene.tables}

    def sight(self, caller: Caller) -> Sight:
        found = self._sights.get(caller.name)
        if found is None:
            found = self._sights[caller.name] = Sight(self.scene.tables, self.rows, caller)
        elif found.all is not self.rows:
            found = self._sights[caller.name] = found.at(self.rows)
        return found

    def address(self, question: Question) -> str:
        return address(question, self._kinds)

    async def ask(self, caller: Caller, question: Question) -> httpx2.Response:
        given: dict[str, Any] = {} if question.body is None else {"json": question.body}
        client = self.people[caller.name].client
        return await client.request(question.method, self.address(question), headers=headers(question), **given)

    async def get(self, caller: Caller, path: str, sent: dict[str, str]) -> httpx2.Response:
        """An address as the app gave it."""
        return await self.people[caller.name].client.get(path, headers=sent)

    async def put(self, rows: Rows) -> None:
        """Other rows, by the bare driver."""
        await self.driver.put({name: found for name, found in rows.items() if name != "users"})
        self.rows = rows


@asynccontextmanager
async def staged(scene: Scene, app: App, url: str) -> AsyncGenerator[Stage]:
    async with running(app, url, CONFIRM_EMAIL=True) as world:
        people: dict[str | None, Person] = {None: world.nobody}
        for caller in scene.people:
            assert caller.name is not None and caller.id is not None
            people[caller.name] = await world.person(
                caller.name, roles=caller.roles, claims=caller.claims, verified=True, key=UUID(caller.id), nick=_NICKS.get(caller.name)
            )
        driver = Driver(url, scene.tables)
        await driver.open()
        try:
            if not driver.sqlite:
                await prepare(driver)
            await driver.put(scene.rows)
            yield Stage(scene, world, driver, people, await driver.dump())
        finally:
            await driver.close()


def plain(body: Any) -> Any:
    """A reply's JSON without what moves with every write."""
    if is_list(body):
        return [plain(each) for each in body]
    if is_object(body):
        return {name: plain(value) for name, value in body.items() if name not in SERVER_SET}
    return body
