"""A question as a request: PostgREST's spelling, percent-encoded, with every freedom that it leaves."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

from tests.rules.oracle.queries.kinds import spellings
from tests.rules.oracle.queries.questions import Condition, Group, Negated, Question, Sort, Test

#: What can stand bare in a list.
_BARE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:+*%é/=")


class Speller:
    """Spells the conditions of one resource. `kinds`: by column."""

    def __init__(self, kinds: dict[str, str], style: int) -> None:
        self.kinds, self.style = kinds, style

    def parameter(self, condition: Condition) -> tuple[str, str]:
        """A condition of the top level."""
        match condition:
            case Negated(Negated(part)):
                return self.parameter(part)
            case Negated(Group(word, parts)):
                return f"not.{word}", f"({','.join(map(self.member, parts))})"
            case Group(word, parts):
                return word, f"({','.join(map(self.member, parts))})"
            case Negated(Test() as test):
                return test.column, f"not.{self.asked(test, nested=False)}"
            case Test():
                return condition.column, self.asked(condition, nested=False)
            case _:
                raise AssertionError(condition)

    def member(self, condition: Condition, negated: str = "") -> str:
        """A condition inside `and(...)` or `or(...)`."""
        match condition:
            case Negated(part):
                return self.member(part, "" if negated else "not.")
            case Group(word, parts):
                return f"{negated}{word}({','.join(map(self.member, parts))})"
            case Test():
                return f"{condition.column}.{negated}{self.asked(condition, nested=True)}"

    def asked(self, test: Test, *, nested: bool) -> str:
        if test.operator == "in":
            return f"in.({','.join(self.item(test, each) for each in test.values)})"
        if test.quantifier is not None:
            return f"{test.operator}({test.quantifier}).{{{','.join(self.item(test, each) for each in test.values)}}}"
        return f"{test.operator}.{self.item(test, test.values[0]) if nested else self.text(test, test.values[0])}"

    def text(self, test: Test, value: Any) -> str:
        if test.operator in ("is", "like", "ilike"):
            return str(value)
        found = spellings(self.kinds.get(test.column, "text"), value)
        return found[self.style % len(found)]

    def item(self, test: Test, value: Any) -> str:
        """In a list: in quotes where something in it would end it, or where it would be another thing without them."""
        text = self.text(test, value)
        if text and set(text) <= _BARE and self.style % 3:
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def sorted_by(sort: Sort) -> str:
    words = [sort.column]
    if sort.descending is not None:
        words.append("desc" if sort.descending else "asc")
    if sort.nulls_first is not None:
        words.append("nullsfirst" if sort.nulls_first else "nullslast")
    return ".".join(words)


def address(question: Question, kinds: dict[str, str]) -> str:
    speller = Speller(kinds, question.style)
    parameters = [speller.parameter(condition) for condition in question.where]
    for name, value in (
        ("select", ",".join(question.select) if question.select is not None else None),
        ("order", ",".join(map(sorted_by, question.order)) or None),
        ("limit", question.limit),
        ("offset", question.offset),
        ("columns", ",".join(f'"{each}"' for each in question.named) if question.named is not None else None),
        ("on_conflict", ",".join(question.on_conflict) if question.on_conflict is not None else None),
    ):
        if value is not None:
            parameters.append((name, str(value)))
    encode = quote_plus if question.style & 4 else lambda text: quote(text, safe="(),.:*")
    path = f"{question.face}/{question.resource}" + (f"/{question.key}" if question.key is not None else "")
    return path + ("?" + "&".join(f"{encode(name)}={encode(value)}" for name, value in parameters) if parameters else "")


def headers(question: Question) -> dict[str, str]:
    wishes = [
        f"{name}={value}"
        for name, value in (
            ("count", "exact" if question.counted else None),
            ("return", question.returns),
            ("resolution", question.resolution),
            ("missing", question.missing),
        )
        if value is not None
    ]
    found = {"prefer": ", ".join(wishes)} if wishes else {}
    if question.one:
        found["accept"] = "application/vnd.pgrst.object+json"
    if question.span is not None:
        found["range"] = f"{question.span[0]}-{'' if question.span[1] is None else question.span[1]}"
    return found
