"""What rules leave open by their nature: nothing is wrong, but somebody should know."""

from __future__ import annotations

from collections.abc import Iterator

from backroom.resources.access import ACTIONS, walk
from backroom.resources.catalog import Catalog
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.resources.nodes import Always, IsNull, Node
from backroom.resources.relations import Cell
from backroom.sql.leaves import operands_of


def warnings(catalog: Catalog) -> list[str]:
    """One sentence each, with what would close it."""
    definitions = list(catalog.definitions.values())
    found = [line for definition in definitions for line in (*_emptied(definition), *_taken(definition), *_compared(definition))]
    counted = [definition.name for definition in definitions if definition.key.kind == "integer" and definition.access.create != Always(False)]
    if counted:
        found.append(
            f"The ids of {', '.join(counted)} are numbers in a row, so they tell how many rows there are; `class X(Resource[UUID])` doesn't."
        )
    return found


def _emptied(definition: Definition) -> Iterator[str]:
    for action in ACTIONS:
        for part in walk(definition.access.of(action)):
            match part:
                case IsNull(Cell((), field)) if field.options.on_delete == "set_null":
                    opens = f"deleting what {field.name} refers to empties it: that delete opens this row."
                    yield f"{definition.name}: {action} asks this.{field.name}.is_null(), and {opens}"
                case _:
                    pass


def _taken(definition: Definition) -> Iterator[str]:
    """The key of whoever creates the row keeps others' values apart."""
    if definition.access.create == Always(False):
        return
    for group in definition.unique:
        if not any(field.is_reference for field in group):
            names = ", ".join(field.name for field in group)
            cure = "put the owner into the unique key if that is a secret"
            yield f"{definition.name}: who may create a row learns whether a value of {names} is taken; {cure}."


def _compared(definition: Definition) -> Iterator[str]:
    for field in dict.fromkeys(_checked(definition.check)):
        ruled = (definition.access.fields or {}).get(field.name)
        if field.options.hidden or field.options.write_only or (ruled is not None and ruled.read != Always(True)):
            yield f"{definition.name}: the check compares {field.name}, which not everybody sees; its refusals tell something of the value."


def _checked(check: Node | None) -> Iterator[Field]:
    for part in walk(check) if check is not None else ():
        yield from (operand.field for operand in operands_of(part) if isinstance(operand, Cell))
