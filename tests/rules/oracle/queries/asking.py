"""Chance -> what can be asked of the rows of one resource: every operator, nested; orders, columns; now and then what must be refused."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.rules.oracle.queries.kinds import STRUCTURED, TEXTS, VALUES, is_object
from tests.rules.oracle.queries.questions import STAR, Condition, Group, Item, Keys, Negated, Pick, Sort, Test
from tests.rules.oracle.queries.scene import absent, value
from tests.rules.oracle.queries.sight import Sight

FACES = ("/api", "/rest/v1")
#: Operators by what they take. The last are refused for this kind.
_COMPARING = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "isdistinct", "is")
_PATTERNS = ("like", "ilike")
_HOLDING = ("cs", "cd", "ov")
_PATHS: tuple[Keys, ...] = (("a",), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", 0), ("a", 0, "b"), ("zz",))
_QUANTIFIED = ("eq", "gt", "gte", "lt", "lte", "like", "ilike")


class Asking:
    """Draws the questions of one caller. Most of them name what exists for him, and ask of what is there."""

    def __init__(self, chance: Random, sight: Sight) -> None:
        self.chance, self.sight, self.tables, self.rows, self.known = chance, sight, sight.tables, sight.all, sight.known
        self.keys = {name: [*found] or [absent(self.tables[name])] for name, found in self.rows.items()}

    def key(self, name: str) -> Any:
        """Mostly of a row that is there."""
        return absent(self.tables[name]) if self.chance.random() < 0.1 else self.chance.choice(self.keys[name])

    def names(self, name: str) -> list[str]:
        """Mostly those that exist for the caller."""
        names = ["id", *self.tables[name].columns, *(f"{each}_id" for each in self.tables[name].references)]
        return names if self.chance.random() < 0.05 else [each for each in names if each in self.known(name)]

    def column(self, name: str) -> str:
        """Often one that is hidden in some rows: where it could leak."""
        names = self.names(name)
        masked = [each for each in names if each in self.known(name) and self.sight.field(name, each) in self.tables[name].fields]
        return self.chance.choice(masked if masked and self.chance.random() < 0.4 else names)

    def kind(self, name: str, column: str) -> str:
        table = self.tables[name]
        if column == "id":
            return table.key
        if column in table.columns:
            return table.columns[column][0]
        target = table.references[column.removesuffix("_id")][0]
        return self.tables[target].key

    def columns(self, name: str) -> tuple[Item, ...] | None:
        """Plain columns."""
        if self.chance.random() < 0.7:
            return None
        names = self.names(name)
        return tuple(map(Pick, self.chance.sample(names, self.chance.randint(1, len(names))))) if self.chance.random() < 0.9 else STAR

    def order(self, name: str) -> tuple[Sort, ...]:
        chance = self.chance
        if chance.random() < 0.4:
            return ()
        chosen = dict.fromkeys(self.column(name) for _ in range(chance.choice((1, 1, 1, 2, 3))))
        return tuple(self.sort(name, column) for column in chosen if self.kind(name, column) not in STRUCTURED or chance.random() < 0.5)

    def sort(self, name: str, column: str, relation: str | None = None) -> Sort:
        chance = self.chance
        way, nulls = chance.choice((None, True, False)), chance.choice((None, None, True, False))
        if relation is None and self.kind(name, column) in STRUCTURED and chance.random() < 0.95:
            return Sort(column, way, nulls, *self.path(self.kind(name, column)))
        return Sort(column, way, nulls, relation=relation)

    def path(self, kind: str) -> tuple[Keys, bool]:
        """Into JSON: where it leads, and whether it ends in a text."""
        paths: tuple[Keys, ...] = _PATHS if kind == "json" else ((0,), (1,), (5,))
        return self.chance.choice(paths), self.chance.random() < 0.5

    # ---------------------------------------------------------------- conditions
    def where(self, name: str, *, least: int = 0) -> tuple[Condition, ...]:
        return tuple(self.condition(name, 2) for _ in range(max(least, self.chance.choice((0, 1, 1, 1, 2)))))

    def condition(self, name: str, depth: int) -> Condition:
        chance = self.chance
        if depth and chance.random() < 0.35:
            parts = tuple(self.condition(name, depth - 1) for _ in range(chance.choice((1, 2, 2, 3))))
            return self.maybe_not(Group(chance.choice(("and", "or", "or")), parts))
        return self.maybe_not(self.test(name))

    def maybe_not(self, part: Condition) -> Condition:
        return Negated(part) if self.chance.random() < 0.25 else part

    def test(self, name: str) -> Test:
        chance = self.chance
        column = self.column(name) if chance.random() < 0.99 else "zzz"
        kind = "text" if column == "zzz" else self.kind(name, column)
        if kind in STRUCTURED and chance.random() < 0.5:
            return self.within(column, kind)
        operators = (*_HOLDING, "is") if kind in STRUCTURED else (*_COMPARING, *_COMPARING, *(_PATTERNS * 3 if kind in TEXTS else ()))
        operator = chance.choice(operators)
        if chance.random() < 0.01:
            return Test(column, chance.choice((*_HOLDING, *_PATTERNS) if kind not in STRUCTURED else (*_PATTERNS, "gt")), (value(chance, kind),))
        return self.asked(name, column, kind, operator)

    def within(self, column: str, kind: str) -> Test:
        """What lies in JSON: text, or values of one kind."""
        chance = self.chance
        keys, as_text = self.path(kind)
        if as_text:
            operator = chance.choice(("eq", "neq", "in", "is", "isdistinct", "like", "gt"))
            values = tuple(chance.choice(("x", "y", "1", "10", "true", "a")) for _ in range(chance.choice((1, 2)) if operator == "in" else 1))
            return Test(column, operator, ("null",) if operator == "is" else values, None, keys, as_text=True)
        operator = chance.choice(("eq", "neq", "gt", "lte", "in", "is", "isdistinct", "cs"))
        pool: tuple[Any, ...] = chance.choice(((1, 10, 1.5), ("x", "y", "1", ""), (True, False)))
        if operator == "is":
            return Test(column, "is", (chance.choice(("null", "not_null", "true", "false")),), None, keys)
        if operator == "cs":
            return Test(column, "cs", (chance.choice(([1], {"b": "y"}, [{"b": 1}], [])),), None, keys)
        return Test(column, operator, tuple(chance.choice(pool) for _ in range(chance.choice((1, 2)) if operator == "in" else 1)), None, keys)

    def asked(self, name: str, column: str, kind: str, operator: str) -> Test:
        chance = self.chance
        if operator == "is":
            words = ("null", "not_null", "null", *(("true", "false", "unknown") * 2 if kind == "boolean" else ()))
            return Test(column, "is", (chance.choice(words),))
        draw = self.pattern if operator in _PATTERNS else lambda: self.literal(name, column, kind)
        if operator == "in":
            return Test(column, "in", tuple(draw() for _ in range(chance.choice((0, 1, 2, 2, 3)))))
        if operator in _QUANTIFIED and chance.random() < 0.15:
            return Test(column, operator, tuple(draw() for _ in range(chance.choice((0, 1, 2, 2, 3)))), chance.choice(("any", "all")))
        return Test(column, operator, (draw(),))

    def literal(self, name: str, column: str, kind: str) -> Any:
        """Mostly a value that is there. Keys are small numbers, or those of people and rows."""
        if column == "id":
            return self.key(name)
        if column.removesuffix("_id") in self.tables[name].references:
            return self.key(self.tables[name].references[column.removesuffix("_id")][0])
        if kind in STRUCTURED and self.chance.random() < 0.5:
            return self.part(kind)
        return value(self.chance, kind)

    def part(self, kind: str) -> Any:
        """A piece of a list or of JSON: what `cs` finds."""
        chosen = self.chance.choice(VALUES[kind])
        if is_object(chosen):
            return {name: held for name, held in chosen.items() if self.chance.random() < 0.6}
        return [each for each in chosen if self.chance.random() < 0.6]

    def pattern(self) -> str:
        """Made of a text that there is. A star is always a sign: nothing writes a star that means itself."""
        chance = self.chance
        signs = {"*": ("_",), "%": ("\\%",), "_": ("\\_", "_"), "\\": ("\\\\",)}
        letters = [chance.choice(signs.get(letter, ("*", "%", "_", letter, letter, letter, letter))) for letter in chance.choice(VALUES["text"])]
        if chance.random() < 0.4:
            return chance.choice(("", "*", "%")) + "".join(letters).swapcase() + chance.choice(("", "", "*"))
        return "".join(letters) + chance.choice(("", "*"))
