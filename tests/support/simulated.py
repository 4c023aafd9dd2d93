"""Records with known effects, as a plan would have left them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.groups import ArmRuns, Group
from harness.analysis.load import load
from harness.experiment.plan import Plan
from harness.metrics.catalog import BUCKETS
from harness.metrics.selection import Rule
from harness.results.keys import ArmRole, MetricKey, Status
from harness.results.plan_results import Arm, PlanResult, Trial, write_plan_result
from harness.results.records import Record
from harness.results.run_writer import RunWriter

ENV = {"python": "3.11", "torch": "2.13", "numpy": "2.4", "machine": "test bench", "cores": 2, "multiepoch": "0.1.0"}
CURVES = {
    "none": (0.67, 0.65, 0.63, 0.61),
    "reinit": (0.67, 0.675, 0.68, 0.685),
    "hashing": (0.66, 0.66, 0.655, 0.65),
}
"""AUC after each epoch."""
STEPS = 1000
"""Of an epoch."""
DIP = 0.002
"""How much logloss rises at the start of an epoch."""


def typed(metrics: Mapping[str, float]) -> dict[MetricKey, float]:
    """Metrics by their keys, from how these are written."""
    return {MetricKey.parse(name): value for name, value in metrics.items()}


@dataclass
class Bench:
    """Writes a plan's records with known effects: AUC curves, noise shared by a seed's arms, and noise of each run."""

    results: Path
    curves: Mapping[str, Sequence[float]] = field(default_factory=lambda: dict(CURVES))
    seeds: tuple[int, ...] = (1, 2, 3)
    shared: float = 0.0
    own: float = 0.0
    tasks: tuple[str, ...] = ("click", "buy")
    dataset: str = "synthetic"
    name: str = "bench"
    trials: int = 0
    metric: str = "auc"
    select: str = "best_epoch"
    test_shift: Callable[[int], float] | None = lambda epoch: -0.005
    status: dict[tuple[str, int], str] = field(default_factory=dict)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def write(self, complete: bool = True, pending: tuple[str, ...] = ()) -> None:
        luck = {seed: self.rng.normal(0, self.shared) for seed in self.seeds}
        arms = [self._arm(strategy, luck) for strategy in self.curves]
        arms += [self._baseline(arm) for arm in arms if arm.strategy == "none"]
        search = {"metric": self.metric, "task": self.tasks[0], "select": self.select, "trials": self.trials}
        plan = {"name": self.name, "description": "What is known.", "seeds": list(self.seeds), "search": search}
        plan |= {"strategies": [*self.curves, *pending], "dataset": [{"name": self.dataset, "rows": 1000}]}
        plan |= {"model": [{"name": "dnn"}]}
        write_plan_result(self.results, PlanResult(self.name, plan, tuple(arms), complete))

    def group(self, complete: bool = True, pending: tuple[str, ...] = ()) -> Group:
        self.write(complete, pending)
        (group,) = load(self.results, self.name).groups
        return group

    def _arm(self, strategy: str, luck: Mapping[int, float]) -> Arm:
        trials = tuple(
            Trial(n, f"{self.name}-{strategy}-trial-{n}", 100 + n, {"table_lr": 0.001 * (n + 1)}, 0.6 + 0.001 * n)
            for n in range(self.trials)
        )
        keys = {
            seed: f"{self.name}-{strategy}-{seed}"
            for seed in self.seeds
            if self.status.get((strategy, seed)) != "absent"
        }
        for seed, key in keys.items():
            self._run(key, strategy, seed, luck[seed])
        chosen = trials[-1].params if trials else {}
        return Arm(
            self.dataset,
            "dnn",
            strategy,
            ArmRole.ARM,
            self.tasks[0],
            self.select,
            bool(trials),
            chosen,
            trials,
            keys,
        )

    def _baseline(self, plain: Arm) -> Arm:
        """The runs of `none`, chosen by trials of its own."""
        trials = tuple(replace(t, key=t.key.replace("-none-", "-once-")) for t in plain.trials)
        return replace(plain, role=ArmRole.ONE_EPOCH, select=Rule.ONE_EPOCH, trials=trials)

    def _run(self, key: str, strategy: str, seed: int, luck: float) -> None:
        epochs = len(self.curves[strategy])
        spec = {
            "strategy": [{"name": strategy, "params": {"ratio": 0.1}}],
            "train": {"dense_lr": 0.001, "epochs": epochs},
            "seed": seed,
        }
        writer = RunWriter(self.results / "runs", key, spec, ENV)
        status = self.status.get((strategy, seed), "finished")
        for record in self._records(self.curves[strategy], luck + self.rng.normal(0, self.own)):
            writer.append(record)
            if status != Status.FINISHED:
                break
        if status in (Status.FINISHED, Status.FAILED):
            writer.finish(
                Status(status), "the loss is not a finite number in epoch 1" if status == Status.FAILED else ""
            )

    def _records(self, curve: Sequence[float], luck: float) -> list[Record]:
        found = []
        for epoch, auc in enumerate(curve, start=1):
            before = curve[max(epoch - 2, 0)] + luck
            found.append(
                Record(
                    epoch, epoch * STEPS - STEPS // 2, epoch - 0.5, False, typed(self._metrics("sample", before, DIP))
                )
            )
            metrics = self._metrics("sample", auc + luck) | self._metrics("valid", auc + luck)
            if self.test_shift is not None:
                metrics |= self._metrics("test", auc + luck + self.test_shift(epoch))
            for n, (bucket, _) in enumerate(BUCKETS):
                metrics |= self._metrics(f"valid@{bucket}", auc + luck - 0.01 * n)
                metrics[f"valid@{bucket}/share/rows"] = 1 / len(BUCKETS)
            cost = {"train_s": 2.0, "eval_s": 0.5, "rows_per_s": 5e5, "table_rows": 1000.0, "table_mb": 1.5}
            if self.metric not in ("auc", "logloss"):
                splits = ("valid", "test") if self.metric == "gauc" else ("sample", "valid", "test")
                metrics |= {f"{split}/{self.metric}/{task}": auc + luck for split in splits for task in self.tasks}
            found.append(Record(epoch, epoch * STEPS, float(epoch), True, typed(metrics), cost))
        return found

    def _metrics(self, split: str, auc: float, more_loss: float = 0.0) -> dict[str, float]:
        out: dict[str, float] = {}
        for task in self.tasks:
            out |= {f"{split}/logloss/{task}": 1 - auc + more_loss, f"{split}/auc/{task}": auc}
            out[f"{split}/oracle_share/{task}"] = (auc - 0.5) / 0.4
        return out


def analysed(group: Group, **search: Any) -> GroupAnalysis:
    """A group under a plan that searched so."""
    values = {"name": "bench", "strategies": ["none"], "seeds": [1], "search": search}
    return GroupAnalysis(group, Plan.model_validate(values | {"dataset": [{"name": "d"}], "model": [{"name": "m"}]}))


def compared(group: Group, task: str, metric: str) -> list[ArmComparison]:
    """Every arm of a group, the largest gain first."""
    return analysed(group).compared(task, metric)


def failing(group: Group, label: str, seeds: Sequence[int] = (1, 2)) -> Group:
    """The same, with failed seeds of one arm."""

    def lost(arm: ArmRuns) -> ArmRuns:
        runs = {s: replace(run, status=Status.FAILED) if s in seeds else run for s, run in arm.runs.items()}
        return replace(arm, runs=runs) if arm.label == label else arm

    assert group.baseline is not None
    return replace(group, arms=tuple(map(lost, group.arms)), baseline=lost(group.baseline))
