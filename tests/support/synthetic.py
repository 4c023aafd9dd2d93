"""What several tests of the generator hold rows against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from rich.console import Console

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.inputs import indexed_datasets
from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.sampler import Rows

SIGMAS = 5.0
"""Half-width of a bound in standard errors: a chance of one in a million per comparison, and seeds are fixed."""


def drawn_by_the_truth(rows: Rows) -> None:
    """In tenths of the truth, positives of every task are as many as their probabilities add up to."""
    for t in range(rows.labels_NT.shape[1]):
        label_N, truth_N = rows.labels_NT[:, t], rows.truth_NT[:, t].astype(np.float64)
        for tenth in np.array_split(np.argsort(truth_N), 10):
            spread = np.sqrt((truth_N[tenth] * (1 - truth_N[tenth])).sum())
            assert abs(label_N[tenth].sum() - truth_N[tenth].sum()) < SIGMAS * spread + 1e-9


def coded(population: dict[str, Any], folder: Path) -> IndexedDataset:
    """The data of a population, built in a folder."""
    path = folder / "population.toml"
    path.write_text(tomli_w.dumps(population))
    return next(iter(indexed_datasets(str(path), folder, None)))[1]


def write_endlessly(folder: Path) -> None:
    """Rows of a preset as Parquet, so many that whoever asks for them ends it."""
    write_parquet(Console(quiet=True), "tiny", folder, 200_000_000, None, 0)
