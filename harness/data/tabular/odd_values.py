"""Values that are no numbers where most are: one of them makes text of a whole column of delimited text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import polars as pl
from polars import selectors

from harness.base.errors import UserError
from harness.base.words import counted

FRACTION = r"^\s*[-+]?\d*\.\d+(?:[eE][-+]?\d+)?\s*$"
WHOLE = r"^\s*-?\d+\s*$"
FEW = 5
"""Values that are quoted."""
TYPES = re.compile("is of type String|dtype|string with numeric|for String values")
"""What is said, by us or by Polars, where text stands for numbers."""
FIRST = 1000
"""Rows with such values that are looked at."""


class Odd(NamedTuple):
    """values: different ones, as they come, `FEW` or fewer. rows: that have these or others."""

    values: list[str]
    rows: int

    @property
    def said(self) -> str:
        others = " and others" if len(self.values) > 1 else ""
        return f"{self.values[0]!r}{others} in {counted(self.rows, 'row')}"


def is_number(text: pl.Expr) -> pl.Expr:
    """Whether a text can be cast to a number."""
    return text.cast(pl.Float64, strict=False).is_not_null()


def is_whole(text: pl.Expr) -> pl.Expr:
    return text.str.contains(WHOLE)


def odd_values(text: pl.LazyFrame, fits: pl.Expr) -> Odd | None:
    """None if all fit, or most do not. text: one column. fits: of all columns, whether a value does; null of a null."""
    is_odd = (~fits & pl.all().is_not_null()).fill_null(False)
    many = text.select(pl.all().count().alias("known"), is_odd.sum().alias("odd")).collect(engine="streaming")
    known, odd = many.row(0)
    if not 0 < 2 * odd < known:
        return None
    first = text.filter(is_odd).head(FIRST).collect(engine="streaming").to_series()
    return Odd(first.unique(maintain_order=True).head(FEW).to_list(), odd)


@contextmanager
def naming_odd(rows: pl.LazyFrame, *, delimited: bool, sql: str = "") -> Iterator[None]:
    """Where text is refused as numbers are needed, name the value that makes text of a column of numbers.

    rows: of the table. delimited: whether it is of delimited text. sql: what is refused, if no message says it.
    """
    try:
        yield
    except UserError as error:
        if TYPES.search(str(error)):
            _name_odd(rows, error, f"{error} {sql}", delimited=delimited)
        raise


def _name_odd(rows: pl.LazyFrame, error: UserError, said: str, *, delimited: bool) -> None:
    names = [name for name, dtype in rows.collect_schema().items() if dtype == pl.String and _has(said, name)]
    for name in names:
        odd = odd_values(rows.select(selectors.by_name(name)), is_number(pl.all()))
        if odd is not None:
            column = name if name.isidentifier() else f'"{name}"'
            cast = f"CAST(NULLIF({column}, {quoted(odd.values)[0]}) AS DOUBLE) if {meaning(odd.values[:1])} unknown"
            way = (delimited and nulls(odd.values)) or cast
            raise UserError(
                f"{str(error).partition('; accepted: ')[0]}: column '{name}' has {odd.said} among numbers; accepted: "
                f"numbers alone, as {way}"
            ) from error


def _has(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def refuse_odd_times(time: pl.LazyFrame, sql: str, where: str) -> None:
    """Refuse text that is a whole number in most rows: what is none is at fault, not the numbers, which are no dates.

    time: one column, of this SQL. where: begins the message.

    Raises:
        UserError: a row is at fault.
    """
    whole = is_whole(pl.all())
    if (time.head(FIRST).select(whole.mean()).collect().item() or 0) <= 0.5 or (odd := odd_values(time, whole)) is None:
        return
    left_out = f"{sql if sql.isidentifier() else f'({sql})'} NOT IN ({', '.join(quoted(odd.values))})"
    raise UserError(
        f"{where}: time = {sql!r} has {odd.said} among whole numbers; accepted: one in every row, or where = "
        f"{toml(left_out)}, which leaves the others out"
    )


def refuse_odd_numbers(text: pl.LazyFrame, name: str, sql: str, where: str) -> None:
    """Refuse a column of delimited text that a few values alone make text, as most have a fraction: it may be a number.

    text: one column, of this SQL. name: of the field. where: begins the message.

    Raises:
        UserError: it is one.
    """
    fraction = pl.all().str.contains(FRACTION)
    if (text.head(FIRST).select(fraction.mean()).collect().item() or 0) <= 0.5:
        return
    if (odd := odd_values(text, is_number(pl.all()))) is not None:
        unknown = nulls(odd.values)
        number = f'{name} = {{ number = "{sql}" }}' + (unknown and f" and {unknown}")
        raise UserError(
            f"{where}: fields.{name} = {sql!r} has {odd.said} among numbers with a fraction; accepted: {number}; or "
            f'{name} = {{ id = "{sql}" }}'
        )


def nulls(values: Sequence[str]) -> str:
    """What a schema says of values of delimited text that mean unknown; empty: there are none, or too many, or one with
    a quote, which the reader compares as it stands in the file."""
    fit = 0 < len(values) <= FEW and '"' not in "".join(values)
    return f"nulls = {toml(list(values))} under [csv] if {meaning(values)} unknown" if fit else ""


def meaning(values: Sequence[str]) -> str:
    """`'a' means`, `'a' and 'b' mean`."""
    *others, last = map(repr, values)
    return f"{', '.join(others)} and {last} mean" if others else f"{last} means"


def quoted(values: Sequence[str]) -> list[str]:
    """As SQL writes text."""
    return ["'" + value.replace("'", "''") + "'" for value in values]


def toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
