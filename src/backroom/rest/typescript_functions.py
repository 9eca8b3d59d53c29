"""An app's own functions as `rpc` of supabase-js types them: their arguments and their reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from backroom.resources.catalog import Catalog
from backroom.resources.relations import Relation
from backroom.rest.openapi_endpoints import CustomEndpoint, holds_rows, is_resource
from backroom.rest.openapi_names import resource_names
from backroom.rest.replies import Reply
from backroom.rest.typescript_relations import declared_relations, is_read
from backroom.rest.typescript_schemas import NOTHING, Member, Types, array_of, comment, first_paragraph, literal, object_of, union

_ADDRESS = "/api/rpc/"
_NO_ARGUMENTS = "Record<PropertyKey, never>"


def loaded_names(catalog: Catalog) -> dict[str, str]:
    """Resource -> what its row with relations is called."""
    return {resource: f"{name}WithRelations" for resource, name in resource_names(catalog, ()).items()}


class Functions:
    """The functions of one document, and the rows with relations that they return. `names`: what those rows are called."""

    def __init__(self, catalog: Catalog, types: Types, names: Mapping[str, str]) -> None:
        self._catalog, self._types, self._names = catalog, types, names
        self._reached: dict[str, str] = {}  # resource -> its row with relations, in text

    def described(self, endpoints: Iterable[CustomEndpoint]) -> list[Member]:
        """One member for each function that `rpc` can name."""
        named = {each.path.removeprefix(_ADDRESS): each for each in endpoints if each.method == "POST" and each.path.startswith(_ADDRESS)}
        return [
            Member(
                name,
                object_of([Member("Args", self._arguments(each)), Member("Returns", self._reply(each.returns))]),
                comment=first_paragraph(each.description),
            )
            for name, each in named.items()
            if "{" not in name and "/" not in name
        ]

    def rows(self) -> dict[str, str]:
        """Name -> text of the rows with relations that some function returns."""
        return {
            self._names[resource]: comment(f"A row of `{resource}` as a function returns it, with the relations that its code loaded.")
            + f"export type {self._names[resource]} = {text}"
            for resource, text in self._reached.items()
        }

    def _arguments(self, endpoint: CustomEndpoint) -> str:
        if endpoint.arguments.model is not None:
            return self._types.of(endpoint.arguments.model, "in")
        fields = endpoint.arguments.body.values()
        members = [Member(each.name, self._types.of_field(each, "in"), each.has_default, each.options.description or "") for each in fields]
        return object_of(members) if members else _NO_ARGUMENTS

    def _reply(self, annotation: Any) -> str:
        """Rows are their tables' rows, also inside lists, dicts and unions; the rest is pydantic's. A reply without a body is null."""
        if annotation is Reply or get_origin(annotation) is Reply:
            return self._reply(next(iter(get_args(annotation)), Any))
        if annotation in (None, type(None)):
            return "null"
        if is_resource(annotation):
            return self._row(self._catalog.of(annotation).name)
        if not holds_rows(annotation):
            return self._types.of(annotation, "out")
        parts = [self._reply(part) for part in get_args(annotation) if part is not ...]
        origin = get_origin(annotation)
        if origin in (Union, UnionType):
            return union(parts)
        if origin is dict:
            return f"{{ [key: string]: {parts[-1]} }}"
        if origin is tuple and ... not in get_args(annotation):
            return f"[{', '.join(parts)}]"
        return array_of(parts[0]) if len(parts) == 1 else "Json"

    def _row(self, resource: str) -> str:
        definition = self._catalog.definitions[resource]
        if not is_read(definition):
            return NOTHING  # nobody sees it, whoever read it
        row = f'Database["public"]["Tables"][{literal(resource)}]["Row"]'
        relations = declared_relations(self._catalog, resource)
        if not relations:
            return row
        if resource not in self._reached:
            self._reached[resource] = ""  # rows may lead back here
            members = [Member(name, self._related(each), optional=True) for name, each in relations.items()]
            self._reached[resource] = f"{row} & {object_of(members)}"
        return self._names[resource]

    def _related(self, relation: Relation) -> str:
        row = self._row(relation.target)
        return row if relation.here.is_reference and relation.junction is None else array_of(row)  # code loads the other side as a list
