"""What a run recorded: one record per evaluation, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.results.keys import MetricKey, Status

Influence = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Record:
    """One evaluation."""

    epoch: int
    """The epoch being trained, from 1."""
    step: int
    """Optimiser steps so far."""
    position: float
    """Epochs trained so far; 1.25 is a quarter into the second."""
    boundary: bool
    """Whether this is the end of an epoch, where the full splits are evaluated."""
    metrics: dict[MetricKey, float]
    """On a subsample of valid at every evaluation; everything else at boundaries only."""
    cost: dict[str, float] = field(default_factory=dict, compare=False)
    """At boundaries: seconds, rows per second, memory of the epoch."""
    influences: dict[MetricKey, Influence] = field(default_factory=dict, compare=False, repr=False)
    """At boundaries, of a run that keeps them: how much each test example, or group of them, moves a metric. Read back
    by `results.influences` alone."""
    window: int = 0
    """Of a continual run: the window trained on, from 1; epoch, step and position are counted in it. 0: of no such."""


@dataclass(frozen=True)
class Run:
    """A run read back from disk."""

    key: str
    spec: dict[str, Any]
    records: tuple[Record, ...]
    status: Status
    reason: str
    """Why it failed, or why its last attempt crashed; empty otherwise."""
    env: dict[str, Any]
    folder: Path | None = None
    """Where it was read."""
    windows: tuple[Record, ...] = ()
    """Of a continual run: what was recorded, window by window, of which `records` are the means."""

    @property
    def environments(self) -> tuple[dict[str, Any], ...]:
        """The environments that trained it, one after the other; several if it was resumed elsewhere."""
        last = {name: value for name, value in self.env.items() if name != "before"}
        return (*self.env.get("before", ()), last)

    @property
    def boundaries(self) -> tuple[Record, ...]:
        """The end-of-epoch evaluations, in order of epoch."""
        return tuple(r for r in self.records if r.boundary)


def mean_over_windows(records: Sequence[Record]) -> tuple[Record, ...]:
    """The mean of every evaluation over the windows: of the end of an epoch, and of each place in it that all have."""
    evaluated: dict[int, dict[int, list[Record]]] = {}
    for record in records:
        evaluated.setdefault(record.epoch, {}).setdefault(record.window, []).append(record)
    found = []
    for by_window in evaluated.values():
        whole = [several for several in by_window.values() if several[-1].boundary]
        if len({len(several) for several in whole}) > 1:  # a window of few batches has fewer places
            whole = [several[-1:] for several in whole]
        found += [_mean(several) for several in zip(*whole, strict=True)]
    return tuple(found)


def _mean(records: Sequence[Record]) -> Record:
    """Of what each records, the mean of those that do."""
    metrics, cost = (
        {name: fmean(each[name] for each in several if name in each) for name in dict.fromkeys(chain(*several))}
        for several in ([r.metrics for r in records], [r.cost for r in records])
    )
    step, position = round(fmean(r.step for r in records)), fmean(r.position for r in records)
    return Record(records[0].epoch, step, position, records[0].boundary, metrics, cost)
