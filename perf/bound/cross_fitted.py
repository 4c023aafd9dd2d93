"""What cross-fitted rows gain: `python -m perf.bound.cross_fitted` writes the table.

Each way of `WAYS` trains beside one tuned epoch's plain training, with whose knobs its rows are row-wise Adagrad's, and
our best arm, with whose knobs they are `running_mean`'s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from harness.base.environment import environment
from harness.base.places import ROOT
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec
from harness.metrics.ranking import rank_metrics
from harness.plugins.registry import Registry
from perf.bound.__main__ import DRAWS, divergence
from perf.bound.arms import Arm, Drawn, drawn, probabilities, trainer_of, winners
from perf.bound.halves import Gradient, Halves, Read
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "cross_fitted.md"
PRESETS = ("avazu_like", "pinterest_like")
"""Those with a tail."""
EPOCHS, SEED = 4, 1
WAYS: tuple[tuple[str, Gradient, tuple[Read, ...]], ...] = (
    ("plain", "own", ("mean", "sum")),
    ("ours", "own", ("mean", "sum", "evidence")),
    ("ours", "tangent", ("mean",)),
    ("ours", "other", ("mean",)),
)
"""Whose knobs and rows, the gradient of the rows, and how predictions read both halves."""


@dataclass
class Told:
    """Of a line of the table, after each epoch: AUC, and excess logloss in thousandths of a nat."""

    auc: list[float] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """Of CPU, in training."""


Line = tuple[str, str, str]
"""Whose knobs, the gradient and how it is read."""
ALONE = "no halves"
"""In the place of how halves are read: where no rows are cross-fitted."""


def told(
    its: Drawn, trainer: Trainer, train: Callable[[int], None], reads: dict[Line, Callable[[], EmbeddingTables]]
) -> dict[Line, Told]:
    """Of each line. train: does so for an epoch. reads: the tables that predictions of a line read after it."""
    found, evaluator = {line: Told() for line in reads}, Evaluator(its.data, trainer.mapping, EvalSpec())
    for epoch in range(1, EPOCHS + 1):
        trainer.start_epoch(epoch)
        began = time.process_time()
        with trainer.randomness():
            train(epoch)
        seconds = time.process_time() - began
        for line, tables in reads.items():
            guess_N = probabilities(evaluator, trainer, "test", tables())
            found[line].seconds += seconds
            found[line].auc.append(rank_metrics(guess_N, its.label_N, None)[0])
            found[line].excess.append(1000 * divergence(its.truth_N, guess_N).mean())
        trainer.end_epoch(epoch)
    return found


def as_it_is(its: Drawn, name: str, arm: Arm, registry: Registry) -> dict[Line, Told]:
    """An arm beside which cross-fitted rows stand."""
    trainer = trainer_of(its.data, arm, registry, SEED)

    def train(epoch: int) -> None:
        for batch in trainer.batches.epoch(epoch):
            trainer.step(batch)

    return told(its, trainer, train, {(name, "own", ALONE): lambda: trainer.tables})


def cross_fitted(
    its: Drawn, name: str, arm: Arm, gradient: Gradient, reads: tuple[Read, ...], registry: Registry
) -> dict[Line, Told]:
    """With the rows of an arm, which never return."""
    rows = arm.strategy.partition("+")[0]
    trainer = trainer_of(its.data, replace(arm, strategy=rows), registry, SEED)
    halves = Halves(trainer, gradient, SEED)
    return told(its, trainer, halves.epoch, {(name, gradient, how): partial(halves.read, how) for how in reads})


def one_draw(preset: str, number: int, rows: dict[str, int], registry: Registry) -> Iterator[tuple[Line, Told]]:
    """Every line, trained on a draw. rows: how many, if not as many as in `perf.bound`."""
    plain, _, ours = winners(preset)
    arms = {"plain": plain, "ours": ours}
    with drawn(preset, number, registry, **rows) as its:
        for name, arm in arms.items():
            yield from as_it_is(its, name, arm, registry).items()
        for name, gradient, reads in WAYS:
            if gradient != "tangent" or len(its.data.tasks) == 1:
                yield from cross_fitted(its, name, arms[name], gradient, reads, registry).items()


def section(preset: str, draws: list[dict[Line, Told]]) -> Iterator[str]:
    """The tables of a preset: means over draws."""
    header = ("knobs", "gradient", "read", "CPU", *(f"epoch {epoch}" for epoch in range(1, EPOCHS + 1)))
    auc, excess = [], []
    for line in draws[0]:
        its = [draw[line] for draw in draws]
        cpu = sum(one.seconds for one in its) / sum(draw["plain", "own", ALONE].seconds for draw in draws)
        begin = (*line, f"{cpu:.1f}")
        auc.append((*begin, *(f"{mean:.4f}" for mean in np.mean([one.auc for one in its], axis=0))))
        excess.append((*begin, *(f"{mean:.2f}" for mean in np.mean([one.excess for one in its], axis=0))))
    yield from (f"## {preset}", "")
    for title, rows in (("Test AUC", auc), ("Excess logloss", excess)):
        yield from (f"### {title}", "", *table(header, rows), "")


HEAD = """# Cross-fitted rows

