"""Does one rate of `running_mean` serve every network and every population? `python -m perf.running_mean_rates` writes
the tables.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from rich.console import Console

from harness.api import Data, Kinds, ListField, Lists, Split
from harness.base import seeds
from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.run import Diverged, run
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import EvalSpec, PluginSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import MetricKey
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "running_mean.md"
MODELS = ("dnn", "deepfm", "dcnv2", "din")
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
BEFORE = "unit='none', lr_ratio=1e4"
"""The rule of the first edition."""
FULL = {"device_ip": 640_000, "device_id": 400_000, "device_model": 8_000, "site": 4_000, "app": 6_000, "ad": 2_500}
"""Ids of avazu_like in its million rows."""
POPULATION_ROWS = 400_000
REGISTRY = Registry()
Say = Callable[[str], object]


def with_history(data: Data, group: str, item: str, longest: int) -> Data:
    """The same data with a sequence, for `din`: the items that the example's group was shown before, in its split."""
    group_at, item_at = data.fields.index(group), data.fields.index(item)

    def more(split: Split) -> Split:
        n, order_N = len(split.ids_NF), np.argsort(split.ids_NF[:, group_at], kind="stable")
        group_N, place_N = split.ids_NF[order_N, group_at], np.arange(n)
        start_N = np.maximum.accumulate(np.where(np.diff(group_N, prepend=group_N[0] - 1) != 0, place_N, 0))
        begin_N, length_N = np.empty(n, np.int64), np.empty(n, np.int64)
        begin_N[order_N], length_N[order_N] = start_N, place_N - start_N
        return dataclasses.replace(split, lists=(Lists(split.ids_NF[order_N, item_at], length_N, begin_N=begin_N),))

    kinds = Kinds(lists=(ListField("history", longest, ordered=True),), shares={"history": item})
    train, valid, test = map(more, (data.train, data.valid, data.test))
    return dataclasses.replace(data, kinds=kinds, train=train, valid=valid, test=test)


