"""How rows reach each other, as the types of supabase-js read it.

They know a relation by its key (`Relationships`): `users(email)`, `owner_id(email)`, `users!todos_owner_id_fkey(email)`. A name that was declared,
`owner(email)` or `members(*)`, they find as what PostgREST calls a computed relationship: a function from one table to another, which stands
in `select` and is never called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.nodes import Always
from backroom.resources.relations import Relation
from backroom.rest.implication import row_rule, sees_referenced
from backroom.rest.schemas import is_shown
from backroom.rest.typescript_schemas import Member, literal, object_of, overloads, tuple_of, union


def is_read(definition: Definition) -> bool:
    """Some rows of it are shown to somebody."""
    return row_rule(definition, "read") != Always(False)


def declared_relations(catalog: Catalog, resource: str) -> dict[str, Relation]:
    """By their names, those that somebody can follow."""
    return {name: relation for name, relation in catalog.relations.declared[resource].items() if _is_followed(catalog, relation)}


def _is_followed(catalog: Catalog, relation: Relation) -> bool:
    """To rows that somebody reads, by keys that somebody sees."""
    definitions = catalog.definitions
    ways = ((definitions[resource], definitions[resource].by_column[column]) for resource, column in relation.columns)
    return is_read(definitions[relation.target]) and all(is_shown(definition, field) != "never" for definition, field in ways)


def relationships(catalog: Catalog, definition: Definition) -> str:
    """The tuple of keys that point from this table to others."""
    keys: list[str] = []
    for relation in catalog.relations.of[definition.name]:
        if relation.here.is_reference and relation.junction is None and _is_followed(catalog, relation):
            members = [
                Member("foreignKeyName", literal(relation.constraint)),
                Member("columns", f"[{literal(relation.here.column)}]"),
                Member("isOneToOne", literal((relation.here,) in definition.unique)),
                Member("referencedRelation", literal(relation.target)),
                Member("referencedColumns", f"[{literal(relation.there.column)}]"),
            ]
            keys.append(object_of(members))
    return tuple_of(keys)


def computed_relationships(catalog: Catalog) -> list[Member]:
    """Declared names as functions, one for each name; tables from which it leads to the same kind of place share a signature."""
    sources: dict[tuple[str, str, bool, bool], list[str]] = {}
    for resource in catalog.definitions:
        for name, relation in declared_relations(catalog, resource).items():
            if not _is_found(catalog, name, relation):
                sources.setdefault((name, relation.target, relation.to_one, _is_certain(catalog, relation)), []).append(resource)
    signatures: dict[str, list[str]] = {}
    for (name, target, to_one, certain), resources in sources.items():
        signatures.setdefault(name, []).append(_signature(name, target, resources, to_one=to_one, certain=certain))
    return [Member(name, overloads(texts), comment=f'For `select("{name}(...)")` alone.') for name, texts in signatures.items()]


def _is_found(catalog: Catalog, name: str, relation: Relation) -> bool:
    """The client finds it by itself: it is named as its table, and no other key ties the two together."""
    direct = [each for each in _tying(catalog, relation) if each.junction is None]
    return name == relation.target and direct == ([] if relation.junction is not None else [relation])


def _tying(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    return (each for each in catalog.relations.of[relation.resource] if each.target == relation.target)


def _is_certain(catalog: Catalog, relation: Relation) -> bool:
    """There is a row, and whoever reads the one that leads to it reads it too. Many are a list in any case."""
    if not relation.to_one:
        return True
    definition, field = catalog.definitions[relation.resource], relation.here
    always = field.is_reference and not field.nullable and is_shown(definition, field) == "always"
    return always and sees_referenced(catalog.definitions, definition, field)


def _signature(name: str, target: str, sources: Iterable[str], *, to_one: bool, certain: bool) -> str:
    options = [
        Member("from", union(literal(each) for each in sources)),
        Member("to", literal(target)),
        Member("isOneToOne", literal(to_one)),
        Member("isSetofReturn", "true"),
        Member("isNotNullable", literal(certain)),
    ]
    refused = f'{{ error: true }} & "{name} is a relation: it stands in select"'
    return object_of([Member("Args", '{ "": never }'), Member("Returns", refused), Member("SetofOptions", object_of(options))])
