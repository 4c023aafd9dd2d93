"""Which arms of a race are settled, and why: by always-valid intervals, whatever decides when it is asked.

All statements of a group share one level: those on the gain of each arm over one tuned epoch, and on each pair of arms.
So the chance that any arm is ever dropped falsely is at most `LEVEL`. It is low, as what is claimed of arms that were
settled adds to what Student's test claims falsely of those that never were (`python -m perf.racing` measures both).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.groups import spoken

LEVEL = 0.02
ALIKE = 5
"""Seeds whose common sign shows the direction of a change, which is chance one time in 32, also where it is asked after
each further one: collapses differ in size by far more than an interval takes them to."""


def statements(arms: int) -> int:
    """How many the level is shared by."""
    return arms + arms * (arms - 1) // 2


def settled(analysis: GroupAnalysis, near: float) -> dict[str, str]:
    """Label of every arm that needs no more repetitions -> why. near: a gain that is nothing to speak of."""
    rows = [row for row in analysis.ranked if not row.arm.is_baseline]
    level = LEVEL / max(1, statements(len(rows)))
    found = {}
    for row in rows:
        why = row.arm.arm.settled or _failed(row) or _of_gain(row, near, level) or _behind(analysis, row, rows, level)
        if why and (row.arm is not analysis.group.plain or _fall_is_clear(row, near, level)):
            found[row.arm.label] = why
    return found


def _failed(row: ArmComparison) -> str:
    return "some of its seeds failed" if row.arm.failed else ""


def _of_gain(row: ArmComparison, near: float, level: float) -> str:
    """Where its gain surely is; a gain also waits for what it is over the own first epoch."""
    gain, further = row.value("gain"), row.value("gain_after_own_first")
    if gain is None or row.lost("gain"):
        return ""
    if gain.identical:
        return "validation picks its first epoch, which is the reference"
    low, high = gain.always(level)
    if high < 0:
        return "surely below one tuned epoch"
    if -near < low and high < near:
        return f"surely within {near:g} of one tuned epoch"
    if low > 0 and (further is None or _is_clear(further, near, level)):
        return "surely above one tuned epoch"
    return ""


def _behind(analysis: GroupAnalysis, row: ArmComparison, rows: Sequence[ArmComparison], level: float) -> str:
    """The first arm that is surely better, of those without a failed seed."""
    for other in rows:
        difference = None if other is row or other.arm.failed else analysis.against(row.arm, other.arm)
        if difference is not None and difference.always(level)[1] < 0:
            return f"surely behind {spoken(other.arm.label)}"
    return ""


def _fall_is_clear(plain: ArmComparison, near: float, level: float) -> bool:
    """Whether it is known where plain training ends."""
    end = plain.value("final_epoch_gain")
    return end is None or plain.arm.failed != () or _is_clear(end, near, level) or alike(end) != 0


def _is_clear(change: Estimate, near: float, level: float) -> bool:
    low, high = change.always(level)
    return change.identical or low > 0 or high < 0 or (-near < low and high < near)


def alike(change: Estimate, among: int = 1) -> int:
    """The side on which all of at least five seeds are, further than the test rows, which they share, can move them.

    among: so many changes, any of which would be spoken of; each doubling takes a seed more.
    """
    middle = median(change.values)
    if change.n < ALIKE + math.ceil(math.log2(among)) or abs(middle) < 2 * change.test_error:
        return 0
    return int(min(change.values) > 0) - int(max(change.values) < 0)
