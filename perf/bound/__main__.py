"""How much of the distance to the truth is anybody's to take: `python -m perf.bound` writes the table.

A model's excess logloss over the truth is the mean divergence of the probabilities it gives from the true ones. Part of
it nobody can avoid: the training rows do not tell what each id is. `posterior.py` estimates that part by telling the
generator's own model everything but the ids; what an arm has beyond it is the arm's to take. As the posterior is
approximate, the true floor is at most what it reaches.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from scipy.special import xlogy

from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Sampler
from harness.metrics.catalog import BUCKETS
from harness.metrics.classification import bucket_of
from harness.metrics.ranking import rank_metrics
from harness.plugins.registry import Registry
from perf.bound.arms import PRESETS, TASK, drawn, predictions, winners
from perf.bound.posterior import fit, known
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "bound.md"
DRAWS = (1, 2, 3)
FLOOR = "all but the ids known"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """The test rows of one draw of a preset. columns: title -> probabilities [N]."""

    truth_N: Floats
    label_N: Floats
    bucket_N: npt.NDArray[np.int64]
    columns: dict[str, Floats]

    def auc(self, title: str) -> float:
        return rank_metrics(self.columns[title], self.label_N, None)[0]

    def excess(self, title: str) -> Floats:
        """Thousandths of a nat, [N]."""
        return 1000 * divergence(self.truth_N, self.columns[title])


def divergence(truth_N: Floats, guess_N: Floats) -> Floats:
    """Of each row's probability from the true one, in nats: the excess of its expected logloss."""
    found: Floats = xlogy(truth_N, truth_N / guess_N) + xlogy(1 - truth_N, (1 - truth_N) / (1 - guess_N))
    return found


def one_draw(preset: str, number: int, registry: Registry) -> Draw:
    """Everything that the table says of one draw, trained."""
    population = load_population(preset, PRESETS[preset])
    test = slice(population.edges()[1], population.rows)
    rows = known(Sampler.drawn(population, number), TASK)
    posterior = fit(rows)
    with drawn(preset, number, registry) as its:
        assert np.array_equal(its.label_N, rows.label_N[test]), "the rows are in another order"
        base = its.data.train.labels_NT[:, its.data.tasks.index(TASK)].mean()
        columns = {"the truth": its.truth_N, "the base rate alone": np.full(len(its.label_N), base)}
        columns[FLOOR] = posterior.predict(test)
        for arm in winners(preset):
            columns |= dict(predictions(its.data, arm, registry))
        return Draw(its.truth_N, its.label_N, bucket_of(its.data.rarest_count_N(its.data.test)), columns)


def section(preset: str, draws: Sequence[Draw]) -> list[str]:
    """The table of a preset: excess logloss by how often training saw the rarest id of a row, and AUC."""
    titles = [title for title in draws[0].columns if title != "the truth"]
    bucket_N = np.concatenate([draw.bucket_N for draw in draws])
    excess = {title: np.concatenate([draw.excess(title) for draw in draws]) for title in titles}
    rows = []
    for name, rows_N in [*((name, bucket_N == b) for b, (name, _) in enumerate(BUCKETS)), ("all", bucket_N >= 0)]:
        if rows_N.any():
            cells = (f"{excess[title][rows_N].mean():.2f}" for title in titles)
            rows.append((name, f"{100 * rows_N.mean():.0f} %", *cells))
    auc = {title: float(np.mean([draw.auc(title) for draw in draws])) for title in draws[0].columns}
    rows.append(("test AUC", "", *(f"{auc[title]:.4f}" for title in titles)))
    lines = table(("rarest id in training", "share of rows", *titles), rows)
    return [f"## {preset}", "", *lines, "", f"The truth has AUC {auc['the truth']:.4f}.", ""]


HEAD = """# The floor

How much of the distance to the truth could anybody take? Excess of the expected click logloss over that of the truth,
in thousandths of a nat, on test rows. *All but the ids known*: the generator's own model, told every weight and rate,
learns the ids from the training rows by mean-field variational inference. Nobody who knows less can expect to do better
than the best such learner; this one approximates it, so the floor is at most what it reaches. The arms have the knobs
that won in [draws.csv](draws.csv) and [pinterest.csv](pinterest.csv), one seed a draw.
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", choices=list(PRESETS), help="all of them, if none")
    parser.add_argument("--draws", type=int, default=len(DRAWS), help="how many draws of the data")
    parser.add_argument("--out", type=Path, default=TABLE)
    asked, console, plugins = parser.parse_args(), Console(soft_wrap=True, highlight=False), Registry()
    torch.set_num_threads(1)
    lines, about = [HEAD], environment()
    for preset in asked.preset or PRESETS:
        draws = []
        for number in DRAWS[: asked.draws]:
            draws.append(one_draw(preset, number, plugins))
            console.print(f"{preset}, draw {number}:", {t: round(draws[-1].auc(t), 4) for t in draws[-1].columns})
        lines += section(preset, draws)
    lines.append(f"By `python -m perf.bound --draws {asked.draws}` on {about['machine']}, {about['cores']} cores.\n")
    asked.out.write_text("\n".join(lines), encoding="utf-8")
    console.print(f"the floor: {asked.out}")
