"""Run what is missing of a plan: ask the arms for jobs, hand them to a launcher, and hand back the results."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, product
from pathlib import Path

from harness.analysis.settling import Settled, unsettled
from harness.base.notice import Notice
from harness.execution.launcher import Began, Crashed, Died, Done, Event, Launcher, Paused, Recorded
from harness.execution.lock import locked
from harness.execution.observer import Observer
from harness.execution.progress import name
from harness.execution.run_folders import RunFolders
from harness.execution.running_arms import RunningArms
from harness.experiment.plan import Plan
from harness.results.keys import ArmId
from harness.results.plan_results import Arm, PlanResult, write_plan_result
from harness.results.records import Record, Run
from harness.search.arm import ArmPlan, about_strategies, data_by_label, findings_by_dataset
from harness.search.job import Job
from harness.search.procedure import Standing

Referee = Callable[[Plan, PlanResult, Path], Settled]
TICK = 0.5
"""Seconds after which it is looked again whether a run that another process trains is done."""


def launch(
    plan: Plan,
    arms: Sequence[ArmPlan],
    results: Path,
    launcher: Launcher,
    observers: Sequence[Observer] = (),
    check: Callable[[Sequence[Job]], object] = lambda jobs: None,
    say: Callable[[str], object] = lambda text: None,
    notice: Notice | None = None,
    referee: Referee = unsettled,
) -> PlanResult:
    """Run all of a prepared plan that is missing, as many runs at a time as the launcher takes.

    check: shown the first missing runs of every arm before any of them starts, and may refuse them. say: told what a
    person should know. notice: if it is given, runs in training save a checkpoint and end, and the launch with them.
    referee: says which arms need more repetitions, where the plan leaves that to what they show.

    A run that fails is recorded and the others go on; one whose process dies is tried once more first. One that
    another process trains for another plan is waited for. After an interruption, the next call goes on with what is
    missing.

    Raises:
        UserError: another process runs this plan, or the results folder cannot be written.
        Stopped, TimeIsUp: notice was given before all was done.
    """
    with locked(results, plan.name), RunFolders(results) as folders, launcher:
        for observer in observers:
            observer.planned(sum(arm.most_runs for arm in arms))
        notice = notice or Notice()
        return _Scheduler(plan, arms, results, folders, launcher, observers, say, notice, referee).run(check)


class _Scheduler:
    """One launch of a plan."""

    def __init__(
        self, plan: Plan, arms: Sequence[ArmPlan], results: Path, folders: RunFolders, launcher: Launcher,
        observers: Sequence[Observer], say: Callable[[str], object], notice: Notice, referee: Referee,
    ) -> None:  # fmt: skip
        self._plan, self._results, self._folders = plan, results, folders
        self._launcher, self._observers, self._say, self._notice = launcher, observers, say, notice
        self._referee = referee
        self._begun = False
        self._ready: list[Job] = []
        self._epochs: Counter[ArmId] = Counter()
        self._place = {part.id: place for place, part in enumerate(p for arm in arms for p in arm.parts)}
        self._training: dict[str, Job] = {}
        self._died: set[str] = set()
        self._finished: set[str] = set()
        self._arms = RunningArms(arms, folders.done, partial(self._tell_finished, trained=False), self._arm_done)
        self._result = PlanResult(
            plan.name, plan.model_dump(mode="json", by_alias=True), (), complete=False,
            findings=findings_by_dataset(arms), data=data_by_label(arms), about=about_strategies(arms),
        )  # fmt: skip

    def run(self, check: Callable[[Sequence[Job]], object]) -> PlanResult:
        self._ready = self._arms.start()
        check(self._ready)
        self._begun = True
        try:
            while self._arms.wait or self._resumed():
                if self._notice.given():
                    self._pause()
                self._start_ready()
                if self._ready and not self._training:  # other processes train all that is ready
                    time.sleep(TICK)
                self._listen()
        except BaseException:
            self._write_result(complete=False)
            raise
        finally:
            self._arms.close()
        return self._write_result(complete=True)

    def _listen(self) -> None:
        """Take what training runs have reported by now."""
        for event in self._launcher.events(timeout=TICK) if self._training else ():
            self._handle(event, self._training[event.key])

    def _pause(self) -> None:
        """Have what trains save a checkpoint and end, as notice was given.

        Raises:
            Stopped, TimeIsUp: it has.
        """
        self._say(f"{self._notice.what}: runs in training save a checkpoint and end")
        self._launcher.pause()
        while self._training:
            self._listen()
        raise self._notice.end

    def _resumed(self) -> bool:
        """Tell parked arms how the others stand; False: none was parked."""
        if not self._arms.parked:
            return False
        so_far = self._write_result(complete=False)
        repeated = self._plan.settling is not None and not self._arms.searched
        said = self._referee(self._plan, so_far, self._results) if repeated else Settled(set(), {})
        self._ready += self._arms.tell(Standing(so_far.arms, said.open, said.why))
        return True

    def _start_ready(self) -> None:
        """Submit as many runs as the launcher takes. One that another process trains stays ready until that is over:
        then it is done, or free again."""
        elsewhere = list[Job]()
        while self._ready and self._launcher.free:
            ours = list[Job]()
            for job in self._next():
                if not self._folders.claim(job.key):
                    elsewhere.append(job)
                elif (run := self._folders.done(job)) is not None:
                    self._folders.release(job.key, done=True)
                    self._settle(job, run, trained=False)
                else:
                    ours.append(job)
            if ours:
                self._submit(replace(ours[0], beside=tuple(ours[1:])))
        self._ready += elsewhere

    def _next(self) -> list[Job]:
        """The first job of the arm that had the fewest epochs, so that a busy hour falls on all arms alike; where time
        may be up before all is done, of the arm that comes first in the plan, so that some are whole by then. With it
        those that may be trained in one with it."""
        of_arm = self._epochs if self._notice.until == math.inf else self._place
        first = min(self._ready, key=lambda job: of_arm[job.arm])
        others = (job for job in self._ready if job is not first and first.at_once > 1 and first.fits(job))
        group = [first, *islice(others, first.at_once - 1)]
        taken = {job.key for job in group}
        self._ready = [job for job in self._ready if job.key not in taken]
        return group

    def _submit(self, first: Job) -> None:
        for job in first.group:
            self._training[job.key] = job
            self._epochs[job.arm] += job.spec.train.epochs
        self._launcher.submit(first, min(self._folders.records_held(job.key) for job in first.group))
        for job, observer in product(first.group, self._observers):
            observer.started(job)

    def _handle(self, event: Event, job: Job) -> None:
        match event:
            case Began(unused=unused):
                if unused:
                    self._say(f"{name(job)}: its checkpoint is not used, as {unused}; it trains from its beginning")
                for record in self._folders.begin(job, event):
                    self._show(job, record)
            case Recorded(record=record):
                self._folders.append(job.key, record)
                self._show(job, record)
            case Done():
                self._done(event, self._ended(job))
            case Paused():
                self._ready[:0] = self._ended(job)
            case Died() if job.key not in self._died or self._notice.given():
                self._died.add(job.key)
                self._ready[:0] = self._ended(job)
            case Crashed(reason=reason) | Died(reason=reason):
                for each in self._ended(job):
                    self._settle(each, self._folders.crash(each, reason), trained=True)

    def _done(self, event: Done, jobs: Sequence[Job]) -> None:
        for job, done in zip(jobs, (event, *event.beside), strict=True):
            self._settle(job, self._folders.finish(done), trained=True)

    def _ended(self, job: Job) -> list[Job]:
        """A run that no longer trains, and those that were trained in one with it, each by itself."""
        for each in job.group:
            del self._training[each.key]
        return [replace(job, beside=()), *job.beside]

    def _show(self, job: Job, record: Record) -> None:
        for observer in self._observers:
            observer.recorded(job, record)

    def _settle(self, job: Job, run: Run, trained: bool) -> None:
        """Hand a run to every arm that waits for it."""
        self._tell_finished(job, run, trained)
        self._ready += self._arms.hand(run)

    def _tell_finished(self, job: Job, run: Run, trained: bool) -> None:
        """Once of every run, however many arms ask for it."""
        if job.key in self._finished:
            return
        self._finished.add(job.key)
        for observer in self._observers:
            observer.finished(job, run, trained)

    def _arm_done(self, arm: Arm) -> None:
        if self._begun:  # a launch that is refused leaves what there is
            self._write_result(complete=False)
        for observer in self._observers:
            observer.arm_done(arm)

    def _write_result(self, complete: bool) -> PlanResult:
        self._result = replace(self._result, arms=self._arms.so_far, complete=complete)
        write_plan_result(self._results, self._result)
        return self._result
