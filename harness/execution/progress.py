"""What a person sees while a plan runs: how far it is, how long it takes, and each run's AUC as it trains."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.base.durations import told
from harness.metrics import curves
from harness.results.keys import MetricKey, Status
from harness.results.plan_results import Arm
from harness.results.records import Record, Run
from harness.search.job import Job


class Display:
    """A launch observer that shows a live display on a terminal, and a line per finished run everywhere.

    A context manager, inside which the display is on.

    workers: how many runs train at a time.
    """

    def __init__(self, console: Console, workers: int) -> None:
        self._console, self._workers = console, workers
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._task = self._bar.add_task("", total=None, left="")
        self._running: dict[str, tuple[Job, Record | None]] = {}
        self._begun: dict[str, float] = {}
        self._seconds: list[float] = []
        self._live = Live(get_renderable=self._render, console=console, transient=True, refresh_per_second=4)
        self._total = 0
        self.found, self.trained = 0, 0
        self.failed: list[tuple[Job, str]] = []

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._live.stop()

    def planned(self, runs: int) -> None:
        self._total = runs
        self._bar.update(self._task, total=runs)

    def started(self, job: Job) -> None:
        self._running[job.key] = (job, None)
        self._begun[job.key] = time.monotonic()
        self._workers = max(self._workers, len(self._running))  # more than workers where several are trained in one

    def recorded(self, job: Job, record: Record) -> None:
        self._running[job.key] = (job, record)

    def finished(self, job: Job, run: Run, trained: bool) -> None:
        self._running.pop(job.key, None)
        self.trained, self.found = self.trained + trained, self.found + (not trained)
        if trained:
            self._seconds.append(time.monotonic() - self._begun.pop(job.key))
        done = self.trained + self.found
        self._total = max(self._total, done)
        self._bar.update(self._task, total=self._total, completed=done, left=self._left(self._total - done))
        failed = run.status == Status.FAILED
        if failed:
            self.failed.append((job, run.reason))
        if trained or failed:
            outcome = f"[red]failed: {escape(run.reason)}[/]" if failed else _curve(job.task, run)
            self._console.print(f"{done:>4}/{self._total} {name(job)}  {outcome}", highlight=False, soft_wrap=True)

    def arm_done(self, arm: Arm) -> None:
        pass

    def _left(self, runs: int) -> str:
        if not self._seconds or not runs:
            return ""
        seconds = runs * sum(self._seconds) / len(self._seconds) / self._workers
        return f"about {told(seconds)} left"

    def _render(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for job, record in self._running.values():
            if record is None:
                table.add_row(name(job), "starting")
            else:
                found = (
                    (task, record.metrics.get(MetricKey("sample", "auc", task))) for task in curves.tasks([record])
                )
                auc = (f"{task} {'-' if value is None else f'{value:.4f}'}" for task, value in found)
                table.add_row(name(job), place(record), "[dim]AUC[/] " + "  ".join(auc))
        return Group(self._bar, table)


def _curve(task: str, run: Run) -> str:
    """AUC of one task on valid after each epoch."""
    values = " ".join(f"{value:.4f}" for value in curves.ends(run.records, "auc", task).values())
    return f"[dim]valid {task} AUC by epoch[/] {values}"


def place(record: Record) -> str:
    """How far a run was at a record."""
    window = f"window {record.window}, " if record.window else ""
    return f"{window}epoch {record.position:.2f}"


def name(job: Job) -> str:
    """The arm of a run, and which of its runs it is."""
    return f"{job.arm} {job.role} {job.number}"


def failures(console: Console, display: Display) -> int:
    """Print what failed. Returns the exit status, 1 if anything did."""
    for job, reason in display.failed:
        console.print(f"[red]failed[/] {name(job)}: {escape(reason)}", highlight=False, soft_wrap=True)
    return int(bool(display.failed))
