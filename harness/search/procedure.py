"""What an arm does: it searches its knobs, then trains its winner on fresh seeds.

A procedure is a generator that yields the runs it wants next and is sent their results. The caller decides where and
when they run.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from harness.base.markdown import code, literal
from harness.base.words import counted
from harness.experiment.plan import STARTUP
from harness.figures import run_curves
from harness.metrics import curves
from harness.metrics.catalog import sign_of
from harness.metrics.selection import choose
from harness.results.keys import ArmId, ArmRole, RunRole, Status
from harness.results.plan_results import PLAIN, Arm, Trial
from harness.results.records import Run
from harness.search.arm import ArmPlan
from harness.search.job import Job
from harness.search.study import Search

Jobs = Generator[list[Job] | Arm, Any, Arm]
"""Yields the runs that it wants, is sent their results in the same order, and returns what it came to.

Where it must know of other arms it yields what it came to so far, and is sent a `Standing` once all others have ended
or wait too: after its search, where it may choose what won that of `none`, and between repetitions, where what they
show decides how many there are.
"""
Tried = list[tuple[Trial, Run]]


class Standing(NamedTuple):
    """How the arms of a plan stand. open: those that need more repetitions. settled: others, and why they do not."""

    arms: tuple[Arm, ...]
    open: set[ArmId]
    settled: Mapping[ArmId, str] = MappingProxyType({})


def procedure(arm: ArmPlan) -> Jobs:
    """Search, then train the winner on the reporting seeds, if any."""
    trials = yield from _search(arm)
    return (yield from _report(arm, trials))


def _search(arm: ArmPlan) -> Generator[list[Job], list[Run], Tried]:
    """Run the trials of the study, batch by batch; none if the plan has no budget."""
    if arm.journal is None:
        return Tried()
    with arm.journal.reached():
        study = _study(arm)
        with arm.journal.owned(study.name):
            return (yield from _trials(arm, study))


def _trials(arm: ArmPlan, study: Search) -> Generator[list[Job], list[Run], Tried]:
    """Run what is left of a study, batch by batch.

    A trial that crashed is trained again. If it then gets a value, its batch and the trials after it are proposed anew.
    """
    done = Tried()
    while batch := study.batch(len(done)):
        jobs = [_trial_job(arm, trial) for trial in batch]
        runs = yield jobs
        values = [value_of(run, arm) for run in runs]
        told = [replace(t, key=job.key, value=v) for t, job, v in zip(batch, jobs, values, strict=True)]
        if not study.agrees(told):
            study.rewind(batch[0].number)
            continue
        for trial, run in zip(told, runs, strict=True):
            found = curves.ends(run.records, arm.plan.search.metric, arm.task)
            draw = partial(run_curves.write, title=f"{arm.id}, trial {trial.number}", runs=[run]) if found else None
            study.tell(trial, found, draw, **_attributes(arm, run))
            done.append((trial, run))
    return done


def _study(arm: ArmPlan) -> Search:
    assert arm.journal is not None
    plan, space = arm.plan.search, arm.space()
    given = arm.given(space)
    first = arm.job(given[0], RunRole.TRIAL, 0, plan.seed)
    value = f"valid/{plan.metric}/{arm.task} at {plan.select}"
    note = _note(arm, value, list(space))
    return Search(arm.journal, f"{arm.plan.name}: {arm.id}", space, given, first.key, plan, value, note)


def _trial_job(arm: ArmPlan, trial: Trial) -> Job:
    return replace(arm.job(trial.params, RunRole.TRIAL, trial.number, trial.seed), page=trial.page)


def _note(arm: ArmPlan, value: str, knobs: list[str]) -> str:
    """What the dashboard says of a study."""
    plan = arm.plan
    once = arm.role == ArmRole.ONE_EPOCH
    what = "one epoch of none, the baseline," if once else arm.strategy
    same = "the same for every strategy of the plan"
    budget = "one epoch each; in epochs at least as much as any strategy" if once else same
    parallel = plan.search.parallel
    together = f" After the first {STARTUP}, {parallel} are proposed together." if parallel > 1 else ""
    return f"""# {literal(f"{what} on {arm.dataset}, {arm.model}")}

A search in plan `{plan.name}`. {literal(plan.description)}

- **Value**: {code(value)}, {"more" if sign_of(plan.search.metric) > 0 else "less"} is better; `{plan.search.select}` is
  the rule by which an epoch is chosen. Trials never read the test split.
- **Budget**: {counted(plan.search.trials, "trial")}, {budget}. Trial 0 is the defaults.{together}
- **Knobs**: {", ".join(f"`{k}`" for k in knobs)}. Those of training are searched for every strategy alike: trials 1 to
  {STARTUP - 1} of every study have the same ones.
