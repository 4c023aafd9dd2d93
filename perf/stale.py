"""How much of what ids say of a label holds later: `LOGS=folder/of/the/files python -m perf.stale` writes the table.

Ids that occur in two halves of the training rows have residuals in both, label less rate. Their product is on average
the variance that ids explain in both halves: by time, what of it lasts; at random, all of it. So the ratio is the part
that lasts from one half of training to the next.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from harness.base.environment import environment
from harness.base.markdown import literal
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.inputs import indexed_datasets
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "stale.md"
PLANS = ("real", "draws", "pinterest", "changing")
"""Whose first draw, or first time origin, is looked at."""
LEAST, GROUPS, ROUNDS = 0.002, 40, 30
"""Fields that explain less are left out; parts of the ids of the jackknife; how often weights are found anew."""
HEAD = """# What ids said goes stale

Written by `LOGS=folder/of/the/files python -m perf.stale`. Machine: {machine}.

The share of the variance of a label that the ids of a field explain in two halves of the training rows at once. At
random: halves drawn at random. By time: the earlier half and the later one. Lasts: the latter over the former, with a
95 % interval (jackknife over {groups} parts of the ids). Fields that explain less than {least} are left out.
"""
Floats = npt.NDArray[np.float64]


def halves(id_N: npt.NDArray[np.int64], label_N: Floats, later_N: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Of each of V ids and both halves: its rows, and its residuals added up, [2, V]."""
    id_N = np.unique(id_N, return_inverse=True)[1]
    rows, sums = [], []
    for half_N in (~later_N, later_N):
        residual_N = label_N[half_N] - label_N[half_N].mean()
        rows.append(np.bincount(id_N[half_N], minlength=id_N.max() + 1))
        sums.append(np.bincount(id_N[half_N], residual_N, minlength=id_N.max() + 1))
    return np.array(rows, float), np.array(sums)


def shared(rows_2V: Floats, sum_2V: Floats, variance: float) -> float:
    """The share of the variance that ids explain in both halves; ids that tell more of it weigh more."""
    both_V = (rows_2V > 0).all(axis=0)
    rows_2V, product_V = rows_2V[:, both_V], sum_2V[:, both_V].prod(axis=0) / rows_2V[:, both_V].prod(axis=0)
    share = 0.01
    for _ in range(ROUNDS):
        weight_V = (rows_2V / (1 + rows_2V * share)).prod(axis=0)
        share = float(np.clip(weight_V @ product_V / weight_V.sum() / variance, 1e-5, 1.0))
    return share


def lasting(id_N: npt.NDArray[np.int64], label_N: Floats, seed: int = 0) -> tuple[float, float, float, float]:
    """Shares at random and by time, their ratio, and its standard error. Rows are in order of time."""
    late_N = np.arange(len(id_N)) >= len(id_N) // 2
    rng, variance = np.random.default_rng(seed), float(label_N.var())
    both = [halves(id_N, label_N, at_N) for at_N in (rng.permutation(late_N), late_N)]
    at_random, by_time = (shared(rows_2V, sum_2V, variance) for rows_2V, sum_2V in both)
    part_V = rng.integers(GROUPS, size=both[0][0].shape[1])
    ratios_G = np.empty(GROUPS)
    for g in range(GROUPS):
        rest_V = part_V != g
        drawn, late = (shared(rows_2V[:, rest_V], sum_2V[:, rest_V], variance) for rows_2V, sum_2V in both)
        ratios_G[g] = late / drawn
    error = np.sqrt((GROUPS - 1) * ratios_G.var())
    return at_random, by_time, by_time / at_random, float(error)


def rows_of(name: str, data: IndexedDataset) -> Iterator[tuple[str, ...]]:
    """A line for each field that explains anything, of the first task."""
    split = data.train
    rows_N = np.arange(len(split))[split.known(0)]
    if split.time_N is not None:
        rows_N = rows_N[np.argsort(split.time_N[rows_N], kind="stable")]
    label_N = split.labels_NT[rows_N, 0].astype(float)
    for f, field in enumerate(data.tables):
        at_random, by_time, ratio, error = lasting(split.codes_NF[rows_N, f], label_N)
        if at_random >= LEAST:
            shown = f"{ratio:.2f} [{ratio - 1.96 * error:.2f}, {ratio + 1.96 * error:.2f}]"
            yield literal(name), literal(field), f"{at_random:.4f}", f"{by_time:.4f}", shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=TABLE)
    chosen, console = parser.parse_args(), Console(highlight=False, soft_wrap=True, markup=False)
    found: list[tuple[str, ...]] = []
    for plan in PLANS:
        for name, data in indexed_datasets(plan, chosen.results, None):
            found += rows_of(name, data)
            console.print(f"{name}: {len(found)} lines")
    head = HEAD.format(machine=literal(str(environment()["machine"])), groups=GROUPS, least=LEAST)
    lines = table(("data", "field", "at random", "by time", "lasts"), found, words=2)
    chosen.out.write_text("\n".join((head, *lines)) + "\n")
    console.print(chosen.out.read_text())


if __name__ == "__main__":
    main()
