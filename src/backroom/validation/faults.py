"""What pydantic found wrong, said for people who fill in forms and write `fetch`.

Codes: required, blank, too_short, too_long, too_small, too_large, multiple, pattern, choice, type, character, unknown, too_many, invalid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from backroom.errors import Fault, Problem
from backroom.resources.fields import Kind
from backroom.validation.strict_json import Path, is_array, is_object, spell
from backroom.validation.texts import WANTED
from backroom.validation.wire import human, too_short

#: No reply lists more faults than this.
MAX_FAULTS = 100

_KIND_OF: Mapping[str, Kind] = {
    "string": "text",
    "int": "integer",
    "float": "float",
    "finite": "float",
    "bool": "boolean",
    "decimal": "decimal",
    "date": "date",
    "datetime": "datetime",
    "timezone": "datetime",
    "time": "time",
    "uuid": "uuid",
    "bytes": "bytes",
}

#: pydantic's type -> our code and phrase, filled from its context.
_PHRASES: Mapping[str, tuple[str, str]] = {
    "missing": ("required", "is required"),
    "extra_forbidden": ("unknown", "is not known here"),
    "string_too_long": ("too_long", "may have at most {max_length} characters"),
    "bytes_too_short": ("too_short", "needs at least {min_length} bytes"),
    "bytes_too_long": ("too_long", "may have at most {max_length} bytes"),
    "too_short": ("too_short", "needs at least {min_length} items"),
    "too_long": ("too_long", "may have at most {max_length} items"),
    "string_pattern_mismatch": ("pattern", "must match the pattern {pattern}"),
    "greater_than": ("too_small", "must be greater than {gt}"),
    "greater_than_equal": ("too_small", "must be at least {ge}"),
    "less_than": ("too_large", "must be less than {lt}"),
    "less_than_equal": ("too_large", "may be at most {le}"),
    "multiple_of": ("multiple", "must be a multiple of {multiple_of}"),
    "literal_error": ("choice", "must be {expected}"),
    "enum": ("choice", "must be {expected}"),
    "dict_type": ("type", "must be an object"),
    "mapping_type": ("type", "must be an object"),
    "model_type": ("type", "must be an object"),
    "model_attributes_type": ("type", "must be an object"),
    "dataclass_type": ("type", "must be an object"),
    "list_type": ("type", "must be an array"),
    "tuple_type": ("type", "must be an array"),
    "set_type": ("type", "must be an array"),
    "frozen_set_type": ("type", "must be an array"),
    "url_parsing": ("invalid", 'must be an address like "https://example.com"'),
    "url_scheme": ("invalid", "must be an address that begins with {expected_schemes}"),
    "url_type": ("type", "must be text"),
}
_A_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?\Z")


def refusal(faults: Iterable[Fault], code: str = "validation.failed") -> Problem:
    """One Problem for all faults; its sentence is theirs, as long as a person would read it."""
    listed = list(faults)
    shown = " ".join(dict.fromkeys(fault.message for fault in listed[:3]))
    more = f" And {len(listed) - 3} more." if len(listed) > 3 else ""
    return Problem(code, shown + more, errors=listed[:MAX_FAULTS])


def faults_of(error: ValidationError, tree: Any, labels: Mapping[str, str], nullable: Collection[str] = ()) -> Iterator[tuple[Path, Fault]]:
    """Each fault with its path, one a path. `labels` and `nullable` speak of the first part of the path."""
    told: set[Path] = set()
    if error.error_count() > 10 * MAX_FAULTS:  # listing half a million of them would take seconds
        first = next(iter(tree), None) if len(tree) == 1 else None
        yield (), Fault(first, "too_many", f"{labels.get(str(first), 'The body')} has {error.error_count()} faults.")
        return
    for found in error.errors(include_url=False):
        path = _real_path(found["loc"], tree, absent=found["type"] == "missing")
        if path in told:
            continue
        told.add(path)
        code, phrase = _phrase(found, optional=len(path) == 1 and path[0] in nullable)
        yield path, Fault(spell(path), code, f"{_label(path, labels)} {phrase}.")


def _real_path(location: tuple[int | str, ...], tree: Any, *, absent: bool) -> Path:
    """pydantic puts the branch of a union into its locations; the body has no such place. `absent`: the last part is a name that is missing."""
    path: list[int | str] = []
    for index, part in enumerate(location):
        if is_object(tree) and isinstance(part, str) and part in tree:  # noqa: SIM114 - together, no type checker knows what is looked up in what
            tree = tree[part]
        elif is_array(tree) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        elif not absent or index < len(location) - 1:
            continue
        path.append(part)
    return tuple(path)


def _label(path: Path, labels: Mapping[str, str]) -> str:
    if len(path) == 1:
        return labels.get(str(path[0])) or human(spell(path) or "")
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return "The body"
    item = f" (item {path[-1] + 1})" if isinstance(path[-1], int) else ""
    return human(spell((names[-1],)) or "") + item


def _phrase(found: Any, *, optional: bool) -> tuple[str, str]:
    kind, given, context = found["type"], found["input"], found.get("ctx", {})
    if given is None and kind != "missing":
        return "required", "can't be null"
    if kind == "backroom":
        meant: Kind | None = next((name for name, phrase in WANTED.items() if context["phrase"] == phrase), None)
        return context["code"], context["phrase"] + (_cure(meant, given, optional=optional) if meant else "")
    if kind == "string_too_short":
        return too_short(str(given).strip(), context["min_length"])
    if kind in _PHRASES:
        code, phrase = _PHRASES[kind]
        return code, phrase.format(**context)
    wanted: Kind | None = "timedelta" if kind.startswith("time_delta") else _KIND_OF.get(kind.partition("_")[0])
    if wanted is not None:
        return "type", WANTED[wanted] + _cure(wanted, given, optional=optional)
    if "email" in found["msg"][:40]:
        return "invalid", "must be an email address"
    sentence = str(context.get("error") or found["msg"]).strip().rstrip(".")
    return "invalid", f"is not right: {sentence[:1].lower()}{sentence[1:]}"


def _cure(kind: Kind, given: Any, *, optional: bool) -> str:
    """What to send instead, for the slips that forms and JavaScript make."""
    if isinstance(given, str) and not given and kind != "text":
        return "; for no value send null" if optional else ""
    if kind == "text" and isinstance(given, int | float):
        return f"; send {json.dumps(json.dumps(given))[:60]}, in quotes"
    if kind in ("integer", "float") and isinstance(given, str) and _A_NUMBER.match(given) and (kind == "float" or "." not in given):
        return f"; send the number {given}, without quotes"
    if kind == "boolean" and isinstance(given, str | int):
        return "; send true or false, without quotes"
    if kind == "datetime" and isinstance(given, int | float):
        return "; send `new Date(v).toISOString()`"
    return ""


def unknown(name: str, known: Collection[str], what: str = "field") -> Fault:
    """An unknown name, with the nearest of those that the caller may see."""
    shown = spell((name,)) or ""
    near = nearest(name, known)
    return Fault(shown, "unknown", f"There is no {what} `{shown}`" + (f"; did you mean `{near}`?" if near else "."))


def nearest(name: str, known: Collection[str]) -> str | None:
    """`createdAt` -> `created_at`, `owner` -> `owner_id`, `titel` -> `title`; None if nothing is near."""
    if len(name) > 64:
        return None
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    for candidate in (snake, f"{snake}_id"):
        if candidate in known:
            return candidate
    return next(iter(get_close_matches(snake, sorted(known), 1)), None)
