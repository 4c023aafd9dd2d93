"""What goes with a fall and with gains, over populations drawn at random: `python -m perf.populations` reads
results/tables/populations.csv and writes results/tables/population_traits.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
from scipy.stats import spearmanr

from harness.analysis.estimates import holm
from harness.analysis.inference import LEVEL
from harness.base.places import ROOT
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.profile.statistics import Profile, profile
from harness.experiment.instantiate import plugin_specs
from harness.experiment.plan import labels
from harness.experiment.plan_file import load_plan
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry
from perf.markdown import table

TRAITS: dict[str, Callable[[Profile], float]] = {
    "rows with an unseen id": lambda found: found.rarest_unseen,
    "rows whose rarest id was seen once": lambda found: found.rarest_once,
    "ids seen once": lambda found: found.everything.singletons,
    "positives": lambda found: found.tasks[0].rates["train"],
    "AUC of the truth": lambda found: found.tasks[0].auc.value if found.tasks[0].auc else float("nan"),
}
"""Of a population. The first two are shares of test rows, the third of the ids of all fields, the fourth of rows."""
QUANTITIES = {
    ("none", "final_epoch_gain"): "plain, last epoch",
    ("none", "gain"): "plain, stopped by validation",
    ("reinit", "gain"): "reinit",
    ("running_mean+return_to_mean", "gain"): "running_mean+return_to_mean",
    ("running_mean+return_to_mean", "gain_after_own_first"): "over its own first epoch, at the same knobs",
}
"""What is set beside traits: of an arm, in AUC over one tuned epoch."""


def traits(dataset: PluginSpec, registry: Registry, results: Path) -> dict[str, float]:
    """Those of a data set of the plan, read off its first draw after that of the search."""
    found = profile(indexed.load(data_folder(results, build_data(dataset, 1, registry, results))))
    return {name: read(found) for name, read in TRAITS.items()}


def measured(published: Path, task: str) -> dict[str, dict[str, float]]:
    """Data set -> quantity -> its mean over draws."""
    lines = pl.read_csv(published, infer_schema_length=None).filter(role="arm", task=task, metric="auc")
    out: dict[str, dict[str, float]] = {}
    for row in lines.iter_rows(named=True):
        if (name := QUANTITIES.get((row["strategy"], row["quantity"]))) is not None:
            out.setdefault(row["dataset"], {})[name] = row["mean"]
    return out


def correlations(
    of: dict[str, dict[str, float]], gains: dict[str, dict[str, float]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """(trait, quantity) -> Spearman's rank correlation over data sets, and its p, Holm-corrected for all pairs."""
    found = {}
    for trait in TRAITS:
        for quantity in QUANTITIES.values():
            pairs = [(of[name][trait], gain[quantity]) for name, gain in gains.items()]
            found[trait, quantity] = spearmanr(*zip(*pairs, strict=True))
    adjusted = holm([float(each.pvalue) for each in found.values()])
    return {key: (float(each.statistic), p or 0.0) for (key, each), p in zip(found.items(), adjusted, strict=True)}


def markdown(of: dict[str, dict[str, float]], gains: dict[str, dict[str, float]]) -> str:
    """The published page."""
    names = list(QUANTITIES.values())
    lines = [
        [name, *(f"{value:.3f}" for value in of[name].values()), *(f"{gains[name][q]:+.4f}" for q in names)]
        for name in gains
    ]
    found = correlations(of, gains)
    related = [[trait, *(_shown(*found[trait, quantity]) for quantity in names)] for trait in TRAITS]
    return "\n".join(
        [
            "# Populations: what goes with falls and gains",
            "",
            f"Written by `python -m perf.populations` from populations.csv: {len(gains)} populations drawn at random. "
            "Gains are in test AUC over one tuned epoch, means over draws. Traits are of one draw: shares of test rows "
            "whose rarest id training never saw, or saw once; share of all ids that training saw once; rate of the "
            "label; AUC of the true probabilities.",
            "",
            *table(["population", *TRAITS, *names], lines),
            "",
            "## Rank correlation over populations",
            "",
            f"Spearman's, with p corrected for all {len(found)} pairs (Holm); bold: below {LEVEL:g}.",
            "",
            *table(["trait", *names], related),
            "",
        ]
    )


def _shown(value: float, p: float) -> str:
    text = f"{value:+.2f} (p {p:.3f})"
    return f"**{text}**" if p < LEVEL else text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, default=ROOT / "results" / "tables")
    tables, plan = parser.parse_args().tables, load_plan("populations")
    gains = measured(tables / "populations.csv", plan.search.task or "click")
    registry = Registry()
    datasets, _, _ = plugin_specs(plan, registry)
    named = zip(labels(plan.datasets), datasets, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        of = {label: traits(dataset, registry, Path(folder)) for label, dataset in named}
    (tables / "population_traits.md").write_text(markdown(of, gains))


if __name__ == "__main__":
    main()
