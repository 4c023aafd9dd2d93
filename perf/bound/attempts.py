"""Attempts to take some of what lies between our best arm and the floor: `python -m perf.bound.attempts`.

All of them change only what is read after the last epoch, so that one training serves them all:

- the net, or net and rows, averaged over the steps of the last half epoch (Polyak and Juditsky 1992);
- rows drawn towards the mean row of their field by n / (n + k), n the id's training examples and k chosen for each
  field by logloss on valid (empirical Bayes, after Morris 1983);
- the mean of the logits of two runs with different seeds, which costs twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from scipy.special import expit, logit
from torch import Tensor

from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.evaluator import Evaluator
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec
from harness.metrics.ranking import rank_metrics
from harness.plugins.registry import Registry
from perf.bound.__main__ import DRAWS, divergence
from perf.bound.arms import OURS, PRESETS, TASK, Arm, drawn, probabilities, trained, winners
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "attempts.md"
EVERY = 10
"""Steps between two states that enter an average."""
SHRINKING = (1.0, 3.0, 10.0, 30.0, 100.0)
"""The k that are tried for each field."""
Floats = npt.NDArray[np.float64]
State = dict[str, Tensor]


class Average:
    """The mean of net and rows over the steps of the second half of the last epoch."""

    def __init__(self, last: int) -> None:
        self._last, self._steps, self.taken = last, 0, 0
        self.mean: State = {}

    def __call__(self, epoch: int, share: float, trainer: Trainer) -> None:
        self._steps += 1
        if epoch < self._last or share <= 0.5 or self._steps % EVERY:
            return
        self.taken += 1
        for name, value in state_of(trainer).items():
            mean = self.mean.setdefault(name, torch.zeros_like(value))
            mean += (value - mean) / self.taken


def state_of(trainer: Trainer) -> State:
    """The numbers of net and rows; they share memory with those that are trained."""
    rows_RD = trainer.tables.store[:, : trainer.tables.width]
    return {"rows": rows_RD, **{f"net.{name}": p.data for name, p in trainer.net.named_parameters()}}


def put(trainer: Trainer, state: State) -> None:
    """Set some of the numbers of net and rows."""
    for name, value in state_of(trainer).items():
        if name in state:
            value.copy_(state[name])


def shrunk(trainer: Trainer, evaluator: Evaluator, label_N: Floats) -> State:
    """The rows drawn to their field's mean, each field by the k that valid likes best, one field after the other."""

    def loss() -> float:
        guess_N = probabilities(evaluator, trainer, "valid")
        return float(-np.mean(np.log(np.where(label_N == 1, guess_N, 1 - guess_N))))

    best, rows_RD = loss(), state_of(trainer)["rows"]
    for field in trainer.tables.fields:
        part, count_N = slice(field.offset, field.offset + field.num_rows), trainer.tables.train_count(field)
        kept_ND = rows_RD[part].clone()
        mean_D, found_ND = kept_ND[count_N > 0].mean(0), kept_ND
        for k in SHRINKING:
            tried_ND = mean_D + (kept_ND - mean_D) * (count_N / (count_N + k))[:, None]
            rows_RD[part] = tried_ND
            if (reached := loss()) < best:
                best, found_ND = reached, tried_ND
        rows_RD[part] = found_ND
    return {"rows": rows_RD.clone()}


def attempts(data: IndexedDataset, arm: Arm, registry: Registry) -> dict[str, Floats]:
    """Title -> probabilities of the test rows, [N]."""
    average, t = Average(max(arm.read)), data.tasks.index(TASK)
    *_, (_, trainer) = trained(data, arm, registry, average)
    evaluator = Evaluator(data, trainer.mapping, EvalSpec())
    ended = {name: value.clone() for name, value in state_of(trainer).items()}

    def read(state: State) -> Floats:
        put(trainer, ended | state)
        return probabilities(evaluator, trainer, "test")

    net = {name: value for name, value in average.mean.items() if name != "rows"}
    found = {"as it is": read({}), "net averaged": read(net), "net and rows averaged": read(average.mean)}
    put(trainer, ended)
    found["rows shrunk"] = read(shrunk(trainer, evaluator, data.valid.labels_NT[:, t].astype(float)))
    *_, (_, other) = trained(data, arm, registry, seed=2)
    other_N = probabilities(Evaluator(data, other.mapping, EvalSpec()), other, "test")
    return found | {"two runs": expit((logit(found["as it is"]) + logit(other_N)) / 2)}


def one_draw(preset: str, number: int, registry: Registry) -> dict[str, tuple[float, float]]:
    """Title -> excess logloss in thousandths of a nat, and AUC."""
    (arm,) = (arm for arm in winners(preset) if arm.strategy.startswith(OURS.partition("+")[0]))
    with drawn(preset, number, registry) as its:
        return {
            title: (1000 * divergence(its.truth_N, guess_N).mean(), rank_metrics(guess_N, its.label_N, None)[0])
            for title, guess_N in attempts(its.data, arm, registry).items()
        }


HEAD = """# Attempts at the floor

What changes if our best arm, `running_mean+return_to_mean` after four epochs, is read in another way: excess of the
expected click logloss over that of the truth, in thousandths of a nat, and test AUC, means over draws.
[bound.md](bound.md) has the floor; `perf/bound/attempts.py` says what each attempt is.
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=len(DRAWS), help="how many draws of the data")
    parser.add_argument("--out", type=Path, default=TABLE)
    asked, console, plugins = parser.parse_args(), Console(soft_wrap=True, highlight=False), Registry()
    torch.set_num_threads(1)
    lines, about = [HEAD], environment()
    for preset in PRESETS:
        found = [one_draw(preset, number, plugins) for number in DRAWS[: asked.draws]]
        rows = []
        for title in found[0]:
            excess, auc = np.mean([one[title] for one in found], axis=0)
            rows.append((title, f"{excess:.2f}", f"{auc:.4f}"))
            console.print(preset, title, [f"{e:.2f} {a:.4f}" for e, a in (one[title] for one in found)])
        lines += [f"## {preset}", "", *table(("read", "excess logloss", "test AUC"), rows), ""]
    by = f"By `python -m perf.bound.attempts --draws {asked.draws}`"
    lines.append(f"{by} on {about['machine']}, {about['cores']} cores.\n")
    asked.out.write_text("\n".join(lines), encoding="utf-8")
    console.print(f"attempts: {asked.out}")
