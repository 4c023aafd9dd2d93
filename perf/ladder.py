"""May a sample's word on the whole log be believed: `python -m perf.ladder` asks where the whole log is trained on too.

Generated logs, of which a sample of whole users and two parts of it are trained on as `multiepoch diagnose` does it, at
default knobs; then all of it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from harness.analysis.analysis import GroupAnalysis
from harness.base.places import ROOT
from harness.data import indexed
from harness.data.build import data_folder
from harness.diagnose import subsample
from harness.diagnose.again import SEEDS, Again
from harness.diagnose.asked import dataset_of
from harness.diagnose.ladder import RUNGS, Line, ladder_of, shares_of_buckets
from harness.execution.launchers.where import Where
from harness.execution.prepare import prepare
from harness.execution.run_plan import run_plan
from harness.experiment.plan import Plan
from harness.plugins.registry import Registry
from harness.report.write import analyse
from harness.results.plan_results import read_plan_result
from perf import generated_log
from perf.markdown import change, table

PRESETS = ("avazu_like", "criteo_like", "retail_like")
LEAD, KEEP, EPOCHS, BATCH = "reinit", 0.25, 3, 128
HEADER = ("log", "what", "sizes", "foretold of the whole log", "may be believed", "on the whole log", "in the interval")


def lines(preset: str, rows: int, workers: int, folder: Path) -> Iterator[tuple[str, ...]]:
    """Lines of `HEADER` for one log."""
    source, schema, user, task = generated_log.write(preset, rows, folder)
    whole = {**dataset_of(source, schema, (task,)), "label": "log"}
    parts = [(KEEP, Again("sample", "the sample", subsample.sampled(whole, user, KEEP, folder, "sample")))]
    parts += subsample.rungs(whole, user, KEEP, folder)
    first = Plan.model_validate(
        {
            "name": "first", "dataset": [whole], "model": [{"name": "dnn"}], "strategies": ["none"], "seeds": [1],
            "train": {"epochs": EPOCHS, "batch_size": BATCH}, "evaluation": {"points": [0.5], "test_error": True},
        }
    )  # fmt: skip
    trained = [(share, _trained(again.plan(first, [LEAD]), workers, folder)) for share, again in parts]
    all_of_it = _trained(Again("whole", "all rows", whole).plan(first, [LEAD]), workers, folder)
    data = indexed.load(data_folder(folder, read_plan_result(folder, "whole").data["log"]))
    shares = shares_of_buckets(data)
    for line, true in zip(
        ladder_of(trained, LEAD, shares).lines, ladder_of([(1.0, all_of_it)], LEAD, shares).lines, strict=True
    ):
        yield preset, *_told(line, true)


def _told(line: Line, true: Line) -> tuple[str, ...]:
    mean, low, high = line.whole
    (there,) = true.values
    sizes = ", ".join(f"{value.mean:+.4f}" for value in line.values)
    held = "yes" if low <= there.mean <= high else "no"
    believed = f"no: {line.doubt}" if line.doubt else "yes"
    return line.what, sizes, change(mean, low, high), believed, f"{there.mean:+.4f}", held


def _trained(plan: Plan, workers: int, folder: Path) -> GroupAnalysis:
    arms = prepare(plan, Registry(), folder)
    run_plan(Console(quiet=True), plan, arms, folder, Where(workers=workers), "none")
    return analyse(folder, plan.name).groups[0]


def markdown(presets: Sequence[str], rows: int, workers: int) -> str:
    """The published table."""
    found = []
    for preset in presets:
        with tempfile.TemporaryDirectory() as folder:
            found += list(lines(preset, rows, workers, Path(folder)))
    sizes = ", ".join(f"{KEEP * part:.3g}" for part in (1, *RUNGS))
    text = [
        "# Ladders: what a sample says of the whole log, and what is so",
        "",
        f"Written by `python -m perf.ladder`: generated logs of {rows:,} rows, split by time; {EPOCHS} epochs at "
        f"default knobs and batches of {BATCH}, {SEEDS} seeds. Sizes: {sizes} of the users, each with all rows. Gains "
        "in test AUC over one epoch.",
        "",
        *table(HEADER, found, words=len(HEADER)),
    ]
    return "\n".join(text) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--rows", type=int, default=600_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "results/tables/ladder.md")
    options = parser.parse_args(arguments)
    text = markdown(options.presets, options.rows, options.workers)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
