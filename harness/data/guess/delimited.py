"""How delimited text is written, seen from its first lines: separator, header, and words that mean unknown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import takewhile
from typing import Any, Literal

from harness.data.guess.marks import NUMBER
from harness.data.guess.merged_cells import joined_names, lines_above
from harness.data.guess.separators import SEPARATORS, cells_in, separator_in
from harness.data.tabular.cells import told_separator
from harness.data.tabular.csv_form import NULLS, Csv
from harness.data.tabular.no_rows import units_in

MOST_LINES = 200
MOST_TITLE, LEAST_ROWS = 10, 2
"""Lines above a table, and of one."""
COMMENT, W3C = "#", "Fields: "
"""What begins a comment, and in logs of web servers one that holds the names."""
NUMBERS_BELOW = "a name stands above numbers alone"


@dataclass(frozen=True)
class Form:
    """As in the schema; reasons: of what it needs, key -> why."""

    separator: str
    header: bool
    comment: str
    nulls: tuple[str, ...]
    reasons: dict[str, str]
    names: tuple[str, ...] = ()
    skip: int = 0
    below: int | None = None
    blanks: bool = False
    formulas: bool = False
    short: Literal["", "drop", "null"] = ""
    totals: bool | None = None
    encoding: str = ""

    @property
    def named(self) -> bool:
        """Whether its columns have names."""
        return self.header or bool(self.names)

    @property
    def csv(self) -> Csv:
        """As the schema has it."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "reasons"}
        return Csv(**own | {"names": list(self.names), "nulls": list(self.nulls)})

    def told(self, key: str, value: Any, why: str) -> Form:
        """The same with a key more, or with another value of it, and why it needs that."""
        return replace(self, **{key: value}, reasons={**self.reasons, key: why})


def form_of(text: str) -> Form:
    """Guess the form of delimited text from its beginning."""
    text = text.removeprefix("\ufeff")
    comment = COMMENT if text.startswith(COMMENT) else ""
    told_first = told_separator(text)
    skip, titled = (1, "the first line says what separates") if told_first else (0, "") if comment else _title(text)
    lines = [line for line in text.splitlines()[skip:] if line and not (comment and line.startswith(comment))]
    lines = lines[:MOST_LINES]
    separator, why = (told_first, "as the first line says") if told_first else separator_in(lines)
    rows = list(csv.reader(lines, delimiter=separator))
    header, told = _header(rows)
    names = () if header or not comment else _names_in_comment(text, separator, rows)
    if header and skip and len(set(rows[0])) < len(rows[0]) and (joined := _joined(text, skip, separator, rows[0])):
        header, told, titled = False, "two lines hold the names", "so many lines stand above the rows"
        names, skip, rows = joined, skip + 1, rows[1:]
    blanks = _has_blanks(rows, header) if separator.strip() else ""
    rows = [[cell.strip() for cell in row] for row in rows] if blanks else rows
    below = 1 if header and units_in(rows[1:]) else None
    nulls = _nulls(rows[header + (below or 0) :])
    reasons = {
        "separator": why,
        "header": told,
        "names": f"the {'last comment' if comment else 'two lines of names'} above the rows" if names else "",
        "comment": "begins the file" if comment else "",
        "nulls": "stand where all else is numbers" if nulls else "",
        "skip": titled,
        "below": f"{separator.join(rows[1])!r} stands below the header, above numbers" if below else "",
        "blanks": blanks,
    }
    reasons = {key: why for key, why in reasons.items() if why}
    return Form(separator, header, comment, nulls, reasons, names, skip, below, bool(blanks))


def _title(text: str) -> tuple[int, str]:
    """How many lines stand above a table, none of which has more than half as many cells as all rows below; and why."""
    lines = text.splitlines()[:MOST_LINES]
    for skip in range(min(MOST_TITLE, len(lines) - LEAST_ROWS) + 1):
        rest = [line for line in lines[skip:] if line]
        separator, widest = max(((s, cells_in(rest, s)) for s in SEPARATORS[0]), key=lambda each: each[1])
        if widest < 2:
            continue
        cut = list(csv.reader(rest, delimiter=separator))
        if (merged := lines_above(cut)) and _header(cut[merged:]) == (True, NUMBERS_BELOW):
            return _said_above(lines, skip + merged)
        above = [[cell for cell in row if cell] for row in csv.reader(lines[:skip], delimiter=separator)]
        first, second, *_ = [*(sum(map(bool, row)) for row in cut), 0, 0]
        if not lines[skip] or (first == 1 and second == widest > 2 and not _is_number(lines[skip].strip(separator))):
            continue  # a title that is cut into as many cells, all but one of them empty
        if all(2 * len(cells) <= widest for cells in above):
            return _said_above(lines, skip)
        break
    return 0, ""


def _said_above(lines: Sequence[str], skip: int) -> tuple[int, str]:
    said = "line stands" if skip == 1 else "lines stand"
    return skip, f"{skip} {said} above the header, {lines[0]!r} first" if skip else ""


def _names_in_comment(text: str, separator: str, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The last of the comments at the top, if it names every column."""
    comments = [
        line.lstrip(COMMENT).strip().removeprefix(W3C)
        for line in takewhile(lambda line: line[:1] == COMMENT, text.splitlines())
    ]
    names = tuple(cell.strip() for cell in next(csv.reader(comments[-1:], delimiter=separator), []))
    fits = rows and len(names) == len(rows[0]) == len(set(names)) > 1 and not any(map(_is_number, names))
    return names if fits and all(names) else ()


def _joined(text: str, skip: int, separator: str, lower: Sequence[str]) -> tuple[str, ...]:
    """Names that stand twice, with those of the merged cells above them."""
    (upper,) = csv.reader(text.splitlines()[skip - 1 : skip], delimiter=separator)
    return joined_names(upper, lower) if len(upper) == len(lower) else ()


def _has_blanks(rows: Sequence[Sequence[str]], header: bool) -> str:
    """Why blanks around cells are no part of them: a name has some, or all values of a column; empty: they may be."""
    if header and (name := next((cell for cell in rows[0] if cell != cell.strip()), None)):
        return f"as around {name!r}"
    for column in zip(*rows[header:], strict=False):
        known = [cell for cell in column if cell.strip()]
        if len(known) > 1 and all(cell != cell.strip() for cell in known):
            return f"as around {known[0]!r}"
    return ""


def _header(rows: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Names are text, differ from each other, and stand above values that look otherwise or that they are not among."""
    if not rows:
        return True, "there is no row"
    first, rest = rows[0], rows[1:]
    names = [cell for cell in first if cell]
    if numeric := next((cell for cell in names if _is_number(cell)), None):
        return False, f"the first row has the number {numeric}"
    below = [{row[i] for row in rest if i < len(row) and row[i]} for i in range(len(first))]
    again = set(first) if first in rest else set[str]()  # as where files were joined with their headers
    above = ((name, values - again) for name, values in zip(first, below, strict=True) if name not in NULLS)
    above = ((name, values) for name, values in above if values)
    if any(name and all(map(_is_number, values)) for name, values in above):
        return True, NUMBERS_BELOW
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
