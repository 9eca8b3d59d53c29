"""SQLite files for tests: opened as the server does it, or from outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw

from backroom.calls import Ask, Unit
from backroom.database.sqlite import Sqlite


@asynccontextmanager
async def opened(path: Path, *, seconds: float = 5.0) -> AsyncGenerator[Sqlite]:
    database = Sqlite(str(path), seconds=seconds)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def asks(*statements: str) -> Callable[[], Unit[None]]:
    def unit() -> Unit[None]:
        for statement in statements:
            yield Ask(statement)

    return unit


def outsider(path: Path) -> Any:
    """Another program at the same file, which knows nothing of our turns."""
    return apsw.Connection(str(path))


async def make(path: Path, *statements: str) -> None:
    async with opened(path) as database:
        await database.write(asks(*statements))
