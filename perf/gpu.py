"""Rows per second on a GPU at growing batches, and how often a step waits for it: `python -m perf.gpu`."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import torch
from rich.console import Console

from harness.engine.device import device_of
from perf.contenders import NotInstalled
from perf.contenders.ours import Ours
from perf.measure import ROOT, Measurement, measure
from perf.work import Work

TABLE = ROOT / "results" / "tables" / "gpu.md"
BATCHES = (4096, 16_384, 65_536)
STEPS = 50
CONTENDERS = {
    "ours, lazy Adam": ("ours", {}),
    "ours, row-wise Adagrad": ("ours", {"optimizer": "rowwise_adagrad"}),
    "FBGEMM, row-wise Adagrad": ("fbgemm", {}),
    "the dense net alone": ("dense_net_only", {}),
}
"""What is measured, with its options."""


def rows_per_s(device: str, rounds: int) -> dict[str, list[float]]:
    """Of each contender at every batch, the median of the rounds, in which they take turns; none if not installed."""
    found: dict[str, list[list[float]]] = {label: [[] for _ in BATCHES] for label in CONTENDERS}
    for _ in range(rounds):
        for i, batch in enumerate(BATCHES):
            work = Work(batch=batch, examples=STEPS * batch, threads=1)
            for label, (name, options) in CONTENDERS.items():
                try:
                    result = measure(Measurement(name, work, {**options, "device": device}, steps=STEPS))
                except NotInstalled:
                    continue
                found[label][i].append(result.rows_per_s)
    return {label: [median(values) for values in by_batch if values] for label, by_batch in found.items()}


def waits(steps: int = 20) -> float:
    """How often a step of ours makes the host wait for the GPU, on average; 0 where all of it is told ahead."""
    trainer = Ours(Work(threads=1, examples=(steps + 1) * Work.batch), device="cuda").trainer()
    trainer.start_epoch(1)
    batches = trainer.batches.epoch(1)
    trainer.step(next(batches))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        for batch in batches:
            trainer.step(batch)
        torch.cuda.set_sync_debug_mode("default")
    return len(said) / steps


def lines(found: dict[str, list[float]], device: str) -> Iterator[str]:
    yield from (
        "# On a GPU",
        "",
        "Written by `python -m perf.gpu`.",
        "",
        "Thousands of examples trained in a second.",
        "",
    )
    yield f"| | {' | '.join(f'batch {batch:,}' for batch in BATCHES)} |"
    yield f"| :-- |{' --: |' * len(BATCHES)}"
    for label, values in found.items():
        cells = [f"{value / 1000:,.0f}" for value in values] or ["not installed", *[""] * (len(BATCHES) - 1)]
        yield f"| {label} | {' | '.join(cells)} |"
    if device == "cuda":
        yield from ("", f"A step of ours waits for the GPU {waits():g} times.")
        yield from ("", f"Machine: {torch.cuda.get_device_name()}; torch {torch.__version__}.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.gpu", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try this script")
    parser.add_argument("--out", type=Path, help=f"default: {TABLE.relative_to(ROOT)} on a GPU")
    arguments = parser.parse_args()
    device_of(arguments.device)
    text = "\n".join(lines(rows_per_s(arguments.device, arguments.rounds), arguments.device)) + "\n"
    if out := arguments.out or (TABLE if arguments.device == "cuda" else None):
        out.write_text(text)
    Console().print(text, soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    main()
