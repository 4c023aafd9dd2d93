"""Which columns are no fields: they say nothing, say a label over again, or were not known when the row was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column, Guess, Table
from harness.data.guess.lost_digits import why_left_out
from harness.data.guess.outcomes import follows, named_after
from harness.data.guess.times import why_no_time
from harness.data.guess.words import CLOCK, ROWS, SINCE, TIMES

TELLS = 0.95
"""AUC of one column alone from which on it is the label in other words."""
FEWEST = 20
"""Rows of each class that such a measure needs."""
INDEX = re.compile(r"(__index_level_\d+__|Unnamed: 0)?")
"""Names that pandas gives to an index without one, in Parquet and, written and read again, in CSV; or none at all."""
LONG = 40
"""Letters, on average, of text that is read rather than looked up."""


@dataclass(frozen=True)
class Known:
    """What is known before fields are looked for. labels: name -> 0 or 1 for each row, null where unknown. moments: the
    columns that are one."""

    table: Table
    labels: Mapping[str, pl.Series]
    moments: Container[str]


def left_out(column: Column, known: Known) -> Guess | None:
    """The guess that a column is no field, by the first rule that finds a reason."""
    for rule in RULES:
        if why := rule(column, known):
            return column.taken("left out", why)
    return None


def _says_nothing(column: Column, known: Known) -> str:
    lists = isinstance(column.values.dtype, pl.List | pl.Array)
    if not len(column.known.explode().drop_nulls() if lists else column.known):
        return "empty"
    return "one value in every row" if column.distinct == 1 and not column.values.null_count() else ""


def _has_parts(column: Column, known: Known) -> str:
    """Structures, and lists of what cannot be looked up."""
    dtype = column.values.dtype
    inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
    if isinstance(inner, pl.Struct | pl.List | pl.Array) or (inner is dtype and dtype.is_nested()):
        return "nested; write what is needed of it as a column of its own"
    point = inner.is_float() or (isinstance(inner, pl.Decimal) and inner.scale > 0)
    return "lists of numbers with a point" if inner is not dtype and point else ""


def _lost_digits(column: Column, known: Known) -> str:
    return why_left_out(column)


def _numbers_rows(column: Column, known: Known) -> str:
    """As named `id` or `row_id`, or counting up."""
    if column.distinct < len(known.table.frame) or not (column.is_whole or column.is_text):
        return ""
    words = set(column.words) - {"id", "key", "number", "no", "0"}
    if column.named and words <= ROWS:
        return "another value in every row: its number"
    counts_up = column.is_whole and column.values[0] in (0, 1) and (column.values.diff().drop_nulls() == 1).all()
    return "counts the rows" if counts_up else ""


def _is_an_index(column: Column, known: Known) -> str:
    return "the row numbers of a data frame" if column.is_whole and INDEX.fullmatch(column.name) else ""


def _is_another_label(column: Column, known: Known) -> str:
    for name, label in known.labels.items():
        if column.distinct != 2 or column.values.null_count() or label.null_count():
            continue
        pairs = pl.DataFrame({"column": column.values, "label": label}).group_by("column", "label").len()
        if len(pairs) == 2 == pairs["label"].n_unique() and int(str(pairs["len"].min())) >= FEWEST:
            return f"the label {name} under other values"
    return ""


def _comes_after(column: Column, known: Known) -> str:
    return named_after(column, known.table)


def _follows_label(column: Column, known: Known) -> str:
    return follows(column, known.labels)


def _tells_label(column: Column, known: Known) -> str:
    for name, label in known.labels.items():
        rows = pl.DataFrame({"value": column.values, "label": label}).filter(pl.col("label").is_not_null())
        if rows["label"].n_unique() < 2 or int(str(rows["label"].value_counts()["count"].min())) < FEWEST:
            continue
        for what, score in _scores(rows["value"]):
            auc = _auc(rows["label"] == 1, score)
            if max(auc, 1 - auc) >= TELLS:
                return f"{what} tells the label {name}: AUC {max(auc, 1 - auc):.3f}"
    return ""


def _auc(is_one: pl.Series, score: pl.Series) -> float:
    """Of rows of both classes, ties counting half, by the sum of ranks (Mann and Whitney 1947)."""
    ones, zeros = int(is_one.sum()), int((~is_one).sum())
    return (float(str(score.rank("average").filter(is_one).sum())) - ones * (ones + 1) / 2) / (ones * zeros)


def _scores(values: pl.Series) -> list[tuple[str, pl.Series]]:
    """What may tell a label without being learnt: the value itself, and whether it is the most frequent one or null."""
    if values.dtype.is_nested():
        return []
    most = values.value_counts().sort(["count", "value"], descending=[True, False])["value"][0]
    scores = [("whether it is the most frequent value", values.eq_missing(most).cast(pl.Int8))]
    if values.dtype.is_numeric():
        lowest = values.min()
        scores.append(("it", values.cast(pl.Float64).fill_null(float(str(lowest)) - 1 if lowest is not None else 0.0)))
    return scores


def _is_another_time(column: Column, known: Known) -> str:
    """By its values, or by a name that says so."""
    if column.has(CLOCK) or column.has(SINCE):
        return ""
    if column.name in known.moments:
        return "a time, of which the rows need one"
    named = column.has(TIMES) and (column.is_text or column.values.dtype.is_numeric())
    return f"named as a time, but {why_no_time(column)}" if named else ""


def _is_a_name(column: Column, known: Known) -> str:
    """Of what another column has the id of, as `reviewerName` beside `reviewerID`."""
    *stem, last = column.words or ("",)
    if not column.is_text or last not in ("name", "title") or not stem:
        return ""
    same = [other.name for other in known.table if other.words == (*stem, "id")]
    return f"names what {same[0]} is the id of" if same else ""


def _is_prose(column: Column, known: Known) -> str:
    if not column.is_text:
        return ""
    spaces = column.known.str.count_matches(" ").mean()
    long = float(str(column.known.str.len_chars().mean())) > LONG
    often = column.distinct < 0.5 * len(column.known)
    prose = float(str(spaces)) >= 2 and not column.known.str.contains(r"^[0-9A-Fa-f_ ]*$").all()
    return (
        "text to read: long, with spaces, seldom twice"
        if prose and not often and (long or float(str(spaces)) >= 3)
        else ""
    )


RULES: tuple[Callable[[Column, Known], str], ...] = (
    _says_nothing,
    _has_parts,
    _lost_digits,
    _numbers_rows,
    _is_an_index,
    _is_another_label,
    _comes_after,
    _is_another_time,
    _tells_label,
    _follows_label,
    _is_a_name,
    _is_prose,
)
