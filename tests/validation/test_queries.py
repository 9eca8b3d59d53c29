"""Query strings: PostgREST's spelling, read by the column's type, every slip told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from backroom.resources.nodes import Always, Compare, Constant, In, Node, write
from backroom.validation.queries import MAX_OFFSET, Query
from tests.validation.things import QUERIES, READABLE, fault, refused


def read(query: str | bytes, known: frozenset[str] = READABLE, extra: frozenset[str] = frozenset()) -> Query:
    return QUERIES.read(query.encode() if isinstance(query, str) else query, known, extra)


def test_no_query_asks_for_every_row_in_the_default_order() -> None:
    assert read("") == read("&&") == Query(Always(True), (), None, 0, None)
    assert not read("").filtered and read("done=is.true").filtered


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("done=is.true", "this.done"),
        ("done=is.false", "~(this.done)"),
        ("done=is.null", "this.done.is_null()"),
        ("due=not.is.null", "~(this.due.is_null())"),
        ("due=is.not_null", "~(this.due.is_null())"),
        ("count=neq.5", "this.count != 5"),
        ("count=not.eq.5", "~(this.count == 5)"),
        ("count=gte.1&count=lte.5", "(this.count >= 1) & (this.count <= 5)"),
        ("title=eq.a%20b+c", "this.title == 'a b c'"),
        ('title=eq."a"', "this.title == '\"a\"'"),
        ("title=eq.a,b)c", "this.title == 'a,b)c'"),
        ("title=eq.null", "this.title == 'null'"),
        ('title=in.(a,"b,c","d\\"e")', "this.title.in_(['a', 'b,c', 'd\"e'])"),
        ("title=not.in.(a)", "~(this.title.in_(['a']))"),
        ("title=in.()", "this.title.in_([])"),
        ('title=in.("")', "this.title.in_([''])"),
        ("or=(done.is.true,and(count.gt.1,count.lt.5))", "(this.done) | ((this.count > 1) & (this.count < 5))"),
        ('or=(title.eq."x)y",title.not.eq.z)', "(this.title == 'x)y') | (~(this.title == 'z'))"),
        ("not.or=(done.is.true,count.in.(1,2))", "~((this.done) | (this.count.in_([1, 2])))"),
        ("and=(not.or(count.eq.1,count.eq.2),done.is.true)", "(~((this.count == 1) | (this.count == 2))) & (this.done)"),
        ("or=(or(or(or(or(count.eq.1)))))", "this.count == 1"),
    ],
)
def test_every_condition_is_read_as_it_was_meant(query: str, condition: str) -> None:
    assert write(read(query).where) == condition


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("due=lt.2026-01-01", date(2026, 1, 1)),
        ("at=gt.2026-01-01T00:00:00%2B02:00", datetime(2025, 12, 31, 22, tzinfo=UTC)),
        ("price=gt.1.50", Decimal("1.50")),
        ("ratio=eq.1e5", 1e5),
        ("owner_id=eq.0190B6C4-7b1e-7cc2-a4f7-0242ac120002", UUID("0190b6c4-7b1e-7cc2-a4f7-0242ac120002")),
        ("data=eq.aGk=", b"hi"),
        ("color=eq.red", "red"),
        ("level=eq.2", 2),
        ("email=eq.A@EXAMPLE.com", "A@example.com"),
        ("link=eq.https://example.com", "https://example.com/"),
        ("done=eq.false", False),
    ],
)
def test_values_are_read_by_the_columns_type(query: str, value: object) -> None:
    node: Node = read(query).where
    assert isinstance(node, Compare) and isinstance(node.right, Constant)
    assert node.right.value == value and type(node.right.value) is type(value)


def test_order_limit_offset_select_and_on_conflict_are_read() -> None:
    query = read("order=created_at.desc,due.nullsfirst,title.asc.nullslast&limit=5&offset=3&select=id,title&on_conflict=code")
    assert [(each.field.column, each.descending, each.nulls_first) for each in query.order] == [
        ("created_at", True, None),
        ("due", False, True),
        ("title", False, False),
    ]
    assert (query.limit, query.offset) == (5, 3)
    assert [each.column for each in query.columns or ()] == ["id", "title"]
    assert [each.column for each in query.on_conflict or ()] == ["code"]
    assert read("select=*").columns is None
    assert read("limit=0").limit == 0


def test_parameters_of_somebody_else_come_back_as_text() -> None:
    assert dict(read("after=abc&x=1", extra=frozenset({"after", "x"})).extra) == {"after": "abc", "x": "1"}


@pytest.mark.parametrize(
    ("query", "field", "code", "sentence"),
    [
        ("done=false", "done", "operator", "`done` needs an operator: write `done=is.false`."),
        ("title=Milk", "title", "operator", "`title` needs an operator (eq, neq, gt, gte, lt, lte, like, ilike, in, is): write `title=eq.Milk`."),
        ("count=EQ.5", "count", "operator", "`count`: there is no operator `EQ`; did you mean `count=eq.5`?"),
        ("title=fts.a", "title", "unavailable", "`title` is not kept for search; write `title: str = field(search=True)` in the app."),
        ("title=neq(any).{a}", "title", "operator", "`title`: `neq` takes no `(any)`; eq, gt, gte, ilike, imatch, like, lt, lte, match do."),
        ("createdAt=eq.1", "createdAt", "unknown", "There is no field or parameter `createdAt`; did you mean `created_at`?"),
        ("owner=eq.x", "owner", "unknown", "There is no field or parameter `owner`; did you mean `owner_id`?"),
        ("limt=5", "limt", "unknown", "There is no field or parameter `limt`; did you mean `limit`?"),
        ("password=eq.x", "password", "unknown", "There is no field or parameter `password`."),
        ("or=(zzz.eq.1)", "zzz", "unknown", "There is no field `zzz`."),
        ("order=zzz", "zzz", "unknown", "There is no field `zzz`."),
        ("select=id,zzz", "zzz", "unknown", "There is no field `zzz`."),
        ("count=eq.abc", "count", "type", "`count` must be a whole number."),
        ("count=eq.٣", "count", "type", "`count` must be a whole number."),
        ("count=eq.1_000", "count", "type", "`count` must be a whole number."),
        (
            "count=eq.9223372036854775808",
            "count",
            "too_large",
            "`count` must lie between -9007199254740991 and 9007199254740991, or JSON.parse would change it.",
        ),
        ("count=eq.null", "count", "type", "`count` is compared with null, which nothing equals; write `is.null`."),
        ("count=in.(1,x)", "count", "type", "`count` must be a whole number."),
        ("due=eq.2026-1-1", "due", "type", '`due` must be a date like "2026-12-01".'),
        (
            "at=gt.2026-01-01T00:00:00+02:00",
            "at",
            "type",
            '`at` must be a time with its offset, like "2026-12-01T09:00:00.000Z"; in an address write `+` as %2B.',
        ),
        ("ratio=eq.NaN", "ratio", "type", "`ratio` must be a number."),
        ("ratio=eq.1e999", "ratio", "too_large", "`ratio` is too large for a number."),
        ("color=eq.green", "color", "choice", "`color` must be one of red, blue."),
        ("email=eq.nope", "email", "invalid", "`email` can't be 'nope': value is not a valid email address: An email address must have an @-sign."),
        (
            "meta=eq.1",
            "meta",
            "unavailable",
            "`meta` holds JSON, which has no order and is equal to no text; it takes `cs`, `cd`, `ov`, `is.null` and `is.not_null`.",
        ),
        ("count=is.true", "count", "type", "`count` takes `is.null` or `is.not_null`; to compare write `eq.true`."),
        ("limit=1&limit=2", "limit", "repeated", "`limit` is given twice; give it once."),
        ("limit=-1", "limit", "type", "`limit` must be a whole number, like `limit=20`."),
        ("limit=1e3", "limit", "type", "`limit` must be a whole number, like `limit=20`."),
        ("offset=1000001", "offset", "too_large", f"`offset` may be at most {MAX_OFFSET}; page with a filter instead, like `id=gt.LAST`."),
        ("order=title.up", "order", "syntax", "`order`: `title.up` is no order; write `title.desc` or `title.asc.nullslast`."),
        ("order=meta", "order", "type", "`meta` has no order."),
        ("order=title,title", "order", "repeated", "`order` names `title` twice."),
        ("owner.email=eq.1", "owner.email", "relation", "`owner.email`: `select` names no relation `owner`; add `owner(...)` there."),
        ("search=x", "search", "unavailable", "`search`: there is no field to search here; write `title: str = field(search=True)` in the app."),
        ("title=eq.%zz", None, "encoding", "`eq.%zz` holds a `%` that begins no code; write `%25`, or encodeURIComponent(value)."),
        ("title=eq.%ff", None, "encoding", "`eq.%ff` is not UTF-8; write encodeURIComponent(value)."),
        ("title=eq.%00", None, "character", "`eq.%00` holds U+0000."),
        ("or=(count.eq.1", "or", "syntax", "`or`: expected ')' at character 12, found the end."),
        ("or=(count.eq.1))", "or", "syntax", "`or`: nothing may follow at character 13 (`)`)."),
        ("or=()", "or", "syntax", "`or`: expected a column's name at character 2."),
        ("or=(or(or(or(or(or(count.eq.1))))))", "or", "too_many", "`or`: conditions are nested deeper than 5 levels."),
        ("&".join(["count=eq.1"] * 51), "where", "too_many", "There are 51 conditions; at most 50 are taken."),
        (f"or=({','.join(['count.eq.1'] * 51)})", "where", "too_many", "There are 51 conditions; at most 50 are taken."),
        (
            f"count=in.({','.join(['1'] * 600)})&count=not.in.({','.join(['1'] * 401)})",
            "count",
            "too_many",
            "With `count` there are 1001 values in all; `in` takes at most 1000.",
        ),
        (f"count=in.({','.join(['1'] * 1001)})", "count", "too_many", "`count` has 1001 values; `in` takes at most 1000."),
    ],
)
def test_a_slip_is_refused_with_its_cure(query: str, field: str | None, code: str, sentence: str) -> None:
    assert fault(read, query) == (field, code, sentence)


def test_all_slips_are_told_at_once() -> None:
    problem = refused(read, "done=false&nope=eq.1&limit=x&count=eq.y&order=zzz")
    assert problem.code == "validation.query"
    assert {each.field for each in problem.errors} == {"done", "nope", "limit", "count", "zzz"}


@pytest.mark.parametrize(
    "query",
    [
        "{}=eq.1",
        "{}=5",
        "{}=in.(1",
        "{}=like.x",
        "or=({}.eq.1,count.eq.1)",
        "or=({}.5)",
        "or=({}.like.1)",
        "order={}",
        "select=id,{}",
        "on_conflict={}",
        "not.and=({}.is.nonsense)",
    ],
)
@pytest.mark.parametrize("hidden", ["ratio", "vault"])
def test_a_hidden_column_answers_like_a_nonsense_name(query: str, hidden: str) -> None:
    nonsense = "q" * len(hidden)
    of_hidden = refused(read, query.format(hidden), READABLE - {hidden}).body()
    of_nonsense = refused(read, query.format(nonsense), READABLE - {hidden}).body()
    assert str(of_hidden).replace(hidden, nonsense) == str(of_nonsense)


def test_a_write_only_column_cant_be_asked_about() -> None:
    for query in ("password=eq.x", "order=password", "select=password"):
        assert fault(read, query, READABLE | {"password"})[:2] == ("password", "unknown")


def test_payloads_stay_values_and_nothing_else() -> None:
    for payload in ("' OR 1=1 --", "%", "_", "\\", "$1", ":me", "{}", "); DROP TABLE things; --"):
        node = read(b"title=eq." + b"".join(b"%%%02x" % byte for byte in payload.encode())).where
        assert isinstance(node, Compare) and isinstance(node.right, Constant) and node.right.value == payload
    listed = read("title=in.(%27%20OR%201=1,b)").where
    assert isinstance(listed, In) and isinstance(listed.right, tuple) and len(listed.right) == 2
