"""Which endpoint stands at an address.

An address is found by dictionary look-ups: whole paths first, then "all but the last segment", then segment by segment. At each segment
a literal wins over `{name:int}`, and that over `{name}`. The address is found first and the method afterwards, so the same path never
means one thing to GET and another to POST.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from backroom.errors import DeclarationError, Problem
from backroom.http.limits import METHODS
from backroom.http.response import Answered, Response

T = TypeVar("T")

_NO_VALUES = tuple[str, ...]()


class Match(NamedTuple, Generic[T]):
    """What stands at an address, and the values of the address's `{name}` segments, decoded, as text."""

    endpoint: T
    parameters: dict[str, str]


class Route(NamedTuple, Generic[T]):
    """One line of the table: what was added."""

    method: str
    pattern: str
    endpoint: T


class _Address(Generic[T]):
    """All endpoints of one address, by method. The names of its parameters belong to the endpoint: each may call them as it likes."""

    __slots__ = ("allow", "methods", "routes")

    def __init__(self) -> None:
        self.methods: dict[str, tuple[T, tuple[str, ...]]] = {}
        self.routes: dict[str, Route[T]] = {}
        self.allow = ""

    def put(self, route: Route[T], names: tuple[str, ...]) -> None:
        self.routes[route.method] = route
        self.methods[route.method] = (route.endpoint, names)
        if route.method == "GET" and "HEAD" not in self.routes:
            self.methods["HEAD"] = (route.endpoint, names)
        self.allow = ", ".join(method for method in METHODS if method in self.methods or method == "OPTIONS")


class _Branch(Generic[T]):
    """What may follow after some segments."""

    __slots__ = ("address", "literals", "number", "text")

    def __init__(self) -> None:
        self.literals: dict[str, _Branch[T]] = {}
        self.number: _Branch[T] | None = None
        self.text: _Branch[T] | None = None
        self.address: _Address[T] | None = None

    def follow(self, segment: str) -> list[tuple[_Branch[T], tuple[str, ...]]]:
        """The branches a segment of a request may take, best first, with the value it gives."""
        found: list[tuple[_Branch[T], tuple[str, ...]]] = []
        literal = self.literals.get(segment)
        if literal is not None:
            found.append((literal, ()))
        if self.number is not None and _is_number(segment):
            found.append((self.number, (segment,)))
        if self.text is not None and _is_value(segment):
            found.append((self.text, (segment,)))
        return found


