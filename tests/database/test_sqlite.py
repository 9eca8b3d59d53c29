"""What SQLite alone has to prove: groups, outsiders at the same file, a file that disappears, decimals."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from backroom.calls import Ask, Unit
from backroom.database.database import connect
from backroom.database.functions import compare_decimals
from backroom.database.sqlite import Sqlite
from backroom.database.sqlite_file import require_sound_library
from backroom.errors import Problem, SettingsError
from backroom.settings import load
from tests.database.files import asks, opened, outsider


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.51.2"])
def test_a_sqlite_that_can_damage_files_stops_the_start(version: str) -> None:
    with pytest.raises(SettingsError, match=f"SQLite {version} .* pip install -U apsw"):
        require_sound_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", apsw.sqlite_lib_version()])
def test_a_sound_sqlite_may_start(version: str) -> None:
    require_sound_library(version)


@pytest.mark.parametrize("address", ["sqlite:", "sqlite::memory:", "sqlite://", "mysql://x", "data/app.db", "postgres", ""])
def test_an_address_that_names_no_database_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(SettingsError, match=r"write, for example, DATABASE_URL=sqlite:data/app\.db"):
        connect(load(env_file=None, DATABASE_URL=SecretStr(address)))


@pytest.mark.parametrize(
    ("address", "path"), [("sqlite:a b/c.db", "a b/c.db"), ("sqlite:/x/y.db", "/x/y.db"), ("sqlite:///r.db", "r.db"), ("sqlite:////a.db", "/a.db")]
)
def test_the_path_of_a_sqlite_address_is_read_as_people_write_it(address: str, path: str) -> None:
    database = connect(load(env_file=None, DATABASE_URL=SecretStr(address)))
    assert isinstance(database, Sqlite)
    assert database.path == path


async def test_the_file_and_its_folder_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    async with opened(tmp_path / "new folder" / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n)"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new folder").iterdir()}
    assert modes == dict.fromkeys(("app.db", "app.db-wal", "app.db-shm", "app.db-turn"), 0o600)


async def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(SettingsError, match="is not a SQLite database"):
        await Sqlite(str(tmp_path / "app.db")).open()


async def test_every_connection_writes_through_and_checks_references(tmp_path: Path) -> None:
    def unit() -> Unit[list[Any]]:
        answers: list[Any] = []
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema"):
            ((answer,),) = yield Ask(f"PRAGMA {pragma}")
            answers.append(answer)
        return answers

    async with opened(tmp_path / "app.db") as database:
        assert await database.write(unit) == ["wal", 2, 1, 0]


async def test_units_that_wait_together_are_committed_together(tmp_path: Path) -> None:
    """Counted by the frames that end a transaction in the log (their header's second word is not zero)."""
    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        before = commits(tmp_path / "app.db-wal")
        async with database.transaction():  # holds the writer while the others come
            waiting = [asyncio.create_task(database.write(asks(f"INSERT INTO t VALUES ({n})"))) for n in range(40)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert commits(tmp_path / "app.db-wal") - before == 1
        assert len(await database.read("SELECT * FROM t")) == 40


def commits(log: Path) -> int:
    content = log.read_bytes()
    return sum(1 for start in range(32, len(content), 24 + 4096) if content[start + 4 : start + 8] != bytes(4))


async def test_units_are_not_interleaved_inside_a_group(tmp_path: Path) -> None:
    def unit(n: int) -> Callable[[], Unit[bool]]:
        def steps() -> Unit[bool]:
            yield Ask(f"INSERT INTO t VALUES ({n}), ({n})")
            ((last,),) = yield Ask("SELECT count(DISTINCT n) FROM (SELECT n FROM t ORDER BY rowid DESC LIMIT 2)")
            return bool(last == 1)

        return steps

    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        assert all(await asyncio.gather(*(database.write(unit(n)) for n in range(50))))


async def test_a_single_unit_that_breaks_its_promise_is_still_undone_and_harms_nobody(tmp_path: Path) -> None:
    def liar() -> Unit[None]:
        yield Ask("INSERT INTO t VALUES (-1)")
        raise Problem("rules.forbidden")

    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        units = [asks(f"INSERT INTO t VALUES ({n})") if n % 5 else liar for n in range(20)]
        outcomes = await asyncio.gather(*(database.write(unit, single=True) for unit in units), return_exceptions=True)
        assert [isinstance(outcome, Problem) for outcome in outcomes] == [n % 5 == 0 for n in range(20)]
        assert sorted(n for (n,) in await database.read("SELECT n FROM t")) == [n for n in range(20) if n % 5]


async def test_a_single_write_that_takes_long_is_done_aside_with_its_neighbors(tmp_path: Path) -> None:
    counted = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n)"
    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        units = [asks("INSERT INTO t VALUES (1)"), asks(f"INSERT INTO t SELECT {counted}"), asks("INSERT INTO t VALUES (2)")]
        waiting = [asyncio.ensure_future(database.write(unit, single=True)) for unit in units]
        longest = 0.0
        while not all(one.done() for one in waiting):
            begun = thread_time()
            await asyncio.sleep(0)
            longest = max(longest, thread_time() - begun)
        await asyncio.gather(*waiting)
        assert sorted(n for (n,) in await database.read("SELECT n FROM t")) == [1, 2, 1_000_000]
        assert longest < 0.1  # of processor time: the event loop gives it 0.02 s


async def test_single_writes_wait_for_another_process_without_holding_up_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, slept, pause = threading.current_thread(), list[threading.Thread](), time.sleep

    def watched(seconds: float) -> None:
        slept.append(threading.current_thread())
        pause(seconds)

    monkeypatch.setattr(time, "sleep", watched)
    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        other = outsider(tmp_path / "app.db")
        other.execute("BEGIN IMMEDIATE")
        waiting = [asyncio.ensure_future(database.write(asks(f"INSERT INTO t VALUES ({n})"), single=True)) for n in range(3)]
        for _ in range(100):  # turns of the loop, in which the writes can't get through
            await asyncio.sleep(0)
        assert await database.read("SELECT n FROM t") == []
        assert not any(one.done() for one in waiting)
        other.execute("COMMIT")
        other.close()
        await asyncio.gather(*waiting)
        assert len(await database.read("SELECT n FROM t")) == 3
    assert here not in slept


async def test_a_unit_that_ends_the_interpreter_ends_neither_the_writer_nor_the_others_wait(tmp_path: Path) -> None:
    def exits() -> Unit[None]:
        yield Ask("INSERT INTO t VALUES (1)")
        raise SystemExit

    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        with pytest.raises(RuntimeError, match="the writer failed"):
            async with asyncio.timeout(60):
                await database.write(exits)
        with pytest.raises(RuntimeError, match="ended the interpreter"):
            async with asyncio.timeout(60), database.transaction() as transaction:
                await transaction.drive(exits())
        await database.write(asks("INSERT INTO t VALUES (2)"))
        assert await database.read("SELECT n FROM t") == [(2,)]


@pytest.mark.case(122)
async def test_writers_wait_for_an_outsider_then_are_told_to_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "app.db") as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        other = outsider(tmp_path / "app.db")
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
        await database.write(asks("INSERT INTO t VALUES (1)"))
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        outcomes = await asyncio.gather(*(database.write(asks("INSERT INTO t VALUES (2)")) for _ in range(3)), return_exceptions=True)
        assert 4.5 < time.monotonic() - begun < 30
        assert all(isinstance(outcome, Problem) and outcome.code == "database.busy" for outcome in outcomes)
        assert all(isinstance(outcome, Problem) and outcome.headers["Retry-After"] == "1" for outcome in outcomes)
        assert await database.read("SELECT n FROM t") == [(1,)]
        other.execute("ROLLBACK")
        await database.write(asks("INSERT INTO t VALUES (3)"))
        other.close()


