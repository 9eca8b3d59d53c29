"""An ASGI app under granian in a real process, and sockets that send exactly the bytes they are given."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import NamedTuple, Self, cast

ROOT = Path(__file__).parent.parent
_PATIENCE_SECONDS = 60.0
_GLANCE_SECONDS = 0.02


class RawReply(NamedTuple):
    """One reply as it came over the socket. `headers` keeps repeated lines; names are lower-case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """All lines of one header, joined with commas."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


class _Incoming(io.BufferedReader):
    """What comes over a connection. `HTTPResponse` closes its file after each reply, and that file may hold the beginning of the next one."""

    def close(self) -> None:
        """Left open; `Connection` closes the socket."""

    def makefile(self, mode: str) -> Self:
        """As `HTTPResponse` asks a socket."""
        assert mode == "rb"
        return self


class Connection:
    """One TCP connection to a served app."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        self._raw = self._socket.makefile("rb", buffering=0)
        self._incoming = _Incoming(self._raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()
        self._socket.close()

    def send(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def reply(self, method: str = "GET") -> RawReply:
        """The next reply. `method` is the one of the request: a reply to HEAD has no body."""
        response = HTTPResponse(cast("socket.socket", self._incoming), method=method)
        response.begin()
        headers = [(name.lower(), value) for name, value in response.getheaders()]
        return RawReply(response.status, headers, response.read())

    def rest(self) -> bytes:
        """Everything until the server closes. Raises `TimeoutError` if it doesn't."""
        received = b""
        while True:
            try:
                piece = self._incoming.read1(65536)
            except ConnectionResetError:
                return received
            if not piece:
                return received
            received += piece

    def is_closed(self) -> bool:
        """Waits for the server to close; False if it sends something instead. Raises `TimeoutError` if it does neither."""
        return self.rest() == b""


class Served:
    """A running server. `log` is what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def connect(self) -> Connection:
        return Connection(self.port)

    def exchange(self, raw: bytes) -> bytes:
        """Send these bytes on a connection of their own and take what comes until the server closes it."""
        with self.connect() as connection:
            connection.send(raw)
            return connection.rest()

    def get(self, path: str, headers: str = "") -> RawReply:
        with self.connect() as connection:
            connection.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{headers}\r\n".encode())
            return connection.reply()

    def wait_for(self, text: str) -> None:
        """Until the log has a line with `text`. Raises `TimeoutError`, or `RuntimeError` if the server ends first."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: text in self.log or not self._reader.is_alive(), _PATIENCE_SECONDS):
                raise TimeoutError(f"The server never said {text!r}:\n{self.log}")
        if text not in self.log:
            raise RuntimeError(f"The server ended before it said {text!r}:\n{self.log}")

    def wait_until_it_listens(self) -> None:
        """granian says that a worker has started a moment before its socket takes connections."""
        for _ in range(int(_PATIENCE_SECONDS / _GLANCE_SECONDS)):
            try:
                self.connect().__exit__()
            except ConnectionRefusedError:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(_GLANCE_SECONDS)
                    raise RuntimeError(f"The server ended before it listened:\n{self.log}") from None
            else:
                return
        raise TimeoutError(f"The server never listened:\n{self.log}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(_PATIENCE_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._arrived:
                self.lines.append(line)
                self._arrived.notify_all()
        with self._arrived:
            self._arrived.notify_all()


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(target: str, *, env: Mapping[str, str] | None = None, options: tuple[str, ...] = ()) -> Generator[Served]:
    """Run `module:name` under granian, one worker, until the block ends.

    >>> with serving("tests.http.door_app:app") as server:  # doctest: +SKIP
    ...     server.get("/api/echo").status
    200
    """
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), *options, target]
    given = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    server = Served(process, port)
    try:
        server.wait_for("Started worker-1")
        server.wait_until_it_listens()
        yield server
    finally:
        server.stop()
