"""How delimited text is written, seen from its first lines: separator, header, and words that mean unknown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from harness.data.guess.marks import NUMBER
from harness.data.tabular.schema import Csv

SEPARATORS = ("\t,;|^\x01~", ": ")
"""The latter, which stand in times and sentences too, are tried if none of the former fits. Of several that fit, the
one with the most cells wins, the earlier of two alike."""
MOST_LINES = 200
COMMENT = "#"
NULLS = ("NA", "N/A", "NULL", "null", "None", "none", "nan", "NaN", r"\N", "?", "-", "(null)", "(not set)")
"""Words that mean unknown where most values of their column are numbers."""


@dataclass(frozen=True)
class Form:
    """separator, header, comment, nulls: as in the schema. reasons: of those that it needs, key -> why."""

    separator: str
    header: bool
    comment: str
    nulls: tuple[str, ...]
    reasons: dict[str, str]

    @property
    def csv(self) -> Csv:
        """As the schema has it."""
        return Csv(separator=self.separator, header=self.header, comment=self.comment, nulls=list(self.nulls))


def form_of(text: str) -> Form:
    """Guess the form of delimited text from its beginning."""
    comment = COMMENT if text.startswith(COMMENT) else ""
    lines = [line for line in text.splitlines() if line and not (comment and line.startswith(comment))][:MOST_LINES]
    separator, why = _separator(lines)
    rows = list(csv.reader(lines, delimiter=separator))
    header, told = _header(rows)
    nulls = _nulls(rows[header:])
    reasons = {"separator": why, "header": told}
    if comment:
        reasons["comment"] = "begins the file"
    if nulls:
        reasons["nulls"] = "stand where all else is numbers"
    return Form(separator, header, comment, nulls, reasons)


def _separator(lines: Sequence[str]) -> tuple[str, str]:
    for group in SEPARATORS:
        cells = {separator: _cells(lines, separator) for separator in group}
        best = max(group, key=cells.__getitem__)
        if cells[best] > 1:
            break
    else:
        return ",", "no separator cuts all rows into equally many cells"
    if cells[best] > 2 and all(not cell for row in csv.reader(lines, delimiter=best) for cell in row[1::2]):
        return best, f"{best * 2!r} cuts all rows; read as {best!r}, so that every second column is empty"
    return best, f"cuts each of the first {len(lines):,} rows into {cells[best]} cells"


def _cells(lines: Sequence[str], separator: str) -> int:
    """Into how many a separator cuts every row; 0 if not into equally many. The last may be cut short."""
    widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
    return widths[0] if len(set(widths[:-1] if len(widths) > 2 else widths)) == 1 else 0


def _header(rows: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Names are text, differ from each other, and stand above values that look otherwise or that they are not among."""
    if not rows:
        return True, "there is no row"
    first, rest = rows[0], rows[1:]
    names = [cell for cell in first if cell]
    if numeric := next((cell for cell in names if _is_number(cell)), None):
        return False, f"the first row has the number {numeric}"
    below = [{row[i] for row in rest if i < len(row) and row[i]} for i in range(len(first))]
    above = ((name, values) for name, values in zip(first, below, strict=True) if name not in NULLS and values)
    if any(name and all(map(_is_number, values)) for name, values in above):
        return True, "a name stands above numbers alone"
    if len(set(names)) < len(names):
        return False, "the first row has a value twice"
    if repeated := next((cell for cell, values in zip(first, below, strict=True) if cell and cell in values), None):
        return False, f"{repeated!r} of the first row comes again below"
    return True, "the first row has values that never come again"


def _nulls(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    found = set()
    for column in zip(*rows, strict=False):
        known = [cell for cell in column if cell]
        odd = {cell for cell in known if not _is_number(cell)}
        if odd and odd <= set(NULLS) and sum(map(_is_number, known)):
            found |= odd
    return tuple(sorted(found))


def _is_number(text: str) -> bool:
    """With a point or a decimal comma, and with marks between thousands."""
    if NUMBER.search(text):
        return True
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return text.strip().lower() not in ("nan", "inf", "infinity")
