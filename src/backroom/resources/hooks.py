"""Code that runs beside a write: which functions, in which order. Kept here as facts; `rest` and `orm` call them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Moment: TypeAlias = Literal["before_create", "before_update", "before_delete", "after_create", "after_update", "after_delete"]
MOMENTS: tuple[Moment, ...] = ("before_create", "before_update", "before_delete", "after_create", "after_update", "after_delete")
Hook: TypeAlias = Callable[..., Awaitable[Any]]

#: What a hook is handed before `*, me, db`.
POSITIONAL: dict[Moment, tuple[str, ...]] = {
    "before_create": ("row",),
    "before_update": ("row", "changes"),
    "before_delete": ("row",),
    "after_create": ("row",),
    "after_update": ("row", "before"),
    "after_delete": ("row",),
}

#: Hooks and transaction blocks hold the write lock; longer work belongs in a job.
MAX_SECONDS = 2.0


@dataclass(slots=True)
class Hooks:
    """The hooks of one resource, in the order in which they were registered."""

    by_moment: dict[Moment, list[Hook]] = field(default_factory=dict[Moment, list[Hook]])

    def add(self, moment: Moment, hook: Hook) -> None:
        self.by_moment.setdefault(moment, []).append(hook)

    def at(self, moment: Moment) -> tuple[Hook, ...]:
        return tuple(self.by_moment.get(moment, ()))

    def around(self, action: str) -> bool:
        """Some hook runs before or after this action."""
        return bool(self.by_moment) and any(self.by_moment.get(f"{when}_{action}") for when in ("before", "after"))  # type: ignore[call-overload]