- **Seeds**: trial *n* has seed {plan.search.seed} + *n*; the winner is trained again on seeds that no trial had.
- **Attributes**: `key` names the folder of the run's records, `results/runs/<key>`, and is a tag of its tracked run.
  `multi_epoch_gain_valid_over_own_epoch_1` is the value minus that of the trial's own first epoch, positive where it is
  better; the report's gain is on the test split, over one *tuned* epoch of `none`. `boundary_jump_sample_logloss` is
  the loss at the first evaluation of epoch 2 minus that at the end of epoch 1, in nats.
- **Artifact**: `{run_curves.FILE}`, AUC and logloss of every task by epoch.
"""


def _attributes(arm: ArmPlan, run: Run) -> dict[str, float]:
    """What the dashboard shows of a trial besides its value."""
    plan = arm.plan.search
    found = curves.ends(run.records, plan.metric, arm.task)
    out = {}
    if (value := value_of(run, arm)) is not None:
        out["multi_epoch_gain_valid_over_own_epoch_1"] = sign_of(plan.metric) * (value - found[1])
    if (jump := curves.boundary_jump(run.records, run.spec, arm.task)) is not None:
        out["boundary_jump_sample_logloss"] = jump
    return out


def _report(arm: ArmPlan, trials: Tried) -> Jobs:
    """Train the winner on the reporting seeds, of which only as many as it needs where the plan leaves that open."""
    found = came_to(arm, tuple(trial for trial, _ in trials))
    if arm.plan.search.plain and trials and arm.strategy != PLAIN:
        standing: Standing = yield found
        found = with_plain(found, arm, standing.arms)
    lost = bool(trials) and not found.chosen and all(trial.value is None for trial, _ in trials)
    seeds = () if lost else arm.plan.seeds
    settling = arm.plan.settling
    for count in settling.looks() if settling is not None and seeds else [len(seeds)]:
        jobs = [arm.job(found.searched(turn), RunRole.SEED, s, s) for turn, s in enumerate(seeds[:count])]
        yield jobs
        found = replace(found, runs={job.number: job.key for job in jobs})
        if count < len(seeds):
            standing = yield found
            if arm.id not in standing.open:
                found = replace(found, settled=standing.settled.get(arm.id, ""))
                break
    return found


def came_to(arm: ArmPlan, trials: tuple[Trial, ...]) -> Arm:
    """An arm after these trials of its search."""
    winners = _winners(trials, arm)
    return Arm(
        dataset=arm.dataset,
        model=arm.model,
        strategy=arm.strategy,
        role=arm.role,
        task=arm.task,
        select=arm.plan.search.select,
        tuned=bool(trials),
        chosen=winners[0] if winners else dict(arm.knobs.get(arm.role, {})),
        trials=trials,
        runs={},
        tied=tuple(winners[1:]),
    )


def with_plain(found: Arm, arm: ArmPlan, arms: Iterable[Arm]) -> Arm:
    """An arm that chose what won the search of `none`, its own knobs neutral, where that reached more than all of its
    own trials. arms: those of the plan. An arm that does not contain `none` stays as it is.

    Near-ties are of the search that won alone: seeds that took turns between the method and plain training would
    measure neither.
    """
    neutral = arm.neutral()
    if neutral is None:
        return found
    same = (a for a in arms if a.strategy == PLAIN and a.role == ArmRole.ARM and a.id[:2] == found.id[:2])
    plain = [replace(trial, params=trial.params | neutral) for each in same for trial in each.trials]
    winners = _winners(plain if _reached(plain, arm) > _reached(found.trials, arm) else found.trials, arm)
    return replace(found, chosen=winners[0], tied=tuple(winners[1:])) if winners else found


def _reached(trials: Iterable[Trial], arm: ArmPlan) -> float:
    """The best value, larger where better; minus infinity where none has any."""
    sign = sign_of(arm.plan.search.metric)
    return max((sign * trial.value for trial in trials if trial.value is not None), default=-math.inf)


def _winners(trials: Iterable[Trial], arm: ArmPlan) -> list[dict[str, Any]]:
    """The searched values of the best trial, the first of equals, and of all that a tie holds; the best first."""
    search = arm.plan.search
    scored = [(sign_of(search.metric) * trial.value, trial.params) for trial in trials if trial.value is not None]
    ranked = sorted(scored, key=lambda each: -each[0])
    found: list[dict[str, Any]] = []
    for value, params in ranked:
        if not found or (value > ranked[0][0] - search.tie and params not in found):
            found.append(params)
    return found


def value_of(run: Run, arm: ArmPlan) -> float | None:
    """What a run is worth to its search; None: it failed."""
    search = arm.plan.search
    return choose(search.select, search.metric, arm.task, run.records)[1] if run.status == Status.FINISHED else None
