"""Numbers on disk, put on their scales or into buckets once the training split is complete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import NumberField
from harness.data.columns import ROWS, Column, blocks, change
from harness.data.numbers import MOST, Scale, learnt
from harness.data.validation import SPLITS

Ints = npt.NDArray[np.int64]


def finish_numbers(folder: Path, numbers: Sequence[NumberField], first: int) -> dict[str, Ints]:
    """Rewrite `<split>_numbers_NP.npy`: what multiplies the vector of each field, NaN where it is missing.

    Fields of buckets leave them and fill the columns of `<split>_codes_NF.npy` from `first` on. Returns their names,
    and how often each bucket occurs in training.
    """
    if not numbers:
        return {}
    scales = _scales(folder, numbers)
    buckets = [(p, scale) for p, scale in enumerate(scales) if scale.field.buckets]
    counts = {scale.field.name: np.zeros(len(scale.edges) + 2, np.int64) for _, scale in buckets}
    for part in SPLITS:
        _fill(folder, part, first, buckets, counts if part == "train" else {})
        _rewrite(folder / f"{part}_numbers_NP.npy", [(p, s) for p, s in enumerate(scales) if not s.field.buckets])
    return counts


def _scales(folder: Path, numbers: Sequence[NumberField]) -> list[Scale]:
    path = folder / "train_numbers_NP.npy"
    step = -(-len(np.load(path, mmap_mode="r")) // MOST)
    sample_NP = np.concatenate([block_NP[-at * ROWS % step :: step] for at, block_NP in enumerate(blocks(path))])
    return [learnt(field, sample_NP[:, p]) for p, field in enumerate(numbers)]


def _fill(folder: Path, part: str, first: int, buckets: list[tuple[int, Scale]], counts: dict[str, Ints]) -> None:
    """Write the codes of buckets, and count them."""
    value_NP = np.load(folder / f"{part}_numbers_NP.npy", mmap_mode="r")

    def body(code_NF: npt.NDArray[Any], at: int) -> None:
        for column, (p, scale) in enumerate(buckets, start=first):
            code_NF[:, column] = scale.bucket(np.asarray(value_NP[at : at + len(code_NF), p]))
            if (count := counts.get(scale.field.name)) is not None:
                count += np.bincount(code_NF[:, column], minlength=len(count))

    if buckets:
        change(folder / f"{part}_codes_NF.npy", body)


def _rewrite(path: Path, kept: list[tuple[int, Scale]]) -> None:
    """The columns that stay, scaled; no file if there are none."""
    if kept:
        fresh = Column(path.with_suffix(".part"), np.empty((0, len(kept)), np.float32))
        for value_NP in blocks(path):
            fresh.append(np.stack([scale(value_NP[:, p]) for p, scale in kept], axis=1))
        fresh.finish()
        path.with_suffix(".part").replace(path)
    else:
        path.unlink()
