"""The curves of a few runs as a figure: what a trial and an arm show of themselves."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness import summary
from harness.records import Run

LABELS = {"auc": "AUC", "logloss": "logloss (nats)"}


def figure(title: str, runs: Sequence[Run]) -> Figure:
    """AUC and logloss of validation examples against the epochs trained, a column per task.

    Thin lines: the subsample, a line per run, also within epochs. Thick: the whole split at the end of each epoch, mean
    over runs. Dotted: the ends of epochs.
    """
    means: dict[tuple[str, str], dict[int, float]] = {}
    for name, value, epoch in summary.mean_curves(runs):
        split, metric, task = name.split("/", 2)
        if split == "valid":
            means.setdefault((metric, task), {})[epoch] = value
    tasks = list(dict.fromkeys(task for _, task in means))
    drawing = Figure(figsize=(1 + 3.5 * max(len(tasks), 1), 5.5), layout="constrained")
    drawing.suptitle(title)
    if not tasks:
        return drawing
    grid = drawing.subplots(len(LABELS), len(tasks), sharex=True, squeeze=False)
    for (metric, label), row in zip(LABELS.items(), grid, strict=True):
        for task, axes in zip(tasks, row, strict=True):
            mean = means.get((metric, task), {})
            for epoch in list(mean)[:-1]:
                axes.axvline(epoch, color="0.6", linestyle=":", linewidth=1)
            for run in runs:
                points = [(r.position, r.metrics[k]) for r in run.records for k in _keys(r.metrics, metric, task)]
                axes.plot(*zip(*points, strict=True), color="tab:blue", alpha=0.45, linewidth=1)
            axes.plot(list(mean), list(mean.values()), color="tab:blue", linewidth=2.2, marker="o")
            axes.set(ylabel=f"{label}, valid", title=task if row is grid[0] else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[-1]:
        axes.set_xlabel("epochs trained")
    return drawing


def _keys(metrics: dict[str, float], metric: str, task: str) -> list[str]:
    """The subsample's metric of a task, by its name in MLflow, if it is there."""
    return [k for k in metrics if k.startswith("sample/") and summary.metric_name(k) == f"sample/{metric}/{task}"]
