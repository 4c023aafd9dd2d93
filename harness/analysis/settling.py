"""Which arms of a plan need more repetitions, where what they showed so far may decide that.

What compares arms is imported when it is first asked: a launch would wait for scipy.stats.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.experiment.plan import Plan
from harness.results.keys import ArmId
from harness.results.plan_results import PlanResult

if TYPE_CHECKING:
    from harness.analysis.analysis import GroupAnalysis
    from harness.analysis.comparisons import ArmComparison


class Settled(NamedTuple):
    """open: the arms that need more, and the baselines they are compared with. why: of the others, in a race."""

    open: set[ArmId]
    why: dict[ArmId, str]


def unsettled(plan: Plan, result: PlanResult, results: Path) -> Settled:
    """Which arms are settled by now, from the runs that are on disk."""
    from harness.analysis import racing
    from harness.analysis.analysis import Analysis
    from harness.analysis.load import Comparison, groups

    found, why = set[ArmId](), dict[ArmId, str]()
    for each in Analysis(Comparison(result, plan, groups(plan, result, results))).groups:
        arms = [row for row in each.ranked if not row.arm.is_baseline]
        if plan.settling is not None and not plan.draws:
            said = racing.settled(each, plan.settling.settle)
            open_ = [row.arm.arm.id for row in arms if row.arm.label not in said]
            why |= {row.arm.arm.id: said[row.arm.label] for row in arms if row.arm.label in said}
        else:
            open_ = [row.arm.arm.id for row in arms if not is_settled(each, row)]
        base = each.group.baseline
        found.update(open_, [base.arm.id] if open_ and base else [])
    return Settled(found, why)


def is_settled(analysis: GroupAnalysis, row: ArmComparison) -> bool:
    """Whether the always-valid interval of an arm's gain, corrected for the number of arms, lies on one side of zero or
    within what the plan calls settled. What has failed or is the baseline to the bit will not change."""
    from harness.analysis.comparisons import family
    from harness.analysis.inference import LEVEL

    settling, gain = analysis.plan.settling, row.value("gain")
    assert settling is not None
    if gain is None or gain.identical or row.arm.failed:
        return True
    low, high = gain.always(LEVEL / max(1, family(analysis.ranked, "gain")))
    return low > 0 or high < 0 or (low > -settling.settle and high < settling.settle)
