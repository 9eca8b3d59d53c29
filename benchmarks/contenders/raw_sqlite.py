"""The raw handler over apsw: reads on the event loop, writes in one thread that commits whatever waits as one durable group."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

import apsw
import msgspec

from benchmarks.contenders.raw_handler import Handler, NewTodo, TodoChanges

GROUP = 256
PRAGMAS = """
    pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on;
    pragma cache_size=-16384; pragma temp_store=memory; pragma mmap_size=268435456;
"""
TABLES = """
    create table if not exists users (id text primary key, email text not null unique, password text not null) strict;
    create table if not exists todos (
        id integer primary key autoincrement, title text not null, done integer not null, due text,
        owner_id text not null references users (id), created_at text not null, updated_at text not null
    ) strict;
    create index if not exists todos_owner on todos (owner_id);
"""
COLUMNS = "id, title, done, due, owner_id, created_at, updated_at"
READ = f"select {COLUMNS} from todos where id = ? and owner_id = ?"
LIST = f"select {COLUMNS} from todos where owner_id = ? order by id desc limit ?"
CREATE = f"insert into todos (title, done, due, owner_id, created_at, updated_at) values (?, ?, ?, ?, ?, ?) returning {COLUMNS}"
DELETE = "delete from todos where id = ? and owner_id = ? returning id"

Row = tuple[Any, ...]
Connection = Any  # apsw's types of bindings name a class of Python 3.12


class Todo(msgspec.Struct, gc=False):
    id: int
    title: str
    done: bool
    due: str | None
    owner_id: str
    created_at: str
    updated_at: str


class Waiting(NamedTuple):
    statement: str
    binds: Row
    future: asyncio.Future[Row | None]


_encode = msgspec.json.Encoder().encode


def _todo(row: Row) -> Todo:
    key, title, done, due, owner, created, updated = row
    return Todo(key, title, done == 1, due, owner, created, updated)


def _now() -> str:
    seconds, rest = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def connect(file: Path) -> Connection:
    connection: Connection = apsw.Connection(str(file), statementcachesize=512)
    connection.set_busy_timeout(5000)  # before journal_mode: two processes that start together would fail at once
    connection.execute(PRAGMAS)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)  # or `limit ?` is prepared anew each time
    return connection


class Writer(Thread):
    """Takes what waits, runs it in one transaction, commits once, and tells everybody in one call into the loop."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="writer", daemon=True)
        self._connection, self._loop = connection, loop
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()

    def write(self, statement: str, binds: Row) -> asyncio.Future[Row | None]:
        future: asyncio.Future[Row | None] = self._loop.create_future()
        self._queue.put(Waiting(statement, binds, future))
        return future

    def stop(self) -> None:
        self._queue.put(None)
        self.join()

    def run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            while len(group) < GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                group.append(following)
            self._loop.call_soon_threadsafe(_tell, self._commit(group))

    def _commit(self, group: list[Waiting]) -> list[tuple[asyncio.Future[Row | None], Row | apsw.Error | None]]:
        try:
            with_rows = self._transaction(group)
        except apsw.Error as error:
            if len(group) == 1:
                return [(group[0].future, error)]
            return [told for one in group for told in self._commit([one])]  # one bad statement must not fail its neighbors
        return [(one.future, row) for one, row in zip(group, with_rows, strict=True)]

    def _transaction(self, group: list[Waiting]) -> list[Row | None]:
        execute = self._connection.execute
        execute("begin immediate")
        try:
            rows = [next(iter(execute(one.statement, one.binds).fetchall()), None) for one in group]
            execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                execute("rollback")
            raise
        return rows


def _tell(results: list[tuple[asyncio.Future[Row | None], Row | apsw.Error | None]]) -> None:
    for future, result in results:
        if future.cancelled():
            continue
        if isinstance(result, apsw.Error):
            future.set_exception(result)
        else:
            future.set_result(result)


class SqliteStore:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._updates: dict[tuple[str, ...], str] = {}

    async def open(self) -> None:
        self._reader = connect(self._file)
        self._reader.execute(TABLES)
        self._execute: Callable[..., Any] = self._reader.cursor().execute
        self._writer_connection = connect(self._file)
        self._writer = Writer(self._writer_connection, asyncio.get_running_loop())
        self._writer.start()

    async def close(self) -> None:
        self._writer.stop()
        self._writer_connection.close()
        self._reader.close()

    async def read(self, key: int, owner: str) -> bytes | None:
        row = self._execute(READ, (key, owner)).fetchone()
        return None if row is None else _encode(_todo(row))

    async def list(self, owner: str, limit: int) -> bytes:
        return _encode([_todo(row) for row in self._execute(LIST, (owner, limit)).fetchall()])

    async def create(self, owner: str, todo: NewTodo) -> bytes:
        now = _now()
        row = await self._writer.write(CREATE, (todo.title, int(todo.done), todo.due and todo.due.isoformat(), owner, now, now))
        assert row is not None
        return _encode(_todo(row))

    async def update(self, key: int, owner: str, changes: TodoChanges) -> bytes | None:
        given = {name: value for name in ("title", "done", "due") if (value := getattr(changes, name)) is not msgspec.UNSET}
        binds = [value.isoformat() if name == "due" and value else int(value) if name == "done" else value for name, value in given.items()]
        row = await self._writer.write(self._update(tuple(given)), (*binds, _now(), key, owner))
        return None if row is None else _encode(_todo(row))

    def _update(self, names: tuple[str, ...]) -> str:
        if names not in self._updates:
            assignments = ", ".join(f"{name} = ?" for name in (*names, "updated_at"))
            self._updates[names] = f"update todos set {assignments} where id = ? and owner_id = ? returning {COLUMNS}"
        return self._updates[names]

    async def delete(self, key: int, owner: str) -> bool:
        return await self._writer.write(DELETE, (key, owner)) is not None

    async def add_user(self, key: str, email: str, password: str) -> None:
        await self._writer.write("insert into users (id, email, password) values (?, ?, ?)", (key, email, password))

    async def user(self, email: str) -> tuple[str, str] | None:
        row = self._execute("select id, password from users where email = ?", (email,)).fetchone()
        return None if row is None else (row[0], row[1])


_folder = Path(os.environ["BENCH_FOLDER"])
app = Handler(SqliteStore(_folder / "app.db"), _folder)
