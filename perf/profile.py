"""Where one training step spends its time: `python -m perf.profile`, milliseconds per part, the median of the steps.

Below them stands the limit: the net's matrix products alone, which no engine that trains this net can leave out.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from harness.engine import batches, kernels, row_history, row_optimizers, trainer
from harness.engine.dense_adam import DenseAdam
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.trainer import Trainer
from harness.engine.vectors import Vectors
from perf.contenders.ours import Ours
from perf.work import FIELDS, TASKS, Work

PARTS: list[tuple[str, Any, str]] = [
    ("batch: rows and labels", kernels, "take"),
    ("batch: distinct rows", batches.DistinctFinder, "__call__"),
    ("lookup", EmbeddingTables, "lookup"),
    ("net forward", trainer.Trainer, "_forward"),
    ("loss and its gradient", trainer, "loss_and_gradient"),
    ("net backward", torch.autograd, "backward"),
    ("gradient by row", Vectors, "by_row"),
    ("counting rows for hooks", row_history.RowHistory, "touch"),
    ("rows' step", row_optimizers.RowOptimizer, "fused_step"),
    ("net's step", DenseAdam, "step"),
]


@contextmanager
def timed(parts: list[tuple[str, Any, str]], clock: Callable[[], float]) -> Iterator[dict[str, list[float]]]:
    """Inside, every call of a part adds its milliseconds."""
    spent: dict[str, list[float]] = defaultdict(list)
    originals = [getattr(owner, name) for _, owner, name in parts]

    def wrap(label: str, original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            start = clock()
            result = original(*arguments, **named)
            spent[label].append(1000 * (clock() - start))
            return result

        return call

    for (label, owner, name), original in zip(parts, originals, strict=True):
        setattr(owner, name, wrap(label, original))
    try:
        yield spent
    finally:
        for (_, owner, name), original in zip(parts, originals, strict=True):
            setattr(owner, name, original)


def profile(trainer: Trainer, warmup: int = 20) -> dict[str, float]:
    """Part -> median milliseconds, with `whole step` last."""
    trainer.start_epoch(1)
    with timed(PARTS, time.perf_counter) as spent:
        start = time.perf_counter()
        for number, batch in enumerate(trainer.batches.epoch(1)):
            trainer.step(batch)
            now = time.perf_counter()
            spent["whole step"].append(1000 * (now - start))
            start = now
            if number < warmup:
                spent.clear()
    return {label: median(values) for label, values in spent.items()}


def products(work: Work, repeated: int = 40) -> float:
    """Median milliseconds of the products of a step: of each layer its outputs, and gradients of inputs and weights."""
    widths = (len(FIELDS) * work.width, *work.hidden, len(TASKS))
    total = 0.0
    for inputs, outputs in pairwise(widths):
        shapes = ((work.batch, inputs), (outputs, inputs), (work.batch, outputs))
        x, weight, grad = (torch.randn(shape) for shape in shapes)
        for a, b in ((x, weight.T), (grad, weight), (grad.T, x)):
            total += median(_milliseconds(a, b) for _ in range(repeated))
    return total


def _milliseconds(a: torch.Tensor, b: torch.Tensor) -> float:
    start = time.perf_counter()
    a @ b
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.profile", description=__doc__)
    parser.add_argument("--strategy", default="none", help="as in a plan")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of the net's products")
    arguments = parser.parse_args()
    work = Work(threads=arguments.threads, examples=600_000)
    trainer = Ours(work, arguments.strategy, precision=arguments.precision).trainer()
    parts = profile(trainer)
    whole = parts.pop("whole step")
    table = Table("part", "ms", "share", box=None, header_style="dim")
    for label, _, _ in PARTS:
        if label in parts:
            table.add_row(label, f"{parts[label]:.2f}", f"{parts[label] / whole:.0%}")
    table.add_row("everything else", f"{whole - sum(parts.values()):.2f}", f"{1 - sum(parts.values()) / whole:.0%}")
    table.add_row("whole step", f"{whole:.2f}", f"{trainer.train.batch_size / whole * 1000:,.0f} rows/s")
    table.add_row("limit: products of the net", f"{(limit := products(work)):.2f}", f"{limit / whole:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
