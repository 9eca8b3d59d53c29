"""The language of rules and queries: `this` is the row, `me` the caller.

`Condition`, `Path` and `Value` wrap a node and give it Python's operators; they refuse loudly what Python would otherwise answer wrongly in silence
(`and`, `not`, `in`, `bool()`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, cast

from backroom.resources.nodes import (
    Always,
    And,
    CallerValue,
    Clock,
    Compare,
    Constant,
    HasRole,
    In,
    IsNull,
    Known,
    Node,
    Not,
    Operand,
    Or,
    RowPath,
    Some,
    StartsWith,
    Truth,
    write,
    write_operand,
)

_FLIPPED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


class Condition:
    """A condition. Combine with `&`, `|` and `~`; it is never a Python bool."""

    __slots__ = ("_node",)
    _node: Node

    def __init__(self, node: Node) -> None:
        object.__setattr__(self, "_node", node)

    def __and__(self, other: Condition) -> Condition:
        return Condition(And((node_of(self), node_of(other))))

    def __or__(self, other: Condition) -> Condition:
        return Condition(Or((node_of(self), node_of(other))))

    def __rand__(self, other: Any) -> Condition:
        return Condition(And((node_of(other), node_of(self))))

    def __ror__(self, other: Any) -> Condition:
        return Condition(Or((node_of(other), node_of(self))))

    def __invert__(self) -> Condition:
        return Condition(Not(node_of(self)))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "A condition is not a Python bool. Write `a & b` for `a and b`, `a | b` for `a or b`, `~a` for `not a`, "
            "`(1 < x) & (x < 5)` for `1 < x < 5`, each comparison in parentheses."
        )

    def __len__(self) -> NoReturn:
        raise TypeError("A condition has no length.")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("A condition can't be looped over; for `x in ...` write `this.x.in_([...])` or `this.members.any(...)`.")

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError("Write `this.x.in_([...])` for `x in [...]`, and `this.members.any(user=me)` for `me in members`.")

    def __eq__(self, other: object) -> Any:
        raise TypeError("This compares a condition with something. Put each comparison in parentheses: `(this.owner == me) | this.public`.")

    def __ne__(self, other: object) -> Any:
        raise TypeError("This compares a condition with something. Put each comparison in parentheses: `(this.owner != me) & this.public`.")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{write(self._node)}>"


def node_of(given: object) -> Node:
    """The plain node of what somebody wrote as a condition. Raises `TypeError` with the cure for everything else."""
    if isinstance(given, Path):
        return Truth(given._path)  # pyright: ignore[reportPrivateUsage]
    if isinstance(given, Condition):
        return given._node  # pyright: ignore[reportPrivateUsage]
    if isinstance(given, bool):
        raise TypeError(
            f"`{given}` is not a condition. Write `{'anyone' if given else 'nobody'}`; "
            "for `is`, `is not` and `in` write `==`, `.is_null()` and `.in_()`."
        )
    if isinstance(given, Value | Me):
        raise TypeError(
            "`me` and its values are not conditions. Compare them in parentheses: `(this.owner == me) | this.public`, or write `me.signed_in`."
        )
    if callable(given):
        name = getattr(given, "__name__", "")
        cure = 'call it: `me.has_role("admin")`' if name == "has_role" else "write the condition itself, without lambda: `this.owner == me`"
        raise TypeError(f"A function is not a condition; {cure}.")
    raise TypeError(f"{given!r} is not a condition. Write one like `this.owner == me`, `me.signed_in`, `anyone` or `nobody`.")


def operand_of(given: object) -> Operand:
    if isinstance(given, Path):
        return given._path  # pyright: ignore[reportPrivateUsage]
    if isinstance(given, Value):
        return given._operand  # pyright: ignore[reportPrivateUsage]
    if isinstance(given, Me):
        return CallerValue("id")
    if isinstance(given, Claims):
        raise TypeError('Name the claim: `me.claims["plan"]`.')
    if isinstance(given, Condition):
        raise TypeError("This compares with a condition. Put each comparison in parentheses: `(this.owner == me) | this.public`.")
    if callable(given) and not isinstance(given, type):
        raise TypeError("This compares with a function; call it, or write the value.")
    return Constant(given)


class _Comparable:
    """The comparisons, shared by what stands on either side of them."""

    __slots__ = ()

    def _compare(self, operator: str, other: object) -> Condition:
        left, right = operand_of(self), operand_of(other)
        if not isinstance(left, RowPath) and isinstance(right, RowPath):
            left, right, operator = right, left, _FLIPPED[operator]
        return Condition(Compare(operator, left, right))

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare("eq", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare("ne", other)

    def __lt__(self, other: object) -> Condition:
        return self._compare("lt", other)

    def __le__(self, other: object) -> Condition:
        return self._compare("le", other)

    def __gt__(self, other: object) -> Condition:
        return self._compare("gt", other)

    def __ge__(self, other: object) -> Condition:
        return self._compare("ge", other)

    __hash__ = None  # type: ignore[assignment]

    def in_(self, values: object) -> Condition:
        """One of: a list of values, or a claim that is a list."""
        if isinstance(values, Value):
            operand = operand_of(values)
            if isinstance(operand, CallerValue):
                return Condition(In(operand_of(self), operand))
        if isinstance(values, list | tuple | set | frozenset):
            listed = list(cast("Iterable[Any]", values))
            return Condition(In(operand_of(self), tuple(operand_of(value) for value in listed)))
        raise TypeError("`.in_()` takes a list: `this.status.in_(['draft', 'open'])`, or a claim: `this.team.in_(me.claims['teams'])`.")

    def is_null(self) -> Condition:
        """Empty. The only condition that finds empty values; never unknown."""
        return Condition(IsNull(operand_of(self)))

    def startswith(self, prefix: object) -> Condition:
        """Begins with this text, literally and case-sensitively."""
        return Condition(StartsWith(operand_of(self), operand_of(prefix)))


class Path(_Comparable, Condition):
    """A field of the row, or of a row that it refers to: `this.owner`, `this.project.owner`. A boolean field is a condition by itself."""

    __slots__ = ("_path",)
    _path: RowPath

    def __init__(self, path: RowPath) -> None:
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_node", Truth(path))

    __eq__ = _Comparable.__eq__
    __ne__ = _Comparable.__ne__
    __hash__ = None

    def __getattr__(self, name: str) -> Path:
        if name.startswith("__"):
            raise AttributeError(name)
        return Path(RowPath((*self._path.steps, name)))

    def __getitem__(self, name: str) -> Path:
        """A field named like an operator: `this["any"]`."""
        return Path(RowPath((*self._path.steps, name)))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("`this` is only for asking; to change a row write `await db.update(row, ...)`.")

    def any(self, *conditions: Condition, **equals: object) -> Condition:
        """Some row of this collection fulfills all of this: `this.members.any(user=me, role=["editor", "owner"])`."""
        parts: list[Node] = [node_of(condition) for condition in conditions]
        for name, value in equals.items():
            field = Path(RowPath((name,)))
            many = type(value) in (list, tuple, set, frozenset)
            parts.append(node_of(field.in_(value) if many else field == value))
        condition: Node = parts[0] if len(parts) == 1 else And(tuple(parts)) if parts else Always(True)
        return Condition(Some(self._path, condition))

    def __repr__(self) -> str:
        return f"<{write_operand(self._path)}>"


class Value(_Comparable):
    """Something known of the caller, or the clock: `this.publish_at <= now`, `this.team == me.claims["team"]`."""

    __slots__ = ("_operand",)
    _operand: Operand

    def __init__(self, operand: Operand) -> None:
        self._operand = operand

    def __bool__(self) -> NoReturn:
        raise TypeError("A value of `me` is not a Python bool; compare it: `me.email == this.invited`.")

    def __and__(self, other: object) -> NoReturn:
        node_of(self)
        raise AssertionError

    __or__ = __rand__ = __ror__ = __and__


class Claims:
    """`me.claims["plan"]`: metadata set by the server."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Value:
        if name == "user_metadata":
            raise TypeError(
                '`me.claims["user_metadata"]` is what people write about themselves; rules may only trust what the server sets (app metadata).'
            )
        return Value(CallerValue(f"claims.{name}"))


