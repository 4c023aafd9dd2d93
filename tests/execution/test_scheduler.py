"""A plan as a whole: repeated, with other workers, killed, with runs that diverge, crash and die."""

from __future__ import annotations

import io
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from support.plans import PLAN, Inline, Watcher, go, plan_of, record_bytes, studies

from harness.analysis.load import load
from harness.api import UserError
from harness.base.locks import take
from harness.base.notice import Notice, TimeIsUp
from harness.execution.launcher import Died
from harness.execution.launchers.local_pool import LocalPool
from harness.execution.prepare import prepare
from harness.execution.progress import Display, failures
from harness.execution.run_job import JobRunner
from harness.execution.scheduler import launch
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey, RunRole, Status
from harness.results.plan_results import PlanResult, read_plan_result
from harness.results.records import Record, Run
from harness.results.run_reader import read
from harness.search.job import Job


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path, PlanResult, Watcher]:
    """The plan run without disturbance."""
    folder = tmp_path_factory.mktemp("reference")
    plan = plan_of(folder)
    return plan, folder / "results", *go(plan, folder / "results", workers=2)


def test_every_arm_searches_and_reports(reference: tuple[Plan, Path, PlanResult, Watcher]) -> None:
    _, results, result, watcher = reference
    assert result.complete
    assert [a.id.name for a in result.arms] == ["none", "one_epoch", "reinit"]
    for arm in result.arms:
        assert len(arm.trials) == (4 if arm.role == "one_epoch" else 2), "two epochs each, in all"
        assert arm.trials[0].params["dense_lr"] == 1e-3
        assert set(arm.runs) == {1, 2}
        assert arm.chosen in [t.params for t in arm.trials]
        assert all(read(results / "runs", key).status == "finished" for key in arm.runs.values())
    evaluated = sum(job.spec.train.epochs * (1 if job.role == RunRole.TRIAL else 2) for job in watcher.trained)
    assert watcher.records == evaluated, "trials are evaluated at the ends of epochs alone"


def test_trials_never_read_the_test_split(reference: tuple[Plan, Path, PlanResult, Watcher]) -> None:
    _, results, result, _ = reference
    for arm in result.arms:
        for trial in arm.trials:
            run = read(results / "runs", trial.key)
            assert not [m for r in run.records for m in r.metrics if m.split == "test"]
            assert run.spec["seed"] not in arm.runs


def test_a_plan_without_test_never_reads_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]", "evaluation.test=false")
    _, watcher = go(plan, tmp_path / "results")
    names = {name for run in watcher.runs for record in run.records for name in record.metrics}
    assert {name.split for name in names} == {"sample", "valid", "train"}
    (group,) = load(tmp_path / "results", plan.name).groups
    assert group.split == "valid"


def test_where_time_may_be_up_arms_are_whole_in_the_order_of_the_plan(tmp_path: Path) -> None:
    """The fall of plain training first: a launch that is cut then has an answer. Without an end they take turns."""
    plan = plan_of(tmp_path, PLAN, "search.plain=true")
    for until, whole in ((time.monotonic() + 3600, True), (math.inf, False)):
        started = list[str]()
        watcher = Watcher()
        watcher.started = lambda job, to=started: to.append(job.arm.name)  # type: ignore[method-assign,misc]
        results = tmp_path / str(whole)
        arms = prepare(plan, Registry(), results)
        launch(plan, arms, results, Inline(JobRunner(results, None)), [watcher], notice=Notice(until))
        order = list(dict.fromkeys(started))
        assert set(order) == {"none", "one_epoch", "reinit"}
        assert (started == sorted(started, key=order.index)) is whole, started
    assert record_bytes(tmp_path / "True") == record_bytes(tmp_path / "False")


def test_a_search_that_was_cut_goes_on_in_the_same_process(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN, "seeds=[1]")
    results = tmp_path / "results"
    arms = prepare(plan, Registry(), results)
    with pytest.raises(TimeIsUp) as held:
        launch(plan, arms, results, Inline(JobRunner(results, None)), notice=Notice(0.0))
    assert held.value.__traceback__ is not None, "whoever holds it, as a notebook does, holds the frames"
    result, _ = go(plan, results)
    assert result.complete


