"""What a data set builds: its three splits, whole or in pieces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.base.plugin import Plugin, params
from harness.contracts.doubt import Doubt
from harness.contracts.kept import Kept
from harness.contracts.kinds import Kinds

Ints = npt.NDArray[np.int64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Lists:
    """The values of one list field: example n has length_N[n] of values_M from begin_N[n] on, which may be none."""

    values_M: npt.NDArray[np.int64]
    """Raw ids, of any value."""
    length_N: npt.NDArray[np.int64]
    begin_N: npt.NDArray[np.int64] | None = None
    """Examples may have values in common. None: those of an example follow those of the one before."""
    weight_M: npt.NDArray[np.float32] | None = None
    """Of each value in the mean or the sum of its list. None: 1."""

    def begins(self) -> npt.NDArray[np.int64]:
        """begin_N, also where it is not given."""
        return np.cumsum(self.length_N) - self.length_N if self.begin_N is None else self.begin_N


@dataclass(frozen=True)
class Split:
    """One part of a data set: N examples, in order of time if they have one."""

    ids_NF: npt.NDArray[np.int64]
    """Raw ids, of any value; a column for each of the data set's `fields`."""
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
    weight_N: npt.NDArray[np.float32] | None = None
    """How much an example counts in the loss and in metrics; 0: not at all, though it touches its rows of the tables.
    None: all count alike."""
    numbers_NP: npt.NDArray[np.float32] | None = None
    """A column for each of `kinds.numbers`; NaN where it is missing."""
    lists: tuple[Lists, ...] = ()
    """For each of `kinds.lists`."""
    ids_N: tuple[npt.NDArray[np.integer[Any]], ...] | None = None
    """In pieces of a `Stream`, instead of the columns of ids_NF, which has none then: the ids of each field as they
    were read, of any type whose values int64 holds."""

    def ids_of(self, f: int) -> Ints:
        """ids_N of one field, int64, in an array of their own."""
        return np.array(self.ids_NF[:, f] if self.ids_N is None else self.ids_N[f], np.int64)


@dataclass(frozen=True)
class Data:
    """What a data set builds: the names of its fields of single ids and of its tasks, and the three splits."""

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    train: Split
    valid: Split
    test: Split
    kinds: Kinds = dataclasses.field(default_factory=Kinds, kw_only=True)
    """Of the fields that are no single ids."""
    notes: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """What was made of the raw data that its owner should know, a sentence each."""
    kept: Mapping[str, Kept] = dataclasses.field(default_factory=dict, kw_only=True)
    """By task, where the log was down-sampled by its label."""
    doubts: tuple[Doubt, ...] = dataclasses.field(default=(), kw_only=True)
    """What may mislead in how the data were made; the checks of the data show each."""

    def stream(self) -> Stream:
        """The three splits as pieces."""
        parts = [(part, getattr(self, part)) for part in ("train", "valid", "test")]
        rows = sum(len(split.ids_NF) for _, split in parts)
        return Stream(self.fields, self.tasks, parts, rows, **_beside(self))


@dataclass(frozen=True)
class Stream:
    """A data set in pieces, which need not fit in memory together."""

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    pieces: Iterable[tuple[str, Split]]
    """The name of a split (train, valid or test) and its next examples, in arrays that are not written to again: a few
    pieces are still read while the next ones are made."""
    rows: int | None = None
    """N of all splits together, if it is known."""
    kinds: Kinds = dataclasses.field(default_factory=Kinds, kw_only=True)
    """Of the fields that are no single ids."""
    notes: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """As in `Data`."""
    kept: Mapping[str, Kept] = dataclasses.field(default_factory=dict, kw_only=True)
    """As in `Data`."""
    doubts: tuple[Doubt, ...] = dataclasses.field(default=(), kw_only=True)
    """As in `Data`."""

    def gather(self) -> Data:
        """All of it in memory."""
        parts: dict[str, list[Split]] = {"train": [], "valid": [], "test": []}
        for part, piece in self.pieces:
            parts[part].append(piece)
        splits = map(_joined, parts.values())
        return Data(self.fields, self.tasks, *splits, **_beside(self))


def _beside(data: Data | Stream) -> dict[str, Any]:
    """What is said of a data set beside its rows, by keyword."""
    return {name: getattr(data, name) for name in ("kinds", "notes", "kept", "doubts")}


def _joined(pieces: list[Split]) -> Split:
    names = [f.name for f in dataclasses.fields(Split) if f.name not in ("lists", "ids_N")]
    arrays = {name: [getattr(piece, name) for piece in pieces] for name in names}
    joined: dict[str, Any] = {n: None if parts[0] is None else np.concatenate(parts) for n, parts in arrays.items()}
    columns = [piece.ids_N for piece in pieces if piece.ids_N is not None]
    if columns:
        joined["ids_NF"] = np.empty((len(joined["ids_NF"]), len(columns[0])), np.int64, order="F")
        for f, parts in enumerate(zip(*columns, strict=True)):
            np.concatenate(parts, out=joined["ids_NF"][:, f])
    return Split(**joined, lists=tuple(map(_lists_joined, zip(*(piece.lists for piece in pieces), strict=True))))


def _lists_joined(pieces: tuple[Lists, ...]) -> Lists:
    offsets = accumulate((len(piece.values_M) for piece in pieces[:-1]), initial=0)
    weights = [piece.weight_M for piece in pieces if piece.weight_M is not None]
    return Lists(
        values_M=np.concatenate([piece.values_M for piece in pieces]),
        length_N=np.concatenate([piece.length_N for piece in pieces]),
        begin_N=np.concatenate([p.begins() + offset for p, offset in zip(pieces, offsets, strict=True)]),
        weight_M=np.concatenate(weights) if weights else None,
    )


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

    def memory(self) -> int:
        """Bytes that building holds at least, as far as it is known before; what is not free is refused then."""
        return 0

    def repetition(self, number: int) -> dict[str, Any]:
        """Parameters to replace in a reporting run of this number among its arm's, from 0; the search has those of 0.

        Default: none, so that all runs of a plan have the same data.

        Raises:
            UserError: there is no data for so many.
        """
        return {}

    def fingerprint(self) -> dict[str, Any]:
        """What identifies the data besides version and source, such as a file's content. Default: the parameters."""
        return params(self)
