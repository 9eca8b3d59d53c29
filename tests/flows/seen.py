"""What other people's clients saw of a served app: kept in seen.json, compared with by every run, printed into docs/supabase-js.md.

A run with RECORD=1 writes the file anew; `make docs` then writes the page.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "seen.json"
#: The clients, and the parts of their suites in the order of the page.
SUITES = {"supabase-js": ("select", "filters", "modifiers", "writing", "functions"), "postgrest": ("checks",)}


class Seen(NamedTuple):
    """One use of a method. `database`: seen on that one alone; `code`: refused so, else it works."""

    method: str
    use: str
    database: str | None = None
    status: int | None = None
    code: str | None = None
    message: str | None = None

    def written(self) -> dict[str, Any]:
        return {name: value for name, value in self._asdict().items() if value is not None}


def everything_seen(client: str) -> list[Seen]:
    """All that this client saw, in the order of its suite."""
    kept = _kept()
    return [each for part in SUITES[client] for each in kept.get(f"{client}/{part}", [])]


def compare(client: str, part: str, seen: Iterable[Seen], database: str) -> None:
    """What a run saw is what is kept, neither more nor less."""
    found, kept = list(seen), _kept()
    name = f"{client}/{part}"
    before = kept.get(name, [])
    if os.environ.get("RECORD"):
        kept[name] = [*found, *(each for each in before if each.database not in (None, database))]
        _keep(kept)
    else:
        wanted = [each for each in before if each.database in (None, database)]
        assert sorted(map(repr, found)) == sorted(map(repr, wanted)), (
            f"tests/flows/seen.json says otherwise of {name}; if this is right, run it with RECORD=1, then make docs"
        )


def _kept() -> dict[str, list[Seen]]:
    if not FILE.exists():
        return {}
    return {name: [Seen(**each) for each in entries] for name, entries in json.loads(FILE.read_text(encoding="utf-8")).items()}


def _keep(kept: Mapping[str, Sequence[Seen]]) -> None:
    lines = {name: ",\n  ".join(json.dumps(each.written(), ensure_ascii=False) for each in kept[name]) for name in sorted(kept)}
    text = ",\n".join(f" {json.dumps(name)}: [\n  {entries}\n ]" for name, entries in lines.items())
    FILE.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
