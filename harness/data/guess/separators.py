"""What separates the cells of delimited text: what cuts all of its first lines alike."""

from __future__ import annotations

import csv
from collections.abc import Sequence

SEPARATORS = ("\t,;|^\x01~", ": ")
"""The latter, which stand in times and sentences too, are tried if none of the former fits. Of several that fit, the
one with the most cells wins, the earlier of two alike."""
NEARLY = 0.8
"""The share of the rows that have as many cells as the header, where some are cut short."""


def separator_in(lines: Sequence[str]) -> tuple[str, str]:
    """What cuts these lines, and why."""
    for group in SEPARATORS:
        cells = {separator: cells_in(lines, separator) for separator in group}
        best = max(group, key=cells.__getitem__)
        if cells[best] > 1:
            break
    else:
        best = max(SEPARATORS[0], key=lambda each: _most_cells(lines, each))
        if _most_cells(lines, best) < 2:
            return ",", "no separator cuts all rows into equally many cells"
        return best, f"cuts nearly all of the first {len(lines):,} rows into {_most_cells(lines, best)} cells"
    if cells[best] > 2 and all(not cell for row in csv.reader(lines, delimiter=best) for cell in row[1::2]):
        return best, f"{best * 2!r} cuts all rows; read as {best!r}, so that every second column is empty"
    return best, f"cuts each of the first {len(lines):,} rows into {cells[best]} cells"


def cells_in(lines: Sequence[str], separator: str) -> int:
    """Into how many a separator cuts every row; 0 if not into equally many, or most rows within quotes. The last row
    may be cut short."""
    rows = list(csv.reader(lines, delimiter=separator))
    if 2 * sum(any(cell.count('"') % 2 for cell in row) for row in rows) > len(rows):
        return 0
    widths = [len(row) for row in rows]
    return widths[0] if len(set(widths[:-1] if len(widths) > 2 else widths)) == 1 else 0


def _most_cells(lines: Sequence[str], separator: str) -> int:
    """Into how many a separator cuts nearly all rows, none of which has more; 0 if not so."""
    widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
    most = max(widths, default=0)
    return most if widths.count(most) >= NEARLY * len(widths) else 0
