"""Which columns of numbers are amounts, to be multiplied, rather than ids, to be looked up; and on which scale."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

import polars as pl

from harness.data.guess.columns import Column, Guess, Table
from harness.data.guess.marks import COMMA, EITHER, EVERY, Marks, unit_of
from harness.data.guess.words import CODES, ITEMS, NUMBERED, NUMBERS, PAST, SINCE, USERS

FEW = 20
"""Distinct values up to which whole numbers may be anything."""
LOW = 0.1
"""Of a range: half of the values lie in so low a part of it where amounts have a tail."""


def number(column: Column, table: Table) -> Guess | None:
    """The guess that a column is a number, by the first rule that finds a reason."""
    if not column.values.dtype.is_numeric() or not len(column.known):
        return None
    for rule in RULES:
        if why := rule(column, table):
            scale, spread = _scale(column)
            why = f"{why}{_or_points_of_thousands(column, table)}; {spread}"
            if column.infinite is None:
                return column.taken("number", why, {"number": column.name, "scale": scale})
            finite = f"CASE WHEN ABS({column.sql}) < 1e308 THEN {column.sql} END"
            return column.taken("number", f"{why}; {column.infinite} is missing", {"number": finite, "scale": scale})
    return None


def marked(column: Column, table: Table) -> Guess | None:
    """The guess that text is a number, where one way to write numbers fits all rows: `24,50`, `1.234,50`, `1,234.50`.
    Its name may say that these are two ids."""
    said = column.last(NUMBERS | CODES | ITEMS | USERS | PAST)
    if not column.is_text or not len(column.known) or not (said in NUMBERS or not said):
        return None
    unit = unit_of(column.known)
    every = [replace(marks, unit=unit) for marks in (*EVERY, *([Marks("", ".")] if unit else []))]
    fitting = [marks for marks in every if marks.fit(column.known)]
    if not fitting and said in NUMBERS:
        fitting = [marks for marks in every if marks.fit(column.known, whole=True)][:1]
    if len(fitting) > 1:
        return column.taken("id", f"numbers that have {' or '.join(map(str, fitting))}: the rows do not tell which")
    for marks in fitting:
        scale, spread = _scale(Column(marks.read(column.values).alias(column.name), column.key, column.named))
        why = f"numbers with {marks}{_or_thousands(column, marks)}; {spread}"
        return column.taken("number", why, {"number": marks.sql(column.sql), "scale": scale})
    return None


def odd_amount(column: Column, table: Table) -> Guess | None:
    """The guess that text is an id though its name and its digits say amount, and how to read it as one."""
    said = column.last(NUMBERS | CODES | ITEMS | USERS | PAST)
    if (
        not column.is_text
        or said not in NUMBERS - SINCE
        or 2 * column.known.str.contains(r"\d").sum() <= len(column.known)
    ):
        return None
    odd = column.known.filter(column.known.cast(pl.Float64, strict=False).is_null())
    if not len(odd):
        return None
    sql = f"CAST(REPLACE({column.sql}, '...', '') AS DOUBLE)"
    why = f"text, {column.distinct:,} distinct; if {odd[0]!r} is an amount, as '{said}' says, {{ number = \"{sql}\" }}"
    return column.taken("id", f"{why} reads it, without what is no number")


def _or_thousands(column: Column, marks: Marks) -> str:
    """That all commas may stand between thousands as well."""
    known = column.known.str.replace_all(marks.unit, "", literal=True) if marks.unit else column.known
    commas = known.filter(known.str.contains(","))
    if replace(marks, unit="") != COMMA or not commas.str.contains(EITHER).all() or known.str.contains(r"\d{4}").any():
        return ""
    other = replace(marks, thousands=",", decimal=".")
    return f", unless {commas[0]} is {commas[0].replace(',', '')}, which {other.sql(column.sql)} reads"


def _or_points_of_thousands(column: Column, table: Table) -> str:
    """That all points may stand between thousands as well; of numbers, the few zeros at the end are gone."""
    text = column.known.cast(pl.String).str.strip_suffix(".0")
    points = text.filter(text.str.contains(".", literal=True))
    either = points.filter(points.str.contains(EITHER))
    if not table.delimited or 2 * len(either) <= len(points) or text.str.contains(r"\d{4}|^-?0\.|[^\d.-]").any():
        return ""
    said, sql = f"unless {either[0]} is {either[0].replace('.', '')}", Marks(".", ",").sql(column.sql)
    return f", {said}, which {sql} reads with text = {json.dumps([column.name])}"


def _has_a_point(column: Column, table: Table) -> str:
    return "" if column.is_whole else "values with a point"


def _is_named(column: Column, table: Table) -> str:
    """The last word that says anything decides: `age` is a number, `age_level` none, `level_count` one."""
    said = column.last(NUMBERS | CODES)
    return f"'{said}' is an amount" if said in NUMBERS and column.distinct > 2 else ""


def _is_numbered(column: Column, table: Table) -> str:
    return "named as an anonymous number" if column.named and re.fullmatch(NUMBERED, column.name.lower()) else ""


def _has_a_tail(column: Column, table: Table) -> str:
    return (
        ""
        if column.named or not _is_amount(column)
        else "whole numbers with a tail, and some of them 0, less or missing"
    )


def _stands_among_numbers(column: Column, table: Table) -> str:
    """Of few values, in a run of whole numbers that has amounts on both sides."""
    if column.named or column.distinct > FEW or not column.is_whole:
        return ""
    return "few whole numbers, among columns of amounts" if column in _among_amounts(table.columns) else ""


@lru_cache(maxsize=1)
def _among_amounts(columns: tuple[Column, ...]) -> set[Column]:
    return _after_amounts(columns) & _after_amounts(columns[::-1])


def _after_amounts(columns: Iterable[Column]) -> set[Column]:
    """Those between which and an amount before them are whole numbers alone."""
    found, met = set[Column](), False
    for column in columns:
        if met:
            found.add(column)
        met = column.is_whole and (met or _is_amount(column))
    return found


def _is_amount(column: Column) -> bool:
    """Ids begin at 1, are seldom missing, and are spread over their range."""
    if not column.is_whole or column.distinct < 3:
        return False
    return _is_skewed(column) and (_range(column)[0] <= 0 or column.values.null_count() > 0)


def _is_skewed(column: Column) -> bool:
    low, middle, high = _range(column)
    return middle - low <= LOW * (high - low)


def _range(column: Column) -> tuple[float, float, float]:
    """The lowest, the median and the highest value."""
    low, middle, high = (float(str(value)) for value in (column.known.min(), column.known.median(), column.known.max()))
    return low, middle, high


def _scale(column: Column) -> tuple[str, str]:
    low, middle, high = _range(column)
    lowest, half, highest = (f"{value:,.0f}" if column.is_whole else f"{value:g}" for value in (low, middle, high))
    spread = f"{lowest} to {highest}, half of them up to {half}"
    return "log1p" if _is_skewed(column) else "standard", spread


RULES: tuple[Callable[[Column, Table], str], ...] = (
    _has_a_point,
    _is_named,
    _is_numbered,
    _has_a_tail,
    _stands_among_numbers,
)
