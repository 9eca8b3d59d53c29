"""What a caller sees of a table, three times: by our reply, by the oracle, by Postgres' row level security."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from tests.rules.oracle.draw import Caller
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries.asking import Asking
from tests.rules.oracle.queries.levels import Fault, Level
from tests.rules.oracle.queries.policies import Writer, secured, writable
from tests.rules.oracle.queries.questions import Condition, Pick, Question
from tests.rules.oracle.queries.sight import Sight
from tests.rules.oracle.queries.stage import Stage


async def ask_thrice(stage: Stage, caller: Caller, chance: Random, questions: int, counts: Counter[str]) -> None:
    """Raises `Mismatch`."""
    name, sight = chance.choice([*stage.scene.tables]), stage.sight(caller)
    writer, asking = Writer(stage.scene.tables, caller), Asking(chance, sight)
    policy = writer.rule(sight.rule(name, "read"), name, f'public."{name}"')
    async with secured(stage.driver, name, policy):
        asked = [(), *(asking.where(name) for _ in range(questions - 1))]
        wheres = [where for where in asked if all(writable(each, sight, name) for each in where) and _makes_sense(sight, name, where)]
        texts = [" and ".join(writer.condition(each, name, f'public."{name}"') for each in where) or "true" for where in wheres]
        theirs = [[_plain(row[0]) for row in await stage.driver.run(f'SELECT id FROM public."{name}" WHERE {text} ORDER BY id')] for text in texts]
    for where, text, third in zip(wheres, texts, theirs, strict=True):
        level = Level(sight, name, (Pick("id"),), where, ())
        right = [row["id"] for row in level.ordered(level.matching(list(sight.rows(name).values())))]
        question = Question("/rest/v1", "GET", name, select=(Pick("id"),), where=where)
        response = await stage.ask(caller, question)
        ours = [row["id"] for row in response.json()] if response.status_code == 200 else response.text
        counts["thrice"] += 1
        counts["thrice with rows"] += bool(right)
        if not ours == right == third:
            told = (
                f"{caller}\n{stage.address(question)}\n ours {ours}\n oracle {right}\n policy {third}\n{policy}\n{text}\n{stage.scene.tables[name]}"
            )
            raise Mismatch(f"three engines see different rows of {name}\n{told}\nrows: {stage.rows[name]}")


def _makes_sense(sight: Sight, name: str, where: tuple[Condition, ...]) -> bool:
    try:
        Level(sight, name, (), where, ())
    except Fault:
        return False
    return True


def _plain(key: Any) -> Any:
    return key if isinstance(key, int) else str(key)
