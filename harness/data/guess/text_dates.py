"""Dates as text in other forms than that of ISO, as servers, mail, browsers and spreadsheets write them.

A form is found from the parts of one value, and kept if it reads all values. What no form of STRPTIME reads, as the
name of a zone, is made plain by SQL before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from harness.data.guess.date_forms import forms_of, shape_of
from harness.data.guess.zone_names import NONE, offsets, why_unknown

NAMED = r":\d{2}(?:[.,]\d+)?(?:\s?[AaPp][Mm])?\s([A-Z]{2,5})(?:\s|$)"
"""A clock, and the name of a zone."""
COMMENT = r"[+-]\d{2}:?\d{2}(\s?[(\[]).*[)\]]$"
"""An offset, and the name of its zone in brackets, as browsers and Java write."""
HALVES = r"\d\s?[AaPp]\.[Mm]\."
LATEST = 2032
"""A later year is none of two digits."""


@dataclass(frozen=True)
class Plain:
    """Text without what STRPTIME cannot read. sql: makes it of the column. zones: names that were read, with their
    offsets. unknown: one that was not."""

    sql: str
    values: pl.Series
    zones: str = ""
    unknown: str = ""

    @property
    def known(self) -> pl.Series:
        return self.values.drop_nulls()


def plain(values: pl.Series, column: str) -> Plain:
    """The text of a column of this name in SQL, made plain where that takes more than its name."""
    sql = "{}"
    for begin in values.str.extract(COMMENT).drop_nulls().unique().sort():
        sql = f"SPLIT_PART({sql}, '{begin}', 1)"
    if values.str.contains(HALVES).any():
        sql = f"REPLACE(REPLACE({sql}, '.m.', 'm'), '.M.', 'M')"
    names = set(values.str.extract(NAMED).drop_nulls().unique()) - {"AM", "PM"}
    found = {} if len(names) == 1 and names <= NONE else offsets(names)
    unknown = "" if names <= NONE and not found else min(names - found.keys(), default="")
    for name, offset in found.items() if not unknown else ():
        sql = f"REPLACE({sql}, ' {name}', ' {offset}')"
    made = values if sql == "{}" else _made(values, sql.format("value"))
    zones = " and ".join(f"{name} as UTC{found[name][:3]}:{found[name][3:]}" for name in sorted(names & found.keys()))
    return Plain(sql.format(column), made, zones, unknown)


def _made(values: pl.Series, sql: str) -> pl.Series:
    return values.to_frame("value").select(pl.sql_expr(sql).alias("value")).to_series()


def fitting(known: pl.Series) -> list[str]:
    """The forms that read all of a text. Where two differ in which part is the year, in two digits, that in which years
    are many times fewer is right."""
    read = {form: found for form in candidates(known) if not (found := seconds(known, form)).null_count()}
    years = {form: pl.from_epoch(found).dt.year().n_unique() for form, found in read.items()}
    return [form for form in read if 2 * min(years.values()) > years[form]]


def candidates(known: pl.Series) -> Iterator[str]:
    """Forms of the first and of the longest text: a month in letters and parts of a second stand in the latter."""
    if len(known):
        longest = known.gather([known.str.len_chars().arg_max() or 0])[0]
        yield from dict.fromkeys((*forms_of(known[0]), *forms_of(longest)))


def seconds(values: pl.Series, form: str) -> pl.Series:
    """Of UTC since 1970; null where the form does not read a text."""
    text = pl.first()
    found = text.str.to_datetime(form, strict=False, time_unit="us")
    fits = text.str.contains(shape_of(form))
    if "%y" in form:
        fits &= found.dt.year() <= LATEST
    return values.to_frame().select(pl.when(fits).then(found.dt.epoch("s"))).to_series()


def why_no_zone(text: Plain) -> str:
    """Why text with the name of a zone that is not known is no time; empty: it has none."""
    if not text.unknown:
        return ""
    named = rf" {text.unknown}\b"
    first = text.known.filter(text.known.str.contains(named))[0]
    form = next(iter(forms_of(re.sub(named, " +0000", first))), "%d.%m.%Y %H:%M:%S %z")
    return (
        f"{first!r} names the zone {text.unknown}, which {why_unknown(text.unknown)}; with its offset for +hhmm, "
        f"STRPTIME(REPLACE({text.sql}, ' {text.unknown}', ' +hhmm'), '{form}') reads it"
    )
