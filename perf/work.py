"""The measured work: ten fields of synthetic ids with Zipf frequencies, in memory; the same for every contender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness import api
from harness.api import Ints
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit

FIELDS = {"user": 400_000, "product": 200_000, "campaign": 20_000, "advertiser": 2_000}
FIELDS |= {"hour": 300, "slot": 200, "category": 150, "region": 100, "device": 40, "weekday": 8}
EXPONENTS = {"user": 0.6, "product": 1.05}
OTHERWISE = 0.8
"""Zipf exponent of the fields not in EXPONENTS."""
ROWS = sum(FIELDS.values())
CPU = torch.device("cpu")
TASKS = ("click", "add_to_cart", "checkout")


@dataclass(frozen=True)
class Work:
    """table_rows: of all fields together, in the proportions of FIELDS. spread: how many times larger the tables are,
    with the same ids in every batch, scattered over them. examples: of an epoch. threads: of torch and OpenMP."""

    table_rows: int = ROWS
    spread: int = 1
    examples: int = 400_000
    batch: int = 4096
    width: int = 16
    hidden: tuple[int, ...] = (128, 64)
    threads: int = 2
    seed: int = 0

    @property
    def drawn(self) -> tuple[int, ...]:
        """How many ids of each field can occur."""
        return tuple(max(2, round(n * self.table_rows / ROWS)) for n in FIELDS.values())

    @property
    def sizes(self) -> tuple[int, ...]:
        """The rows of each field's table."""
        return tuple(n * self.spread for n in self.drawn)


@lru_cache(maxsize=3)
def draw(work: Work) -> tuple[Ints, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Ids of every field, [N, F] from 0, and labels [N, T]; not to be written to."""
    rng = np.random.default_rng(work.seed)
    ids_NF = np.empty((work.examples, len(FIELDS)), np.int64)
    for f, (name, drawn) in enumerate(zip(FIELDS, work.drawn, strict=True)):
        mass = np.cumsum(np.arange(1, drawn + 1) ** -EXPONENTS.get(name, OTHERWISE))
        rank_N = np.searchsorted(mass, rng.random(work.examples) * mass[-1])
        ids_NF[:, f] = rng.permutation(drawn)[rank_N] * work.spread
    labels_NT = (rng.random((work.examples, len(TASKS))) < 0.1).astype(np.uint8)
    labels_NT[0], labels_NT[1] = 0, 1  # both classes, however few the examples
    return ids_NF, labels_NT


def dataset(work: Work) -> IndexedDataset:
    """The work as the engine sees it; every id counts as seen in training, so that it has a row."""
    ids_NF, labels_NT = draw(work)
    offsets = np.cumsum((0, *work.sizes[:-1]))
    split = IndexedSplit((ids_NF + offsets).astype(np.int32), labels_NT, None, None, None, None)
    counts = [np.bincount(ids_NF[:, f], minlength=size) for f, size in enumerate(work.sizes)]
    held_out = split.take(np.arange(min(200, work.examples)))
    return IndexedDataset(
        fields=tuple(FIELDS),
        tasks=TASKS,
        ids_V=tuple(np.arange(size) for size in work.sizes),
        count_V=tuple(np.maximum(c, 1, out=c) for c in counts),
        train=split,
        valid=held_out,
        test=held_out,
    )


def batches(work: Work, offset: bool = True, device: torch.device = CPU) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless shuffled batches for contenders without a loader of their own: int64 ids [B, F], float labels [B, T].

    offset: ids of a fused table of all fields. device: where all examples lie, and batches are gathered.
    """
    ids_NF, labels_NT = draw(work)
    if offset:
        ids_NF = ids_NF + np.cumsum((0, *work.sizes[:-1]))
    order_N = np.random.default_rng(work.seed).permutation(work.examples)
    ids, labels, order = (torch.from_numpy(array).to(device) for array in (ids_NF, labels_NT, order_N))
    while True:
        for index in torch.split(order, work.batch):
            if len(index) == min(work.batch, work.examples):
                yield ids.index_select(0, index), labels.index_select(0, index).float()


def mlp(work: Work) -> nn.Sequential:
    """The dense net in plain torch: the same layers as the engine's `dnn`."""
    widths = (len(FIELDS) * work.width, *work.hidden)
    return nn.Sequential(nn.Flatten(), api.mlp(*widths), nn.Linear(widths[-1], len(TASKS)))
