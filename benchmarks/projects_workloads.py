"""The rows of the table that go beyond one plain table: relations, filters, counts, search, upserts, many rows at once."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contender import Call, Spelling, titles
from benchmarks.projects import LABELS, WORDS, slugs
from benchmarks.workloads import Rights, Workload

BULK = 1_000
BULKS = 20  # distinct ones
BULK_CONNECTIONS = 4


def _spelling(rights: Rights) -> Spelling:
    assert rights.wire.spelling is not None
    return rights.wire.spelling


def _list(name: str) -> Callable[[Rights], list[Call]]:
    return lambda rights: [_spelling(rights).list(name)]


def _filters(rights: Rights) -> list[Call]:
    return [_spelling(rights).list("filters", project=key) for key in rights.keys]


def _search(rights: Rights) -> list[Call]:
    return [_spelling(rights).list("search", word=word) for word in WORDS]


def _upsert(rights: Rights) -> list[Call]:
    """Every second one is there already."""
    return [_spelling(rights).upsert(slug, "Changed", rights.caller.key) for slug in slugs(2 * LABELS)]


def _bulk(rights: Rights) -> list[Call]:
    return [_spelling(rights).bulk(titles(BULK, "Bulk"), key, rights.caller.key) for key in rights.keys[:BULKS]]


def warm_lists(rights: Rights) -> list[Call]:
    """Every list; no row is written."""
    asked = _spelling(rights)
    plain = [asked.list(name) for name in ("plain", "to-one", "to-many", "both", "count")]
    return [*plain, asked.list("filters", project=rights.keys[0]), asked.list("search", word=WORDS[0])]


PROJECTS_WORKLOADS: dict[str, Workload] = {
    workload.key: workload
    for workload in (
        Workload("plain", "list 20 tasks, newest first (what the next ones are held against)", _list("plain"), least_bytes=20 * 150),
        Workload("filters", "list 20 with two filters and an order", _filters, least_bytes=20 * 150),
        Workload("to-one", "list 20, each with its project", _list("to-one"), least_bytes=20 * 250),
        Workload("to-many", "list 20, each with its 3 comments", _list("to-many"), least_bytes=20 * 500),
        Workload("both", "list 20, each with its project and its 3 comments", _list("both"), least_bytes=20 * 600),
        Workload("count", "list 20 and count all (20,000)", _list("count"), least_bytes=20 * 150),
        Workload("search", "search for a word (PocketBase: `~`, part of a text, no index)", _search, least_bytes=20 * 80),
        Workload("upsert", "upsert, half of them new", _upsert, least_bytes=20, updates=1.0, fills=0.5),
        Workload(
            "bulk", "insert 1,000 in one request, 4 connections", _bulk, least_bytes=1_000 * 100, creates=float(BULK), connections=BULK_CONNECTIONS
        ),
    )
}
