"""A plan's records, and what MLflow holds of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType

from harness.experiment.plan import Plan
from harness.experiment.specs import PluginSpec, RunSpec
from harness.metrics.selection import Rule
from harness.results.keys import ArmId, ArmRole, RunRole, Status
from harness.results.plan_results import Arm, PlanResult, Trial, write_plan_result
from harness.results.records import Record
from harness.results.run_reader import read
from harness.results.run_writer import RunWriter
from harness.search.job import Job
from harness.tracking.background import Background
from harness.tracking.live import Live
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.tracker import Tracker
from support.simulated import typed

NONE = ArmId("powerlaw", "dnn", "none")
AUC = {1: [0.70, 0.74, 0.71], 2: [0.72, 0.73, 0.69]}
"""Seed -> AUC on valid after each epoch."""


def plan_of(**values: Any) -> Plan:
    """A plan of two arms, with some of its values replaced."""
    known = {"name": "plan", "description": "What helps?", "strategies": ["none", "reinit"], "seeds": [1, 2]}
    known |= {"dataset": [{"name": "powerlaw"}], "model": [{"name": "dnn"}]}
    return Plan.model_validate(known | values)


PLAN = plan_of()


def spec_of(seed: int, strategy: str = "none", epochs: int = 3) -> dict[str, Any]:
    spec = RunSpec(
        dataset=PluginSpec(name="powerlaw", params={"rows": 1000, "days": 5}),
        model=PluginSpec(name="dnn"),
        strategy=(PluginSpec(name=strategy),),
        seed=seed,
    )
    return spec.model_copy(update={"train": spec.train.model_copy(update={"epochs": epochs})}).model_dump(mode="json")


def records_of(auc: list[float]) -> list[Record]:
    """Two evaluations an epoch of ten steps."""
    out = []
    for epoch, value in enumerate(auc, start=1):
        half = {"sample/auc/click": value - 0.01}
        full = {"sample/auc/click": value, "valid/auc/click": value, "valid/logloss/click": 1 - value}
        full |= {"valid@2-4/auc/click": value - 0.1, "test/auc/click": value}
        out.append(Record(epoch, 10 * epoch - 5, epoch - 0.5, False, typed(half)))
        out.append(Record(epoch, 10 * epoch, float(epoch), True, typed(full), {"train_s": 2.5}))
    return out


def write_run(
    results: Path, key: str, seed: int, auc: list[float], status: Status = Status.FINISHED, **spec: Any
) -> str:
    writer = RunWriter(results / "runs", key, spec_of(seed, **spec), {"cpu": "any"})
    for record in records_of(auc):
        writer.append(record)
    if status != Status.INCOMPLETE:
        writer.finish(status, "the loss is not a finite number" if status == Status.FAILED else "")
    return key


def arm_of(
    runs: dict[int, str], strategy: str = "none", role: ArmRole = ArmRole.ARM, trials: tuple[Trial, ...] = ()
) -> Arm:
    chosen = {"table_lr": 0.01, "dense_lr": 0.002} if trials else {}
    rule = Rule.ONE_EPOCH if role == ArmRole.ONE_EPOCH else Rule.BEST_EPOCH
    return Arm("powerlaw", "dnn", strategy, role, "click", rule, bool(trials), chosen, trials, runs)


def write_plan(results: Path) -> PlanResult:
    """Two arms of two seeds, one with a trial and one with a failed seed, and a one-epoch baseline."""
    page = "dashboard/studies/0/trials?numbers=0"
    trial = Trial(0, write_run(results, "trial0", 1000, AUC[1]), 1000, {"table_lr": 0.01}, 0.74, page)
    none = {seed: write_run(results, f"none{seed}", seed, auc) for seed, auc in AUC.items()}
    first = {seed: write_run(results, f"first{seed}", seed, auc[:1], epochs=1) for seed, auc in AUC.items()}
    reinit = {1: write_run(results, "reinit1", 1, [0.7, 0.75, 0.76], strategy="reinit")}
    reinit[2] = write_run(results, "reinit2", 2, [0.7], status=Status.FAILED, strategy="reinit")
    arms = (arm_of(none, trials=(trial,)), arm_of(first, role=ArmRole.ONE_EPOCH), arm_of(reinit, "reinit"))
    result = result_of(*arms)
    write_plan_result(results, result)
    return result


def result_of(*arms: Arm, complete: bool = True) -> PlanResult:
    return PlanResult(PLAN.name, PLAN.model_dump(mode="json", by_alias=True), arms, complete)


def tracker_of(results: Path, plan: Plan = PLAN, warn: Callable[[str], None] = lambda _: None) -> MlflowTracker:
    return MlflowTracker(results, plan, warn)


def client_of(results: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{results}/mlflow.db")


def runs_of(results: Path, view: int = ViewType.ACTIVE_ONLY) -> list[MlflowRun]:
    client = client_of(results)
    experiment = client.get_experiment_by_name("plan")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], run_view_type=view))


def run_of(results: Path, arm: str, name: str | None = None) -> MlflowRun:
    """The one child of an arm, "<strategy>", of this name, or its parent."""
    found = [
        r
        for r in runs_of(results)
        if r.data.tags.get("multiepoch.arm") == f"powerlaw/dnn/{arm}"
        and (r.info.run_name == name if name else r.data.tags["multiepoch.role"] == "arm")
    ]
    assert len(found) == 1
    return found[0]


def history(results: Path, run: MlflowRun) -> dict[str, list[tuple[int, float]]]:
    """Every point of every metric, as (step, value)."""
    client = client_of(results)
    return {
        name: sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, name))
        for name in run.data.metrics
    }


def content(results: Path) -> list[Any]:
    """All that MLflow holds of a plan, apart from its own ids and times."""
    out = []
    arms = {r.info.run_id: r.data.tags.get("multiepoch.arm", "") for r in runs_of(results)}
    for run in runs_of(results):
        tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.log-model.history"}
        tags["mlflow.parentRunId"] = arms.get(tags.get("mlflow.parentRunId", ""), "")
        files = sorted(f.path for f in client_of(results).list_artifacts(run.info.run_id))
        data = run.inputs.dataset_inputs if run.inputs is not None else []
        inputs = [(i.dataset.name, i.dataset.digest, i.dataset.source) for i in data]
        facts = (run.info.run_name, run.info.status, tags, run.data.params, history(results, run), files, inputs)
        out.append(json.dumps(facts, sort_keys=True))
    return sorted(out)


def observe(tracker: Tracker, results: Path, result: PlanResult) -> None:
    """Let a tracker see a plan run whose records are there already; seed 2 of `none` is found on disk."""
    background = Background(lambda: tracker, warn=lambda _: None)
    observer = Live(background)
    observer.planned(7)
    for arm in result.arms:
        members = [(t.key, RunRole.TRIAL, t.number, t.params) for t in arm.trials]
        for key, role, number, params in members + [(k, RunRole.SEED, s, arm.chosen) for s, k in arm.runs.items()]:
            run = read(results / "runs", key)
            spec = RunSpec.model_validate_json(json.dumps(run.spec))
            page = arm.trials[0].page if role == RunRole.TRIAL else ""
            job = Job(key, spec, "data", arm.id, arm.task, role, number, params, page)
            if key == "none2":
                observer.finished(job, run, trained=False)
                continue
            observer.started(job)
            for record in run.records:
                observer.recorded(job, record)
            observer.finished(job, run, trained=True)
        observer.arm_done(arm)
    assert background.settled()
