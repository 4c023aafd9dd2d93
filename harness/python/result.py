"""What a plan came to, as frames, figures and words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.groups import ArmRuns
from harness.api import UserError
from harness.base.files import writing
from harness.base.words import counted
from harness.figures.svg import sheet
from harness.metrics.catalog import SELECTABLE
from harness.python import arguments
from harness.python.figure import Figure
from harness.report.figures.arm_styles import arm_styles
from harness.report.figures.curves import drawn_key, points_of, with_legend
from harness.report.pages.answer import Answer, answer
from harness.report.pages.notebook import fragment
from harness.report.tables.grids import numbered
from harness.report.tables.printed import terminal
from harness.report.write import write_report

WIDTH = 100
"""Of a printed table where there is no terminal."""
PLACE: dict[str, Any] = {"dataset": pl.String, "model": pl.String, "strategy": pl.String}
TABLE: dict[str, Any] = {
    **PLACE, "rank": pl.Int64, "gain": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p": pl.Float64,
    "shown": pl.Int64, "gain_after_own_first": pl.Float64, "value": pl.Float64, "first": pl.Float64,
    "last": pl.Float64, "epochs": pl.List(pl.Int64), "seeds": pl.Int64,
}  # fmt: skip
CURVES: dict[str, Any] = {
    **PLACE, "split": pl.String, "metric": pl.String, "task": pl.String, "position": pl.Float64, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "seeds": pl.Int64,
}  # fmt: skip
RECORDS: dict[str, Any] = {
    **PLACE, "seed": pl.Int64, "key": pl.String, "epoch": pl.Int64, "step": pl.Int64, "position": pl.Float64,
    "boundary": pl.Boolean, "split": pl.String, "bucket": pl.String, "metric": pl.String, "task": pl.String,
    "value": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Result:
    """A plan that was run, as its records said when it was read; later runs do not change it.

    results: the folder. analysis: everything that is computed of it, which may change in any version.

    A notebook shows the ranked table, `print` the one of the terminal.

    >>> import multiepoch as me
    >>> found = me.load("results", "benchmark")
    >>> found.curves().filter(strategy="reinit").select("position", "seeds").rows()[-1]
    (2.0, 2)
    >>> found.records().filter(boundary=True)["split"].unique().sort().to_list()
    ['sample', 'test', 'train', 'valid']
    >>> found.plot(metric="logloss").save("curves.svg").name, found.report().name
    ('curves.svg', 'report.html')
    """

    results: Path
    analysis: Analysis

    @property
    def name(self) -> str:
        """Of the plan."""
        return self.analysis.comparison.result.name

    @property
    def complete(self) -> bool:
        """Whether every run of the plan is done."""
        return self.analysis.comparison.result.complete

    @property
    def verdicts(self) -> dict[str, Answer]:
        """For each data set and model: does more than one epoch pay, with what, and is plain training safe."""
        return {each.group.name: answer(each) for each in self.analysis.groups}

    @property
    def verdict(self) -> Answer:
        """The one of a plan of one data set and model; `headline` and `text`.

        Raises:
            UserError: the plan has several, or none has been trained.
        """
        found = self.verdicts
        if len(found) == 1:
            return next(iter(found.values()))
        have = f"has {len(found)}; accepted: verdicts['{next(iter(found))}']" if found else "has none yet"
        raise UserError(f"verdict: plan '{self.name}' {have}")

    def table(self, task: str | None = None, metric: str | None = None) -> pl.DataFrame:
        """A line for each strategy, the largest gain first, then the one-epoch baseline without a rank.

        task, metric: those of the plan, if not given. gain is that of the chosen epoch over one epoch, positive where
        better, with its 95 % interval and p corrected for the arms compared; shown is 1 or -1 where that is a
        difference. value, first, last: the metric at the chosen, the first and the last epoch. epochs: the chosen one
        of each seed.

        Raises:
            UserError: there is no such task or metric.
        """
        lines = []
        for each in self.analysis.groups:
            which = self._which(each, task, metric)
            for rank, row in numbered(each.compared(*which)):
                lines.append(_place(each, row.arm) | {"rank": int(rank) if rank else None} | _line(row))
        return pl.DataFrame(lines, schema=TABLE)

    def curves(self, task: str | None = None, metric: str | None = None) -> pl.DataFrame:
        """The metric of each strategy by epochs trained (position), mean over seeds with its 95 % interval.

        task, metric: as of `table`. It is read on the fixed sample of validation rows that every evaluation looks at.

        Raises:
            UserError: there is no such task or metric.
        """
        lines = []
        for each in self.analysis.groups:
            key = drawn_key(*self._which(each, task, metric))
            read = {"split": key.split, "metric": key.metric, "task": key.task}
            for arm in each.group.arms:
                for position, value in points_of(each.group, arm, key):
                    found = {"position": position, "value": value.mean, "low": value.low, "high": value.high}
                    lines.append(_place(each, arm) | read | found | {"seeds": value.n})
        return pl.DataFrame(lines, schema=CURVES)

    def records(self) -> pl.DataFrame:
        """All that the reporting runs recorded: a line for each evaluation, split, metric and task."""
        lines = (line for each in self.analysis.groups for arm in each.group.everything for line in _records(each, arm))
        return pl.DataFrame(list(lines), schema=RECORDS)

    def plot(self, task: str | None = None, metric: str | None = None) -> Figure:
        """The curves, a frame for each data set and model.

        Raises:
            UserError: there is no such task or metric.
        """
        pairs = zip(self.analysis.groups, arm_styles(self.analysis), strict=True)
        charts = [(each, with_legend(each.group, *self._which(each, task, metric), styles)) for each, styles in pairs]
        title = " and ".join(each.group.name for each, _ in charts)
        wide = sum(chart.width for _, chart in charts)
        svg = sheet(title, [[chart for _, chart in charts]])
        return Figure(svg.replace("<svg", f'<svg width="{1.5 * wide:g}"', 1))

    def report(self) -> Path:
        """Write `report.html` and `report/` of the results folder. Returns the page.

        Raises:
            UserError: they cannot be written.
        """
        with writing(f"the report in '{self.results}'"):
            return write_report(self.results, None, known=[self.analysis])

    def _which(self, each: GroupAnalysis, task: str | None, metric: str | None) -> tuple[str, str]:
        group = each.group
        arguments.choice(task, "task", group.tasks, group.name)
        arguments.choice(metric, "metric", SELECTABLE)
        return task or group.task, metric or group.metric

    def __str__(self) -> str:
        console = Console(force_jupyter=False, force_terminal=False, width=shutil.get_terminal_size((WIDTH, 0)).columns)
        with console.capture() as said:
            console.print(terminal(self.analysis))
        return said.get().rstrip()

    def __repr__(self) -> str:
        arms = counted(len(self.analysis.comparison.result.arms), "arm")
        return f"Result(plan '{self.name}' in '{self.results}', {arms})"

    def _repr_html_(self) -> str:
        return fragment(self.analysis)


def _place(each: GroupAnalysis, arm: ArmRuns) -> dict[str, Any]:
    return {"dataset": each.group.dataset, "model": each.group.model, "strategy": arm.label}


def _line(row: ArmComparison) -> dict[str, Any]:
    """A line of the table, without its place."""
    means = {name: None if (found := row.value(name)) is None else found.mean for name in ("first", "last")}
    gain, best, later = (row.value(name) for name in ("gain", "best", "gain_after_own_first"))
    line: dict[str, Any] = {"value": best and best.mean, "gain_after_own_first": later and later.mean, **means}
    line |= {"epochs": list(row.epochs), "seeds": len(row.arm.finished), "shown": row.shown("gain")}
    if gain is None or row.arm.is_baseline:
        return line
    return line | {"gain": gain.mean, "low": gain.low, "high": gain.high, "p": row.p("gain")}


def _records(each: GroupAnalysis, arm: ArmRuns) -> Iterator[dict[str, Any]]:
    for seed, run in arm.runs.items():
        for record in run.records:
            about = {name: getattr(record, name) for name in ("epoch", "step", "position", "boundary")}
            for key, value in record.metrics.items():
                yield _place(each, arm) | {"seed": seed, "key": run.key} | about | key._asdict() | {"value": value}
