"""wrk, driven: one file of requests, one core, 32 connections."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Call
from benchmarks.environment import HERE, LOAD_CORE
from benchmarks.figures import Load, Refused, parse
from benchmarks.workloads import CONNECTIONS

SCRIPT = HERE / "todos.lua"


def run(url: str, calls: Sequence[Call], *, token: str | None, seconds: float, once: bool, file: Path, connections: int = CONNECTIONS) -> Load:
    """Send `calls` for `seconds`, again from the first unless `once`. Raises `Refused` as `figures.parse` says."""
    with file.open("w") as out:
        out.writelines(call.line() for call in calls)
    load = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "60s", "-s", str(SCRIPT), url]
    command = ["taskset", "-c", str(LOAD_CORE), *load, "--", str(file), token or "-", "once" if once else "again"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse(done.stdout)
