"""Arms ranked over data sets and tasks: Friedman's test, and the differences of average rank that mean something.

After Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006). His blocks are independent;
the tasks of a data set share their runs and are not, so that a data set with its model is one block, in which an arm's
rank is by its mean rank over the tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.analysis.inference import LEVEL, Floats

FEWEST_BLOCKS = 3
"""That a test of ranks is made of."""


@dataclass(frozen=True)
class Ranking:
    """Average ranks over blocks, a block being a data set and model; best first, 1 is best.

    tasks: of all blocks together. p: Friedman's test that no arm differs. critical_difference: two arms whose average
    ranks are further apart differ at .05 (Nemenyi's test). Both None where the blocks are too few for a test. left_out:
    arms without a gain in some task, or with a failed seed.
    """

    metric: str
    blocks: tuple[str, ...]
    tasks: int
    names: tuple[str, ...]
    ranks: tuple[float, ...]
    p: float | None
    critical_difference: float | None
    left_out: tuple[str, ...]

    @property
    def cliques(self) -> list[tuple[int, int]]:
        """First and last index of every largest set of arms that are not told apart; none without a test."""
        found: list[tuple[int, int]] = []
        if self.critical_difference is None:
            return found
        for first, rank in enumerate(self.ranks):
            last = max(i for i, other in enumerate(self.ranks) if other - rank <= self.critical_difference)
            if last > first and not any(last <= end for _, end in found):
                found.append((first, last))
        return found


def rank_over_blocks(gains: Mapping[str, Sequence[Mapping[str, float]]], metrics: set[str]) -> Ranking | None:
    """The arms of a plan, and one epoch of the baseline, ranked by their gain in every task of every block.

    gains: block -> by task, arm -> gain. metrics: of the blocks.

    None where fewer than three arms have a gain in each of at least two tasks, or the blocks differ in metric.
    """
    every = [found for tasks in gains.values() for found in tasks]
    names = sorted(set().union(*every))
    complete = [name for name in names if all(name in found for found in every)]
    if len(every) < 2 or len(complete) < 3 or len(metrics) > 1:
        return None
    ranks = [average_ranks(np.array([[found[n] for n in complete] for found in tasks])) for tasks in gains.values()]
    scores, tested = -np.array(ranks), len(ranks) >= FEWEST_BLOCKS
    average = average_ranks(scores) if len(ranks) > 1 else ranks[0]
    order = np.argsort(average, kind="stable")
    return Ranking(
        metric=next(iter(metrics)),
        blocks=tuple(gains),
        tasks=len(every),
        names=tuple(complete[i] for i in order),
        ranks=tuple(float(average[i]) for i in order),
        p=friedman(scores) if tested else None,
        critical_difference=nemenyi(len(complete), len(gains)) if tested else None,
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
