"""The tables of docs/ that the code knows better: settings, errors, hooks, commands. `make docs` writes them, a test compares.

A page marks the place: `<!-- table: settings -->` above, `<!-- end -->` below.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import SecretStr

from backroom.errors import ERRORS
from backroom.resources.hooks import MOMENTS, POSITIONAL
from backroom.settings import DEVELOPMENT_SECRET, Settings
from tests.flows.seen import everything_seen
from tests.house.sources import DOCS

PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings() -> str:
    """Name, default, sentence."""
    rows = [(f"`{name}`", _default(field.default), field.description or "") for name, field in Settings.model_fields.items()]
    return _table(("setting", "default", "what it does"), rows)


def _default(value: Any) -> str:
    match value:
        case SecretStr():
            plain = value.get_secret_value()
            return "one for development only" if plain == DEVELOPMENT_SECRET else f"`{plain}`"
        case bool():
            return "on" if value else "off"
        case ():
            return "none"
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


def errors() -> str:
    """Code, status, sentence, in the order of the rooms."""
    return _table(("code", "status", "what it says"), [(f"`{code}`", str(kind.status), kind.sentence) for code, kind in ERRORS.items()])


def hooks() -> str:
    """The six moments and what a function registered for them is called with."""
    return _table(("hook", "called with"), [(f"`@app.{moment}(Todo)`", f"`({', '.join(POSITIONAL[moment])}, *, me, db)`") for moment in MOMENTS])


def commands() -> str:
    """Every command of `backroom`, with the first line of its help."""
    return _table(("command", "what it does"), [(f"`backroom {name}`", sentence) for name, sentence in sorted(command_lines().items())])


def command_lines() -> dict[str, str]:
    """`user role` -> its first line of help."""
    from typer.main import get_command

    cli: Any = importlib.import_module("backroom.cli.main").app
    found: dict[str, str] = {}
    _walk(get_command(cli), "", found)
    return found


def _walk(command: Any, name: str, found: dict[str, str]) -> None:
    for word, inner in getattr(command, "commands", {}).items():
        _walk(inner, f"{name} {word}".strip(), found)
    if name and not getattr(command, "commands", {}):
        found[name] = (command.help or "").strip().split("\n")[0]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def clients_work() -> str:
    """Method of supabase-js, and the uses that were seen to work."""
    return _works("supabase-js")


def python_works() -> str:
    """The same of PyPI's postgrest."""
    return _works("postgrest")


def clients_refused() -> str:
    """Method, use, status and code, and the sentence that came."""
    refused = [each for each in everything_seen("supabase-js") if each.code is not None]
    rows = [(f"`{each.method}`", each.use, f"{each.status} `{each.code}`", each.message or "") for each in refused]
    return _table(("method", "asked for", "refused with", "in the words"), rows)


def _works(client: str) -> str:
    found: dict[str, list[str]] = {}
    for each in everything_seen(client):
        if each.code is None:
            found.setdefault(each.method, []).extend([each.use] if each.use else [])
    return _table(("method", "seen to work"), [(f"`{method}`", "; ".join(uses) or "yes") for method, uses in found.items()])


#: The page of a table, where it has not the same name.
PAGE_OF: dict[str, str] = dict.fromkeys(("clients_work", "clients_refused", "python_works"), "supabase-js")
TABLES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "errors": errors,
    "hooks": hooks,
    "clients_work": clients_work,
    "clients_refused": clients_refused,
    "python_works": python_works,
}
if importlib.util.find_spec("backroom.cli") and importlib.util.find_spec("backroom.cli.main"):
    TABLES["commands"] = commands


def filled(page: str) -> str:
    """The page's text with every marked table as the code has it now."""
    return PLACE.sub(lambda found: found[1] + (TABLES[found[2]]() if found[2] in TABLES else "") + found[3], page)


def main() -> None:
    for path in sorted(DOCS.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"docs: {path.name}")


if __name__ == "__main__":
    main()
