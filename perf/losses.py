"""Does the loss decide the fall of the second epoch? `python -m perf.losses` writes results/tables/losses.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import get_args

from rich.console import Console

from harness.analysis.estimates import estimate
from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.run import run
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.report.format import show
from harness.results.keys import MetricKey
from perf.bound.arms import TASK, drawn
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "losses.md"
LOSSES: tuple[str, ...] = get_args(TrainSpec.model_fields["loss"].annotation)
PRESETS, STRATEGIES, EPOCHS = ("avazu_like", "criteo_like"), ("none", "reinit"), 3
TABLE_LR = 0.03
Curves = dict[tuple[str, str, str], list[list[float]]]
"""Preset, loss and strategy -> of each draw, test AUC by epoch."""


def trained(data: IndexedDataset, loss: str, strategy: str, seed: int, registry: Registry) -> list[float]:
    """Test AUC of clicks by epoch."""
    net = build(registry.models, "model", "dnn", {"dim": 16, "hidden": (64, 32)})
    train = TrainSpec.model_validate({"epochs": EPOCHS, "batch_size": 2048, "table_lr": TABLE_LR, "loss": loss})
    parts = strategies_of(parse_strategy(strategy, registry), registry)
    ends = [record for record in run(data, net, parts, train, EvalSpec(points=()), seed) if record.boundary]
    return [end.metrics[MetricKey("test", "auc", TASK)] for end in ends]


def lines(curves: Curves) -> Iterator[str]:
    """The published page."""
    env, draws = environment(), len(next(iter(curves.values())))
    yield from ("# Does the loss decide the fall?", "", "Written by `python -m perf.losses`.", "")
    yield f"Test AUC of clicks, a `dnn` of 64 and 32, lazy Adam at table rate {TABLE_LR:g}, batch 2,048, means over"
    yield f"{draws} draws of each preset, with 95 % intervals over draws. `in_batch_softmax` sets each positive of"
    yield "a batch against all its negatives. Nothing is tuned: losses are compared with themselves, epoch by epoch."
    ends = [f"epoch {n}" for n in range(1, EPOCHS + 1)]
    changes = [f"epoch {n} - epoch 1" for n in range(2, EPOCHS + 1)]
    yield ""
    rows = []
    for (preset, loss, strategy), of in curves.items():
        levels = [f"{sum(auc) / draws:.4f}" for auc in zip(*of, strict=True)]
        found = (estimate(auc[n] - auc[0] for auc in of) for n in range(1, EPOCHS))
        told = [show(each, 4, signed=True) for each in found]
        rows.append((preset, f"`{loss}`", f"`{strategy}`", *levels, *told))
    yield from table(("preset", "loss", "strategy", *ends, *changes), rows, words=3)
    yield from ("", f"Machine: {env['machine']}, {env['cores']} cores, one thread.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.losses", description=__doc__)
    parser.add_argument("--draws", type=int, default=5)
    draws, console, registry = parser.parse_args().draws, Console(highlight=False, soft_wrap=True), Registry()
    curves: Curves = {(p, loss, s): [] for p in PRESETS for loss in LOSSES for s in STRATEGIES}
    for draw in range(draws):
        for preset in PRESETS:
            with drawn(preset, draw, registry) as here:
                for loss in LOSSES:
                    for strategy in STRATEGIES:
                        found = trained(here.data, loss, strategy, draw, registry)
                        curves[preset, loss, strategy].append(found)
                        console.print(f"{preset} {loss} {strategy} draw {draw}: {found}", markup=False)
    TABLE.write_text("\n".join(lines(curves)) + "\n")
    console.print(TABLE.read_text(), markup=False)


if __name__ == "__main__":
    main()
