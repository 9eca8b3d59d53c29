"""`backroom serve`: serve in production."""

from __future__ import annotations

from typing import Annotated

import typer

from backroom.cli.options import AppPath, Host, Port
from backroom.server import become_supervisor


def serve(
    app: AppPath = "app.py",
    host: Host = "localhost",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(help="Processes that share the port.")] = 1,
    jobs: Annotated[int, typer.Option(help="Processes that run jobs beside it; this version has none.")] = 0,
) -> None:
    """Serve in production: refuses unsafe settings, makes the tables of an empty database."""
    if jobs:
        raise typer.BadParameter("this version has no jobs yet; write --jobs 0, or leave it out.", param_hint="--jobs")
    raise typer.Exit(become_supervisor(app, host=host, port=port, workers=workers))
