"""Records -> MLflow: one experiment per plan, a parent run per arm, below it a child run per seed and per trial.

The records on disk are the truth. A Tracker, once it exists, never raises over MLflow: it warns once and goes on, and
what it could not write whole stays unfinished there, which `sync` deletes and writes anew.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from harness import records, summary
from harness.plugin import UserError
from harness.records import Arm, Outcome, Record, Run

if TYPE_CHECKING:
    from harness.arms import Job

logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
Values = Mapping[str, Any]
STATUS = {"finished": "FINISHED", "failed": "FAILED"}
PAUSE = 60.0
"""Seconds without new runs after a call failed, so that a dead server does not hold up every run."""


@dataclass
class _Child:
    """The MLflow run of a seed or trial. status: MLflow's, RUNNING until all of it is written."""

    run_id: str
    status: str
    arm: str
    parent: str


class Tracker:
    """Writes one plan to MLflow, live or from disk; a key that is there and finished is never written again.

    results: holds mlflow.db and mlartifacts, unless MLFLOW_TRACKING_URI is set. warn: is told of the first problem.
    problem: what went wrong first, if anything. seconds: spent in MLflow so far.

    Raises:
        UserError: the server cannot be reached or its database cannot be used.
    """

    def __init__(
        self, results: Path, plan: str, description: str = "", warn: Callable[[str], None] | None = None
    ) -> None:
        self.problem: str | None = None
        self.seconds = 0.0
        self._results, self._warn = results.resolve(), warn or logging.getLogger("multiepoch").warning
        self._arms: dict[str, str] = {}
        self._children: dict[str, _Child] = {}
        self._active: dict[str, list[Record]] = {}
        self._quiet_until = 0.0
        self._replayed_at: float | None = None
        self.uri = os.environ.get("MLFLOW_TRACKING_URI") or _own_database(self._results)
        try:
            self._client = MlflowClient(tracking_uri=self.uri)
            self._experiment = self._open(plan, description)
            self._index()
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"MLflow at '{self.uri}' cannot be used: {_line(error)}") from error

    def start(self, key: str, spec: Values, arm: str, role: str, number: int, params: Values) -> None:
        """Begin a child run; what a killed process left of it, or a failed attempt, is deleted first.

        arm: "<dataset>/<model>/<strategy>"; its parent run is made if there is none. role: seed or trial. number: the
        seed, or the trial's number. params: the searched values.
        """
        known = self._children.get(key)
        if time.monotonic() < self._quiet_until or (known is not None and known.status == "FINISHED"):
            return
        with self._guard(key):
            if known is not None:
                self._client.delete_run(known.run_id)
                del self._children[key]
            parent = self._parent(arm)
            tags = _tags(arm, role) | {"multiepoch.key": key, "mlflow.parentRunId": parent}
            run_id = self._create(f"{role} {number}", tags)
            self._children[key] = _Child(run_id, "RUNNING", arm, parent)
            self._write(run_id, params={"strategy": _label(arm), "seed": spec["seed"], **params})
            self._client.log_inputs(run_id, [_dataset(spec)])
            self._client.log_text(run_id, json.dumps(spec, indent=1, sort_keys=True), "spec.json")
            self._active[key] = []

    def log(self, key: str, record: Record) -> None:
        """Write a record in one call; nothing unless the run was started here."""
        if key in self._active:
            with self._guard(key):
                self._write(self._children[key].run_id, summary.points(record))
                self._active[key].append(record)

    def finish(self, key: str, status: str, reason: str = "") -> None:
        """End a child run with its summary. status: finished, or failed and the reason."""
        if key in self._active:
            with self._guard(key):
                child, tags = self._children[key], {"multiepoch.reason": reason[:500]} if reason else {}
                self._write(child.run_id, summary.scalars(summary.summarise(self._active[key])), tags)
                self._client.set_terminated(child.run_id, STATUS[status], self._now())
                child.status = STATUS[status]
                del self._active[key]

    def replay(self, run: Run, arm: str, role: str, number: int, params: Values) -> None:
        """Write a run from disk the way it would have been live; nothing if it is not done, or there already."""
        known, status = self._children.get(run.key), STATUS.get(run.status)
        if status is None or (known is not None and known.status == status):
            return
        folder = self._results / "runs" / run.key
        self._replayed_at = _modified(folder / "spec.json")
        self.start(run.key, run.spec, arm, role, number, params)
        self._replayed_at = _modified(folder / "done")
        for record in run.records:
            self.log(run.key, record)
        self.finish(run.key, run.status, run.reason)
        self._replayed_at = None

    def finish_arm(self, arm: Arm, runs: Sequence[Run], baseline: Sequence[Run] = ()) -> None:
        """End an arm: means over its finished seeds, curves and a figure on the parent, gains on the children too.

        runs: the arm's seeds. baseline: the runs of its one-epoch baseline, paired by seed. What is there is not
        written twice; runs that the arm no longer consists of stay with their former parent, marked `superseded`.
        """
        if time.monotonic() >= self._quiet_until:
            with self._guard():
                self._finish_arm(arm, summary.ArmSummary(arm, runs, baseline))

    def finish_arms(self, arms: Sequence[Arm]) -> None:
        """`finish_arm` for arms on disk, each against the one-epoch baseline of its data set and model among them."""
        one_epoch = {(a.dataset, a.model): a for a in arms if a.role == "one_epoch"}
        for arm in arms:
            baseline = one_epoch.get((arm.dataset, arm.model), arm)
            self.finish_arm(arm, self._on_disk(arm), self._on_disk(baseline) if baseline is not arm else ())

    def sync(self, outcome: Outcome) -> None:
        """Write everything of a plan that is on disk and not in MLflow; a second call changes nothing."""
        self.problem, self._quiet_until = None, 0.0
        runs = self._results / "runs"
        for key, arm, role, number, params in summary.members(outcome):
            known = self._children.get(key)
            if (known is None or known.status != "FINISHED") and records.is_done(runs, key):
                self.replay(records.read(runs, key), arm, role, number, params)
        self.finish_arms(outcome.arms)

    def run_id(self, key: str) -> str | None:
        """The MLflow run of a key."""
        return self._children[key].run_id if key in self._children else None

    def ui_path(self, key: str = "") -> str:
        """Where the MLflow UI shows a key, or else the plan, to put behind the server's address and a slash."""
        run = f"/{self._children[key].run_id}" if key in self._children else ""
        view = "" if run else "&compareRunsMode=CHART"
        return f"#/experiments/{self._experiment}/runs{run}?workflowType=machine_learning{view}"

    @contextmanager
    def _guard(self, key: str = "") -> Iterator[None]:
        """Turn a failure into a warning; the run it hit is left unfinished."""
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            self._active.pop(key, None)
            self._quiet_until = time.monotonic() + PAUSE
            if self.problem is None:
                self.problem = f"MLflow at '{self.uri}' failed: {_line(error)}"
                self._warn(f"{self.problem}; going on without it, `multiepoch sync` completes it later")
        finally:
            self.seconds += time.monotonic() - began

    def _open(self, plan: str, description: str) -> str:
        """The plan's experiment, made or restored if need be."""
        found = self._client.get_experiment_by_name(plan)
        remote = self.uri.startswith(("http", "databricks"))
        location = None if remote else (self._results / "mlartifacts").as_uri()
        if found is None:
            tags = {"mlflow.note.content": description, "mlflow.experimentKind": "custom_model_development"}
            return self._client.create_experiment(plan, location, tags)
        if self.uri == _database_uri(self._results) and found.artifact_location != location:
            raise UserError(
                f"'{self._results}/mlflow.db' is from another place, with its files in '{found.artifact_location}'; "
                "delete it and run `multiepoch sync`"
            )
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _index(self) -> None:
        """Learn what the experiment holds."""
        token: str | None = None
        while True:
            page = self._client.search_runs([self._experiment], order_by=["start_time ASC"], page_token=token)
            for run in page:
                tags = run.data.tags
                if tags.get("multiepoch.role") == "arm":
                    self._arms[tags["multiepoch.arm"]] = run.info.run_id
                elif "multiepoch.key" in tags:
                    child = _Child(run.info.run_id, run.info.status, tags["multiepoch.arm"], tags["mlflow.parentRunId"])
                    self._children[tags["multiepoch.key"]] = child
            token = page.token
            if not token:
                return

    def _finish_arm(self, arm: Arm, new: summary.ArmSummary) -> None:
        parent, known = self._current(arm.id, new)
        if known is None:
            self._client.log_inputs(parent, [_dataset(run.spec) for run in new.done[:1]])
            self._client.log_figure(parent, summary.figure(arm.id, new.done), "curves.png")
            self._client.set_terminated(parent, "FINISHED" if new.done else "FAILED")
            points = summary.scalars(new.values) + summary.mean_curves(new.done)
            self._write(parent, points, {"multiepoch.digest": new.digest}, {"strategy": _label(arm.id)})
        else:
            self._top_up(parent, known, new.values)
        for key, values in new.gains.items():
            child = self._children.get(key)
            if child is not None and child.arm == arm.id and child.status == "FINISHED":
                self._top_up(child.run_id, self._client.get_run(child.run_id).data.metrics, values)

    def _top_up(self, run_id: str, known: Mapping[str, float], values: Mapping[str, float]) -> None:
        if changed := {name: value for name, value in values.items() if known.get(name) != value}:
            self._write(run_id, summary.scalars(changed))

    def _current(self, arm: str, new: summary.ArmSummary) -> tuple[str, Mapping[str, float] | None]:
        """The arm's parent, holding these keys alone, and its metrics; None: they are still to be written.

        MLflow cannot take a curve back, so a parent whose curves are of other runs gives way to a new one.
        """
        former = parent = self._parent(arm)
        data = self._client.get_run(parent).data
        if data.tags.get("multiepoch.digest") == new.digest:
            return parent, data.metrics
        strays = any(c.parent == parent and key not in new.keys for key, c in self._children.items())
        if strays or data.metrics:
            self._client.set_tag(former, "multiepoch.role", "superseded")
            del self._arms[arm]
            parent = self._parent(arm)
        for child in (self._children[key] for key in new.keys if key in self._children):
            if child.arm == arm and child.parent != parent:
                self._client.set_tag(child.run_id, "mlflow.parentRunId", parent)
                child.parent = parent
        if strays:
            self._client.update_run(former, name=f"{_label(arm)} (superseded)")
        elif former != parent:
            self._client.delete_run(former)
        return parent, None

    def _parent(self, arm: str) -> str:
        if arm not in self._arms:
            self._arms[arm] = self._create(_label(arm), _tags(arm, "arm"))
        return self._arms[arm]

    def _create(self, name: str, tags: dict[str, str]) -> str:
        return str(self._client.create_run(self._experiment, self._now(), tags, name).info.run_id)

    def _write(
        self,
        run_id: str,
        points: Iterable[summary.Point] = (),
        tags: Values | None = None,
        params: Values | None = None,
    ) -> None:
        metrics = [Metric(name, value, self._now(), step) for name, value, step in points]
        pairs = [Param(summary.metric_name(k), str(v)) for k, v in (params or {}).items()]
        labels = [RunTag(k, v) for k, v in (tags or {}).items()]
        self._client.log_batch(run_id, metrics, pairs, labels, synchronous=True)

    def _now(self) -> int:
        return int(1000 * (self._replayed_at or time.time()))

    def _on_disk(self, arm: Arm) -> list[Run]:
        folder = self._results / "runs"
        return [records.read(folder, key) for key in arm.runs.values() if records.is_done(folder, key)]


