"""What several commands share: arguments said once, refusals, and an app opened for one question."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from backroom.backend import Backend
    from backroom.settings import Settings

AppPath: TypeAlias = Annotated[str, typer.Argument(metavar="APP", help="The app's file (app.py) or module:name.")]
AppOption: TypeAlias = Annotated[str, typer.Option("--app", metavar="APP", help="The app's file (app.py) or module:name.")]
Host: TypeAlias = Annotated[str, typer.Option(help="Where to listen: localhost is 127.0.0.1 and ::1; 0.0.0.0 is every address.")]
Port: TypeAlias = Annotated[int, typer.Option(help="The port to listen on.")]
Email: TypeAlias = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]


class Refused(Exception):
    """A command can't do what it was asked. The message is one sentence and the next command to type."""


def request_of(words: list[str], usage: str) -> tuple[str, str, str]:
    """`[APP] METHOD PATH` -> app, method, path. Raises `typer.BadParameter`."""
    app, *rest = words if len(words) == 3 else ["app.py", *words]
    if len(rest) != 2 or not rest[1].startswith("/"):
        raise typer.BadParameter(f"write {usage}")
    return app, rest[0].upper(), rest[1]


def settings_here(target: str) -> Settings:
    """The environment's settings. Where no SECRET_KEY is set nothing is in production, and `.env` beside the app is read as `dev` reads it."""
    from backroom.server.loading import folder_of
    from backroom.settings import load

    return load(development="SECRET_KEY" not in os.environ, env_file=str(folder_of(target) / ".env"))


@asynccontextmanager
async def opened(target: str) -> AsyncGenerator[Backend]:
    """The app on its own database, as the server would open it. Raises `DeclarationError`, `SettingsError`."""
    from backroom.server.loading import load_app

    backend = load_app(target).backend(settings_here(target))
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()
