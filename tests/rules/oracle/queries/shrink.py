"""A mismatch made small: rows, rules, claims and parts of the question are left out for as long as it stays one."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from backroom import DeclarationError
from tests.databases import database_url
from tests.rules.oracle.build import build
from tests.rules.oracle.draw import Rule
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries.play import Case, compare
from tests.rules.oracle.queries.questions import Group, Negated, Question
from tests.rules.oracle.queries.scene import Scene
from tests.rules.oracle.queries.stage import staged

#: Scenes that are tried, at most.
_MOST = 600


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
    for change in _changes(case.scene):
        scene = copy.deepcopy(case.scene)
        change(scene)
        yield case._replace(scene=scene)


def _changes(scene: Scene) -> Iterator[Callable[[Scene], object]]:
    for name, found in scene.rows.items():
        for key in found:
            yield lambda scene, name=name, key=key: scene.rows[name].pop(key)
    for name, table in scene.tables.items():
        for column in table.fields:
            if name != "users":
                yield lambda scene, name=name, column=column: scene.tables[name].fields.pop(column)
        for collection in table.collections:
            yield lambda scene, name=name, collection=collection: scene.tables[name].collections.pop(collection)
        for action, rule in table.rules.items():
            for simpler in _rules(rule):
                yield lambda scene, name=name, action=action, simpler=simpler: scene.tables[name].rules.update({action: simpler})
        for column, rules in table.fields.items():
            for action, rule in rules.items():
                for simpler in _rules(rule):
                    yield (
                        lambda scene, name=name, column=column, action=action, simpler=simpler: (
                            scene.tables[name].fields[column].update({action: simpler})
                        )
                    )
        if table.unique:
            yield lambda scene, name=name: setattr(scene.tables[name], "unique", ())
    for index, person in enumerate(scene.people):
        for claim in person.claims:
            yield lambda scene, index=index, claim=claim: scene.people[index].claims.pop(claim)
        if person.roles:
            yield lambda scene, index=index: setattr(scene.people[index], "roles", ())


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
    match value:
        case tuple() | list():
            plain: Any = type(value)
            for index in range(len(value)):
                yield plain((*value[:index], *value[index + 1 :]))
                yield from (plain((*value[:index], each, *value[index + 1 :])) for each in _questions(value[index]))
        case dict():
            for name in value:
                yield {each: held for each, held in value.items() if each != name}
        case Group(_, parts) if len(parts) == 1:
            yield parts[0]
        case Negated(part):
            yield part
            yield from (Negated(each) for each in _questions(part))
        case _ if is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                held = getattr(value, field.name)
                if held != field.default and isinstance(value, Question) and field.name in _DROPPED:
                    yield replace(value, **{field.name: field.default})
                if isinstance(held, tuple | list | dict):
                    yield from (replace(value, **{field.name: each}) for each in _questions(held))


_DROPPED = ("select", "order", "limit", "offset", "span", "counted", "one", "returns", "named", "missing", "style")
