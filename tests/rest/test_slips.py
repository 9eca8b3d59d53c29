"""What people who know another API write into an address: each is refused, and the refusal says what to write here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rest.crowded_app import THING, crowded_app
from tests.rest.world import faults_of, running

#: Query -> the parameter that is told, and what to write.
SLIPS = {
    "done=is.False": ("done", "`is.false`"),
    "done=is.TRUE": ("done", "`is.true`"),
    "done=is.Null": ("done", "`is.null`"),
    "text=is.NULL": ("text", "`is.null`"),
    "order=-created_at": ("order", "`created_at.desc`"),
    "order=text,-count": ("order", "`count.desc`"),
    "order=created_at desc": ("order", "`created_at.desc`"),
    "order=created_at:asc": ("order", "`created_at.asc`"),
    "order=text.DESC": ("order", "`text.desc`"),
    "sort=created_at": ("sort", "`order`"),
    "sort_by=created_at": ("sort_by", "`order`"),
    "orderBy=created_at": ("orderBy", "`order`"),
    "page=2": ("page", "`offset`"),
    "skip=5": ("skip", "`offset`"),
    "per_page=5": ("per_page", "`limit`"),
    "pageSize=5": ("pageSize", "`limit`"),
    "fields=text": ("fields", "`select`"),
    "q=milk": ("q", "`search`"),
    "limit=abc": ("limit", "a whole number, like `limit=20`"),
    "limit=-1": ("limit", "a whole number, like `limit=20`"),
    "offset=1.5": ("offset", "a whole number from 0 to 1000000"),
    "on_conflict=code": ("on_conflict", "`POST`"),
}


@pytest.mark.parametrize("face", [THING, "/rest/v1/things"])
async def test_a_slip_from_elsewhere_is_refused_with_what_to_write_here(face: str, tmp_path: Path) -> None:
    async with running(f"sqlite:{tmp_path / 'app.db'}", crowded_app()) as world:
        ann = await world.person()
        for query, (name, cure) in SLIPS.items():
            reply = await ann.get(f"{face}?{query}")
            assert (reply.status_code, list(faults_of(reply))) == (400, [name]), (query, reply.text)
            assert cure in reply.json()["errors"][0]["message"], (query, reply.text)


async def test_what_only_a_write_can_grant_is_refused_when_reading_one_row_too(tmp_path: Path) -> None:
    async with running(f"sqlite:{tmp_path / 'app.db'}", crowded_app()) as world:
        ann = await world.person()
        item = f"{THING}/{(await ann.post(THING, json={})).json()['id']}"
        assert faults_of(await ann.get(f"{item}?on_conflict=code")) == {"on_conflict": "unavailable"}
        assert (await ann.head(f"{THING}?on_conflict=code")).status_code == 400
