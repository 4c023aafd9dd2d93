"""Ids that went through numbers with a point, which tell whole numbers apart up to a size alone."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from harness.api import UserError
from harness.data.tabular.places import key_of

EXACT: Mapping[pl.DataType, int] = {pl.Float32(): 1 << 24, pl.Float64(): 1 << 53}
"""The largest whole number up to which such a column holds every whole number."""


def refuse_merged(ids: Mapping[str, pl.Expr], read: Mapping[str, set[str]], frame: pl.LazyFrame, where: str) -> None:
    """Refuse ids that are made of such columns alone and are larger: several may have become one before we read them.

    ids: by place. read: the columns of the table that each reads.

    Raises:
        UserError: there are such ids. where: begins the message.
    """
    types = frame.collect_schema()
    exact = {
        place: max(EXACT[types[name]] for name in names)
        for place, names in read.items()
        if place in ids and names and all(types[name] in EXACT for name in names)
    }
    made = frame.select(ids[place].alias(place) for place in exact)
    whole = [place for place, dtype in made.collect_schema().items() if dtype.is_integer()]
    if not whole:
        return
    ends = made.select(pl.col(whole).min().name.suffix(" min"), pl.col(whole).max().name.suffix(" max"))
    found = ends.collect(engine="streaming").row(0, named=True)
    for place in whole:
        odd = [end for end in (found[f"{place} max"], found[f"{place} min"]) if end and abs(end) > exact[place]]
        if odd:
            raise UserError(
                f"{where}: {key_of(place)} has the id {odd[0]}, of numbers with a point, in which whole numbers above "
                f"{exact[place]:,} are not told from the next: several ids may be one. Accepted: whole numbers or text "
                "in what writes the file, as pandas' type Int64 keeps where some are missing"
            )
