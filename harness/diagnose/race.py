"""The race of a diagnosis: who is asked for more repetitions while there is time, and what became of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.groups import seeds, spoken
from harness.analysis.settling import Settled, unsettled
from harness.diagnose.again import SEEDS
from harness.diagnose.sizing import SPARE, START
from harness.experiment.plan import Plan
from harness.report.format import named
from harness.results.keys import ArmId
from harness.results.plan_results import Arm, PlanResult
from harness.results.run_reader import seconds

ARMS_AGAIN = 3
"""Of a comparison that is trained again: plain, its baseline and a mitigation."""


@dataclass
class Referee:
    """Asks for more repetitions of the arms that are open: as many as were planned, then as long as time lasts.

    planned: seeds of each arm that the budget was made for. until: the end, of `time.monotonic`. ended: after how many
    seeds time ended the race, if it did before; then a later launch ends there too. end: is told so.
    """

    planned: int
    workers: int
    until: float
    ended: int | None
    end: Callable[[int], None]
    building: float = 0.0
    """Seconds until the data of another split are there."""
    later: float = 1.0
    """How often the comparison is trained again afterwards, at its size: on another split, and on parts of a sample."""
    done: int = field(default=0, init=False)
    """Seeds that every open arm has."""

    @property
    def enough(self) -> bool:
        """Whether every arm has what was planned, or is settled."""
        return self.done >= self.planned

    def __call__(self, plan: Plan, result: PlanResult, results: Path) -> Settled:
        said, arms = unsettled(plan, result, results), {arm.id: arm for arm in result.arms}
        self.done = max(len(arms[each].runs) for each in said.open) if said.open else self.planned
        if said.open and self.enough and self._is_over(arms, said.open, result, results):
            self.end(self.done)
            return Settled(set(), said.why)
        return said

    def time_is_up(self) -> bool:
        """Told that the launch was cut. Whether what was planned is done, and the race over with it."""
        if self.enough:
            self.end(self.done)
        return self.enough

    def _is_over(self, arms: Mapping[ArmId, Arm], open_: set[ArmId], result: PlanResult, results: Path) -> bool:
        if self.ended is not None:
            return self.done >= self.ended
        return _seconds(arms, open_, results, self.workers) > self._left(result, results)

    def _left(self, result: PlanResult, results: Path) -> float:
        """Seconds, without those that are kept for later, if these are left."""
        left = self.until - time.monotonic()
        later = self.later * seconds_again(result, results, self.workers, self.building)
        return left - later if later < left else left


def seconds_again(result: PlanResult, results: Path, workers: int, building: float, size: float = 1.0) -> float:
    """Of training plain, its baseline and one mitigation again without a search. building: of their data. size: of
    these, against those of the comparison."""
    arms = {arm.id: arm for arm in result.arms if arm.runs}
    if not arms:
        return 0.0
    return size * SEEDS * ARMS_AGAIN / len(arms) * _seconds(arms, arms, results, workers) + building


def _seconds(arms: Mapping[ArmId, Arm], these: Iterable[ArmId], results: Path, workers: int) -> float:
    """Of one more repetition of these arms, each of which is one process."""
    each = [START + fmean(seconds(results / "runs", key) for key in arms[arm].runs.values()) for arm in these]
    return SPARE * max(sum(each) / workers, *each)


@dataclass(frozen=True)
class Dropped:
    """An arm that was repeated no further than so many seeds."""

    strategy: str
    seeds: int
    why: str

    def __str__(self) -> str:
        return f"{spoken(self.strategy)} after {seeds(self.seeds)} ({self.why})"


@dataclass(frozen=True)
class Race:
    """seeds: of the arms that were repeated most. open: label of each that was not settled -> how many it has."""

    seeds: int
    dropped: tuple[Dropped, ...]
    open: dict[str, int]

    @property
    def _rest(self) -> str:
        """What became of the arms that were not settled; where time was up, not all have the same number."""
        if not self.open:
            return "Nothing was left open."
        by_number: dict[int, list[str]] = {}
        for label, number in self.open.items():
            by_number.setdefault(number, []).append(spoken(label))
        return f"{', '.join(f'{named(each)} went on to {seeds(number)}' for number, each in by_number.items())}."

    @property
    def why(self) -> str:
        """In a sentence or two; empty: no arm was settled."""
        if not self.dropped:
            return ""
        return f"Repeated no further: {'; '.join(map(str, self.dropped))}. {self._rest}"


def race_of(analysis: GroupAnalysis) -> Race:
    arms = analysis.group.arms
    settled = sorted((arm for arm in arms if arm.stopped), key=lambda arm: len(arm.finished))
    dropped = tuple(Dropped(arm.label, len(arm.finished), arm.arm.settled) for arm in settled)
    most = max((len(arm.finished) for arm in arms), default=0)
    return Race(most, dropped, {arm.label: len(arm.finished) for arm in arms if not arm.stopped})
