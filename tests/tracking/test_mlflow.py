"""MLflow mirrors the records on disk: once, in whole runs, and never at the cost of a training run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from support.simulated import typed
from support.tracking import (
    AUC,
    NONE,
    arm_of,
    client_of,
    content,
    history,
    observe,
    plan_of,
    records_of,
    result_of,
    run_of,
    runs_of,
    spec_of,
    tracker_of,
    write_plan,
    write_run,
)

from harness.analysis.analysis import Analysis
from harness.analysis.load import load
from harness.base.errors import UserError
from harness.figures.style import OKABE_ITO
from harness.results.keys import ArmId, ArmRole, MetricKey, RunRole, Status
from harness.results.plan_results import write_plan_result
from harness.results.records import Record, Run
from harness.results.run_writer import RunWriter
from harness.tracking.members import Member
from harness.tracking.mlflow import points
from harness.tracking.mlflow import tracker as tracker_module
from harness.tracking.mlflow.colors import color
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.sync import sync


def note_of(results: Path) -> dict[str, str]:
    experiment = client_of(results).get_experiment_by_name("plan")
    assert experiment is not None
    return dict(experiment.tags)


def log_run(tracker: MlflowTracker, key: str, auc: list[float], seed: int = 1, finish: bool = True) -> None:
    tracker.start(Member(key, NONE, RunRole.SEED, seed, {}), spec_of(seed))
    for record in records_of(auc):
        tracker.log(key, record)
    if finish:
        tracker.finish(key, Status.FINISHED)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("valid/auc/click", "valid/auc/click"),
        ("valid@2-4/auc/click", "valid_by_frequency/auc_click/2-4"),
        ("valid@100-up/share/rows", "valid_by_frequency/share_rows/100-up"),
        ("sample/auc/add to cart (7d)", "sample/auc/add to cart _7d_"),
    ],
)
def test_metric_names_are_accepted_and_grouped_by_the_ui(name: str, shown: str) -> None:
    assert points.name_of(MetricKey.parse(name)) == shown


def test_a_boundary_counts_epochs_and_the_subsample_counts_steps() -> None:
    half, full = records_of([0.7])
    assert points.points(half) == [("sample/auc/click", 0.69, 5), ("sample/epochs", 0.5, 5)]
    assert {name: step for name, _, step in points.points(full)} == {
        "sample/auc/click": 10,
        "sample/epochs": 10,
        "valid/auc/click": 1,
        "valid/logloss/click": 1,
        "valid_by_frequency/auc_click/2-4": 1,
        "test/auc/click": 1,
        "system/train_s": 1,
    }


def test_the_mean_of_runs_at_several_batch_sizes_is_one_curve() -> None:
    """Of which no step is in two of them: ten steps an epoch, and four, half of which end at .5 of it."""
    small, large = records_of([0.70, 0.74]), records_of([0.72, 0.70])
    large = [replace(r, step=2 * n, position=n / 2 if n % 2 == 0 else n / 2 + 0.1) for n, r in enumerate(large, 1)]
    runs = [Run(str(n), {}, tuple(r), Status.FINISHED, "", {}) for n, r in enumerate((small, large))]
    found: dict[str, list[tuple[int, float]]] = {}
    for name, value, step in points.mean_points(runs):
        found.setdefault(name, []).append((step, round(value, 6)))
    assert found["sample/auc/click"] == [(3, 0.70), (7, 0.71), (10, 0.71), (14, 0.72)]
    assert found["sample/epochs"] == [(3, 0.55), (7, 1.0), (10, 1.55), (14, 2.0)]
    assert found["valid/auc/click"] == [(1, 0.71), (2, 0.72)]


def test_the_earlier_of_two_equal_peaks_counts() -> None:
    values = points.summarise(records_of([0.7, 0.75, 0.75, 0.71]), {})
    assert values == pytest.approx(
        {
            "valid/auc_peak/click": 0.75,
            "valid/auc_last/click": 0.71,
            "valid/auc_peak_minus_last/click": 0.04,
            "valid/auc_peak_epoch/click": 2,
        }
    )


def test_a_plan_is_an_experiment_whose_files_lie_in_the_results(results: Path) -> None:
    tracker_of(results)
    experiment = client_of(results).get_experiment_by_name("plan")
    assert experiment is not None
    assert experiment.artifact_location == (results / "mlartifacts").as_uri()
    note = experiment.tags["mlflow.note.content"]
    assert note.startswith("What helps?\n")
    assert "These are the numbers of the report" in note


def test_a_run_is_a_child_of_its_arm_with_spec_data_set_and_only_varying_parameters(results: Path) -> None:
    tracker = tracker_of(results)
    params = {"table_lr": 0.01, "hashing.ratio": 0.5}
    tracker.start(Member("k1", NONE, RunRole.SEED, 3, params), spec_of(3))
    parent, child = run_of(results, "none"), run_of(results, "none", "seed 3")
    assert parent.info.run_name == "none"
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["multiepoch.key"] == "k1"
    assert child.data.tags["multiepoch.role"] == "seed"
    assert child.data.params == {"strategy": "none", "seed": "3", "table_lr": "0.01", "hashing.ratio": "0.5"}
    spec = Path(client_of(results).download_artifacts(child.info.run_id, "spec.json"))
    assert json.loads(spec.read_text()) == spec_of(3)
    assert child.inputs is not None
    (data,) = child.inputs.dataset_inputs
    assert data.dataset.name == "powerlaw"
    assert json.loads(data.dataset.source) == {"tags": {"params": {"rows": 1000, "days": 5}, "data_seed": 0}}


def test_a_finished_run_holds_every_record_and_its_summary(results: Path) -> None:
    log_run(tracker_of(results), "k1", AUC[1])
    run = run_of(results, "none", "seed 1")
    points = history(results, run)
    assert run.info.status == "FINISHED"
    assert points["valid/auc/click"] == [(1, 0.70), (2, 0.74), (3, 0.71)]
    assert [step for step, _ in points["sample/auc/click"]] == [5, 10, 15, 20, 25, 30]
    assert points["sample/epochs"] == [(5, 0.5), (10, 1.0), (15, 1.5), (20, 2.0), (25, 2.5), (30, 3.0)]
    assert points["system/train_s"] == [(1, 2.5), (2, 2.5), (3, 2.5)]
    assert run.data.metrics["valid/auc_peak/click"] == 0.74
    assert run.data.metrics["valid/auc_peak_minus_last/click"] == pytest.approx(0.03)


@pytest.mark.parametrize(("soon", "calls"), [(tracker_module.SOON, 3), (0.0, 6)])
def test_an_epoch_is_one_call_unless_it_takes_long(
    results: Path, monkeypatch: pytest.MonkeyPatch, soon: float, calls: int
) -> None:
    tracker = tracker_of(results)
    tracker.start(Member("k1", NONE, RunRole.SEED, 1, {}), spec_of(1))
    called = list[str]()

    class Counting:
        def __init__(self, client: MlflowClient) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            called.append(name)
            return getattr(self._client, name)

    monkeypatch.setattr(tracker.store, "client", Counting(tracker.store.client))
    monkeypatch.setattr(tracker_module, "SOON", soon)
    for record in records_of(AUC[1]):
        tracker.log("k1", record)
    assert called == ["log_batch"] * calls


def test_more_points_than_mlflow_takes_at_once_are_written(results: Path) -> None:
    tracker = tracker_of(results)
    tracker.start(Member("k1", NONE, RunRole.SEED, 1, {}), spec_of(1))
    many = {MetricKey("sample", "auc", f"task{i}"): 0.5 for i in range(1500)}
    tracker.log("k1", Record(1, 10, 1.0, True, many))
    assert tracker.problem is None
    assert len(run_of(results, "none", "seed 1").data.metrics) == 1500 + 1, "and the epochs trained"


def test_what_a_run_showed_before_it_failed_within_an_epoch_is_there(results: Path) -> None:
    tracker = tracker_of(results)
    tracker.start(Member("k1", NONE, RunRole.SEED, 1, {}), spec_of(1))
    for record in records_of([0.7, 0.74])[:3]:
        tracker.log("k1", record)
    tracker.finish("k1", Status.FAILED)
    assert [step for step, _ in history(results, run_of(results, "none", "seed 1"))["sample/auc/click"]] == [5, 10, 15]


def test_a_failed_run_says_why(results: Path) -> None:
    tracker = tracker_of(results)
    log_run(tracker, "k1", [0.7], finish=False)
    tracker.finish("k1", Status.FAILED, "the loss is not a finite number")
    run = run_of(results, "none", "seed 1")
    assert run.info.status == "FAILED"
    assert run.data.tags["multiepoch.reason"] == "the loss is not a finite number"


def test_an_arm_ends_with_means_over_its_finished_seeds(synced: Path) -> None:
    parent = run_of(synced, "none")
    points = history(synced, parent)
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {"strategy": "none", "table_lr": "0.01", "dense_lr": "0.002"}
    assert parent.data.metrics["seeds"] == 2
    assert parent.data.metrics["test/auc_best/click"] == pytest.approx(0.735)
    assert parent.data.metrics["chosen_epoch"] == 2
    assert [v for _, v in points["valid/auc/click"]] == pytest.approx([0.71, 0.735, 0.70])
    assert [v for _, v in points["valid/logloss/click"]] == pytest.approx([0.29, 0.265, 0.30])
    figure = Path(client_of(synced).download_artifacts(parent.info.run_id, "curves.svg"))
    assert figure.read_text().startswith("<svg")


def test_a_failed_seed_is_counted_and_left_out_of_the_means(synced: Path) -> None:
    metrics = run_of(synced, "reinit").data.metrics
    assert (metrics["seeds"], metrics["seeds_failed"]) == (1, 1)
    assert metrics["test/auc_last/click"] == 0.76


def test_the_gain_is_paired_by_seed(synced: Path) -> None:
    gains = [run_of(synced, "none", f"seed {s}").data.metrics["test/auc_gain/click"] for s in (1, 2)]
    assert gains == pytest.approx([0.04, 0.01])
    assert run_of(synced, "none").data.metrics["test/auc_gain/click"] == pytest.approx(0.025)


def test_the_baseline_gains_nothing_over_itself(synced: Path) -> None:
    shown = run_of(synced, "one_epoch").data.metrics
    assert {name: value for name, value in shown.items() if "_gain" in name} == {"test/auc_gain/click": 0.0}
    assert not any("_gain" in name for name in run_of(synced, "one_epoch", "seed 1").data.metrics)


def test_an_arm_shows_the_numbers_of_the_report(synced: Path) -> None:
    for row in Analysis(load(synced, "plan")).groups[0].compared("click", "auc"):
        shown, gain = run_of(synced, row.arm.arm.id.name).data.metrics, row.value("gain")
        assert gain is not None
        assert shown["test/auc_gain/click"] == round(gain.mean, 6)
        ends = {"low": gain.low, "high": gain.high, "p": row.p("gain")}
        wanted = {} if row.arm.is_baseline else {k: round(v, 6) for k, v in ends.items() if v is not None}
        assert {k: shown[f"test/auc_gain/click {k}"] for k in ends if f"test/auc_gain/click {k}" in shown} == wanted


def test_a_p_value_waits_for_every_arm_that_it_is_corrected_for(results: Path) -> None:
    result = write_plan(results)
    tracker = tracker_of(results)
    tracker.show_arms(result.arms, result.arms)
    shown = run_of(results, "none").data.metrics
    assert shown["test/auc_gain/click low"] < 0.025 < shown["test/auc_gain/click high"]
    assert "test/auc_gain/click p" not in shown
    tracker.sync(result)
    assert 0 < run_of(results, "none").data.metrics["test/auc_gain/click p"] < 1


def test_a_baseline_that_shares_the_runs_of_none_is_read_at_its_first_epoch(results: Path) -> None:
    runs = {seed: write_run(results, f"none{seed}", seed, auc) for seed, auc in AUC.items()}
    arms = (arm_of(runs), arm_of(runs, role=ArmRole.ONE_EPOCH))
    tracker_of(results).sync(result_of(*arms))
    assert run_of(results, "one_epoch").data.metrics["test/auc_best/click"] == pytest.approx(0.71)
    assert run_of(results, "none").data.metrics["test/auc_last/click"] == pytest.approx(0.70)
    assert len(runs_of(results)) == 4


def test_the_view_of_an_arm_draws_its_curves_over_epochs(synced: Path) -> None:
    """The page takes a metric of the same steps for the horizontal axis; at ends of epochs the step is the epoch."""
    state = json.loads(json.loads(note_of(synced)["mlflow.sharedViewState.powerlaw-dnn"])["state"])
    shown = [(c["metricKey"], c.get("xAxisKey"), c.get("selectedXAxisMetricKey")) for c in state["compareRunCharts"]]
    assert shown == [
        ("valid/auc/click", "step", ""),
        ("test/auc_gain/click", None, None),
        ("sample/auc/click", "metric", "sample/epochs"),
    ]
    arm = history(synced, run_of(synced, "none"))
    assert [step for step, _ in arm["sample/auc/click"]] == [step for step, _ in arm["sample/epochs"]]
    assert [epochs for _, epochs in arm["sample/epochs"]] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_a_second_sync_changes_nothing(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = write_plan(results)
    tracker = tracker_of(results)
    tracker.sync(result)
    before, ids = content(results), {r.info.run_id for r in runs_of(results, ViewType.ALL)}
    for name in ("log_batch", "create_run", "delete_run", "set_tag", "set_terminated", "log_artifact", "log_inputs"):
        monkeypatch.delattr(MlflowClient, name)
    tracker.sync(result)
    sync_again = tracker_of(results)
    sync_again.sync(result)
    assert tracker.problem is None
    assert sync_again.problem is None
    assert content(results) == before
    assert {r.info.run_id for r in runs_of(results, ViewType.ALL)} == ids


def test_a_gain_that_changes_is_shown_as_it_is_now_whichever_is_larger(results: Path) -> None:
    """As where a seed of the baseline is trained later: the arm is the same, and what it gains is not."""
    none = {seed: write_run(results, f"none{seed}", seed, auc) for seed, auc in AUC.items()}
    reinit = {seed: write_run(results, f"re{seed}", seed, [0.70, 0.75, 0.76], strategy="reinit") for seed in AUC}
    first = {1: write_run(results, "first1", 1, [0.70], epochs=1)}
    first |= {2: write_run(results, "first2", 2, [0.72], epochs=1, status=Status.INCOMPLETE)}
    plan = result_of(arm_of(none), arm_of(first, role=ArmRole.ONE_EPOCH), arm_of(reinit, "reinit"))
    write_plan_result(results, plan)
    for gain, later in ((0.06, 0.90), (-0.04, 0.10), (0.36, None)):
        tracker_of(results).sync(plan)
        assert run_of(results, "reinit").data.metrics["test/auc_gain/click"] == pytest.approx(gain)
        if later is not None:
            write_run(results, "first2", 2, [later], epochs=1)


def test_a_plan_of_many_labels_keeps_a_view_and_draws_the_first(results: Path) -> None:
    tasks = [f"label_{number:02d}" for number in range(30)]
    writer = RunWriter(results / "runs", "run", spec_of(1, epochs=2), {"cpu": "any"})
    for epoch in (1, 2):
        names = [f"{split}/{metric}" for split in ("sample", "valid", "test") for metric in ("auc", "logloss")]
        metrics = {f"{name}/{task}": 0.7 for task in tasks for name in names}
        writer.append(Record(epoch, 10 * epoch, float(epoch), True, typed(metrics), {"train_s": 2.5}))
    writer.finish(Status.FINISHED)
    plan = result_of(replace(arm_of({1: "run"}), task=tasks[0]))
    write_plan_result(results, plan)
    tracker = tracker_of(results)
    tracker.sync(plan)
    assert not tracker.problem
    tags = client_of(results).get_experiment(tracker.store.experiment).tags
    (shared,) = (value for name, value in tags.items() if name.startswith("mlflow.sharedViewState"))
    sections = json.loads(json.loads(shared)["state"])["compareRunSections"]
    assert [each["name"] for each in sections] == [f"{task} AUC" for task in tasks[: len(sections)]]
    assert 5 < len(sections) < 30


def test_what_another_process_has_written_since_is_not_written_again(results: Path, tmp_path: Path) -> None:
    result, report = write_plan(results), results / "report.html"
    report.write_text("<p>report</p>")
    slow = tracker_of(results)
    sync("mlflow", results, "plan", [report])
    before, ids = content(results), {r.info.run_id for r in runs_of(results, ViewType.ALL)}
    slow.sync(result)
    slow.attach([report])
    assert slow.problem is None
    assert content(results) == before
    assert {r.info.run_id for r in runs_of(results, ViewType.ALL)} == ids


def test_a_finished_key_is_not_written_again(results: Path) -> None:
    log_run(tracker_of(results), "k1", AUC[1])
    before = content(results)
    log_run(tracker_of(results), "k1", [0.5])
    assert content(results) == before


@pytest.mark.parametrize("end", ["killed", "failed"])
def test_what_a_killed_or_failed_attempt_left_is_replaced(results: Path, end: str) -> None:
    first = tracker_of(results)
    log_run(first, "k1", [0.6], finish=False)
    if end == "failed":
        first.finish("k1", Status.FAILED, "out of memory")
    log_run(tracker_of(results), "k1", AUC[1])
    run = run_of(results, "none", "seed 1")
    assert run.info.status == "FINISHED"
    assert history(results, run)["valid/auc/click"] == [(1, 0.70), (2, 0.74), (3, 0.71)]


def test_a_deleted_database_is_restored_run_by_run_and_metric_by_metric(
    folder: Callable[[str], Path], empty_database: Path
) -> None:
    results = folder("results")
    result = write_plan(results)
    report = results / "report.html"
    report.write_text("<p>the answer</p>")
    tracker = tracker_of(results)
    observe(tracker, results, result)
    tracker.sync(result)
    tracker.attach([report])
    assert tracker.problem is None
    before, note = content(results), note_of(results)
    shutil.rmtree(results / "mlartifacts")
    shutil.copy(empty_database, results / "mlflow.db")
    sync("mlflow", results, "plan", [report])
    assert content(results) == before
    assert note_of(results) == note


def test_the_report_is_a_run_of_its_plan_replaced_when_it_changes(results: Path) -> None:
    report = results / "report.html"
    for text in ("<p>first</p>", "<p>second</p>", "<p>second</p>"):
        report.write_text(text)
        tracker_of(results).attach([report])
    (run,) = runs_of(results)
    assert (run.info.run_name, run.info.status) == ("report", "FINISHED")
    assert Path(client_of(results).download_artifacts(run.info.run_id, "report.html")).read_text() == "<p>second</p>"


def test_arms_of_several_data_sets_are_told_apart_by_name_and_parameter(results: Path) -> None:
    two = plan_of(dataset=[{"name": "powerlaw"}, {"name": "avazu"}])
    tracker_of(results, two).start(Member("k1", ArmId("avazu", "dnn", "none"), RunRole.SEED, 1, {}), spec_of(1))
    by_role = {r.data.tags["multiepoch.role"]: r for r in runs_of(results)}
    assert by_role["arm"].info.run_name == "avazu/none"
    assert by_role["seed"].data.params == {"strategy": "none", "dataset": "avazu", "seed": "1"}


def test_arms_differ_in_colour_and_keep_it_over_data_sets() -> None:
    strategies = ["none", *(f"arm{i}" for i in range(24))]
    found = [color(name, strategies) for name in (*strategies, "one_epoch")]
    assert len(set(found)) == len(found)
    assert [color(name, ["hashing", "none", "reinit"]) for name in ("hashing", "reinit")] == list(OKABE_ITO[:2])


def test_the_colour_of_an_arm_is_one_that_the_ui_draws(synced: Path) -> None:
    shown = {arm: run_of(synced, arm).data.tags["mlflow.runColor"] for arm in ("none", "reinit", "one_epoch")}
    assert len(set(shown.values())) == len(shown)
    assert all(re.fullmatch("#[0-9a-f]{6}", value) for value in shown.values())


def test_descriptions_say_how_an_arm_was_chosen_and_where_a_trial_is(synced: Path) -> None:
    arm = run_of(synced, "none").data.tags["mlflow.note.content"]
    assert "means over 2 seeds" in arm
    assert "Chosen by `best_epoch` of valid/auc/click among 1 trial: `dense_lr = 0.002`, `table_lr = 0.01`" in arm
    assert "1 more failed" in run_of(synced, "reinit").data.tags["mlflow.note.content"]
    trial = run_of(synced, "none", "trial 0").data.tags["mlflow.note.content"]
    assert "[this trial](http://127.0.0.1:8080/dashboard/studies/0/trials?numbers=0)" in trial
    assert "`runs/trial0`" in trial


def test_a_restored_arm_lasts_as_long_as_its_runs(synced: Path) -> None:
    done = max((synced / "runs" / key / "done").stat().st_mtime for key in ("none1", "none2"))
    assert run_of(synced, "none").info.end_time == pytest.approx(1000 * done, abs=1)


def test_an_arm_that_is_written_late_ends_after_it_began(results: Path) -> None:
    """Live runs are dated when they are written, which may be after their records say that they ended."""
    result = write_plan(results)
    observe(tracker_of(results), results, result)
    for run in runs_of(results):
        assert run.info.start_time <= run.info.end_time, run.info.run_name


def test_live_and_from_disk_come_to_the_same(folder: Callable[[str], Path]) -> None:
    live, restored = folder("live"), folder("restored")
    result = write_plan(live)
    tracker = tracker_of(live)
    observe(tracker, live, result)
    tracker.sync(result)
    assert tracker.problem is None
    for part in ("runs", "plans"):
        shutil.copytree(live / part, restored / part)
    sync("mlflow", restored, "plan")
    assert content(restored) == content(live)


def test_a_run_from_disk_keeps_its_times(synced: Path) -> None:
    info = run_of(synced, "none", "seed 1").info
    assert info.end_time == pytest.approx(1000 * (synced / "runs" / "none1" / "done").stat().st_mtime, abs=1)
    assert info.start_time <= info.end_time


def test_runs_that_are_not_done_wait(results: Path) -> None:
    write_run(results, "k1", 1, [0.7], status=Status.INCOMPLETE)
    tracker_of(results).sync(result_of(arm_of({1: "k1"}), complete=False))
    assert [r.info.status for r in runs_of(results)] == ["FAILED"]
    assert run_of(results, "none").data.metrics == {"seeds": 0, "seeds_failed": 1}


def test_more_seeds_give_the_arm_a_new_parent_without_a_trace_of_the_old_curves(results: Path) -> None:
    runs = {seed: write_run(results, f"none{seed}", seed, auc) for seed, auc in AUC.items()}
    tracker = tracker_of(results)
    tracker.sync(result_of(arm_of({1: "none1"})))
    tracker.sync(result_of(arm_of(runs)))
    parent = run_of(results, "none")
    assert [step for step, _ in history(results, parent)["valid/auc/click"]] == [1, 2, 3]
    children = [r for r in runs_of(results) if r.info.run_id != parent.info.run_id]
    assert {r.data.tags["mlflow.parentRunId"] for r in children} == {parent.info.run_id}
    assert len(children) == 2


def test_runs_of_changed_code_stay_with_their_superseded_parent(results: Path) -> None:
    write_run(results, "old", 1, AUC[1])
    write_run(results, "new", 1, AUC[2])
    tracker_of(results).sync(result_of(arm_of({1: "old"})))
    tracker_of(results).sync(result_of(arm_of({1: "new"})))
    by_key = {r.data.tags.get("multiepoch.key", r.info.run_name): r for r in runs_of(results)}
    assert set(by_key) == {"old", "new", "none", "none (superseded)"}
    assert by_key["new"].data.tags["mlflow.parentRunId"] == by_key["none"].info.run_id
    assert by_key["old"].data.tags["mlflow.parentRunId"] == by_key["none (superseded)"].info.run_id
    assert history(results, by_key["none"])["valid/auc/click"][0] == (1, 0.72)


def test_a_run_and_its_page_are_found_by_key(results: Path) -> None:
    tracker = tracker_of(results)
    log_run(tracker, "k1", AUC[1])
    run = run_of(results, "none", "seed 1")
    page, training = (
        f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs",
        "?workflowType=machine_learning",
    )
    address = f"{page}/{run.info.run_id}{training}"
    assert tracker.page("k1") == address
    assert tracker.store.page() == f"{page}{training}&compareRunsMode=CHART"
    assert tracker.page("k2") is None


def test_an_experiment_deleted_in_the_ui_comes_back(results: Path) -> None:
    log_run(tracker_of(results), "k1", AUC[1])
    client = client_of(results)
    experiment = client.get_experiment_by_name("plan")
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)
    log_run(tracker_of(results), "k2", AUC[2], seed=2)
    assert {r.data.tags.get("multiepoch.key") for r in runs_of(results)} >= {"k2"}


def test_nothing_global_is_left_behind(results: Path) -> None:
    before = mlflow.get_tracking_uri()
    log_run(tracker_of(results), "k1", AUC[1])
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before


class Outage:
    """An MLflow whose batches fail from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch, self._real, self.calls = monkeypatch, MlflowClient.log_batch, 0
        monkeypatch.setattr(MlflowClient, "log_batch", self._fail)

    def _fail(self, *_: Any, **__: Any) -> None:
        self.calls += 1
        raise ConnectionError("connection refused\nby the server")

    def end(self) -> None:
        self._monkeypatch.setattr(MlflowClient, "log_batch", self._real)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Outage]:
    return lambda: Outage(monkeypatch)


