"""What a data set builds: its three splits, whole or in pieces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.base.plugin import Plugin, params

Ints = npt.NDArray[np.int64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Split:
    """One part of a data set: N examples, in order of time if they have one."""

    ids_NF: npt.NDArray[np.int64]
    """Raw ids, of any value."""
    labels_NT: npt.NDArray[np.uint8]
    """0 or 1."""
    observed_NT: npt.NDArray[np.bool_] | None = None
    """Whether a label is known; unknown ones count in neither the loss nor the metrics. None: all are known."""
    group_N: npt.NDArray[np.int64] | None = None
    """The group of an example, for GAUC."""
    time_N: npt.NDArray[np.int64] | None = None
    """Seconds."""
    truth_NT: npt.NDArray[np.float32] | None = None
    """The probability that generated each label, if the data are synthetic."""


@dataclass(frozen=True)
class Data:
    """What a data set builds: field and task names, and the three splits."""

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    train: Split
    valid: Split
    test: Split

    def stream(self) -> Stream:
        """The three splits as pieces."""
        parts = [(part, getattr(self, part)) for part in ("train", "valid", "test")]
        return Stream(self.fields, self.tasks, parts, sum(len(split.ids_NF) for _, split in parts))


@dataclass(frozen=True)
class Stream:
    """A data set in pieces, which need not fit in memory together."""

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    pieces: Iterable[tuple[str, Split]]
    """The name of a split (train, valid or test) and its next examples."""
    rows: int | None = None
    """N of all splits together, if it is known."""

    def gather(self) -> Data:
        """All of it in memory."""
        parts: dict[str, list[Split]] = {"train": [], "valid": [], "test": []}
        for part, piece in self.pieces:
            parts[part].append(piece)
        return Data(self.fields, self.tasks, *map(_joined, parts.values()))


def _joined(pieces: list[Split]) -> Split:
    arrays = {f.name: [getattr(p, f.name) for p in pieces] for f in dataclasses.fields(Split)}
    joined: dict[str, Any] = {n: None if parts[0] is None else np.concatenate(parts) for n, parts in arrays.items()}
    return Split(**joined)


class Dataset(Plugin):
    """One data set per file in `datasets/`; it defines `build`, or `stream` for data larger than memory."""

    version: ClassVar[int]
    """Increase it when the numbers change: it is part of the key of every run."""
    example: ClassVar[dict[str, Any] | None] = None
    """Parameters of a small build, for the conformance check. None: the data set needs a file of the user's own."""

    def build(self, rng: Generator) -> Data:
        """Make or read the data; every random draw comes from `rng`."""
        if type(self).stream is Dataset.stream:
            raise NotImplementedError(f"data set '{self.name}' does not define build")
        return self.stream(rng).gather()

    def stream(self, rng: Generator) -> Stream:
        """Make or read the data in pieces, which are indexed and written one by one."""
        return self.build(rng).stream()

    def fingerprint(self) -> dict[str, Any]:
        """What identifies the data besides version and source, such as a file's content. Default: the parameters."""
        return params(self)
