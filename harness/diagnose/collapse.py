"""What plain training does after its first epoch, in one task."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns
from harness.analysis.inference import LEVEL
from harness.analysis.racing import ALIKE, alike
from harness.base.words import counted
from harness.experiment.plan import Plan
from harness.metrics.catalog import measured
from harness.report.format import show
from harness.results.keys import MetricKey, Status

HARMLESS = 0.001
"""Loss of AUC below which plain training counts as safe."""
HARMLESS_LOSS = 0.005
"""The same in nats of logloss."""


@dataclass(frozen=True)
class Collapse:
    """auc, loss: its last epoch against one tuned epoch, positive where better; None: of no seed. signs: of each, where
    it is shown. epoch: from which on AUC is surely below that of its own first; None: from none. seeds: that were
    trained to an end. diverged, failed: how many of them did, and how many came to nothing, those included. enough:
    whether the others are as many as a verdict takes, and no seed of the tuned epoch failed. once_failed: whether one
    did. untold: whether the test rows, such as one positive alone, do not tell how far all this is chance."""

    auc: Estimate | None
    loss: Estimate | None
    signs: tuple[int, int]
    epoch: int | None
    task: str
    epochs: int
    seeds: int
    diverged: int
    failed: int
    enough: bool
    once_failed: bool = False
    untold: bool = False

    @property
    def falls(self) -> bool:
        """Whether AUC or logloss is shown to be worse, or training diverged. Where others failed, nothing is."""
        return self.diverged > 0 or (self.enough and not self.failed and not self.untold and min(self.signs) < 0)

    @property
    def harmless(self) -> bool:
        """Whether AUC and logloss are surely not worse by more than a little."""
        return (
            not self.falls
            and not self.failed
            and not self.untold
            and self.enough
            and _above(self.auc, -HARMLESS)
            and (self.loss is None or _above(self.loss, -HARMLESS_LOSS))
        )

    @property
    def shown(self) -> str:
        return "diverged" if self.auc is None else show(self.auc, 4, signed=True)

    @property
    def why(self) -> str:
        """In a sentence or two."""
        also = f" It {self._diverges}." if self.diverged and self.auc is not None else ""
        if self.once_failed and not self.diverged:
            also = " Some seeds of one epoch failed, so nothing is claimed."
        elif self.failed and not self.diverged:
            also = f" {self.failed} of {counted(self.seeds, 'seed')} failed, so nothing is claimed."
        elif self.untold and not self.diverged:
            also = " Its test rows do not tell how far this is chance, as with one positive, so nothing is claimed."
        return f"Trained to epoch {self.epochs} it {self.end}.{also}"

    @property
    def _diverges(self) -> str:
        return f"diverges in {self.diverged} of {counted(self.seeds, 'seed')}"

    @property
    def end(self) -> str:
        """What it does, with all that tells so."""
        if self.auc is None:
            return self._diverges
        values, since, loss = self.auc.values, "", ""
        if self.epoch:
            on = "" if self.epoch == self.epochs else " on"
            since = f", and is below its first from epoch {self.epoch}{on}"
        if self.loss is not None and self.signs[1]:
            loss = f"; its logloss is {'better' if self.signs[1] > 0 else 'worse'} by {abs(self.loss.mean):.4f} nats"
        lower = f", lower in {sum(v < 0 for v in values)} of {counted(len(values), 'seed')}" if min(values) < 0 else ""
        return f"ends {self.shown} {measured(self.task, 'auc')} from one epoch{lower}{since}{loss}"


def of_task(analysis: GroupAnalysis, task: str) -> Collapse | None:
    """None: there is no repetition of plain training, or no baseline, to tell by."""
    plain = analysis.group.plain
    auc, loss = (_end(analysis, task, metric) for metric in ("auc", "logloss"))
    diverged = 0 if plain is None else sum(run.status == Status.FAILED for run in plain.runs.values())
    if plain is None or (auc is None and not diverged):
        return None
    among = 1 if task == analysis.group.task else max(1, len(analysis.group.tasks) - 1)
    signs = tuple(0 if end is None else direction(end, among) for end in (auc, loss))
    once_failed = analysis.group.once_failed
    return Collapse(
        auc, loss, (signs[0], signs[1]), _below_from(analysis, plain, task), task, analysis.group.epochs,
        len(plain.finished) + len(plain.failed), diverged, len(plain.failed), enough(auc) and not once_failed,
        once_failed, analysis.sampling_errors(task, "auc").untold(plain),
    )  # fmt: skip


def enough(found: Estimate | None) -> bool:
    """Whether a value has as many seeds as a verdict takes: fewer on the same rows may vary too little by chance."""
    return found is not None and found.n >= ALIKE


def too_few(plan: Plan) -> str:
    """Why no verdict can come of a plan, and what to write instead; empty: it has seeds enough."""
    if len(plan.seeds) >= ALIKE:
        return ""
    return (
        f"the split has {len(plan.seeds)} time origins, one for each seed, and a verdict takes {ALIKE}: write "
        f"rolling = {ALIKE} or more under [split] of the schema, or leave it out"
    )


def direction(end: Estimate, among: int = 1) -> int:
    """Where the interval excludes zero, or all seeds of enough are on one side.

    among: so many labels share the level, any of which would be said to fall: the more, the more of them do by chance.
    """
    if end.p_value is not None and end.p_value < LEVEL / among:
        return 1 if end.mean > 0 else -1
    return alike(end, among)


def _end(analysis: GroupAnalysis, task: str, metric: str) -> Estimate | None:
    rows = analysis.compared(task, metric) if metric in analysis.recorded(task) else []
    return next((row.value("final_epoch_gain") for row in rows if row.arm is analysis.group.plain), None)


def _below_from(analysis: GroupAnalysis, plain: ArmRuns, task: str) -> int | None:
    """The first epoch that is surely below the first one, as all after it are."""
    key = MetricKey(analysis.group.split, "auc", task)
    errors, found = analysis.sampling_errors(task, "auc"), None
    ends = {
        seed: [end.metrics[key] for end in run.boundaries if key in end.metrics] for seed, run in plain.finished.items()
    }
    for epoch in range(min(map(len, ends.values()), default=0), 1, -1):
        error = errors.of([(plain, epoch, 1), (plain, "first", -1)], ends)
        changes = (values[epoch - 1] - values[0] for values in ends.values())
        change = analysis.group.estimate(changes, plain, test_error=error)
        if change is None or change.sign >= 0:
            break
        found = epoch
    return found


def _above(change: Estimate | None, bound: float) -> bool:
    return change is not None and change.low is not None and change.low > bound
