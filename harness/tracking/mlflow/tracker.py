"""Writes a plan's runs and arms to MLflow, live or from disk, each once."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlflow.entities import Run as MlflowRun

from harness.base.errors import UserError
from harness.metrics import curves
from harness.results import records
from harness.results.keys import ArmId, ArmRole, Status
from harness.results.plan_results import Arm, PlanResult, read_plan_result
from harness.results.records import Record, Run
from harness.tracking.mlflow import notes, points
from harness.tracking.mlflow.parents import Child, Parents
from harness.tracking.mlflow.points import Member
from harness.tracking.mlflow.store import NOTE, Store, Values, line

STATUS = {Status.FINISHED: "FINISHED", Status.FAILED: "FAILED"}
PAUSE = 60.0
"""Seconds without new runs after a call failed, so that a dead server does not hold up every run."""


class Tracker:
    """Writes one plan to MLflow; a key that is there and finished is never written again.

    results: as of Store. about: the plan as a dictionary. warn: is told of the first problem.
    problem: what went wrong first, if anything, since the last `sync`. seconds: spent in MLflow so far. runs: where the
    records are.

    Raises:
        UserError: the server cannot be reached or its database cannot be used.
    """

    def __init__(
        self, results: Path, plan: str, about: Values | None = None, warn: Callable[[str], None] | None = None
    ) -> None:
        self.problem: str | None = None
        self.seconds = 0.0
        self.runs = results.resolve() / "runs"
        self._plan, self._warn = plan, warn or logging.getLogger("multiepoch").warning
        self._children: dict[str, Child] = {}
        self._active: dict[str, list[Record]] = {}
        self._quiet_until, self._warned = 0.0, False
        self._report: tuple[str, str] | None = None
        self.store = Store(results.resolve(), plan, notes.plan(about or {}))
        self._parents = Parents(self.store, about or {}, self._children)
        self._index(self.store.held)

    def start(self, member: Member, spec: Values) -> None:
        """Begin a child run; what a killed process left of it, or a failed attempt, is deleted first."""
        known = self._children.get(member.key)
        if time.monotonic() < self._quiet_until or (known is not None and known.status == "FINISHED"):
            return
        with self._guard(member.key):
            if known is not None:
                self.store.client.delete_run(known.run_id)
                del self._children[member.key]
            parent = self._parents.of(member.arm)
            tags = self._parents.tags(member.arm, member.role) | {
                "multiepoch.key": member.key,
                "mlflow.parentRunId": parent,
                NOTE: notes.run(member, self._parents.label(member.arm)),
            }
            run_id = self.store.create(f"{member.role} {member.number}", tags)
            self._children[member.key] = Child(run_id, "RUNNING", member.arm, parent)
            params = self._parents.params(member.arm) | {"seed": spec["seed"], **member.params}
            self.store.write(run_id, params=params)
            self.store.read(run_id, spec)
            self.store.client.log_text(run_id, json.dumps(spec, indent=1, sort_keys=True), "spec.json")
            self._active[member.key] = []

    def log(self, key: str, record: Record) -> None:
        """Write a record in one call; nothing unless the run was started here."""
        if key in self._active:
            with self._guard(key):
                self.store.write(self._children[key].run_id, points.points(record))
                self._active[key].append(record)

    def log_cost(self, key: str, epoch: int, cost: Mapping[str, float]) -> None:
        """Write more of what an epoch cost, as `log`."""
        if key in self._active:
            with self._guard(key):
                self.store.write(self._children[key].run_id, points.cost_points(cost, epoch))

    def finish(self, key: str, status: Status, reason: str = "") -> None:
        """End a child run with its summary. status: finished, or failed and the reason."""
        if key in self._active:
            with self._guard(key):
                child, tags = self._children[key], {"multiepoch.reason": reason[:500]} if reason else {}
                self.store.write(child.run_id, points.scalars(points.summarise(self._active[key])), tags)
                self.store.end(child.run_id, STATUS[status])
                child.status = STATUS[status]
                del self._active[key]

    def replay(self, run: Run, member: Member) -> None:
        """Write a run from disk the way it would have been live; nothing if it is not done, or there already."""
        known, status = self._children.get(run.key), STATUS.get(run.status)
        if status is None or (known is not None and known.status == status):
            return
        self.store.now = _modified(self.runs / run.key / "spec.json")
        self.start(member, run.spec)
        for record in run.records:
            self.store.now += curves.seconds(record.cost)
            self.log(run.key, record)
        self.store.now = _modified(self.runs / run.key / "done")
        self.finish(run.key, run.status, run.reason)
        self.store.now = None

    def finish_arm(self, arm: Arm, runs: Sequence[Run], baseline: Sequence[Run] = ()) -> None:
        """End an arm: means over its finished seeds, curves and a figure on the parent, gains on the children too.

        runs: the arm's seeds. baseline: the runs of its one-epoch baseline, paired by seed. What is there is not
        written twice; runs that the arm no longer consists of stay with their former parent, marked `superseded`.
        """
        if time.monotonic() >= self._quiet_until:
            self.store.now = max((_modified(self.runs / run.key / "done") for run in runs), default=None)
            with self._guard():
                self._parents.finish(arm, points.ArmSummary(arm, runs, baseline))
            self.store.now = None

    def finish_arms(self, arms: Sequence[Arm]) -> None:
        """`finish_arm` for arms on disk, each against the one-epoch baseline of its data set and model among them."""
        one_epoch = {(a.dataset, a.model): a for a in arms if a.role == ArmRole.ONE_EPOCH}
        for arm in arms:
            baseline = one_epoch.get((arm.dataset, arm.model), arm)
            self.finish_arm(arm, self._on_disk(arm), self._on_disk(baseline) if baseline is not arm else ())

    def attach(self, files: Sequence[Path]) -> None:
        """Put the report's files into the plan's run `report`, in place of older ones; nothing if they are there."""
        digest = points.digest({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
        there = self._report is not None and self._report[1] == digest
        if not files or there or time.monotonic() < self._quiet_until:
            return
        with self._guard():
            if self._report is None:
                tags = {"multiepoch.role": "report", NOTE: notes.report(self._plan)}
                self._report = (self.store.create("report", tags), "")
            run_id = self._report[0]
            for file in files:
                self.store.client.log_artifact(run_id, str(file))
            self.store.write(run_id, tags={"multiepoch.digest": digest})
            self.store.end(run_id, "FINISHED")
            self._report = (run_id, digest)

    def sync(self, result: PlanResult) -> None:
        """Write everything of a plan that is on disk and not in MLflow; a second call changes nothing."""
        self.problem, self._quiet_until = None, 0.0
        with self._guard():
            self._index(self.store.runs())  # another process may have written since
        for member in points.members(result):
            known = self._children.get(member.key)
            if known is None or known.status != "FINISHED":
                run = records.done(self.runs, member.key)
                if run is not None:
                    self.replay(run, member)
        self.finish_arms(result.arms)

    def links(self, key: str) -> dict[str, str]:
        """The MLflow run of a key and its page; empty if there is none."""
        if key not in self._children:
            return {}
        run_id = self._children[key].run_id
        return {"mlflow_run": run_id, "mlflow_page": self.store.page(run_id)}

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
                self.problem = f"MLflow at '{self.store.uri}' failed: {line(error)}"
            if not self._warned:
                self._warned = True
                self._warn(f"{self.problem}; going on without it, `multiepoch sync` completes it later")
        finally:
            self.seconds += time.monotonic() - began

    def _index(self, held: Sequence[MlflowRun]) -> None:
        """Learn what is there already."""
        self._children.clear()
        self._parents.ids.clear()
        self._report = None
        for run in held:
            tags, run_id = run.data.tags, run.info.run_id
            role = tags.get("multiepoch.role")
            if role == ArmRole.ARM:
                self._parents.ids[ArmId.parse(tags["multiepoch.arm"])] = run_id
            elif role == "report":
                self._report = (run_id, tags.get("multiepoch.digest", ""))
            elif "multiepoch.key" in tags:
                child = Child(run_id, run.info.status, ArmId.parse(tags["multiepoch.arm"]), tags["mlflow.parentRunId"])
                self._children[tags["multiepoch.key"]] = child

    def _on_disk(self, arm: Arm) -> list[Run]:
        return [run for key in arm.runs.values() if (run := records.done(self.runs, key)) is not None]


def sync(results: Path, plan: str, files: Sequence[Path] = ()) -> Tracker:
    """Bring MLflow up to date with a plan's records on disk. files: of its report.

    Raises:
        UserError: the plan was never run here, or MLflow failed before all was written.
    """
    result = read_plan_result(results, plan)
    tracker = Tracker(results, plan, result.plan, warn=lambda _: None)
    tracker.sync(result)
    tracker.attach(files)
    if tracker.problem is not None:
        raise UserError(tracker.problem)
    return tracker


def _modified(path: Path) -> float:
    return path.stat().st_mtime
