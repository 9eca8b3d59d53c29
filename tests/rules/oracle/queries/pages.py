"""Pages followed by their links to the end: every row that the caller may read and the query asks for, in order, each once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import httpx2

from tests.rules.oracle.draw import Caller
from tests.rules.oracle.play import Mismatch
from tests.rules.oracle.queries.answers import bounds, read
from tests.rules.oracle.queries.questions import Question
from tests.rules.oracle.queries.selections import same
from tests.rules.oracle.queries.spell import headers
from tests.rules.oracle.queries.stage import Stage, plain

_MOST = 40


async def follow(stage: Stage, caller: Caller, question: Question, response: httpx2.Response, counts: Counter[str]) -> None:
    """Raises `Mismatch`. `response`: the first page."""
    whole = replace(question, limit=1000, offset=bounds(question)[0], span=None, counted=False)
    right = read(stage.sight(caller), whole).body
    found, addresses = plain(response.json()), list[str]()
    while "link" in response.headers and len(addresses) < _MOST:
        addresses.append(response.headers["link"].partition(">")[0].removeprefix("<"))
        response = await stage.get(caller, addresses[-1], headers(question))
        if response.status_code not in (200, 206):
            raise Mismatch(f"a next page is refused\n{caller}\n{addresses}\n{response.status_code} {response.text[:500]}\n{question}")
        found += plain(response.json())
        counts["pages"] += 1
    if not same(found, right):
        raise Mismatch(
            f"pages have other rows than the whole list\n{caller}\n{stage.address(question)}\n{addresses}\n got {found}\nwant {right}\n{question}"
        )
    other = next(each for each in stage.scene.callers if each.name != caller.name)
    if addresses and "after=" in addresses[0] and stage.sight(other).closed(question.resource, "read") is None:
        stolen = await stage.get(other, addresses[0], headers(question))
        if stolen.status_code not in (300, 400):  # 300: to him a relation of it may mean several
            raise Mismatch(f"a cursor serves another caller\n{caller} {other}\n{addresses[0]}\n{stolen.status_code} {stolen.text[:500]}")
