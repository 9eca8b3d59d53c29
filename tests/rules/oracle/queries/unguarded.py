"""`python -m tests.rules.oracle.queries.unguarded`: takes away one guard after the other, and says how soon the oracle notices.

Each runs in a process of its own, in which the source of one module is read with the guard's lines replaced.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import importlib.util
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.rules.oracle.queries.guards import GUARDS, Guard


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads the source without the guard, and leaves no compiled file behind."""

    guard: Guard

    def get_code(self, fullname: str) -> Any:
        source = self.get_source(fullname) or ""
        if source.count(self.guard.old) != 1:
            raise SystemExit(f"{fullname} has changed: the guard {self.guard.name!r} stands in it {source.count(self.guard.old)} times")
        return compile(source.replace(self.guard.old, self.guard.new), self.path, "exec", dont_inherit=True)


class _Finder:
    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if name != self.guard.module:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert found is not None
        assert found.origin is not None
        loader = _Loader(name, found.origin)
        loader.guard = self.guard
        return importlib.util.spec_from_file_location(name, found.origin, loader=loader)


def without(guard: Guard | None, database: str, most: int) -> int:
    """Plays until the oracle notices; 1 if it doesn't. With all guards in place it must not."""
    if guard is not None:
        sys.meta_path.insert(0, _Finder(guard))
    logging.disable(logging.ERROR)
    from tests.databases import database_url
    from tests.rules.oracle.play import Mismatch
    from tests.rules.oracle.queries.play import play

    for index in range(most):
        try:
            with tempfile.TemporaryDirectory() as folder, database_url(database, Path(folder)) as url:
                play(f"guards:{index}", url, 100)
        except Mismatch as mismatch:
            print(f"noticed in app {index + 1}: {' '.join(str(mismatch).splitlines()[1:2])}")
            return 0 if guard is not None else 1
    print(f"not noticed in {most} apps")
    return 1 if guard is not None else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rules.oracle.queries.unguarded")
    parser.add_argument("--only", help="a part of a guard's name")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--most", type=int, default=40, help="apps of 100 questions")
    parser.add_argument("--here", action="store_true", help="take the one guard away in this process")
    chosen = parser.parse_args()
    guards = [guard for guard in GUARDS if chosen.only is None or chosen.only in guard.name]
    if chosen.here:
        return without(guards[0] if chosen.only else None, chosen.database, chosen.most)
    missed = 0
    for guard in (None, *guards):
        begun = time.monotonic()
        name = [] if guard is None else ["--only", guard.name]
        command = [sys.executable, "-m", "tests.rules.oracle.queries.unguarded", "--here", *name]
        done = subprocess.run([*command, "--database", chosen.database, "--most", str(chosen.most)], capture_output=True, text=True, check=False)
        missed += done.returncode != 0
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()
        print(
            f"{'nothing taken away' if guard is None else guard.name}: {said[-1] if said else 'nothing'} ({time.monotonic() - begun:.0f} s)",
            flush=True,
        )
    print(f"{len(guards)} guards, {missed} not noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
