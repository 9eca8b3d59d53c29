"""`backroom user`: the people of an app, from the command line. With full rights; running servers notice within a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from backroom.cli.options import AppOption, Email, Refused, opened

if TYPE_CHECKING:
    from backroom.backend import Backend

T = TypeVar("T")
user = typer.Typer(help="List, add, promote and ban people.", no_args_is_help=True)


def _run(app: str, act: Callable[[Backend], Awaitable[T]]) -> T:
    from backroom.errors import NotFound

    async def run() -> T:
        async with opened(app) as backend:
            try:
                return await act(backend)
            except NotFound as error:
                raise Refused(f"{error} Everybody is listed by: backroom user list") from None

    return asyncio.run(run())


@user.command("list")
def list_(app: AppOption = "app.py") -> None:
    """Everybody, oldest first."""
    from rich.console import Console
    from rich.table import Table

    from backroom.auth.administration import list_users

    people = _run(app, lambda backend: list_users(backend.store))
    if not people:
        print("Nobody has an account yet; make one: backroom user add EMAIL")
        return
    table = Table("email", "roles", "id")
    for each in people:
        table.add_row(each.email, ", ".join(each.roles), str(each.user_id))
    Console().print(table)


@user.command("add")
def add(
    email: Email,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when left out.")],
    own: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field of the app's own users; repeat for more.")] = None,
    app: AppOption = "app.py",
) -> None:
    """Make an account; the address counts as confirmed."""
    from backroom.auth.administration import add_user

    fields: dict[str, Any] = {}
    for pair in own or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"write --set NAME=VALUE, not {pair!r}")
        fields[name] = value
    made = _run(app, lambda backend: add_user(backend.store, backend.settings, email, password, **fields))
    print(f"Added {made.email}.")


@user.command("role")
def role(
    email: Email,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A word, like admin.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the role away.")] = False,
    app: AppOption = "app.py",
) -> None:
    """Give somebody a role, or take it away."""
    from backroom.auth.administration import set_role

    roles = _run(app, lambda backend: set_role(backend.store, email, role, remove=remove))
    print(f"{email} has {'the roles ' + ', '.join(roles) if roles else 'no roles'}.")


@user.command("ban")
def ban(
    email: Email,
    days: Annotated[float | None, typer.Option(help="For so many days; left out, for good.", min=0)] = None,
    app: AppOption = "app.py",
) -> None:
    """End somebody's sessions and let them open no other."""
    from datetime import UTC, datetime, timedelta

    from backroom.auth.administration import ban as ban_user

    try:
        until = datetime.now(UTC) + timedelta(days=days) if days is not None else None
    except OverflowError:
        raise Refused("That is further than dates go; leave out --days to ban for good") from None
    _run(app, lambda backend: ban_user(backend.store, backend.settings, email, until))
    print(f"Banned {email}{f' until {until:%Y-%m-%d %H:%M} UTC' if until else ''}. To undo: backroom user unban {email}")


@user.command("unban")
def unban(email: Email, app: AppOption = "app.py") -> None:
    """Let somebody sign in again."""
    from backroom.auth.administration import unban as unban_user

    _run(app, lambda backend: unban_user(backend.store, email))
    print(f"{email} may sign in again.")
