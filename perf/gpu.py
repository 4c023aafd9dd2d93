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

import torch

from harness.base.places import ROOT
from harness.engine.device import device_of, settle
from harness.engine.group import Group
from harness.engine.trainer import Trainer
from perf.contenders import NotInstalled
from perf.contenders.ours import Ours
from perf.measure import Measurement, here
from perf.work import Work

TABLE = ROOT / "results" / "tables" / "gpu.md"
BATCHES = (4096, 16_384, 65_536)
STEPS = 30
TOGETHER = (1, 2, 4, 8)
"""How many runs share the card."""
CONTENDERS = {
    "ours, lazy Adam": ("ours", {}),
    "ours, row-wise Adagrad": ("ours", {"optimizer": "rowwise_adagrad"}),
    "FBGEMM, row-wise Adagrad": ("fbgemm", {}),
    "nn.Embedding(sparse=True) + SparseAdam": ("torch_sparse", {}),
    "nn.Embedding + fused Adam": ("torch_dense_fused", {}),
    "the dense net alone": ("dense_net_only", {}),
}
"""What is measured, with its options."""


_START: Barrier


def work_of(batch: int, steps: int = STEPS) -> Work:
    return Work(batch=batch, examples=steps * batch, threads=1)


def rows_per_s(device: str, rounds: int) -> dict[str, list[float]]:
    """Of each contender at every batch, the median of the rounds, in which they take turns; none if not installed."""
    found: dict[str, list[list[float]]] = {label: [[] for _ in BATCHES] for label in CONTENDERS}
    for _, (i, batch) in itertools.product(range(rounds), enumerate(BATCHES)):
        for label, (name, options) in CONTENDERS.items():
            try:
                result = here(Measurement(name, work_of(batch), {**options, "device": device}, steps=STEPS))
            except NotInstalled:
                continue
            found[label][i].append(result.rows_per_s)
    return {label: [median(values) for values in by_batch if values] for label, by_batch in found.items()}


def warm_trainer(batch: int, device: str, steps: int) -> Trainer:
    """One that has made its first steps, with so many batches in an epoch."""
    trainer = Ours(work_of(batch, steps), device=device).trainer()
    trainer.start_epoch(1)
    for made in itertools.islice(trainer.batches.epoch(1), 5):
        trainer.step(made)
    settle(trainer.tables.device)
    return trainer


def parts(batch: int, device: str) -> dict[str, float]:
    """Milliseconds of a step of ours: to make its batch, to tell the GPU what to do, and what the GPU works for it."""
    trainer = warm_trainer(batch, device, STEPS)
    made = told = 0.0
    activities = [torch.profiler.ProfilerActivity.CUDA if device == "cuda" else torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities) as profiled:
        order, ended = trainer.batches.in_order(2), time.perf_counter()
        for one in order:
            begun = time.perf_counter()
            made += begun - ended
            trainer.step(one)
            ended = time.perf_counter()
            told += ended - begun
        settle(trainer.tables.device)
    busy = sum(event.self_device_time_total for event in profiled.key_averages()) / 1e6
    spent = {"a batch made": made, "a step told to the GPU": told, "the GPU at work": busy}
    return {name: seconds * 1000 / STEPS for name, seconds in spent.items()}


def waits(device: str, steps: int = 20) -> float:
    """How often a step of ours makes the host wait for the GPU, on average; 0 where all of it is told ahead."""
    trainer = warm_trainer(Work.batch, device, steps)
    batches = list(trainer.batches.epoch(2))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("warn")
        for batch in batches:
            trainer.step(batch)
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    return len(said) / steps


def together(runs: int, device: str, steps: int = 300) -> float:
    """Rows per second of so many runs that train on one card at once, each in a process of its own, in sum."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(runs)
    with ProcessPoolExecutor(runs, mp_context=context, initializer=_meet, initargs=(start,)) as pool:
        seconds = list(pool.map(_one_of_several, [device] * runs, [steps] * runs))
    return runs * steps * Work.batch / max(seconds)


def at_once(runs: int, device: str, steps: int = 300) -> float:
    """Rows per second, in sum, of so many runs that train in one (`train.seeds_at_once`)."""
    ours = Ours(work_of(Work.batch, steps), device=device)
    group = Group([ours.trainer(seed) for seed in range(runs)])
    group.start_epoch(1)
    for made in itertools.islice(group.batches.epoch(1), 5):
        group.step(made)
    return runs * steps * Work.batch / _seconds(group)


def _meet(barrier: Barrier) -> None:
    """Told to each process: where it waits for the others."""
    global _START
    _START = barrier


def _one_of_several(device: str, steps: int) -> float:
    torch.set_num_threads(1)
    trainer = warm_trainer(Work.batch, device, steps)
    _START.wait()
    return _seconds(trainer)


def _seconds(trainer: Trainer | Group) -> float:
    """Of an epoch."""
    begun = time.perf_counter()
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
    yield from ("Thousands of examples trained in a second.", "")
    yield from table(batches, rows_per_s(device, rounds), lambda value: f"{value / 1000:,.0f}")
    yield from ("", "Milliseconds of a step of ours, lazy Adam. In training a thread makes batches meanwhile.", "")
    by_batch = [parts(batch, device) for batch in BATCHES]
    yield from table(batches, {name: [p[name] for p in by_batch] for name in by_batch[0]}, lambda value: f"{value:.2f}")
    yield from ("", f"A step waits for the GPU {waits(device):g} times.", "")
    yield from (f"Several runs on one card, batch {Work.batch:,}: thousands of examples in a second, in sum.", "")
    sums = {
        "each in a process": [together(runs, device) for runs in TOGETHER],
        "all in one batched run": [at_once(runs, device) for runs in TOGETHER],
    }
    yield from table([f"{runs} at once" for runs in TOGETHER], sums, lambda value: f"{value / 1000:,.0f}")
    name = torch.cuda.get_device_name() if device == "cuda" else "none"
    yield from ("", f"GPU: {name}; torch {torch.__version__}.")


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
