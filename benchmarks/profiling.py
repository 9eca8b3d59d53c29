"""Where a server's processor time goes under load, by the library it is spent in, as perf sees it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks import load
from benchmarks.processes import Server
from benchmarks.workloads import Rights, Workload

SECONDS = 2
LEAST_PERCENT = 0.5
LIBRARIES = (  # part of a shared object's name -> what a reader knows it as; the first that fits
    ("[kernel", "kernel: sockets, files, futexes"),
    ("libpython", "Python"),
    ("python3", "Python"),
    ("_granian", "granian"),
    ("_pydantic_core", "pydantic"),
    ("__init__.cpython", "SQLite (apsw)"),  # perf names a shared object by its file alone
    ("loop.cpython", "uvloop"),
    ("_core.cpython", "msgspec"),
    ("protocol.cpython", "asyncpg"),
    ("libcrypto", "cryptography"),
    ("_rust.abi3", "cryptography"),
    ("libc.so", "libc"),
    ("pocketbase", "PocketBase"),
)


def profiled(server: Server, rights: Rights, workload: Workload) -> dict[str, float]:
    """Percent of the processor time of all its processes, largest first. Raises `SystemExit` if perf is missing or not allowed."""
    if shutil.which("perf") is None:
        raise SystemExit("--profile needs perf: apt-get install linux-perf")
    data = server.place.folder / "perf.data"
    watched = ",".join(map(str, server.family()))
    command = ["perf", "record", "-q", "-F", "499", "-o", str(data), "-p", watched, "--", "sleep", str(SECONDS)]
    perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    token, requests = rights.caller.token, server.place.folder / "requests"
    load.run(server.place.url, workload.calls(rights), token=token, seconds=SECONDS + 1, once=False, file=requests)
    _, told = perf.communicate()
    if perf.returncode:
        raise SystemExit(f"perf failed: {told}")
    return shares(_report(data))


def shares(report: str) -> dict[str, float]:
    """perf's lines `percent shared object` -> percent per library; what is too small to matter is summed as "other".

    >>> shares("60.00 [kernel.kallsyms]\\n30.00 libpython3.11.so.1.0\\n9.90 __init__.cpython-311.so\\n0.10 odd.so")
    {'kernel: sockets, files, futexes': 60.0, 'Python': 30.0, 'SQLite (apsw)': 9.9, 'other': 0.1}
    """
    found: dict[str, float] = {}
    for line in report.splitlines():
        percent, _, library = line.strip().partition(" ")
        if percent:
            name = _name(library)
            found[name] = found.get(name, 0.0) + float(percent.rstrip("%"))
    large = {name: percent for name, percent in found.items() if percent >= LEAST_PERCENT and name != "other"}
    ordered = dict(sorted(large.items(), key=lambda item: -item[1]))
    return ordered | {"other": round(sum(found.values()) - sum(ordered.values()), 2)}


def _name(library: str) -> str:
    return next((name for part, name in LIBRARIES if part in library), "other")


def _report(data: Path) -> str:
    command = ("perf", "report", "-i", str(data), "--no-children", "--sort", "dso", "--stdio", "-q")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
