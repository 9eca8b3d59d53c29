"""`backroom serve` and `backroom dev` as real processes: what they bear, and how they end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.flows.servers import SECRET_KEY
from tests.serving import Served, free_port

APP = """
import asyncio
import os
from pathlib import Path

from backroom import App, anyone

app = App()
FOLDER = Path(__file__).parent

@app.get("/process", access=anyone)
async def process() -> int:
    return os.getpid()

@app.get("/slow", access=anyone)
async def slow() -> str:
    (FOLDER / "begun").touch()
    while not (FOLDER / "go").exists():
        await asyncio.sleep(0.01)
    return "done"
"""
STARTING = """
import time
from pathlib import Path

FOLDER = Path(__file__).parent
(FOLDER / "loading").touch()
while not (FOLDER / "go").exists():
    time.sleep(0.01)
"""
BROKEN = "from backroom import App\n\napp = App(\n"


@contextmanager
def command(folder: Path, *words: str, text: str = APP, **env: str) -> Generator[Served]:
    """`backroom serve|dev` of an app in `folder`, in a session of its own."""
    (folder / "app.py").write_text(text)
    port = free_port()
    given = {**os.environ, "SECRET_KEY": SECRET_KEY, "PUBLIC_URL": f"http://localhost:{port}", **env}
    process = subprocess.Popen(
        [sys.executable, "-m", "backroom", words[0], "app.py", "--port", str(port), *words[1:]],
        cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    server = Served(process, port)
    try:
        yield server
    finally:
        server.stop()


def process_of(server: Served) -> int:
    return int(httpx2.get(f"{server.url}/api/process", timeout=20).json())


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z" if Path("/proc").exists() else True


def test_both_loopback_addresses_are_answered(tmp_path: Path) -> None:
    with command(tmp_path, "serve") as server:
        server.wait_for("Serving on")
        assert f"http://localhost:{server.port}" in server.log
        for host in ("127.0.0.1", "[::1]"):
            assert httpx2.get(f"http://{host}:{server.port}/health", timeout=20).status_code == 200


def test_a_process_that_is_killed_is_replaced_and_no_request_is_refused(tmp_path: Path) -> None:
    with command(tmp_path, "serve") as server:
        server.wait_for("Serving on")
        before = process_of(server)
        os.kill(before, signal.SIGKILL)
        assert process_of(server) != before
        server.wait_for("killed by SIGKILL")


def test_two_processes_share_one_port(tmp_path: Path) -> None:
    with command(tmp_path, "serve", "--workers", "2") as server:
        server.wait_for("with 2 processes")
        first = process_of(server)
        for _ in range(2000):
            if process_of(server) != first:
                return
        raise AssertionError("one process answered everything")


def test_a_request_that_has_begun_is_finished_when_the_server_is_told_to_end(tmp_path: Path) -> None:
    with command(tmp_path, "serve") as server:
        server.wait_for("Serving on")
        replies: list[int] = []
        asking = threading.Thread(target=lambda: replies.append(httpx2.get(f"{server.url}/api/slow", timeout=20).status_code))
        asking.start()
        until((tmp_path / "begun").exists)
        server.process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        asking.join(20)
        assert replies == [200]
        assert server.process.wait(20) == 0


def test_no_process_stays_behind_when_the_watching_one_is_killed(tmp_path: Path) -> None:
    with command(tmp_path, "serve") as server:
        server.wait_for("Serving on")
        serving = process_of(server)
        server.process.kill()
        until(lambda: not is_alive(serving))


@pytest.mark.parametrize(
    ("text", "env", "told"),
    [
        (BROKEN, {}, "app.py:3: this is not Python"),
        (APP, {"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        (APP, {"PUBLIC_URL": "http://example.com"}, "PUBLIC_URL is http"),
        (APP, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "error: "),
    ],
)
def test_an_app_that_can_not_start_is_told_once_and_ends_with_1(tmp_path: Path, text: str, env: dict[str, str], told: str) -> None:
    with command(tmp_path, "serve", "--workers", "2", text=text, **env) as server:
        assert server.process.wait(30) == 1
        server.stop()
        assert server.log.count(told) == 1
        assert "Traceback" not in server.log or "DATABASE_URL" in env


def test_a_taken_port_is_told_with_the_next_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "backroom", "serve", "--port", str(port)]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr == f"error: Port {port} is taken by another program; choose another: --port {port + 1}\n"


def test_a_saved_file_reloads_a_broken_one_waits_for_the_next_save(tmp_path: Path) -> None:
    with command(tmp_path, "dev") as server:
        server.wait_for("Serving on")
        before = process_of(server)
        (tmp_path / "app.py").write_text(BROKEN)
        server.wait_for("Waiting for the next save")
        assert "app.py:3: this is not Python" in server.log
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{server.url}/health", timeout=20)
        (tmp_path / "app.py").write_text(APP.replace('"/process"', '"/renamed"'))
        until(lambda: status(f"{server.url}/api/renamed") == 200)
        assert not is_alive(before)


def test_what_is_saved_while_the_app_still_loads_is_served(tmp_path: Path) -> None:
    with command(tmp_path, "dev", text=STARTING + APP) as server:
        until((tmp_path / "loading").exists)
        (tmp_path / "app.py").write_text(APP.replace('"/process"', '"/renamed"'))
        (tmp_path / "go").touch()
        until(lambda: status(f"{server.url}/api/renamed") == 200)


def test_in_development_a_process_that_dies_is_told_and_comes_back_with_the_next_save(tmp_path: Path) -> None:
    with command(tmp_path, "dev") as server:
        server.wait_for("Serving on")
        os.kill(process_of(server), signal.SIGKILL)
        server.wait_for("ended unexpectedly (killed by SIGKILL)")
        (tmp_path / "app.py").write_text(APP + "\n")
        until(lambda: status(f"{server.url}/health") == 200)


def test_development_reads_the_env_file_and_production_does_not(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:elsewhere.db\n")
    with command(tmp_path, "dev") as server:
        server.wait_for("Serving on")
    assert (tmp_path / "elsewhere.db").exists()
    (tmp_path / "elsewhere.db").unlink()
    with command(tmp_path, "serve") as server:
        server.wait_for("Serving on")
    assert not (tmp_path / "elsewhere.db").exists()


def status(url: str) -> int:
    try:
        return httpx2.get(url, timeout=20).status_code
    except httpx2.TransportError:
        return 0


def until(holds: Callable[[], bool]) -> None:
    """Ask until it holds; `AssertionError` after 20 seconds."""
    asked, ended = threading.Event(), 2000
    for _ in range(ended):
        if holds():
            return
        asked.wait(0.01)
    raise AssertionError("it never held")
