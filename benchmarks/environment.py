"""Where the peers' programs come from: an environment of their own, made from `requirements.txt`. And what machine this is."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE / "out"
PEERS = OUT / "peers"
CORES = sorted(os.sched_getaffinity(0))[:2]  # never more than two: the comparison is one of two cores wherever it runs
LOAD_CORE = CORES[-1]


def peer_executable(name: str) -> str:
    return str(PEERS / "bin" / name)


def make_peers() -> None:
    """Install the pinned peers once; again only when `requirements.txt` or the Python changes. Stops with a sentence if wrk is missing."""
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: apt-get install {package}")
    requirements = HERE / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    made = PEERS / "made-from"
    if made.exists() and made.read_text() == wanted:
        return
    print("installing the peers into benchmarks/out/peers (once) ...", flush=True)
    shutil.rmtree(PEERS, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    install = [peer_executable("pip"), "install", "--disable-pip-version-check", "-r", str(requirements)]
    done = subprocess.run(install, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(install)} failed:\n{done.stdout[-3000:]}")
    made.write_text(wanted)


def peer_versions(packages: tuple[str, ...]) -> dict[str, str]:
    program = "import sys, importlib.metadata as m; print(*(m.version(name) for name in sys.argv[1:]))"
    found = subprocess.run([peer_executable("python"), "-c", program, *packages], check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(packages, found, strict=True))


def own_versions(packages: tuple[str, ...]) -> dict[str, str]:
    return {name: version(name) for name in packages}


def machine() -> str:
    """Processor, cores, memory, system: one line."""
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores (cores {CORES} used), {memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=HERE, check=False, capture_output=True, text=True).stdout.strip()

    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (
        " with uncommitted changes" if git("status", "--porcelain", "--", "../src", ".") else ""
    )


def load_average() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())