def test_the_number_of_runs_is_told_beforehand(reference: tuple[Plan, Path, PlanResult, Watcher]) -> None:
    plan, results, _, watcher = reference
    assert sum(arm.most_runs for arm in prepare(plan, Registry(), results)) == len({job.key for job in watcher.trained})


def test_a_second_launch_trains_nothing(reference: tuple[Plan, Path, PlanResult, Watcher]) -> None:
    plan, results, result, _ = reference
    again, watcher = go(plan, results)
    assert watcher.trained == []
    assert again == result


def test_a_run_that_several_arms_ask_for_is_counted_once(tmp_path: Path) -> None:
    """Untuned, the runs of `none` are those of the baseline too: on disk, and trained while another arm waits."""
    plan, results = plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1, 2]"), tmp_path / "results"
    for _ in range(2):
        result, watcher = go(plan, results)
        assert sorted(run.key for run in watcher.runs) == sorted({key for a in result.arms for key in a.runs.values()})
    assert not watcher.trained


def test_records_and_studies_do_not_depend_on_the_number_of_workers(
    reference: tuple[Plan, Path, PlanResult, Watcher], tmp_path: Path
) -> None:
    plan, results, _, _ = reference
    go(plan, tmp_path / "results", workers=1)
    assert record_bytes(tmp_path / "results") == record_bytes(results)
    assert studies(tmp_path / "results") == studies(results)
    assert [[number for number, *_ in trials] for trials in studies(results).values()] == [[0, 1], [0, 1, 2, 3], [0, 1]]


BROKEN = '''"""Breaks in its second epoch."""
import os
from harness.api import Strategy, Tables

class Broken(Strategy):
    name = "broken"
    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch == 2:
            {how}
'''


def test_a_killed_launch_goes_on_to_the_same_outcome_and_its_workers_end_whatever_they_are_at(tmp_path: Path) -> None:
    """One is asleep, and would save checkpoints beside those of the next launch when it trains on."""
    asleep, plugins = tmp_path / "asleep", tmp_path / "plugins"
    plugins.mkdir()
    sleep = f"p = {str(asleep)!r}; os.path.exists(p) or (os.mkdir(p), __import__('time').sleep(900))"
    (plugins / "broken.py").write_text(BROKEN.format(how=sleep))
    plan = plan_of(tmp_path, PLAN.replace('"none", "reinit"', '"none", "broken"'))
    command = [sys.executable, "-m", "harness.cli", "benchmark", "tiny.toml", "--no-mlflow", "--plugins", "plugins"]
    with subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, cwd=tmp_path) as process:
        while not asleep.exists() or len(list(tmp_path.glob("results/runs/*/done"))) < 3:
            assert process.poll() is None, "the launch ended before it could be killed"
            time.sleep(0.01)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    assert len(started) > 2
    for process_started in started:
        wait_for_end(process_started)
    resumed, watcher = go(plan, tmp_path / "results", plugins=plugins)
    undisturbed, whole = go(plan, tmp_path / "undisturbed", plugins=plugins)
    assert 0 < len(watcher.trained) < len(whole.trained)
    assert resumed == undisturbed
    assert record_bytes(tmp_path / "results") == record_bytes(tmp_path / "undisturbed")


def wait_for_end(process: psutil.Process) -> None:
    """It ends by itself once its parent is gone."""
    for _ in range(6000):
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
                continue
        return
    raise AssertionError("workers outlive their parent")


def test_a_diverging_run_fails_and_the_others_go_on(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN.replace('"reinit"', "\"l2(strength=0.1, coupling='decoupled')\""), "search.trials=0")
    plan = plan.model_copy(update={"train": plan.train.model_copy(update={"dense_lr": 1e30})})
    result, watcher = go(plan, tmp_path / "results")
    assert result.complete
    assert {r.status for r in watcher.runs} == {"failed"}
    assert "not a finite number" in watcher.runs[0].reason
    again, watcher = go(plan, tmp_path / "results")
    assert watcher.trained == []
    assert again == result


