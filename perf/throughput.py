"""`make perf`: measure our engine against its peers and its targets, in rounds, and write the table."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator

from rich.console import Console

from harness.base.places import ROOT
from perf import series
from perf.contenders import NotInstalled
from perf.figures import OURS_FIFTY_MILLION, Figure, figures
from perf.measure import Measurement, Result, measure
from perf.plans import PlanTimes, plan_times, workers_gain
from perf.series import Reached
from perf.table import markdown, show

PLAN_TIMES = {"plan": "whole_s", "plan-start": "first_epoch_s", "plan-rest": "outside"}
TABLE = ROOT / "results" / "tables" / "throughput.md"


class Rounds:
    """Measurements in rounds. In a round, every figure's `other` is measured soon after its `base`."""

    def __init__(self, wanted: list[Figure], rounds: int, console: Console) -> None:
        self.reached = [Reached(f) for f in wanted]
        self.rounds, self.console = rounds, console
        self.memory: list[dict[str, float]] = []
        self.plans: list[PlanTimes] = []

    def run(self) -> Iterator[list[Reached]]:
        """What is reached, after every round and every figure that has none."""
        for number in range(1, self.rounds + 1):
            groups: dict[str, list[Reached]] = defaultdict(list)
            for reached in self.reached:
                if number <= reached.figure.rounds and not reached.why:
                    groups[repr(reached.figure.base)].append(reached)
            for group in groups.values():
                self._group(group, number)
            yield self.reached
        for reached in self.reached:
            self._without_pairs(reached)
            yield self.reached

    def _group(self, group: list[Reached], number: int) -> None:
        """A base, and what is compared with it, in turn; the base again after every third."""
        base = None
        for at, reached in enumerate(r for r in group if r.figure.other):
            assert reached.figure.base
            assert reached.figure.other
            if at % 3 == 0:
                base = self._measure(reached.figure.base, number)
            try:
                other = self._measure(reached.figure.other, number)
            except NotInstalled as error:
                reached.why = f"not installed ({error})"
                self.console.print(f"{reached.figure.name}: {reached.why}", style="yellow", highlight=False)
                continue
            assert base
            if not (base.quiet and other.quiet):
                continue
            reached.values.append(other.step_ms / base.step_ms)
            reached.base.append(base)
            reached.other.append(other)

    def _measure(self, what: Measurement, number: int) -> Result:
        result = measure(what)
        options = " ".join(f"{k}={v}" for k, v in what.options.items())
        text = f"round {number}  {result.step_ms:8.2f} ms {result.rows_per_s:12,.0f} rows/s"
        noise = "" if result.quiet else f", not counted: others had {result.others:.1f} cores"
        self.console.print(f"{text}  {result.label} {options} ({sum(what.work.sizes):,} rows{noise})", highlight=False)
        if what == OURS_FIFTY_MILLION:
            self.memory.append(result.sizes_mb)
        return result

    def _without_pairs(self, reached: Reached) -> None:
        name = reached.figure.name
        if name == "memory":
            sizes = self.memory or [measure(OURS_FIFTY_MILLION).sizes_mb]
            reached.values = [s["peak"] / (s["table"] + s["data"]) for s in sizes]
            s = sizes[-1]
            reached.why = f"peak {s['peak']:,.0f} MB, table and state {s['table']:,.0f} MB, data {s['data']:,.0f} MB"
        elif name in PLAN_TIMES:
            while len(self.plans) < min(self.rounds, reached.figure.rounds):
                self.plans.append(plan_times())
                self.console.print(f"round {len(self.plans)}  {self.plans[-1]}", highlight=False)
            reached.values = [getattr(times, PLAN_TIMES[name]) for times in self.plans]
        elif name == "workers":
            reached.values = [workers_gain() for _ in range(min(self.rounds, reached.figure.rounds))]


def main() -> int:
    every = figures()
    names = [f.name for f in every]
    parser = argparse.ArgumentParser(prog="python -m perf.throughput", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=names, help=f"rows: {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.only) - set(names))
    if unknown or arguments.rounds < 1:
        parser.error(f"unknown row {unknown[0]!r}; accepted: {', '.join(names)}" if unknown else "--rounds is below 1")
    console = Console(soft_wrap=True)
    wanted = [f for f in every if f.name in arguments.only]
    for reached in Rounds(wanted, arguments.rounds, console).run():
        TABLE.write_text(markdown(series.add(reached, every)))
    console.print(show(reached))
    console.print(f"table: {TABLE}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
