"""The tiny model of `example`, trained by the engine: what an exported module is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import torch
from torch import Tensor

from harness.api import FieldTable, LookupColumn, Strategy, TableSpec
from harness.engine.batches import DistinctFinder
from harness.engine.columns import Columns
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.row_mapping import RowMapping
from harness.export.example import (
    EPOCHS,
    ROWS,
    STEPS,
    TRAIN_IDS,
    example_counts,
    example_ids,
    example_loss,
    example_weights,
)


def trained_rows(spec: TableSpec, strategies: Sequence[Strategy]) -> Tensor:
    """The rows of all fields, [R, 2], at the end. Redrawn rows are drawn with deviation 0."""
    tables, find = _begun(replace(spec, init_std=0.0), strategies), DistinctFinder(sum(ROWS.values()))
    for epoch in range(1, EPOCHS + 1):
        tables.epoch = epoch
        for strategy in strategies:
            strategy.on_epoch_start(epoch, tables)
        for step in range(1, STEPS + 1):
            ids = [example_ids(step, f, table.num_rows) + table.offset for f, table in enumerate(tables.fields)]
            lookup = tables.lookup(find(torch.stack(ids, dim=1).int()))
            torch.autograd.backward(example_loss(lookup.embedded_BFD, step))
            assert lookup.embedded_BFD.grad is not None
            tables.update(lookup, lookup.embedded_BFD.grad.contiguous())
        for strategy in strategies:
            strategy.on_epoch_end(epoch, tables)
    return tables.weight_RD.clone()


def _begun(spec: TableSpec, strategies: Sequence[Strategy]) -> EmbeddingTables:
    """Tables that begin with the rows of the example."""
    mapping = _mapping()
    tables, rows_R = EmbeddingTables(mapping, spec, 2, strategies, seed=0), torch.arange(mapping.num_rows)
    state = tables.state()
    given_RD = torch.cat([example_weights(f, rows) for f, rows in enumerate(ROWS.values())])
    tables.adopt(state | {"store": given_RD}, rows_R, rows_R, optimizer=False, counts=False)
    return tables


def _mapping() -> RowMapping:
    begins = [0, *accumulate(ROWS.values())]
    fields = tuple(
        FieldTable(name, begin, rows, TRAIN_IDS) for (name, rows), begin in zip(ROWS.items(), begins, strict=False)
    )
    counts = [example_counts(f, rows) for f, rows in enumerate(ROWS.values())]
    places = torch.arange(len(fields), dtype=torch.int32)
    return RowMapping(
        remap_VH=torch.zeros((0, 1), dtype=torch.int32),
        fields=fields,
        train_count_R=torch.cat(counts).int(),
        columns=Columns(places, places, tuple(LookupColumn(f, at) for at, f in enumerate(fields)), names=tuple(ROWS)),
    )
