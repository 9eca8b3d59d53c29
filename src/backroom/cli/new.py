"""`backroom new`: a folder with a working app in it."""

from __future__ import annotations

import shlex
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from backroom.cli.options import Refused


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it; made if missing.")],
    vite: Annotated[bool, typer.Option("--vite", help="The page as a Vite project whose development server asks this backend.")] = False,
) -> None:
    """Make a new app: a todo list with sign-in, a page and tests."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is not an empty folder; choose another: backroom new {folder.name}-2")
    with as_file(files("backroom") / "templates") as templates:
        _copy(templates / "todo", folder, leave_out={"public"} if vite else set())
        if vite:
            _copy(templates / "vite", folder, leave_out=set())
    place = shlex.quote(str(folder))
    print(f"Made {folder}. Next:\n")
    print(f"  cd {place}\n  backroom dev" + ("\n\nand in a second terminal:\n\n" + f"  cd {place}\n  npm install\n  npm run dev" if vite else ""))


def _copy(origin: Path, folder: Path, *, leave_out: set[str]) -> None:
    def skipped(place: str, names: list[str]) -> set[str]:
        return {name for name in names if name == "__pycache__" or (name in leave_out and Path(place) == origin)}

    try:
        shutil.copytree(origin, folder, ignore=skipped, dirs_exist_ok=True)
    except OSError as error:
        raise Refused(f"{folder} can't be written ({error.strerror or error}); choose another folder") from None
