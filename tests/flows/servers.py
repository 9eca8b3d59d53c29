"""Real server processes on loopback ports: started, waited for, killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[2]
SECRET_KEY = "tests-only-3f9c2b7e51d84a06-not-a-secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One process and all its children, answering at `url`."""

    def __init__(self, command: Sequence[str], url: str, *, log: Path, cwd: Path, env: Mapping[str, str], ready: str = "/") -> None:
        self.command, self.url, self.log, self.cwd, self.env, self.ready = command, url, log, cwd, {**os.environ, **env}, ready
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> None:
        """Return when it answers. Raises `AssertionError` with its log when it ends or stays silent."""
        with self.log.open("ab") as log:
            # A session of its own: a kill must reach the workers too, as the end of a machine would.
            self.process = subprocess.Popen(self.command, cwd=self.cwd, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx2.get(self.url + self.ready, timeout=10).status_code < 500:
                    return
            except httpx2.TransportError:
                pass  # not listening yet
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"{' '.join(self.command)} did not serve {self.url}{self.ready}:\n{self.log.read_text()}")

    def kill(self) -> None:
        """SIGKILL to the whole family: nobody has time to say goodbye."""
        if self.process is not None:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def running(server: Server) -> Generator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


def backroom_serve(app: Path, folder: Path, **env: str) -> Server:
    """`backroom serve` with its database and its log in `folder`."""
    port = free_port()
    url = f"http://localhost:{port}"
    settings = {"DATABASE_URL": f"sqlite:{folder / 'app.db'}", "SECRET_KEY": SECRET_KEY, "PUBLIC_URL": url, "RATE_LIMIT": "off", **env}
    command = [sys.executable, "-m", "backroom", "serve", str(app), "--port", str(port)]
    return Server(command, url, log=folder / "server.log", cwd=folder, env=settings, ready="/health")
