"""How rows reach each other, as the types of supabase-js read it.

They know a relation by its key (`Relationships`): `users(email)`, `owner_id(email)`, `users!todos_owner_id_fkey(email)`. A name that was declared,
`owner(email)` or `members(*)`, they find as what PostgREST calls a computed relationship: a function from one table to another, which stands
in `select` and is never called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always
from backroom.resources.relations import Collection
from backroom.rest.implication import row_rule, sees_referenced
from backroom.rest.schemas import is_shown
from backroom.rest.typescript_schemas import Member, literal, object_of, overloads, tuple_of, union
from backroom.sql.tables import Tables


class Relation(NamedTuple):
    """`select("name(...)")` leads from some rows to those of `target`: to one or to many. `certain`: never null."""

    name: str
    target: str
    one: bool
    certain: bool


def is_read(definition: Definition) -> bool:
    """Some rows of it are shown to somebody."""
    return row_rule(definition, "read") != Always(False)


def visible_references(catalog: Catalog, definition: Definition) -> list[Field]:
    """Those whose key somebody sees, to rows that somebody reads."""
    return [each for each in definition.references if is_shown(definition, each) != "never" and is_read(catalog.definitions[each.target or ""])]


def visible_collections(catalog: Catalog, definition: Definition) -> list[Collection]:
    """Those to rows that somebody reads, by keys that somebody sees."""
    found: list[Collection] = []
    for each in definition.collections.values():
        holder = catalog.definitions[each.junction or each.target]
        ways = [way for way in (each.via, each.far) if way is not None]
        if is_read(catalog.definitions[each.target]) and all(is_shown(holder, way) != "never" for way in ways):
            found.append(each)
    return found


def relationships(tables: Tables, definition: Definition) -> str:
    """The tuple of keys that point from this table to others."""
    keys: list[str] = []
    for field in visible_references(tables.catalog, definition):
        (key,) = tables[definition.name].c[field.column].foreign_keys
        members = [
            Member("foreignKeyName", literal(str(key.name))),
            Member("columns", f"[{literal(field.column)}]"),
            Member("isOneToOne", literal((field,) in definition.unique)),
            Member("referencedRelation", literal(field.target)),
            Member("referencedColumns", '["id"]'),
        ]
        keys.append(object_of(members))
    return tuple_of(keys)


def declared_relations(catalog: Catalog) -> list[Member]:
    """Declared names as computed relationships, one for each name; tables that lead to the same kind of place share a signature."""
    sources: dict[Relation, list[str]] = {}
    for definition in catalog.definitions.values():
        for relation in relations_of(catalog, definition):
            if not _is_found(catalog, definition, relation):
                sources.setdefault(relation, []).append(definition.name)
    names = dict.fromkeys(relation.name for relation in sources)
    return [
        Member(
            name, overloads(_signature(each, of) for each, of in sources.items() if each.name == name), comment=f'For `select("{name}(...)")` alone.'
        )
        for name in names
    ]


def relations_of(catalog: Catalog, definition: Definition) -> Iterator[Relation]:
    """Every relation that somebody can follow, by its declared name."""
    for field in visible_references(catalog, definition):
        certain = not field.nullable and is_shown(definition, field) == "always" and sees_referenced(catalog.definitions, definition, field)
        yield Relation(field.name, field.target or "", True, certain)
    for each in visible_collections(catalog, definition):
        yield Relation(each.name, each.target, False, True)


def _is_found(catalog: Catalog, definition: Definition, relation: Relation) -> bool:
    """The client finds it by itself: its name is the table's, and nothing else ties the two together."""
    collection = definition.collections.get(relation.name)
    expected = 0 if collection is not None and collection.junction is not None else 1
    return relation.name == relation.target and _keys_between(catalog, definition.name, relation.target) == expected


def _keys_between(catalog: Catalog, one: str, other: str) -> int:
    """References from one of the tables to the other. A table to itself counts twice: there and back."""
    pairs = ((one, other), (other, one))
    return sum(each.target == there for here, there in pairs for each in catalog.definitions[here].references)


def _signature(relation: Relation, sources: Iterable[str]) -> str:
    options = [
        Member("from", union(literal(each) for each in sources)),
        Member("to", literal(relation.target)),
        Member("isOneToOne", literal(relation.one)),
        Member("isSetofReturn", "true"),
        Member("isNotNullable", literal(relation.certain)),
    ]
    refused = f'{{ error: true }} & "{relation.name} is a relation: it stands in select"'
    return object_of([Member("Args", '{ "": never }'), Member("Returns", refused), Member("SetofOptions", object_of(options))])
