"""Do falls and gains go away with more data: `python -m perf.sizes` fits a line in the logarithm of the size.

The sizes are those of the plan `sizes`, at the same number of rows per id. The line is read off at four times the
largest, and written down; `--largest` then trains there, at the knobs that the searches of the largest size chose, and
sets what came beside what was foretold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate
from harness.base.environment import environment
from harness.base.markdown import literal
from harness.base.places import ROOT
from harness.diagnose.again import Again, with_knobs
from harness.diagnose.ladder import Line
from harness.execution.launchers.where import Where
from harness.execution.prepare import prepare
from harness.execution.run_plan import run_plan
from harness.experiment.plan import Plan
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry
from harness.report.format import show
from harness.report.write import analyse
from harness.results.plan_results import PLAIN, read_plan_result
from perf.markdown import change, table

PLAN, LARGEST, GROWN = "sizes", "sizes_largest", 4
"""Plans, and how often the largest size of the first lies in the second."""
SCALED = ("rows", "users", "products", "campaigns", "advertisers")
OURS = "running_mean+return_to_mean"
QUANTITIES = {
    "plain training, last epoch over one tuned epoch": (PLAIN, "final_epoch_gain"),
    "plain training, stopped by validation": (PLAIN, "gain"),
    OURS: (OURS, "gain"),
    f"{OURS}, over its own first epoch": (OURS, "gain_after_own_first"),
}
"""Each in test AUC."""
TABLES = ROOT / "results/tables"


def largest(first: Plan) -> dict[str, Any]:
    """The data set of `LARGEST`, as a plan names it."""
    values = dict(max(first.datasets, key=lambda dataset: int(dataset["rows"])))
    values |= {name: GROWN * values[name] for name in SCALED}
    return values | {"label": f"{values['rows'] / 1e6:.0f} M"}


def train_largest(first: Plan, draws: int, results: Path, workers: int, console: Console) -> None:
    """At the knobs of the largest size that was searched."""
    again = Again(LARGEST, f"{GROWN} times the largest size", largest(first), seeds=draws, draws=True)
    plan, label = again.plan(first, [OURS]), max(first.datasets, key=lambda dataset: int(dataset["rows"]))["label"]
    found = [arm for arm in read_plan_result(results, PLAN).arms if arm.id.dataset == label]
    arms = with_knobs(prepare(plan, Registry(), results), found)
    run_plan(console, plan, arms, results, Where(workers=workers), "none")


def lines(first: Plan) -> Iterator[tuple[str, Line]]:
    """Quantity -> what it came to at each size, the largest first, as shares of `LARGEST`."""
    found = pl.read_csv(TABLES / f"{PLAN}.csv", infer_schema_length=None)
    found = found.filter(role="arm", metric="auc", split="test", task=first.search.task)
    sizes = sorted(((int(dataset["rows"]), dataset["label"]) for dataset in first.datasets), reverse=True)
    whole = GROWN * sizes[0][0]
    for name, (strategy, quantity) in QUANTITIES.items():
        of = found.filter(strategy=strategy, quantity=quantity)
        values = [json.loads(of.filter(dataset=label)["values"].item()) for _, label in sizes]
        steps = sizes[-1][0] // first.train.batch_size
        shares = tuple(rows / whole for rows, _ in sizes)
        yield name, Line(name, shares, tuple(Estimate(tuple(each)) for each in values), steps)


def came(group: GroupAnalysis) -> dict[str, Estimate | None]:
    """Quantity -> what it came to at the largest size."""
    rows = {row.arm.label: row for row in group.compared(group.group.task, "auc") if not row.arm.is_baseline}
    return {name: rows[strategy].value(quantity) for name, (strategy, quantity) in QUANTITIES.items()}


def markdown(first: Plan, group: GroupAnalysis | None) -> str:
    """The published page. group: of the largest size, once it is trained."""
    found, size = came(group) if group else {}, largest(first)["label"]
    sizes = [dataset["label"] for dataset in sorted(first.datasets, key=lambda dataset: int(dataset["rows"]))]
    rows = []
    for name, line in lines(first):
        mean, low, high = line.whole
        values = [show(each, 4, signed=True) for each in reversed(line.values)]
        there = show(found[name], 4, signed=True) if found else "not trained yet"
        rows.append([name, *values, change(mean, low, high), there])
    here = environment()
    return "\n".join(
        [
            "# Sizes: falls and gains with more data",
            "",
            f"Written by `python -m perf.sizes` from sizes.csv: generated logs of {', '.join(sizes)} rows at the same "
            "number of rows per id, all arms searched alike at each size. Figures are in test AUC, means over draws "
            f"with intervals. Foretold: a line in the logarithm of the size, read off at {size} rows before that was "
            f"trained. Came: {size} rows, at the knobs that were found at {sizes[-1]}. "
            f"Machine: {literal(str(here['machine']))}, {here['cores']} cores.",
            "",
            *table(["", *sizes, f"{size}, foretold", f"{size}, came"], rows),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the plan `sizes` was run")
    parser.add_argument("--largest", type=int, default=0, metavar="DRAWS", help="train the largest size, on so many")
    parser.add_argument("--workers", type=int, default=2)
    options, console = parser.parse_args(), Console(highlight=False, soft_wrap=True)
    first = load_plan(ROOT / f"plans/{PLAN}.toml")
    if options.largest:
        train_largest(first, options.largest, options.results, options.workers, console)
    trained = (options.results / f"plans/{LARGEST}.json").exists()
    group = analyse(options.results, LARGEST).groups[0] if trained else None
    text = markdown(first, group)
    (TABLES / "size_law.md").write_text(text, encoding="utf-8")
    console.print(text, markup=False)


if __name__ == "__main__":
    main()
