"""Rows per second on a GPU, and where a step's time goes: `python -m perf.gpu`."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any

import torch

from harness.base.places import ROOT
from harness.engine.batch import Batch
from harness.engine.device import device_of, settle
from harness.engine.group import Group
from harness.engine.trainer import Trainer
from perf.contenders import NotInstalled
from perf.contenders.ours import Ours
from perf.measure import Measurement, here
from perf.work import Work

TABLE = ROOT / "results" / "tables" / "gpu.md"
BATCHES = {4096: 200, 16_384: 100, 65_536: 40}
"""Sizes, and how many batches of each an epoch has."""
TOGETHER = (1, 2, 4, 8)
"""How many runs share the card."""
SPREAD = 16
"""How many times as many rows the larger table has."""
CONTENDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ours, lazy Adam": ("ours", {}),
    "ours, row-wise Adagrad": ("ours", {"optimizer": "rowwise_adagrad"}),
    "FBGEMM, row-wise Adagrad": ("fbgemm", {}),
    "FBGEMM, row-wise Adagrad, in a CUDA graph": ("fbgemm", {"graphed": True}),
    "nn.Embedding(sparse=True) + SparseAdam": ("torch_sparse", {}),
    "nn.Embedding + fused Adam": ("torch_dense_fused", {}),
    "nn.Embedding + fused Adam, in a CUDA graph": ("torch_dense_fused", {"graphed": True}),
    "the dense net alone": ("dense_net_only", {}),
    "the dense net alone, in a CUDA graph": ("dense_net_only", {"graphed": True}),
}
"""What is measured, with its options."""


ON_MORE_ROWS = [label for label in CONTENDERS if "net alone" not in label]
ARMS = ("none", "frequency_adaptive_lr", "running_mean+return_to_mean")
"""Strategies whose runs are trained alone and several in one."""
IN_ONE = (1, 8)


_START: Barrier


def work_of(batch: int, spread: int = 1) -> Work:
    return Work(batch=batch, examples=BATCHES[batch] * batch, threads=1, spread=spread)


def rows_per_s(labels: Sequence[str], device: str, rounds: int, spread: int = 1) -> dict[str, list[float]]:
    """Of each contender at every batch, the median of the rounds, in which they take turns; none if not installed."""
    found: dict[str, list[list[float]]] = {label: [[] for _ in BATCHES] for label in labels}
    for _, (i, batch) in itertools.product(range(rounds), enumerate(BATCHES)):
        for label in labels:
            name, options = CONTENDERS[label]
            work = work_of(batch, spread)
            try:
                result = here(Measurement(name, work, {**options, "device": device}, steps=BATCHES[batch]))
            except NotInstalled:
                continue
            found[label][i].append(result.rows_per_s)
    return {label: [median(values) for values in by_batch if values] for label, by_batch in found.items()}


def warm(runs: int, batch: int, device: str, strategy: str = "none") -> Trainer | Group:
    """One run, or several in one, that have made their first steps."""
    ours = Ours(work_of(batch), strategy, device=device)
    each = [ours.trainer(seed) for seed in range(runs)]
    trainer = each[0] if runs == 1 else Group(each)
    trainer.start_epoch(1)
    with trainer.randomness():
        for made in itertools.islice(trainer.batches.epoch(1), 5):
            trainer.step(made)
    settle(trainer.tables.device)
    return trainer


def parts(batch: int, device: str) -> dict[str, float]:
    """Milliseconds of a step of ours: to make its batch, to tell the GPU what to do, and what it works for it."""
    trainer = warm(1, batch, device)
    assert isinstance(trainer, Trainer)
    batches: list[Batch] = []
    spent = {
        "a batch made by the CPU": _spent(lambda: list(trainer.batches.on_cpu(2)), device),
        "a batch made by the GPU": _spent(lambda: batches.extend(trainer.batches.epoch(2)), device),
    }
    begun = time.perf_counter()
    for one in batches:
        trainer.step(one)
    spent["a step told to the GPU"] = time.perf_counter() - begun
    settle(trainer.tables.device)
    spent["a step, told and done"] = time.perf_counter() - begun
    activities = [torch.profiler.ProfilerActivity.CUDA if device == "cuda" else torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities) as profiled:
        for one in batches:
            trainer.step(one)
        settle(trainer.tables.device)
    spent["the GPU at work for it"] = sum(event.self_device_time_total for event in profiled.key_averages()) / 1e6
    return {name: seconds * 1000 / BATCHES[batch] for name, seconds in spent.items()}


def _spent(work: Callable[[], object], device: str) -> float:
    begun = time.perf_counter()
    work()
    settle(torch.device(device))
    return time.perf_counter() - begun


def waits(device: str) -> float:
    """How often a step of ours makes the host wait for the GPU, on average; 0 where all of it is told ahead."""
    trainer = warm(1, Work.batch, device)
    batches = list(trainer.batches.epoch(2))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("warn")
        said.clear()  # torch warns of the mode itself
        for batch in batches:
            trainer.step(batch)
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    return len(said) / len(batches)


def together(runs: int, device: str) -> float:
    """Rows per second of so many runs that train on one card at once, each in a process of its own, in sum."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(runs)
    with ProcessPoolExecutor(runs, mp_context=context, initializer=_meet, initargs=(start,)) as pool:
        seconds = list(pool.map(_one_of_several, [device] * runs))
    return runs * work_of(Work.batch).examples / max(seconds)


