"""The arms of a plan as they run: which runs each waits for, and what it has come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from harness.results.keys import RunRole
from harness.results.plan_results import Arm
from harness.results.records import Run
from harness.search.arm import ArmPlan
from harness.search.job import Job
from harness.search.procedure import Jobs, Standing, procedure


@dataclass
class _RunningArm:
    """An arm that waits for runs."""

    procedure: Jobs
    asked: list[Job] = field(default_factory=list)
    """The runs it waits for."""
    runs: dict[str, Run] = field(default_factory=dict)
    """By key, all runs it was given so far."""
    came_to: Arm | None = None
    """So far: once it has ended, or waits to be told how the others stand."""
    parked: bool = False
    """Whether it waits for that."""

    @property
    def repeated(self) -> bool:
        """Whether it came to repetitions."""
        return self.came_to is not None and bool(self.came_to.runs)

    @property
    def so_far(self) -> Arm | None:
        """What it came to, with the repetitions that it waits for: those that are done can be read."""
        if self.came_to is None or not any(job.role == RunRole.SEED for job in self.asked):
            return self.came_to
        return replace(self.came_to, chosen=self.asked[0].varying, runs={job.number: job.key for job in self.asked})


class RunningArms:
    """They ask for runs and are handed them. What they ask for is returned but for what is on disk or was asked for.

    on_disk: gives a run that need not be trained. found: told of each that was. ended: told what an arm came to.
    """

    def __init__(
        self,
        arms: Sequence[ArmPlan],
        on_disk: Callable[[Job], Run | None],
        found: Callable[[Job, Run], object],
        ended: Callable[[Arm], object],
    ) -> None:
        self._arms = [_RunningArm(procedure(part)) for arm in arms for part in arm.parts]
        self._waiting: dict[str, list[_RunningArm]] = {}
        self._on_disk, self._found, self._ended = on_disk, found, ended

    @property
    def wait(self) -> bool:
        """Whether any waits for a run."""
        return bool(self._waiting)

    @property
    def parked(self) -> bool:
        """Whether any waits to be told how the others stand."""
        return any(arm.parked for arm in self._arms)

    @property
    def searched(self) -> bool:
        """Whether any waits for that after its search."""
        return any(arm.parked and not arm.repeated for arm in self._arms)

    @property
    def so_far(self) -> tuple[Arm, ...]:
        """What they came to, of those that came to anything."""
        return tuple(each for arm in self._arms if (each := arm.so_far) is not None)

    def start(self) -> list[Job]:
        """Let all ask for their first runs."""
        return [job for arm in self._arms for job in self._advance(arm, None)]

    def hand(self, run: Run) -> list[Job]:
        """Hand a run to all that wait for it. Those that have all they asked for move on."""
        missing = list[Job]()
        for arm in self._waiting.pop(run.key):
            arm.runs[run.key] = run
            if all(job.key in arm.runs for job in arm.asked):
                missing += self._advance(arm, [arm.runs[job.key] for job in arm.asked])
        return missing

    def close(self) -> None:
        """Let go of what they hold: searches that others may then run."""
        for arm in self._arms:
            arm.procedure.close()

    def tell(self, standing: Standing) -> list[Job]:
        """Tell those that are parked how the others stand; while some wait after their searches, these alone."""
        missing, searched = list[Job](), self.searched
        for arm in [arm for arm in self._arms if arm.parked and not (searched and arm.repeated)]:
            arm.parked = False
            missing += self._advance(arm, standing)
        return missing

    def _advance(self, arm: _RunningArm, answer: list[Run] | Standing | None) -> list[Job]:
        """Let an arm ask for its next runs; those on disk are handed over at once."""
        while True:
            try:
                asked = next(arm.procedure) if answer is None else arm.procedure.send(answer)
            except StopIteration as stop:
                arm.came_to = stop.value
                self._ended(stop.value)
                return []
            if isinstance(asked, Arm):
                arm.came_to, arm.parked = asked, True
                return []
            arm.asked = asked
            if missing := [job for job in arm.asked if not self._has(arm, job)]:
                return self._wait_for(arm, missing)
            answer = [arm.runs[job.key] for job in arm.asked]

    def _wait_for(self, arm: _RunningArm, missing: list[Job]) -> list[Job]:
        """Note what an arm waits for. Returns the jobs that none waited for before."""
        new = list[Job]()
        for job in missing:
            if job.key not in self._waiting:
                new.append(job)
            self._waiting.setdefault(job.key, []).append(arm)
        return new

    def _has(self, arm: _RunningArm, job: Job) -> bool:
        """Whether an arm was given a run before or it is on disk."""
        if job.key not in arm.runs and (run := self._on_disk(job)) is not None:
            arm.runs[job.key] = run
            self._found(job, run)
        return job.key in arm.runs