def made(rows: int, folder: Path) -> IndexedDataset:
    """avazu_like of so many rows, with ids in proportion."""
    fields = {name: {"ids": ids * rows // 1_000_000} for name, ids in FULL.items()}
    plugin = build(REGISTRY.datasets, "data set", "powerlaw", {"preset": "avazu_like", "rows": rows, "fields": fields})
    data = plugin.build(seeds.generator(0, "data", "powerlaw"))
    indexed.save(with_history(data, "device_ip", "ad", 10), folder)
    return indexed.load(folder)


def population(number: int, folder: Path) -> IndexedDataset:
    """One drawn at random over every knob of the generator."""
    spec = PluginSpec(name="powerlaw", params={"preset": f"random-{number}", "rows": POPULATION_ROWS})
    return indexed.load(data_folder(folder, build_data(spec, 0, REGISTRY, folder)))


def trained(data: IndexedDataset, model: str, knobs: str, seed: int) -> tuple[float, float]:
    """AUC of valid and test after two epochs; that of guessing if it diverges."""
    net = build(REGISTRY.models, "model", model, {"dim": 16, "hidden": (64, 32)})
    strategies = strategies_of(parse_strategy(f"running_mean({knobs})+return_to_mean", REGISTRY), REGISTRY)
    try:
        *_, last = run(data, net, strategies, TrainSpec(epochs=2, batch_size=2048), EvalSpec(points=()), seed)
    except Diverged:
        return 0.5, 0.5
    valid, test = (last.metrics[MetricKey(split, "auc", "click")] for split in ("valid", "test"))
    return valid, test


Found = dict[tuple[str, str], list[tuple[float, float]]]
"""AUC of valid and test of each seed, by model or population and arm."""


def lines(auc: Found, arms: Sequence[str], rows: int) -> Iterator[str]:
    """arms: the factors of the default, then the rule of before."""
    count = len(next(iter(auc.values())))
    yield from ("# One rate of `running_mean`", "", "Written by `python -m perf.running_mean_rates`.", "")
    yield from ("## Behind every network", "")
    yield f"`running_mean+return_to_mean`, two epochs of avazu_like ({rows:,} rows, ids in proportion, a sequence):"
    yield f"test AUC of clicks, mean of {count} seeds, by the factor of the default rate; bold: best by valid AUC."
    yield f"before: `{BEFORE}`. Last, the default less the best, and its standard error over seeds."
    yield ""
    found = []
    for model in dict.fromkeys(model for model, _ in auc):
        best = max(arms[:-1], key=lambda arm: mean(valid for valid, _ in auc[model, arm]))
        lost = [a - b for (_, a), (_, b) in zip(auc[model, "x 1"], auc[model, best], strict=True)]
        told = f"{mean(lost):+.4f} ({stdev(lost) / count**0.5:.4f})" if best != "x 1" else "0"
        shown = [f"{mean(test for _, test in auc[model, arm]):.4f}" for arm in arms]
        shown = [f"**{value}**" if arm == best else value for value, arm in zip(shown, arms, strict=True)]
        found.append((f"`{model}`", *shown, told))
    yield from table(("model", *arms, "default - best"), found)


def over_populations(auc: Found, arms: Sequence[str]) -> Iterator[str]:
    """One seed each; what every rate loses against the best one by valid AUC, on average and at most."""
    names = list(dict.fromkeys(name for name, _ in auc))
    test = {key: value for key, ((_, value),) in auc.items()}
    best = {name: max(arms, key=lambda arm: auc[name, arm][0][0]) for name in names}
    yield from ("", "## On populations drawn at random", "")
    yield f"The same, untuned, on {len(names)} populations ({POPULATION_ROWS:,} rows) with `dnn`: one seed each."
    yield ""
    found = [
        (
            f"`{name}`",
            *(f"**{test[name, arm]:.4f}**" if arm == best[name] else f"{test[name, arm]:.4f}" for arm in arms),
        )
        for name in names
    ]
    short = {arm: [test[name, arm] - test[name, best[name]] for name in names] for arm in arms}
    found.append(("mean, less the best", *(f"{mean(values):+.4f}" for values in short.values())))
    found.append(("least, less the best", *(f"{min(values):+.4f}" for values in short.values())))
    yield from table(("population", *arms), found)


def tried(arms: dict[str, str], cells: Found, data: Callable[[str], IndexedDataset], seeds: int, say: Say) -> None:
    """Fill the cells. data: by model or population."""
    for seed in range(seeds):
        for (name, arm), found in cells.items():
            found.append(trained(data(name), name if name in MODELS else "dnn", arms[arm], seed))
            say(f"{name} {arm} seed {seed}: valid {found[-1][0]:.4f}, test {found[-1][1]:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.running_mean_rates", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--populations", type=int, default=20)
    chosen, console = parser.parse_args(), Console(highlight=False, soft_wrap=True, markup=False)
    default = parse_strategy("running_mean", REGISTRY)[0].params["rate"]
    rates = {f"x {factor:g}": f"rate={factor * default!r}" for factor in FACTORS}
    arms = rates | {"before": BEFORE}
    networks: Found = {(model, arm): [] for model in MODELS for arm in arms}
    names = [f"random-{number}" for number in range(1, chosen.populations + 1)]
    populations: Found = {(name, arm): [] for name in names for arm in rates}
    with tempfile.TemporaryDirectory() as folder:
        data = made(chosen.rows, Path(folder) / "data")
        tried(arms, networks, lambda _: data, chosen.seeds, console.print)
        drawn = lru_cache(1)(lambda name: population(int(name.split("-")[1]), Path(folder)))
        tried(rates, populations, drawn, 1, console.print)
    env = environment()
    text = [*lines(networks, list(arms), chosen.rows), *over_populations(populations, list(rates))]
    TABLE.write_text("\n".join([*text, "", f"Machine: {env['machine']}, {env['cores']} cores, one thread."]) + "\n")
    console.print(TABLE.read_text())


if __name__ == "__main__":
    main()
