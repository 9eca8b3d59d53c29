"""One private Postgres for the run, the same that the tests start: nothing turned off."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import asyncpg

from tests.postgres import Server

connect: Any = asyncpg.connect  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class Postgres:
    """Hands out databases; `version` is the server's."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.version: str = asyncio.run(self._run("select current_setting('server_version')"))

    def create(self, name: str, *, template: str | None = None) -> str:
        """A fresh database, empty or a copy of `template`; returns its URL."""
        copied = f' template "{template}"' if template else ""
        asyncio.run(self._run(f'drop database if exists "{name}" with (force)'))
        asyncio.run(self._run(f'create database "{name}"{copied}'))
        return self._server.url.rpartition("/")[0] + "/" + name

    async def _run(self, statement: str) -> Any:
        connection = await connect(self._server.url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@contextmanager
def private_postgres() -> Generator[Postgres]:
    """Start it in a temporary folder, on loopback; stop it and delete the folder at the end."""
    server = Server()
    try:
        yield Postgres(server)
    finally:
        server.stop()
