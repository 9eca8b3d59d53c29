"""Tables follow the declarations as far as nothing can be lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKey, Identity, Index, Integer, MetaData, Table, Text, UniqueConstraint, text

from backroom.calls import Ask, Unit
from backroom.database.database import Database, Violation
from backroom.database.migrations import prepare
from backroom.errors import DeclarationError
from tests.contract.test_database import opened


def declared(*columns: Any, others: tuple[tuple[Any, ...], ...] = (), title: Any = Text) -> MetaData:
    metadata = MetaData(naming_convention={"pk": "%(table_name)s_pkey"})
    Table("people", metadata, Column("id", Integer, Identity(), primary_key=True), Column("name", Text, nullable=False), sqlite_strict=True)
    Table(
        "todos", metadata, Column("id", Integer, Identity(), primary_key=True), Column("title", title, nullable=False),
        Column("owner", Integer, ForeignKey("people.id", name="todos_owner_fkey")), *columns, sqlite_strict=True, sqlite_autoincrement=True,
    )  # fmt: skip
    for other in others:
        Table(*other[:1], metadata, *other[1:], sqlite_strict=True)
    return metadata


async def run(database: Database, *statements: str) -> None:
    def unit() -> Unit[None]:
        for statement in statements:
            yield Ask(statement)

    await database.write(unit)


def without(column: str | None = None) -> MetaData:
    metadata = MetaData()
    for table in declared().tables.values():
        if table.name != "todos":
            table.to_metadata(metadata)
        elif column:
            Table("todos", metadata, *(copied(found) for found in table.columns if found.name != column), sqlite_strict=True)
    return metadata


def copied(column: Column[Any]) -> Column[Any]:
    return Column(column.name, column.type, nullable=column.nullable, primary_key=column.primary_key)


@asynccontextmanager
async def with_rows(url: str) -> AsyncGenerator[Database]:
    async with opened(url) as database:
        await prepare(database, declared(), allow="create")
        await run(database, "INSERT INTO people (name) VALUES ('ada')", "INSERT INTO todos (title, owner) VALUES ('milk', 1), ('milk', 1)")
        yield database


async def test_tables_are_made_once_and_then_found(each_database: str) -> None:
    async with opened(each_database) as database:
        with pytest.raises(DeclarationError, match="empty"):
            await prepare(database, declared(), allow="none")
        assert await prepare(database, declared(), allow="create") == ["Made the table people.", "Made the table todos."]
        for allow in ("create", "additive", "none"):
            assert await prepare(database, declared(), allow=allow) == []


async def test_additions_are_made_and_rows_kept(each_database: str) -> None:
    def wanted(*more: Any) -> MetaData:
        todo = Column("todo", Integer, ForeignKey("todos.id", name="tags_todo_fkey"))
        return declared(
            Column("note", Text),
            Column("n", Integer, nullable=False, server_default="7"),
            Column("done_by", Integer, ForeignKey("people.id", name="todos_done_by_fkey")),
            Column("level", Integer, CheckConstraint("level > 0", name="todos_level_check"), nullable=False, server_default="1"),
            Index("todos_n_idx", "n"),
            UniqueConstraint("owner", "note", name="todos_owner_note_key"),
            *more,
            others=(("tags", Column("id", Integer, Identity(), primary_key=True), todo, Index("tags_todo_idx", "todo")),),
        )

    async with with_rows(each_database) as database:
        with pytest.raises(DeclarationError, match=r"not those of app\.py"):
            await prepare(database, wanted(), allow="create")
        steps = await prepare(database, wanted(), allow="additive")
        assert len(steps) == 7, steps
        assert await prepare(database, wanted(), allow="none") == []
        rows = await database.read("SELECT title, note, n, level FROM todos")
        assert [tuple(row) for row in rows] == [("milk", None, 7, 1)] * 2
        for refused in ("INSERT INTO todos (title, done_by) VALUES ('x', 99)", "INSERT INTO todos (title, level) VALUES ('x', 0)"):
            with pytest.raises(Violation):
                await run(database, refused)
        # A further change compares with what was added: nothing is seen twice.
        assert await prepare(database, wanted(Column("more", Text)), allow="additive") == ["Added todos.more."]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: declared(Column("status", Text, nullable=False)), r"`todos` has no `status`.*give `status` a default, or (delete|drop) .*migration"),
        (lambda: declared(title=Integer), r"`todos.title` is stored as TEXT and declared as INTEGER"),
        (
            lambda: declared(UniqueConstraint("owner", "title", name="todos_key")),
            r"`todos` has rows with the same `owner`, `title`.*change those rows",
        ),
        (lambda: declared(Index("todos_u", "title", unique=True)), r"`todos` has rows with the same `title`"),
        (lambda: declared(CheckConstraint("title <> ''", name="todos_title_check")), r"`todos` has another check todos_title_check"),
        (lambda: without("owner"), r"`todos.owner` is stored but not declared any more"),
        (without, r"the table `todos` is stored but not declared any more"),
    ],
)
async def test_what_could_lose_something_is_refused_in_a_sentence_and_nothing_changes(each_database: str, change: Any, told: str) -> None:
    async with with_rows(each_database) as database:
        with pytest.raises(DeclarationError, match=told) as refused:
            await prepare(database, change(), allow="additive")
        assert "\n" not in str(refused.value)
        assert await prepare(database, declared(), allow="none") == []
        assert len(await database.read("SELECT title, owner FROM todos")) == 2


async def test_an_index_whose_condition_changed_is_made_anew(each_database: str) -> None:
    def partial(condition: str) -> MetaData:
        return declared(Index("todos_part", "title", sqlite_where=text(condition), postgresql_where=text(condition)))

    async with with_rows(each_database) as database:
        assert await prepare(database, partial("id > 1"), allow="additive") == ["Made the index todos_part."]
        assert await prepare(database, partial("id > 2"), allow="additive") == ["Dropped the index todos_part.", "Made the index todos_part."]
        assert await prepare(database, declared(), allow="additive") == ["Dropped the index todos_part."]


async def test_tables_of_others_are_left_alone(each_database: str) -> None:
    async with opened(each_database) as database:
        await run(database, "CREATE TABLE theirs (id integer)")
        assert len(await prepare(database, declared(), allow="create")) == 2
        assert await prepare(database, declared(Column("note", Text)), allow="additive") == ["Added todos.note."]


async def test_of_two_that_prepare_at_once_one_does_it(each_database: str) -> None:
    async with opened(each_database) as one, opened(each_database) as other:
        steps = await asyncio.gather(*(prepare(database, declared(), allow="create") for database in (one, other)))
        assert sorted(map(len, steps)) == [0, 2]
        steps = await asyncio.gather(*(prepare(database, declared(Column("note", Text)), allow="additive") for database in (one, other)))
        assert sorted(map(len, steps)) == [0, 1]
