"""What does a gain owe to the luck of a search: `python -m perf.searches` repeats the searches of the leaders, each
with trials of its own, has every winner trained on the same draws, and writes results/tables/searches.md.

Gains of S searches on D draws are crossed: an interval of their mean holds both, by the mean squares of a two-way
analysis of variance with random effects (Satterthwaite 1946, "An approximate distribution of estimates of variance
components").
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy import stats

from harness.analysis.analysis import Analysis
from harness.analysis.inference import LEVEL, Floats
from harness.analysis.winners import winner
from harness.base.environment import environment
from harness.base.markdown import literal
from harness.base.places import ROOT
from harness.execution.launchers.where import Where
from harness.execution.run_plan import checked, run_plan
from harness.experiment.plan import Plan
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.report.write import analyse
from perf.markdown import change, table

PLAN = ROOT / "perf" / "leaders.toml"
TABLE = ROOT / "results" / "tables" / "searches.md"
SEARCHES = 5
APART = 10_000_000
"""Between the seeds of two searches' trials."""
QUANTITIES = {"gain": "gain", "gain_after_own_first": "over its own first epoch"}


@dataclass(frozen=True)
class Crossed:
    """A quantity in each of S searches on each of D draws, [S, D]; at least two of both."""

    value_SD: Floats

    @property
    def mean(self) -> float:
        return float(self.value_SD.mean())

    @cached_property
    def _squares(self) -> tuple[tuple[float, int], ...]:
        """Mean square and degrees of freedom: of searches, of draws, and of what is left."""
        searches, draws = self.value_SD.shape
        of_search_S, of_draw_D = self.value_SD.mean(axis=1) - self.mean, self.value_SD.mean(axis=0) - self.mean
        rest_SD = self.value_SD - self.mean - of_search_S[:, None] - of_draw_D
        parts = (draws * (of_search_S**2).sum(), searches - 1), (searches * (of_draw_D**2).sum(), draws - 1)
        every = (*parts, ((rest_SD**2).sum(), (searches - 1) * (draws - 1)))
        return tuple((float(squares / freedom), freedom) for squares, freedom in every)

    @property
    def between_searches(self) -> float:
        """The standard deviation of what a search adds to a gain, on any draw."""
        (of_search, _), _, (rest, _) = self._squares
        return float(np.sqrt(max(0.0, of_search - rest) / self.value_SD.shape[1]))

    @property
    def between_draws(self) -> float:
        """The standard deviation of what a draw adds to it, after any search."""
        _, (of_draw, _), (rest, _) = self._squares
        return float(np.sqrt(max(0.0, of_draw - rest) / self.value_SD.shape[0]))

    @property
    def left(self) -> float:
        """The standard deviation of what neither search nor draw explains."""
        return float(np.sqrt(self._squares[-1][0]))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Of the mean over searches and draws, at 95 %."""
        (of_search, _), (of_draw, _), (rest, _) = self._squares
        whole = max(of_search + of_draw - rest, of_search, of_draw)
        parts = sum(square**2 / freedom for square, freedom in self._squares)
        critical = float(stats.t.ppf(1 - LEVEL / 2, whole**2 / parts)) if parts else 0.0
        half = critical * float(np.sqrt(whole / self.value_SD.size))
        return self.mean - half, self.mean + half


def plan_of(number: int) -> Plan:
    """The plan of one search, counted from 1."""
    plan = load_plan(PLAN, [f"search.seed={number * APART}"])
    return plan.model_copy(update={"name": f"searches-{number}"})


def searched(results: Path, number: int, workers: int, console: Console) -> Analysis:
    """One search and its draws; only what is missing is trained."""
    plan, registry, where = plan_of(number), Registry(), Where(workers=workers)
    arms = checked(console, plan, registry, results, where)
    run_plan(console, plan, arms, results, where, "none")
    return analyse(results, plan.name)


def crossed(found: Sequence[Analysis], strategy: str, quantity: str) -> Crossed:
    """A quantity of one strategy, in every search and draw."""
    rows = [next(row for row in each.groups[0].ranked if row.arm.label == strategy) for each in found]
    by_draw = [row.contrasts[quantity].by_seed for row in rows]
    return Crossed(np.array([[values[draw] for draw in sorted(by_draw[0])] for values in by_draw]))


def markdown(found: Sequence[Analysis], strategies: Sequence[str]) -> str:
    """The published page."""
    here, searches = environment(), range(1, len(found) + 1)
    header = ["strategy", *(f"search {n}" for n in searches), "mean", "searches apart", "draws apart", "left"]
    lines = [
        "# searches",
        "",
        f"Written by `python -m perf.searches`: {len(found)} searches of twelve trials of each strategy and 48 of one "
        "epoch, whose seeds have nothing in common, and all winners on the same seven draws of avazu\\_like. "
        f"{literal(str(here['machine']))} with {here['cores']} cores.",
        "",
        "Gains in test AUC. A search: mean over draws. Mean: over searches and draws, with its 95 % interval. Apart: "
        "standard deviation of what another search, or another draw, adds to a gain. Left: that of what neither "
        "explains.",
    ]
    for quantity, title in QUANTITIES.items():
        lines += ["", f"## {title.capitalize()}", ""]
        lines += table(header, [_row(strategy, crossed(found, strategy, quantity)) for strategy in strategies])
    return "\n".join([*lines, "", "## Winners", "", *table(["strategy", *header[1:-4]], list(_winners(found))), ""])


def _row(strategy: str, of: Crossed) -> list[str]:
    mean = change(of.mean, *of.interval)
    apart = (f"{each:.4f}" for each in (of.between_searches, of.between_draws, of.left))
    return [strategy, *(f"{value:+.4f}" for value in of.value_SD.mean(axis=1)), mean, *apart]


def _winners(found: Sequence[Analysis]) -> Iterator[list[str]]:
    """What every search chose, and the validation AUC that it reached."""
    for label in [arm.label for arm in found[0].groups[0].group.everything]:
        told = []
        for each in found:
            group = each.groups[0].group
            best = winner(next(arm for arm in group.everything if arm.label == label), group)
            assert best is not None
            knobs = ", ".join(f"{name} {_shown(value)}" for name, value in best.trial.params.items())
            told.append(f"{literal(knobs)}{'; of none' if best.of_none else ''}")
        yield [label, *told]


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.searches", description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="what is there is not made again")
    parser.add_argument("--searches", type=int, default=SEARCHES)
    parser.add_argument("--workers", type=int, default=2)
    asked, console = parser.parse_args(), Console()
    if asked.searches < 2:
        parser.error(f"--searches {asked.searches} is below 2")
    found = [searched(asked.results, number, asked.workers, console) for number in range(1, asked.searches + 1)]
    TABLE.write_text(markdown(found, plan_of(1).strategies))


if __name__ == "__main__":
    main()
