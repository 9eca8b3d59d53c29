"""mypy and pyright, both strict, over files as a user writes them: silent where the code is right, loud on each line that is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
ROOT = Path(__file__).parents[2]


def wrong_lines() -> set[int]:
    """The lines of wrong.py that say of themselves that they are."""
    return {number for number, line in enumerate((SAMPLES / "wrong.py").read_text().splitlines(), 1) if "# wrong:" in line}


def run(*command: str) -> str:
    """What a checker prints. Its exit code only says whether it found something."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=SAMPLES, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@cache
def mypy() -> dict[str, dict[int, str]]:
    """File -> line -> what mypy says of it."""
    cache_folder = ROOT / ".mypy_cache" / "samples"
    said = run("mypy", "--strict", "--config-file=", f"--cache-dir={cache_folder}", "--no-error-summary", "app.py", "wrong.py")
    found: dict[str, dict[int, str]] = {"app.py": {}, "wrong.py": {}}
    for line in said.splitlines():
        told = re.fullmatch(r"([\w.]+):(\d+): error: (.*)", line)
        if told:
            found[told[1]][int(told[2])] = told[3]
    return found


@cache
def pyright() -> dict[str, dict[int, str]]:
    """File -> line -> what pyright says of it."""
    said = json.loads(run("basedpyright", "--outputjson", "--project", ".", "--pythonpath", sys.executable))
    found: dict[str, dict[int, str]] = {"app.py": {}, "wrong.py": {}}
    for one in said["generalDiagnostics"]:
        # An unused expression is not what is wrong with the line.
        if one["severity"] == "error" and not one.get("rule", "").startswith("reportUnused"):
            found[Path(one["file"]).name][one["range"]["start"]["line"] + 1] = one["message"]
    return found


def test_mypy_finds_nothing_wrong_in_the_documented_forms() -> None:
    assert mypy()["app.py"] == {}


def test_pyright_finds_nothing_wrong_in_the_documented_forms() -> None:
    assert pyright()["app.py"] == {}


def test_mypy_refuses_exactly_the_wrong_lines() -> None:
    assert set(mypy()["wrong.py"]) == wrong_lines()


def test_pyright_refuses_exactly_the_wrong_lines() -> None:
    assert set(pyright()["wrong.py"]) == wrong_lines()
