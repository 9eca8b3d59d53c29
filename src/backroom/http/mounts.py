"""Other ASGI apps under a prefix."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Scope

from backroom.errors import DeclarationError


class Mounts:
    """The longest prefix wins. Mounts beneath an owned prefix (`/api/legacy` beneath `/api`) are asked before it, all others after.

    Raises `DeclarationError` for a prefix that can't be, stands twice, or is owned.
    """

    def __init__(self, mounts: Sequence[tuple[str, ASGIApp]], owns: tuple[str, ...]) -> None:
        self._inner: list[tuple[str, ASGIApp]] = []
        self._outer: list[tuple[str, ASGIApp]] = []
        seen: set[str] = set(owns)
        for written, app in sorted(mounts, key=lambda mount: len(mount[0]), reverse=True):
            prefix = written.rstrip("/")
            if prefix and not prefix.startswith("/"):
                raise DeclarationError(f"mount({written!r}): a prefix begins with /.")
            if prefix in seen:
                raise DeclarationError(f"mount({written!r}): something else is there already; choose another prefix.")
            seen.add(prefix)
            beneath = any(prefix.startswith(own + "/") for own in owns)
            (self._inner if beneath else self._outer).append((prefix, app))

    def inner(self, path: str, scope: Scope) -> tuple[ASGIApp, Scope] | None:
        """The app beneath an owned prefix that serves `path`, with the scope to call it with."""
        return _pick(self._inner, path, scope) if self._inner else None

    def outer(self, path: str, scope: Scope) -> tuple[ASGIApp, Scope] | None:
        """The app elsewhere that serves `path`, with the scope to call it with."""
        return _pick(self._outer, path, scope) if self._outer else None


def _pick(mounts: list[tuple[str, ASGIApp]], path: str, scope: Scope) -> tuple[ASGIApp, Scope] | None:
    for prefix, app in mounts:
        if path == prefix or path.startswith(prefix + "/"):
            # ASGI: the path stays whole and root_path grows; the mounted app takes the one off the other.
            return app, {**scope, "root_path": scope.get("root_path", "") + prefix}
    return None
