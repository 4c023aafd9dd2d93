"""What is said of a label that is not 0 and 1: the value that is at fault, and SQL that makes labels of all values.

It is told from all rows, not from the first ones. What it makes of a value that tells neither is unknown, or it says on
which condition it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from harness.api import UserError
from harness.data.tabular.batches import Table
from harness.data.tabular.label_words import Offer, at_fault, number, offer, words_of
from harness.data.tabular.labels import TEXTS, known_rows
from harness.data.tabular.odd_values import nulls, toml

MOST = 10_000
"""Different values that are gathered."""


def refused(table: Table, label: str) -> UserError:
    """The error of a label with other values."""
    schema = table.schema
    places = [place for place in schema.expressions() if place in (f"labels.{label}", f"observed.{label}")]
    found = pl.DataFrame()
    for batch in table.batches(places):
        told = batch[f"labels.{label}"].filter(pl.Series(known_rows(batch, label, schema)))
        many = told.alias("value").to_frame().with_columns(count=pl.lit(1, pl.Int64))
        found = pl.concat([found, many], how="diagonal").group_by("value", maintain_order=True).sum()
        if len(found) > MOST:
            break
    said = refusal(found["value"], found["count"], label, schema.labels[label], delimited=table.delimited)
    return UserError(f"{table.where}: labels.{label} = {schema.labels[label]!r} {said}")


def refusal(value: pl.Series, count: pl.Series, name: str, sql: str, *, delimited: bool) -> str:
    """What is wrong with known values that are not all 0 and 1, and what to write instead.

    value: each once, in order of rows; count: how many have it. sql: of the label `name`. delimited: whether it comes
    from delimited text.
    """
    subject = sql if sql.isidentifier() else f"({sql})"
    if value.dtype in TEXTS:
        return _of_text(dict(zip(value.cast(pl.String), count, strict=True)), name, subject, delimited=delimited)
    numbers = value.sort().to_list()
    return _said(f"value {next(v for v in numbers if v not in (0, 1))}", name, _of_numbers(numbers, subject))


def _of_text(rows: Mapping[str, int], name: str, subject: str, *, delimited: bool) -> str:
    words = words_of(rows)
    if words.numbers:
        offers = _of_numbers([int(n) if n.is_integer() else n for n in words.numbers], number(words, subject))
    else:
        offers = [offer(words, rows, subject)]
    return _said(at_fault(words, rows), name, offers, nulls(words.unknown) if delimited else "")


def _said(found: str, name: str, offers: Sequence[Offer], other: str = "") -> str:
    told = [f"{name} = {toml(each.sql)}{each.condition and f' if {each.condition}'}" for each in offers]
    return f"has the {found}; accepted: 0, 1, true, false, null, as {', or '.join([*told, *filter(None, [other])])}"


def _of_numbers(value: Sequence[float], subject: str) -> list[Offer]:
    """value: different ones, ascending."""
    odd, below = [v for v in value if v not in (0, 1)], [v for v in value if v < 0]
    least = 0 if value[0] <= 0 < value[-1] else value[(len(value) - 1) // 2]
    over = f"{subject} > {least}"
    if not odd:
        return [Offer(f"{subject} = 1")]
    if len(value) <= 2:
        return [Offer(over, " and ".join(f"{v} means {int(v > least)}" for v in value))]
    if len(odd) == 1 and len(value) == 3:
        unknown = f"{odd[0]} means unknown"
        return [Offer(over, f"{odd[0]} means {int(odd[0] > least)}"), Offer(f"NULLIF({subject}, {odd[0]})", unknown)]
    if len(below) == 1 and 0 in value:
        unknown = f"{below[0]} means unknown"
        return [Offer(over, f"{below[0]} means 0"), Offer(f"NULLIF({subject}, {below[0]}) > 0", unknown)]
    return [Offer(over)]
