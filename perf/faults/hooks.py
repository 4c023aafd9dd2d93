"""Hooks that return what they should not: the compiled and the torch path train alike, or both refuse in one line."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.api import FieldTable, LookupColumn, RowStep, Strategy, TableSpec, UserError
from harness.engine.batches import DistinctFinder
from harness.engine.columns import Columns
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.row_mapping import RowMapping
from perf.faults.count import Count

ROWS, WIDTH = 40, 4
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool)
TAKEN = ("grad_KD", "lr_scale_K", "decay_K")


def answers(step: RowStep, rng: np.random.Generator) -> Any:
    """A random answer to `on_rows`."""
    if rng.random() < 0.1:
        return rng.choice(np.array([None, 1, "step", (), math.nan], object))
    return dataclasses.replace(step, **{str(rng.choice(TAKEN)): value(step, rng)})


def value(step: RowStep, rng: np.random.Generator) -> Any:
    """A tensor of a random shape, type and device, perhaps with NaN, or no tensor at all."""
    k, d = step.grad_KD.shape
    if rng.random() < 0.2:
        return rng.choice(np.array([None, 0.5, "half", (0.5,), math.nan, True, np.ones(3)], object))
    shapes = ((k,), (k, 1), (1,), (), (1, k), (k, d), (d,), (1, d), (k - 1,), (k + 1,), (k - 1, d), (0,), (k, d, d))
    fill = math.nan if rng.random() < 0.1 else 0.5
    tensor = torch.full(shapes[rng.integers(len(shapes))], fill).to(DTYPES[rng.integers(len(DTYPES))])
    return tensor.to("meta") if rng.random() < 0.1 else tensor


def trained(seed: int, *, compiled: bool) -> Tensor | str:
    """The table after two steps under a strategy that answers so, or the line it got."""

    class Told(Strategy):
        name = "told"

        def on_rows(self, step: RowStep) -> Any:
            return answers(step, np.random.default_rng(seed))

    table, zero = FieldTable("field", 0, ROWS, ROWS), torch.zeros(1, dtype=torch.int32)
    mapping = RowMapping(
        remap_VH=torch.zeros((0, 1), dtype=torch.int32),
        fields=(table,),
        train_count_R=torch.arange(1, ROWS + 1, dtype=torch.int32),
        columns=Columns(pick_C=zero, slot_C=zero, of_ids=(LookupColumn(table, 0),), names=(table.name,)),
    )
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1), WIDTH, [Told()], 0, compiled=compiled)
    find, rng = DistinctFinder(ROWS), np.random.default_rng(seed)
    try:
        for _ in range(2):
            rows_BC = torch.from_numpy(rng.integers(0, ROWS, (16, 1)).astype(np.int32))
            grad_BFD = torch.from_numpy(rng.standard_normal((16, 1, WIDTH), np.float32))
            tables.update(tables.lookup(find(rows_BC)), grad_BFD)
    except UserError as error:
        return str(error)
    return tables.weight_RD.clone()


def hooks(times: int, seed: int) -> Count:
    """So many random answers."""
    count = Count(
        "a hook returns a wrong shape, type, device, None or NaN",
        "the compiled kernels train to what torch's broadcasting trains to, or both refuse in the same line",
    )
    for number in range(seed, seed + times):
        try:
            plain, compiled = (trained(number, compiled=path) for path in (False, True))
        except Exception as error:
            count.add(f"answer {number}", f"{type(error).__name__}: {error}")
            continue
        count.add(f"answer {number}", "" if _same(plain, compiled) else f"{plain!r:.80} and {compiled!r:.80}")
    return count


def _same(plain: Tensor | str, compiled: Tensor | str) -> bool:
    if isinstance(plain, str) or isinstance(compiled, str):
        return isinstance(plain, str) and plain == compiled and plain.isprintable()
    return torch.allclose(plain, compiled, rtol=1e-5, atol=1e-6, equal_nan=True)
