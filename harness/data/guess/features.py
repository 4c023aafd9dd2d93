"""Text as LIBSVM and LIBFFM write it: a label, then features with their values, as `1 17:1 42:0.5` or, each with its
field before it, `1 0:17:1 1:42:0.5`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from harness.base.errors import UserError
from harness.data.guess.columns import Column, Guess, Table
from harness.data.guess.numbers import scale_of
from harness.data.tabular.files import Source

LINE = re.compile(r"[-+.\d]+(?: (?:\d+:)?\d+:[-+.\deE]+)+ ?")
FEATURE = r"^((?:\d+:)?\d+):([-+.\deE]+)$"
"""The feature, and its value."""
CLOCKS = re.compile(r"[-+.\d]+(?: \d{1,2}(?::\d\d){1,2})+ ?")
"""A line whose features may be times of the day."""
FEWEST = 2
"""Lines that tell this form."""
TO_JSON = (
    r"""awk '{printf "{\"label\":%d",$1; for(i=2;i<=NF;i++){split($i,p,":"); printf ",\"f%s\":\"%s\"",p[1],p[2]} """
    """print "}"}'"""
)


def whole_lines_of(text: str) -> list[str]:
    """Its lines, but one that is cut at the end."""
    return [line for line in text[: text.rfind("\n") + 1 or None].splitlines() if line]


def is_of_features(lines: Sequence[str]) -> bool:
    """Whether each line is a label and features."""
    return len(lines) >= FEWEST and all(map(LINE.fullmatch, lines)) and not all(map(CLOCKS.fullmatch, lines))


def names_of(lines: Sequence[str]) -> tuple[str, ...]:
    """Of the columns of such lines: `field_3` where LIBFFM says so, else by the place."""
    rows = zip(*(line.split(" ")[1:] for line in lines), strict=True)
    ends, names = ["end"] if lines[0].endswith(" ") else [], list[str]()
    for place, cells in enumerate(rows, start=1):
        fields = {cell.split(":")[0] for cell in cells if cell.count(":") == 2}
        names.append(f"field_{fields.pop()}" if len(fields) == 1 else f"feature_{place}")
    names = names[: len(names) - len(ends)] + ends
    return "label", *(names if len(set(names)) == len(names) else map("feature_{}".format, range(1, len(names) + 1)))


def refuse_uneven(lines: Sequence[str], file: Source) -> None:
    """Refuse lines that do not have equally many features, of which nothing says which column one is in.

    Raises:
        UserError: they are such.
    """
    if not is_of_features(lines):
        return
    many = [len(line.split(" ")) - 1 for line in lines]
    other = next((n for n in range(len(many)) if many[n] != many[0]), None)
    if other is not None:
        as_ffm = lines[0].split(" ")[1].count(":") == 2
        which = f"{'LIBFFM' if as_ffm else 'LIBSVM'} writes them, {many[0]}"
        how = f", as `{TO_JSON} {file} > log.json` makes" if as_ffm else ""
        raise UserError(
            f"file '{file}' has features as {which} in line 1 and {many[other]} in line {other + 1}; accepted: equally "
            f"many in every line, or a table with a column for each field{how}"
        )


def feature(column: Column, table: Table) -> Guess | None:
    """The guess of a column of features that have other values than one."""
    if not column.is_text or not len(column.known) or not column.known.str.contains(FEATURE).all():
        return None
    names, values = (column.known.str.extract(FEATURE, group) for group in (1, 2))
    if values.n_unique() == 1:
        return None
    depth = 1 + str(names[0]).count(":")
    if names.n_unique() == 1:
        sql = f"CAST(SPLIT_PART({column.sql}, ':', {depth + 1}) AS DOUBLE)"
        scale, spread = scale_of(Column(values.cast(pl.Float64).alias(column.name), column.key, column.named))
        return column.taken("number", f"of feature {names[0]}; {spread}", {"number": sql, "scale": scale})
    sql = f"SPLIT_PART({column.sql}, ':', {depth})"
    return column.taken("id", f"{names.n_unique():,} features, whose values, as {values[0]}, are not read", sql)