class Router(Generic[T]):
    """Endpoints by method and path.

    >>> router = Router[str]()
    >>> router.add("GET", "/api/todos/{id}", "read")
    >>> router.route("GET", "/api/todos/42")
    Match(endpoint='read', parameters={'id': '42'})
    """

    def __init__(self) -> None:
        self._root: _Branch[T] = _Branch()
        self._whole: dict[str, _Address[T]] = {}
        self._heads: dict[str, _Branch[T]] = {"": self._root}

    def add(self, method: str, pattern: str, endpoint: T, *, replaces: bool = False) -> None:
        """Put an endpoint at an address.

        `pattern` is `/api/todos/{id}/done`: a segment in braces takes any text, `{id:int}` digits only. GET answers HEAD too, unless HEAD is
        added itself. Raises `DeclarationError` for a pattern that can't be, for the same method and address twice (unless
        `replaces=True`), and for a replacement that replaces nothing.
        """
        if method not in METHODS:
            raise DeclarationError(f"{method} {pattern}: no such method; write one of {', '.join(METHODS)}.")
        branch, names = self._grow(method, pattern)
        address = branch.address
        if address is None:
            address = branch.address = _Address()
            if not names:
                self._whole[pattern] = address
        old = address.routes.get(method)
        if old is not None and not replaces:
            raise DeclarationError(f"{method} {pattern}: {method} {old.pattern} is there already; add replaces=True to take its place.")
        if old is None and replaces:
            raise DeclarationError(f"{method} {pattern}: replaces=True, but nothing is there to replace; check the path or leave it out.")
        address.put(Route(method, pattern, endpoint), names)

    def route(self, method: str, path: str) -> Match[T]:
        """The endpoint for a decoded path.

        Raises `Problem` 404, or 405 with `Allow`; `Answered` (204 with `Allow`) for OPTIONS where no endpoint of that method was added.
        """
        whole = self._whole.get(path)
        address, values = self._find(path) if whole is None else (whole, _NO_VALUES)
        found = address.methods.get(method)
        if found is None:
            if method == "OPTIONS":
                raise Answered(Response(204, [(b"allow", address.allow.encode())], b""))
            raise Problem("http.method_not_allowed", f"{path} takes {address.allow}.", headers={"Allow": address.allow})
        endpoint, names = found
        if len(names) == 1:
            return Match(endpoint, {names[0]: values[0]})
        return Match(endpoint, dict(zip(names, values, strict=True)) if names else {})

    def routes(self) -> Iterator[Route[T]]:
        """Everything that was added, in no promised order."""
        waiting = [self._root]
        while waiting:
            branch = waiting.pop()
            if branch.address is not None:
                yield from branch.address.routes.values()
            waiting.extend(branch.literals.values())
            waiting.extend(child for child in (branch.number, branch.text) if child is not None)

    def _find(self, path: str) -> tuple[_Address[T], tuple[str, ...]]:
        head, _, tail = path.rpartition("/")
        branch = self._heads.get(head)
        if branch is not None:
            if branch.number is not None and branch.number.address is not None and _is_number(tail):
                return branch.number.address, (tail,)
            if branch.text is not None and branch.text.address is not None and _is_value(tail):
                return branch.text.address, (tail,)
        found = self._walk(self._root, path[1:].split("/"), 0) if path.startswith("/") else None
        if found is None:
            raise Problem("http.not_found")
        return found

    def _walk(self, branch: _Branch[T], segments: list[str], depth: int) -> tuple[_Address[T], tuple[str, ...]] | None:
        if depth == len(segments):
            return None if branch.address is None else (branch.address, ())
        for child, value in branch.follow(segments[depth]):
            found = self._walk(child, segments, depth + 1)
            if found is not None:
                return found[0], value + found[1]
        return None

    def _grow(self, method: str, pattern: str) -> tuple[_Branch[T], tuple[str, ...]]:
        if pattern == "/":
            pattern_segments = [""]
        else:
            pattern_segments = pattern[1:].split("/")
            if not pattern.startswith("/") or any(segment in ("", ".", "..") for segment in pattern_segments):
                raise DeclarationError(f"{method} {pattern}: a path begins with / and has neither empty nor dot segments, nor a / at its end.")
        branch, names, head = self._root, list[str](), ""
        for segment in pattern_segments:
            if "{" not in segment and "}" not in segment:
                branch = branch.literals.setdefault(segment, _Branch())
                if not names:
                    head += "/" + segment
                    self._heads[head] = branch
                continue
            name, _, kind = segment[1:-1].partition(":")
            if segment != f"{{{segment[1:-1]}}}" or not name.isidentifier() or kind not in ("", "int") or name in names:
                raise DeclarationError(f"{method} {pattern}: {segment!r} must be {{name}} or {{name:int}}, with each name once.")
            names.append(name)
            if kind:
                branch.number = branch.number or _Branch()
                branch = branch.number
            else:
                branch.text = branch.text or _Branch()
                branch = branch.text
        return branch, tuple(names)


def _is_value(segment: str) -> bool:
    # A proxy in front may resolve dot segments, and a NUL ends a string elsewhere: neither may reach an endpoint as a value.
    return segment not in ("", ".", "..") and "\0" not in segment


def _is_number(segment: str) -> bool:
    return segment.isascii() and segment.isdigit() and len(segment) <= 19 and (segment[0] != "0" or segment == "0")
