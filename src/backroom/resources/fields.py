"""What a field is: its kind, its constraints, who may touch it. `field()` and `owner()` are what a user writes."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as slot
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, Union, cast, get_args, get_origin
from uuid import UUID

from pydantic import AnyUrl, EmailStr, TypeAdapter
from pydantic.fields import FieldInfo

from backroom.errors import DeclarationError

Kind: TypeAlias = Literal["text", "integer", "float", "boolean", "decimal", "date", "datetime", "time", "timedelta", "uuid", "bytes", "json"]
OnDelete: TypeAlias = Literal["refuse", "cascade", "set_null"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


#: A default that was not given; None is a value.
MISSING: Any = _Missing()


class _Caller:
    def __repr__(self) -> str:
        return "me"


#: `field(default=me)`, once read: filled with the caller.
CALLER: Any = _Caller()

#: pydantic's own names, passed on to it.
CONSTRAINTS = ("min_length", "max_length", "ge", "gt", "le", "lt", "multiple_of", "pattern")

_KINDS: Mapping[type, Kind] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "text",
    Decimal: "decimal",
    datetime: "datetime",
    date: "date",
    time: "time",
    timedelta: "timedelta",
    UUID: "uuid",
    bytes: "bytes",
}
#: Names that an FTS5 table gives to something else.
UNSEARCHABLE = frozenset({"rank", "rowid"})
#: Kinds whose values have an order that SQL and Python agree on.
ORDERED: frozenset[Kind] = frozenset({"text", "integer", "float", "decimal", "date", "datetime", "time", "timedelta", "uuid", "boolean"})


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What was written in `field(...)`, not yet joined with the annotation."""

    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    constraints: Mapping[str, Any] = slot(default_factory=dict[str, Any])
    unique: bool = False
    index: bool = False
    search: bool = False
    strip: bool = False
    on_delete: OnDelete = "refuse"
    renamed_from: str | None = None
    description: str | None = None
    example: Any = MISSING
    read_only: bool = False
    write_only: bool = False
    hidden: bool = False
    immutable: bool = False
    reference: Literal["readable", "any"] = "readable"
    owner: bool = False


@dataclass(frozen=True, slots=True)
class RelationOptions:
    """What was written in `many(...)`."""

    via: str | None = None
    through: str | None = None


def field(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    ge: Any = None,
    gt: Any = None,
    le: Any = None,
    lt: Any = None,
    multiple_of: Any = None,
    pattern: str | None = None,
    unique: bool = False,
    index: bool = False,
    search: bool = False,
    strip: bool = False,
    on_delete: OnDelete = "refuse",
    renamed_from: str | None = None,
    description: str | None = None,
    example: Any = MISSING,
    read_only: bool = False,
    write_only: bool = False,
    hidden: bool = False,
    immutable: bool = False,
    reference: Literal["readable", "any"] = "readable",
) -> Any:
    """Say more of a field than its type says.

    Constraints carry pydantic's names and units (`max_length` in characters). `read_only`: code sets it. `write_only`: taken, never shown.
    `hidden`: neither, code only. `immutable`: set at create. `strip`: stored without surrounding blanks. `default=me`: the caller.
    Raises `DeclarationError` at start when options contradict each other or the type.

    >>> from backroom import field
    >>> options = field(min_length=1, max_length=200)
    """
    given = {
        "min_length": min_length,
        "max_length": max_length,
        "ge": ge,
        "gt": gt,
        "le": le,
        "lt": lt,
        "multiple_of": multiple_of,
        "pattern": pattern,
    }
    return FieldOptions(
        default=CALLER if hasattr(default, "has_role") else default,
        default_factory=default_factory,
        constraints={name: value for name, value in given.items() if value is not None},
        unique=unique,
        index=index,
        search=search,
        strip=strip,
        on_delete=on_delete,
        renamed_from=renamed_from,
        description=description,
        example=example,
        read_only=read_only,
        write_only=write_only,
        hidden=hidden,
        immutable=immutable,
        reference=reference,
    )


def owner(
    *,
    on_delete: OnDelete = "refuse",
    index: bool = False,
    description: str | None = None,
    init: Literal[False] = False,  # noqa: ARG001 - type checkers read it
) -> Any:
    """A reference to the person who creates the row: filled from the signed-in caller, never from the body, never changed.

    >>> from backroom import owner
    >>> options = owner(on_delete="cascade")
    """
    return FieldOptions(on_delete=on_delete, index=index, description=description, owner=True)


def many(
    *,
    via: str | None = None,
    through: str | None = None,
    init: Literal[False] = False,  # noqa: ARG001 - type checkers read it
) -> Any:
    """The other side of a reference (`via` names the field there), or of a junction resource (`through` names it).

    >>> from backroom import many
    >>> members = many(via="project")
    """
    return RelationOptions(via=via, through=through)


