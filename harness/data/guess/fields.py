"""Of which kind a field is: an id, a number, a list, or a sequence whose order counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from harness.data.guess.columns import Column, Guess, Table, as_text
from harness.data.guess.numbers import marked, number, odd_amount
from harness.data.guess.words import PAST

SEPARATORS = "|;\x01^#, "
"""That cut text into elements; tried in this order."""


@dataclass(frozen=True)
class Parts:
    """The elements of a column of lists. separator: empty where they are no text to cut."""

    separator: str
    values: pl.Series
    longest: int


def field(column: Column, table: Table) -> Guess:
    """The kind of a field, by the first rule that finds a reason."""
    for rule in RULES:
        if (guess := rule(column, table)) is not None:
            return guess
    return _id(column)


def _list(column: Column, table: Table) -> Guess | None:
    parts = parts_of(column)
    if parts is None:
        return None
    shown = f"cut by {parts.separator!r}" if parts.separator else "lists"
    why = f"{shown}, up to {parts.longest} long, {parts.values.n_unique():,} distinct elements"
    value = {"separator": parts.separator} if parts.separator else {}
    if not column.has(PAST):
        return column.taken("list", why, {"list": column.name, **value})
    value = {"sequence": column.name, **value}
    if shares := _same_ids(column, parts, table):
        value, why = value | {"shares": shares}, f"{why}; they are ids of {shares}"
    return column.taken("sequence", f"named as a past; {why}", value)


def parts_of(column: Column) -> Parts | None:
    """The elements, of lists, of JSON lists as text, or of text that a separator cuts into words that recur."""
    if isinstance(column.values.dtype, pl.List | pl.Array):
        lists = column.known.list if isinstance(column.values.dtype, pl.List) else column.known.arr
        return Parts("", lists.explode().drop_nulls(), int(str(lists.len().max() or 0)))
    if not column.is_text or not len(column.known):
        return None
    if column.known.str.contains(r"^\[.*\]$").all() and (read := _json(column.known.to_list())) is not None:
        return Parts("", pl.Series([str(part) for row in read for part in row]), max(map(len, read)))
    for separator in SEPARATORS:
        cut = column.known.str.split(separator)
        values, lengths = cut.explode().str.strip_chars(), cut.list.len()
        several = float(str((lengths > 1).mean())) >= 0.2
        if several and 2 * values.n_unique() <= len(values) and _are_words(values, separator):
            return Parts(separator, values, int(str(lengths.max())))
    return None


def _are_words(values: pl.Series, separator: str) -> bool:
    """Not the halves of a sentence or of a number; where blanks or commas cut, digits or hashes alone."""
    known = values.filter(values != "")
    pattern = r"^[0-9A-Fa-f_]+$" if separator in " ," else r"^\S(.{0,38}\S)?$"
    return len(known) > 0 and bool(known.str.contains(pattern).all())


def _json(texts: Sequence[str]) -> list[list[object]] | None:
    try:
        read = [json.loads(text) for text in texts]
    except ValueError:
        return None
    return read if all(isinstance(row, list) for row in read) else None


def _same_ids(column: Column, parts: Parts, table: Table) -> str:
    """The other column among whose values most of the elements are; text may be whole numbers, not the other way."""
    elements = as_text(parts.values).unique()
    best, most = "", 0.5
    for other in table if len(elements) else ():
        if (
            other is column
            or other.values.dtype.is_nested()
            or other.distinct < 3
            or not (other.is_whole or (other.is_text and parts.values.dtype == pl.String))
        ):
            continue
        share = float(str(elements.is_in(other.texts.drop_nulls().unique().implode()).mean()))
        if share > most:
            best, most = other.name, share
    return best


def _id(column: Column) -> Guess:
    often = f"{column.distinct:,} distinct in {len(column.known):,} rows"
    if column.values.dtype.is_float():
        why = f"whole numbers with a point, as where some are missing; {often}"
        return column.taken("id", why, column.as_id)
    kind = "text" if column.is_text else "whole numbers" if column.is_whole else str(column.values.dtype).lower()
    return column.taken("id", f"{kind}, {often}")


RULES: tuple[Callable[[Column, Table], Guess | None], ...] = (marked, _list, number, odd_amount)