@pytest.mark.parametrize("harm", ["delete", "replace", "delete the log"])
async def test_a_file_that_disappears_is_noticed_before_anything_is_acknowledged(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "app.db"
    async with opened(path) as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        if harm == "delete the log":
            os.unlink(tmp_path / "app.db-wal")
        else:
            os.rename(path, tmp_path / "elsewhere.db")
            if harm == "replace":
                path.write_bytes(b"")
        with pytest.raises(Problem, match="moved, deleted or replaced") as refused:
            await database.write(asks("INSERT INTO t VALUES (1)"))
        assert refused.value.status == 503
        assert await status_of_reading(database, until=503) == 503
        assert harm != "delete" or not path.exists()


async def status_of_reading(database: Sqlite, *, until: int) -> int:
    """Reading is told within a second or so; ask for a minute at most."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await database.read("SELECT n FROM t")
            status = 200
        except Problem as problem:
            status = problem.status
        if status == until or time.monotonic() > deadline:
            return status
        await asyncio.sleep(0.05)


async def test_a_file_that_is_put_back_heals(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    async with opened(path) as database:
        await database.write(asks("CREATE TABLE t (n INTEGER)"))
        os.rename(path, tmp_path / "elsewhere.db")
        with pytest.raises(Problem):
            await database.write(asks("INSERT INTO t VALUES (1)"))
        os.rename(tmp_path / "elsewhere.db", path)
        await database.write(asks("INSERT INTO t VALUES (2)"))
        assert await status_of_reading(database, until=200) == 200
        assert await database.read("SELECT n FROM t") == [(2,)]


@pytest.mark.case(111)
async def test_a_caller_that_leaves_stops_its_long_read(tmp_path: Path) -> None:
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n"
    async with opened(tmp_path / "app.db") as database:
        tasks = [asyncio.create_task(database.read(slow, long=True)) for _ in range(8)]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        begun = time.monotonic()
        assert await database.read("SELECT 1", long=True) == [(1,)]
        assert time.monotonic() - begun < 4.0  # uninterrupted, the eight run five seconds each, four at a time


async def test_decimals_kept_as_text_are_ordered_and_unique_by_value(tmp_path: Path) -> None:
    async with opened(tmp_path / "app.db") as database:
        await database.write(
            asks("CREATE TABLE t (price TEXT COLLATE decimal UNIQUE) STRICT", "INSERT INTO t VALUES ('10'), ('9.5'), ('-1'), ('100.00')")
        )
        assert await database.read("SELECT price FROM t ORDER BY price") == [("-1",), ("9.5",), ("10",), ("100.00",)]
        assert await database.read("SELECT price FROM t WHERE price = '100'") == [("100.00",)]
        plan = await database.read("EXPLAIN QUERY PLAN SELECT price FROM t WHERE price > '9'")
        assert "USING COVERING INDEX" in plan[0][3]


texts = st.one_of(
    st.decimals().map(str), st.text(max_size=8), st.sampled_from(["NaN", "-Infinity", "1e999999999", "1_0", "0x1", "", "sNaN", "1.0", "1.00"])
)


@given(texts, texts, texts)
def test_the_order_of_decimals_is_total_whatever_the_text(one: str, two: str, three: str) -> None:
    assert compare_decimals(one, two) == -compare_decimals(two, one)
    if compare_decimals(one, two) <= 0 and compare_decimals(two, three) <= 0:
        assert compare_decimals(one, three) <= 0
