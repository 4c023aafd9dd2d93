"""A data set coded once: ids as positions in a vocabulary, in memory-mapped integer arrays cached by key."""

from __future__ import annotations

import dataclasses
import json
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Data, Stream, UserError
from harness.base.digests import check_seal, seal
from harness.base.files import whole
from harness.data.indexer import write_indexed
from harness.data.validation import SPLITS as SPLITS
from harness.data.validation import Checker

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class IndexedSplit:
    """A split with ids_NF replaced by codes_NF: int32 positions in the vocabularies of all fields, end to end."""

    codes_NF: npt.NDArray[np.int32]
    labels_NT: npt.NDArray[np.uint8]
    observed_NT: npt.NDArray[np.bool_] | None
    group_N: Ints | None
    time_N: Ints | None
    truth_NT: npt.NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.codes_NF)

    def labelled(self, *, truth: bool = False) -> IndexedSplit:
        """Ids and labels alone, which is all that training reads; with the truth, for probes."""
        return dataclasses.replace(self, group_N=None, time_N=None, truth_NT=self.truth_NT if truth else None)

    def ungrouped(self) -> IndexedSplit:
        return dataclasses.replace(self, group_N=None)

    def release(self) -> None:
        """Let go of the memory that mapped arrays hold; reading brings it back from disk."""
        for array in (getattr(self, f.name) for f in dataclasses.fields(self)):
            if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
                array.base.madvise(mmap.MADV_DONTNEED)

    def known(self, task: int) -> npt.NDArray[np.bool_] | slice:
        """The examples whose label of a task is known, as an index."""
        return slice(None) if self.observed_NT is None else self.observed_NT[:, task]

    def take(self, index_M: Ints | slice) -> IndexedSplit:
        """The examples at these positions, in memory; those of a slice stay where they are."""
        arrays = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        taken: dict[str, Any] = {k: None if a is None else np.asarray(a[index_M]) for k, a in arrays.items()}
        return IndexedSplit(**taken)


@dataclass(frozen=True)
class IndexedDataset:
    """A coded data set. ids_V: distinct raw ids of a field in any split; count_V: occurrences in training."""

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    ids_V: tuple[Ints, ...]
    count_V: tuple[Ints, ...]
    train: IndexedSplit
    valid: IndexedSplit
    test: IndexedSplit

    def split(self, name: str) -> IndexedSplit:
        split = getattr(self, name)
        assert isinstance(split, IndexedSplit)
        return split

    def rarest_count_N(self, split: IndexedSplit) -> Ints:
        """Training occurrences of the rarest id in each example (0: an id never seen in training)."""
        rarest, offset = np.full(len(split), np.iinfo(np.int64).max), 0
        for f, count_V in enumerate(self.count_V):
            np.minimum(rarest, count_V[split.codes_NF[:, f] - offset], out=rarest)
            offset += len(count_V)
        return rarest


def check(data: Data, name: str) -> None:
    """Refuse data that cannot be trained or evaluated on.

    Raises:
        UserError: an empty split, a wrong shape, a label that is not 0/1, one class only, or no probability.
    """
    checker = Checker(name, data.fields, data.tasks)
    for part, split in data.stream().pieces:
        checker.add(part, split)
    checker.finish()


def save(
    data: Data | Stream, folder: Path, name: str = "data", progress: Callable[[int], object] = lambda rows: None
) -> None:
    """Check, code and write a data set under a temporary name, then rename: half a data set is never seen.

    Pieces are written as they come, so memory holds one of them and the vocabularies. progress: told the rows done.

    Raises:
        UserError: the data cannot be trained or evaluated on.
        OSError: it cannot be written.
    """
    with whole(folder) as partial:
        write_indexed(data.stream() if isinstance(data, Data) else data, partial, name, progress)
        seal(partial)


def load(folder: Path) -> IndexedDataset:
    """Open a saved data set; the splits stay on disk, memory-mapped. Names and sizes of its files are checked.

    Raises:
        UserError: its files are not what was once written.
    """
    try:
        check_seal(folder, contents=False)
        return _load(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"data set '{folder}' is damaged: {error}; delete this folder, it is built again") from error


def damage(folder: Path) -> str:
    """What about a saved data set is not as it was written, by the content of every file; empty: nothing."""
    try:
        check_seal(folder, contents=True)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _load(folder: Path) -> IndexedDataset:
    meta = json.loads((folder / "meta.json").read_text())

    def array(name: str) -> Any:
        path = folder / f"{name}.npy"
        return np.load(path, mmap_mode="r") if path.exists() else None

    def split(part: str) -> IndexedSplit:
        return IndexedSplit(**{f.name: array(f"{part}_{f.name}") for f in dataclasses.fields(IndexedSplit)})

    fields = range(len(meta["fields"]))
    return IndexedDataset(
        fields=tuple(meta["fields"]),
        tasks=tuple(meta["tasks"]),
        ids_V=tuple(np.asarray(array(f"ids_{f}")) for f in fields),
        count_V=tuple(np.asarray(array(f"count_{f}")) for f in fields),
        train=split("train"),
        valid=split("valid"),
        test=split("test"),
    )
