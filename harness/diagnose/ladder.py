"""What a sample says of the whole log: the same comparison on parts of it, and the line that its sizes lie on.

A straight line in the logarithm of the size is fitted to the means by weighted least squares and read off at the whole
log. Its interval is of Student's t with the seeds' degrees of freedom, and grows with the way from the sample to the
log. A line is not believed whose smallest size has epochs of few steps, in which one epoch does not converge; whose
sizes differ in sign or do not lie on it (Cochran's Q at 5 %); that is followed further than twice the way between its
sizes, or more than doubles on it; or whose interval holds zero. Nor is one that logloss speaks against, its frequency
buckets weighted as in the whole log, as a sample has more rows of rare ids.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison, paired
from harness.analysis.estimates import Estimate
from harness.analysis.groups import FEW_STEPS, ArmRuns
from harness.analysis.inference import LEVEL, Floats
from harness.base.words import counted
from harness.data.indexed_dataset import IndexedDataset
from harness.metrics.catalog import BUCKETS
from harness.metrics.classification import bucket_of
from harness.report.format import percent, show
from harness.results.keys import MetricKey

RUNGS = (0.5, 0.25)
"""Of the sample, beside itself."""
FAR = 2.0
"""How far a line is followed, in what lies between its smallest and its largest size, in doublings."""


@dataclass(frozen=True)
class Line:
    """A quantity at several sizes, and what it comes to at the whole log. shares: of the log, with a value each.
    steps: of the optimiser in an epoch of the smallest. weighted: gain in logloss at the largest, buckets weighted as
    in the whole log. lost: whether seeds of it failed, or of one epoch, at any size."""

    what: str
    shares: tuple[float, ...]
    values: tuple[Estimate, ...]
    steps: int
    weighted: Estimate | None = None
    lost: bool = False

    @property
    def whole(self) -> tuple[float, float, float]:
        """Mean and ends of the interval; unbounded from one size."""
        x_S, y_S, weight_S = self._points()
        if len(x_S) < 2:
            return float(y_S[0]), -math.inf, math.inf
        design_SC = np.stack([np.ones_like(x_S), x_S], axis=1)
        spread_CC = np.linalg.inv(design_SC.T * weight_S @ design_SC)
        mean = float((spread_CC @ (design_SC.T @ (weight_S * y_S)))[0])
        freedom = min(value.n for value in self.values) - 1
        half = -float(special.stdtrit(freedom, LEVEL / 2)) * math.sqrt(spread_CC[0, 0])
        return mean, mean - half, mean + half

    @property
    def straight(self) -> bool:
        """Whether the sizes lie on a line, as far as their errors tell."""
        x_S, y_S, weight_S = self._points()
        if len(x_S) < 3:
            return True
        slope, start = np.polyfit(x_S, y_S, 1, w=np.sqrt(weight_S))
        q = float((weight_S * np.square(y_S - start - slope * x_S)).sum())
        return float(special.chdtrc(len(x_S) - 2, q)) >= LEVEL

    @property
    def doubt(self) -> str:
        """Why it may not be believed; empty: it may."""
        if len(self.shares) < 2:
            return "one size was trained"
        if self.lost:
            return "some seeds failed, and those that are left were not drawn by chance"
        return self._of_sizes or self._of_whole

    @property
    def _of_sizes(self) -> str:
        """Why these sizes make no line."""
        if self.steps < FEW_STEPS:
            return f"an epoch of the smallest sample has {counted(self.steps, 'optimiser step')}, too few to converge"
        if len({np.sign(value.mean) for value in self.values}) > 1:
            return "its sign differs between the sizes"
        if not self.straight:
            return "the sizes do not lie on a line"
        if -math.log2(self.shares[0]) > FAR * math.log2(self.shares[0] / self.shares[-1]):
            return f"the whole log is {1 / self.shares[0]:.3g} times the largest sample, too far for a line"
        return ""

    @property
    def _of_whole(self) -> str:
        """Why what the line comes to is not clear."""
        mean, low, high = self.whole
        side = int(low > 0) - int(high < 0)
        if not side:
            return f"at the whole log it may be anything from {low:+.4f} to {high:+.4f}"
        if side != np.sign(self.values[0].mean):
            return "it would change its sign on the way"
        if abs(mean - self.values[0].mean) > abs(self.values[0].mean):
            return "it would more than double on the way"
        if self.weighted is not None and self.weighted.sign == -side:
            size = show(self.weighted, 4, signed=True)
            return f"logloss, its buckets weighted as in the whole log, says otherwise: {size}"
        return ""

    def _points(self) -> tuple[Floats, Floats, Floats]:
        """Logarithms of the shares, means, and weights."""
        error = np.array([max(value.error or 0.0, 1e-9) for value in self.values])
        return np.log2(self.shares), np.array([value.mean for value in self.values]), error**-2.0

    @property
    def text(self) -> str:
        sizes = ", ".join(
            f"{value.mean:+.4f} on {percent(share)}" for share, value in zip(self.shares, self.values, strict=True)
        )
        mean, low, high = self.whole
        believed = f"may not be believed: {self.doubt}" if self.doubt else "may be believed"
        if not math.isfinite(low):
            return f"{self.what}: {sizes}; what that says of the whole log {believed}"
        whole = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
        return f"{self.what}: {sizes}; a line through these gives {whole} on the whole log, which {believed}"


@dataclass(frozen=True)
class Ladder:
    """lines: of what the verdict rests on. why: it was not tried; empty: it was."""

    lines: tuple[Line, ...] = ()
    why: str = ""

    @property
    def believed(self) -> bool:
        return bool(self.lines) and not any(line.doubt for line in self.lines)

    @property
    def text(self) -> str:
        if self.why:
            return f"What it says of the whole log may not be believed: {self.why}."
        return f"Trained again on parts of it: {'. '.join(line.text for line in self.lines)}."


def shares_of_buckets(data: IndexedDataset) -> dict[str, float]:
    """Bucket -> its share of the validation rows, by the rarest id of a row."""
    bucket_N = bucket_of(data.rarest_count_N(data.valid))
    return {name: float((bucket_N == b).mean()) for b, (name, _) in enumerate(BUCKETS)}


def ladder_of(
    sizes: Sequence[tuple[float, GroupAnalysis]], lead: str | None, whole: Mapping[str, float],
    beside: Sequence[str] = (),
) -> Ladder:  # fmt: skip
    """sizes: share of the log, and the comparison there; the largest first. lead: the strategy whose gain the verdict
    rests on, if any. whole: share of each bucket in the whole log. beside: tasks that fall, beside that which is
    selected by."""
    asked: list[tuple[str, str | None, bool, str]] = [("plain training's last epoch over one epoch", "none", True, "")]
    asked += [(f"plain training's last epoch over one epoch, in {task}", "none", True, task) for task in beside]
    asked += [(f"{lead} over one epoch", lead, False, "")] if lead not in (None, "none") else []
    lines, steps = [], _fewest_steps([each for _, each in sizes])
    for what, strategy, last, task in asked:
        quantity = "final_epoch_gain" if last else "gain"
        rows = [(share, row) for share, each in sizes if (row := _row(each, strategy, task)) is not None]
        found = [(share, value) for share, row in rows if (value := row.value(quantity)) is not None]
        lost = any(row.lost(quantity) for _, row in rows)
        arm = next((arm for arm in sizes[0][1].group.arms if arm.label == strategy), None)
        weighted = None if arm is None or task else weighted_loss(sizes[0][1], arm, whole, last=last)
        if found:
            lines.append(Line(what, tuple(s for s, _ in found), tuple(v for _, v in found), steps, weighted, lost))
    return Ladder(tuple(lines)) if lines else Ladder(why="no repetition was done in time")


def _fewest_steps(sizes: Sequence[GroupAnalysis]) -> int:
    """Of an epoch of any arm, at any size."""
    return min((arm.first_epoch or 0 for each in sizes for arm in each.group.everything if arm.finished), default=0)


def _row(analysis: GroupAnalysis, strategy: str | None, task: str) -> ArmComparison | None:
    """task: empty for that which is selected by."""
    rows = analysis.compared(task, "auc") if task else analysis.ranked
    return next((row for row in rows if row.arm.label == strategy and not row.arm.is_baseline), None)


def weighted_loss(analysis: GroupAnalysis, arm: ArmRuns, whole: Mapping[str, float], *, last: bool) -> Estimate | None:
    """Gain in valid logloss over the baseline, each bucket with its share of the whole log."""
    group, total = analysis.group, dict[int, float]()
    if group.baseline is None:
        return None
    for bucket, share in whole.items():
        key = MetricKey("valid", "logloss", group.task, bucket)
        gains = paired(analysis.at_boundary(group.baseline, key), analysis.at_boundary(arm, key, last=last))
        for seed, gain in gains.items():
            total[seed] = total.get(seed, 0.0) + share * gain
    return group.estimate(total.values(), arm)
