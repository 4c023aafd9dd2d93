"""`make perf`: measure our engine against its peers and its targets, in rounds, and write the table."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from perf.contenders import NotInstalled
from perf.figures import OURS_FIFTY_MILLION, Figure, figures
from perf.measure import DISTURBED, ROOT, Measurement, Result, measure
from perf.plans import outside_training, workers_gain
from perf.table import markdown, show

TABLE = ROOT / "results" / "tables" / "throughput.md"


@dataclass
class Reached:
    """What came of one figure. values: one for each round. why: the reason if there are none."""

    figure: Figure
    values: list[float] = field(default_factory=list)
    base: list[Result] = field(default_factory=list)
    other: list[Result] = field(default_factory=list)
    why: str = ""


class Series:
    """Measurements in rounds. In a round, every figure's `other` is measured soon after its `base`."""

    def __init__(self, wanted: list[Figure], rounds: int, results: Path, console: Console) -> None:
        self.reached = [Reached(f) for f in wanted]
        self.rounds, self.results, self.console = rounds, results, console
        self.memory: list[dict[str, float]] = []

    def run(self) -> list[Reached]:
        for number in range(1, self.rounds + 1):
            groups: dict[str, list[Reached]] = defaultdict(list)
            for reached in self.reached:
                if number <= reached.figure.rounds and not reached.why:
                    groups[repr(reached.figure.base)].append(reached)
            for group in groups.values():
                self._group(group, number)
        for reached in self.reached:
            self._without_pairs(reached)
        return self.reached

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
            reached.values.append(other.step_ms / base.step_ms)
            reached.base.append(base)
            reached.other.append(other)

    def _measure(self, what: Measurement, number: int) -> Result:
        result = measure(what)
        options = " ".join(f"{k}={v}" for k, v in what.options.items())
        text = f"round {number}  {result.step_ms:8.2f} ms {result.rows_per_s:12,.0f} rows/s"
        noise = f", disturbed: {result.others:.1f} cores" if result.others >= DISTURBED else ""
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
        elif name == "plan":
            share = outside_training(self.results)
            reached.values = [] if share is None else [share]
            reached.why = "not measured: no records of the plan in the results folder" if share is None else ""
        elif name == "workers":
            reached.values = [workers_gain() for _ in range(min(self.rounds, reached.figure.rounds))]


def main() -> int:
    every = figures()
    names = [f.name for f in every]
    parser = argparse.ArgumentParser(prog="python -m perf.throughput", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=names, help=f"rows: {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where plans/quick.toml was run")
    parser.add_argument("--out", type=Path, help=f"default: {TABLE.relative_to(ROOT)} if every row is measured")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.only) - set(names))
    if unknown or arguments.rounds < 1:
        parser.error(f"unknown row {unknown[0]!r}; accepted: {', '.join(names)}" if unknown else "--rounds is below 1")
    console = Console()
    wanted = [f for f in every if f.name in arguments.only]
    reached = Series(wanted, arguments.rounds, arguments.results, console).run()
    console.print(show(reached))
    out = arguments.out or (TABLE if len(wanted) == len(every) else None)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(markdown(reached, arguments.rounds))
        console.print(f"table: {out}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
