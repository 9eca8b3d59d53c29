"""What the package imports is what it says it needs: a wheel in an empty environment must start."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions

from tests.house.sources import ROOT, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: Iterable[str]) -> set[str]:
    """`pwdlib[argon2]>=0.3.1,<0.4` -> `pwdlib`."""
    return {re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def imported() -> dict[str, str]:
    """The first word of each foreign module that the package imports when it runs, and a file that does."""
    found: dict[str, str] = {}
    for source in sources():
        for node in running(source.tree):
            modules = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            for module in modules:
                found.setdefault(module.partition(".")[0], source.name)
    return {name: where for name, where in found.items() if name not in sys.stdlib_module_names and name != "backroom"}


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those below `if TYPE_CHECKING:`, which no running program sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from running(child)


def test_every_library_that_the_package_imports_is_a_declared_dependency() -> None:
    declared = {"pydantic-core"} | names(PROJECT["dependencies"])  # pydantic pins its core itself
    declared = declared.union(*(names(extra) for extra in PROJECT.get("optional-dependencies", {}).values()))
    providers = packages_distributions()
    missing = {
        name: where
        for name, where in imported().items()
        if not declared & {provider.lower().replace("_", "-") for provider in providers.get(name, [name])}
    }
    assert missing == {}
