"""What is published is a wheel: it has to work where there is nothing of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from tests.flows.servers import Server, free_port, running
from tests.house.sources import PACKAGE, ROOT

#: Nothing of the environment that runs the tests may reach the one that is tested.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def call(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=CLEAN, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("backroom-*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    files = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == files
    assert "backroom/py.typed" in packed


def test_a_wheel_in_an_empty_environment_makes_a_new_app_and_serves_it(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "an empty place"  # a space in the path, as in many a home folder
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / "bin" / "python"
    call(python, "-m", "pip", "install", "--quiet", wheel, cwd=home)
    call(home / "venv" / "bin" / "backroom", "new", "demo", cwd=home)
    port = free_port()
    url = f"http://localhost:{port}"
    command = [str(home / "venv" / "bin" / "backroom"), "dev", "--port", str(port)]
    server = Server(command, url, log=home / "server.log", cwd=home / "demo", env={"PYTHONPATH": ""}, ready="/health")
    with running(server):
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"<html" in page.read().lower()
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(f"{url}/api/todos", timeout=10)
        refused.value.close()
