"""Drawn scenes and what their people ask, compared reply by reply and table by table with what the rules say."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import httpx2

from tests.rules.oracle.draw import Caller
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries.answers import Answer, read
from tests.rules.oracle.queries.asking_reads import AskingReads
from tests.rules.oracle.queries.asking_writes import AskingWrites
from tests.rules.oracle.queries.pages import follow
from tests.rules.oracle.queries.questions import Question
from tests.rules.oracle.queries.scene import Rows, Scene
from tests.rules.oracle.queries.selections import Bag, same
from tests.rules.oracle.queries.spell import headers
from tests.rules.oracle.queries.stage import Stage, drawn, plain, staged
from tests.rules.oracle.queries.third_engine import ask_thrice
from tests.rules.oracle.queries.two_worlds import twins
from tests.rules.oracle.queries.writes import New, Outcome, Writes, reply

#: So many of the questions only read; so many are put to another caller, too; so often a second world is made.
READS, AGAIN, TWINS = 0.75, 0.2, 0.015
#: And on Postgres, so often its own row level security is asked as well.
THRICE = 0.02


def play(seed: str, url: str, questions: int) -> Counter[str]:
    """One scene and so many questions. Raises `Mismatch`, which begins with the seed."""
    return asyncio.run(_play(seed, url, questions))


async def _play(seed: str, url: str, questions: int) -> Counter[str]:
    scene, app = drawn(seed)
    chance, counts = Random(f"{seed}/asked"), Counter[str]()
    async with staged(scene, app, url) as stage:
        try:
            await ask_all(stage, chance, questions, counts)
        except Mismatch as mismatch:
            raise Mistaken(f"seed {seed}\n{mismatch}", getattr(mismatch, "case", None)) from None
    return counts


class Case(NamedTuple):
    """One question to one scene."""

    scene: Scene
    caller: str | None
    question: Question


class Mistaken(Mismatch):
    """`case`: what to ask to see it again; None where it takes more than one question."""

    def __init__(self, said: str, case: Case | None) -> None:
        self.case = case
        super().__init__(said)


async def ask_all(stage: Stage, chance: Random, questions: int, counts: Counter[str]) -> None:
    begun = stage.rows
    question: Question | None = None
    while counts["cases"] + counts["twins"] + counts["thrice"] < questions:
        caller = chance.choice(stage.scene.callers)
        if question is None or chance.random() > AGAIN:  # else the same of another caller
            asking = AskingReads if chance.random() < READS else AskingWrites
            question = asking(chance, stage.sight(caller)).draw()
        before = stage.rows
        try:
            await compare(stage, caller, question, counts)
        except Mismatch as mismatch:
            rows = {name: found for name, found in before.items() if name != "users"}
            raise Mistaken(str(mismatch), Case(replace(stage.scene, rows=rows), caller.name, question)) from None
        if stage.rows is not begun and chance.random() < 0.1:
            await stage.put(begun)
        if chance.random() < TWINS:
            await twins(stage, caller, chance, 9, counts)
        if not stage.driver.sqlite and chance.random() < THRICE:
            await ask_thrice(stage, caller, chance, 9, counts)


async def compare(stage: Stage, caller: Caller, question: Question, counts: Counter[str]) -> None:
    sight = stage.sight(caller)
    reading = question.method in ("GET", "HEAD")
    writes = Writes(sight, question)
    outcome = Outcome(0) if reading else writes.outcome()
    wanted = read(sight, question) if reading else Answer(outcome.status)
    try:
        response = await stage.ask(caller, question)
    except Exception as error:
        raise Mismatch(told(stage, caller, question, wanted, None, repr(error))) from error
    if not reading:
        found = await stage.driver.dump()
        right, touched = numbered(outcome, question.resource, stage.rows, found)
        wanted = reply(writes, outcome._replace(touched=touched), sight.at(right))
        if found != right:
            lost = next(name for name in right if found[name] != right[name])
            raise Mismatch(told(stage, caller, question, wanted, response, f"{lost} holds\n {found[lost]}\ninstead of\n {right[lost]}"))
        if outcome.rows is not None:
            stage.rows = right
            counts["written"] += bool(touched)
    fault = difference(question, response, wanted)
    if fault is not None:
        raise Mismatch(told(stage, caller, question, wanted, response, fault))
    if wanted.more and not question.one and question.method == "GET" and not isinstance(wanted.body, Bag):
        await follow(stage, caller, question, response, counts)
    counts["cases"] += 1
    counts[f"{question.method} {response.status_code}"] += 1
    counts["with rows"] += bool(wanted.body)


def numbered(outcome: Outcome, name: str, before: Rows, found: Rows) -> tuple[Rows, tuple[Any, ...]]:
    """The tables as they must be, and the keys of the written rows, with the keys that the server gave the new ones."""
    if outcome.rows is None:
        return before, outcome.touched
    rows, keys = dict(outcome.rows[name]), dict[Any, Any]()
    fresh = [key for key in found[name] if key not in before[name]]
    for new in [key for key in rows if isinstance(key, New)]:
        row = rows[new]
        key = next((each for each in fresh if found[name][each] == {**row, "id": each}), None)
        if key is not None:
            fresh.remove(key)
            keys[new] = key
            del rows[new]
            rows[key] = {**row, "id": key}
    return {**outcome.rows, name: rows}, tuple(keys.get(key, key) for key in outcome.touched)


def difference(question: Question, response: httpx2.Response, wanted: Answer) -> str | None:
    # PostgREST says 300 of a relation that may mean several.
    status = 400 if response.status_code == 300 and question.is_postgrest else response.status_code
    if status != wanted.status:
        return "the status is wrong"
    if wanted.span is not None and response.headers.get("content-range") != wanted.span:
        return f"Content-Range is {response.headers.get('content-range')}"
    if wanted.more is not None and ("link" in response.headers) is not wanted.more:
        return "the link to the next page is wrong"
    if wanted.body is None or question.method == "HEAD":
        return None
    return None if same(plain(response.json()), wanted.body) else "the body is wrong"


def told(stage: Stage, caller: Caller, question: Question, wanted: Answer, response: httpx2.Response | None, fault: str) -> str:
    table = stage.scene.tables[question.resource]
    got = "" if response is None else f"{response.status_code} {response.headers.get('content-range')} {response.text[:1500]}"
    return (
        f"{fault}\n{caller}\n{question.method} {stage.address(question)} {headers(question)} {question.body or ''}\n"
        f" got {got}\nwant {wanted.status} {wanted.span} {wanted.body}\n{question}\n{table}\nrows: {stage.rows[question.resource]}"
    )
