"""Figures that documents quote, and the cells of results/tables that they are.

A figure is a number of three decimals or more, or one with an interval. Below the paragraph, list or table that has
figures, the source of a document names their cells in order, where no reader sees it:

    It gains +.0044 [.0037, .0050], and .59 [.50, .68] of the loss is gone; .001 would take 40 seeds.

    <!-- cells
    draws avazu_like running_mean+return_to_mean gain shown
    facts F1.4 reproduced
    by hand: a round number
    -->

and of a page that has no CSV:

    pooling reinit real_logs > mean gain above
    pooling reinit real_logs > new data set > low alone
    bound avazu_like test_AUC > ours, epoch 4 less bound avazu_like test_AUC > plain, epoch 1 alone

A cell of a plan's table is named by the stem of its CSV, then data set, strategy and quantity in any order, with a
model, task, metric or role where they do not suffice (AUC of clicks by an arm is meant unless said otherwise), `_` for
blanks. A claim of a fact is named by its number. A cell of a page is named by headings above it and other cells of its
row, with `_` for blanks, then `>` and its header or a part of it, then `> low` or `> high` for an end of its interval.
`less` is the difference of two cells. The last word says what the interval must support: of a plan's cell, `shown`
(below .05 after correction) or `open`; of a fact's, its verdict: `reproduced`, `not`, `open`; of a page's, `above` or
`below` zero, or `open`. A number of a page without an interval, or a difference, is `alone`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from support.published_tables import NUMBER, TABLES, published_cell

LEVEL, BY_HAND, EXACT = 0.05, "by hand: ", 1e-9
FIGURE = re.compile(
    rf"(?<![\w.])(?P<bold>\*\*)?(?P<mean>{NUMBER})(?:\*\*)?\s+\[(?P<low>{NUMBER}),\s+(?P<high>{NUMBER})\]"
    r"|(?<![\w.])(?P<alone>[-+]?\d*\.\d{3,})"
)
CELLS = re.compile(r"<!-- cells\n(.*?)\n-->", re.DOTALL)
VERDICTS = {"reproduced": "reproduced", "not reproduced": "not", "inconclusive": "open"}
USUAL = {"metric": "auc", "role": "arm", "task": "click"}
NAMES = ("dataset", "model", "strategy", "role", "task", "metric", "quantity")


@dataclass(frozen=True)
class Cell:
    """What a table holds: a mean, its interval where it has one, and what that supports."""

    values: tuple[float, ...]
    says: str
    rounding: float = EXACT
    """How far the table's own figures may be from what was measured: half a unit of their last digit."""


@dataclass(frozen=True)
class Figure:
    """As a document shows it."""

    text: str
    numbers: tuple[str, ...]
    """A mean, and the ends of its interval where it is shown."""
    bold: bool

    def differs(self, cell: Cell) -> bool:
        """Whether it is not the cell's, rounded. `loses .002 [.001, .003]` is -.002 [-.003, -.001]."""
        values = cell.values[: len(self.numbers)]
        if self.numbers[0][0] not in "+-" and values[0] < 0:
            mean, *ends = (-value for value in values)
            values = (mean, *reversed(ends))
        unit = [10.0 ** -len(number.partition(".")[2]) for number in self.numbers]
        half = [u / 2 + cell.rounding if u / 2 > 1.01 * cell.rounding else EXACT for u in unit]
        return any(abs(float(n) - v) > h for n, v, h in zip(self.numbers, values, half, strict=True))


def blocks(document: str) -> Iterator[tuple[list[Figure], list[str]]]:
    """The figures between two lists of cells, and the list below them; figures without one come last."""
    document = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", document, flags=re.DOTALL)
    at = 0
    for cells in CELLS.finditer(document):
        yield figures(document[at : cells.start()]), cells[1].splitlines()
        at = cells.end()
    yield figures(document[at:]), []


def figures(text: str) -> list[Figure]:
    """In their order."""
    found = []
    for match in FIGURE.finditer(text):
        parts = [match["alone"]] if match["alone"] else [match["mean"], match["low"], match["high"]]
        found.append(Figure(" ".join(match[0].split()), tuple(parts), bool(match["bold"])))
    return found


def cell(name: str) -> Cell:
    """The cell of this name.

    Raises:
        LookupError: there is no such cell, or more than one.
    """
    if len(parts := name.split(" less ")) == 2:
        return _difference(*map(cell, parts))
    if " > " in name:
        return _page(name)
    table, *words = name.split()
    if re.fullmatch(r"facts(-\w+)?", table):
        return _facts(table)[words[0]]
    found = [row for row in _plan(table) if all(word in (row[n].replace(" ", "_") for n in NAMES) for word in words)]
    for column, usual in USUAL.items():
        there = {row[column] for row in found}
        if usual in there and not there & set(words):
            found = [row for row in found if row[column] == usual]
    if len(found) != 1:
        raise LookupError(f"'{name}' names {len(found)} cells")
    (row,) = found
    shown = bool(row["p_holm"]) and float(row["p_holm"]) < LEVEL
    return Cell(tuple(float(row[n]) for n in ("mean", "low", "high") if row[n]), "shown" if shown else "open")


def _difference(one: Cell, other: Cell) -> Cell:
    return Cell((one.values[0] - other.values[0],), "alone", max(one.rounding, other.rounding))


def _page(name: str) -> Cell:
    place, column, *end = name.split(" > ")
    page, _, row = place.partition(" ")
    numbers = published_cell(page, row, column).numbers
    if end:
        numbers = (numbers[{"low": -2, "high": -1}[end[0]]],)
    values = tuple(map(float, numbers))
    says = "alone"
    if len(values) == 3:
        says = "above" if values[1] > 0 else "below" if values[2] < 0 else "open"
    return Cell(values, says, rounding=0.5 / 10 ** min(len(number.partition(".")[2]) for number in numbers))


@cache
def _plan(table: str) -> list[dict[str, str]]:
    with (TABLES / f"{table}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def _facts(page: str) -> dict[str, Cell]:
    """`F11.3` -> the third claim of the fact."""
    found: dict[str, Cell] = {}
    for section in re.split(r"^## ", (TABLES / f"{page}.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
        for number, (*_, here, verdict) in enumerate(rows, 1):
            values = tuple(map(float, re.findall(NUMBER, here)))
            found[f"{section.split()[0]}.{number}"] = Cell(values, VERDICTS[verdict], rounding=5e-5)
    return found
