"""A table as a data set: read in batches, which become pieces of train, valid and test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import polars as pl

from harness.api import Generator, Split, Stream
from harness.base.ahead import ahead
from harness.data.tabular.batches import NUMBER, Table, open_table
from harness.data.tabular.conversion import group_ids
from harness.data.tabular.copies import refuse_copies
from harness.data.tabular.files import Source
from harness.data.tabular.history import Histories, refuse_empty
from harness.data.tabular.kept import kept_of
from harness.data.tabular.look import Look, first_look, times_of
from harness.data.tabular.ordered import in_order
from harness.data.tabular.pieces import piece
from harness.data.tabular.schema import Schema
from harness.data.tabular.splits import Parts, drawn_parts, time_cuts, told_parts
from harness.data.tabular.unchanged import States, blaming_changes, refuse_changes, states
from harness.data.validation import SPLITS

Rule = Callable[[pl.DataFrame], Parts]


def table_stream(schema: Schema, files: Sequence[Source], where: str, rng: Generator, later: int = 0) -> Stream:
    """The data set that a schema makes of these files, in order of time if it has one.

    Its rows are counted before they are split: those that are in no split are among them. where: begins messages.
    later: time origins after this one.

    Raises:
        UserError: a file cannot be read, or changes meanwhile; an expression, a time, a label or a split is not
            accepted, a field is a label under another name, or no row is left.
    """
    before = states(files)
    with blaming_changes(before):
        table = open_table(schema, files, where)
        schema = table.schema
        look = first_look(table, schema)
        refuse_empty(schema, look.times, where)
        refuse_copies(table, schema)
        rule = _rule(table, schema, look, rng, later)
    pieces = ahead(_pieces(table, schema, look, rule, before))
    return Stream(
        schema.single_ids(),
        tuple(schema.labels),
        pieces,
        look.rows,
        kinds=schema.kinds(),
        notes=table.notes,
        kept={name: kept_of(text) for name, text in schema.kept.items()},
        doubts=table.doubts,
    )


def _rule(table: Table, schema: Schema, look: Look, rng: Generator, later: int) -> Rule:
    """Which split the rows of a batch are in."""
    cut, where = schema.split, f"{table.where}: split"
    shares = (cut.valid, cut.test)
    match cut.by:
        case "time":
            assert look.times is not None
            cuts = time_cuts(look.times, partial(times_of, table), shares, cut.gap_seconds, where, later)
            return lambda batch: cuts.parts(batch["time"].to_numpy())
        case "column":
            return lambda batch: told_parts(batch["split.column"], where)
        case "row":
            salt = int(rng.integers(2**63))
            return lambda batch: drawn_parts(batch[NUMBER].to_numpy(), shares, salt)
        case _:
            salt = int(rng.integers(2**63))
            return lambda batch: drawn_parts(group_ids(batch["split.column"], batch[NUMBER], where), shares, salt)


def _pieces(table: Table, schema: Schema, look: Look, rule: Rule, before: States) -> Iterator[tuple[str, Split]]:
    with blaming_changes(before):
        for name, rows in ahead(_parts(table, schema, look, rule)):
            yield name, piece(rows, schema, table.where, observed=look.observed)
    refuse_changes(before)


def _parts(table: Table, schema: Schema, look: Look, rule: Rule) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each split, batch by batch; no rows of one that has none."""
    histories, seen, none = Histories(schema, table.where), set[str](), pl.DataFrame()
    for rows_read in in_order(table, look.times):
        batch = histories.add_to(rows_read)
        part_N = rule(batch)
        none = batch.clear()
        for part, name in enumerate(SPLITS):
            here_N = part_N == part
            if here_N.any():
                yield name, batch if here_N.all() else batch.filter(here_N)
                seen.add(name)
    for name in (name for name in SPLITS if name not in seen):
        yield name, none
