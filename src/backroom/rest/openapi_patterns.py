"""What stands behind `=` in a filter, as patterns: one for each kind of value, shared by all columns of that kind.

A pattern says what is surely taken, by every caller; values are exact, to the days of a leap year. Grammars that nest are no matter for patterns:
where the server takes more, the description says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import AnyUrl, EmailStr

from backroom.resources.fields import Field, FieldOptions, Kind
from backroom.rest.schemas import Schema

NAMES: Mapping[Kind, str] = {
    "text": "TextFilter",
    "integer": "IntegerFilter",
    "float": "NumberFilter",
    "boolean": "BooleanFilter",
    "decimal": "DecimalFilter",
    "date": "DateFilter",
    "datetime": "DateTimeFilter",
    "time": "TimeFilter",
    "timedelta": "DurationFilter",
    "uuid": "UuidFilter",
    "bytes": "BytesFilter",
    "json": "JsonFilter",
}
_ANY = r"[^\u0000]"
_QUOTED = r'"(?:[^"\\\u0000]|\\[^\u0000])*"'
#: An item of a list without quotes around it, and one of `{...}`.
_BARE = r'[^",(){}\\\u0000][^,(){}\\\u0000]*'
_ITEM = rf"(?:{_BARE}|{_QUOTED})"
_YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[2-9])"
_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
DATE = rf"(?:{_YEAR}-{_DAY}|{_LEAP}-02-29)"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
TIME = rf"{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,6}})?)?"
MOMENT = rf"(?!9999){DATE}[Tt ]{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,30}})?)?(?:[Zz]|[+-]{_CLOCK})"
_N = r"[0-9]{1,6}"
_SECONDS = rf"{_N}(?:\.{_N})?S"
DURATION = rf"[+-]?P(?:[0-9]{{1,5}}W|{_N}D|(?:{_N}D)?T(?:{_N}H(?:{_N}M)?(?:{_SECONDS})?|{_N}M(?:{_SECONDS})?|{_SECONDS}))"
EMAIL = r"[A-Za-z0-9]{1,20}(?:[._+-][A-Za-z0-9]{1,20}){0,2}@(?:[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20})?\.){1,3}(?:[a-z]{2}|com|org|net|info|dev)"
URL = r"https?://(?:[a-z][a-z0-9]{0,20}\.){1,3}[a-z]{2,6}(?::[1-9][0-9]{0,3})?(?:/[A-Za-z0-9._~-]{0,20}){0,5}"


#: What a value of each kind looks like in an address.
_VALUES: Mapping[Kind, str] = {
    "integer": r"-?(?:0|[1-9][0-9]{0,14}|[1-8][0-9]{15})",  # as far as every JavaScript number is exact
    "float": r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?",
    "boolean": r"(?:true|false)",
    "decimal": r"-?[0-9]{1,50}(?:\.[0-9]{1,50})?",
    "date": DATE,
    "datetime": MOMENT,
    "time": TIME,
    "timedelta": DURATION,
    "uuid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "bytes": r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}
_ELEMENTS: Mapping[Any, str] = {
    str: _ITEM,
    int: _VALUES["integer"],
    float: _VALUES["float"],
    bool: _VALUES["boolean"],
}
_SCALAR = r'(?:-?[0-9]{1,9}|"[A-Za-z0-9 ]*"|true|false|null)'
_OBJECT = rf'(?:\{{\}}|\{{"[A-Za-z_]+":{_SCALAR}\}})'
_SYNTAX = re.compile(r"[\^$\\.*+?()\[\]{}|/]")  # what JavaScript lets a pattern escape; `re.escape` escapes more
_ESCAPED = r"\\\g<0>"
_NEGATED = "`not.` may stand in front."
_TOLD: Mapping[Kind, str] = {
    "text": "`eq.`, `neq.`, `gt.`, `gte.`, `lt.`, `lte.`, `isdistinct.` and a text; `like.`, `ilike.` (`*` is anything); with Postgres `match.`, "
    '`imatch.` and a pattern; `in.(a,"b c")`; `eq(any).{a,b}`, `like(all).{*a*,*b*}`, ...; `is.null`, `is.not_null`.',
    "json": "`cs.` (holds all of), `cd.` (holds nothing but), `ov.` (holds one of), with JSON or, of a list, `{a,b}`; `is.null`, `is.not_null`. "
    "A value inside is reached as `column->key` (JSON) and `column->>key` (text), and takes the operators of its kind.",
}
_OTHERS = (
    "`eq.`, `neq.`, `gt.`, `gte.`, `lt.`, `lte.`, `isdistinct.` and a value; `in.(...)` with commas between; `eq(any).{...}`, ...; "
    "`is.null`, `is.not_null`."
)


def filter_schemas() -> dict[str, Schema]:
    """The components: one for each kind."""
    return {
        name: {"type": "string", "pattern": _whole(operators(_plain(kind))), "description": f"{_TOLD.get(kind, _OTHERS)} {_NEGATED}"}
        for kind, name in NAMES.items()
    }


def filter_schema(field: Field) -> Schema:
    """What a filter of this column takes."""
    if field.choices is None and _is_plain(field):
        return {"$ref": f"#/components/schemas/{NAMES[field.kind]}"}
    return {"type": "string", "pattern": _whole(operators(field))}


def _plain(kind: Kind) -> Field:
    """A column of this kind and nothing else."""
    return Field("value", "value", kind, str, False, FieldOptions())


def operators(field: Field) -> str:
    """`eq.5`, `in.(1,2)`, `is.null`, ...: all that may follow a column."""
    if field.kind == "json":
        return _json(_held(field))
    if field.kind == "text" and field.choices is None:
        return _text() if _is_plain(field) else f"{_compared(_value(field))}|{_matched()}|{_is(field)}"
    return f"{_compared(_value(field))}|{_is(field)}"


def _briefly(field: Field) -> str:
    """Those that a pattern of many conditions has room for."""
    if field.kind == "json":
        return _is(field)
    value = _value(field)
    compared = rf"(?:eq|neq|gt|gte|lt|lte)\.{value}|in\.\((?:{value}(?:,{value})*)?\)|{_is(field)}"
    return rf"{compared}|i?like\.{_BARE}" if field.kind == "text" and field.choices is None else compared


def _value(field: Field) -> str:
    """One value of the column inside a list."""
    if field.choices is not None:
        return f"(?:{'|'.join(_SYNTAX.sub(_ESCAPED, _listed(str(choice))) for choice in field.choices)})"
    if field.kind != "text":
        return _VALUES[field.kind]
    if field.annotation is EmailStr:
        return EMAIL
    return URL if isinstance(field.annotation, type) and issubclass(field.annotation, AnyUrl) else _ITEM


def _listed(choice: str) -> str:
    return f'"{choice}"' if re.search(r"[,()]", choice) else choice


def _held(field: Field) -> str:
    (element, *_) = (*get_args(field.annotation), None) if get_origin(field.annotation) is list else (None,)
    items = _ELEMENTS.get(element)
    return _OBJECT if items is None else rf"\{{(?:{items}(?:,{items})*)?\}}"


def _whole(alternatives: str) -> str:
    return rf"^(?:not\.)?(?:{alternatives})$"


def _is_plain(field: Field) -> bool:
    return (field.kind != "text" or field.annotation is str) and not (field.kind == "json" and get_origin(field.annotation) is list)


def _is(field: Field) -> str:
    return r"is\.(?:null|not_null|true|false|unknown)" if field.kind == "boolean" else r"is\.(?:null|not_null)"


def _compared(value: str, alone: str | None = None) -> str:
    """With one value, any or all of several, a list."""
    return (
        rf"(?:eq|neq|gt|gte|lt|lte|isdistinct)\.{alone or value}"
        rf"|(?:eq|gt|gte|lt|lte)\((?:any|all)\)\.\{{(?:{value}(?:,{value})*)?\}}"
        rf"|in\.\((?:{value}(?:,{value})*)?\)"
    )


def _text() -> str:
    return rf"{_compared(_ITEM, alone=f'{_ANY}*')}|{_matched()}|is\.(?:null|not_null)"


def _matched() -> str:
    return rf"i?like\.(?:[^\\\u0000]|\\{_ANY})*|i?like\((?:any|all)\)\.\{{(?:{_BARE}(?:,{_BARE})*)?\}}"


def _json(value: str) -> str:
    return rf"(?:cs|cd|ov)\.{value}|is\.(?:null|not_null)"


# ---------------------------------------------------------------- lists of names
_GROUPS = """\
Conditions in parentheses, `column.operator.value`, with commas between: `(done.is.true,title.ilike.*milk*)`. A value with `,` or `)` stands in \
double quotes. Every operator of a filter is taken, `not.` before it, and groups in the group: `and(...)`, `or(...)`, `not.and(...)`, 5 deep; 50 \
conditions in all."""
_LEVEL = r"(?:[^()]|\([^()]*\))*"


def each_once(items: Sequence[str]) -> str:
    """Some of these, with commas between, no name twice. An item begins with its name; parentheses in it don't nest."""
    one = "|".join(items)
    return rf"(?!(?:{_LEVEL},)?(\w+)\b{_LEVEL},\1\b)(?:{one})(?:,(?:{one}))*"


def conditions(fields: Iterable[Field]) -> Schema:
    """`(a.eq.1,b.gt.2)`: what `or=` and `and=` take."""
    members: dict[str, list[str]] = {}
    for field in fields:
        members.setdefault(_briefly(field), []).append(field.column)
    one = "|".join(rf"(?:{'|'.join(columns)})\.(?:not\.)?(?:{allowed})" for allowed, columns in members.items())
    return {
        "type": "string",
        "pattern": rf"^\((?:{one})(?:,(?:{one})){{0,9}}\)$",
        "description": _GROUPS,
    }
