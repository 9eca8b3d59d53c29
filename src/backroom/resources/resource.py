"""`class Resource`: reads a class body, once. Its instances are rows: frozen, keyword-only, typed."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, dataclass_transform, get_args, get_origin
from uuid import UUID

from pydantic import EmailStr
from typing_extensions import Format, TypeVar, get_annotations

from backroom.errors import DeclarationError, NotLoaded
from backroom.resources.access import Access
from backroom.resources.fields import CALLER, MISSING, FieldOptions, RelationOptions, field, many, owner

Key = TypeVar("Key", int, UUID, str, default=int)
R = TypeVar("R", bound="Resource[Any]")

#: Names in a class body that are Python's own.
_PYTHONS_OWN = frozenset(
    {
        "__module__",
        "__qualname__",
        "__doc__",
        "__annotations__",
        "__orig_bases__",
        "__parameters__",
        "__firstlineno__",
        "__static_attributes__",
        "__classcell__",
    }
)
_SERVER_SET = ("id", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Written:
    """A class body as it was written: annotations unresolved, options by name. `catalog` turns it into a Definition."""

    annotations: Mapping[str, Any]
    options: Mapping[str, FieldOptions | RelationOptions]
    access: Access | None
    key: type


class _Reader(type):
    """Reads the class body: annotated names are fields, `access` the rules, functions stay, everything else is a mistake."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any) -> _Reader:
        if not any(isinstance(base, _Reader) for base in bases):
            return super().__new__(mcs, name, bases, namespace, **keywords)
        kept, assigned = _sort(namespace)
        cls = super().__new__(mcs, name, bases, kept, **keywords)
        annotations = {key: value for key, value in get_annotations(cls, format=Format.FORWARDREF).items() if get_origin(value) is not ClassVar}
        access = assigned.pop("access", None)
        if access is not None and not isinstance(access, Access):
            raise DeclarationError(f"{name}: `access` must be `allow(...)`, not {access!r}")
        for loose in assigned:
            if loose not in annotations:
                raise DeclarationError(f"{name}.{loose} has no type: write `{loose}: {type(assigned[loose]).__name__} = {assigned[loose]!r}`")
        written = _inherit(cls, annotations, assigned, access)
        type.__setattr__(cls, "__written__", written)
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] # a class inside a function: its annotations may name what only that function knows
        if frame.f_locals is not frame.f_globals:
            type.__setattr__(cls, "__scope__", dict(frame.f_locals))
        return cls

    if not TYPE_CHECKING:  # a checker that sees __getattr__ would take any name for an attribute

        def __getattr__(cls, name: str) -> Any:
            written = cls.__dict__.get("__written__")
            if written is not None and (name in written.annotations or name in _SERVER_SET):
                raise AttributeError(f"{cls.__name__}.{name} is no class attribute; in a rule or a query write `this.{name}`.")
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


def _sort(namespace: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    kept: dict[str, Any] = {}
    assigned: dict[str, Any] = {}
    for key, value in namespace.items():
        behavior = isinstance(value, types.FunctionType | property | classmethod | staticmethod | type) or (
            key.startswith("__") and key.endswith("__")
        )
        if key in _PYTHONS_OWN or key.startswith("__annotat") or behavior:
            kept[key] = value
        else:
            assigned[key] = value
    return kept, assigned


def _inherit(cls: type, annotations: dict[str, Any], assigned: dict[str, Any], access: Access | None) -> Written:
    """Unregistered base classes hand down fields, options and `access`."""
    all_annotations: dict[str, Any] = {}
    options: dict[str, FieldOptions | RelationOptions] = {}
    key: type = int
    inherited: Access | None = None
    for base in reversed(cls.__mro__[1:]):
        written = base.__dict__.get("__written__")
        if isinstance(written, Written):
            all_annotations |= {name: _Home(value, base) for name, value in written.annotations.items() if not isinstance(value, _Home)}
            all_annotations |= {name: value for name, value in written.annotations.items() if isinstance(value, _Home)}
            options |= written.options
            inherited = written.access or inherited
            key = written.key
    for base in cls.__dict__.get("__orig_bases__", ()):
        for argument in get_args(base) if get_origin(base) is not None else ():
            if isinstance(argument, type):
                key = argument
    for name, value in assigned.items():
        options[name] = value if isinstance(value, FieldOptions | RelationOptions) else FieldOptions(default=value)
    for name in annotations:
        options.setdefault(name, FieldOptions()) if name not in all_annotations or name in assigned else None
        if name in all_annotations and name not in assigned:
            options[name] = FieldOptions()
    return Written({**all_annotations, **annotations}, options, access or inherited, key)


@dataclass(frozen=True, slots=True)
class _Home:
    """An inherited annotation and the class in whose module it resolves."""

    annotation: Any
    base: type


def home_of(annotation: Any, cls: type) -> tuple[Any, type]:
    return (annotation.annotation, annotation.base) if isinstance(annotation, _Home) else (annotation, cls)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field, owner, many))
