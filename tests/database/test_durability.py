"""What SQLite acknowledged stays: through kill -9, beside a second process, on a full disk."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from backroom.errors import Problem
from tests.database.files import asks, make, opened, outsider

WRITES = """
import asyncio, sys
from backroom.calls import Ask
from backroom.database.sqlite import Sqlite

def pair(n):
    def unit():
        yield Ask("INSERT INTO t (n) VALUES (?)", (n,))
        yield Ask("INSERT INTO t (n) VALUES (?)", (n,))
    return unit

async def client(database, start):
    n = start
    while True:
        await database.write(pair(n))
        sys.stdout.write(f"{n}\\n")
        sys.stdout.flush()
        n += 16

async def main():
    database = Sqlite(sys.argv[1])
    await database.open()
    start = int(sys.argv[2])
    await asyncio.gather(*(client(database, start + n) for n in range(16)))

asyncio.run(main())
"""


def test_what_was_acknowledged_survives_kill_and_no_unit_is_half(tmp_path: Path) -> None:
    path, seed = tmp_path / "app.db", random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    asyncio.run(make(path, "CREATE TABLE t (n INTEGER NOT NULL)"))
    acknowledged: set[int] = set()
    for kill in range(10):  # of two processes each
        both = [[sys.executable, "-c", WRITES, str(path), str((2 * kill + half) * 1_000_000)] for half in range(2)]
        with (
            subprocess.Popen(both[0], stdout=subprocess.PIPE, text=True) as one,
            subprocess.Popen(both[1], stdout=subprocess.PIPE, text=True) as other,
        ):
            heard: list[list[str]] = [[], []]
            for process, lines in zip((one, other), heard, strict=True):
                assert process.stdout is not None
                lines.append(process.stdout.readline())
                threading.Timer(rng.uniform(0.0, 0.05), process.send_signal, [signal.SIGKILL]).start()
            for process, lines in zip((one, other), heard, strict=True):
                assert process.stdout is not None
                lines.extend(process.stdout)
        acknowledged |= {int(line) for lines in heard for line in lines if line.endswith("\n")}
    stored = outsider(path)
    assert len(acknowledged) >= 20
    counts: list[Any] = stored.execute("SELECT n, count(*) FROM t GROUP BY n").fetchall()
    found: dict[Any, Any] = dict(counts)
    assert acknowledged <= found.keys()
    assert set(found.values()) == {2}
    assert stored.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stored.close()


RACES = """
import asyncio, sys, time
from backroom.calls import Ask
from backroom.database.sqlite import Sqlite

waits = []

async def client(database, until):
    def unit():
        yield Ask("UPDATE t SET n = n + 1")
    while time.monotonic() < until:
        begun = time.monotonic()
        await database.write(unit)
        waits.append(time.monotonic() - begun)

async def main():
    database = Sqlite(sys.argv[1])
    await database.open()
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.monotonic() + 1.5
    await asyncio.gather(*(client(database, until) for _ in range(8)))
    await database.close()
    print(len(waits), max(waits))

asyncio.run(main())
"""


def test_two_processes_write_one_file_in_turn_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    asyncio.run(make(path, "CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (0)"))
    both = [subprocess.Popen([sys.executable, "-c", RACES, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=30)[0].split() for process in both]
    counts, waits = [int(count) for count, _ in told], [float(wait) for _, wait in told]
    stored = outsider(path)
    assert stored.execute("SELECT n FROM t").fetchall() == [(sum(counts),)]
    stored.close()
    assert min(counts) * 4 > max(counts), counts
    assert max(waits) < 1.0, waits


FILLS = """
import asyncio, resource, sys
from backroom.calls import Ask
from backroom.database.sqlite import Sqlite
from backroom.errors import Problem

def fill():
    yield Ask("INSERT INTO t VALUES (zeroblob(30000))")

def small():
    yield Ask("INSERT INTO t VALUES (x'01')")

async def main():
    database = Sqlite(sys.argv[1])
    await database.open()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limit[1]))
    stored, codes = 0, set()
    for _ in range(40):
        try:
            await database.write(fill)
            stored += 1
        except Problem as problem:
            codes.add(problem.status)
    ((seen,),) = await database.read("SELECT count(*) FROM t WHERE length(b) = 30000")
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    await database.write(small)
    await database.close()
    print(stored, seen, *sorted(codes))

asyncio.run(main())
"""


def test_a_full_disk_refuses_writes_keeps_reading_and_heals(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    asyncio.run(make(path, "CREATE TABLE t (b BLOB)"))
    done = subprocess.run([sys.executable, "-c", FILLS, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    stored, seen, *statuses = done.stdout.split()
    assert 0 < int(stored) < 40
    assert stored == seen
    assert statuses
    assert set(statuses) <= {"503", "507"}
    left = outsider(path)
    assert left.execute("SELECT count(*) FROM t").fetchall() == [(int(stored) + 1,)]
    assert left.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    left.close()


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk needs root")
def test_a_disk_without_room_answers_507_and_takes_writes_again_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("this kernel lets nobody mount")

    async def fill_and_free() -> None:
        async with opened(disk / "app.db") as database:
            await database.write(asks("CREATE TABLE t (b BLOB)"))
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(250_000))
            with pytest.raises(Problem) as refused:
                for _ in range(40):
                    await database.write(asks("INSERT INTO t VALUES (zeroblob(20000))"))
            assert refused.value.status == 507
            ((stored,),) = await database.read("SELECT count(*) FROM t")
            ballast.unlink()
            await database.write(asks("INSERT INTO t VALUES (zeroblob(20000))"))
            assert await database.read("SELECT count(*) FROM t") == [(stored + 1,)]

    try:
        asyncio.run(fill_and_free())
    finally:
        subprocess.run(["umount", str(disk)], check=True)
