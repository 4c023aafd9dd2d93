"""All that is computed of a comparison, each once: terminal, pages, tables, figures and CSV read the same numbers."""

from __future__ import annotations

from functools import cached_property

from harness.analysis.comparisons import ArmComparison, BySeed, Epochs, compare_arms, corrected, paired
from harness.analysis.estimates import Estimate, holm
from harness.analysis.groups import ArmRuns, Group
from harness.analysis.load import Comparison
from harness.analysis.pooling import Pooled, pool
from harness.analysis.ranks import Ranking, rank_over_blocks
from harness.analysis.sampling import SamplingErrors
from harness.base.errors import UserError
from harness.experiment.plan import Plan
from harness.metrics.catalog import BUCKETS, METRICS, sign_of
from harness.metrics.selection import choose
from harness.results.keys import MetricKey


class GroupAnalysis:
    """The arms of one data set and model, compared."""

    def __init__(self, group: Group, plan: Plan) -> None:
        self.group, self.plan = group, plan
        self.read_with: tuple[GroupAnalysis, ...] = ()
        """The other groups of the plan, which are read in the same tables."""
        self._uncorrected: dict[tuple[str, str], list[ArmComparison]] = {}
        self._compared: dict[tuple[str, str], list[ArmComparison]] = {}
        self._errors: dict[tuple[str, str], SamplingErrors] = {}
        self._flips: dict[tuple[str, str, str, bool], dict[int, float | None]] = {}

    @cached_property
    def epochs(self) -> Epochs:
        """By `id` of the arm, seed -> the epoch that the arm's rule picks, on the validation split, in the plan's task
        and metric.

        Raises:
            UserError: a run does not record what the plan selects by.
        """
        return {id(arm): self._chosen(arm) for arm in self.group.everything}

    def recorded(self, task: str) -> list[str]:
        """The metrics of a task that its runs recorded where values are read, in the order of the catalogue."""
        ends = [run.boundaries[0].metrics for arm in self.group.everything for run in arm.finished.values()]
        keys = {name: MetricKey(self.group.split, name, task) for name in METRICS}
        return [name for name, key in keys.items() if any(key in end for end in ends)]

    @property
    def ranked(self) -> list[ArmComparison]:
        """Every arm in the plan's task and metric, the largest gain first."""
        return self.compared(self.group.task, self.group.metric)

    @property
    def plain(self) -> ArmComparison | None:
        """Plain training among the ranked."""
        return next((row for row in self.ranked if row.arm is self.group.plain), None)

    def compared(self, task: str, metric: str) -> list[ArmComparison]:
        """Every arm, the largest gain over the one-epoch baseline first, arms without a value last."""
        if (task, metric) not in self._compared:
            self._compared[task, metric] = corrected(self.uncorrected(task, metric), self._beside(task, metric))
        return self._compared[task, metric]

    def uncorrected(self, task: str, metric: str) -> list[ArmComparison]:
        """The same before p is corrected for what is read together."""
        if (task, metric) not in self._uncorrected:
            self._uncorrected[task, metric] = compare_arms(
                self.group, self.epochs, task, metric, self.sampling_errors(task, metric)
            )
        return self._uncorrected[task, metric]

    def sampling_errors(self, task: str, metric: str) -> SamplingErrors:
        """Those of means in a task and metric, which keep what they have read."""
        if (task, metric) not in self._errors:
            self._errors[task, metric] = self._errors_of(self.epochs, task, metric)
        return self._errors[task, metric]

    def _errors_of(self, epochs: Epochs, task: str, metric: str) -> SamplingErrors:
        key = MetricKey(self.group.split, metric, task)
        return SamplingErrors(self.group, epochs, key, kept=self.plan.keeps_influences)

    def _beside(self, task: str, metric: str) -> list[ArmComparison]:
        """The arms of other groups that are read with those of this one: in their own main task, or in that task."""
        main = task == self.group.task
        asked = [(other, other.group.task if main else task) for other in self.read_with]
        return [row for other, its in asked if its in other.group.tasks for row in other.uncorrected(its, metric)]

    def sign_flips(
        self, task: str, metric: str, quantity: str, *, against_none: bool = False
    ) -> dict[int, float | None]:
        """Holm-adjusted p of the sign-flip test of a difference, by `id` of the comparison; the baseline has none."""
        key = (task, metric, quantity, against_none)
        if key not in self._flips:
            found = self.compared(task, metric)
            arms = [row for row in (*found, *self._beside(task, metric)) if not row.arm.is_baseline]
            differences = [row.difference(quantity, against_none=against_none) for row in arms]
            adjusted = holm([None if d is None else d.sign_flip for d in differences])
            self._flips[key] = dict.fromkeys(map(id, found)) | dict(zip(map(id, arms), adjusted, strict=True))
        return self._flips[key]

    def loses(self, arm: ArmRuns) -> bool:
        """Whether AUC or logloss of any task is shown to be worse than the baseline's. Test rows that do not tell their
        error show nothing."""
        tables = (
            self.compared(task, metric)
            for task in self.group.tasks
            for metric in ("auc", "logloss")
            if metric in self.recorded(task) and not self.sampling_errors(task, metric).untold(arm)
        )
        return any(row.shown("gain") < 0 for table in tables for row in table if row.arm is arm)

    def at_chosen(self, arm: ArmRuns) -> BySeed:
        """An arm at its chosen epochs, in the plan's task and metric."""
        return self.at_boundary(arm, MetricKey(self.group.split, self.group.metric, self.group.task))

    def gain_at(self, arm: ArmRuns, key: MetricKey, *, last: bool = False) -> Estimate | None:
        """Gain over the baseline in one metric, at the arm's chosen epochs or at its last; None without a baseline.

        Its interval is of seeds alone.
        """
        base = {} if self.group.baseline is None else self.at_boundary(self.group.baseline, key)
        gains = paired(self.at_boundary(arm, key, last=last), base)
        return self.group.estimate((sign_of(key.metric) * gain for gain in gains.values()), arm)

    def against(self, left: ArmRuns, right: ArmRuns, other: GroupAnalysis | None = None) -> Estimate | None:
        """How much better one arm is than another at their chosen epochs.

        other: the group of the second, which has the same data, task and metric in another results folder; None: this.
        """
        group, there = self.group, other or self
        gains = paired(self.at_chosen(left), there.at_chosen(right))
        errors = self.sampling_errors(group.task, group.metric)
        if other is not None:
            errors = self._errors_of({**self.epochs, **other.epochs}, group.task, group.metric)
        error = errors.of([(left, "chosen", 1), (right, "chosen", -1)], gains)
        values = (sign_of(group.metric) * gain for gain in gains.values())
        return group.estimate(values, left, right, test_error=error)

    def bucket_gains(self, arm: ArmRuns, *, last: bool) -> dict[str, Estimate]:
        """By training count of the rarest id: valid gain over the baseline, at the chosen or at the last epoch."""
        keys = {bucket: MetricKey("valid", self.group.metric, self.group.task, bucket) for bucket, _ in BUCKETS}
        found = {bucket: self.gain_at(arm, key, last=last) for bucket, key in keys.items()}
        return {bucket: gain for bucket, gain in found.items() if gain is not None}

    def _chosen(self, arm: ArmRuns) -> dict[int, int]:
        try:
            return {
                seed: choose(arm.arm.select, self.group.metric, self.group.task, run.records)[0]
                for seed, run in arm.finished.items()
            }
        except KeyError as error:
            raise UserError(
                f"a run of arm '{arm.arm.id}' records no {error.args[0]}, which its plan selects by"
            ) from error

    def at_boundary(self, arm: ArmRuns, key: MetricKey, *, last: bool = False) -> BySeed:
        """One metric of an arm at the end of its chosen epochs, or of its last."""
        ends = {
            seed: run.boundaries[-1 if last else self.epochs[id(arm)][seed] - 1] for seed, run in arm.finished.items()
        }
        return {seed: end.metrics[key] for seed, end in ends.items() if key in end.metrics}


