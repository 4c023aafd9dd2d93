"""The contracts that data sets, strategies and models are written against.

Shape suffixes: N examples, F fields, T tasks, K distinct rows touched by a batch, D embedding width, R rows of the
fused table, U distinct training ids of one field, M any number of ids.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from harness.base.errors import UserError
from harness.base.plugin import Plugin, params, tuned

__all__ = [
    "Data",
    "Dataset",
    "DenseSpec",
    "Encoder",
    "FieldStats",
    "FieldTable",
    "Generator",
    "Ints",
    "Model",
    "RowStep",
    "Split",
    "Strategy",
    "Stream",
    "TableSpec",
    "Tables",
    "UserError",
    "hash_ids",
    "mlp",
    "tuned",
    "vocabulary",
]  # fmt: skip

Ints = npt.NDArray[np.int64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Split:
    """One part of a data set, N examples in order of time where there is one.

    ids_NF: int64 raw ids, any value. labels_NT: 0 or 1. observed_NT: whether a label is known; an unknown one
    enters neither loss nor metrics (None: all known). group_N: int64 group of an example, for GAUC. time_N: int64
    seconds. truth_NT: the probability that generated each label, on synthetic data.
    """

    ids_NF: npt.NDArray[np.int64]
    labels_NT: npt.NDArray[np.uint8]
    observed_NT: npt.NDArray[np.bool_] | None = None
    group_N: npt.NDArray[np.int64] | None = None
    time_N: npt.NDArray[np.int64] | None = None
    truth_NT: npt.NDArray[np.float32] | None = None


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
    """A data set in pieces, which need not fit in memory together.

    pieces: the name of a split, and its next examples. rows: N of all splits, where it is known.
    """

    fields: tuple[str, ...]
    tasks: tuple[str, ...]
    pieces: Iterable[tuple[str, Split]]
    rows: int | None = None

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
    """Bump when the numbers change; part of the key of every run."""
    example: ClassVar[dict[str, Any] | None] = None
    """Parameters of a small build, for the conformance check; None: it needs the user's own file."""

    def build(self, rng: Generator) -> Data:
        """Make or read the data; every random draw comes from `rng`."""
        if type(self).stream is Dataset.stream:
            raise NotImplementedError(f"data set '{self.name}' does not define build")
        return self.stream(rng).gather()

    def stream(self, rng: Generator) -> Stream:
        """The same in pieces, which are coded and written one by one."""
        return self.build(rng).stream()

    def fingerprint(self) -> dict[str, Any]:
        """What identifies the data besides version and source; a file's content, say. Default: the parameters."""
        return params(self)


class Model(Plugin):
    """One architecture per file in `harness/models/`."""

    def width(self, tasks: int) -> int:
        """D: how many numbers of the table each field's row holds for this model."""
        raise NotImplementedError(f"model '{self.name}' does not define width")

    def network(self, fields: int, tasks: int) -> nn.Module:
        """A module from embedded_NFD to logits_NT."""
        raise NotImplementedError(f"model '{self.name}' does not define network")


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers between these widths, a ReLU after each."""
    return nn.Sequential(*(layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())))


@dataclass(frozen=True)
class FieldStats:
    """What a strategy may know of one field: its distinct training ids and how often each occurs.

    ids_U: int64, ascending. count_U: int64, at least 1. Under composition the ids are the rows of the stage before.
    """

    name: str
    ids_U: Ints
    count_U: Ints


@dataclass(frozen=True)
class Encoder:
    """Maps ids to rows of one field's table: `rows_of(ids_M)` returns rows_M, or rows_MH to sum H rows per id."""

    num_rows: int
    rows_of: Callable[[Ints], Ints]


def vocabulary(stats: FieldStats, keep_U: npt.NDArray[np.bool_] | None = None) -> Encoder:
    """One row for each kept training id; row 0 is shared by every other id (out-of-vocabulary)."""
    kept = stats.ids_U if keep_U is None else stats.ids_U[keep_U]

    def rows_of(ids: Ints) -> Ints:
        if len(kept) == 0:
            return np.zeros(ids.shape, np.int64)
        at = np.minimum(np.searchsorted(kept, ids), len(kept) - 1)
        return np.where(kept[at] == ids, at + 1, 0)

    return Encoder(len(kept) + 1, rows_of)


