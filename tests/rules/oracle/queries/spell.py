"""A question as a request: PostgREST's spelling, percent-encoded, with every freedom that it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, quote_plus

from tests.rules.oracle.queries.kinds import compact, spellings
from tests.rules.oracle.queries.questions import Condition, Embed, Group, Item, Keys, Negated, Pick, Question, Sort, Star, Test, embeds_of

#: What can stand bare in a list.
_BARE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:+*%é/=")


class Speller:
    """Spells the conditions of one resource. `kinds`: by column."""

    def __init__(self, kinds: Mapping[str, str], style: int) -> None:
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
                return column_of(test.column, test.keys, test.as_text), f"not.{self.asked(test, nested=False)}"
            case Test():
                return column_of(condition.column, condition.keys, condition.as_text), self.asked(condition, nested=False)
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
                column = column_of(condition.column, condition.keys, condition.as_text)
                return f"{column}.{negated}{self.asked(condition, nested=True)}"

    def asked(self, test: Test, *, nested: bool) -> str:
        if test.operator == "in":
            return f"in.({','.join(self.item(test, each) for each in test.values)})"
        if test.quantifier is not None:
            return f"{test.operator}({test.quantifier}).{{{','.join(self.item(test, each) for each in test.values)}}}"
        return f"{test.operator}.{self.item(test, test.values[0]) if nested else self.text(test, test.values[0])}"

    def text(self, test: Test, value: Any) -> str:
        if test.operator in ("is", "like", "ilike"):
            return str(value)
        if test.keys and not test.as_text:
            return compact(value)
        found = spellings("text" if test.keys else self.kinds.get(test.column, "text"), value)
        return found[self.style % len(found)]

    def item(self, test: Test, value: Any) -> str:
        """In a list: in quotes where something in it would end it, or where it would be another thing without them."""
        text = self.text(test, value)
        if text and set(text) <= _BARE and self.style % 3:
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def column_of(name: str, keys: Keys = (), as_text: bool = False) -> str:
    """`data->a->>b`"""
    *way, last = keys or ("",)
    return name + "".join(f"->{key}" for key in way) + (f"->{'>' if as_text else ''}{last}" if keys else "")


def sorted_by(sort: Sort) -> str:
    column = column_of(sort.column, sort.keys, sort.as_text)
    words = [column if sort.relation is None else f"{sort.relation}({column})"]
    if sort.descending is not None:
        words.append("desc" if sort.descending else "asc")
    if sort.nulls_first is not None:
        words.append("nullsfirst" if sort.nulls_first else "nullslast")
    return ".".join(words)


def item_of(item: Item) -> str:
    match item:
        case Star():
            return "*"
        case Pick():
            column = "count()" if item.column is None else column_of(item.column, item.keys, item.as_text)
            aggregate = f".{item.aggregate}()" if item.aggregate else ""
            return (f"{item.alias}:" if item.alias else "") + column + aggregate + (f"::{item.cast}" if item.cast else "")
        case Embed():
            start = "..." if item.spread else f"{item.alias}:" if item.alias else ""
            marks = "".join(f"!{each}" for each in (item.hint, item.join) if each is not None)
            return f"{start}{item.written}{marks}({','.join(map(item_of, item.items))})"


#: Resource -> column -> kind.
Kinds: TypeAlias = "Mapping[str, Mapping[str, str]]"


def level_of(question: Question | Embed, kinds: Kinds, name: str, style: int, way: str = "") -> Iterator[tuple[str, str]]:
    """The parameters of a level and of those below."""
    speller = Speller(kinds[name], style)
    for condition in question.where:
        parameter, value = speller.parameter(condition)
        yield way + parameter, value
    for word, given in (("order", ",".join(map(sorted_by, question.order)) or None), ("limit", question.limit), ("offset", question.offset)):
        if given is not None:
            yield way + word, str(given)
    for embed in embeds_of(question.items):
        yield from level_of(embed, kinds, embed.target, style, f"{way}{embed.name}.")


def address(question: Question, kinds: Kinds) -> str:
    parameters = list(level_of(question, kinds, question.resource, question.style))
    for name, value in (
        ("select", ",".join(map(item_of, question.select)) if question.select is not None else None),
        ("columns", ",".join(f'"{each}"' for each in question.named) if question.named is not None else None),
        ("on_conflict", ",".join(question.on_conflict) if question.on_conflict is not None else None),
    ):
        if value is not None:
            parameters.append((name, value))
    encode = quote_plus if question.style & 4 else _quoted
    path = f"{question.face}/{question.resource}" + (f"/{question.key}" if question.key is not None else "")
    return path + ("?" + "&".join(f"{encode(name)}={encode(value)}" for name, value in parameters) if parameters else "")


def _quoted(text: str) -> str:
    return quote(text, safe="(),.:*!")


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