Does a net gain by further epochs in which it never meets a row that holds the label to be told? Each half of the
training examples trains tables of its own, and the net learns on an example from the rows of the other half. Test AUC
of clicks, and excess of the expected logloss over that of the truth in thousandths of a nat, after each epoch, means
over draws, one seed each. [bound.md](bound.md) has the floor, and how knobs were found: none was searched for
cross-fitted rows.

- *knobs*: of one tuned epoch of plain training (`plain`, rows by row-wise Adagrad), or of our best arm
  (`ours`, `running_mean+return_to_mean`). With `no halves` it is that arm itself; cross-fitted rows never return.
- *gradient*: rows step by that of the net at the own row, which takes a second pass (`own`); at the own row too, but of
  the net's tangent at the other half's row, which takes none (`tangent`, for one task); at the other half's row
  (`other`), by which labels come back: rows of a half learn what those of the other lack.
- *read*: predictions read the mean row of the field, and of what the rows of both halves differ from it half (`mean`),
  all (`sum`), or the share that leaves a running mean of the examples of both (`evidence`).
- *CPU*: of training, over that of plain training.
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", action="append", choices=PRESETS, help="all of them, if none")
    parser.add_argument("--draws", type=int, default=2, help="how many draws of the data")
    parser.add_argument("--rows", type=int, help="for a try: fewer than the knobs were found on")
    parser.add_argument("--out", type=Path, default=TABLE)
    asked, console, plugins = parser.parse_args(), Console(soft_wrap=True, highlight=False), Registry()
    torch.set_num_threads(1)
    lines, about = [HEAD], environment()
    for preset in asked.preset or PRESETS:
        draws: list[dict[Line, Told]] = []
        for number in DRAWS[: asked.draws]:
            draws.append({})
            for line, reached in one_draw(preset, number, {"rows": asked.rows} if asked.rows else {}, plugins):
                draws[-1][line] = reached
                shown = [f"{a:.4f} {e:.2f}" for a, e in zip(reached.auc, reached.excess, strict=True)]
                console.print(f"{preset}, draw {number}:", *line, shown, f"{reached.seconds:.0f} s")
        lines += section(preset, draws)
    fewer = f" --rows {asked.rows}" if asked.rows else ""
    by = f"By `python -m perf.bound.cross_fitted --draws {asked.draws}{fewer}`"
    lines.append(f"{by} on {about['machine']}, {about['cores']} cores.\n")
    asked.out.write_text("\n".join(lines), encoding="utf-8")
    console.print(f"cross-fitted rows: {asked.out}")
