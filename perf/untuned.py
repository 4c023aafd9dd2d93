"""What our own strategies come to with their defaults, on populations that nothing was chosen on: `python -m
perf.untuned` writes the table.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console

from harness.analysis.inference import t_interval
from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.run import run
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import build
from harness.results.keys import MetricKey
from perf.markdown import change, table
from perf.running_mean_rates import POPULATION_ROWS, REGISTRY, population

TABLE = ROOT / "results" / "tables" / "untuned.md"
FIRST, LAST = 41, 60
EPOCHS = (1, 2, 4)
ARMS = ("none", "running_mean+return_to_mean", "posterior_mean+return_to_mean")
AUC = MetricKey("test", "auc", "click")


def aucs(data: IndexedDataset, strategy: str, seed: int) -> list[float]:
    """Test AUC of clicks after each of `EPOCHS`."""
    net = build(REGISTRY.models, "model", "dnn", {"dim": 16, "hidden": (64, 32)})
    strategies = strategies_of(parse_strategy(strategy, REGISTRY), REGISTRY)
    train = TrainSpec(epochs=max(EPOCHS), batch_size=2048)
    by_epoch = [record.metrics[AUC] for record in run(data, net, strategies, train, EvalSpec(points=()), seed)]
    return [by_epoch[epoch - 1] for epoch in EPOCHS]


def page(auc_PAE: np.ndarray) -> Iterator[str]:
    """auc_PAE: by population, arm and epoch, means over seeds."""
    epochs = [f"epoch {epoch}" for epoch in EPOCHS]
    yield from ("# Untuned", "", "Written by `python -m perf.untuned`.", "")
    yield from (f"Test AUC of clicks on `random-{FIRST}` to `random-{LAST}` ({POPULATION_ROWS:,} rows) with `dnn`.", "")
    yield from table(
        ("mean", *epochs), [(f"`{arm}`", *_shown(auc_PAE[:, a].mean(axis=0))) for a, arm in enumerate(ARMS)]
    )
    yield from ("", f"`{ARMS[2]}` less `{ARMS[1]}`, 95 % interval over populations.", "")
    less_PE = auc_PAE[:, 2] - auc_PAE[:, 1]
    low_E, high_E = t_interval(less_PE.T)
    differences = [change(*three) for three in zip(less_PE.mean(axis=0), low_E, high_E, strict=True)]
    yield from table(
        ("difference", *epochs), [("mean", *differences), ("above 0", *map(str, (less_PE > 0).sum(axis=0)))]
    )
    yield from ("", f"After epoch {EPOCHS[-1]}.", "")
    names = range(FIRST, FIRST + len(auc_PAE))
    lines = [(f"`random-{n}`", *_shown(auc_A)) for n, auc_A in zip(names, auc_PAE[:, :, -1], strict=True)]
    yield from table(("population", *(f"`{arm}`" for arm in ARMS)), lines)
    env = environment()
    yield from ("", f"Machine: {env['machine']}, {env['cores']} cores, one thread.")


def _shown(values: np.ndarray) -> list[str]:
    return [f"{value:.4f}" for value in values]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.untuned", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--populations", type=int, default=LAST - FIRST + 1)
    parser.add_argument("--out", type=Path, default=TABLE)
    chosen, console = parser.parse_args(), Console(highlight=False, soft_wrap=True, markup=False)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(FIRST, FIRST + chosen.populations):
            data = population(number, Path(folder))
            of_seeds = [[aucs(data, arm, seed) for arm in ARMS] for seed in range(chosen.seeds)]
            found.append(np.mean(of_seeds, axis=0))
            console.print(f"random-{number} after epoch {EPOCHS[-1]}: {' '.join(_shown(found[-1][:, -1]))}")
    chosen.out.write_text("\n".join(page(np.array(found))) + "\n")
    console.print(chosen.out.read_text())


if __name__ == "__main__":
    main()
