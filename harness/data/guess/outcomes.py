"""Columns that were not known when the row was made: other outcomes, and what is measured or written after one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from harness.base.durations import UNITS
from harness.data.guess.columns import Column, Table
from harness.data.guess.words import AFTER, BEFORE, LABELS, OUTCOMES

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


def is_named(column: Column) -> bool:
    """Whether its whole name is that of an outcome."""
    stem, _ = stem_of(column)
    return not LABELS.isdisjoint((stem, stem.removesuffix("s")))


def stem_of(column: Column) -> tuple[str, str]:
    """The name without what often stands around it, as in `is_click`, and how long it takes, as in `rebuy_90d`."""
    words = [word for word in column.words if word not in ("label", "target") or len(column.words) == 1]
    if words[:1] and words[0] in ("is", "has", "did", "was", "will"):
        words = words[1:]
    if len(words) > 2 and words[-2].isdigit() and (unit := words[-1][0]) in UNITS:
        return "_".join(words[:-2]), words[-2] + unit
    return "_".join(words), ""


def is_count(column: Column) -> bool:
    """Whether it may be how often something happened, which is seldom many times."""
    return column.is_whole and "0" in column.levels and column.values.min() == 0


def _counts_outcomes(column: Column) -> bool:
    return is_named(column) and is_count(column) and column.distinct > 2


def named_after(column: Column, table: Table) -> str:
    """Why the name of a column says that it was written later; empty: it does not."""
    if column.has(AFTER):
        return "named as what is measured after the event"
    stem, _, end = column.name.rpartition("_")
    if end in SUFFIXES and stem in table.names and table[stem].distinct <= 2:
        return f"{SUFFIXES[end]} the {'label' if is_generated(table[stem], table) else 'outcome'} {stem}"
    if _counts_outcomes(column) and 2 * int((column.known == 0).sum()) > len(column.known):
        return "a count that is named as an outcome, of none in most rows"
    return ""


def may_be_one(column: Column) -> str:
    """What to look at in a field of two values with the word of an outcome in its name, or in a count with nothing
    else; empty: it has none."""
    word = column.last(OUTCOMES) if column.distinct == 2 else stem_of(column)[0] if _counts_outcomes(column) else ""
    if not word or column.has(BEFORE):
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
