"""The table of throughput, on the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

from harness.base.environment import environment
from perf.work import FIELDS, Work

if TYPE_CHECKING:
    from perf.measure import Result
    from perf.throughput import Reached

HEADER = ("figure", "target", "reached", "", "ours, rows/s", "the other, rows/s", "rounds")


def cells(reached: Reached) -> tuple[str, ...]:
    """One row: text, target, median [min, max], met or not, both speeds, rounds."""
    figure = reached.figure
    if not reached.values:
        return figure.text, figure.target, reached.why, "", "", "", "0"
    value = median(reached.values)
    shown = figure.show(value)
    if len(reached.values) > 1:
        shown += f" [{figure.show(min(reached.values))}, {figure.show(max(reached.values))}]"
    met = {True: "met", False: "not met", None: ""}[figure.met(value)]
    speeds = (_speed(reached.base), _speed(reached.other))
    return figure.text, figure.target, shown, met, *speeds, str(len(reached.values))


def show(reached: Sequence[Reached]) -> Table:
    table = Table(*HEADER, box=None, header_style="dim")
    for row in map(cells, reached):
        table.add_row(*row, style={"not met": "yellow"}.get(row[3]))
    return table


def markdown(reached: Sequence[Reached], rounds: int) -> str:
    """The published table, with the machine, the versions and what each figure stands for."""
    work = Work()
    lines = ["# Throughput", "", "Written by `make perf`.", "", _line(HEADER), _line([":--", *["--:"] * 6])]
    lines += [_line(cells(r)) for r in reached]
    notes = [f"- {r.figure.text}: {r.why}." for r in reached if r.values and r.why]
    lines += ["", *notes] if notes else []
    env = environment()
    lines += [
        "",
        f"Machine: {env['machine']}, {env['cores']} cores, {env['memory_gb']} GB. {_versions(reached)}.",
        "",
        f"**Work.** {len(FIELDS)} fields of {', '.join(f'{n:,}' for n in work.sizes)} rows, {sum(work.sizes):,} in all;"
        f" width {work.width}; MLP {len(FIELDS) * work.width}-{'-'.join(map(str, work.hidden))}-3 with ReLU; batch "
        f"{work.batch:,}; lazy Adam unless the row says otherwise; float32; {work.threads} threads. Ids are drawn with "
        "Zipf frequencies (users 0.6, products 1.05, others 0.8). Larger tables see the very same batches, their ids "
        "scattered over the table.",
        "",
        f"**Figures.** {rounds} rounds, fewer where the last column says so. Every measurement is a process of its "
        "own, which warms up and is then timed; one that others disturb (a tenth of a core) is repeated. In a round, "
        "ours and the others take turns; a figure is the ratio of "
        "step times within the round, shown as median [min, max] over rounds. Speeds are medians too.",
        "",
        "**What is timed.**",
        "",
        *_timed(reached),
    ]
    return "\n".join(lines) + "\n"


def _line(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |"


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
