"""A mitigation: the hooks of a training run that it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from harness.base.plugin import Plugin
from harness.contracts.data import Generator
from harness.contracts.encoding import Encoder, FieldStats
from harness.contracts.rows import DenseSpec, LookupColumn, RowStep, Tables, TableSpec

if TYPE_CHECKING:
    from torch import Tensor, nn


class Strategy(Plugin):
    """A mitigation. Every hook does nothing unless overridden; no hook sees validation or test data.

    Hooks draw random numbers from the generator they are given. Those of steps and epochs, from `on_lookup` on, may
    also draw from torch's global stream, which belongs to the run while they are called.
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

        The wrapper is trained with the net and evaluated with it; `nn.Module.training` says which is happening. What
        else it is given, as the lengths of sequences, it hands on to the net.
        """
        return net, width

    def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
        """Change how the dense net is stepped in this epoch."""
        return spec

    def on_lookup(self, rows_BC: Tensor, columns_C: Sequence[LookupColumn]) -> Tensor:
        """Change the fused rows, int32, that a training batch looks up; -1, where a list has no more ids, stays.

        columns_C: the table of each column, and which of the example's ids it belongs to.
        """
        return rows_BC

    def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
        """Change what the net sees of a training batch. labels_NT: 0, 1, or -1 where a label is not
        known or does not count, by its weight."""
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
