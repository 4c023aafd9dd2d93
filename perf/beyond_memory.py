"""An epoch over more examples than one wants in memory, and what a shuffle in windows costs.

`python -m perf.beyond_memory` writes results/tables/beyond_memory.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from numpy.lib.format import open_memmap
from rich.progress import track
from scipy import stats

from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine import batches
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import plugin_specs
from harness.experiment.plan_file import load_plan
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import MetricKey
from perf.markdown import change, table
from perf.memory import memory_mb
from perf.work import TASKS, Work
from perf.work import dataset as in_memory

TABLE = ROOT / "results" / "tables" / "beyond_memory.md"
WINDOWS = {"whole": 1 << 22, "8 blocks": 8 * batches.BLOCK, "1 block": batches.BLOCK}


def mapped(examples: int, folder: Path) -> IndexedDataset:
    """The standard work, repeated in ever new orders up to so many examples, in memory-mapped files."""
    small, rng = in_memory(Work(examples=min(examples, 1_000_000))), np.random.default_rng(0)
    shape = (examples, small.train.codes_NF.shape[1])
    codes = open_memmap(folder / "codes.npy", "w+", np.int32, shape)
    labels = open_memmap(folder / "labels.npy", "w+", np.uint8, (examples, len(TASKS)))
    for at in track(range(0, examples, len(small.train)), "writing examples", transient=True):
        order = rng.permutation(len(small.train))[: examples - at]
        codes[at : at + len(order)] = small.train.codes_NF[order]
        labels[at : at + len(order)] = small.train.labels_NT[order]
    codes.flush()
    labels.flush()
    codes, labels = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("codes", "labels"))
    return dataclasses.replace(small, train=IndexedSplit(codes, labels, None, None, None, None))


def epoch(data: IndexedDataset) -> dict[str, float]:
    """Speed of one epoch, and resident memory in MB: before, the most during it, and the table with its state."""
    registry = Registry()
    spec = TrainSpec(threads=2)
    before = memory_mb("VmRSS")
    none = build(registry.strategies, "strategy", "none", {})
    trainer = Trainer(data, build(registry.models, "model", "dnn", {}), [none], spec, seed=0)
    trainer.start_epoch(1)
    start, most = time.perf_counter(), 0.0
    for number, batch in enumerate(track(trainer.batches.epoch(1), "training", len(trainer.batches), transient=True)):
        trainer.step(batch)
        if number % 100 == 0:
            most = max(most, memory_mb("VmRSS"))
    seconds = time.perf_counter() - start
    table = trainer.tables.store.nbytes / 2**20
    return {"rows_per_s": len(data.train) / seconds, "before": before, "most": most, "table": table}


def shuffles(seeds: range) -> list[tuple[str, float, float, float]]:
    """Window, click AUC after epoch 1, and its mean difference from a full shuffle with half its 95 % t interval."""
    registry, plan = Registry(), load_plan(ROOT / "plans" / "quick.toml")
    (dataset,), (model,), _ = plugin_specs(plan, registry)
    data = indexed.load(data_folder(ROOT / "results", build_data(dataset, plan.data_seed, registry, ROOT / "results")))
    net = build(registry.models, "model", model.name, model.params)
    none = build(registry.strategies, "strategy", "none", {})
    auc: dict[str, list[float]] = {}
    for name, window in WINDOWS.items():
        spec = plan.train.model_copy(update={"epochs": 1, "threads": 2, "shuffle_window": window})
        for seed in track(seeds, f"window: {name}", transient=True):
            *_, last = run(data, net, [none], spec, EvalSpec(points=()), seed)
            auc.setdefault(name, []).append(last.metrics[MetricKey("test", "auc", "click")])
    lines = []
    for name, values in auc.items():
        difference = np.subtract(values, auc["whole"])
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(difference) if difference.any() else 0.0
        lines.append((name, mean(values), float(difference.mean()), float(half)))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.beyond_memory", description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000_000)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT / "results") as folder:
        data = mapped(arguments.examples, Path(folder))
        size = (data.train.codes_NF.nbytes + data.train.labels_NT.nbytes) / 2**20
        reached = epoch(data)
    env, window = environment(), WINDOWS["whole"]
    held = window * (4 * data.train.codes_NF.shape[1] + len(TASKS)) / 2**20
    lines = [
        "# Data beyond memory", "", "Written by `python -m perf.beyond_memory`.", "",
        f"One epoch over {arguments.examples:,} examples in memory-mapped files of {size:,.0f} MB, 2 threads: "
        f"{reached['rows_per_s']:,.0f} rows/s.",
        f"Resident memory: {reached['before']:,.0f} MB before, at most {reached['most']:,.0f} MB during it, with "
        f"{reached['table']:,.0f} MB of table and optimiser state",
        f"and {held:,.0f} MB of the window of {window:,} examples.", "",
        f"A window is made of blocks of {batches.BLOCK:,} examples from all over the split, shuffled together.",
        "Test click AUC after one epoch of `plans/quick.toml`, whose training split is in order of time;",
        f"{arguments.seeds} seeds, difference from a full shuffle with the same seed, 95 % t interval:",
        "",
    ]  # fmt: skip
    rows = []
    for name, auc, difference, half in shuffles(range(arguments.seeds)):
        interval = "" if name == "whole" else change(difference, difference - half, difference + half)
        rows.append((name, f"{-(-WINDOWS[name] // batches.BLOCK):,}", f"{auc:.4f}", interval))
    lines += table(("window", "blocks, at most", "AUC", "against a full shuffle"), rows)
    lines += ["", f"Machine: {env['machine']}, {env['cores']} cores, {env['memory_gb']} GB; torch {torch.__version__}."]
    TABLE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines), f"\ntable: {TABLE}")


if __name__ == "__main__":
    main()
