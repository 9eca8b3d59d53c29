"""Work of several questions and no hooks as one unit of the writer, which runs it in a group with others.

A transaction question by question crosses to the writer's thread and back at each of them, and commits alone: an upsert took ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from backroom.calls import Ask, Row, Unit
from backroom.orm.reach import Channel

T = TypeVar("T")


class InUnit:
    """The channel inside of a unit: whatever is awaited in it must be asked here. The first refusal is the end of the whole unit."""

    __slots__ = ()

    async def read(self, text: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
        return await _asked(_one(text, parameters))

    async def write(self, unit: Callable[[], Unit[T]], *, single: bool = False) -> T:  # noqa: ARG002 - as every Channel is called
        return await _asked(unit())


def as_unit(work: Callable[[Channel], Coroutine[Any, Any, T]]) -> Callable[[], Unit[T]]:
    """`work` for `Database.write`. What holds for units holds for it: it may be called again, and asks nothing more after a `Violation`."""

    def unit() -> Unit[T]:
        return (yield from work(InUnit()).__await__())

    return unit


def _one(text: str, parameters: tuple[Any, ...]) -> Unit[list[Row]]:
    return (yield Ask(text, parameters))


@coroutine
def _asked(unit: Unit[T]) -> Generator[Any, Any, T]:
    return (yield from unit)
