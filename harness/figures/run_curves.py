"""The curves of a few runs as a figure: what a trial and an arm show of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.figures import rules
from harness.figures.axis import around
from harness.figures.chart import Chart
from harness.figures.marks import Dots, Line, Mark
from harness.figures.style import CIRCLE, OKABE_ITO
from harness.figures.svg import sheet
from harness.metrics import curves
from harness.metrics.catalog import measured
from harness.results.keys import MetricKey
from harness.results.records import Run

FILE = "curves.svg"
DRAWN = ("auc", "logloss")
COLOR = OKABE_ITO[0]


def write(path: Path, title: str, runs: Sequence[Run]) -> None:
    """AUC and logloss of validation examples against the epochs trained, as SVG, a column per task.

    Thin lines: the subsample, a line per run, also within epochs. Thick: the whole split at the end of each epoch, mean
    over runs. Runs that stopped before the end of an epoch have no curves.
    """
    drawn = [run for run in runs if run.boundaries]
    tasks = dict.fromkeys(task for run in drawn for task in curves.tasks(run.records))
    rows = [[_chart(drawn, metric, task) for task in tasks] for metric in DRAWN if tasks]
    path.write_text(sheet(title, rows), encoding="utf-8")


def _chart(runs: Sequence[Run], metric: str, task: str) -> Chart:
    whole, sample = (MetricKey(split, metric, task) for split in ("valid", "sample"))
    mean = list(curves.mean_curve(runs, whole, at=lambda record: float(record.epoch)).items())
    thin = [[(r.position, r.metrics[sample]) for r in run.records if sample in r.metrics] for run in runs]
    last = max(run.records[-1].epoch for run in runs)
    y = around(f"valid {measured(task, metric)}", [value for line in (mean, *thin) for _, value in line], most=7)
    lines: list[Mark] = [Line(thin, COLOR, width=0.8, alpha=0.5), Line([mean], COLOR), Dots(mean, CIRCLE, COLOR)]
    return Chart(rules.epochs_axis(last), y, [*rules.epochs(last, y), *lines])
