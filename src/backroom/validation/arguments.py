"""Arguments of an app's own endpoints and functions, read as strictly as a resource's fields: from the path, the query, or a JSON object."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import partial
from itertools import islice
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, to_json

from backroom.errors import DeclarationError, Fault, Problem
from backroom.resources.fields import MISSING, Field, FieldOptions, Kind, kind_of, split_optional
from backroom.resources.resource import Resource
from backroom.validation.faults import MAX_FAULTS, faults_of, refusal, unknown
from backroom.validation.grammar import parse_list
from backroom.validation.parameters import split
from backroom.validation.rows import RowSchema, Values, strangers_in
from backroom.validation.scanner import Misspelled
from backroom.validation.strict_json import MAX_DEPTH, MAX_VALUES, inexact, is_object, may_be_inexact, read_json, spell
from backroom.validation.texts import READERS

_NUMBERS: frozenset[Kind] = frozenset({"integer", "float", "boolean"})


class Arguments:
    """Reads the arguments of one function. Built once at start; raises `DeclarationError` for parameters that nobody could send.

    `path_names` come from the path; the rest from the JSON object (`from_body`) or the query. `skip` names what others pass (`me`, `db`).
    A parameter without default that may be None is None when absent. One pydantic model alone is the whole body. `braces`: a list in the query
    may also be spelled as Postgres spells it, `{a,b}`.

    >>> async def contact(email: str, times: int = 1): ...
    >>> Arguments(inspect.signature(contact, eval_str=True), (), True, frozenset()).read({}, b"", b'{"email": "a@b.example"}')
    {'email': 'a@b.example', 'times': 1}
    """

    def __init__(
        self, signature: inspect.Signature, path_names: Iterable[str], from_body: bool, skip: frozenset[str], *, braces: bool = False
    ) -> None:
        fields = {name: _field(parameter) for name, parameter in signature.parameters.items() if name not in skip}
        wanted = tuple(path_names)
        absent = [name for name in wanted if name not in fields]
        if absent:
            raise DeclarationError(f"the path names `{{{absent[0]}}}`, but the function has no parameter `{absent[0]}`")
        self._from_body = from_body
        rest = {name: field for name, field in fields.items() if name not in wanted}
        #: Where each argument comes from, as documentation tells it. `model`: the pydantic model that is the whole body.
        self.path: Mapping[str, Field] = {name: fields[name] for name in wanted}
        self.query: Mapping[str, Field] = {} if from_body else rest
        self.body: Mapping[str, Field] = rest if from_body else {}
        self.model = _only_model(rest) if from_body else None
        self._path = _Texts("path", self.path)
        self._query = _Texts("query", self.query, braces=braces)
        self._model = _model_alone(rest) if from_body else None
        self._body = RowSchema("body", {} if self._model is not None else self.body, stored=False)
        self._body_names = frozenset(rest) if from_body else frozenset[str]()
        self._defaults = tuple((name, field) for name, field in fields.items() if field.has_default)

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        path_names: Iterable[str],
        from_body: bool,
        skip: frozenset[str],
        *,
        names: Mapping[str, Any] | None = None,
    ) -> Arguments:
        """Of a function whose annotations may be text. `names` are looked up beside its module's."""
        try:
            hints = get_type_hints(function, localns=dict(names or {}), include_extras=True)
        except NameError as error:
            raise DeclarationError(f"{function.__name__}: {error}; import it, or write the type where the module can see it") from error
        signature = inspect.signature(function)
        parameters = [each.replace(annotation=hints.get(name, each.annotation)) for name, each in signature.parameters.items()]
        try:
            return cls(signature.replace(parameters=parameters), path_names, from_body, skip)
        except DeclarationError as error:
            raise DeclarationError(f"{function.__name__}: {error}") from error

    def read(self, path: Mapping[str, str], query: bytes, body: bytes | None, bounds: tuple[int, int] = (MAX_DEPTH, MAX_VALUES)) -> Values:
        """Name -> value for every parameter but the skipped ones. Raises `Problem` (400) with every fault.

        `bounds`: the depth and the number of values that a body may have.
        """
        given: Values = {}
        faults: list[Fault] = []
        sources: tuple[Callable[[], Values], ...] = (
            partial(self._path.read, [(name, path[name]) for name in self._path.fields]),
            partial(self._query.read, split(query)),
            partial(self._read_body, body, bounds),
        )
        for read in sources:
            try:
                given |= read()
            except Problem as problem:
                if problem.code != "validation.failed":
                    raise
                faults += problem.errors
        if faults:
            raise refusal(faults)
        for name, field in self._defaults:
            if name not in given:
                given[name] = deepcopy(field.default_value())
        return given

    def _read_body(self, body: bytes | None, bounds: tuple[int, int]) -> Values:
        if not self._from_body:
            return {}
        raw = body or b"{}"
        tree = read_json(raw, *bounds, spelled=self._body.spelled)
        if self._model is not None:
            return self._model(raw, tree)
        if not is_object(tree):
            raise refusal([Fault(None, "type", "The body must be a JSON object.")])
        return self._body.read_one(raw, tree, "create", self._body_names)