@dataclass(frozen=True, slots=False, eq=False)
class Field:
    """One declared field, everything resolved. `column` is its name in SQL, JSON and filters (`owner_id` for a reference `owner`)."""

    name: str
    column: str
    kind: Kind
    annotation: Any  # for a reference: the type of the key it holds; without `| None`
    nullable: bool
    options: FieldOptions
    target: str | None = None  # the resource a reference points at
    server_set: bool = False  # id, created_at, updated_at

    @property
    def is_reference(self) -> bool:
        return self.target is not None

    @property
    def caller_default(self) -> bool:
        """Filled with the caller: `owner()` and `field(default=me)`."""
        return self.options.owner or self.options.default is CALLER

    @property
    def has_default(self) -> bool:
        return self.nullable or self.options.default is not MISSING or self.options.default_factory is not None or self.options.owner

    @property
    def readable(self) -> bool:
        """Shown to somebody at all, before field rules."""
        return not (self.options.hidden or self.options.write_only)

    @property
    def writable(self) -> bool:
        """Taken from somebody's body at all, before field rules."""
        return not (self.options.hidden or self.options.read_only or self.options.owner or self.server_set)

    def default_value(self) -> Any:
        """The default for a row made now; None where there is none. Never called for `caller_default` fields."""
        if self.options.default_factory is not None:
            return self.options.default_factory()
        return None if self.options.default is MISSING else self.options.default

    @cached_property
    def constrained(self) -> Any:
        """The annotation with its constraints, as pydantic reads it (without `| None`)."""
        if not self.options.constraints:
            return self.annotation
        constraints: dict[str, Any] = dict(self.options.constraints)
        return Annotated[self.annotation, FieldInfo(**constraints)]

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Reads any fitting Python value into the field's own type, without constraints."""
        return TypeAdapter(self.annotation)

    @cached_property
    def choices(self) -> tuple[Any, ...] | None:
        """The values of a Literal or Enum, as they are stored."""
        if get_origin(self.annotation) is Literal:
            return get_args(self.annotation)
        if isinstance(self.annotation, type) and issubclass(self.annotation, Enum):
            return tuple(member.value for member in self.annotation)
        return None


def split_optional(annotation: Any) -> tuple[Any, bool]:
    """`T | None` -> (T, True)."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = tuple(part for part in get_args(annotation) if part is not type(None))
        if len(rest) < len(get_args(annotation)):
            return (rest[0] if len(rest) == 1 else Union[rest]), True  # noqa: UP007 - a tuple can't be spelled with |
    return annotation, False


def kind_of(annotation: Any) -> Kind:
    """How a type is stored. Raises `DeclarationError` for what neither SQL nor pydantic knows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kind_of(get_args(annotation)[0])
    if origin is Literal:
        return _kind_of_values(get_args(annotation))
    if hasattr(annotation, "__supertype__"):
        return kind_of(annotation.__supertype__)
    if annotation is EmailStr:
        return "text"
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return _kind_of_values(tuple(member.value for member in annotation))
        if issubclass(annotation, AnyUrl):
            return "text"
        for known, kind in _KINDS.items():  # bool before int, datetime before date: the order of the table
            if annotation is known or (issubclass(annotation, known) and known in (str, int)):
                return kind
    try:
        TypeAdapter[Any](cast("Any", annotation))
    except Exception as error:  # pydantic raises several kinds, also from foreign metaclasses
        raise DeclarationError(
            f"the type {annotation!r} can't be stored; use str, int, float, bool, Decimal, date, datetime, UUID, another resource or a pydantic model"
        ) from error
    return "json"


def _kind_of_values(values: tuple[Any, ...]) -> Kind:
    if values and all(isinstance(value, str) for value in values):
        return "text"
    if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return "integer"
    raise DeclarationError(f"the choices {values!r} must be all str or all int")


def _refuse_search(name: str, options: FieldOptions, kind: Kind, is_reference: bool) -> None:
    if kind != "text" or is_reference:
        what = "a reference" if is_reference else "no text"
        raise DeclarationError(f"`{name}` is {what}, so there are no words to search in it; remove search=True")
    if options.hidden or options.write_only:
        option = "hidden" if options.hidden else "write_only"
        raise DeclarationError(f"`{name}` is {option}: a search would tell what is in it; remove search=True")
    if name in UNSEARCHABLE:
        raise DeclarationError(f"`{name}`: SQLite's search has a column of its own of this name; call the field otherwise, or remove search=True")


def refuse_contradictions(name: str, options: FieldOptions, kind: Kind, is_reference: bool) -> None:
    """Options that can't hold together, told in one sentence each."""
    if options.renamed_from:
        raise DeclarationError(f"`{name}`: `renamed_from` is not available in this version; remove it")
    if options.search:
        _refuse_search(name, options, kind, is_reference)
    if options.default is not MISSING and options.default_factory is not None:
        raise DeclarationError(f"`{name}` has a default and a default_factory; keep one")
    if options.on_delete not in ("refuse", "cascade", "set_null"):
        raise DeclarationError(f'`{name}`: on_delete is "cascade" or "set_null" (or left out, which refuses), not {options.on_delete!r}')
    if (options.on_delete != "refuse" or options.reference != "readable") and not is_reference:
        raise DeclarationError(f"`{name}` is no reference, so it has no on_delete and no reference=")
    if options.read_only and options.write_only:
        raise DeclarationError(f"`{name}` is read_only and write_only; for neither shown nor taken write hidden=True")
    if options.strip and kind != "text":
        raise DeclarationError(f"`{name}` is no text, so strip=True means nothing")
    if isinstance(options.default, list | dict | set):
        raise DeclarationError(f"`{name}`: a default that can change is shared by all rows; write `default_factory=list` (or dict, set) instead")
    for constraint in options.constraints:
        fits = (
            ("text", "bytes", "json")
            if constraint in ("min_length", "max_length")
            else ("text",)
            if constraint == "pattern"
            else ORDERED - {"text", "boolean"}
        )
        if kind not in fits or is_reference:
            raise DeclarationError(f"`{name}`: {constraint} does not fit {'a reference' if is_reference else f'the kind {kind!r}'}")