class Resource(Generic[Key], metaclass=_Reader):
    """A kind of row. Subclass it, annotate its fields, say who has access, and register it with `@app.resource("name")`.

    Every row has `id` (int, or UUID v7 with `Resource[UUID]`), `created_at` and `updated_at` (aware datetimes, UTC), set by the server.
    A row made by hand has none of the three yet. Rows are frozen; `db.update` returns the new one.
    """

    __written__: ClassVar[Written]
    __definition__: ClassVar[Any]  # the Definition, once registered
    __table__: ClassVar[Any]  # the SQLAlchemy table, once the app has started

    id: Key
    created_at: datetime
    updated_at: datetime

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        options = cls.__written__.options
        for name in values:
            if name not in cls.__written__.annotations or isinstance(options.get(name), RelationOptions):
                raise TypeError(f"{cls.__name__} has no field {name!r}; it has {', '.join(cls.__written__.annotations)}")
        given = frozenset(values)
        for name in cls.__written__.annotations:
            if name not in values:
                default = _default(options.get(name))
                if default is not MISSING:
                    values[name] = default
        vars(self).update(values, _given=given)  # naming a field writes it, whatever its value; a default doesn't

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError(f"Rows are frozen: write `await db.update(row, {name}=...)`, which returns the new row.")

    def __delattr__(self, name: str) -> NoReturn:
        raise TypeError("Rows are frozen.")

    if not TYPE_CHECKING:  # the same: `todo.finished` must be an error

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("__"):
                cls = type(self)
                reached_by = self.__dict__.get("_via")
                if reached_by is not None and (name in _SERVER_SET or name in cls.__written__.annotations):
                    raise NotLoaded(f'Only the key of this {cls.__name__} is loaded, so it has no {name}; ask for it: include=["{reached_by}"].')
                if name in _SERVER_SET:
                    raise AttributeError(f"This {cls.__name__} is not stored yet, so it has no {name}; `db.create` returns the stored row.")
                if name in cls.__written__.annotations:
                    raise NotLoaded(f'{cls.__name__}.{name} was not loaded; ask for it: include=["{name}"] (or set it, if the row is new).')
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = self.__dict__.get("id"), other.__dict__.get("id")
        return mine == theirs if mine is not None or theirs is not None else _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((type(self), self.__dict__.get("id")))

    def __repr__(self) -> str:
        # What no caller is ever shown must not reach a log or a message by way of an f-string either.
        shown = ", ".join(f"{name}={'...' if _is_secret(type(self), name) else repr(value)}" for name, value in _values(self).items())
        return f"{type(self).__name__}({shown})"


def _is_secret(cls: type[Resource[Any]], name: str) -> bool:
    options = cls.__written__.options.get(name)
    return isinstance(options, FieldOptions) and (options.hidden or options.write_only)


def _default(options: FieldOptions | RelationOptions | None) -> Any:
    if not isinstance(options, FieldOptions) or options.owner or options.default is CALLER:
        return MISSING
    return options.default_factory() if options.default_factory is not None else options.default


def load(cls: type[R], values: Mapping[str, Any]) -> R:
    """A row from stored values, by field name, without checks."""
    row = object.__new__(cls)
    vars(row).update(values)
    return row


def ref(cls: type[R], key: Any) -> R:
    """A row by its key alone, to refer to: `Membership(project=ref(Project, 7))`. Any other attribute raises `NotLoaded`."""
    return load(cls, {"id": key})


def replace(row: R, **changes: Any) -> R:
    """A copy of the row with some fields changed; nothing is stored.

    >>> from backroom import replace
    >>> # replace(todo, title=todo.title.strip())
    """
    for name in changes:
        if name not in type(row).__written__.annotations:
            raise TypeError(f"{type(row).__name__} has no field {name!r}")
    given: frozenset[str] = row.__dict__.get("_given", frozenset())
    return load(type(row), {**row.__dict__, **changes, "_given": given | changes.keys()})


def _values(row: Resource[Any]) -> dict[str, Any]:
    return {name: value for name, value in row.__dict__.items() if not name.startswith("_")}


class User(Resource[UUID]):
    """A person who can sign in. Roles are changed by code, an admin or `backroom user role EMAIL admin`; the email by its owner's account.

    Subclass it with `@app.user` to add fields and rules.
    """

    email: EmailStr = field(read_only=True, unique=True)
    roles: list[str] = field(default_factory=list, read_only=True)