def _field(parameter: inspect.Parameter) -> Field:
    """A parameter as a field, so that one set of rules reads both."""
    name, written = parameter.name, parameter.default
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise DeclarationError(f"`{parameter}`: name each parameter; *args, **kwargs and positional-only ones can't be sent")
    if parameter.annotation is inspect.Parameter.empty:
        raise DeclarationError(f"`{name}` has no type; write `{name}: str`")
    inner, nullable = split_optional(parameter.annotation)
    if isinstance(inner, type) and issubclass(inner, Resource):
        raise DeclarationError(f"`{name}` is a row, which can't be sent; take its id and write `await db.get({inner.__name__}, id)`")
    options = written if isinstance(written, FieldOptions) else FieldOptions(default=MISSING if written is inspect.Parameter.empty else written)
    if isinstance(written, FieldInfo):
        raise DeclarationError(f"`{name}`: write `Annotated[..., pydantic.Field(...)]`, or `= field(...)` of backroom")
    return Field(name, name, kind_of(inner), inner, nullable, options)


def _only_model(fields: Mapping[str, Field]) -> type[BaseModel] | None:
    """The model that is the whole body, if that is what the function takes."""
    if len(fields) != 1:
        return None
    field = next(iter(fields.values()))
    model = field.annotation
    return model if isinstance(model, type) and issubclass(model, BaseModel) and not field.has_default else None


def _model_alone(fields: Mapping[str, Field]) -> Callable[[bytes, Any], Values] | None:
    """The reader of a body that is one model."""
    if _only_model(fields) is None:
        return None
    name, field = next(iter(fields.items()))
    adapter = TypeAdapter(field.annotation)
    extra = strangers_in(adapter.core_schema)

    def read(raw: bytes, tree: Any) -> Values:
        try:
            value = adapter.validate_json(raw, strict=True, extra=extra)
        except ValidationError as error:
            raise refusal(fault for _, fault in faults_of(error, tree, {})) from None
        if may_be_inexact(raw):
            places = [spell(path) for path in islice(inexact(tree, ()), MAX_FAULTS)]
            if places:
                raise refusal(
                    Fault(place, "too_large", f"`{place}` is a number that JSON.parse would change; send it in quotes.") for place in places
                )
        return {name: value}

    return read


class _Texts:
    """Parameters that arrive as text. What is a number in JSON is read from its text first; then the text takes a body's way."""

    def __init__(self, where: str, fields: Mapping[str, Field], *, braces: bool = False) -> None:
        self.fields, self._braces = fields, braces
        self._names = frozenset(fields)
        self._lists: dict[str, Kind] = {name: _items(where, field) for name, field in fields.items() if field.kind == "json"}
        self._schema = RowSchema(where, fields, stored=False)

    def read(self, parameters: Iterable[tuple[str, str]]) -> Values:
        tree: Values = {}
        given: Values = {}
        faults: list[Fault] = []
        for name, text in parameters:
            if name not in self.fields:
                faults.append(unknown(name, self._names, "parameter"))
                continue
            try:
                if name in self._lists:
                    tree.setdefault(name, []).extend(self._listed(self._lists[name], text))
                elif name in tree:
                    faults.append(Fault(name, "repeated", f"`{name}` is given twice; give it once."))
                else:
                    tree[name] = _plain(self.fields[name].kind, text)
            except Misspelled as error:
                faults.append(Fault(name, error.code, f"`{name}`: {error}."))
            except PydanticCustomError as error:
                context: Mapping[str, Any] = error.context or {}
                faults.append(Fault(name, context["code"], f"`{name}` {context['phrase']}."))
        try:
            given = self._schema.read_one(to_json(tree), tree, "create", self._names)
        except Problem as problem:
            told = {fault.field for fault in faults}
            faults += (fault for fault in problem.errors if fault.field not in told)
        if faults:
            raise refusal(faults)
        return given

    def _listed(self, kind: Kind, text: str) -> list[Any]:
        if not self._braces or not text.startswith("{"):
            return [_plain(kind, text)]
        return [None if item is None else _plain(kind, item) for item in parse_list(text)]


def _plain(kind: Kind, text: str) -> Any:
    return READERS[kind](text) if kind in _NUMBERS else text


def _items(where: str, field: Field) -> Kind:
    """`tag: list[str]` in a query is `?tag=a&tag=b`; nothing else of JSON fits there."""
    inner = get_args(field.annotation)[0] if get_origin(field.annotation) is list else None
    kind = kind_of(inner) if inner is not None and where == "query" else "json"
    if kind == "json":
        raise DeclarationError(f"`{field.name}` does not fit into the {where}; use POST, or a plain type")
    return kind
