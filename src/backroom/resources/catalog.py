"""All resources of one app, checked together: class bodies become definitions, names become fields, slips stop the start."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ForwardRef, Literal, cast, get_args, get_origin
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from backroom.errors import DeclarationError
from backroom.resources.definition import Definition, Options
from backroom.resources.fields import CALLER, MISSING, Field, FieldOptions, Kind, RelationOptions, kind_of, refuse_contradictions, split_optional
from backroom.resources.nodes import Always
from backroom.resources.related import Relations
from backroom.resources.relations import Collection
from backroom.resources.resolution import resolve_rules
from backroom.resources.resource import Resource, User, home_of

RESERVED_RESOURCES = frozenset({"account", "session", "batch", "rpc", "jobs", "users"})
RESERVED_COLUMNS = frozenset(
    {
        "select",
        "order",
        "limit",
        "offset",
        "and",
        "or",
        "not",
        "after",
        "search",
        "columns",
        "on_conflict",
        "access",
        "id",
        "created_at",
        "updated_at",
    }
)
#: Columns that every table of Postgres has already.
_POSTGRES_OWN = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
#: Bytes of a name in Postgres.
_LONGEST_NAME = 63


class Catalog:
    """Every resource by name and by class. `declare` collects, `freeze` resolves; after that nothing changes.

    Raises `DeclarationError` with one sentence: file, line, what is wrong, what to write.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Definition] = {}
        self.frozen = False
        self.relations = Relations({})

    def declare(self, name: str, cls: type[Resource[Any]], options: Options) -> Definition:
        """Register one class under its name on the wire."""
        definition = Definition(name, cls, options)
        if not _NAME.match(name):
            raise definition.error(f"the name {name!r} must be lower-case letters, digits and _ (at most 63), like {_suggest(name)!r}")
        if name in RESERVED_RESOURCES and not issubclass(cls, User):
            raise definition.error(f"the name {name!r} is reserved; choose another, like {f'{name}_items'!r}")
        if name in self.definitions:
            raise definition.error(f"there are two resources named {name!r}; rename one of them")
        if "__definition__" in cls.__dict__:
            raise definition.error(f"is registered already, as {cls.__definition__.name!r}; write a second class")
        if cls.__written__.access is None and cls is not User and not issubclass(cls, User):
            raise definition.error(
                "has no rules. No rule, no access: write `access = allow(everything=this.owner == me)`, or `access = allow()` for code only"
            )
        self.definitions[name] = definition
        type.__setattr__(cls, "__definition__", definition)
        return definition

    def of(self, cls: type[Resource[Any]]) -> Definition:
        """The definition of a class; a plain `User` means the app's own people."""
        definition: Definition | None = cls.__dict__.get("__definition__")
        if cls is User and "users" in self.definitions:
            definition = self.definitions["users"]
        if definition is None:
            raise DeclarationError(f'{cls.__name__} is not registered; write `@app.resource("{_suggest(cls.__name__)}s")` above it')
        return definition

    def freeze(self) -> None:
        """Resolve every annotation, relation and rule."""
        if self.frozen:
            return
        if "users" not in self.definitions:
            self.definitions["users"] = Definition("users", User, Options())
        targets = {name: _resolve_fields(self, definition) for name, definition in self.definitions.items()}
        for name, definition in self.definitions.items():
            _resolve_collections(self, definition, targets[name])
            _resolve_options(definition)
        for definition in self.definitions.values():
            resolve_rules(self.definitions, definition)
        self.relations = Relations(self.definitions)
        self.frozen = True

    def require_values(self) -> None:
        """Asked when the hooks are known: where somebody may create, each required field has somebody who gives its value."""
        for definition in self.definitions.values():
            if definition.access.create == Always(False) or definition.hooks.at("before_create"):
                continue
            for field in definition.fields:
                if not (field.writable or field.has_default or field.server_set):
                    raise definition.error(
                        f"`{field.name}` is required, but no caller may give it, so nobody can create a row; "
                        "give it a default, set it in a before_create hook, or leave create out of the rules",
                        field.name,
                    )


