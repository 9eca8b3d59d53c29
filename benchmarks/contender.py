"""What a contender is: how to start it, how it spells the todos work, and how to look at its rows without asking it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

SEED = 20261123  # of every shuffle and every title: the same requests in the same order for everybody
PASSWORD = "correct-horse-battery-9"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Place:
    """Where one contender of one round runs: its own folder, port and database."""

    def __init__(self, folder: Path, port: int, database: str | None) -> None:
        self.folder, self.port, self.database = folder, port, database

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Account:
    """A signed-up user: the key that rows carry, and a bearer token."""

    email: str
    key: str
    token: str


@dataclass(frozen=True)
class Call:
    """One request, before the token is added."""

    method: str
    path: str
    body: str = ""
    kind: str = ""
    prefer: str = ""

    def line(self) -> str:
        return f"{self.method}\t{self.path}\t{self.kind}\t{self.prefer}\t{self.body}\n"


@dataclass(frozen=True)
class Spelling:
    """How what goes beyond one plain table is asked for (see `projects.py`).

    `fill` inserts rows of an owner into a table and returns their keys. `lists`: list -> its path, in which `{project}` and `{word}` are filled in.
    `upsert` takes slug, color and owner, `bulk` titles, project and owner. `related` takes a row and the name of a relation, `total` the headers
    and the parsed body of a reply that counted.
    """

    fill: Callable[[Place, Account, str, Sequence[Mapping[str, Any]]], list[str]]
    lists: Mapping[str, str]
    upsert: Callable[[str, str, str], Call]
    bulk: Callable[[list[str], str, str], Call]
    related: Callable[[dict[str, Any], str], Any]
    total: Callable[[Mapping[str, str], Any], int]
    prefer: Mapping[str, str] = field(default_factory=dict[str, str])

    def list(self, name: str, **filled: str) -> Call:
        return Call("GET", self.lists[name].format(**filled), prefer=self.prefer.get(name, ""))


@dataclass(frozen=True)
class Wire:
    """How the same requests are spelled. `rows` takes the parsed list reply; `account` reads (key, token) from sign-in's reply."""

    account: Callable[[Any], tuple[str, str]]
    signup_path: str = "/auth/v1/signup"
    signup: Callable[[str], dict[str, str]] = lambda email: {"email": email, "password": PASSWORD}
    signin_path: str = "/auth/v1/token?grant_type=password"
    signin: Callable[[str], dict[str, str]] = lambda email: {"email": email, "password": PASSWORD}
    signin_kind: str = JSON
    todos: str = "/api/todos"
    list_query: str = "limit=20&order=id.desc"
    health: str = "/health"
    owner_in_body: bool = False
    rows: Callable[[Any], list[dict[str, Any]]] = lambda reply: reply
    signed_out: frozenset[int] = frozenset({401})
    spelling: Spelling | None = None

    def sign_up(self, email: str) -> Call:
        return Call("POST", self.signup_path, json.dumps(self.signup(email)), JSON)

    def sign_in(self, email: str) -> Call:
        given = self.signin(email)
        return Call("POST", self.signin_path, urlencode(given) if self.signin_kind == FORM else json.dumps(given), self.signin_kind)

    def create(self, title: str, owner: str, **fields: Any) -> Call:
        given = {"title": title, **fields} | ({"owner_id": owner} if self.owner_in_body else {})
        return Call("POST", self.todos, json.dumps(given), JSON)

    def list(self) -> Call:
        return Call("GET", f"{self.todos}?{self.list_query}")

    def read(self, key: str) -> Call:
        return Call("GET", f"{self.todos}/{key}")

    def update(self, key: str, **fields: Any) -> Call:
        return Call("PATCH", f"{self.todos}/{key}", json.dumps(fields), JSON)

    def delete(self, key: str) -> Call:
        return Call("DELETE", f"{self.todos}/{key}")


class Rows(Protocol):
    """A contender's tables, reached around it: to seed it, and to see what really happened."""

    def add(self, place: Place, owner: Account, count: int) -> list[str]:
        """Insert `count` todos of `owner`; returns their keys as they stand in a URL."""
        ...

    def count(self, place: Place, *, title_prefix: str = "") -> int:
        """How many rows the workloads write there are, of everybody; with a prefix: whose title begins so."""
        ...

    def settle(self, place: Place) -> None:
        """Bring a freshly seeded table to rest: statistics, checkpoint."""
        ...


@dataclass(frozen=True)
class Contender:
    """`template` names what is seeded once and copied for every round: two contenders of one name share it."""

    key: str
    title: str
    database: Literal["sqlite", "postgresql"]
    template: str
    command: Callable[[Place], list[str]]
    wire: Wire
    rows: Rows
    durability: str
    passwords: str
    runtime: str
    packages: tuple[str, ...] = ()
    environment: Callable[[Place], Mapping[str, str]] = field(default=lambda place: {})


def titles(count: int, prefix: str = "Buy milk") -> list[str]:
    """Titles of one length, so that the n-th request costs what the first one does."""
    return [f"{prefix} {number:07d}" for number in range(count)]
