"""The benchmark's own arithmetic: what it may print, and what it must refuse to print. Nothing here puts load on anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.catalog import CONTENDERS, WITH_PROJECTS
from benchmarks.contender import Account
from benchmarks.figures import Load, Ratio, Refused, paired, parse, rotated
from benchmarks.profiling import shares
from benchmarks.projects_workloads import BULK, BULK_CONNECTIONS, PROJECTS_WORKLOADS
from benchmarks.report import markdown
from benchmarks.results import Deep, Facts, Measure, Run, Sparse, against, of
from benchmarks.targets import verdicts
from benchmarks.workloads import CONNECTIONS, WORKLOADS, Effect, Rights

SOUND = {
    "requests": 4000,
    "microseconds": 2_000_000,
    "bytes": 1_000_000,
    "p50": 900,
    "p99": 4100,
    "slowest": 9000,
    "connect": 0,
    "read": 0,
    "write": 0,
    "timeout": 0,
    "status": 0,
}


def wrk(words: str = "", **changed: int) -> str:
    return f"Running 2s test @ http://127.0.0.1:1\n{words}\nRequests/sec: 2000\nFIGURES {json.dumps(SOUND | changed)}\n"


def loaded(requests: int) -> Load:
    return Load(**(SOUND | {"requests": requests}))


def measure(contender: str, round: int, requests: int, workload: str = "read") -> Measure:
    return Measure(round=round, contender=contender, rows=20_000, workload=workload, load=loaded(requests), memory=80.0, processor=1.0)


def test_a_sound_load_run_gives_requests_per_second_and_percentiles() -> None:
    load = parse(wrk())
    assert (load.per_second, load.p50, load.p99) == (2000.0, 900, 4100)


@pytest.mark.parametrize("failure", ["status", "connect", "read", "write", "timeout"])
def test_one_failure_that_wrk_counted_refuses_the_run_and_is_named(failure: str) -> None:
    with pytest.raises(Refused, match=failure):
        parse(wrk("", **{failure: 1}))


@pytest.mark.parametrize("words", ["  Non-2xx or 3xx responses: 3", "  Socket errors: connect 0, read 1, write 0, timeout 0"])
def test_a_failure_in_wrks_own_words_refuses_the_run_whatever_its_figures_say(words: str) -> None:
    with pytest.raises(Refused):
        parse(wrk(words))


def test_no_reply_and_no_figures_are_refused() -> None:
    with pytest.raises(Refused, match="no reply"):
        parse(wrk(requests=0))
    with pytest.raises(Refused, match="without figures"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_a_ratio_is_the_median_of_the_rounds_ratios_with_the_worst_beside_it() -> None:
    assert paired([30.0, 20.0, 80.0], [10.0, 10.0, 10.0]) == Ratio(3.0, 2.0)
    # The medians alone would say 20 / 10 = 2: each round counts against itself.
    assert paired([10.0, 20.0, 90.0], [1.0, 10.0, 30.0]) == Ratio(3.0, 2.0)


def test_rounds_that_do_not_pair_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="pair"):
        paired([1.0, 2.0], [1.0])
    assert against([measure("raw", 0, 10)], []) is None


def test_every_contender_comes_first_once_before_any_comes_first_twice() -> None:
    assert [rotated("abc", by)[0] for by in range(4)] == ["a", "b", "c", "a"]


def test_a_cell_is_read_in_the_order_of_its_rounds() -> None:
    shuffled = [measure("raw", 1, 20), measure("pocketbase", 0, 5), measure("raw", 0, 10)]
    assert [one.load.requests for one in of(shuffled, "raw", "read")] == [10, 20]


@pytest.mark.parametrize(
    ("workload", "requests", "effect"),
    [
        ("read", 1000, Effect(50, 50, 0)),
        ("create", 1000, Effect(50, 1050, 1000)),
        ("create", 1000, Effect(50, 1050 + CONNECTIONS, 1000 + CONNECTIONS)),
        ("update", 1000, Effect(50, 50, 1000)),
        ("update", 50_000, Effect(50, 50, 20_000)),
        ("delete", 1000, Effect(5000, 4000, 0)),
        ("delete", 1000, Effect(5000, 4000 - CONNECTIONS, 0)),
        ("mixed", 1000, Effect(50, 150, 200)),
    ],
)
def test_rows_that_match_the_replies_are_accepted(workload: str, requests: int, effect: Effect) -> None:
    WORKLOADS[workload].verify(requests, 20_000, effect)


@pytest.mark.parametrize(
    ("workload", "requests", "effect"),
    [
        ("read", 1000, Effect(50, 51, 0)),
        ("create", 1000, Effect(50, 1049, 1000)),
        ("create", 1000, Effect(50, 1051 + CONNECTIONS, 1000)),
        ("update", 1000, Effect(50, 50, 999)),
        ("delete", 1000, Effect(5000, 4001, 0)),
        ("delete", 1000, Effect(5000, 5000, 0)),
        ("mixed", 1000, Effect(50, 50, 200)),
    ],
)
def test_replies_without_their_effect_on_the_rows_are_refused(workload: str, requests: int, effect: Effect) -> None:
    with pytest.raises(Refused):
        WORKLOADS[workload].verify(requests, 20_000, effect)


@pytest.mark.parametrize("contender", CONTENDERS)
def test_every_contender_gets_the_same_requests_in_the_same_order(contender: str) -> None:
    keys = [str(number) for number in range(700)]
    for workload in WORKLOADS.values():
        ours = workload.calls(Rights(CONTENDERS[contender].wire, Account("ann@example.com", "owner", "token"), keys))
        raws = workload.calls(Rights(CONTENDERS["raw"].wire, Account("ann@example.com", "owner", "token"), keys))
        assert [(call.method, call.path.rpartition("/")[2].isdigit()) for call in ours] == [
            (call.method, call.path.rpartition("/")[2].isdigit()) for call in raws
        ]
        assert all("\n" not in call.line()[:-1] and call.line().count("\t") == 4 for call in ours)


@pytest.mark.parametrize("contender", WITH_PROJECTS)
def test_the_data_api_is_asked_of_every_contender_in_its_own_words_and_the_same_order(contender: str) -> None:
    keys = [str(number) for number in range(100)]

    def calls(of: str, workload: str) -> list[str]:
        rights = Rights(WITH_PROJECTS[of].wire, Account("ann@example.com", "owner", "token"), keys)
        asked = PROJECTS_WORKLOADS[workload].calls(rights)
        assert all("\n" not in call.line()[:-1] and call.line().count("\t") == 4 and " " not in call.path for call in asked)
        return [call.method for call in asked]

    for workload in PROJECTS_WORKLOADS:
        assert calls(contender, workload) == calls("pocketbase", workload)


@pytest.mark.parametrize(
    ("workload", "requests", "distinct", "effect", "accepted"),
    [
        ("upsert", 1000, 20_000, Effect(10_000, 10_500, 1000), True),
        ("upsert", 30_000, 20_000, Effect(10_000, 20_000, 20_000), True),
        ("upsert", 1000, 20_000, Effect(10_000, 10_000, 1000), False),
        ("upsert", 1000, 20_000, Effect(10_000, 10_500, 500), False),
        ("bulk", 7, 20, Effect(50, 50 + 7 * BULK, 7 * BULK), True),
        ("bulk", 7, 20, Effect(50, 50 + (7 + BULK_CONNECTIONS) * BULK, (7 + BULK_CONNECTIONS) * BULK), True),
        ("bulk", 7, 20, Effect(50, 50 + 7 * BULK - 1, 7 * BULK - 1), False),
        ("count", 7, 1, Effect(50, 51, 0), False),
    ],
)
def test_upserts_and_bulk_inserts_are_held_to_the_rows_that_they_leave(
    workload: str, requests: int, distinct: int, effect: Effect, accepted: bool
) -> None:
    if accepted:
        PROJECTS_WORKLOADS[workload].verify(requests, distinct, effect)
    else:
        with pytest.raises(Refused):
            PROJECTS_WORKLOADS[workload].verify(requests, distinct, effect)


def test_what_relations_and_large_tables_cost_is_judged_by_its_dearest_round_and_told() -> None:
    facts = Facts("a machine", "abc123", 1, 2, 2.0, 20_000, "shared.", "0 0 0")
    measures = [measure("backroom", round, speed, "plain") for round, speed in enumerate((300, 500))]
    measures += [measure("backroom", round, speed, "to-many") for round, speed in enumerate((200, 100))]
    sparse = [Sparse("SQLite", caller, microseconds, loaded(900)) for caller, microseconds in (("none", 999.0), ("a few", 1500.0), ("all", 9000.0))]
    deep = [Deep("SQLite", page, loaded(requests)) for page, requests in (("first", 1000), ("after", 790), ("offset", 4))]
    run = Run(facts, measures, sparse=sparse, deep=deep)
    told = {verdict.promise: (verdict.measured, verdict.held) for verdict in verdicts(run)}
    assert told["backroom: a list with a to-many relation costs at most 2 times the plain list"] == ("3.2 (5.0)", False)
    assert told["SQLite: a page of 500,000 documents for a member of none teams under 1 ms in the database"] == ("1.00 ms", True)
    assert told["SQLite: a page of 500,000 documents for a member of a few teams under 1 ms in the database"] == ("1.50 ms", False)
    assert told["SQLite: a cursor's page 900,000 rows deep at least 0.8 times the first page"] == ("0.79", False)
    assert not [promise for promise in told if "all teams" in promise]  # nothing is promised of those
    page = markdown(run)
    assert "SQLite: offset" in page
    assert "SQLite: all" in page


def test_the_mix_is_eight_reads_and_two_writes_in_every_ten() -> None:
    calls = WORKLOADS["mixed"].calls(Rights(CONTENDERS["raw"].wire, Account("ann@example.com", "owner", "token"), [str(n) for n in range(100)]))
    for start in range(0, len(calls), 10):
        methods = [call.method for call in calls[start : start + 10]]
        assert (methods.count("GET"), methods.count("POST"), methods.count("PATCH")) == (8, 1, 1)


def test_the_page_tells_machine_load_durability_and_both_ratios() -> None:
    contenders = {
        key: {"versions": "1", "runtime": "r", "durability": CONTENDERS[key].durability, "passwords": "p"}
        for key in ("backroom", "pocketbase", "raw")
    }
    facts = Facts("a machine", "abc123", 1, 2, 2.0, 20_000, "shared.", "0.10 0.20 0.30", "4.00 3.00 2.00", contenders=contenders)
    speeds = {"backroom": (600, 200), "pocketbase": (100, 100), "raw": (800, 400)}
    run = Run(facts, [measure(key, round, speed) for key, of_rounds in speeds.items() for round, speed in enumerate(of_rounds)])
    page = markdown(run)
    for told in ("a machine", "abc123", "4.00 3.00 2.00", "synchronous=NORMAL: a power cut may take acknowledged writes"):
        assert told in page
    (ours,) = [line for line in page.splitlines() if "Backroom, 1 process" in line and "4.0 (2.0)" in line]
    assert "0.62 (0.50)" in ours  # to raw: 0.75 and 0.5


def test_a_promise_that_is_not_kept_is_told_beside_the_ones_that_are() -> None:
    facts = Facts("a machine", "abc123", 1, 1, 2.0, 20_000, "shared.", "0 0 0")
    run = Run(facts, [measure("backroom", 0, 390), measure("pocketbase", 0, 100), measure("raw", 0, 600)])
    told = {verdict.promise: (verdict.measured, verdict.held) for verdict in verdicts(run)}
    assert told["backroom: read at least 4 times pocketbase"] == ("3.9 (3.9)", False)
    assert told["backroom: read at least 0.6 times raw"] == ("0.65 (0.65)", True)
    assert not [promise for promise in told if "fastapi" in promise or "list" in promise]  # not measured: nothing to say
    assert "**no**" in markdown(run)


def test_a_profile_sums_to_all_of_the_time_and_names_libraries_as_a_reader_knows_them() -> None:
    report = "    55.06%  [kernel.kallsyms]   \n    40.00%  libpython3.11.so.1.0\n     4.50%  __init__.cpython-311-x86_64.so\n     0.44%  odd.so\n\n"
    assert shares(report) == {"kernel: sockets, files, futexes": 55.06, "Python": 40.0, "SQLite (apsw)": 4.5, "other": 0.44}


def test_the_load_script_reads_what_the_harness_writes() -> None:
    script = (Path(__file__).parents[2] / "benchmarks" / "todos.lua").read_text()
    for name in SOUND:
        assert f'"{name}":' in script
