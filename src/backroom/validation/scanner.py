"""A parameter's text, read from left to right: letters, names, values. `grammar` and `selection` say in which order they come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

#: Deepest path into JSON.
MAX_KEYS = 10

_NAME = re.compile(r'"(?:[^"\\]|\\.)*"|(?:[^.,()":=!-]|-(?!>))+')
_INDEX = re.compile(r"-?[0-9]{1,6}\Z")
_WORD = re.compile(r"[a-zA-Z_]+")

#: A key of an object, or a place in a list.
Key: TypeAlias = "str | int"


class Misspelled(ValueError):
    """The text does not follow the grammar. The message is one sentence without the parameter's name; `code` is a Fault's."""

    def __init__(self, sentence: str, code: str = "syntax") -> None:
        self.code = code
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Column:
    """`name`, or a value inside its JSON: `data->tags->0` as JSON, `data->>city` as text."""

    name: str
    keys: tuple[Key, ...] = ()
    as_text: bool = False

    def __str__(self) -> str:
        *way, last = self.keys or ("",)
        path = "".join(f"->{key}" for key in way) + (f"->>{last}" if self.as_text else f"->{last}") if self.keys else ""
        return self.name + path


class Scanner:
    """Recursive descent over one parameter's value. `at` only moves forward, so every parse takes one walk over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    # -- letters
    def take(self, letters: str) -> bool:
        found = self.text.startswith(letters, self.at)
        self.at += len(letters) if found else 0
        return found

    def sees(self, letters: str) -> bool:
        return self.text.startswith(letters, self.at)

    def need(self, letter: str) -> None:
        if not self.take(letter):
            seen = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
            self.fail(f"expected {letter!r} at character {self.at + 1}, found {seen}")

    def end(self) -> None:
        if self.at < len(self.text):
            self.fail(f"nothing may follow at character {self.at + 1} (`{self.text[self.at : self.at + 20]}`)")

    def fail(self, sentence: str, code: str = "syntax") -> NoReturn:
        raise Misspelled(sentence, code)

    # -- words
    def word(self) -> str:
        found = _WORD.match(self.text, self.at)
        self.at += len(found[0]) if found else 0
        return found[0] if found else ""

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            self.fail(f"expected a column's name at character {self.at + 1}")
        self.at = found.end()
        return _unquoted(found[0]) if found[0].startswith('"') else found[0]

    def column(self) -> Column:
        name = self.name()
        keys: list[Key] = []
        as_text = False
        while not as_text and self.take("->"):
            as_text = self.take(">")
            quoted = self.sees('"')
            key = self.name()
            keys.append(int(key) if not quoted and _INDEX.match(key) else key)
            if len(keys) > MAX_KEYS:
                self.fail(f"a path into JSON has at most {MAX_KEYS} steps", "too_many")
        return Column(name, tuple(keys), as_text)

    # -- values
    def item(self, until: str = ",)") -> str:
        """A value in a list: in quotes, or up to the next `,` or closing bracket."""
        if self.take('"'):
            letters: list[str] = []
            while self.at < len(self.text) and self.text[self.at] != '"':
                self.at += self.text[self.at] == "\\" and self.at + 1 < len(self.text)
                letters.append(self.text[self.at])
                self.at += 1
            self.need('"')
            return "".join(letters)
        start = self.at
        ends = "}" if self.text.startswith("{", start) and "}" in self.text[start:] else until  # `{a,b}` is one value
        while self.at < len(self.text) and self.text[self.at] not in ends:
            self.at += 1
        self.at += ends == "}"
        return self.text[start : self.at]

    def items(self, opening: str, closing: str) -> tuple[str, ...]:
        self.need(opening)
        if self.take(closing):
            return ()
        values = [self.item(f",{closing}")]
        while self.take(","):
            values.append(self.item(f",{closing}"))
        self.need(closing)
        return tuple(values)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
