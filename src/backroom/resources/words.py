"""What a word is to a search: a run of letters and digits, with the signs that belong to letters. Case counts for nothing, nor do accents on a-z.

SQLite's tokenizer and Postgres' indexed expression (`sql/search.py`) cut and fold stored text in the same way.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from unicodedata import category, normalize

#: A search asks for at most so many words, each of at most so many characters.
MAX_WORDS = 10
MAX_LENGTH = 100

_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"})
_SIGNS = frozenset({"Mn", "Mc"})  # vowel signs of Hindi and Thai, accents that stand by themselves
_ACCENTED = re.compile("([a-zA-Z])[\u0300-\u036f]+")
#: Letters that are one letter in another form, beside upper and lower case: what Unicode's simple folding does more than `lower`.
FORMS, PLAIN = "ſµςϐϑϕϖϰϱϵ", "sμσβθφπκρε"
_FORMS = str.maketrans(FORMS, PLAIN)


class Word(NamedTuple):
    """A word to be found; `prefix`: or any word that begins so."""

    text: str
    prefix: bool = False


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a caller's text, each once. All else parts them, except that a `*` right after a word makes it a prefix.

    >>> words_of("Milk & hon* -MILK")
    (Word(text='Milk', prefix=False), Word(text='hon', prefix=True))
    """
    parted = "".join(letter if letter == "*" or _is_part(letter) else " " for letter in text)
    found: dict[Word, Word] = {}
    for run in re.findall(r"[^ *]+\*?", parted):
        word = Word(run.rstrip("*"), run.endswith("*"))
        if any(category(letter) in _LETTERS for letter in word.text):
            found.setdefault(Word(folded(word.text), word.prefix), word)
    return tuple(found.values())


def _is_part(letter: str) -> bool:
    kind = category(letter)
    return kind in _LETTERS or (kind in _SIGNS and not "\ufe00" <= letter <= "\ufe0f")  # those choose between two pictures of an emoji


def folded(text: str) -> str:
    """The form in which words are compared: in lower case, without accents on a-z.

    >>> folded("ÄPFEL"), folded("Ёлка"), folded("Straße")
    ('apfel', 'ёлка', 'straße')
    """
    return normalize("NFC", _ACCENTED.sub(r"\1", normalize("NFD", text))).lower().translate(_FORMS)