class Live:
    """A launch observer that keeps MLflow up to date."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker, self._arms = tracker, list[Arm]()

    def planned(self, runs: int) -> None:
        pass

    def started(self, job: Job) -> None:
        spec = job.spec.model_dump(mode="json")
        self._tracker.start(job.key, spec, job.arm, job.role, job.number, job.varying)

    def recorded(self, job: Job, record: Record) -> None:
        self._tracker.log(job.key, record)

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        if trained:
            self._tracker.finish(job.key, run.status, run.reason)
        else:
            self._tracker.replay(run, job.arm, job.role, job.number, job.varying)

    def arm_done(self, arm: Arm) -> None:
        """End the arm, and again those that waited for it as their baseline."""
        self._arms.append(arm)
        peers = [a for a in self._arms if (a.dataset, a.model) == (arm.dataset, arm.model)]
        self._tracker.finish_arms([a for a in peers if "one_epoch" in (a.role, arm.role) or a is arm])


def sync(results: Path, plan: str) -> None:
    """Bring MLflow up to date with a plan's records on disk.

    Raises:
        UserError: the plan was never run here, or MLflow failed before all was written.
    """
    outcome = records.read_outcome(results, plan)
    tracker = Tracker(results, plan, outcome.plan.get("description", ""), warn=lambda _: None)
    tracker.sync(outcome)
    if tracker.problem is not None:
        raise UserError(tracker.problem)


def _own_database(results: Path) -> str:
    """The database of a results folder; opened once here, as MLflow retries for minutes what cannot work."""
    path = results / "mlflow.db"
    if set("%?#") & set(str(path)):
        raise UserError(f"MLflow cannot use results folder '{results}': its name has a %, ? or # in it")
    try:
        results.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA schema_version")
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"MLflow's database '{path}' cannot be used: {error}") from error
    return _database_uri(results)


def _database_uri(results: Path) -> str:
    return f"sqlite:///{results}/mlflow.db"


def _dataset(spec: Values) -> DatasetInput:
    """What MLflow's MetaDataset of a CodeDatasetSource would log."""
    name = spec["dataset"]["name"]
    about = {"params": spec["dataset"]["params"], "data_seed": spec["data_seed"]}
    source = json.dumps({"tags": about}, sort_keys=True)
    data = Dataset(name, summary.digest([name, source])[:8], "code", source)
    return DatasetInput(data, [InputTag("mlflow.data.context", "training")])


def _tags(arm: str, role: str) -> dict[str, str]:
    dataset, model, _ = arm.split("/", 2)
    tags = {"role": role, "arm": arm, "dataset": dataset, "model": model}
    return {f"multiepoch.{name}": value for name, value in tags.items()}


def _label(arm: str) -> str:
    return arm.split("/", 2)[2]


def _modified(path: Path) -> float | None:
    return path.stat().st_mtime if path.exists() else None


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
