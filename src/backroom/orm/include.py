"""`include=["owner", "members"]`: the rows that others refer to, one query per relation, through the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from backroom.orm.reach import Store
from backroom.resources.conditions import Condition
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Constant, In
from backroom.resources.relations import Cell, Collection
from backroom.resources.resource import load


async def include_relations(db: Any, store: Store, definition: Definition, rows: list[Any], names: Sequence[str]) -> list[Any]:
    """The rows with the named relations loaded. A row that the caller may not read is None (to one) or left out (to many).

    A dotted name goes on from there: `"project.owner"`. Raises `TypeError` for a name that is no relation.
    """
    below: dict[str, list[str]] = {}
    for name in names:
        first, _, rest = name.partition(".")
        below.setdefault(first, []).extend([rest] if rest else [])
    for name, further in below.items():
        field = definition.by_name.get(name)
        if field is not None and field.target is not None:
            rows = await _to_one(db, store, definition, field, rows, further)
        elif name in definition.collections:
            rows = await _to_many(db, store, definition.collections[name], rows, further)
        else:
            known = [each.name for each in definition.references] + list(definition.collections)
            raise TypeError(f"include: {definition.cls.__name__} has no relation {name!r}; it has {', '.join(known) or 'none'}")
    return rows


async def _to_one(db: Any, store: Store, definition: Definition, field: Field, rows: list[Any], further: list[str]) -> list[Any]:
    target = store.catalog.definitions[field.target or ""]
    keys = {row.__dict__[field.name].id for row in rows if row.__dict__.get(field.name) is not None}
    found = {each.id: each for each in await _by_keys(db, target, target.key, keys, further)}
    loaded: list[Any] = []
    for row in rows:
        reference = row.__dict__.get(field.name)
        values = dict(row.__dict__)
        if reference is not None:
            values[field.name] = found.get(reference.id)
            if values[field.name] is None:  # not the caller's to read; the key is a column of this row, and stays one
                values["_unread"] = {**values.get("_unread", {}), field.name: reference.id}
        loaded.append(load(definition.cls, values))
    return loaded


async def _to_many(db: Any, store: Store, collection: Collection, rows: list[Any], further: list[str]) -> list[Any]:
    keys = {row.id for row in rows}
    holder = store.catalog.definitions[collection.junction or collection.target]
    held = await _by_keys(db, holder, collection.via, keys, further if collection.far is None else [])
    reached: dict[Any, Any] = {}
    if collection.far is not None:
        target = store.catalog.definitions[collection.target]
        far_keys = {far.id for each in held if (far := each.__dict__.get(collection.far.name)) is not None}
        reached = {each.id: each for each in await _by_keys(db, target, target.key, far_keys, further)}
    gathered: dict[Any, list[Any]] = {}
    for each in held:
        # The far end may be empty, or hidden from this caller in this row.
        far = None if collection.far is None else each.__dict__.get(collection.far.name)
        member = each if collection.far is None else reached.get(far.id) if far is not None else None
        if member is not None:
            gathered.setdefault(each.__dict__[collection.via.name].id, []).append(member)
    return [load(cast("Any", type(row)), {**row.__dict__, collection.name: gathered.get(row.id, [])}) for row in rows]


async def _by_keys(db: Any, definition: Definition, field: Field, keys: set[Any], include: Sequence[str]) -> list[Any]:
    """Through the caller's own session, so that his view of the target holds."""
    rights = db._store.rules.grant(definition.name, db._actor).rights
    if not keys or rights.read.never:
        return []
    found: list[Any] = []
    ordered = sorted(keys, key=str)
    for start in range(0, len(ordered), 500):
        among = In(Cell((), field, definition.name), tuple(Constant(key) for key in ordered[start : start + 500]))
        found += await db.find(definition.cls, Condition(among), include=include)
    return found
