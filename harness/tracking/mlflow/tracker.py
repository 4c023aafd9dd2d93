"""Writes a plan's runs and arms to MLflow, live or from disk, each once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow.entities import Run as MlflowRun

from harness.analysis.analysis import Analysis
from harness.analysis.load import Comparison, groups
from harness.experiment.plan import Plan
from harness.metrics import curves
from harness.results import run_reader
from harness.results.keys import ArmId, ArmRole, Status
from harness.results.plan_results import Arm, PlanResult
from harness.results.records import Record, Run
from harness.tracking.members import Member, members
from harness.tracking.mlflow import notes, points, views
from harness.tracking.mlflow.arm_summary import ArmSummary
from harness.tracking.mlflow.guard import Guard
from harness.tracking.mlflow.parents import Child, Parents
from harness.tracking.mlflow.report_run import ROLE, ReportRun
from harness.tracking.mlflow.store import NOTE, Store

STATUS = {Status.FINISHED: "FINISHED", Status.FAILED: "FAILED"}
SOON = 10.0
"""Seconds after which a record within an epoch is written; else it is at the end of the epoch, with the others."""


@dataclass
class _Active:
    """A run that is being written."""

    spec: Mapping[str, Any]
    records: list[Record] = field(default_factory=list)
    held: list[tuple[float, list[points.Point]]] = field(default_factory=list)
    """With their dates; not written yet."""
    written: float = field(default_factory=time.monotonic)
    """When the last of it was."""


class MlflowTracker:
    """A Tracker: one experiment per plan, a parent run per arm, below it a child run per seed and per trial.

    results: as in Store. warn: called with the first problem.

    Raises:
        UserError: the server cannot be reached or its database cannot be used.
    """

    def __init__(self, results: Path, plan: Plan, warn: Callable[[str], None]) -> None:
        self._results, self._runs, self._plan = results, results.resolve() / "runs", plan
        self._children: dict[str, Child] = {}
        self._active: dict[str, _Active] = {}
        self.store = Store(results.resolve(), plan.name, notes.plan(plan))
        self.guard = Guard(self.store.shown, warn, self._abandon)
        self._report = ReportRun(self.store, plan.name)
        self._parents = Parents(self.store, plan, self._children)
        self._index(self.store.held)

    @property
    def problem(self) -> str | None:
        return self.guard.problem

    def start(self, member: Member, spec: Mapping[str, Any]) -> None:
        """Begin a child run; what a killed process or a failed attempt left of it is deleted first."""
        known = self._children.get(member.key)
        if self.guard.pausing or (known is not None and known.status == "FINISHED"):
            return
        with self.guard(member.key):
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
            self._active[member.key] = _Active(spec)

    def log(self, key: str, record: Record) -> None:
        """Write a record, if the run was started here: those of an epoch in one call, unless it takes long."""
        if (run := self._active.get(key)) is not None:
            run.records.append(record)
            run.held.append((self.store.date(), points.points(record)))
            if record.boundary or time.monotonic() - run.written > SOON:
                with self.guard(key):
                    self._write_held(key, run)

    def finish(self, key: str, status: Status, reason: str = "") -> None:
        """End a child run with its summary, if it was started here."""
        if (run := self._active.get(key)) is not None:
            with self.guard(key):
                self._write_held(key, run)
                child, tags = self._children[key], {"multiepoch.reason": reason[:500]} if reason else {}
                self.store.write(child.run_id, points.scalars(points.summarise(run.records, run.spec)), tags)
                self.store.end(child.run_id, STATUS[status])
                child.status, child.ended = STATUS[status], self.store.date()
                del self._active[key]

    def replay(self, run: Run, member: Member) -> None:
        """Write a run from disk as it would have been written live, unless it is not done or is there already."""
        known, status = self._children.get(run.key), STATUS.get(run.status)
        if status is None or (known is not None and known.status == status):
            return
        self.store.now = _modified(self._runs / run.key / "spec.json")
        self.start(member, run.spec)
        for record in run.records:
            self.store.now += curves.seconds(record.cost)
            self.log(run.key, record)
        self.store.now = _modified(self._runs / run.key / "done")
        self.finish(run.key, run.status, run.reason)
        self.store.now = None

    def show_arms(self, arms: Sequence[Arm], among: Sequence[Arm], *, complete: bool = False) -> None:
        """End arms: what the analysis says of them, curves and a figure on the parent, and gains on the children too.

        complete: all arms of the plan are among them, so that p-values are corrected for all.

        What is there is not written twice. Runs that an arm no longer consists of stay with their former parent, which
        is marked `superseded`.
        """
        if self.guard.pausing:
            return
        wanted = {arm.id for arm in arms}
        with self.guard():
            so_far = PlanResult(self._plan.name, {}, tuple(among), complete)
            found = groups(self._plan, so_far, self._results)
            for analysis in Analysis(Comparison(so_far, self._plan, found)).groups:
                for each in (runs for runs in analysis.group.everything if runs.arm.id in wanted):
                    self.store.now = self._ended(each.arm)
                    self._parents.finish(ArmSummary(analysis, each))
        self.store.now = None

    def attach(self, files: Sequence[Path]) -> None:
        """Put the report's files into the plan's run `report`, in place of older ones, unless they are there."""
        if files and not self.guard.pausing:
            with self.guard():
                self._report.attach(files)

    def sync(self, result: PlanResult) -> None:
        """Write everything of a plan that is on disk and not in MLflow; a second call changes nothing."""
        self.guard.forget()
        with self.guard():
            self._index(self.store.runs())  # another process may have written since
        for member in members(result):
            known = self._children.get(member.key)
            if known is None or known.status != "FINISHED":
                run = run_reader.done(self._runs, member.key)
                if run is not None:
                    self.replay(run, member)
        self.show_arms(result.arms, result.arms, complete=result.complete)

    def page(self, key: str) -> str | None:
        return self.store.page(self._children[key].run_id) if key in self._children else None

    def pages(self) -> list[str]:
        return views.lines(self.store, self._plan, self._results)

    def _write_held(self, key: str, run: _Active) -> None:
        self.store.write_dated(self._children[key].run_id, run.held)
        run.held, run.written = [], time.monotonic()

    def _abandon(self, key: str) -> None:
        """Write nothing more of a run; it stays unfinished in MLflow."""
        self._active.pop(key, None)

    def _index(self, held: Sequence[MlflowRun]) -> None:
        """Learn what is there already."""
        self._children.clear()
        self._parents.ids.clear()
        self._report.forget()
        for run in held:
            tags, run_id = run.data.tags, run.info.run_id
            role = tags.get("multiepoch.role")
            if role == ArmRole.ARM:
                self._parents.ids[ArmId.parse(tags["multiepoch.arm"])] = run_id
            elif role == ROLE:
                self._report.found(run)
            elif "multiepoch.key" in tags:
                arm, ended = ArmId.parse(tags["multiepoch.arm"]), (run.info.end_time or 0) / 1000
                child = Child(run_id, run.info.status, arm, tags["mlflow.parentRunId"], ended)
                self._children[tags["multiepoch.key"]] = child

    def _ended(self, arm: Arm) -> float | None:
        """When the last of an arm's runs ended; None: none is there.

        As MLflow has it: what is written late begins late, and an arm that ends by the records would end before.
        """
        return max((self._children[key].ended for key in arm.runs.values() if key in self._children), default=None)


def _modified(path: Path) -> float:
    return path.stat().st_mtime
