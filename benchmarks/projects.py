"""Projects with tasks and their comments, labels, notes to search: what is seeded, and what every contender must answer before it is timed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.check import Caller, NotTheSame, sign_up
from benchmarks.contender import Account, Contender, Place, Spelling, titles
from benchmarks.seeding import CALLER, OTHERS

PROJECTS = 100
COMMENTS = 3  # of each task; every tenth has one more, which is somebody else's and must not be seen
LABELS = 10_000
DUE = tuple(f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29))
#: As long as each other, so that none stands within another: what finds parts of words finds the same rows.
WORDS = tuple(f"{a}a{b}o{c}i" for a in "bdfgklmn" for b in "prstvz" for c in "bdfgklmnpr")


def slugs(count: int) -> list[str]:
    return [f"label-{number:07d}" for number in range(count)]


def spelling(contender: Contender) -> Spelling:
    """How it spells the data API. Raises `ValueError` for one that is compared on todos alone."""
    if contender.wire.spelling is None:
        raise ValueError(f"{contender.title} is compared on todos alone")
    return contender.wire.spelling


def seed_projects(contender: Contender, place: Place, count: int) -> list[str]:
    """`count` tasks of the caller and as many of somebody else; returns the keys of the caller's projects."""
    caller, other = (sign_up(place, contender.wire, email) for email in (CALLER, OTHERS[0]))
    projects = _fill(contender, place, caller, other, count)
    _fill(contender, place, other, caller, count)
    even = [{"slug": slug, "color": "Seeded"} for slug in slugs(2 * LABELS)[::2]]
    spelling(contender).fill(place, caller, "labels", even)
    _same_answers(contender, place, caller, other, projects, count)
    return projects


def _fill(contender: Contender, place: Place, owner: Account, stranger: Account, count: int) -> list[str]:
    def add(table: str, rows: list[dict[str, Any]], of: Account = owner) -> list[str]:
        return spelling(contender).fill(place, of, table, rows)

    projects = add("projects", [{"name": f"Project {number:03d}"} for number in range(PROJECTS)])
    tasks = add(
        "tasks",
        [
            {"title": title, "done": number // PROJECTS % 2 == 1, "due": DUE[number * 7 % len(DUE)], "project": projects[number % PROJECTS]}
            for number, title in enumerate(titles(count))
        ],
    )
    add("comments", [{"text": f"Something that was said, number {number}", "task": task} for task in tasks for number in range(COMMENTS)])
    add("comments", [{"text": "Said by somebody else", "task": task} for task in tasks[::10]], stranger)
    add("notes", [{"title": f"Buy {WORDS[number % len(WORDS)]} {number:07d}"} for number in range(count)])
    return projects


def _same_answers(contender: Contender, place: Place, mine: Account, others: Account, projects: list[str], count: int) -> None:
    """Each list once, as the caller, as somebody else and as nobody. Raises `NotTheSame`."""
    wire, asked = contender.wire, spelling(contender)
    me, other, nobody = Caller(place, mine.token), Caller(place, others.token), Caller(place)

    def rows(name: str, caller: Caller = me, **filled: str) -> list[dict[str, Any]]:
        found = wire.rows(caller.succeed(asked.list(name, **filled)))
        _expect(len(found) == 20 or caller is not me, f"{name} has {len(found)} rows")
        return found

    newest = titles(count)[::-1][:20]
    _expect([row["title"] for row in rows("plain")] == newest, "plain isn't the newest first")
    filtered = rows("filters", project=projects[3])
    _expect({str(row.get("project_id", row.get("project"))) for row in filtered} == {projects[3]}, "filters shows other projects")
    dues = [str(row["due"])[:10] for row in filtered]
    _expect(not any(row["done"] for row in filtered) and dues == sorted(dues, reverse=True), "filters shows done tasks, or another order")
    _expect(not rows("filters", other, project=projects[3]), "filters shows somebody else's rows")
    for name in ("to-one", "both"):
        _expect(all(asked.related(row, "project")["name"].startswith("Project 0") for row in rows(name)), f"{name} lacks the project")
    for name in ("to-many", "both"):
        comments = [asked.related(row, "comments") for row in rows(name)]
        _expect({len(each) for each in comments} == {COMMENTS}, f"{name} has {[len(each) for each in comments]} comments")
        _expect({comment["text"][:9] for each in comments for comment in each} == {"Something"}, f"{name} shows somebody else's comments")
    reply = me.send(asked.list("count"))
    _expect(asked.total(_lowered(reply.headers), reply.json()) == count, "count tells another number")
    found = rows("search", word=WORDS[0])
    _expect(all(WORDS[0] in row["title"] for row in found), "search finds other rows")
    for call in (asked.list("plain"), asked.upsert(slugs(1)[0], "Nobody's", mine.key), asked.bulk(["Nobody's"], projects[0], mine.key)):
        _expect(nobody.send(call).status_code in wire.signed_out, f"a signed-out {call.method} isn't refused")


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise NotTheSame(otherwise)
