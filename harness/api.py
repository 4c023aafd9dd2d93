"""The contracts that data sets, strategies and models are written against: the one module that a plug-in imports.

Importing it does not import torch. The letters at the end of a name are its shape: N examples, B examples of a batch,
F fields, T tasks, C rows looked up for one example, K distinct rows touched by a batch, D embedding width, R rows of
the fused table, U distinct training ids of one field, M any number of ids.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from harness.base.errors import UserError
from harness.base.plugin import Plugin, params, tuned

if TYPE_CHECKING:
    from torch import Tensor, nn

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


class Model(Plugin):
    """One architecture per file in `harness/models/`."""

    def width(self, tasks: int) -> int:
        """D: how wide the rows of the tables are for this model."""
        raise NotImplementedError(f"model '{self.name}' does not define width")

    def network(self, fields: int, tasks: int) -> nn.Module:
        """A module from embedded_NFD to logits_NT."""
        raise NotImplementedError(f"model '{self.name}' does not define network")


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers between these widths, a ReLU after each."""
    from torch import nn

    return nn.Sequential(*(layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())))


@dataclass(frozen=True)
class FieldStats:
    """What a strategy may know of one field: its distinct training ids and how often each occurs.

    Where an earlier strategy of the same arm has an encoder, the ids are the rows that it gives.
    """

    name: str
    ids_U: Ints
    """Ascending."""
    count_U: Ints
    """At least 1."""


@dataclass(frozen=True)
class Encoder:
    """Maps ids to rows of one field's table."""

    num_rows: int
    rows_of: Callable[[Ints], Ints]
    """From ids_M to rows_M, or to rows_MH: an id's embedding is then the sum of H rows."""


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
    """How the fused table is initialised and stepped."""

    lr: float
    optimizer: str = "adam"
    """adam (of the touched rows alone), adagrad, rowwise_adagrad or sgd."""
    init_std: float = 0.01
    """Standard deviation of the weights at first."""
    decay: float = 0.0
    """Each step multiplies ALL rows by 1 - lr * decay, whatever their gradient; absent rows catch up when next read."""
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@dataclass(frozen=True)
class DenseSpec:
    """How Adam steps the dense net in one epoch."""

    lr: float
    frozen: bool = False
    """Not at all."""


@dataclass(frozen=True)
class RowStep:
    """The K distinct rows that one batch touches, just before their update. A hook returns a changed copy."""

    rows_K: Tensor
    """Their place in the fused table."""
    field_K: Tensor
    """The index of their field."""
    weight_KD: Tensor
    grad_KD: Tensor
    batch_count_K: Tensor
    """Occurrences in this batch."""
    seen_K: Tensor
    """Occurrences in training so far, in all epochs, this batch included."""
    train_count_K: Tensor
    """Occurrences in one pass over the training split."""
    last_step_K: Tensor
    """The step that last touched the row; 0: none since it was drawn."""
    seen_max_F: Tensor
    """The largest number of occurrences of any row so far, by field."""
    train_max_F: Tensor
    """The largest number of occurrences of any row in one pass over the training split, by field."""
    examples: int
    """B. The loss of a task is a mean over those whose label is known."""
    lr: float
    """That of the tables."""
    epoch: int
    """Counts from 1."""
    step: int
    """Counts from 1, over all epochs."""
    row_buffer: Callable[[str], Tensor]
    """As that of `Tables`."""
    lr_scale_K: Tensor | None = None
    """Factor of the optimiser's update. None: 1."""
    decay_K: Tensor | None = None
    """The share of the weight to remove, whatever the gradient and the learning rate. None: 0."""

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
    train_ids: int = 0
    """Distinct ids of the field in the training split."""


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

    def row_buffer(self, name: str) -> Tensor:
        """The buffer of this name: float32 [R], zero at first. It is saved in checkpoints and reset with its rows."""

    def freeze(self) -> None:
        """From here on no update, decay or reset changes the tables, and `on_rows` is not called."""


class Strategy(Plugin):
    """A mitigation. Every hook does nothing unless overridden; no hook sees validation or test data.

    Hooks draw random numbers from the generator they are given, or from torch's global stream, which belongs to the run
    while hooks are called.
    """

    replaces: ClassVar[tuple[str, ...]] = ()
    """Settings of a plan's [train] that have no effect with this strategy. dense_lr and table_lr are not searched if
    they are here. Two strategies that replace the same setting cannot be combined."""

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        """How ids of a field become rows. None: as they would without this strategy."""
        return None

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        """Change the initialisation and the optimiser of the tables."""
        return spec

    def network(self, net: nn.Module, fields: int, width: int) -> tuple[nn.Module, int]:
        """Wrap the net, which reads [N, F, width]; return the wrapper and how wide the rows are that it reads.

        The wrapper is trained with the net and evaluated with it; `nn.Module.training` says which is happening.
        """
        return net, width

    def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
        """Change how the dense net is stepped in this epoch."""
        return spec

    def on_lookup(self, rows_BC: Tensor, tables_C: Sequence[FieldTable]) -> Tensor:
        """Change the fused rows, int32, that a training batch looks up.

        tables_C: the table of each column. A field with H rows per id has H columns side by side.
        """
        return rows_BC

    def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
        """Change what the net sees of a training batch. labels_NT: 0, 1, or -1 where unknown."""
        return embedded_NFD

    def perturb(self, step: RowStep) -> Tensor | None:
        """How far to move the touched rows, [K, D], before the batch takes its gradient again. None: no second pass.

        step holds the gradient of the first pass. The update applies the second gradient to the rows as they were.
        What several strategies return is added up.
        """
        return None

    def on_rows(self, step: RowStep) -> RowStep:
        """Change the gradient, the update or the decay of the rows that a batch touches."""
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
