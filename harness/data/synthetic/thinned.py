"""A log of which only a share of the negatives of one task was kept: which rows stay, and what their truth is then.

Let p be the probability of the task s and k the share of its negatives that stays. A row stays with probability
w = p + (1 - p) k, so that p / w is the truth of s among the rows that do: He et al. 2014, "Practical lessons from
predicting clicks on ads at Facebook", section 6.3, read backwards. Of any task u

    P(u | kept) = (k P(u) + (1 - k) P(u and s)) / w,    P(u and s) = P(u) P(s) / P(the last task that both are under)

as two tasks that share no more of the funnel are drawn apart; of a task and itself, or one above it, the last such
task is the upper one, and where there is none its probability is 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from harness.data.synthetic.population import Population


def kept_truth(p: Population, truth_NT: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The truth of every task, given that a row was kept."""
    assert p.thinned is not None
    s, share = list(p.tasks).index(p.thinned), p.tasks[p.thinned].kept
    full_NT = truth_NT.astype(np.float64)
    weight_N = full_NT[:, s] + share * (1 - full_NT[:, s])
    out_NT = np.empty_like(truth_NT)
    for u in range(len(p.tasks)):
        last = _last_common(p, u, s)
        of_both_N = full_NT[:, u] * full_NT[:, s] / (1.0 if last is None else full_NT[:, last])
        out_NT[:, u] = (share * full_NT[:, u] + (1 - share) * of_both_N) / weight_N
    return out_NT


def _last_common(p: Population, u: int, s: int) -> int | None:
    """The last task of the funnel that two have in common, themselves included."""
    above_s = [*_funnel(p, s)]
    return next((t for t in _funnel(p, u) if t in above_s), None)


def _funnel(p: Population, t: int) -> Iterator[int]:
    """A task and those that it is under, the nearest first."""
    names, tasks = list(p.tasks), list(p.tasks.values())
    while True:
        yield t
        under = tasks[t].under
        if under is None:
            return
        t = names.index(under)