class Analysis:
    """A plan's comparison with everything computed of it."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.groups = tuple(GroupAnalysis(group, comparison.plan) for group in comparison.groups)
        for each in self.groups:
            each.read_with = tuple(other for other in self.groups if other is not each)

    @cached_property
    def ranking(self) -> Ranking | None:
        """Arms ranked over data sets and tasks; None where there are too few."""
        gains = {
            found.group.name: [_gains(found, task) for task in found.group.tasks]
            for found in self.groups
            if found.group.tasks
        }
        return rank_over_blocks(gains, {found.group.metric for found in self.groups})

    @cached_property
    def pooled(self) -> dict[str, Pooled]:
        """By label, what the gains of each arm say of another data set; the largest mean first.

        None of a plan with several models, of an arm without an interval on each data set, of one with a failed seed
        of its own or of the baseline, and of fewer than three data sets.
        """
        if len({found.group.model for found in self.groups}) > 1:
            return {}
        measured: dict[str, list[Estimate]] = {}
        for row in (row for found in self.groups for row in found.ranked):
            gain = row.value("gain")
            lost = row.lost("gain")
            if gain is not None and gain.error is not None and not lost and not row.arm.is_baseline:
                measured.setdefault(row.arm.label, []).append(gain)
        whole = {label: gains for label, gains in measured.items() if len(gains) == len(self.groups)}
        tried = {n: pool([g.mean for g in gains], [g.error or 0.0 for g in gains]) for n, gains in whole.items()}
        found = {name: each for name, each in tried.items() if each is not None}
        return dict(sorted(found.items(), key=lambda each: -each[1].mean))


def _gains(found: GroupAnalysis, task: str) -> dict[str, float]:
    compared = found.compared(task, found.group.metric)
    rows = [row for row in compared if not row.arm.failed]
    return {row.arm.label: gain.mean for row in rows if (gain := row.value("gain")) is not None}
