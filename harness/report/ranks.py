"""Arms ranked over data sets and tasks: Friedman's test, and the differences of average rank that mean something.

After Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.report.inference import LEVEL, Floats
from harness.report.load import Comparison, Group
from harness.report.stats import rows


@dataclass(frozen=True)
class Ranking:
    """Average ranks over blocks, a block being a task of a data set and model; best first, 1 is best.

    p: Friedman's test that no arm differs. critical_difference: two arms whose average ranks are further apart differ
    at .05 (Nemenyi's test). left_out: arms without a gain in some block.
    """

    metric: str
    blocks: tuple[str, ...]
    names: tuple[str, ...]
    ranks: tuple[float, ...]
    p: float
    critical_difference: float
    left_out: tuple[str, ...]

    @property
    def cliques(self) -> list[tuple[int, int]]:
        """First and last index of every largest set of arms that are not told apart."""
        found: list[tuple[int, int]] = []
        for first, rank in enumerate(self.ranks):
            last = max(i for i, other in enumerate(self.ranks) if other - rank <= self.critical_difference)
            if last > first and not any(last <= end for _, end in found):
                found.append((first, last))
        return found


def rank_over_blocks(comparison: Comparison) -> Ranking | None:
    """The arms of a plan, and one epoch of the baseline, by their gain in every task of every group.

    None where fewer than three of them have a gain in each of at least two blocks, or the groups differ in metric.
    """
    gains = {f"{group.name}, {task}": _gains(group, task) for group in comparison.groups for task in group.tasks}
    names = sorted(set().union(*gains.values())) if gains else []
    complete = [name for name in names if all(name in found for found in gains.values())]
    metrics = {group.metric for group in comparison.groups}
    if len(gains) < 2 or len(complete) < 3 or len(metrics) > 1:
        return None
    scores = np.array([[found[name] for name in complete] for found in gains.values()])
    average = average_ranks(scores)
    order = np.argsort(average, kind="stable")
    return Ranking(
        metric=metrics.pop(),
        blocks=tuple(gains),
        names=tuple(complete[i] for i in order),
        ranks=tuple(float(average[i]) for i in order),
        p=friedman(scores),
        critical_difference=nemenyi(len(complete), len(gains)),
        left_out=tuple(name for name in names if name not in complete),
    )


def average_ranks(score_BM: Floats) -> Floats:
    """Mean over B blocks of the rank of each of M arms, the largest score being 1 and ties sharing their mean rank."""
    return np.asarray(stats.rankdata(-score_BM, axis=1).mean(0))


def friedman(score_BM: Floats) -> float:
    """p of Friedman's test over B blocks that M >= 3 arms do not differ; 1 where every block is a tie."""
    with np.errstate(invalid="ignore"):
        p = float(stats.friedmanchisquare(*score_BM.T).pvalue)
    return 1.0 if math.isnan(p) else p


def nemenyi(arms: int, blocks: int) -> float:
    """The critical difference of average ranks at .05."""
    studentised = float(stats.studentized_range.isf(LEVEL, arms, np.inf))
    return studentised / math.sqrt(2) * math.sqrt(arms * (arms + 1) / (6 * blocks))


def _gains(group: Group, task: str) -> dict[str, float]:
    found: Sequence[tuple[str, float | None]] = [
        (row.arm.label, gain.mean if (gain := row.value("gain")) else None) for row in rows(group, task, group.metric)
    ]
    return {name: gain for name, gain in found if gain is not None}
