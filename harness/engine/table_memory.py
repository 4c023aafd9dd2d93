"""How much memory an embedding table takes, before any of it is taken."""

from __future__ import annotations

import gc

import torch

from harness.base.memory import ensure_free, free_memory
from harness.engine.row_optimizers import OPTIMIZERS

BESIDE = 12
"""Bytes of a row that are no number of it: its occurrences, the step that cleared its state, its place in a batch."""
SMALLER = "a smaller table, as with the strategy hashing, or narrower embeddings"


def table_bytes(rows: int, width: int, optimizer: str) -> int:
    """Of so many rows with the state of their optimiser, at least; 0 for an optimiser that there is not."""
    found = OPTIMIZERS.get(optimizer)
    return 0 if found is None else rows * (4 * (width + found.columns(width)) + BESIDE)


def ensure_room(rows: int, width: int, optimizer: str, device: torch.device) -> None:
    """Refuse a table that does not fit in what is free of its device's memory.

    Raises:
        UserError: it does not.
    """
    needed = table_bytes(rows, width, optimizer)
    if needed > _free(device):
        gc.collect()  # what the run before left in circles
    what = f"an embedding table of {rows:,} rows of {width} weights, stepped by {optimizer},"
    ensure_free(needed, what, SMALLER, _free(device))


def _free(device: torch.device) -> int:
    if device.type != "cuda":
        return free_memory()
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + kept
