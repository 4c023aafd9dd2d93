"""The curves of a few runs as a figure: what a trial and an arm show of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from harness.metrics import curves
from harness.metrics.catalog import METRICS
from harness.results.keys import MetricKey
from harness.results.records import Run

if TYPE_CHECKING:  # matplotlib takes a second to import, which a launch would wait for before its first run
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = ("auc", "logloss")
DRAWING = Lock()


def write(path: Path, title: str, runs: Sequence[Run]) -> None:
    """Write them as an image; one thread at a time, which matplotlib asks for."""
    with DRAWING:
        figure(title, runs).savefig(path)


def figure(title: str, runs: Sequence[Run]) -> Figure:
    """AUC and logloss of validation examples against the epochs trained, a column per task.

    Thin lines: the subsample, a line per run, also within epochs. Thick: the whole split at the end of each epoch, mean
    over runs. Dotted: the ends of epochs.
    """
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(task for run in runs if run.boundaries for task in curves.tasks(run.records)))
    drawing = Figure(figsize=(1 + 3.5 * max(len(tasks), 1), 5.5), layout="constrained")
    drawing.suptitle(title)
    if not tasks:
        return drawing
    grid = drawing.subplots(len(DRAWN), len(tasks), sharex=True, squeeze=False)
    for metric, row in zip(DRAWN, grid, strict=True):
        for task, axes in zip(tasks, row, strict=True):
            _draw(axes, runs, metric, task)
            axes.set(ylabel=f"{METRICS[metric].with_unit}, valid", title=task if row is grid[0] else "")
    for axes in grid[-1]:
        axes.set_xlabel("epochs trained")
    return drawing


def _draw(axes: Axes, runs: Sequence[Run], metric: str, task: str) -> None:
    from matplotlib.ticker import MaxNLocator

    mean = curves.mean_curve(runs, MetricKey("valid", metric, task), at=lambda record: record.epoch)
    for epoch in list(mean)[:-1]:
        axes.axvline(epoch, color="0.6", linestyle=":", linewidth=1)
    key = MetricKey("sample", metric, task)
    for run in runs:
        points = [(r.position, r.metrics[key]) for r in run.records if key in r.metrics]
        axes.plot([x for x, _ in points], [y for _, y in points], color="tab:blue", alpha=0.45, linewidth=1)
    axes.plot(list(mean), list(mean.values()), color="tab:blue", linewidth=2.2, marker="o")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
