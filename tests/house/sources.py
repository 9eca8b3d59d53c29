"""The project's own files, read once, for the tests of the house."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "backroom"
DOCS = ROOT / "docs"
TESTS = ROOT / "tests"


@dataclass(frozen=True)
class Source:
    """One Python file of the package, or of the tests."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Relative to the project: `src/backroom/http/router.py`."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def module(self) -> str:
        """`backroom.http.router`; a package's `__init__.py` goes by the package's name."""
        parts = self.path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if self.is_package else parts)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path.name)


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the package but the templates, which are other people's projects."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")) if "templates" not in path.relative_to(PACKAGE).parts)


@cache
def written_tests() -> tuple[Source, ...]:
    """Every Python file of the tests."""
    return tuple(_read(path) for path in sorted(TESTS.rglob("*.py")))


def _read(path: Path) -> Source:
    return Source(path, path.read_text(encoding="utf-8"))


def rooms() -> list[str]:
    """The folders of the package that hold code: `auth`, `database`, `http`, ..."""
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
