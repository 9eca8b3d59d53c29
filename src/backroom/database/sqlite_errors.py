"""SQLite's error codes in our words."""

from __future__ import annotations

import re

import apsw

from backroom.database.drive import Run
from backroom.database.refusals import Kind, Violation, busy, out_of_range, unavailable, written
from backroom.errors import Problem

_KINDS: dict[int, Kind] = {
    apsw.SQLITE_CONSTRAINT_UNIQUE: "unique",
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
    apsw.SQLITE_CONSTRAINT_ROWID: "unique",
    apsw.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    apsw.SQLITE_CONSTRAINT_NOTNULL: "not_null",
    apsw.SQLITE_CONSTRAINT_CHECK: "check",
    apsw.SQLITE_CONSTRAINT_DATATYPE: "check",
}
# "UNIQUE constraint failed: todos.owner, todos.title", "UNIQUE constraint failed: index 'ix'", "CHECK constraint failed: ck_name"
_TOLD = re.compile(r"constraint failed: (?P<told>.+)", re.DOTALL)
_MISTYPED = re.compile(r"value in \w+ column (?P<told>.+)", re.DOTALL)


def translate(error: Exception, run: Run, text: str) -> Exception:
    """The exception to raise instead of `error`: a `Violation`, a `Problem`, or `error` itself where it is a fault of ours. `run` looks things up."""
    match error:
        case apsw.ConstraintError():
            return _violation(error, run, text)
        case apsw.InterruptError():
            return Problem("database.timeout", headers={"Retry-After": "5"})
        case apsw.BusyError() | apsw.LockedError():
            return busy()
        case apsw.ConnectionClosedError() | apsw.CursorClosedError():
            return unavailable("The server is shutting down.")
        case apsw.FullError():
            return Problem("database.full")
        case apsw.TooBigError() if not written(text)[0]:
            return Problem("database.too_large")
        case apsw.TooBigError() | OverflowError():
            return out_of_range()
        case apsw.SQLError() if str(error) == "integer overflow":  # of a sum
            return out_of_range()
        case apsw.ReadOnlyError():
            return unavailable("The database file is read-only. Reading still works.")
        case apsw.CorruptError() | apsw.NotADBError():
            return unavailable("The database file is damaged. Restore it from a backup.")
        case apsw.IOError() | apsw.CantOpenError() | apsw.ProtocolError() | apsw.PermissionsError():
            return unavailable("The database file can't be read or written.")
        case _:
            return error


def _violation(error: apsw.ConstraintError, run: Run, text: str) -> Exception:
    code: int = getattr(error, "extendedresult", 0)  # set by apsw on each error, and missing from its type stubs
    kind = _KINDS.get(code)
    if kind is None:
        return error
    message = str(error)
    if kind == "foreign_key":
        table, deletes = written(text)
        return Violation(kind, table, referenced=deletes)
    found = _TOLD.search(message) or _MISTYPED.search(message)
    told = found["told"] if found else ""
    if told.startswith("index '"):
        index = told[len("index '") : -1]
        return Violation(kind, _one(run, "SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND name = ?", index), (), index)
    if code == apsw.SQLITE_CONSTRAINT_CHECK:
        table = _one(run, "SELECT min(name) FROM sqlite_schema WHERE type = 'table' AND instr(sql, ?) HAVING count(*) = 1", told)
        return Violation(kind, table, (), told)
    places = [place.partition(".") for place in told.split(", ")]
    return Violation(kind, places[0][0], tuple(column for _, _, column in places))


def _one(run: Run, text: str, parameter: str) -> str:
    found = run(text, (parameter,), False)
    return str(found[0][0]) if found else ""
