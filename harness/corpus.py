"""A data set coded once: ids as positions in a vocabulary, in memory-mapped integer arrays cached by key."""

from __future__ import annotations

import dataclasses
import json
import mmap
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Data, Split, UserError

SPLITS = ("train", "valid", "test")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CodedSplit:
    """A split with ids_NF replaced by codes_NF: int32 positions in the vocabularies of all fields, end to end."""

    codes_NF: npt.NDArray[np.int32]
    labels_NT: npt.NDArray[np.uint8]
    observed_NT: npt.NDArray[np.bool_] | None
    group_N: Ints | None
    time_N: Ints | None
    truth_NT: npt.NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.codes_NF)

    def labelled(self) -> CodedSplit:
        """Ids and labels alone, which is all that training reads."""
        return dataclasses.replace(self, group_N=None, time_N=None, truth_NT=None)

    def ungrouped(self) -> CodedSplit:
        return dataclasses.replace(self, group_N=None)

    def release(self) -> None:
        """Let go of the memory that mapped arrays hold; reading brings it back from disk."""
        for array in (getattr(self, f.name) for f in dataclasses.fields(self)):
            if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
                array.base.madvise(mmap.MADV_DONTNEED)

    def take(self, index_M: Ints) -> CodedSplit:
        """The examples at these positions, in memory."""
        arrays = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        taken: dict[str, Any] = {k: None if a is None else np.asarray(a[index_M]) for k, a in arrays.items()}
        return CodedSplit(**taken)


@dataclass(frozen=True)
class Corpus:
    """A coded data set. ids_V: distinct raw ids of a field in any split; count_V: occurrences in training."""

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    ids_V: tuple[Ints, ...]
    count_V: tuple[Ints, ...]
    train: CodedSplit
    valid: CodedSplit
    test: CodedSplit

    def split(self, name: str) -> CodedSplit:
        split = getattr(self, name)
        assert isinstance(split, CodedSplit)
        return split

    def rarest_count_N(self, split: CodedSplit) -> Ints:
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
    if len(set(data.fields)) != len(data.fields) or len(set(data.tasks)) != len(data.tasks):
        raise UserError(f"data set '{name}': a name is listed twice in {data.fields + data.tasks}")
    for part in SPLITS:
        split: Split = getattr(data, part)
        where = f"data set '{name}', {part} split"
        _check_shapes(split, len(data.fields), len(data.tasks), where)
        for t, task in enumerate(data.tasks):
            known = slice(None) if split.observed_NT is None else split.observed_NT[:, t]
            _check_labels(split.labels_NT[known, t], task, where)
        if split.truth_NT is not None and not ((split.truth_NT >= 0) & (split.truth_NT <= 1)).all():
            raise UserError(f"{where}: truth_NT holds a number that is no probability; accepted: 0 to 1")


def _check_shapes(split: Split, fields: int, tasks: int, where: str) -> None:
    n = len(split.ids_NF)
    if n == 0:
        raise UserError(f"{where}: 0 rows; at least one of each label is needed")
    if split.ids_NF.dtype != np.int64 or split.ids_NF.shape != (n, fields):
        raise UserError(f"{where}: ids are {split.ids_NF.dtype} {split.ids_NF.shape}; accepted: int64 {(n, fields)}")
    per_task, per_row = ("labels_NT", "observed_NT", "truth_NT"), ("group_N", "time_N")
    for field, shape in [(f, (n, tasks)) for f in per_task] + [(f, (n,)) for f in per_row]:
        value = getattr(split, field)
        if value is not None and value.shape != shape:
            raise UserError(f"{where}: {field} has shape {value.shape}; accepted: {shape}")
    if split.observed_NT is not None and split.observed_NT.dtype != np.bool_:
        raise UserError(f"{where}: observed_NT is {split.observed_NT.dtype}; accepted: bool")


def _check_labels(label: npt.NDArray[Any], task: str, where: str) -> None:
    wrong = label[(label != 0) & (label != 1)]
    if len(wrong):
        raise UserError(f"{where}: label '{task}' has the value {wrong[0]}; accepted: 0 or 1")
    if len(label) == 0 or label.min() == label.max():
        only = "no known label" if len(label) == 0 else f"only the class {label[0]}"
        raise UserError(f"{where}: label '{task}' has {only} in {len(label):,} rows; both 0 and 1 are needed")


def code(data: Data) -> dict[str, npt.NDArray[Any]]:
    """Name -> array of everything a `Corpus` holds: vocabularies, training counts and coded splits."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    sizes = [len(getattr(data, part).ids_NF) for part in SPLITS]
    codes = np.empty((sum(sizes), len(data.fields)), np.int32)
    offset = 0
    for f in range(len(data.fields)):
        column = np.concatenate([getattr(data, part).ids_NF[:, f] for part in SPLITS])
        ids_V, code_N = np.unique(column, return_inverse=True)
        arrays[f"ids_{f}"] = ids_V
        arrays[f"count_{f}"] = np.bincount(code_N[: sizes[0]], minlength=len(ids_V)).astype(np.int64)
        codes[:, f] = code_N + offset
        offset += len(ids_V)
    if offset > np.iinfo(np.int32).max:
        raise UserError(f"{offset:,} distinct ids in all fields; accepted: at most {np.iinfo(np.int32).max:,}")
    for part, rows in zip(SPLITS, np.split(codes, np.cumsum(sizes)[:-1]), strict=True):
        arrays[f"{part}_codes_NF"] = rows
        for field in dataclasses.fields(Split)[1:]:
            value = getattr(getattr(data, part), field.name)
            if value is not None:
                arrays[f"{part}_{field.name}"] = value
    return arrays


def save(data: Data, folder: Path) -> None:
    """Write a coded data set under a temporary name, then rename: half a data set is never seen."""
    _sweep(folder.parent)
    partial = folder.parent / f".building-{os.getpid()}-{folder.name}"
    partial.mkdir(parents=True)
    try:
        for name, array in code(data).items():
            np.save(partial / f"{name}.npy", np.ascontiguousarray(array))
        (partial / "meta.json").write_text(json.dumps({"fields": data.fields, "tasks": data.tasks}))
        try:
            partial.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Delete what processes that are gone have left half built."""
    for partial in parent.glob(".building-*"):
        try:
            os.kill(int(partial.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(partial, ignore_errors=True)


def load(folder: Path) -> Corpus:
    """Open a saved data set; the splits stay on disk, memory-mapped."""
    meta = json.loads((folder / "meta.json").read_text())

    def array(name: str) -> Any:
        path = folder / f"{name}.npy"
        return np.load(path, mmap_mode="r") if path.exists() else None

    def split(part: str) -> CodedSplit:
        return CodedSplit(**{f.name: array(f"{part}_{f.name}") for f in dataclasses.fields(CodedSplit)})

    fields = range(len(meta["fields"]))
    return Corpus(
        fields=tuple(meta["fields"]),
        tasks=tuple(meta["tasks"]),
        ids_V=tuple(np.asarray(array(f"ids_{f}")) for f in fields),
        count_V=tuple(np.asarray(array(f"count_{f}")) for f in fields),
        train=split("train"),
        valid=split("valid"),
        test=split("test"),
    )