def test_an_outage_warns_once_and_sync_completes_what_it_cut_off(results: Path, outage: Callable[[], Outage]) -> None:
    result, warnings = write_plan(results), list[str]()
    tracker = tracker_of(results, warn=warnings.append)
    log_run(tracker, "none1", AUC[1][:1], finish=False)
    broken = outage()
    for record in records_of(AUC[1])[2:]:
        tracker.log("none1", record)
    tracker.finish("none1", Status.FINISHED)
    log_run(tracker, "none2", AUC[2], seed=2)
    tracker.show_arms(result.arms[:1], result.arms)
    assert broken.calls == 1
    assert warnings == [
        f"MLflow at 'sqlite:///{results}/mlflow.db' failed: ConnectionError: connection refused; "
        "going on without it, `multiepoch sync` completes it later"
    ]
    broken.end()
    assert run_of(results, "none", "seed 1").info.status == "RUNNING"
    tracker.sync(result)
    run = run_of(results, "none", "seed 1")
    assert run.info.status == "FINISHED"
    assert history(results, run)["valid/auc/click"] == [(1, 0.70), (2, 0.74), (3, 0.71)]
    assert run_of(results, "none").data.metrics["seeds"] == 2


def test_other_runs_are_written_again_a_while_after_an_outage(
    results: Path, outage: Callable[[], Outage], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = tracker_of(results)
    broken = outage()
    log_run(tracker, "k1", AUC[1])
    broken.end()
    log_run(tracker, "k2", AUC[2], seed=2)
    monkeypatch.setattr("harness.tracking.mlflow.guard.PAUSE", 0.0)
    tracker.guard.forget()
    log_run(tracker, "k3", AUC[1], seed=3)
    assert {r.info.run_name: r.info.status for r in runs_of(results)} == {
        "none": "RUNNING",
        "seed 1": "RUNNING",
        "seed 3": "FINISHED",
    }


def test_sync_says_that_it_failed(results: Path, outage: Callable[[], Outage]) -> None:
    write_plan(results)
    outage()
    with pytest.raises(UserError, match="connection refused"):
        sync("mlflow", results, "plan")


def test_sync_refuses_a_plan_that_was_never_run(results: Path) -> None:
    write_plan(results)
    with pytest.raises(UserError, match="did you mean 'plan'"):
        sync("mlflow", results, "plann")


def test_a_search_alone_is_synced_though_it_has_no_seeds(results: Path) -> None:
    result = write_plan(results)
    write_plan_result(results, replace(result, plan=result.plan | {"seeds": []}))
    sync("mlflow", results, "plan")
    assert run_of(results, "none", "trial 0").info.status == "FINISHED"


def test_a_plan_of_another_version_is_refused_in_one_line(results: Path) -> None:
    result = write_plan(results)
    write_plan_result(results, replace(result, plan=result.plan | {"seedz": [1]}))
    with pytest.raises(UserError, match=r"^plan 'plan' was run by another version: unknown key 'seedz'; [^\n]*$"):
        sync("mlflow", results, "plan")


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"^MLflow at 'http://127\.0\.0\.1:9' cannot be used: [^\n]*--no-mlflow[^\n]*$"):
        tracker_of(tmp_path)


def test_a_broken_database_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").write_text("not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(UserError, match="file is not a database; if it is damaged, delete it"):
        tracker_of(tmp_path)


def test_a_folder_that_mlflow_would_misread_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError, match="has a %"):
        tracker_of(tmp_path / "50% of it")


def test_a_moved_results_folder_is_told_how_to_recover(folder: Callable[[str], Path]) -> None:
    here, there = folder("here"), folder("there")
    tracker_of(here)
    shutil.copy(here / "mlflow.db", there / "mlflow.db")
    with pytest.raises(UserError, match="delete it and run `multiepoch sync`"):
        tracker_of(there)
