"""What the values of a group come to, as JSON text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, cast, func

from backroom.resources.fields import Kind
from backroom.resources.selections import Shown
from backroom.sql.json_text import json_text, turned
from backroom.sql.values import DialectName


def aggregated(dialect: DialectName, shown: Shown, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """JSON of the aggregate of a column of bare values. Numbers of rows and averages are JSON numbers, the rest is of the values' kind."""
    kind, found = _result(dialect, shown, value)
    if shown.cast is not None:
        kind, found = shown.cast, turned(dialect, kind, shown.cast, found)
    return json_text(dialect, kind, found)


def _result(dialect: DialectName, shown: Shown, value: ColumnElement[Any]) -> tuple[Kind, ColumnElement[Any]]:
    decimals = dialect == "sqlite" and shown.kind == "decimal"  # kept as text
    match shown.aggregate:
        case "count":
            return "integer", func.count(value)
        case "avg":
            return "float", cast(func.avg(cast(value, Double())), Double())
        case "sum" if shown.kind == "timedelta":
            return shown.kind, cast(func.sum(value), BigInteger())  # Postgres sums whole numbers into a numeric, which divides with a rest
        case "sum":
            total = func.decimal_sum(value) if decimals else func.sum(value)
            return shown.kind, cast(total, BigInteger()) if shown.kind == "timedelta" else total  # Postgres adds bigints up to a numeric
        case "min":
            return shown.kind, func.min(value.collate("decimal") if decimals else value)
        case _:
            return shown.kind, func.max(value.collate("decimal") if decimals else value)