@pytest.mark.parametrize(
    ("how", "workers", "reason"),
    [
        ("os._exit(7)", 1, "died with exit status 7"),
        ("raise ValueError('oh\\n [/no] ')", 0, "ValueError at broken.py:9: oh [/no]"),
    ],
)
def test_a_crashing_run_costs_only_itself(tmp_path: Path, how: str, workers: int, reason: str) -> None:
    (tmp_path / "broken.py").write_text(BROKEN.format(how=how))
    plan = plan_of(tmp_path, PLAN.replace('"reinit"', '"broken"'), "search.trials=0", "seeds=[1]")
    _, watcher = go(plan, tmp_path / "results", workers, plugins=tmp_path)
    failed = [r for r in watcher.runs if r.status == "failed"]
    assert len(failed) == 1
    assert len(watcher.runs) >= 2
    assert all(reason in r.reason for r in failed)
    (group,) = load(tmp_path / "results", plan.name).groups
    (arm,) = (a for a in group.arms if a.failed)
    assert (arm.label, arm.failed) == ("broken", (1,))
    assert reason in arm.runs[1].reason


def test_a_crash_is_no_result_and_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN.format(how="raise ValueError"))
    plan = plan_of(tmp_path, PLAN.replace('"reinit"', '"broken"'), "search.trials=0", "seeds=[1]")
    trained = [{job.arm.name for job in go(plan, tmp_path / "results", plugins=tmp_path)[1].trained} for _ in range(2)]
    assert trained == [{"none", "broken"}, {"broken"}]


def test_a_reason_is_shown_as_it_is(tmp_path: Path) -> None:
    job = prepare(plan_of(tmp_path, PLAN, "search.trials=0"), Registry(), tmp_path)[0].job({}, RunRole.SEED, 1, 1)
    console = Console(file=io.StringIO(), width=200)
    display = Display(console, 1)
    display.started(job)
    display.finished(job, Run(job.key, {}, (), Status.FAILED, "oh [/no]", {}), True)
    assert failures(console, display) == 1
    assert str(console.file.getvalue()).count("oh [/no]") == 2  # type: ignore[attr-defined]


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "died"
    dying = f"import pathlib; p = pathlib.Path({str(marker)!r}); p.exists() or (p.touch(), os._exit(7))"
    (tmp_path / "broken.py").write_text(BROKEN.format(how=dying))
    plan = plan_of(tmp_path, PLAN.replace('["none", "reinit"]', '["broken"]'), "seeds=[1]")
    result, watcher = go(plan, tmp_path / "results", workers=1, plugins=tmp_path)
    assert marker.exists()
    assert [run.status for run in watcher.runs] == ["finished"] * 3
    assert [trial.value is None for trial in result.arms[0].trials] == [False, False]


def test_a_worker_killed_before_it_took_its_job_is_an_event(tmp_path: Path) -> None:
    job = prepare(plan_of(tmp_path, PLAN, "search.trials=0"), Registry(), tmp_path)[0].job({}, RunRole.SEED, 1, 1)
    with LocalPool(1, None, tmp_path) as pool:
        pool.submit(job, 0)
        pool._workers[0].process.kill()
        (event,) = pool.events(timeout=60)
    assert event == Died(job.key, "the training process died with exit status -9 (out of memory?)")


def test_a_job_whose_worker_dies_as_another_job_is_submitted_is_not_lost(tmp_path: Path) -> None:
    arm = prepare(plan_of(tmp_path, PLAN, "search.trials=0"), Registry(), tmp_path)[0]
    first, second = (arm.job({}, RunRole.SEED, seed, seed) for seed in (1, 2))
    with LocalPool(2, None, tmp_path) as pool:
        pool.submit(first, 0)
        pool._workers[0].process.kill()
        pool._workers[0].process.join()
        pool.submit(second, 0)
        event = next(pool.events(timeout=60))
    assert isinstance(event, Died)
    assert event.key == first.key


def test_a_launch_that_is_refused_leaves_what_there_is(tmp_path: Path) -> None:
    """As where another process runs the search of an arm, or there is no memory for the runs."""
    plan, results = plan_of(tmp_path, PLAN, "search.trials=1"), tmp_path / "results"
    whole, _ = go(plan, results)

    def refuse(jobs: Sequence[Job]) -> None:
        raise UserError("no room")

    arms = prepare(plan, Registry(), results)
    with pytest.raises(UserError, match="no room"):
        launch(plan, arms, results, Inline(JobRunner(results, None)), [], refuse)
    assert read_plan_result(results, plan.name) == whole


