"""`backroom`: all commands, one file each. Every error is one sentence; exit codes: 0 done, 1 refused or failed, 2 wrong arguments."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from backroom.cli import access, dev, explain, new, openapi, serve, types, user, where
from backroom.cli.options import Refused
from backroom.errors import DeclarationError, Problem, SettingsError

app = typer.Typer(
    name="backroom",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("new")(new.new)
app.command("dev")(dev.dev)
app.command("serve")(serve.serve)
app.command("openapi")(openapi.openapi)
app.command("types")(types.types)
app.command("access")(access.access)
app.command("explain")(explain.explain)
app.command("where")(where.where)
app.add_typer(user.user, name="user")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("backroom"))
        raise typer.Exit


@app.callback()
def backroom(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """The server side of your app in one Python file."""


def main() -> None:
    """The entry point of the console script."""
    try:
        app(prog_name="backroom")
    except Problem as problem:
        _fail(" ".join([problem.sentence, *(fault.message for fault in problem.errors if fault.message not in problem.sentence)]))
    except (DeclarationError, SettingsError, Refused) as error:
        _fail(str(error))
    except BrokenPipeError:  # `backroom openapi | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(1)
