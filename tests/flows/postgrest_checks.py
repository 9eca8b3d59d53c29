"""What PyPI's `postgrest` is tried with: one list for its synchronous and its asynchronous client, whose builders are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from postgrest import CountMethod, ReturnMethod


class People:
    """The clients of Ann, of Bob and of nobody, and a word that no other check uses."""

    def __init__(self, clients: Sequence[Any], word: str) -> None:
        self.ann, self.bob, self.nobody = clients
        self.word = word

    @property
    def books(self) -> Any:
        return self.nobody.table("books")

    @property
    def notes(self) -> Any:
        return self.ann.table("notes")


#: Makes a builder, which is then executed.
Ask: TypeAlias = Callable[[People], Any]
Holds: TypeAlias = Callable[[Any], bool]


class Check(NamedTuple):
    """One use of a method. `steps`: builders and what their replies must fulfill; `refused`: the last one ends in an error of this code."""

    method: str
    use: str
    steps: tuple[tuple[Ask, Holds], ...]
    refused: str | None = None


def _works(method: str, use: str, *steps: tuple[Ask, Holds]) -> Check:
    return Check(method, use, steps)


def _finds(method: str, use: str, ask: Callable[[Any], Any], *titles: str) -> Check:
    """The titles that a filter leaves, in their order."""

    def filtered(people: People) -> Any:
        return ask(people.books.select("title").order("id"))

    def right(reply: Any) -> bool:
        return [row["title"] for row in reply.data] == [*titles]

    return Check(method, use, ((filtered, right),))


def _refuses(method: str, use: str, code: str, *asks: Ask) -> Check:
    return Check(method, use, tuple((ask, _any) for ask in asks), code)


def _is(wanted: Any) -> Holds:
    return lambda reply: bool(reply.data == wanted)


def _note(people: People, end: str = "", **more: Any) -> Any:
    return people.notes.insert({"slug": people.word + end, "text": "Once", **more})


def _any(_reply: Any) -> bool:
    return True


READING = (
    _works("select", "every column", (lambda p: p.books.select("*").eq("isbn", "b-1"), lambda r: r.data[0]["price"] == "12.50")),
    _works("select", "some columns", (lambda p: p.books.select("title", "pages").eq("isbn", "b-1"), _is([{"title": "Frost", "pages": 310}]))),
    _works("select", "a column under another name", (lambda p: p.books.select("name:title").eq("isbn", "b-1"), _is([{"name": "Frost"}]))),
    _works(
        "select",
        "relations within relations",
        (
            lambda p: p.ann.table("authors").select("name, books(title, loans(weeks, borrower(name)))").eq("name", "Aino").limit(1),
            lambda r: r.data[0]["books"][0] == {"title": "Frost", "loans": [{"weeks": 3, "borrower": {"name": "Bob"}}]},
        ),
    ),
    _works(
        "select",
        "one of two relations, by a hint",
        (lambda p: p.ann.table("loans").select("lender:users!loans_lender_id_fkey(name)"), _is([{"lender": {"name": "Ann"}}])),
    ),
    _works(
        "select",
        "`!inner`",
        (lambda p: p.nobody.table("authors").select("name, books!inner(title)").gt("books.pages", 300), lambda r: len(r.data) == 1),
    ),
    _works(
        "select",
        "count",
        (lambda p: p.books.select("title", count=CountMethod.exact).limit(2), lambda r: (r.count, len(r.data)) == (5, 2)),
        (lambda p: p.books.select("title", count=CountMethod.exact, head=True), lambda r: (r.count, r.data) == (5, [])),
    ),
    _works(
        "select",
        "only rows that rules show",
        (lambda p: p.nobody.table("loans").select("*"), _is([])),
        (lambda p: p.bob.table("loans").select("weeks"), _is([{"weeks": 3}])),
    ),
    _finds("eq", "", lambda q: q.eq("title", "Frost"), "Frost"),
    _finds("neq", "", lambda q: q.neq("kind", "paper"), "Harbor"),
    _finds("gt", "", lambda q: q.gt("pages", 240), "Frost", "Inland"),
    _finds("gte", "", lambda q: q.gte("pages", 240), "Frost", "Thaw", "Inland"),
    _finds("lt", "", lambda q: q.lt("published", "2020-01-01"), "Frost"),
    _finds("lte", "", lambda q: q.lte("price", "8.00"), "Thaw", "Harbor"),
    _finds("like", "", lambda q: q.like("title", "%nla%"), "Inland"),
    _finds("ilike", "", lambda q: q.ilike("title", "%F%"), "Frost"),
    _finds("like_any_of, ilike_all_of", "", lambda q: q.like_any_of("title", "F*,I*").ilike_all_of("title", "*N*,i*"), "Inland"),
    _finds("is_", "null, true, false", lambda q: q.is_("published", "null").is_("in_print", True), "Quiet, please"),
    _finds("in_", "with commas and all", lambda q: q.in_("title", ["Frost", "Quiet, please"]), "Frost", "Quiet, please"),
    _finds("contains", "a list", lambda q: q.contains("tags", ["classic"]), "Frost", "Inland"),
    _finds("contains", "JSON", lambda q: q.contains("facts", {"language": "fi", "size": {"cm": 21}}), "Frost"),
    _finds("contained_by", "a list", lambda q: q.contained_by("tags", ["winter", "classic", "sea"]), "Frost", "Harbor", "Quiet, please"),
    _finds("overlaps", "a list", lambda q: q.overlaps("tags", ["sea", "spring"]), "Thaw", "Harbor"),
    _finds("not_", "", lambda q: q.not_.is_("published", "null").not_.in_("title", ["Frost", "Thaw"]), "Harbor", "Inland"),
    _finds("or_", "conditions", lambda q: q.or_("title.eq.Harbor,and(pages.gt.300,kind.eq.paper)"), "Frost", "Harbor"),
    _works(
        "or_",
        "reference_table",
        (
            lambda p: p.nobody.table("authors").select("name, books!inner(title)").or_("pages.gt.300,title.eq.Frost", reference_table="books"),
            _is([{"name": "Aino", "books": [{"title": "Frost"}]}]),
        ),
    ),
    _finds("filter", "", lambda q: q.filter("pages", "gte", "250"), "Frost", "Inland"),
    _finds("match", "", lambda q: q.match({"kind": "paper", "pages": 240}), "Thaw"),
    _works("order", "desc", (lambda p: p.books.select("title").order("pages", desc=True).limit(1), _is([{"title": "Frost"}]))),
    _works(
        "order", "nullsfirst", (lambda p: p.books.select("title").order("published", nullsfirst=True).limit(1), _is([{"title": "Quiet, please"}]))
    ),
    _works(
        "order, limit",
        "foreign_table",
        (
            lambda p: (
                p.nobody.table("authors")
                .select("books(title)")
                .eq("name", "Aino")
                .order("title", desc=True, foreign_table="books")
                .limit(1, foreign_table="books")
            ),
            _is([{"books": [{"title": "Thaw"}]}]),
        ),
    ),
    _finds("limit", "", lambda q: q.limit(1), "Frost"),
    _finds("offset", "", lambda q: q.limit(1).offset(2), "Harbor"),
    _finds("range", "", lambda q: q.range(1, 2), "Thaw", "Harbor"),
    _works("single", "one row", (lambda p: p.books.select("title").eq("isbn", "b-1").single(), _is({"title": "Frost"}))),
    _works(
        "maybe_single",
        "one row, or none",
        (lambda p: p.books.select("title").eq("isbn", "b-1").maybe_single(), _is({"title": "Frost"})),
        (lambda p: p.books.select("title").eq("isbn", "b-0").maybe_single(), lambda r: r is None),
    ),
    _works("csv", "", (lambda p: p.books.select("title, pages").eq("isbn", "b-1").csv(), _is("title,pages\nFrost,310\n"))),
    _works("strip_nulls", "", (lambda p: p.books.select("title, published").eq("isbn", "b-5").strip_nulls(), _is([{"title": "Quiet, please"}]))),
)

WRITING = (
    _works(
        "insert",
        "one row, and what became of it",
        (_note, lambda r: [(row["text"], row["stars"]) for row in r.data] == [("Once", 0)]),
    ),
    _works(
        "insert",
        "many rows",
        (
            lambda p: p.notes.insert([{"slug": p.word, "text": "a", "stars": 5}, {"text": "b"}], default_to_null=False),
            lambda r: [row["stars"] for row in r.data] == [5, 0],
        ),
    ),
    _works(
        "insert",
        "returning: minimal, count",
        (lambda p: p.notes.insert({"text": "a"}, returning=ReturnMethod.minimal, count=CountMethod.exact), lambda r: (r.data, r.count) == ([], 1)),
    ),
    _works(
        "update",
        "rows that a filter finds",
        (_note, _any),
        (lambda p: p.notes.update({"stars": 4}).eq("slug", p.word), lambda r: [(row["text"], row["stars"]) for row in r.data] == [("Once", 4)]),
        (lambda p: p.bob.table("notes").update({"stars": 1}).eq("slug", p.word), _is([])),
        (lambda p: p.notes.select("stars").eq("slug", p.word).single(), _is({"stars": 4})),
    ),
    _works(
        "upsert",
        "on_conflict",
        (lambda p: p.notes.upsert({"slug": p.word, "text": "One"}, on_conflict="slug"), lambda r: r.data[0]["text"] == "One"),
        (lambda p: p.notes.upsert({"slug": p.word, "text": "Two"}, on_conflict="slug"), lambda r: r.data[0]["text"] == "Two"),
        (lambda p: p.notes.select("text").eq("slug", p.word), _is([{"text": "Two"}])),
    ),
    _works(
        "upsert",
        "ignore_duplicates",
        (_note, _any),
        (lambda p: p.notes.upsert({"slug": p.word, "text": "Two"}, on_conflict="slug", ignore_duplicates=True), _is([])),
        (lambda p: p.notes.select("text").eq("slug", p.word), _is([{"text": "Once"}])),
    ),
    _works(
        "delete",
        "rows that a filter finds",
        (_note, _any),
        (lambda p: p.bob.table("notes").delete().eq("slug", p.word), _is([])),
        (lambda p: p.notes.delete().eq("slug", p.word), lambda r: [row["text"] for row in r.data] == ["Once"]),
        (lambda p: p.notes.select("*").eq("slug", p.word), _is([])),
    ),
    _works("max_affected", "", (_note, _any), (lambda p: p.notes.update({"stars": 2}).eq("slug", p.word).max_affected(1), _any)),
    _works("rpc", "with arguments", (lambda p: p.nobody.rpc("greeting", {"name": "Ann"}), _is("Hello, Ann"))),
    _works("rpc", "get", (lambda p: p.nobody.rpc("greeting", {"name": "Ann"}, get=True), _is("Hello, Ann"))),
    _works(
        "rpc",
        "select, filters, order, limit, of the rows",
        (
            lambda p: p.nobody.rpc("books_by", {"author": "Ben"}).select("title").gt("pages", 100).order("title", desc=True).limit(1),
            _is([{"title": "Quiet, please"}]),
        ),
    ),
    _works(
        "rpc",
        "count, head",
        (lambda p: p.nobody.rpc("books_by", {"author": "Ben"}, head=True, count=CountMethod.exact), lambda r: r.count == 3),
    ),
)

REFUSED = (
    _refuses("select", "a table that is not there", "PGRST205", lambda p: p.nobody.table("bucks").select("*")),
    _refuses("select", "a column that is not there", "42703", lambda p: p.books.select("titel")),
    _refuses("select", "a relation that is not there", "PGRST200", lambda p: p.books.select("title, publishers(name)")),
    _refuses("select", "a relation that may be several", "PGRST201", lambda p: p.ann.table("loans").select("weeks, users(name)")),
    _refuses("eq", "a text for a number", "22P02", lambda p: p.books.select("title").eq("pages", "many")),
    _refuses("single", "no row", "PGRST116", lambda p: p.books.select("*").eq("isbn", "b-0").single()),
    _refuses("single", "two rows", "PGRST116", lambda p: p.books.select("*").eq("author_id", 1).single()),
    _refuses("explain", "", "PGRST107", lambda p: p.books.select("*").explain()),
    _refuses("schema", "another one", "PGRST106", lambda p: p.nobody.schema("private").table("books").select("*")),
    _refuses("text_search", "", "PGRST100", lambda p: p.books.select("title").text_search("title", "frost")),
    _refuses("range_gt", "", "PGRST100", lambda p: p.books.select("title").range_gt("pages", ("1", "5"))),
    _refuses("insert", "signed out", "42501", lambda p: p.nobody.table("notes").insert({"text": "x"})),
    _refuses("insert", "what is taken", "23505", _note, _note),
    _refuses("insert", "without a required column", "23502", lambda p: p.notes.insert({"slug": p.word})),
    _refuses("update", "without a filter", "21000", lambda p: p.notes.update({"stars": 1})),
    _refuses("delete", "without a filter", "21000", lambda p: p.notes.delete()),
    _refuses(
        "max_affected",
        "more rows than are meant",
        "PGRST124",
        lambda p: p.notes.insert([{"slug": f"{p.word}-{end}", "text": "x"} for end in "ab"]),
        lambda p: p.notes.update({"stars": 2}).like("slug", f"{p.word}-*").max_affected(1),
    ),
    _refuses("rpc", "a function that is not there", "PGRST202", lambda p: p.nobody.rpc("fly", {})),
)
CHECKS = (*READING, *WRITING, *REFUSED)
