"""A data set's description as chapters of a page: what each picture shows, and what to look for in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.report.figures import described as figures
from harness.report.format import listed
from harness.report.pages.templates import templates
from harness.report.tables.grids import Cell, Column, Grid
from harness.results.description import Description, FieldInTime, TextTable, Values

FIRST, OF_LABELS = "Rows", ("Labels of one id", "What lasts")
"""The table that stands above all chapters, and those that have their own."""
Words = tuple[tuple[str, str], ...]
"""Columns, and what they tell."""


@dataclass(frozen=True)
class Chapter:
    """text: what its pictures show. figures: captions, which may be empty, and SVG. tables: labels, grids, and what
    their columns tell."""

    title: str
    text: str
    figures: list[tuple[str, str]]
    tables: list[tuple[str, Grid, Words]]


@dataclass(frozen=True)
class Described:
    """What a page shows of one data set. rows: the table of its splits. words: what its columns tell."""

    name: str
    rows: Grid
    words: Words
    notes: list[str]
    findings: list[str]
    chapters: list[Chapter]


@cache
def describe(found: Description) -> Described:
    """The pictures of a data set with their words."""
    tables = {table.title: table for table in found.tables}
    cut = [f"Cut: {found.cut}."] if found.cut else []
    notes = [*cut, *(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in found.notes)]
    findings = [str(finding) for finding in found.findings]
    chapters = [
        Chapter(title, text, pictures, [_table(tables[name]) for name in names if name in tables])
        for title, text, pictures, names in _chapters(found)
    ]
    _, rows, words = _table(tables[FIRST])
    return Described(found.name, rows, words, notes, findings, chapters)


def write_page(found: Sequence[Description], path: Path) -> None:
    """What data sets look like, as one HTML page that needs nothing but itself; every name in it is escaped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = templates().get_template("data.html").render(found=list(map(describe, found)))
    path.write_text(page, encoding="utf-8")


def _chapters(
    found: Description,
) -> Iterator[tuple[str, str, list[tuple[str, str]], tuple[str, ...]]]:
    yield (
        "Tails",
        "Each line is a field: how often its ids occur in training, the most frequent first, with both scales "
        "logarithmic; dotted is the fitted law, beside the name its exponent. Look for lines that end in a long flat "
        "foot at 1: the row of an id seen once serves one example alone, and learns it by heart.",
        [("", figures.tails(found))],
        ("Fields", "Lists", "Numbers"),
    )
    if found.periods is None:
        return
    unit, of_ids = found.periods.unit, [field for field in found.fields if field.ids]
    follow = found.periods.cut is not None
    shaded, held, test = (
        (" (shaded)", "behind it", "past the end of training") if follow else ("", "in held-out rows", "at the end")
    )
    yield (
        "Unseen ids over time",
        f"By {unit}, the share of lookups whose id was never seen before: in no earlier period of "
        f"training{shaded}, or, {held}, nowhere in training. Look for lines that stay high: of these "
        f"ids a model knows nothing, and what it learns by heart of the others is worth little.{_unseen(of_ids)}",
        _unseen_figures(found, of_ids),
        ("In time",),
    )
    if found.rates:
        yield (
            "Base rates",
            f"The share of positives by {unit}, with its 95 % interval. Look for steps and slopes: a rate that moves "
            f"{test} makes every model miscalibrated on test, whatever the number of epochs; a fall at the "
            "very end is often a label that was not decided yet.",
            [(each.name, figures.rate(found, each)) for each in found.rates],
            ("Base rates", "Labels"),
        )
    if any(table.title in OF_LABELS for table in found.tables):
        yield (
            "What ids tell of labels",
            "How far the labels of two training rows of one id go together. Look for fields of many ids whose labels "
            "do: their rows of the embedding table have something to learn. Where labels do not, rows learn noise. If "
            "rows have times, then how much of it lasts from one half of training to the next. Where little does, a "
            "row that is trained longer learns what no longer holds.",
            [],
            OF_LABELS,
        )
    moved = [(field.name, field.drift) for field in found.fields]
    yield (
        "Drift",
        "How far the distribution of ids is from that of the first periods: the Jensen-Shannon divergence in "
        "bits (Lin 1991), less what chance makes of so few rows. 0 is the same, 1 has nothing in common. The 255 most "
        "frequent ids count each, all others as one; numbers count by quantiles. Look for lines that climb: what is "
        f"learnt of such a field grows old.{_most('It moved most', moved)}",
        [("", figures.by_period(found, "divergence, bits", moved, "drift of fields", percent=False))],
        (),
    )
    if (pairs := found.together) is not None:
        yield (
            "Which columns go together",
            "Each cell is two columns: their mutual information in training over the smaller entropy, less what chance "
            "makes of ids that hardly return (Vinh, Epps and Bailey 2010). 0 is independent, 1 says that one of the "
            "two tells the other; an empty cell, that too little returns to tell. Look for dark cells between fields, "
            "which then tell the same twice, and behind the rule, where labels are: what tells one may leak it.",
            [("", figures.goes_together(found.name, pairs))],
            ("Go together",),
        )


def _unseen_figures(found: Description, fields: list[FieldInTime]) -> list[tuple[str, str]]:
    assert found.periods is not None
    label = "share of lookups, %"
    grown = [(field.name, field.grown) for field in fields]
    growth = figures.by_period(found, "ids of training seen so far, %", grown, "growth of the vocabularies")
    if found.periods.cut is None:
        fresh = figures.by_period(found, label, [(f.name, (None, *f.fresh[1:])) for f in fields], "new ids")
        unseen = figures.by_period(found, label, [(f.name, f.unseen) for f in fields], "unseen ids")
        pictures = [("New in training", fresh), ("Unseen in training, of held-out rows", unseen)]
    else:
        lines = [(field.name, field.never_seen) for field in fields]
        pictures = [("Never seen before", figures.by_period(found, label, lines, "ids never seen before"))]
    return [*pictures, ("How the vocabularies grow", growth)]


def _unseen(fields: list[FieldInTime]) -> str:
    """The fields of which most is unseen at the end."""
    ends = [(field.name, next((v for v in reversed(field.unseen) if v is not None), 0.0)) for field in fields]
    high = [f"{name} ({share:.1%})" for name, share in sorted(ends, key=lambda end: -end[1])[:3] if share >= 0.0005]
    return f" Unseen at the end: {listed(high)}." if high else " At the end, no field has unseen ids."


def _most(begin: str, lines: list[tuple[str, Values]]) -> str:
    ends = [(name, max((v for v in values if v is not None), default=0.0)) for name, values in lines]
    high = [f"{name} ({value:.2f})" for name, value in sorted(ends, key=lambda end: -end[1])[:3] if value >= 0.01]
    return f" {begin}: {listed(high)}." if high else " No field moved."


def _table(table: TextTable) -> tuple[str, Grid, Words]:
    columns = tuple(Column(title, words=i == 0) for i, title in enumerate(table.columns))
    lines = tuple(tuple(Cell(text) for text in _filled(row, len(columns))) for row in table.rows)
    return table.title, Grid(columns, lines), table.explained


def _filled(row: tuple[str, ...], columns: int) -> tuple[str, ...]:
    return (*row, *("",) * (columns - len(row)))
