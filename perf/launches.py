"""How many operations a training step tells a GPU, of one run and of several in one: `python -m perf.launches`.

It needs no GPU: the definitions in torch, which run there, run on the CPU, and what a step asks of torch is counted.
An operation is a kernel or a few; what only looks at a tensor in another way is none.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.engine import trainer as steps
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.group import Group
from perf.contenders.ours import Ours
from perf.markdown import table
from perf.work import Work

RUNS = (1, 4, 8)
ARMS = {
    "lazy Adam": ("none", "adam"),
    "row-wise Adagrad": ("none", "rowwise_adagrad"),
    "dense Adam": ("none", "adam_dense"),
    "lazy Adam, frequency_adaptive_lr": ("frequency_adaptive_lr", "adam"),
    "running_mean": ("running_mean", "adam"),
}
"""What is counted: a strategy and an optimiser of the tables."""
NOT_LAUNCHED = ("aten.empty", "aten.new_empty", "aten.empty_like", "aten.detach", "aten._unsafe_view")


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations that compute something."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += not (function.is_view or str(function.overloadpacket) in NOT_LAUNCHED)
        return function(*args, **(kwargs or {}))


def as_on_a_gpu() -> AbstractContextManager[object]:
    """Trainers that are made inside step by the definitions in torch."""
    return patch.object(steps, "EmbeddingTables", partial(EmbeddingTables, compiled=False))


def launches(strategy: str, optimizer: str, runs: int) -> int:
    """Of one step of so many runs, after the first."""
    work = Work(table_rows=20_000, examples=2048, batch=512, threads=1)
    ours = Ours(work, strategy, optimizer)
    with as_on_a_gpu():
        each = [ours.trainer(seed) for seed in range(runs)]
    trainer = each[0] if runs == 1 else Group(each)
    trainer.start_epoch(1)
    first, second, *_ = trainer.batches.epoch(1)
    trainer.step(first)
    with Counted() as counted:
        trainer.step(second)
    return int(counted.operations)


def main() -> None:
    rows = []
    for label, (strategy, optimizer) in ARMS.items():
        counts = [launches(strategy, optimizer, runs) for runs in RUNS]
        rows.append([label, *(f"{count / runs:.0f}" for count, runs in zip(counts, RUNS, strict=True))])
    header = ["operations of a step, for one run", *("alone" if runs == 1 else f"{runs} in one" for runs in RUNS)]
    print("\n".join([*table(header, rows), "", f"torch {torch.__version__}"]))


if __name__ == "__main__":
    main()
