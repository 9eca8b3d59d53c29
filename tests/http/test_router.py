"""Which endpoint stands at an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.errors import DeclarationError, Problem
from backroom.http.response import Answered
from backroom.http.router import Router


def router_of(*routes: str) -> Router[str]:
    router: Router[str] = Router()
    for route in routes:
        method, pattern = route.split(" ")
        router.add(method, pattern, route)
    return router


def refusal(router: Router[str], method: str, path: str) -> Problem:
    with pytest.raises(Problem) as caught:
        router.route(method, path)
    return caught.value


def test_a_segment_in_braces_takes_any_text() -> None:
    endpoint, parameters = router_of("GET /api/todos/{id}").route("GET", "/api/todos/a b;c")
    assert (endpoint, parameters) == ("GET /api/todos/{id}", {"id": "a b;c"})


def test_a_literal_segment_wins_over_a_parameter_whichever_was_added_first() -> None:
    for routes in (["GET /a/{x}", "GET /a/b", "GET /{y}/b"], ["GET /{y}/b", "GET /a/b", "GET /a/{x}"]):
        router = router_of(*routes)
        assert router.route("GET", "/a/b").endpoint == "GET /a/b"
        assert router.route("GET", "/a/c").endpoint == "GET /a/{x}"
        assert router.route("GET", "/c/b").endpoint == "GET /{y}/b"


def test_a_number_wins_over_a_text_and_takes_nothing_but_plain_digits() -> None:
    router = router_of("GET /a/{n:int}", "GET /a/{t}", "GET /b/{n:int}")
    assert router.route("GET", "/a/7").endpoint == "GET /a/{n:int}"
    assert router.route("GET", "/a/7x").endpoint == "GET /a/{t}"
    for written in ("٣", "²", "1_000", "+1", "-1", "007", "1.0", "1e3", "9" * 20, ""):
        assert refusal(router, "GET", f"/b/{written}").status == 404, written


def test_a_dead_end_behind_a_literal_falls_back_to_the_parameter() -> None:
    router = router_of("GET /a/b/c", "GET /{x}/{y}/d")
    assert router.route("GET", "/a/b/d").parameters == {"x": "a", "y": "b"}


def test_each_method_may_name_the_parameters_of_an_address_as_it_likes() -> None:
    router = router_of("GET /a/{x}", "PUT /a/{y}")
    assert router.route("GET", "/a/1").parameters == {"x": "1"}
    assert router.route("PUT", "/a/1").parameters == {"y": "1"}


def test_a_wrong_method_is_405_and_allow_names_the_right_ones() -> None:
    problem = refusal(router_of("GET /a/{x}", "DELETE /a/{x}"), "POST", "/a/1")
    assert (problem.status, problem.headers) == (405, {"Allow": "GET, HEAD, DELETE, OPTIONS"})


def test_the_same_path_never_means_one_thing_to_get_and_another_to_post() -> None:
    router = router_of("POST /a/export", "GET /a/{x}")
    assert refusal(router, "GET", "/a/export").status == 405


def test_head_is_answered_by_get_unless_it_was_added_itself() -> None:
    assert router_of("GET /a").route("HEAD", "/a").endpoint == "GET /a"
    assert router_of("HEAD /a", "GET /a").route("HEAD", "/a").endpoint == "HEAD /a"
    assert refusal(router_of("POST /a"), "HEAD", "/a").status == 405


def test_options_is_answered_with_allow_and_no_endpoint_runs() -> None:
    with pytest.raises(Answered) as caught:
        router_of("POST /a").route("OPTIONS", "/a")
    assert caught.value.response == (204, [(b"allow", b"POST, OPTIONS")], b"")
    assert router_of("OPTIONS /a").route("OPTIONS", "/a").endpoint == "OPTIONS /a"
    assert refusal(router_of("POST /a"), "OPTIONS", "/b").status == 404


def test_the_same_method_and_address_twice_is_refused() -> None:
    with pytest.raises(DeclarationError, match="replaces=True"):
        router_of("GET /a/{x}", "GET /a/{y}")


def test_replaces_takes_the_place_and_must_have_something_to_replace() -> None:
    router = router_of("GET /a")
    router.add("GET", "/a", "mine", replaces=True)
    assert router.route("GET", "/a").endpoint == router.route("HEAD", "/a").endpoint == "mine"
    with pytest.raises(DeclarationError, match="nothing is there"):
        router.add("GET", "/b", "mine", replaces=True)


@pytest.mark.parametrize("pattern", ["a", "", "/a/", "//a", "/a/../b", "/{a}/{a}", "/{a:float}", "/x{a}", "/{a}{b}", "/{}", "/{1a}", "/{a"])
def test_a_pattern_that_cannot_be_is_refused(pattern: str) -> None:
    with pytest.raises(DeclarationError):
        Router[str]().add("GET", pattern, "x")


ODD = [
    "/api//todos",
    "//api/todos",
    "/api/todos/",
    "/api/todos/.",
    "/api/todos/..",
    "/api/todos/a\0",
    "/API/todos",
    "/api/todos.",
    "/api/todos;x",
    "api/todos",
    "",
    "*",
]


@pytest.mark.parametrize("path", ODD)
def test_odd_spellings_of_an_address_are_404(path: str) -> None:
    assert refusal(router_of("GET /api/todos", "GET /api/todos/{id}"), "GET", path).status == 404


def test_everything_that_was_added_can_be_listed() -> None:
    routes = {"GET /", "GET /a/{x}", "PUT /a/{y}", "GET /a/{n:int}/b"}
    assert {f"{method} {pattern}" for method, pattern, _ in router_of(*routes).routes()} == routes


SEGMENT = st.sampled_from(["a", "b", "{x}", "{n:int}", "{y}"])


@given(st.lists(st.lists(SEGMENT, min_size=1, max_size=3), max_size=6), st.lists(st.sampled_from(["a", "b", "7", "z"]), min_size=1, max_size=3))
def test_the_look_ups_decide_as_the_plain_rule_does(patterns: list[list[str]], path: list[str]) -> None:
    router, added = Router[str](), list[tuple[tuple[int, ...], str]]()
    for segments in patterns:
        pattern = "/" + "/".join(
            f"{{{kind}{place}{rest}" if segment[0] == "{" else segment for place, segment in enumerate(segments) for kind, rest in [_split(segment)]
        )
        try:
            router.add("GET", pattern, pattern)
        except DeclarationError:
            continue
        ranks = [_rank(declared, given) for declared, given in zip(segments, path, strict=False)]
        if len(segments) == len(path) and all(rank is not None for rank in ranks):
            added.append((tuple(rank for rank in ranks if rank is not None), pattern))
    if added:
        assert router.route("GET", "/" + "/".join(path)).endpoint == min(added)[1]
    else:
        assert refusal(router, "GET", "/" + "/".join(path)).status == 404


def _split(segment: str) -> tuple[str, str]:
    name, colon, kind = segment.strip("{}").partition(":")
    return name, f"{colon}{kind}}}"


def _rank(declared: str, given: str) -> int | None:
    if declared[0] != "{":
        return 0 if declared == given else None
    return (1 if given.isdigit() else None) if declared.endswith(":int}") else 2
