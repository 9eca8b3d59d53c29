"""What attackers and faults do to an app's data, and what other servers of this kind were once caught at: a test for each.

`@pytest.mark.case(91)` and `@pytest.mark.advisory("CVE-2024-39701")` name, on a test, the lines below that it shows. tests/house/test_cases.py
compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

#: Number of a case -> what is tried, and what has to happen. Numbers have gaps.
CASES: Mapping[int, str] = {
    # rules compiled into SQL
    80: "drawn schemas, rules, rows and questions: both databases answer as an evaluation row by row does",
    81: "every address, method and kind of caller: nothing succeeds that is not on a list",
    82: "a row that can't be seen and a row that isn't there: one status, one body, as many statements",
    84: "what the server sets is sent along in every kind of write: refused by name, nothing written",
    85: "linking to, creating under or unlinking from a row one may not see or change: refused, no row in the junction",
    86: "fields that are hidden are in no reply of any kind",
    88: "search, counts and aggregates ask what the caller may see, the total included",
    90: "a hidden field inside groups, however deep and beside whatever: as if it did not exist",
    91: "empty lists, empty groups, missing claims and empty owners grant nothing",
    92: "no rule, an unknown action, a misspelled field, a rule that can't be judged: refused, and told at the start",
    94: "names that do not exist and names that are hidden: one reply, and no suggestion tells the difference",
    97: "one forbidden row of a hundred: all are refused, nothing is written",
    99: "tables of the server's own have no address, filter or relation",
    100: "an id is one spelling of one row of one resource",
    102: "a statement that is kept holds the values and the rules of nobody",
    103: "a field or resource of an old name is new: nothing of the old one applies",
    104: "whatever is kept for one caller is not given to another who sends the same",
    # the grammar of queries, limits, edges of types
    105: "five hundred hostile texts wherever a query takes one: refused or literal, and the SQL holds placeholders",
    107: "hostile names of paths into JSON: refused or literal on both databases",
    108: "patterns that make a matcher sweat: bounded time, or not offered",
    110: "a row with a great many children: what is embedded is bounded",
    111: "limits, offsets and slow questions: bounded, stopped, and the connection comes back",
    112: "numbers at the edge come back exactly, and no column takes what is not of its type",
    113: "text that looks alike is told apart by its bytes, in unique fields as in filters",
    114: "times at the edge are refused or exact, and their order is time's",
    115: "absent, null, empty and default are four things in a PATCH",
    # writes at once, and again
    117: "conditional requests: stale is 412, one of many writers wins, 304 only for the same body to the same caller",
    118: "a request that is sent again with its Idempotency-Key has one effect and one reply",
    120: "many sign-ups with one address: one succeeds",
    121: "many takers of one stock: exactly as many succeed as there was, and nothing is lost",
    122: "a lock that somebody else holds: a bounded wait, then 503 with a time to come again",
    123: "a client that leaves around the commit: a whole write or none",
}

#: Who -> id of the advisory (or of the issue, or the version that mended it) -> what went wrong there. Those about reading and writing data.
_BY_PEER: Mapping[str, Mapping[str, str]] = {
    "PocketBase": {
        "PocketBase 0.31": "filter and order through a relation whose rows are locked",
    },
    "Supabase": {
        "CVE-2025-48370": "an id that is none walked to another address",
        "CVE-2025-48757": "tables without any policy were open to everybody",
    },
    "PostgREST": {
        "PostgREST #541": "the details of an error held the values of the row, a password's hash among them",
        "PostgREST #4675": "the hint of an error named tables that the caller may not see",
    },
    "Directus": {
        "CVE-2024-34708": "an alias showed a field that is masked under its own name",
        "CVE-2025-30352": "search looked into fields that the caller may not read",
        "CVE-2025-64748": "search told the values of masked fields one by one",
        "CVE-2026-35442": "min and max of a masked field",
        "CVE-2023-27481": "an export's filter told hashes letter by letter",
        "CVE-2024-39701": "an empty list matched everything",
        "CVE-2025-64746": "a permission outlived its field and applied to the next of that name",
        "CVE-2026-39942": "fields that the server sets were taken from the body",
        "CVE-2024-6534": "a row could be created for, or handed to, somebody else",
        "CVE-2025-24353": "the creator of a row chose the role that it acts with",
        "CVE-2025-53889": "an endpoint of the app's own asked for nobody",
        "CVE-2025-30353": "an error of the app's own code showed the environment",
        "CVE-2026-39943": "an earlier state of a row showed what is hidden in the present one",
        "CVE-2025-64749": "403 for what exists, 404 for what doesn't",
        "CVE-2024-36128": "a length that is no number took the process down",
        "CVE-2024-39895": "one field asked for thousands of times",
    },
    "Strapi": {
        "CVE-2026-27886": "a filter through a relation told private fields of people",
        "CVE-2023-34235": "the name of a table in front of a field passed the check of fields",
        "CVE-2024-56143": "a parameter that nobody checked asked for private fields",
        "CVE-2022-30617": "who created a row was shown with all of their private fields",
        "CVE-2023-36472": "the address of a relation took filters that the address of the resource refuses",
        "CVE-2023-37263": "the title of a related row was shown although its field is not the caller's to read",
        "CVE-2023-34093": "a declaration inside another made every field public",
        "CVE-2026-22599": "the default of a column was written into SQL as it stood",
    },
    "Appwrite": {
        "CVE-2021-23682": "names like __proto__ changed every object of the process",
    },
    "Parse": {
        "CVE-2026-32248": "an object of operators where an id is expected",
        "GHSA-vgjh-hmwf-c588": "an object of operators where a token is expected",
        "CVE-2026-30962": "a protected field inside $or",
        "CVE-2026-31872": "a protected field by a path into it",
        "CVE-2026-39381": "the address of oneself showed what is protected elsewhere",
        "GHSA-2m6g-crv8-p3c6": "a pattern told private values letter by letter",
        "GHSA-6r2j-cxgf-495f": "a parameter turned the question to another class, past its permissions",
        "CVE-2026-33539": "the name of a field in an aggregate was SQL",
        "GHSA-gqpp-xgvh-9h7h": "the name of a nested key in an increment was SQL",
        "GHSA-q3vj-96h2-gwvg": "the amount of an increment was SQL",
        "GHSA-c2hr-cqg6-8j6r": "a pattern's literal part was SQL",
        "GHSA-6927-3vr9-fxf2": "a quoted text left its quotes",
        "CVE-2026-30966": "the tables behind relations were there to be written",
        "GHSA-7xg7-rqf6-pw6c": "tables of the server's own were reached by the general address",
        "CVE-2024-47183": "an id of the client's choice was read as the name of a role",
        "GHSA-6w4q-23cf-j9jp": "somebody else's session could be written",
        "GHSA-fcv6-fg5r-jm9q": "a reference pointed into a class of the server's own and brought its rows",
        "CVE-2026-30972": "requests inside a batch were not counted",
        "CVE-2026-32944": "conditions nested without end",
        "CVE-2026-33498": "conditions nested without end, past the check of their depth",
        "CVE-2026-34573": "parts of a query that include each other grew without end",
        "GHSA-38m6-82c8-4xfm": "a header was read by a pattern that never ends",
        "GHSA-6hh7-46r2-vf29": "the name of a function that does not exist took the process down",
        "CVE-2019-1020012": "a write to a class of the server's own took the process down",
        "CVE-2026-30938": "the check of names stopped at the first nested value",
        "GHSA-8cph-rgr4-g5vj": "did you mean: the names of a schema for strangers",
        "GHSA-462x-c3jw-7vr6": "a nested name in a body changed every object of the process",
        "GHSA-prm5-8g2m-24gg": "a name in stored data changed every object of the process",
    },
    "Payload": {
        "CVE-2026-34747": "a query's text was SQL",
        "CVE-2023-30843": "a filter told the values of hidden fields",
        "CVE-2025-4644": "the id of a row that is gone was given to the next",
        "CVE-2026-25574": "one number was one person here and another there",
        "CVE-2026-39397": "code of the app's own ran with all rights without saying so",
    },
    "Ory Kratos": {
        "CVE-2026-33503": "a forged token of a page was SQL",
    },
}

#: What waits for something that does not exist yet -> what that is. A line leaves this list when it has its test.
NOT_YET: Mapping[int | str, str] = {}


def advisories() -> Iterator[str]:
    """The ids of all advisories."""
    for listed in _BY_PEER.values():
        yield from listed
