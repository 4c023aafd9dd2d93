"""Several drivers in one results folder: every run is trained once, and each plan comes to what it does alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.plans import PLAN, Inline, Watcher, go, plan_of, record_bytes, studies
from support.team import at_once

from harness.base.locks import Lock, take
from harness.execution.prepare import prepare
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.results.keys import RunRole, Status
from harness.results.plan_results import read_plan_result
from harness.results.records import Record, Run
from harness.search.job import Job

OVERLAPPING = {
    "a": ['strategies=["none", "reinit"]', "seeds=[1, 2]"],
    "b": ['strategies=["none"]', "seeds=[1, 2, 3]"],
    "c": ['strategies=["reinit"]', "seeds=[2, 3]", "search.trials=0"],
    "d": ['strategies=["none", "reinit"]', "seeds=[2]", "search.trials=0"],
    "e": ['strategies=["reinit", "none"]', "seeds=[3, 1]", "search.trials=1"],
}
"""Plans that have arms, seeds and first trials in common."""


def test_five_drivers_of_one_folder_train_every_run_once_and_lose_nothing(tmp_path: Path) -> None:
    for name in OVERLAPPING:
        (tmp_path / f"{name}.toml").write_text(PLAN)
    overrides = {name: [w for s in texts for w in ("--set", s)] for name, texts in OVERLAPPING.items()}
    ended = at_once(
        [("benchmark", f"{name}.toml", "--no-mlflow", *words) for name, words in overrides.items()], tmp_path
    )
    assert [status for status, *_ in ended] == [0] * 5, ended
    together, trained = record_bytes(tmp_path / "results"), 0
    for name, texts in OVERLAPPING.items():
        plan = load_plan(tmp_path / f"{name}.toml", texts)
        alone, _ = go(plan, tmp_path / "alone")
        assert alone.complete
        assert read_plan_result(tmp_path / "results", name) == alone
    for _, said, errors in ended:
        assert errors == ""
        (count,) = re.findall(r"(\d+) runs? trained, \d+ found on disk", said)
        trained += int(count)
    assert trained == len(together)
    assert together == record_bytes(tmp_path / "alone")
    assert studies(tmp_path / "results") == studies(tmp_path / "alone")
    assert {path.name.split("-")[0] for path in (tmp_path / "results" / ".locks").iterdir()} <= {
        "plan", "data", "report", "mlflow", "search",
    }, "a run that is done needs no lock"  # fmt: skip
    report = (tmp_path / "results" / "report.html").read_text()
    assert all(f">{name}<" in report for name in OVERLAPPING), "the last to write it had read all"


class Releasing(Watcher):
    """Lets go of a run, as another process would, once one is done here."""

    def __init__(self, lock: Lock, then: Callable[[], object]) -> None:
        super().__init__()
        self._let_go = [lock.release, then]

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        super().finished(job, run, trained)
        while self._let_go:
            self._let_go.pop(0)()


@pytest.mark.parametrize("done", [False, True], ids=["lost", "done"])
def test_a_run_that_another_process_trains_is_waited_for_while_others_go_on(tmp_path: Path, done: bool) -> None:
    plan, results = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]"), tmp_path / "results"
    arms, other = prepare(plan, Registry(), results), plan.model_copy(update={"name": "other", "strategies": ("none",)})
    key = arms[0].job({}, RunRole.SEED, 1, 1).key
    lock = take(results, "run", key)
    assert lock is not None
    watcher = Releasing(lock, lambda: go(other, results) if done else None)
    result = launch(plan, arms, results, Inline(JobRunner(results, None)), [watcher])
    assert result.complete
    assert [run.key == key for run in watcher.runs] == [False, True]
    assert [job.key == key for job in watcher.trained] == [False, True][: 2 - done]
    assert watcher.runs[1].status == Status.FINISHED


def test_claims_are_let_go_when_a_launch_ends_early(tmp_path: Path) -> None:
    plan, results = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]"), tmp_path / "results"

    class Stopping(Watcher):
        def recorded(self, job: Job, record: Record) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(plan, prepare(plan, Registry(), results), results, Inline(JobRunner(results, None)), [Stopping()])
    again, watcher = go(plan, results)
    assert again.complete
    assert len(watcher.trained) == 2
