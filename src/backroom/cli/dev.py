"""`backroom dev`: serve while writing."""

from __future__ import annotations

import typer

from backroom.cli.options import AppPath, Host, Port
from backroom.server import serve as serve_app


def dev(app: AppPath = "app.py", host: Host = "localhost", port: Port = 8000) -> None:
    """Serve while you write: reloads on save, keeps the tables in step, reads .env."""
    raise typer.Exit(serve_app(app, host=host, port=port, development=True, reload=True))
