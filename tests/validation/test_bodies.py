"""Bodies: what is taken, what is refused, and the sentence that says why."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import thread_time
from typing import Any
from uuid import UUID

import pytest

from backroom.errors import DeclarationError
from backroom.resources.access import allow
from backroom.resources.fields import field
from backroom.resources.resource import Resource
from backroom.validation.bodies import BodyReader
from tests.validation.things import BODIES, KNOWN, SETTINGS, THINGS, Open, create, declared, fault, raw, refused, update

ANNA = UUID("0190b6c4-7b1e-7cc2-a4f7-0242ac120002")


def test_every_kind_is_read_into_its_own_type() -> None:
    assert update(
        {
            "title": " x ",
            "code": " AB ",
            "done": True,
            "due": "2026-12-01",
            "at": "2026-12-01T10:00:00.1239+02:00",
            "opens": "09:30",
            "lasts": "PT1H30M",
            "token": str(ANNA).upper(),
            "data": "aGk=",
            "count": 3,
            "big": 2**53 - 1,
            "ratio": 1,
            "price": "49.90",
            "color": "blue",
            "status": "open",
            "level": 2,
            "email": "A@Example.COM",
            "link": "https://example.com",
            "meta": {"a": [1, 2.5]},
            "tags": ["x"],
            "lines": [{"name": "a", "price": "1.50"}],
            "password": "s",
            "owner_id": str(ANNA),
        }
    ) == {
        "title": " x ",
        "code": "AB",
        "done": True,
        "due": date(2026, 12, 1),
        "at": datetime(2026, 12, 1, 8, 0, 0, 123000, tzinfo=UTC),
        "opens": time(9, 30),
        "lasts": timedelta(hours=1, minutes=30),
        "token": ANNA,
        "data": b"hi",
        "count": 3,
        "big": 2**53 - 1,
        "ratio": 1.0,
        "price": Decimal("49.90"),
        "color": "blue",
        "status": "open",
        "level": 2,
        "email": "A@example.com",
        "link": "https://example.com/",
        "meta": {"a": [1, 2.5]},
        "tags": ["x"],
        "lines": [{"name": "a", "price": "1.50", "count": 0}],
        "password": "s",
        "owner_id": ANNA,
    }


def test_only_what_was_sent_comes_back() -> None:
    assert create({"title": "Buy milk"}) == {"title": "Buy milk"}
    assert update({}) == {}
    assert update({"due": None}) == {"due": None}


def test_all_faults_are_named_at_once_in_the_order_of_the_fields() -> None:
    problem = refused(create, {"titel": "x", "count": 11, "due": "tomorrow", "lines": [{"name": 1}, 5]})
    assert [(each.field, each.code) for each in problem.errors] == [
        ("title", "required"),
        ("due", "type"),
        ("count", "too_large"),
        ("lines.0.name", "type"),
        ("lines.0.price", "required"),
        ("lines.1", "type"),
        ("titel", "unknown"),
    ]
    assert problem.code == "validation.failed"
    assert problem.sentence.startswith("Title is required. Due must be a date")


def test_a_missing_required_field_is_named() -> None:
    assert fault(create, {}) == ("title", "required", "Title is required.")
    assert fault(lambda: BODIES.read(b"{}", "replace", KNOWN)) == ("title", "required", "Title is required.")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"title": "   "}, "blank", "Title must not be blank."),
        ({"title": ""}, "blank", "Title must not be blank."),
        ({"title": "x" * 21}, "too_long", "Title may have at most 20 characters."),
        ({"title": None}, "required", "Title can't be null."),
        ({"title": 12}, "type", 'Title must be text; send "12", in quotes.'),
        ({"code": " A "}, "too_short", "Code needs at least 2 characters."),
        ({"code": "ab"}, "pattern", "Code must match the pattern ^[A-Z]+$."),
        ({"done": 1}, "type", "Done must be true or false; send true or false, without quotes."),
        ({"done": "true"}, "type", "Done must be true or false; send true or false, without quotes."),
        ({"count": "3"}, "type", "Count must be a whole number; send the number 3, without quotes."),
        ({"count": 1.5}, "type", "Count must be a whole number."),
        ({"count": True}, "type", "Count must be a whole number."),
        ({"count": "٣"}, "type", "Count must be a whole number."),
        ({"count": "1_000"}, "type", "Count must be a whole number."),
        ({"count": -1}, "too_small", "Count must be at least 0."),
        ({"big": ""}, "type", "Big must be a whole number; for no value send null."),
        ({"big": 2**53}, "too_large", "Big must lie between -9007199254740991 and 9007199254740991, or JSON.parse would change it."),
        ({"big": -(2**70)}, "too_small", "Big must lie between -9007199254740991 and 9007199254740991, or JSON.parse would change it."),
        ({"ratio": "1.5"}, "type", "Ratio must be a number; send the number 1.5, without quotes."),
        ({"price": 0.1 + 0.2}, "type", 'Price has more digits than a JSON number keeps; send "0.30000000000000004", in quotes.'),
        ({"price": 10**15}, "type", "Price has more digits than a JSON number keeps; send it in quotes."),
        ({"price": "1_0"}, "type", 'Price must be a decimal number like "49.90".'),
        ({"price": "NaN"}, "type", 'Price must be a decimal number like "49.90".'),
        ({"price": "1e999"}, "too_large", "Price may have at most 100 digits."),
        ({"price": "-1"}, "too_small", "Price must be at least 0."),
        ({"due": ""}, "type", 'Due must be a date like "2026-12-01"; for no value send null.'),
        ({"due": "2026-12-01T00:00:00Z"}, "type", 'Due must be a date like "2026-12-01", nothing longer.'),
        ({"due": "2026-02-30"}, "type", 'Due must be a date like "2026-12-01".'),
        ({"due": "20261201"}, "type", 'Due must be a date like "2026-12-01".'),
        ({"due": 1764547200}, "type", 'Due must be a date like "2026-12-01".'),
        ({"at": "2026-12-01T10:00"}, "type", "At has no offset; send `new Date(v).toISOString()`."),
        ({"at": "2026-12-01T23:59:60Z"}, "type", 'At must be a time with its offset, like "2026-12-01T09:00:00.000Z".'),
        ({"at": "2026-12-01T10:00:00+25:00"}, "type", 'At must be a time with its offset, like "2026-12-01T09:00:00.000Z".'),
        ({"at": "0001-01-01T00:00:00+02:00"}, "type", "At lies outside the years 1 to 9999 in UTC."),
        ({"opens": "24:00"}, "type", 'Opens must be a time of day like "09:30:00".'),
        ({"lasts": "90"}, "type", 'Lasts must be a duration like "PT1H30M".'),
        ({"lasts": "P900000000D"}, "too_large", "Lasts may span at most 100000000 days."),
        ({"token": "42"}, "type", 'Token must be a UUID like "0190b6c4-7b1e-7cc2-a4f7-0242ac120002".'),
        ({"data": "a"}, "type", "Data must be bytes in base64."),
        ({"color": "green"}, "choice", "Color must be 'red' or 'blue'."),
        ({"status": {}}, "choice", "Status must be 'draft' or 'open'."),
        ({"level": True}, "type", "Level must be a whole number."),
        ({"level": 1.0}, "type", "Level must be a whole number."),
        ({"email": "anna"}, "invalid", "Email must be an email address."),
        ({"link": "ftp:"}, "invalid", 'Link must be an address like "https://example.com".'),
        ({"meta": [1]}, "type", "Meta must be an object."),
        ({"tags": ["a", "b", "c", "d"]}, "too_long", "Tags may have at most 3 items."),
        ({"tags": ["a", 1]}, "type", 'Tags (item 2) must be text; send "1", in quotes.'),
        ({"owner_id": 5}, "type", 'Owner must be a UUID like "0190b6c4-7b1e-7cc2-a4f7-0242ac120002".'),
    ],
)
def test_a_wrong_value_is_refused_with_its_cure(body: dict[str, Any], code: str, message: str) -> None:
    _, found, sentence = fault(update, body)
    assert (found, sentence) == (code, message)


def test_a_decimal_number_that_collapses_to_a_shorter_one_is_refused() -> None:
    assert fault(update, '{"price": 0.1000000000000000055}')[1] == "type"
    assert update('{"price": 12.50}') == {"price": Decimal("12.5")}


def test_names_are_told_with_the_nearest_right_one() -> None:
    assert fault(update, {"createdAt": 1})[2] == "There is no field `createdAt`; did you mean `created_at`?"
    assert fault(update, {"owner": 1})[2] == "There is no field `owner`; did you mean `owner_id`?"
    assert fault(update, {"titel": 1})[2] == "There is no field `titel`; did you mean `title`?"
    assert fault(update, {"x" * 100_000: 1})[2] == f"There is no field `{'x' * 100}`."


@pytest.mark.parametrize("value", ["right", 5, None, {"a": 1}])
def test_a_hidden_column_answers_like_a_nonsense_name(value: Any) -> None:
    for hidden in ("ratio", "vault", "big"):
        known = KNOWN - {hidden}
        nonsense = "q" * len(hidden)
        of_hidden = refused(update, {hidden: value, "count": "x"}, known).body()
        of_nonsense = refused(update, {nonsense: value, "count": "x"}, known).body()
        assert str(of_hidden).replace(hidden, nonsense) == str(of_nonsense)


def test_a_hidden_column_is_refused_also_where_nothing_else_is_wrong() -> None:
    assert fault(update, {"ratio": 1.5}, KNOWN - {"ratio"}) == ("ratio", "unknown", "There is no field `ratio`.")
    assert fault(update, {"vault": "s"}) == ("vault", "unknown", "There is no field `vault`.")


def test_a_required_column_that_is_hidden_from_the_caller_is_not_asked_for() -> None:
    assert create({"count": 3}, KNOWN - {"title"}) == {"count": 3}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON at line 1, column 2"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'{"title": "\xc0\x80"}', "not UTF-8"),
        (b"[object Object]", "JSON.stringify"),
        (b'{"title": "a", "title": "b"}', "`title` twice"),
        (b'{"meta": {"x": {"role": 1, "role": 2}}}', "`role` twice"),
        (b'{"ratio": NaN}', "NaN"),
        (b'{"meta": {"x": -Infinity}}', "Infinity"),
        (b'{"ratio": 1e999}', "too large"),
        (b'{"count": ' + b"9" * 5000 + b"}", "4300 digits"),
        (b"[" * 40_000, "deeper than 32"),
        (b'{"meta": {"a":' + b"[" * 31 + b"]" * 31 + b"}}", "deeper than 32"),
    ],
)
def test_what_is_no_unambiguous_json_is_refused(body: bytes, told: str) -> None:
    problem = refused(create, body)
    assert problem.code == "validation.json"
    assert told in problem.sentence


def test_the_greatest_depth_itself_is_taken() -> None:
    nested: Any = 1
    for _ in range(30):
        nested = [nested]
    assert update({"meta": {"a": nested}}) == {"meta": {"a": nested}}


@pytest.mark.parametrize(
    ("body", "field"), [(r'{"title": "a\u0000"}', "title"), (r'{"tags": ["\ud800"]}', "tags.0"), (r'{"meta": {"a": {"\u0000": 1}}}', "meta.a.?")]
)
def test_text_that_cant_be_stored_is_refused_naming_the_place(body: str, field: str) -> None:
    assert fault(update, body)[:2] == (field, "character")


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    assert update(r'{"title": "\\u0000"}') == {"title": r"\u0000"}


def test_integers_that_json_parse_would_change_are_refused_inside_json_columns() -> None:
    assert fault(update, '{"meta": {"a": [9007199254740993]}}')[:2] == ("meta.a.0", "too_large")
    for written in (10**20, 9223372036854776000, 10**23):  # as JSON.stringify writes 1e20 and 2 ** 63, and Postgres 1e23
        assert update(f'{{"meta": {{"a": {written}}}}}') == {"meta": {"a": written}}


@pytest.mark.parametrize("body", ["[]", "null", "5", '"x"'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    assert fault(create, body) == (None, "type", "The body must be a JSON object.")


def many(body: Any) -> Any:
    return BODIES.read_many(raw(body), "create", KNOWN)


def test_an_array_gives_a_list_and_an_object_a_dict() -> None:
    assert many([{"title": "a"}, {"title": "b"}]) == [{"title": "a"}, {"title": "b"}]
    assert many({"title": "a"}) == {"title": "a"}
    assert many([]) == []


def test_faults_of_an_array_carry_their_row() -> None:
    problem = refused(many, [{"title": "a"}, {"title": ""}, 5, {"titel": 1}])
    assert [(each.row, each.field, each.code) for each in problem.errors] == [
        (1, "title", "blank"),
        (2, None, "type"),
        (3, "title", "required"),
        (3, "titel", "unknown"),
    ]


def test_an_array_of_too_many_rows_is_refused() -> None:
    assert fault(many, [{}] * 1001)[1] == "too_many"
    assert len(refused(many, [{}] * 1000).errors) == 100


def test_thousands_of_faults_are_told_in_one() -> None:
    assert fault(update, '{"lines": [' + "1," * 40_000 + "1]}") == ("lines", "too_many", "Lines has 40001 faults.")
    assert len(refused(update, {f"x{index}": 1 for index in range(20_000)}).errors) == 100


MANY = 350_000


@pytest.mark.parametrize(
    "values",
    [
        "[]," * MANY + "[]",
        "1.5," * (MANY * 3 // 4) + "1",
        "1," * MANY + "1",
        '"",' * MANY + '""',
        "{}," * MANY + "{}",
        '"\\"",' * 170_000 + '""',
        "[" * 100_000,
    ],
    ids=["arrays", "floats", "integers", "texts", "objects", "quotes", "depth"],
)
def test_a_body_of_too_many_values_is_refused_before_it_costs_anybody_time(values: str) -> None:
    body = ('{"title":"x","meta":{"a":[' + values + "]}}").encode()
    assert len(body) < 1_100_000
    begun = thread_time()
    assert fault(create, body)[:2] == (None, "too_many")
    assert thread_time() - begun < 0.25  # some 0.01 s; without the bound up to a second


def test_text_full_of_commas_is_one_value_and_the_bound_itself_is_taken() -> None:
    assert create({"title": "x", "meta": {"a": ',[{\\"' * 150_000}})["meta"]["a"][:2] == ",["
    assert len(create({"title": "x", "meta": {"a": [1] * 49_996}})["meta"]["a"]) == 49_996
    assert fault(create, {"title": "x", "meta": {"a": [1] * 49_998}})[1] == "too_many"


def test_complete_fills_defaults_the_caller_and_the_clock() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    row = BODIES.complete({"title": "x", "due": None}, caller=ANNA, moment=moment)
    assert row["owner_id"] == ANNA and row["created_at"] == row["updated_at"] == moment
    assert (row["title"], row["code"], row["color"], row["tags"], row["due"], row["count"]) == ("x", "AB", "red", [], None, 1)
    assert row.keys() == {each.column for each in THINGS.fields} - {"id"}
    assert BODIES.complete({}, caller=None, moment=moment)["tags"] is not row["tags"]


def test_a_model_in_a_json_column_refuses_names_it_does_not_declare() -> None:
    assert fault(update, {"lines": [{"name": "a", "price": "1", "prise": 2}]})[:2] == ("lines.0.prise", "unknown")


def test_a_model_that_allows_more_names_keeps_them() -> None:
    class Loose(Resource):
        data: Open
        access = allow()

    reader = BodyReader(declared(Loose, "loose"), SETTINGS)

    def read(body: bytes) -> Any:
        return reader.read(body, "create", frozenset({"data"}))

    assert read(b'{"data": {"name": "a", "more": 1}}') == {"data": {"name": "a", "more": 1}}
    assert fault(read, b'{"data": {"name": "a"}, "more": 1}')[:2] == ("more", "unknown")


def test_a_value_that_fits_no_branch_of_a_union_is_told_once() -> None:
    class Mixed(Resource):
        either: list[int | str]
        access = allow()

    reader = BodyReader(declared(Mixed, "mixed"), SETTINGS)

    def read(body: bytes) -> Any:
        return reader.read(body, "create", frozenset({"either"}))

    assert read(b'{"either": [1, "a"]}') == {"either": [1, "a"]}
    assert fault(read, b'{"either": [1, {}]}')[:2] == ("either.1", "type")


def test_a_pattern_that_cant_be_read_stops_the_start_naming_the_field() -> None:
    class Broken(Resource):
        slug: str = field(pattern="(?<=x)y")
        access = allow()

    with pytest.raises(DeclarationError, match="`slug`: its type and constraints"):
        BodyReader(declared(Broken, "broken"), SETTINGS)


@pytest.mark.case(108)
def test_a_pattern_answers_in_time_whatever_it_is_given() -> None:
    class Slow(Resource):
        slug: str = field(pattern="^(a+)+$")
        access = allow()

    reader = BodyReader(declared(Slow, "slow"), SETTINGS)

    def read() -> Any:
        return reader.read(raw({"slug": "a" * 10_000 + "b"}), "create", frozenset({"slug"}))

    assert fault(read)[1] == "pattern"  # a backtracking matcher would never come back
