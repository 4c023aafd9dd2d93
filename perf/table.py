"""The table of throughput, on the terminal and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

from harness.base.environment import environment
from perf.markdown import table
from perf.series import Reached, Series
from perf.work import FIELDS, Work

if TYPE_CHECKING:
    from perf.measure import Result

HEADER = ("figure", "target", "reached", "", "ours, rows/s", "the other, rows/s", "rounds")
BEFORE = "the series before"


def cells(reached: Reached) -> tuple[str, ...]:
    """One row: text, target, median [min, max], met or not, both speeds, rounds."""
    figure = reached.figure
    if not reached.values:
        return figure.text, figure.target, reached.why, "", "", "", "0"
    met = {True: "met", False: "not met", None: ""}[figure.met(median(reached.values))]
    speeds = (_speed(reached.base), _speed(reached.other))
    return figure.text, figure.target, _range(reached), met, *speeds, str(len(reached.values))


def show(reached: Sequence[Reached]) -> Table:
    shown = Table(*HEADER, box=None, header_style="dim")
    for row in map(cells, reached):
        shown.add_row(*row, style={"not met": "yellow"}.get(row[3]))
    return shown


def markdown(kept: dict[str, Series]) -> str:
    """The published table: the last series of each figure, the one before, the machines, and what is compared."""
    work, reached = Work(), [series[-1] for series in kept.values()]
    lines = [
        "# Throughput",
        "",
        "Written by `make perf`.",
        "",
    ]
    rows = [(*cells(last), *_before(last, before)) for *before, last in kept.values()]
    lines += table((*HEADER, BEFORE), rows)
    notes = [f"- {r.figure.text}: {r.why}." for r in reached if r.values and r.why]
    lines += ["", *notes] if notes else []
    lines += [
        "",
        *_series(kept),
        "",
        f"{_versions(reached)}.",
        "",
        f"**Work.** {len(FIELDS)} fields of {', '.join(f'{n:,}' for n in work.sizes)} rows, {sum(work.sizes):,} in all;"
        f" width {work.width}; MLP {len(FIELDS) * work.width}-{'-'.join(map(str, work.hidden))}-3 with ReLU; batch "
        f"{work.batch:,}; lazy Adam unless the row says otherwise; float32; {work.threads} threads. Ids are drawn with "
        "Zipf frequencies (users 0.6, products 1.05, others 0.8). Larger tables see the very same batches, their ids "
        "scattered over the table.",
        "",
        "**Figures.** Every measurement is a process of its own, which warms up and is then timed; one that others "
        "disturb (a tenth of a core) is repeated, and not counted if they go on. In a round, ours and the others take "
        "turns; a figure is the ratio of step times within the round, shown as median [min, max] over rounds. Speeds "
        "are medians too. The series before is an earlier one, to see whether a figure comes back; elsewhere: on "
        "another machine.",
        "",
        "**What is timed.**",
        "",
        *_timed(reached),
    ]
    return "\n".join(lines) + "\n"


def _range(reached: Reached) -> str:
    figure, values = reached.figure, reached.values
    if not values:
        return reached.why
    ends = f" [{figure.show(min(values))}, {figure.show(max(values))}]" if len(values) > 1 else ""
    return figure.show(median(values)) + ends


def _before(last: Reached, before: Series) -> list[str]:
    """The series before, if there is one, and whether it was made on another machine."""
    return [_range(each) + ", elsewhere" * (each.machine != last.machine) for each in before] or [""]


def _series(kept: dict[str, Series]) -> list[str]:
    """When and where the figures were measured, the last ones first."""
    figures = Counter((r.began, r.machine) for series in kept.values() for r in series)
    last_first = sorted(figures.items(), reverse=True)
    return [f"- {began}, {machine}: {number} of the figures." for (began, machine), number in last_first]


def _speed(results: list[Result]) -> str:
    return f"{median(r.rows_per_s for r in results):,.0f}" if results else ""


def _results(reached: Sequence[Reached]) -> list[Result]:
    return [result for r in reached for result in (*r.base, *r.other)]


def _versions(reached: Sequence[Reached]) -> str:
    env = environment()
    versions = {"python": str(env["python"])}
    for result in _results(reached):
        versions |= result.versions
    versions["torch"] = str(env["torch"])
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _timed(reached: Sequence[Reached]) -> list[str]:
    return [f"- {label}: {times}." for label, times in dict((r.label, r.times) for r in _results(reached)).items()]