def _suggest(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_0123456789") or "things"


def _resolve_fields(catalog: Catalog, definition: Definition) -> dict[str, str]:
    """Sets the fields; returns the collections' targets by name (they wait until every resource has its fields)."""
    targets: dict[str, str] = {}
    written = definition.cls.__written__
    key_kind: Kind = {UUID: "uuid", int: "integer", str: "text"}[written.key]  # type: ignore[assignment]
    fields = [_server_set("id", key_kind, written.key)]
    for name, raw in written.annotations.items():
        options = written.options.get(name, FieldOptions())
        if name.startswith("_") or name in RESERVED_COLUMNS - {"order"} or not name.isidentifier():
            raise definition.error(f"`{name}` is a reserved word; choose another name", name)
        annotation, base = home_of(raw, definition.cls)
        resolved = _evaluate(catalog, definition, annotation, base, name)
        if isinstance(options, RelationOptions):
            targets[name] = _collection_target(definition, name, resolved)
            continue
        fields.append(_field(catalog, definition, name, resolved, options))
    fields += [_server_set(name, "datetime", datetime) for name in ("created_at", "updated_at")]
    definition.fields = tuple(fields)
    definition.by_name = {each.name: each for each in fields}
    definition.by_column = {each.column: each for each in fields}
    _check_columns(definition)
    return targets


def _check_columns(definition: Definition) -> None:
    """Every field has a column of its own, under a name that both databases take."""
    if len(definition.by_column) < len(definition.fields):
        raise definition.error("two fields share a column: a reference `x` is stored as `x_id`, so there can be no field `x_id` beside it")
    seen: dict[bytes, str] = {}
    for each in sorted(definition.fields, key=lambda each: not each.server_set):
        if len(each.column.encode()) > _LONGEST_NAME:
            raise definition.error(f"`{each.column}` is longer than the {_LONGEST_NAME} bytes that a column's name may have", each.name)
        if each.column in _POSTGRES_OWN:
            raise definition.error(f"`{each.column}` is a name that Postgres keeps for itself; choose another name", each.name)
        other = seen.setdefault(each.column.encode().lower(), each.column)  # SQLite folds ASCII alone
        if other != each.column:
            raise definition.error(f"`{other}` and `{each.column}` differ only in case, which SQLite does not tell apart; rename one", each.name)


def _server_set(name: str, kind: Kind, annotation: type) -> Field:
    return Field(name, name, kind, annotation, nullable=False, options=FieldOptions(), server_set=True)


def _field(catalog: Catalog, definition: Definition, name: str, resolved: Any, options: FieldOptions) -> Field:
    inner, nullable = split_optional(resolved)
    try:
        if isinstance(inner, type) and issubclass(inner, Resource):
            cls: Any = cast("Any", inner)
            target = catalog.of(cls)
            refuse_contradictions(name, options, "integer", is_reference=True)
            if options.on_delete == "set_null" and not nullable:
                raise DeclarationError(f'`{name}` is required, so on_delete="set_null" can\'t hold; write `{name}: {inner.__name__} | None`')
            if options.owner and target.name != "users":
                raise DeclarationError(f"owner() is a person: write `{name}: User = owner()`")
            key = target.cls.__written__.key
            kind: Kind = {UUID: "uuid", int: "integer", str: "text"}[key]  # type: ignore[assignment]
            return Field(name, f"{name}_id", kind, key, nullable, options, target=target.name)
        if options.owner:
            raise DeclarationError(f"owner() is a person: write `{name}: User = owner()`")
        if name in RESERVED_COLUMNS:
            raise DeclarationError(f"`{name}` is a reserved word; choose another name")
        kind = kind_of(inner)
        refuse_contradictions(name, options, kind, is_reference=False)
        found = Field(name, name, kind, inner, nullable, options)
        if options.default is None and not nullable:
            raise DeclarationError(f"`{name}` may not be empty, and its default is None; write `{name}: {_shown(inner)} | None = None`")
        if options.default is not MISSING and options.default is not CALLER and options.default is not None:
            _check_default(found)
        return found
    except DeclarationError as error:
        raise definition.error(str(error), name) from error


def _shown(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).removeprefix("typing.")


def _check_default(found: Field) -> None:
    default = found.options.default
    try:
        TypeAdapter(found.constrained).validate_python(default)
    except ValidationError as error:
        raise DeclarationError(f"the default of `{found.name}`, {default!r}, does not fit: {error.errors()[0]['msg']}") from error


def _evaluate(catalog: Catalog, definition: Definition, annotation: Any, base: type, name: str) -> Any:
    """An annotation as a type: names are looked up in the module first, then among the resources' class names."""
    named = isinstance(annotation, str | ForwardRef)
    if not named and (get_origin(annotation) in (Literal, Annotated) or not any(isinstance(part, str | ForwardRef) for part in get_args(annotation))):
        return annotation
    classes: Mapping[str, Any] = {each.cls.__name__: each.cls for each in catalog.definitions.values()}
    namespace = {**classes, **vars(sys.modules.get(base.__module__, sys)), **base.__dict__.get("__scope__", {}), "User": classes.get("User", User)}
    try:
        if not named:
            origin: Any = get_origin(annotation)
            return origin[tuple(_evaluate(catalog, definition, part, base, name) for part in get_args(annotation))]
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        evaluated = eval(text, namespace)  # noqa: S307 - the app's own source, as Python itself would evaluate it
        return _evaluate(catalog, definition, evaluated, base, name)
    except NameError as error:
        raise definition.error(f"the type of `{name}` is unknown ({error}); import it, or register the resource of that name", name) from error


def _collection_target(definition: Definition, name: str, resolved: Any) -> str:
    if get_origin(resolved) is list and isinstance(target := get_args(resolved)[0], type) and issubclass(target, Resource):
        found: Definition | None = target.__dict__.get("__definition__")
        if found is not None or target is User:
            return found.name if found is not None else "users"
    raise definition.error(f'`{name}` is a collection: write `{name}: list["Member"] = many(via="project")`', name)


def _resolve_collections(catalog: Catalog, definition: Definition, targets: Mapping[str, str]) -> None:
    for name, target in targets.items():
        options = definition.cls.__written__.options[name]
        assert isinstance(options, RelationOptions)
        if (options.via is None) == (options.through is None):
            raise definition.error(
                f'`{name}`: say `via="..."` (the field of the other resource that refers here) or `through="..."` (the resource between)', name
            )
        if options.via is not None:
            via = _reference(catalog.definitions[target], options.via, definition.name, definition, name)
            definition.collections[name] = Collection(name, definition.name, target, via)
            continue
        between = next((each for each in catalog.definitions.values() if options.through in (each.cls.__name__, each.name)), None)
        if between is None:
            raise definition.error(f"`{name}`: there is no resource {options.through!r}", name)
        near = [each for each in between.references if each.target == definition.name]
        far = [each for each in between.references if each.target == target]
        if len(near) != 1 or len(far) != 1 or near == far:
            raise definition.error(
                f"`{name}`: {between.cls.__name__} must hold one reference to {definition.cls.__name__} and one to the other side", name
            )
        definition.collections[name] = Collection(name, definition.name, target, near[0], between.name, far[0])


def _reference(target: Definition, via: str, back: str, definition: Definition, name: str) -> Field:
    found = target.by_name.get(via)
    if found is None or found.target != back:
        raise definition.error(f"`{name}`: {target.cls.__name__} has no reference `{via}` to {definition.cls.__name__}", name)
    return found


def _resolve_options(definition: Definition) -> None:
    options = definition.options
    names = [part.strip() for part in (options.order or "").split(",") if part.strip()]
    definition.order = tuple((_named(definition, part.lstrip("-"), "order"), part.startswith("-")) for part in names)
    single = tuple((each,) for each in definition.fields if each.options.unique)
    definition.unique = single + tuple(tuple(_named(definition, part, "unique") for part in group) for group in options.unique)
    for each in (each for group in definition.unique for each in group if each.kind == "json"):
        cure = "make what has to be unique a field of its own"
        raise definition.error(f"`{each.name}` holds JSON, which the two databases do not compare alike; {cure}", each.name)
    indexed = tuple((each,) for each in definition.fields if each.options.index)
    groups = tuple((group,) if isinstance(group, str) else tuple(group) for group in options.index)
    definition.index = indexed + tuple(tuple(_named(definition, part, "index") for part in group) for group in groups)


def _named(definition: Definition, name: str, option: str) -> Field:
    found = definition.by_name.get(name) or definition.by_column.get(name)
    if found is None:
        raise definition.error(f"{option}= names `{name}`, which is no field")
    return found
