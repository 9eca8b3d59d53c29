"""Servers as real processes: started, waited for, weighed, stopped."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from benchmarks.contender import Contender, Place
from benchmarks.environment import HERE

START_SECONDS = 60.0
POLL_SECONDS = 0.002
STOP_SECONDS = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class NotStarted(Exception):
    """A contender did not answer; carries the end of its log."""


class Server:
    """One contender, running. `startup` is the seconds from the command to the first 200."""

    def __init__(self, contender: Contender, place: Place, process: subprocess.Popen[bytes], startup: float) -> None:
        self.contender, self.place, self._process, self.startup = contender, place, process, startup

    def family(self) -> list[int]:
        """Its process and all that descend from it."""
        return _family(self._process.pid)

    def weight(self) -> tuple[float, float]:
        """Resident memory in MiB and processor seconds so far, of all its processes."""
        resident = ticks = 0
        for pid in self.family():
            try:
                resident += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # a process that ended between the two looks weighs nothing
            ticks += int(fields[11]) + int(fields[12])
        return resident / 2**20, ticks / _TICKS

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def start(contender: Contender, place: Place) -> Server:
    """Start it and wait for its first 200. Raises `NotStarted` with the end of its log."""
    environment = {**os.environ, **contender.environment(place), "PYTHONPATH": str(HERE.parent), "PYTHONDONTWRITEBYTECODE": ""}
    command = contender.command(place)
    log = place.folder / "server.log"
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=place.folder, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    server = Server(contender, place, process, 0.0)
    while not _answers(place.port, contender.wire.health):
        if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
            server.stop()
            raise NotStarted(f"{contender.title} did not start ({' '.join(command)}):\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(POLL_SECONDS)
    server.startup = time.perf_counter() - began
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
