"""The time, as this room stores and reads it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from backroom.sql.values import DialectName, load, store

#: Seconds since 1970. Given to whatever in this room asks for the time, so that a test can let a session grow old.
Clock: TypeAlias = Callable[[], float]

WALL: Clock = time.time
DAY = 86_400.0


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def stored(seconds: float, dialect: DialectName) -> Any:
    """A time in storage form."""
    return store("datetime", moment(seconds), dialect)


def seconds_of(value: Any, dialect: DialectName) -> float | None:
    """A stored time as seconds since 1970; None stays None."""
    read: datetime | None = load("datetime", value, dialect)
    return None if read is None else read.timestamp()
