"""`backroom types`: the `Database` type for TypeScript."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.options import AppPath, Refused, settings_here


def types(
    app: AppPath = "app.py",
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="Write this file, and only if it changes, instead of printing.")] = None,
) -> None:
    """Print the `Database` type for `createClient<Database>()` of supabase-js."""
    from backroom.rest.typescript import database_types
    from backroom.server.loading import load_app

    loaded = load_app(app)
    backend = loaded.backend(settings_here(app))
    text = database_types(backend.catalog, [endpoint for endpoint, _ in loaded.endpoints])
    if out is None:
        sys.stdout.buffer.write(text.encode())  # the file's encoding, whatever the terminal's is: the output is often sent to one
        sys.stdout.flush()
        return
    _write(out, text)


def _write(out: Path, text: str) -> None:
    """Raises `Refused`."""
    try:
        if out.is_file() and out.read_bytes() == text.encode():
            print(f"{out} is up to date.")
            return
        out.write_bytes(text.encode())
    except OSError as error:
        raise Refused(f"{out} can't be written ({error.strerror}); choose another place: backroom types --out PATH") from None
    print(f"Wrote {out}.")