def at_once(runs: int, device: str, strategy: str = "none") -> float:
    """Rows per second, in sum, of so many runs that train in one (`train.seeds_at_once`)."""
    return runs * work_of(Work.batch).examples / _seconds(warm(runs, Work.batch, device, strategy))


def _meet(barrier: Barrier) -> None:
    """Told to each process: where it waits for the others."""
    global _START
    _START = barrier


def _one_of_several(device: str) -> float:
    torch.set_num_threads(1)
    trainer = warm(1, Work.batch, device)
    _START.wait()
    return _seconds(trainer)


def _seconds(trainer: Trainer | Group) -> float:
    """Of an epoch."""
    begun = time.perf_counter()
    with trainer.randomness():
        for batch in trainer.batches.epoch(2):
            trainer.step(batch)
    settle(trainer.tables.device)
    return time.perf_counter() - begun


def table(columns: Sequence[str], rows: dict[str, list[float]], text: Callable[[float], str]) -> Iterator[str]:
    yield f"| | {' | '.join(columns)} |"
    yield f"| :-- |{' --: |' * len(columns)}"
    for label, values in rows.items():
        cells = [text(value) for value in values] or ["not installed", *[""] * (len(columns) - 1)]
        yield f"| {label} | {' | '.join(cells)} |"


def page(device: str, rounds: int) -> Iterator[str]:
    batches = [f"batch {batch:,}" for batch in BATCHES]
    yield from ("# On a GPU", "", "Written by `python -m perf.gpu`.", "")
    yield from (f"Thousands of examples trained in a second, of a table of {sum(Work().sizes):,} rows.", "")
    yield from table(batches, rows_per_s([*CONTENDERS], device, rounds), thousands)
    yield from (
        "",
        f"The same of a table of {sum(Work(spread=SPREAD).sizes):,} rows, of which no more are looked up.",
        "",
    )
    yield from table(batches, rows_per_s(ON_MORE_ROWS, device, 1, SPREAD), thousands)
    yield from ("", "Milliseconds of a step of ours, lazy Adam. In training batches are made meanwhile.", "")
    by_batch = [parts(batch, device) for batch in BATCHES]
    yield from table(batches, {name: [p[name] for p in by_batch] for name in by_batch[0]}, lambda value: f"{value:.2f}")
    yield from ("", f"A step waits for the GPU {waits(device):g} times.", "")
    yield from (f"Several runs on one card, batch {Work.batch:,}: thousands of examples in a second, in sum.", "")
    sums = {
        "each in a process": [together(runs, device) for runs in TOGETHER],
        "all in one batched run": [at_once(runs, device) for runs in TOGETHER],
    }
    yield from table([f"{runs} at once" for runs in TOGETHER], sums, thousands)
    yield from ("", "The same of arms, all in one batched run.", "")
    arms = {arm: [at_once(runs, device, arm) for runs in IN_ONE] for arm in ARMS}
    yield from table([f"{runs} at once" for runs in IN_ONE], arms, thousands)
    name = torch.cuda.get_device_name() if device == "cuda" else "none"
    yield from ("", f"GPU: {name}; torch {torch.__version__}.")


def thousands(value: float) -> str:
    return f"{value / 1000:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.gpu", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try this script")
    parser.add_argument("--out", type=Path, help=f"default: {TABLE.relative_to(ROOT)} on a GPU")
    arguments = parser.parse_args()
    device_of(arguments.device)
    said = []
    for line in page(arguments.device, arguments.rounds):
        print(line, flush=True)
        said.append(line)
    if out := arguments.out or (TABLE if arguments.device == "cuda" else None):
        out.write_text("\n".join(said) + "\n")


if __name__ == "__main__":
    main()
