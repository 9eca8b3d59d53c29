"""The relations between resources, as queries name them: by what was declared, by a reference's column, by the other resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backroom.resources.definition import Definition
from backroom.resources.relations import Junction, Relation


class Relations:
    """All relations of an app. `declared[resource][name]` are those that the classes name, `of[resource]` every one that keys make."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.of: dict[str, tuple[Relation, ...]] = {}
        found: dict[str, list[Relation]] = {name: [] for name in definitions}
        for definition in definitions.values():
            for relation in (*_direct(definition, definitions), *_through(definition, definitions)):
                found[relation.resource].append(relation)
        self.of = {name: tuple(relations) for name, relations in found.items()}
        self.declared = {name: _declared(definition, self.of[name]) for name, definition in definitions.items()}

    def find(self, resource: str, name: str, hint: str | None = None) -> tuple[Relation, ...]:
        """Those that `name` may mean: one is meant, several are ambiguous. What a class declares comes first, then columns, then the rest."""
        declared = self.declared[resource].get(name)
        if declared is not None and hint is None:
            return (declared,)
        all_of_them = self.of[resource]
        if declared is not None:
            named: tuple[Relation, ...] = (declared,)
        else:
            named = tuple(each for each in all_of_them if each.here.is_reference and each.here.column == name) or tuple(
                each for each in all_of_them if name == each.constraint and each.junction is None
            )
            named = named or tuple(each for each in all_of_them if each.target == name and not _is_up(each, all_of_them))
        if hint is None:
            return named
        candidates = named if declared is not None else (*named, *(each for each in all_of_them if each.target == name and each not in named))
        candidates = tuple(each for each in candidates if each in named or not _is_up(each, all_of_them))
        return tuple(each for each in candidates if hint in _hints(each))


def _is_up(relation: Relation, others: tuple[Relation, ...]) -> bool:
    """Of a resource that refers to itself, its name means the rows below; the row above is named by its reference."""
    itself = relation.target == relation.resource and relation.junction is None
    return itself and relation.here.is_reference and any(each.there is relation.here for each in others)


def _hints(relation: Relation) -> frozenset[str]:
    """What may stand behind `!`: the constraint, the column that holds the reference, the junction."""
    if relation.junction is not None:
        return frozenset({relation.junction.resource, relation.constraint})
    own = relation.here if relation.here.is_reference else relation.there
    return frozenset({relation.constraint, own.column, own.name})


def _direct(definition: Definition, definitions: Mapping[str, Definition]) -> Iterator[Relation]:
    """Of each reference: its row, and from there all rows that refer to it (one, if the reference is unique)."""
    for reference in definition.references:
        assert reference.target is not None
        key = definitions[reference.target].key
        constraint = f"{definition.name}_{reference.column}_fkey"
        yield Relation(definition.name, reference.target, reference, key, True, constraint)
        yield Relation(reference.target, definition.name, key, reference, (reference,) in definition.unique, constraint)


def _through(between: Definition, definitions: Mapping[str, Definition]) -> Iterator[Relation]:
    """A resource ties two others together if a unique key consists of two references, or a collection is declared through it."""
    pairs = {group for group in between.unique if len(group) == 2 and all(each.is_reference for each in group)}
    pairs |= {
        (each.via, each.far) for other in definitions.values() for each in other.collections.values() if each.junction == between.name and each.far
    }
    seen: set[frozenset[str]] = set()
    for one, other in sorted(pairs, key=lambda pair: [each.column for each in pair]):
        if frozenset({one.column, other.column}) in seen:
            continue
        seen.add(frozenset({one.column, other.column}))
        for near, far in ((one, other), (other, one)):
            assert near.target is not None
            assert far.target is not None
            here, there = definitions[near.target].key, definitions[far.target].key
            yield Relation(near.target, far.target, here, there, False, between.name, Junction(between.name, near, far))


def _declared(definition: Definition, relations: tuple[Relation, ...]) -> dict[str, Relation]:
    named = {each.name: relation for each in definition.references for relation in relations if relation.here is each and relation.junction is None}
    for name, collection in definition.collections.items():
        for relation in relations:
            direct = relation.junction is None and collection.junction is None and relation.there is collection.via
            through = relation.junction is not None and (relation.junction.near, relation.junction.far) == (collection.via, collection.far)
            if (direct and not relation.here.is_reference) or through:
                named[name] = relation
    return named
