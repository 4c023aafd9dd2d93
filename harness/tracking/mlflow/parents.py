"""Arms in MLflow: the parent run of each, with means over its seeds, and which runs are below it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import RunData

from harness.experiment.plan import Plan
from harness.figures import run_curves
from harness.metrics import curves
from harness.results.keys import ArmId, ArmRole
from harness.tracking.mlflow import notes, points, views
from harness.tracking.mlflow.arm_summary import ArmSummary
from harness.tracking.mlflow.colors import color
from harness.tracking.mlflow.points import mean_points
from harness.tracking.mlflow.store import NOTE, Store


@dataclass
class Child:
    """The MLflow run of a seed or trial."""

    run_id: str
    status: str
    """MLflow's; RUNNING until all of it is written."""
    arm: ArmId
    parent: str
    """The MLflow run of its arm."""
    ended: float = 0.0
    """When it ended, in seconds, as MLflow has it; 0 until then."""


class Parents:
    """The parents of a plan. children: by key, as they come and go."""

    ids: dict[ArmId, str]
    """Arm -> the run that stands for it now."""

    def __init__(self, store: Store, plan: Plan, children: Mapping[str, Child]) -> None:
        self._store, self._plan, self._children = store, plan, children
        self.ids = {}

    def label(self, arm: ArmId) -> str:
        """What people call an arm: its strategy, after what else differs between the arms of the plan."""
        return "/".join((*self._differing(arm).values(), arm.name))

    def tags(self, arm: ArmId, role: str) -> dict[str, str]:
        tags = {"role": role, "arm": str(arm), "dataset": arm.dataset, "model": arm.model}
        return {f"multiepoch.{name}": value for name, value in tags.items()}

    def params(self, arm: ArmId) -> dict[str, str]:
        """The parameters that tell an arm from the others."""
        return {"strategy": arm.name, **self._differing(arm)}

    def of(self, arm: ArmId) -> str:
        """The run of an arm, made if there is none."""
        if arm not in self.ids:
            shown = {"mlflow.runColor": color(arm.name, self._plan.strategies)}
            self.ids[arm] = self._store.create(self.label(arm), self.tags(arm, ArmRole.ARM) | shown)
        return self.ids[arm]

    def finish(self, new: ArmSummary) -> None:
        """Write an arm; what is there is not written twice."""
        arm = new.arm
        parent, known = self._current(arm.id, new)
        note = notes.arm(new, self._plan)
        if known is None:
            for run in new.done[:1]:
                self._store.read(parent, run.spec)
            self._draw(parent, new)
            self._store.end(parent, "FINISHED" if new.done or not arm.runs else "FAILED")
            self._write_costs(parent, curves.mean_costs(new.done))
            shown = points.scalars(new.values) + mean_points(new.done)
            tags = {"multiepoch.digest": new.digest, NOTE: note}
            self._store.write(parent, shown, tags, self.params(arm.id) | arm.chosen)
        else:
            self._top_up(parent, known.metrics, new.values)
            if known.tags.get(NOTE) != note:
                self._store.client.set_tag(parent, NOTE, note)
        self._store.offer(views.name(arm.dataset, arm.model), f"{arm.dataset} / {arm.model}", views.fitting(new))
        for key, values in new.gains.items():
            child = self._children.get(key)
            if child is not None and child.arm == arm.id and child.status == "FINISHED":
                self._top_up(child.run_id, self._store.client.get_run(child.run_id).data.metrics, values)

    def _draw(self, parent: str, new: ArmSummary) -> None:
        with tempfile.TemporaryDirectory() as folder:
            run_curves.write(path := Path(folder) / run_curves.FILE, str(new.arm.id), new.done)
            self._store.client.log_artifact(parent, str(path))

    def _write_costs(self, parent: str, costs: Mapping[int, Mapping[str, float]]) -> None:
        """Dated as if a run with these costs ended now, since the UI draws them over time."""
        at, dated = self._store.date() - sum(map(curves.seconds, costs.values())), []
        for epoch, cost in costs.items():
            at += curves.seconds(cost)
            dated.append((at, points.cost_points(cost, epoch)))
        self._store.write_dated(parent, dated)

    def _top_up(self, run_id: str, known: Mapping[str, float], values: Mapping[str, float]) -> None:
        """With the date of now: of two values at one step MLflow shows the later, and of two of one date the larger."""
        if changed := {name: value for name, value in values.items() if known.get(name) != value}:
            self._store.write_dated(run_id, [(time.time(), points.scalars(changed))])

    def _current(self, arm: ArmId, new: ArmSummary) -> tuple[str, RunData | None]:
        """The arm's parent, holding these keys alone, and what it says; None: it is still to be written.

        MLflow cannot take a curve back, so a parent whose curves are of other runs gives way to a new one.
        """
        client = self._store.client
        former = parent = self.of(arm)
        data = client.get_run(parent).data
        if data.tags.get("multiepoch.digest") == new.digest:
            return parent, data
        keys = new.arm.keys
        strays = any(c.parent == parent and key not in keys for key, c in self._children.items())
        if strays or data.metrics:
            client.set_tag(former, "multiepoch.role", "superseded")
            del self.ids[arm]
            parent = self.of(arm)
        for child in (self._children[key] for key in keys if key in self._children):
            if child.arm == arm and child.parent != parent:
                client.set_tag(child.run_id, "mlflow.parentRunId", parent)
                child.parent = parent
        if strays:
            client.update_run(former, name=f"{self.label(arm)} (superseded)")
        elif former != parent:
            client.delete_run(former)
        return parent, None

    def _differing(self, arm: ArmId) -> dict[str, str]:
        axes = {"dataset": (arm.dataset, self._plan.datasets), "model": (arm.model, self._plan.models)}
        return {axis: value for axis, (value, all_of_them) in axes.items() if len(all_of_them) > 1}
