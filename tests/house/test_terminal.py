"""The lines for a terminal: what README.md types into curl is answered as it says, and every `make` command is explained."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backroom.testing import client
from tests.house.sources import ROOT
from tests.house.test_examples import blocks, load


@dataclass
class Curl:
    """One line of curl, as far as the documentation uses it."""

    method: str = "GET"
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: str | None = None
    signed_in: bool = False
    keeps_cookies: bool = False
    expected: str = "2"


def read(line: str, variables: dict[str, str]) -> Curl:
    """Raises `ValueError` for an option that is not known here: the test would silently do less than the line."""
    command, _, comment = line.partition(" #")
    words = iter(shlex.split(re.sub(r"\$(\w+)", lambda found: variables[found[1]], command))[1:])
    curl = Curl(expected=comment.strip().partition(":")[0] or "2")
    for word in words:
        match word:
            case "-H":
                name, _, value = next(words).partition(": ")
                curl.headers[name] = value
            case "--json":
                curl.body = next(words)
                curl.headers |= {"Content-Type": "application/json"}
                curl.method = "POST" if curl.method == "GET" else curl.method
            case "-X":
                curl.method = next(words)
            case "-b" | "-c":
                next(words)
                curl.signed_in, curl.keeps_cookies = word == "-b", word == "-c"
            case _ if word.startswith("http://localhost:8000"):
                curl.url = word
            case _:
                raise ValueError(f"{word!r} in {line!r}")
    return curl


def lines() -> list[Curl]:
    (code,) = [block.code for block in blocks(ROOT / "README.md") if block.language == "sh" and "curl" in block.code]
    variables = dict(re.findall(r"^(\w+)='(.*)'$", code, re.MULTILINE))
    return [read(line, variables) for line in code.splitlines() if line.startswith("curl")]


async def test_what_the_readme_types_into_curl_is_answered_as_it_says(tmp_path: Path) -> None:
    shown = next(block.code for block in blocks(ROOT / "README.md") if block.form == "# app.py")
    async with client(load(tmp_path, "app_of_the_readme", shown).app) as c:
        for line in lines():
            # The client keeps cookies as a browser does; a cookie of its own keeps it from sending them.
            stranger = {} if line.keeps_cookies or line.signed_in else {"Cookie": "nobody=here"}
            reply = await c.request(line.method, line.url, headers={**line.headers, **stranger}, content=line.body)
            assert str(reply.status_code).startswith(line.expected), (line, reply.text)


def test_make_help_explains_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"tests"}
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in told.splitlines()} == commands
    assert commands >= {"dev", "test", "check", "bench", "help"}


def test_ci_runs_the_same_command_as_everybody() -> None:
    assert "make check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [ROOT / "examples" / "todo"], ids=["examples/todo"])
def test_the_tests_that_come_with_an_example_pass_in_its_own_folder(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "-c", "/dev/null", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
