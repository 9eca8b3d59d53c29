"""How a unit of work meets a database: question by question, the answers sent back in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from backroom.calls import Ask, Row, Unit
from backroom.database.refusals import Violation

T = TypeVar("T")
Run = Callable[[str, tuple[Any, ...], bool], list[Row]]
AsyncRun = Callable[[str, tuple[Any, ...], bool], Awaitable[list[Row]]]


class Abandoned(Exception):
    """The unit met a `Violation` and returned `result` all the same: deliver that, and undo what the unit did before."""

    def __init__(self, result: Any) -> None:
        self.result = result


def drive(unit: Unit[T], run: Run, *, single: bool = False) -> T:
    """Ask all that `unit` yields by `run`; the unit's result. A `Violation` is thrown into it, any other error ends it."""
    try:
        ask = next(unit)
        while True:
            try:
                rows = run(ask.text, ask.parameters, ask.named)
            except Violation as violation:
                _tell(unit, violation)
            ask = unit.send(rows)
            if single:
                raise RuntimeError("a unit written with single=True asked a second question")
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        unit.close()


async def drive_async(unit: Unit[T], run: AsyncRun, *, single: bool = False) -> T:
    """`drive` for a database on the network."""
    try:
        ask: Ask = next(unit)
        while True:
            try:
                rows = await run(ask.text, ask.parameters, ask.named)
            except Violation as violation:
                _tell(unit, violation)
            ask = unit.send(rows)
            if single:
                raise RuntimeError("a unit written with single=True asked a second question")
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        unit.close()


def _tell(unit: Unit[Any], violation: Violation) -> NoReturn:
    """Throw it in. Postgres has given up the transaction by now and SQLite would go on: ending the unit on both keeps them the same."""
    try:
        unit.throw(violation)
    except StopIteration as end:
        raise Abandoned(end.value) from None
    raise RuntimeError("a unit may not ask again after a Violation: let it raise, or return")
