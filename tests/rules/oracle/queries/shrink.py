"""A mismatch made small: rows, rules, claims and parts of the question are left out for as long as it stays one."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

from backroom import DeclarationError
from tests.databases import database_url
from tests.rules.oracle.build import build
from tests.rules.oracle.draw import Rule, Table
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries.kinds import is_list, is_object
from tests.rules.oracle.queries.play import Case, compare
from tests.rules.oracle.queries.questions import Group, Negated, Question
from tests.rules.oracle.queries.scene import Scene
from tests.rules.oracle.queries.stage import staged

#: Scenes that are tried, at most.
_MOST = 600
#: Steps into a scene: attributes, keys, places.
Way: TypeAlias = "tuple[Any, ...]"
GONE: Any = object()


def smallest(case: Case, database: str) -> tuple[Case, str]:
    """The case and what it says. One that can't be repeated alone stays as it is."""
    said = _mismatch(case, database)
    if said is None:
        return case, "(it does not repeat on its own)"
    tries, shrunk = 0, True
    while shrunk and tries < _MOST:
        shrunk = False
        for smaller in _smaller(case):
            tries += 1
            found = _mismatch(smaller, database)
            if found is not None:
                case, said, shrunk = smaller, found, True
                break
            if tries >= _MOST:
                break
    return case, said


def _mismatch(case: Case, database: str) -> str | None:
    async def ask() -> None:
        app, _ = build(case.scene.tables)
        with tempfile.TemporaryDirectory() as folder, database_url(database, Path(folder)) as url:
            async with staged(case.scene, app, url) as stage:
                caller = next(each for each in stage.scene.callers if each.name == case.caller)
                await compare(stage, caller, case.question, Counter())

    try:
        asyncio.run(ask())
    except Mismatch as mismatch:
        return str(mismatch)
    except (DeclarationError, KeyError, ValueError, TypeError):  # no app, or no question to this one
        return None
    return None


# ---------------------------------------------------------------- what may be left out
def _smaller(case: Case) -> Iterator[Case]:
    for question in _questions(case.question):
        yield case._replace(question=question)
    for way, value in _edits(case.scene):
        yield case._replace(scene=_edited(case.scene, way, value))


def _edited(scene: Scene, way: Way, value: Any) -> Scene:
    """A copy with another value at the end of the way, or none."""
    edited = copy.deepcopy(scene)
    here: Any = edited
    *steps, last = way
    for step in steps:
        here = here[step] if is_list(here) or is_object(here) else getattr(here, str(step))
    if value is GONE:
        del here[last]
    elif is_object(here):
        here[last] = value
    else:
        setattr(here, str(last), value)
    return edited


def _edits(scene: Scene) -> Iterator[tuple[Way, Any]]:
    for name, found in scene.rows.items():
        yield from ((("rows", name, key), GONE) for key in found)
    for name, table in scene.tables.items():
        yield from _edits_of_table(("tables", name), table)
    for index, person in enumerate(scene.people):
        yield from ((("people", index, "claims", claim), GONE) for claim in person.claims)
        if person.roles:
            yield ("people", index, "roles"), ()


def _edits_of_table(way: Way, table: Table) -> Iterator[tuple[Way, Any]]:
    if way[-1] != "users":  # whose email and roles have rules in any case
        yield from (((*way, "fields", column), GONE) for column in table.fields)
    yield from (((*way, "collections", name), GONE) for name in table.collections)
    for action, rule in table.rules.items():
        yield from (((*way, "rules", action), simpler) for simpler in _rules(rule))
    for column, rules in table.fields.items():
        for action, rule in rules.items():
            yield from (((*way, "fields", column, action), simpler) for simpler in _rules(rule))
    if table.unique:
        yield (*way, "unique"), ()


def _rules(rule: Rule) -> Iterator[Rule]:
    if rule[0] != "always":
        yield ("always", True)
        yield ("always", False)
    match rule:
        case ("and" | "or" as word, parts):
            yield from parts
            for index in range(len(parts)):
                if len(parts) > 2:
                    yield (word, (*parts[:index], *parts[index + 1 :]))
                for simpler in _rules(parts[index]):
                    yield (word, (*parts[:index], simpler, *parts[index + 1 :]))
        case ("not", part):
            yield part
            yield from (("not", simpler) for simpler in _rules(part))
        case ("any", path, condition):
            yield from (("any", path, simpler) for simpler in _rules(condition))
        case _:
            pass


def _questions(value: Any) -> Iterator[Any]:
    """The same with something left out, at any depth."""
    if is_list(value) or isinstance(value, tuple):
        parts = list(cast("Iterable[Any]", value))
        plain: Callable[[list[Any]], Any] = list if is_list(value) else tuple
        for index, part in enumerate(parts):
            yield plain([*parts[:index], *parts[index + 1 :]])
            yield from (plain([*parts[:index], each, *parts[index + 1 :]]) for each in _questions(part))
    elif is_object(value):
        yield from ({each: held for each, held in value.items() if each != name} for name in value)
    elif isinstance(value, Group) and len(value.parts) == 1:
        yield value.parts[0]
    elif isinstance(value, Negated):
        yield value.part
        yield from (Negated(each) for each in _questions(value.part))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _without_parts(value)


def _without_parts(value: Any) -> Iterator[Any]:
    for field in fields(value):
        held: Any = getattr(value, field.name)
        if isinstance(value, Question) and field.name in _DROPPED and held != field.default:
            yield replace(value, **{field.name: cast("Any", field.default)})
        if isinstance(held, tuple | list | dict):
            yield from (replace(value, **{field.name: each}) for each in _questions(held))


_DROPPED = ("select", "order", "limit", "offset", "span", "counted", "one", "returns", "named", "missing", "style")
