"""What a caller searches for, as a condition: `search=words`, and the operators of supabase-js' `textSearch`. Nothing in such a text is syntax.

search=milk hon*                both words stand somewhere in the searched fields; `*` right after a word: words that begin so
title=plfts.milk honey          the same in one field; also as wfts, and as fts with `&` between words and `:*` behind
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from backroom.resources.fields import Field
from backroom.resources.nodes import Constant, Searched
from backroom.resources.words import MAX_LENGTH, MAX_WORDS, Word, words_of
from backroom.validation.scanner import Misspelled
from backroom.validation.texts import refuse

#: Languages whose words are not cut to stems: ours are not either.
_CONFIGS = (None, "simple")
#: Signs of `to_tsquery` and of web searches that ask for more than words.
_ASKS_MORE = {"fts": re.compile(r"[|!<>()]|[\w'\"]\s+[\w'\"]"), "wfts": re.compile(r"[\"]|(?:^|\s)-\w|(?:^|\s)or(?:\s|$)", re.IGNORECASE)}
_CURE = {"fts": "words with `&` between them", "wfts": "words, without quotes, `or` and `-`"}


def read_search(text: str, fields: Sequence[Field], known: Collection[Field]) -> Searched:
    """`search=`: over `fields`, those of the searched fields that exist for this caller. Raises `Misspelled`."""
    if not fields:
        name = next((field.column for field in known if field.kind == "text" and not field.is_reference and field.name != "id"), "title")
        raise Misspelled(f"there is no field to search here; write `{name}: str = field(search=True)` in the app", "unavailable")
    words = words_of(text)
    if not words:
        raise Misspelled(f"there is no word in {text[:60]!r}; write letters or digits, or leave `search` out to see all rows")
    _bound(words)
    return Searched(tuple(fields), tuple(map(Constant, words)), ranked=True)


def _bound(words: Sequence[Word]) -> None:
    if len(words) > MAX_WORDS:
        raise Misspelled(f"there are {len(words)} words; at most {MAX_WORDS} are taken", "too_many")
    if any(len(word.text) > MAX_LENGTH for word in words):
        raise Misspelled(f"a word may have at most {MAX_LENGTH} characters", "too_long")


def words_in(field: Field, operator: str, text: str, config: str | None) -> Searched:
    """`title=plfts.words`. Refuses (see `texts.refuse`) what is no plain list of words, and a field that is not kept for search."""
    if not field.options.search:
        if field.kind != "text":
            refuse("type", f"is no text; `{operator}` looks for words")
        refuse("unavailable", f"is not kept for search; write `{field.name}: str = field(search=True)` in the app")
    if config not in _CONFIGS:
        refuse("unavailable", f"is searched for words as they are written, in no language; leave out the config `{config}`, or write `simple`")
    if operator in _ASKS_MORE and _ASKS_MORE[operator].search(text):
        refuse("unavailable", f"takes {_CURE[operator]} with `{operator}`; or write `plfts.`, which takes any text")
    words = words_of(text.replace(":*", "* ") if operator == "fts" else text.replace("*", " "))
    if not words:
        refuse("syntax", f"is searched for {text[:60]!r}, in which there is no word")
    try:
        _bound(words)
    except Misspelled as error:
        refuse(error.code, f"is searched for too much: {error}")
    return Searched((field,), tuple(map(Constant, words)))