def hash_ids(ids: Ints, salt: int) -> npt.NDArray[np.uint64]:
    """A salted 64-bit mix of int64 ids (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    x = ids.astype(np.uint64) ^ np.uint64(salt & 0xFFFFFFFFFFFFFFFF)
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@dataclass(frozen=True)
class TableSpec:
    """How the fused table is initialised and stepped.

    optimizer: adam (lazy), adagrad, rowwise_adagrad or sgd. decay: decoupled decay of ALL rows per step, times lr,
    applied lazily as (1 - lr * decay) ** steps.
    """

    lr: float
    optimizer: str = "adam"
    init_std: float = 0.01
    decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@dataclass(frozen=True)
class DenseSpec:
    """How the dense net is stepped in one epoch (Adam); frozen: not at all."""

    lr: float
    frozen: bool = False


@dataclass(frozen=True)
class RowStep:
    """The K distinct rows that one batch touches, just before their update. Return a changed copy.

    rows_K: row in the fused table. field_K: index of its field. weight_KD, grad_KD: float32. batch_count_K:
    occurrences in this batch. seen_K: occurrences in training so far, all epochs, this batch included.
    train_count_K: occurrences in one pass over the training split. last_step_K: the step that last touched the row
    (0: never since it was drawn). seen_max_F, train_max_F: the largest count of any row, by field. examples: B; the
    loss of a task is a mean over those whose label is known. memo: that of `Tables`. lr_scale_K multiplies the
    optimiser's update (None: 1). decay_K is the share of the weight removed, decoupled and not times lr (None: 0).
    epoch and step count from 1.
    """

    rows_K: Tensor
    field_K: Tensor
    weight_KD: Tensor
    grad_KD: Tensor
    batch_count_K: Tensor
    seen_K: Tensor
    train_count_K: Tensor
    last_step_K: Tensor
    seen_max_F: Tensor
    train_max_F: Tensor
    examples: int
    lr: float
    epoch: int
    step: int
    memo: Callable[[str], Tensor]
    lr_scale_K: Tensor | None = None
    decay_K: Tensor | None = None

    def scale_lr(self, factor_K: Tensor) -> RowStep:
        """Multiply the update of each row."""
        return dataclasses.replace(self, lr_scale_K=factor_K if self.lr_scale_K is None else self.lr_scale_K * factor_K)

    def add_decay(self, share_K: Tensor) -> RowStep:
        """Remove a further share of each row's weight, up to all of it."""
        total_K = share_K if self.decay_K is None else self.decay_K + share_K
        return dataclasses.replace(self, decay_K=total_K.clamp(max=1))

    def with_grad(self, grad_KD: Tensor) -> RowStep:
        return dataclasses.replace(self, grad_KD=grad_KD)


@dataclass(frozen=True)
class FieldTable:
    """One field's part of the fused table: rows [offset, offset + num_rows)."""

    name: str
    offset: int
    num_rows: int
    train_ids: int = field(default=0)


class Tables(Protocol):
    """What a strategy may do to the tables between epochs."""

    @property
    def fields(self) -> tuple[FieldTable, ...]: ...

    def weight(self, field: FieldTable) -> Tensor:
        """A copy of a field's rows, [num_rows, D]."""

    def train_count(self, field: FieldTable) -> Tensor:
        """Occurrences of each of a field's rows in one pass over the training split, int32."""

    def reset(
        self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True, around: Tensor | None = None
    ) -> None:
        """Redraw a field's rows (all, or int64 `rows` of the fused table) and clear their optimiser state.

        around: [D], or a row for each, added to what is drawn.
        """

    def memo(self, name: str) -> Tensor:
        """A float32 buffer of one number per row, zero at first; the harness keeps it and resets it with its rows."""

    def freeze(self) -> None:
        """Stop every update, decay and reset of the tables from here on; `on_rows` is called no more."""


class Strategy(Plugin):
    """A mitigation. Every hook has a neutral default; no hook sees validation or test data.

    Randomness: of torch's global stream, which is the run's own while hooks are called, or of the generator given.
    """

    replaces: ClassVar[tuple[str, ...]] = ()
    """Training knobs, those of a plan's [train], that do nothing with this strategy. dense_lr and table_lr are then not
    searched; two strategies that both replace one do not combine."""

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        """How ids of a field become rows; None leaves them as they are."""
        return None

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        """Initialisation and optimiser of the tables."""
        return spec

    def network(self, net: nn.Module, fields: int, width: int) -> tuple[nn.Module, int]:
        """Put a module around the net, which reads [N, F, `width`], and say how wide a row it wants in turn.

        It is trained with the net and part of the model in evaluation; `training` tells a module which of the two.
        """
        return net, width

    def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
        """Learning rate of the dense net in this epoch, or frozen."""
        return spec

    def on_lookup(self, rows_BC: Tensor, tables_C: Sequence[FieldTable]) -> Tensor:
        """Change the fused rows, int32, that a training batch looks up. tables_C: the table of each column; a field
        has as many columns side by side as rows per id."""
        return rows_BC

    def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
        """Change what the net sees of a training batch. labels_NT: 0, 1, or -1 where unknown."""
        return embedded_NFD

    def perturb(self, step: RowStep) -> Tensor | None:
        """A displacement of the touched rows, [K, D], at which the batch takes its gradient instead: a second pass.

        step holds the gradient of the first pass. The update starts from the rows as they were. Displacements of
        several strategies add up.
        """
        return None

    def on_rows(self, step: RowStep) -> RowStep:
        """Change gradient, update or decay of the rows a batch touches."""
        return step

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        """Called before the first batch; the evaluation of the epoch before is already recorded."""

    def on_epoch_end(self, epoch: int, tables: Tables) -> None:
        """Called after the evaluation of this epoch."""

    def penalty(self, embedded_NFD: Tensor) -> Tensor | None:
        """A scalar to add to the loss."""
        return None


def defining(hook: str, strategies: Sequence[Strategy]) -> list[Strategy]:
    """The strategies that define a hook, so that the others cost nothing."""
    return [s for s in strategies if getattr(type(s), hook) is not getattr(Strategy, hook)]
