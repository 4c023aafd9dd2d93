"""What plain training does after its first epoch, in one task."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate, estimate
from harness.analysis.racing import alike
from harness.metrics.catalog import measured
from harness.report.format import show
from harness.results.keys import MetricKey

HARMLESS = 0.001
"""Loss of AUC below which plain training counts as safe."""


@dataclass(frozen=True)
class Collapse:
    """auc, loss: its last epoch against one tuned epoch, positive where better. signs: of each, where it is shown.
    epoch: the first whose AUC is surely below that of its own first; None: none is."""

    auc: Estimate
    loss: Estimate | None
    signs: tuple[int, int]
    epoch: int | None
    task: str
    epochs: int

    @property
    def falls(self) -> bool:
        """Whether AUC or logloss is shown to be worse."""
        return min(self.signs) < 0

    @property
    def harmless(self) -> bool:
        """Whether AUC is surely not down by more than `HARMLESS`, and logloss not surely up."""
        return (
            not self.falls
            and self.auc.low is not None
            and self.auc.low > -HARMLESS
            and (self.loss is None or self.loss.sign >= 0)
        )

    @property
    def shown(self) -> str:
        return show(self.auc, 4, signed=True)

    @property
    def why(self) -> str:
        """In a sentence or two."""
        values, since, loss = (
            self.auc.values,
            f", and is below its first from epoch {self.epoch} on" if self.epoch else "",
            "",
        )
        if self.loss is not None and self.signs[1]:
            loss = f"; its logloss is {'better' if self.signs[1] > 0 else 'worse'} by {abs(self.loss.mean):.4f} nats"
        lower = f", lower in {sum(v < 0 for v in values)} of {len(values)} seeds" if min(values) < 0 else ""
        where = f"{self.shown} {measured(self.task, 'auc')} from one epoch"
        return f"Trained to epoch {self.epochs} it ends {where}{lower}{since}{loss}."


def of_task(analysis: GroupAnalysis, task: str) -> Collapse | None:
    """None: there is no repetition of plain training, or no baseline, to tell by."""
    auc, loss = (_end(analysis, task, metric) for metric in ("auc", "logloss"))
    if auc is None:
        return None
    signs = (direction(auc), 0 if loss is None else direction(loss))
    return Collapse(auc, loss, signs, _first_below(analysis, task), task, analysis.group.epochs)


def _end(analysis: GroupAnalysis, task: str, metric: str) -> Estimate | None:
    rows = analysis.compared(task, metric) if metric in analysis.recorded(task) else []
    return next((row.value("final_epoch_gain") for row in rows if row.arm is analysis.group.plain), None)


def direction(end: Estimate) -> int:
    """Where the interval excludes zero, or all seeds of enough are on one side."""
    return end.sign or alike(end)


def _first_below(analysis: GroupAnalysis, task: str) -> int | None:
    plain, key = analysis.group.plain, MetricKey(analysis.group.split, "auc", task)
    assert plain is not None
    ends = [[end.metrics[key] for end in run.boundaries if key in end.metrics] for run in plain.finished.values()]
    for epoch in range(2, min(map(len, ends), default=0) + 1):
        change = estimate(values[epoch - 1] - values[0] for values in ends)
        if change is not None and change.sign < 0:
            return epoch
    return None
