"""Postgres' SQLSTATEs in our words."""

from __future__ import annotations

import re

import asyncpg

from backroom.database.refusals import Kind, SerializationFailure, Violation, busy, out_of_range, unavailable, written
from backroom.errors import Problem

_KINDS: dict[str, Kind] = {"23505": "unique", "23503": "foreign_key", "23514": "check", "23502": "not_null"}
# 40001, 40P01: a rival was first. 25P02: the caller swallowed that and asked on.
_RUN_AGAIN = {"40001", "40P01", "25P02"}
_STOPPED = {"57014", "25P03", "25P04"}
_FULL = {"53100"}
# Restarting, failed over to a read-only server, out of memory or connections, password changed, database dropped.
_AWAY = {"57P01", "57P02", "57P03", "57P05", "25006", "53200", "53300", "28P01", "28000", "3D000", "58030"}
# A number or text that the column can't hold, U+0000 among them.
_UNSTORABLE = {"22003", "22008", "22021", "22P05", "22001", "54000"}
# Key (owner, title)=(1, milk) already exists. The words differ by language, the form doesn't; an expression has brackets of its own.
_KEY = re.compile(r"\((?P<columns>[\w\", ]+)\)=\(")


def translate(error: Exception, text: str) -> Exception:
    """The exception to raise instead of `error`: a `Violation`, a `Problem`, or `error` itself where it is a fault of ours."""
    # InternalClientError: the server's good-bye arrived while the connection was idle, and asyncpg was about to ask on it.
    lost: bool = isinstance(error, OSError | asyncpg.InternalClientError) or (isinstance(error, asyncpg.InterfaceError) and "closed" in str(error))
    state = _told(error, "sqlstate")
    if state in _KINDS:
        return _violation(error, _KINDS[state], text)
    if state in _RUN_AGAIN:
        return SerializationFailure()
    if state in _STOPPED:
        return Problem("database.timeout", headers={"Retry-After": "5"})
    if state in _FULL:
        return Problem("database.full")
    if state == "2201B":
        return Problem("validation.query", "The pattern is no regular expression that Postgres can read.")
    if state == "55P03":
        return busy()
    if lost or state in _AWAY or state.startswith("08"):
        return unavailable("The database can't be reached now. Try again shortly.")
    if state in _UNSTORABLE or (state == "22000" and "out of" in str(error)):
        return out_of_range()
    return error


def _violation(error: Exception, kind: Kind, text: str) -> Violation:
    told = {name: _told(error, name) for name in ("table_name", "column_name", "constraint_name", "detail")}
    found = _KEY.search(told["detail"])
    columns = tuple(part.strip(' "') for part in found["columns"].split(",")) if found else ()
    if told["column_name"]:
        columns = (told["column_name"],)
    if kind == "check":  # its detail is the whole row, which may hold anything
        columns = ()
    table, deletes = written(text)
    referenced = kind == "foreign_key" and (deletes or table not in ("", told["table_name"]))
    return Violation(kind, table if referenced else told["table_name"], columns, told["constraint_name"] or None, referenced=referenced)


def _told(error: Exception, name: str) -> str:
    return str(getattr(error, name, None) or "")
