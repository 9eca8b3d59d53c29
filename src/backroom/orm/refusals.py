"""What the database refuses, said in the app's words: which field, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from backroom.database.database import Violation
from backroom.errors import Fault, Problem
from backroom.resources.definition import Definition
from backroom.resources.fields import Field
from backroom.sql.tables import key_name, reference_name


def label(field: Field) -> str:
    """`due_date` -> `Due date`."""
    return field.name.replace("_", " ").capitalize()


def missing_reference(field: Field, row: int | None = None) -> Problem:
    """Absent and unreadable alike: nobody learns of a row he can't see by referring to it."""
    fault = Fault(field.column, "reference.not_found", f"{label(field)}: there is no such row.", row)
    return Problem("reference.not_found", f"{label(field)}: there is no row with this id.", errors=[fault])


def refused_field(field: Field, verb: str) -> Problem:
    """403: the row is the caller's to write, this field of it isn't."""
    fault = Fault(field.column, "rules.field", f"{label(field)} can't be {verb} by you.")
    return Problem("rules.field", f"{label(field)} can't be {verb} by you.", hint="Leave it out.", errors=[fault])


def taken(fields: Sequence[Field], given: Collection[str]) -> Problem:
    """409: another row has these values. Names only fields that the caller sent, and no values."""
    faults = [Fault(field.column, "taken", f"{label(field)} is taken.") for field in fields if field.column in given]
    return Problem("database.unique", faults[0].message if len(faults) == 1 else None, errors=faults)


def as_problem(violation: Violation, definition: Definition, fields: Sequence[Field], given: Collection[str]) -> Problem:
    """409 for what a write ran into. Of a unique clash it names only fields that the caller sent, and no values.

    Raises `RuntimeError` for a required field that a hook was to fill and left empty: no fault of the caller, who may not even know of it.
    """
    columns = [column for column in violation.columns if column in definition.by_column] or _by_constraint(violation, definition)
    if violation.kind == "unique":
        return taken([definition.by_column[column] for column in columns], given)
    if violation.kind == "foreign_key":
        field = next((definition.by_column[column] for column in columns), None) or next((each for each in fields if each.target == "users"), None)
        return missing_reference(field) if field is not None else Problem("reference.not_found")
    if violation.kind == "not_null":
        names = ", ".join(definition.by_column[column].name for column in columns)
        raise RuntimeError(
            f"{definition.cls.__name__}.{names} is required and was given no value; set it in a before_create hook, or give it a default"
        )
    return Problem("database.check")


def _by_constraint(violation: Violation, definition: Definition) -> list[str]:
    """Postgres names the key: `todos_owner_id_fkey`, `tasks_slug_key`."""
    name = violation.constraint or ""
    for group in definition.unique:
        if name == key_name(definition.name, group):
            return [field.column for field in group]
    return [field.column for field in definition.references if name == reference_name(definition.name, field)]


#: Told how many rows a write touches, before it is final; raises to undo it.
Allow: TypeAlias = Callable[[int], None]


def anything(found: int) -> None:
    """Any number of rows may be touched."""


def at_most(most: int) -> Allow:
    """400 for more rows than the caller said that he means to touch (`Prefer: max-affected`)."""

    def allow(found: int) -> None:
        if found > most:
            raise Problem("rest.max_affected", f"The filter matches {found} rows, and max-affected is {most}; nothing was changed.")

    return allow
