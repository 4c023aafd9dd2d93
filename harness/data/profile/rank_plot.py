"""The rank-frequency plot of a data set: occurrences of the r-th most frequent id, and the law fitted to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from harness.data.profile.statistics import Profile
from harness.data.profile.zipf_fit import FEW, Law, descending

POINTS = 400


def rank_plot(name: str, counts: dict[str, npt.NDArray[np.int64]], found: Profile, path: Path) -> None:
    """Write a PNG of every field that has enough ids to have a shape. counts: training occurrences, by field."""
    figure = Figure(figsize=(8, 5.5), dpi=130, layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="rank of the id in training", ylabel="occurrences")
    axes.set_title(name)
    for field in found.fields:
        count_U = descending(counts[field.name])
        if len(count_U) < FEW:
            continue
        rank = np.unique(np.geomspace(1, len(count_U), POINTS).astype(np.int64))
        label = field.name if field.law is None else f"{field.name}: {field.law.exponent:.2f}"
        (line,) = axes.plot(rank, count_U[rank - 1], lw=1.5, label=label)
        if field.law is not None:
            axes.plot(rank, _expected(field.law, rank, int(count_U.sum())), lw=0.8, ls="--", color=line.get_color())
    axes.legend(title="field: exponent (dashed: the fitted law)", frameon=False)
    figure.savefig(path)


def _expected(law: Law, rank: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.float64]:
    edges = np.unique(np.geomspace(1, law.ids + 1, 4000).astype(np.int64))
    middle, width = (edges[1:] + edges[:-1] - 1) / 2, np.diff(edges)
    mass = float(width @ (middle + law.shift) ** -law.exponent)
    return np.asarray(rows / mass * (rank + law.shift) ** -law.exponent)
