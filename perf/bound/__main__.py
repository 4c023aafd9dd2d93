"""How much of the distance to the truth is anybody's to take: `python -m perf.bound` writes the table.

A model's excess logloss over the truth is the mean divergence of the probabilities it gives from the true ones. Part of
it nobody can avoid: the training rows do not tell what each id is. `posterior.py` estimates that part by telling the
generator's own model everything but the ids; what an arm has beyond it is the arm's to take. As the posterior is
approximate, the true floor is at most what it reaches.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from scipy.special import expit, xlogy

from harness.base.environment import environment
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.indexed import IndexedDataset
from harness.data.synthetic.population import load_population
from harness.data.synthetic.sampler import Sampler
from harness.engine.evaluator import Evaluator
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy
from harness.experiment.plan import EvalSpec, PluginSpec, TrainSpec
from harness.metrics.catalog import BUCKETS
from harness.metrics.classification import bucket_of
from harness.metrics.ranking import rank_metrics
from harness.plugins.registry import Registry, build
from perf.bound.posterior import fit, known
from perf.measure import ROOT

TABLE = ROOT / "results" / "tables" / "bound.md"
PRESET, DRAWS = "avazu_like", (1, 2, 3)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """A strategy at fixed rates, read after each of some epochs: the tuned winners of results/tables/other_data.csv."""

    strategy: str
    train: dict[str, Any]
    read: dict[int, str]
    """Epoch -> the title of its column."""


ARMS = (
    Arm("none", {"dense_lr": 0.000593, "table_lr": 0.0793}, {1: "plain, epoch 1", 2: "plain, epoch 2"}),
    Arm("reinit", {"dense_lr": 0.00177, "table_lr": 0.296}, {4: "reinit, epoch 4"}),
    Arm(
        "running_mean(prior_count=82)+return_to_mean(below=605076)",
        {"dense_lr": 0.000723, "table_lr": 0.000673},
        {1: "ours, epoch 1", 4: "ours, epoch 4"},
    ),
)


def predictions(data: IndexedDataset, arm: Arm, registry: Registry) -> Iterator[tuple[str, Floats]]:
    """The probabilities of the test rows, [N], after each epoch that is read."""
    model = build(registry.models, "model", "dnn", {"dim": 16, "hidden": (64, 32)})
    parts = parse_strategy(arm.strategy, registry)
    strategies = [build(registry.strategies, "strategy", part.name, part.params) for part in parts]
    spec = TrainSpec(epochs=max(arm.read), batch_size=2048, **arm.train)
    trainer = Trainer(data, model, strategies, spec, seed=1)
    evaluator = Evaluator(data, trainer.mapping, EvalSpec())
    for epoch in range(1, spec.epochs + 1):
        trainer.start_epoch(epoch)
        with trainer.randomness():
            for batch in trainer.batches.epoch(epoch):
                trainer.step(batch)
        if epoch in arm.read:
            trainer.net.eval()
            with torch.inference_mode():
                logit_NT = evaluator.logits(trainer.net, trainer.tables, "test")
            yield arm.read[epoch], expit(logit_NT[:, 0].astype(float))
        trainer.end_epoch(epoch)


def divergence(truth_N: Floats, guess_N: Floats) -> Floats:
    """Of each row's probability from the true one, in nats: the excess of its expected logloss."""
    found: Floats = xlogy(truth_N, truth_N / guess_N) + xlogy(1 - truth_N, (1 - truth_N) / (1 - guess_N))
    return found


def one_draw(draw: int, console: Console) -> tuple[npt.NDArray[np.int64], dict[str, Floats], dict[str, float]]:
    """Buckets of the test rows, and of every column the divergences [N] and the AUC."""
    registry, population = Registry(), load_population(PRESET)
    with tempfile.TemporaryDirectory() as folder:
        spec = PluginSpec(name="powerlaw", params={"preset": PRESET})
        data = indexed.load(data_folder(Path(folder), build_data(spec, draw, registry, Path(folder))))
        truth_N, label_N = (values[:, 0].astype(np.float64) for values in (data.test.truth_NT, data.test.labels_NT))
        found = {"the base rate alone": np.full(len(truth_N), data.train.labels_NT[:, 0].mean())}
        for _, posterior in fit(rows := known(Sampler.drawn(population, draw))):
            pass
        found["all but the ids known"] = posterior.predict(slice(population.edges()[1], population.rows))
        for arm in ARMS:
            found |= dict(predictions(data, arm, registry))
        bucket_N = bucket_of(data.rarest_count_N(data.test))
    assert np.array_equal(rows.label_N[population.edges()[1] :].numpy(), label_N), "the rows are in another order"
    auc = {name: rank_metrics(guess_N, label_N, None)[0] for name, guess_N in {"the truth": truth_N, **found}.items()}
    console.print(f"draw {draw}: " + ", ".join(f"{name} {value:.4f}" for name, value in auc.items()))
    return bucket_N, {name: divergence(truth_N, guess_N) for name, guess_N in found.items()}, auc


def markdown(draws: list[tuple[npt.NDArray[np.int64], dict[str, Floats], dict[str, float]]]) -> str:
    """The table: excess logloss by how often training saw the rarest id of a row."""
    bucket_N = np.concatenate([bucket for bucket, _, _ in draws])
    columns = {name: np.concatenate([found[name] for _, found, _ in draws]) for name in draws[0][1]}
    heads = ["rarest id in training", "share of rows", *columns]
    lines = ["| " + " | ".join(heads) + " |", "| :-- |" + " --: |" * (len(heads) - 1)]
    for name, rows in [*((n, bucket_N == b) for b, (n, _) in enumerate(BUCKETS)), ("all", bucket_N >= 0)]:
        if rows.any():
            cells = [f"{1000 * excess[rows].mean():.2f}" for excess in columns.values()]
            lines.append(f"| {name} | {100 * rows.mean():.0f} % | " + " | ".join(cells) + " |")
    auc = [f"{np.mean([a[name] for _, _, a in draws]):.4f}" for name in columns]
    lines.append("| test AUC | | " + " | ".join(auc) + " |")
    oracle = np.mean([a["the truth"] for _, _, a in draws])
    about = environment()
    return "\n".join(
        [
            "# The floor",
            "",
            f"Excess of the expected logloss over that of the truth, in thousandths of a nat, on the test rows of `{PRESET}`,",
            f"draws {', '.join(map(str, DRAWS[: len(draws)]))}. The truth has AUC {oracle:.4f}. *All but the ids known*: the generator's own model,",
            "told every weight and rate, learns the ids from the training rows by mean-field variational inference; the floor",
            "that nobody gets below is at most this. Arms have the winners' rates of [other_data.csv](other_data.csv).",
            "",
            *lines,
            "",
            f"By `python -m perf.bound` on {about['machine']}, {about['cores']} cores.",
            "",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=len(DRAWS), help="how many draws of the data")
    parser.add_argument("--out", type=Path, default=TABLE)
    asked, console = parser.parse_args(), Console(soft_wrap=True, highlight=False)
    torch.set_num_threads(1)
    asked.out.write_text(markdown([one_draw(draw, console) for draw in DRAWS[: asked.draws]]), encoding="utf-8")
    console.print(f"the floor: {asked.out}")
