"""Columns that were not known when the row was made: other outcomes, and what is measured or written after one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from harness.data.guess.columns import Column, Table
from harness.data.guess.words import AFTER, BEFORE, OUTCOMES

SUFFIXES = {
    "truth": "the probability that drew",
    "seen": "what was known early of",
    "delay": "how long it took to know",
}
"""Ends of names beside an outcome, as `data write` gives them -> what they say of it."""
OF_LABEL, CHANCE = 0.98, 1e-4
"""Share of positives among the rows in which a column has another value than in most, from which it follows the label;
how likely that may be by chance."""
FEWEST = 20
"""Such rows that it takes."""


def is_generated(column: Column, table: Table) -> bool:
    """Whether a column is an outcome of generated data, beside which stands its truth."""
    return column.levels in (("0", "1"), ("0",), ("1",)) and f"{column.name}_truth" in table.names


def named_after(column: Column, table: Table) -> str:
    """Why the name of a column says that it was written later; empty: it does not."""
    if column.has(AFTER):
        return "named as what is measured after the event"
    stem, _, end = column.name.rpartition("_")
    if end in SUFFIXES and stem in table.names and table[stem].distinct <= 2:
        return f"{SUFFIXES[end]} the {'label' if is_generated(table[stem], table) else 'outcome'} {stem}"
    return ""


def may_be_one(column: Column) -> str:
    """What to look at in a field of two values with the word of an outcome in its name; empty: it has none."""
    word = column.last(OUTCOMES)
    if not word or column.distinct != 2 or column.has(BEFORE):
        return ""
    return f"look: '{word}' may be an outcome; leave it out unless it is known before the label"


def follows(column: Column, labels: Mapping[str, pl.Series]) -> str:
    """The reason, where another value than in most rows is there only where a label is 1, as what is bought where
    somebody clicked; else empty. labels: name -> 0 or 1 for each row, null where unknown."""
    if column.values.dtype.is_nested():
        return ""
    most = column.values.value_counts().sort(["count", "value"], descending=[True, False])["value"][0]
    is_there = column.values.ne_missing(most)
    for name, label in labels.items():
        there, rate = label.filter(is_there).drop_nulls(), float(str(label.mean() or 0))
        if len(there) >= FEWEST and rate ** len(there) < CHANCE and float(str(there.mean())) >= OF_LABEL:
            usual = "missing" if most is None else str(most)
            return f"other than {usual} only where the label {name} is 1, as what follows it"
    return ""