def test_a_label_without_a_metric_in_the_sample_is_shown_without_it(tmp_path: Path) -> None:
    """As its AUC where the sample has no positive; whatever ended the launch goes on."""
    console, plan = Console(file=io.StringIO(), force_terminal=True), plan_of(tmp_path, PLAN, "search.trials=0")
    job = prepare(plan, Registry(), tmp_path / "results")[0].job({}, RunRole.SEED, 1, 1)
    known = {MetricKey("sample", "logloss", task): 0.1 for task in ("click", "buy")}
    record = Record(1, 5, 0.5, False, known | {MetricKey("sample", "auc", "click"): 0.7})

    def shown() -> None:
        with Display(console, 1) as display:
            display.started(job)
            display.recorded(job, record)
            raise TimeIsUp

    with pytest.raises(TimeIsUp):
        shown()
    assert "click 0.7000  buy -" in console.file.getvalue()  # type: ignore[attr-defined]


def test_two_launches_of_one_plan_are_refused(tmp_path: Path) -> None:
    lock = take(tmp_path / "results", "plan", "tiny")
    with pytest.raises(UserError, match="another multiepoch is running plan 'tiny'"):
        go(plan_of(tmp_path), tmp_path / "results")
    assert lock is not None
    lock.release()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_results_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"):
        go(plan_of(tmp_path), tmp_path / "results")


def test_a_results_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        go(plan_of(tmp_path), tmp_path / "results")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.task=checkuot", "unknown task 'checkuot'; did you mean 'checkout'?"),
        ("dataset.rows=20", "rows = 20 is not accepted"),
        ("dataset.checkout=0.0001", "positives in the smallest split; accepted: 10 or more"),
    ],
)
def test_what_the_data_refuse_is_refused_before_training(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        go(plan_of(tmp_path, PLAN, override), tmp_path / "results")
    assert message in str(refusal.value)
    assert not list(tmp_path.glob("results/runs/*"))


def test_a_metric_that_has_no_value_on_valid_is_refused_before_training(tmp_path: Path) -> None:
    """As GAUC, where every row is of a user of its own."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "alone.py").write_text("""import numpy as np
from harness.api import Data, Dataset, Split


class Alone(Dataset):
    name = "alone"
    version = 1

    def build(self, rng):
        drawn = [(rng.integers(0, 9, (400, 1)), rng.integers(0, 2, (400, 1))) for _ in range(3)]
        return Data(("user",), ("click",), *(Split(*each, group_N=np.arange(400)) for each in drawn))
""")
    text = re.sub(r"\[\[dataset\]\]\n(?:\w.*\n)*", '[[dataset]]\nname = "alone"\n', PLAN)
    with pytest.raises(UserError, match=r"'gauc' \(mean AUC .*\) has no value on valid of .*: auc, brier"):
        go(plan_of(tmp_path, text, "search.metric=gauc"), tmp_path / "results", plugins=tmp_path)
    assert not list(tmp_path.glob("results/runs/*"))


def test_the_one_epoch_baseline_is_tuned_for_one_epoch(
    reference: tuple[Plan, Path, PlanResult, Watcher],
) -> None:
    """It has a search of its own, of as many epochs as every arm's, and the best of it by its one epoch."""
    _, results, result, watcher = reference
    one_epoch = result.arms[1]
    arms = {job.key: job.arm for job in watcher.trained}
    assert {arms[key] for key in one_epoch.runs.values()} == {one_epoch.id}
    keys = [*one_epoch.runs.values(), *(trial.key for trial in one_epoch.trials)]
    assert {len(read(results / "runs", key).boundaries) for key in keys} == {1}
    best = max(one_epoch.trials, key=lambda trial: trial.value or 0)
    assert one_epoch.chosen == best.params


def test_an_untuned_baseline_is_the_first_epoch_of_none(tmp_path: Path) -> None:
    result, watcher = go(plan_of(tmp_path, PLAN, "search.trials=0", "seeds=[1]"), tmp_path / "results")
    none, one_epoch, _ = result.arms
    assert one_epoch.runs == none.runs
    assert len(watcher.trained) == 2
