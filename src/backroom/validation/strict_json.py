"""Bytes into a JSON tree that can mean only one thing.

Python's scanner reads the body first, with hooks that refuse what parsers disagree on (duplicate names, NaN, 1e999). The tree it gives is what faults
are told from; values come from pydantic's own parser, which after these checks can't read the same bytes differently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias, TypeGuard

from backroom.errors import Fault, Problem

#: Greatest integer that JSON.parse keeps exact.
MAX_SAFE_INTEGER = 2**53 - 1

#: Depth and number of values of a body where no setting says otherwise. So many values take up to 0.1 s, in which nobody else is served.
MAX_DEPTH = 32
MAX_VALUES = 50_000

Path: TypeAlias = "tuple[str | int, ...]"

_WIDE = re.compile(rb"[0-9]{16}")
_MAY_OVERFLOW = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{300}")
_CHILDREN: Mapping[type, Callable[[Any], Iterable[Any]]] = {dict: lambda node: node.values(), list: lambda node: node}
_BLANKS = " \t\r\n"
_MAX_FLAWS = 20


def is_object(node: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def is_array(node: object) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


class Spelled(float):
    """A number with a point or an exponent, and how it was written: Decimal columns count its digits."""

    __slots__ = ("text",)
    text: str


def _refuse(sentence: str) -> NoReturn:
    raise Problem("validation.json", sentence)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                _refuse(f"The body names `{_printable(name)}` twice; send it once.")
            seen.add(name)
    return tree


def _spelled(text: str) -> Spelled:
    number = Spelled(text)
    if number in (float("inf"), float("-inf")):
        _refuse(f"{text[:40]} is too large for a number.")
    number.text = text
    return number


def _no_number(word: str) -> NoReturn:
    _refuse(f"{word} is not JSON; send null.")


_plain = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number)
_keeping = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_spelled)


def _scan(decoder: json.JSONDecoder, text: str) -> Any:
    """`decoder.decode`, without its two regular expressions for blanks: a third of the time of a small body."""
    trimmed = text.rstrip(_BLANKS)
    if trimmed[:1] not in _BLANKS:
        tree, end = decoder.raw_decode(trimmed)
        if end == len(trimmed):
            return tree
    return decoder.decode(text)  # blanks in front, or something behind: it knows where


def read_json(raw: bytes, max_depth: int, max_values: int = MAX_VALUES, *, spelled: bool = False) -> Any:
    """The JSON tree of a body. Raises `Problem("validation.json")`, or `validation.failed` naming the place.

    `max_values` counts every value, and every array and object once more. `spelled`: numbers with a point or an exponent are `Spelled`,
    which costs a microsecond each.

    >>> read_json(b'{"title": "Buy milk"}', 32)
    {'title': 'Buy milk'}
    """
    if len(raw) > max_values and _values(raw) > max_values:  # asked first: the tree alone would take most of the time
        sentence = f"The body holds more than {max_values:,} values (MAX_JSON_VALUES); send it in parts."
        raise Problem("validation.failed", sentence, errors=[Fault(None, "too_many", sentence)])
    try:
        tree = _scan(_keeping if spelled or _MAY_OVERFLOW.search(raw) else _plain, raw.decode())
    except json.JSONDecodeError as error:
        _refuse(_explain(raw, error))
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8.")
    except RecursionError:
        _refuse(f"The body is nested deeper than {max_depth} levels.")
    except ValueError:  # Python's own limit on the digits of an integer
        _refuse("The body holds a number of more than 4300 digits.")
    if raw.count(b"{") + raw.count(b"[") > max_depth and _depth(tree) > max_depth:
        _refuse(f"The body is nested deeper than {max_depth} levels.")
    if b"\\u" in raw:
        flaws = list(_flaws(tree))
        if flaws:
            raise Problem("validation.failed", " ".join(flaw.message for flaw in flaws[:3]), errors=flaws)
    return tree


def _values(raw: bytes) -> int:
    """Commas and opening brackets outside of text: one before each value but the first of its array or object, one for each of these."""
    outside = b"".join(raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    return outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _explain(raw: bytes, error: json.JSONDecodeError) -> str:
    if not raw.strip():
        return "The body is empty; send a JSON object."
    if raw.startswith(b"\xef\xbb\xbf"):
        return "The body begins with a byte order mark; send UTF-8 without one."
    if raw.startswith(b"[object "):
        return "The body is the text of an object; write `body: JSON.stringify(data)`."
    what = error.msg.split(":")[0].split(" at")[0]
    return f"The body is not valid JSON at line {error.lineno}, column {error.colno}: {what[:1].lower()}{what[1:]}."


def _depth(tree: Any) -> int:
    """Levels of arrays and objects, without recursion: the body decides how deep this goes."""
    depth, level = 0, [tree] if type(tree) in _CHILDREN else []
    while level:
        depth += 1
        level = [child for node in level for child in _CHILDREN[type(node)](node) if type(child) in _CHILDREN]
    return depth


def walk(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value below (and itself) with its path; names of objects come as values of their own path."""
    stack: list[tuple[Path, Any]] = [(path, tree)]
    while stack:
        here, node = stack.pop()
        yield here, node
        if is_object(node):
            for name, child in node.items():
                yield (*here, name), name
                stack.append(((*here, name), child))
        elif is_array(node):
            stack.extend(((*here, index), child) for index, child in enumerate(node))


def _flaws(tree: Any) -> Iterator[Fault]:
    """Text that no database stores: U+0000, and halves of a surrogate pair."""
    found = 0
    for path, value in walk(tree):
        if type(value) is str and found < _MAX_FLAWS:
            what = "U+0000" if "\0" in value else "half of a surrogate pair" if not _whole(value) else None
            if what is not None:
                found += 1
                row = path[0] if path and isinstance(path[0], int) else None
                place = spell(path if row is None else path[1:])
                yield Fault(place, "character", f"{f'`{place}`' if place else 'The body'} holds {what}, which can't be stored.", row)


def may_be_inexact(raw: bytes) -> bool:
    """Whether the body holds so many digits in a row that an integer in it could be inexact. Cheap, and mostly no."""
    return _WIDE.search(raw) is not None


def inexact(tree: Any, path: Path) -> Iterator[Path]:
    """Paths of integers inside a JSON value that JSON.parse would change."""
    for place, value in walk(tree, path):
        if type(value) is int and abs(value) > MAX_SAFE_INTEGER and not _exact(value):
            yield place


def _exact(value: int) -> bool:
    """JavaScript reads it as itself, or writes the number that it reads as these very digits: `JSON.stringify(2 ** 63)` is 9223372036854776000."""
    try:
        number = float(value)
    except OverflowError:
        return False
    return int(number) == value or Decimal(repr(number)) == value


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    return text[:100].encode("utf-8", "replace").decode().replace("\0", "?")


def spell(path: Path) -> str | None:
    """`("lines", 0, "price")` -> `lines.0.price`, in characters that can be sent."""
    return ".".join(_printable(str(part)) for part in path) or None
