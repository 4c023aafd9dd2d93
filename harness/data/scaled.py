"""Numbers on disk, put on their scales or into buckets once the training split is complete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import NumberField
from harness.base.threads import CORES, mapped
from harness.data.columns import ROWS, Column, blocks, change
from harness.data.numbers import MOST, Scale, learnt
from harness.data.validation import SPLITS

Ints = npt.NDArray[np.int64]


def finish_numbers(
    folder: Path, numbers: Sequence[NumberField], first: int
) -> tuple[dict[str, Ints], dict[str, dict[str, Any]]]:  # fmt: skip
    """Rewrite `<split>_numbers_NP.npy`: what multiplies the vector of each field, NaN where it is missing.

    Fields of buckets leave them and fill the columns of `<split>_codes_NF.npy` from `first` on. Returns their names,
    and how often each bucket occurs in training; and by field, what its scale tells.
    """
    if not numbers:
        return {}, {}
    scales = _scales(folder, numbers)
    buckets = [(p, scale) for p, scale in enumerate(scales) if scale.field.bucketed]
    kept = [(p, scale) for p, scale in enumerate(scales) if not scale.field.bucketed]
    counts = {part: _fill(folder, part, first, buckets) for part in SPLITS}
    for part in SPLITS:
        _rewrite(folder / f"{part}_numbers_NP.npy", kept)
    found = {scale.field.name: count for (_, scale), count in zip(buckets, counts["train"], strict=True)}
    return found, {scale.field.name: scale.told() for scale in scales}


def _scales(folder: Path, numbers: Sequence[NumberField]) -> list[Scale]:
    path = folder / "train_numbers_NP.npy"
    step = -(-len(np.load(path, mmap_mode="r")) // MOST)
    sample_NP = np.concatenate([block_NP[-at * ROWS % step :: step] for at, block_NP in enumerate(blocks(path))])
    return list(mapped(lambda p: learnt(numbers[p], sample_NP[:, p]), range(len(numbers))))


def _fill(folder: Path, part: str, first: int, buckets: list[tuple[int, Scale]]) -> list[Ints]:
    """Write the codes of buckets; how often each occurs."""
    value_NP = np.load(folder / f"{part}_numbers_NP.npy", mmap_mode="r")

    def body(code_NF: npt.NDArray[Any], at: int) -> list[Ints]:
        for column, (p, scale) in enumerate(buckets, start=first):
            code_NF[:, column] = scale.bucket(np.asarray(value_NP[at : at + len(code_NF), p]))
        return [
            np.bincount(code_NF[:, column], minlength=len(scale.edges) + 2)
            for column, (_, scale) in enumerate(buckets, start=first)
        ]

    counts = change(folder / f"{part}_codes_NF.npy", body) if buckets else []
    return [np.sum(found, axis=0) for found in zip(*counts, strict=True)]


def _rewrite(path: Path, kept: list[tuple[int, Scale]]) -> None:
    """The columns that stay, scaled; no file if there are none."""
    if kept:
        fresh = Column(path.with_suffix(".part"), np.empty((0, len(kept)), np.float32))

        def scaled(value_NP: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.stack([scale(value_NP[:, p]) for p, scale in kept], axis=1)

        for block in mapped(scaled, blocks(path), 2 * CORES):
            fresh.append(block)
        fresh.finish()
        path.with_suffix(".part").replace(path)
    else:
        path.unlink()