class Me(_Comparable):
    """The caller. `this.owner == me` compares with the caller's id."""

    __slots__ = ()

    @property
    def id(self) -> Value:
        return Value(CallerValue("id"))

    @property
    def email(self) -> Value:
        """The verified address; missing as long as it is not verified."""
        return Value(CallerValue("email"))

    @property
    def roles(self) -> Value:
        return Value(CallerValue("roles"))

    @property
    def claims(self) -> Claims:
        return Claims()

    @property
    def signed_in(self) -> Condition:
        """Has a users row, anonymous accounts too."""
        return Condition(Known("signed_in"))

    @property
    def is_anonymous(self) -> Condition:
        return Condition(Known("is_anonymous"))

    @property
    def mfa(self) -> Condition:
        """This session passed a second factor."""
        return Condition(Known("mfa"))

    def has_role(self, role: str) -> Condition:
        return Condition(HasRole(operand_of(role)))

    def __bool__(self) -> NoReturn:
        raise TypeError("`me` is not a Python bool; write `me.signed_in`.")

    def __and__(self, other: object) -> NoReturn:
        node_of(self)
        raise AssertionError

    __or__ = __rand__ = __ror__ = __and__

    def __repr__(self) -> str:
        return "<me>"


this = Path(RowPath())
me = Me()
anyone = Condition(Always(True))
nobody = Condition(Always(False))
now = Value(Clock("now"))
today = Value(Clock("today"))
