"""The actions of a resource: rows of one table, so that no step can be forgotten in one of them."""

from __future__ import annotations

from typing import NamedTuple

from backroom.rest.creating import Create
from backroom.rest.endpoint import Endpoint
from backroom.rest.faces import API, POSTGREST, Face
from backroom.rest.many import DeleteMany, UpdateMany
from backroom.rest.putting import ReplaceByFilter
from backroom.rest.reading import ReadList, ReadOne
from backroom.rest.steps import ResourceSteps
from backroom.rest.writing import Delete, Replace, Update


class ActionRow(NamedTuple):
    name: str
    method: str
    item: bool  # at /api/todos/{id}, else at /api/todos
    steps: type[ResourceSteps]
    face: Face | None = None  # the only one that has it: PostgREST's has no addresses of single rows


ACTION_TABLE: tuple[ActionRow, ...] = (
    ActionRow("list", "GET", False, ReadList),
    ActionRow("create", "POST", False, Create),
    ActionRow("update many", "PATCH", False, UpdateMany),
    ActionRow("delete many", "DELETE", False, DeleteMany),
    ActionRow("read", "GET", True, ReadOne, API),
    ActionRow("replace", "PUT", True, Replace, API),
    ActionRow("update", "PATCH", True, Update, API),
    ActionRow("delete", "DELETE", True, Delete, API),
    ActionRow("replace by filter", "PUT", False, ReplaceByFilter, POSTGREST),
)


def addresses(endpoint: Endpoint) -> list[tuple[str, str, ResourceSteps]]:
    """(method, path, steps) of every action of one resource."""
    rows = [row for row in ACTION_TABLE if row.face in (None, endpoint.face)]
    return [(row.method, f"{endpoint.path}/{{id}}" if row.item else endpoint.path, row.steps(endpoint)) for row in rows]
