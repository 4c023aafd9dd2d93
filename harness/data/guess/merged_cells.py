"""Lines of a spreadsheet above the names of its columns, where merged cells are empty but for the first of them."""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]
MOST = 10
"""Such lines."""


def lines_above(rows: Sequence[Row]) -> int:
    """How many rows with empty cells stand above the first that is full; 0 if that may be a row of values, too."""
    place = next((n for n, row in enumerate(rows[: MOST + 1]) if all(row)), 0)
    return place if place and len(rows[place]) > 1 and all(len(row) == len(rows[place]) for row in rows[:place]) else 0


def joined_names(upper: Row, lower: Row) -> tuple[str, ...]:
    """Names of columns, each below the last name of the merged cells that it is in: `User`, nothing and `Item` above
    `id`, `age` and `id` are `User id`, `User age` and `Item id`. Empty: they are not different either."""
    names, above = list[str](), ""
    for cell, name in zip(upper, lower, strict=True):
        above = cell.strip() or above
        names.append(f"{above} {name.strip()}".strip())
    return tuple(names) if len(set(names)) == len(names) else ()
