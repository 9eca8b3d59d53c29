"""Two worlds that differ only in what one caller may not see: whatever he asks, the replies are the same bytes (RULES.md, 16; K 15)."""

from __future__ import annotations

import copy
from collections import Counter
from random import Random
from typing import Any

import httpx2

from tests.rules.oracle.draw import Caller
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries.asking import FACES
from tests.rules.oracle.queries.asking_reads import AskingReads
from tests.rules.oracle.queries.asking_writes import AskingWrites
from tests.rules.oracle.queries.questions import Question
from tests.rules.oracle.queries.scene import Rows, clashes, value, values
from tests.rules.oracle.queries.sight import Sight
from tests.rules.oracle.queries.spell import headers
from tests.rules.oracle.queries.stage import Stage
from tests.rules.oracle.queries.writes import Writes

#: Attempts to change something in secret, of which most are seen.
_ATTEMPTS = 60
_WORDS = ("a", "a*", "ab", "b draft", "draft*", "q", "milk")
_VARYING = ("date", "x-request-id")


async def twins(stage: Stage, caller: Caller, chance: Random, questions: int, counts: Counter[str]) -> None:
    """Asks the same of both worlds. Raises `Mismatch`."""
    here = stage.rows
    there, changes = elsewhere(chance, stage.sight(caller))
    if not changes:
        return
    reads = [AskingReads(chance, stage.sight(caller)).draw() for _ in range(questions)]
    writes = [AskingWrites(chance, stage.sight(caller)).draw() for _ in range(questions // 3)]
    searches = [f"{chance.choice(FACES)}/{name}?search={chance.choice(_WORDS)}" for name, table in stage.scene.tables.items() if table.searched]
    await stage.put(here)  # as it comes from the driver, in both
    first = [await stage.ask(caller, question) for question in reads] + [await _tried(stage, caller, question, here) for question in writes]
    found = [told(await stage.get(caller, path, {})) for path in searches]
    await stage.put(there)
    elsewhere_found = [told(await stage.get(caller, path, {})) for path in searches]
    second = [await stage.ask(caller, question) for question in reads] + [await _tried(stage, caller, question, there) for question in writes]
    await stage.put(here)
    counts["twins"] += len(searches)
    if found != elsewhere_found:
        raise Mismatch(f"two worlds find different rows\n{caller}\n{searches}\n here {found}\nthere {elsewhere_found}\nwhat differs: {changes}")
    for question, one, other in zip([*reads, *writes], first, second, strict=True):
        counts["twins"] += 1
        if question in writes and not _alike(stage, caller, question, (here, there), (one, other)):
            continue
        if told(one) != told(other):
            raise Mismatch(
                f"two worlds answer differently\n{caller}\n{question.method} {stage.address(question)} {headers(question)} {question.body or ''}\n"
                f" here {told(one)}\nthere {told(other)}\nwhat differs: {changes}\n{question}"
            )


async def _tried(stage: Stage, caller: Caller, question: Question, rows: Rows) -> httpx2.Response:
    """A write, undone."""
    response = await stage.ask(caller, question)
    await stage.put(rows)
    return response


def _alike(stage: Stage, caller: Caller, question: Question, worlds: tuple[Rows, Rows], responses: tuple[httpx2.Response, httpx2.Response]) -> bool:
    """Both are refusals of one kind. Whether a write is refused may depend on what its sender can't see: rules see everything."""
    sights = [Sight(stage.scene.tables, rows, caller) for rows in worlds]
    statuses = {Writes(sight, question).outcome().status for sight in sights}
    refused = len(statuses) == 1 and statuses.pop() >= 400 and all(response.status_code >= 400 for response in responses)
    return refused and len({(response.json()["code"], response.json()["title"]) for response in responses}) == 1


def told(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    shown = {name: held for name, held in response.headers.items() if name not in _VARYING}
    return response.status_code, shown, response.content


def elsewhere(chance: Random, sight: Sight) -> tuple[Rows, list[str]]:
    """Other tables of which the caller is shown the same, and what was changed."""
    rows, changes = sight.all, list[str]()
    for _ in range(_ATTEMPTS):
        changed, told_ = _changed(chance, sight, rows)
        if changed is not None and _unseen(sight, changed):
            rows = changed
            changes.append(told_)
            if len(changes) == 8:
                break
    return rows, changes


def _unseen(sight: Sight, rows: Rows) -> bool:
    other = sight.at(rows)
    return all(other.rows(name) == sight.rows(name) for name in sight.tables)


def _changed(chance: Random, sight: Sight, rows: Rows) -> tuple[Rows | None, str]:
    name = chance.choice([each for each in sight.tables if each != "users"])
    table, shown = sight.tables[name], sight.rows(name)
    hidden = [key for key in rows[name] if key not in shown]
    what = chance.choice(("cell", "cell", "cell", "new", "gone"))
    after = {**rows, name: copy.deepcopy(rows[name])}
    key: Any
    if what == "gone" and hidden:
        key = chance.choice(hidden)
        del after[name][key]
        lost = any(
            target == name and row[f"{reference}_id"] == key
            for holder, its in sight.tables.items()
            for reference, (target, _, _) in its.references.items()
            for row in after[holder].values()
        )
        return (None if lost else after), f"{name} {key} is gone"
    if what == "new":
        key = 500 + len(after[name]) if table.key == "integer" else f"00000000-0000-4000-8000-00000000f{len(after[name]):03d}"
        keys = {each: [*found] for each, found in rows.items()}
        if key in after[name] or not all(keys[target] for target, _, _ in table.references.values()):
            return None, ""
        row = {"id": key, **values(chance, table, keys)}
    else:
        masked = [(key, column) for key, row in shown.items() for column in sight.columns(name) if column not in row]
        cells = masked + [(key, column) for key in hidden for column in sight.columns(name) if column != "id"]
        if not cells:
            return None, ""
        key, column = chance.choice(cells)
        row = {**after[name][key], column: _other(chance, sight, name, column, rows)}
    if clashes(table, row, after[name].values()):
        return None, ""
    after[name][key] = row
    return after, f"{name} {key} is {row}"


def _other(chance: Random, sight: Sight, name: str, column: str, rows: Rows) -> Any:
    table, field = sight.tables[name], sight.field(name, column)
    if field in table.columns:
        return value(chance, *table.columns[field])
    target, nullable, _ = table.references[field]
    return chance.choice([*rows[target], *([None] if nullable else [])])
