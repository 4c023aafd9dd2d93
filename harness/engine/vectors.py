"""From the rows that a batch looks up to the vectors that the net reads, and back with their gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.engine import kernels, list_kernels
from harness.engine.batch import DistinctRows
from harness.engine.columns import Columns


class Vectors:
    """Each of the F vectors of an example is the sum of its columns' rows, each multiplied with its scale.

    names: of the vectors, but for those of places in sequences, which follow.
    compiled: by the compiled kernels, which need a CPU, rather than by their definitions in torch.
    """

    def __init__(self, columns: Columns, device: torch.device, *, compiled: bool) -> None:
        self.names, self._count, self._compiled = columns.names, columns.vectors, compiled
        self._slot_C = columns.slot_C.to(device)
        self._straight = columns.slot_C.tolist() == list(range(self._count))

    def embedded(self, rows: DistinctRows, weight_KD: Tensor) -> Tensor:
        """A leaf [B, F, D] of these weights of the distinct rows of a batch."""
        return self.of(weight_KD, rows.inverse_I.view(rows.rows_BC.shape), rows.scale_BC).requires_grad_()

    def by_row(self, rows: DistinctRows, grad_BFD: Tensor) -> Tensor:
        """The gradient of each distinct row of a batch, [K, D]."""
        at_BC = rows.inverse_I.view(rows.rows_BC.shape)
        return self.gradient(grad_BFD, at_BC, rows.scale_BC, len(rows.rows_K))

    def of(self, weight_MD: Tensor, at_BC: Tensor, scale_BC: Tensor | None) -> Tensor:
        """[B, F, D]. weight_MD: some rows; at_BC: where in them each column's row is. scale_BC: None means 1."""
        if scale_BC is not None and self._compiled:
            out_BFD = torch.empty(len(at_BC), self._count, weight_MD.shape[1])
            kernels.apply(list_kernels.gather, weight_MD, at_BC, scale_BC, self._slot_C, out_BFD)
            return out_BFD
        embedded_BCD = weight_MD.index_select(0, at_BC.reshape(-1)).view(*at_BC.shape, -1)
        if scale_BC is not None:
            embedded_BCD *= scale_BC[..., None]
        if self._straight:
            return embedded_BCD
        out_BFD = embedded_BCD.new_zeros(len(embedded_BCD), self._count, embedded_BCD.shape[2])
        return out_BFD.index_add_(1, self._slot_C, embedded_BCD)

    def gradient(self, grad_BFD: Tensor, at_BC: Tensor, scale_BC: Tensor | None, rows: int) -> Tensor:
        """The gradient of each of the rows that `at_BC` points at, [rows, D], from that of the vectors."""
        width = grad_BFD.shape[2]
        if scale_BC is not None and self._compiled:
            out_KD = grad_BFD.new_empty(rows, width)
            kernels.apply(list_kernels.scatter, grad_BFD, at_BC, scale_BC, self._slot_C, out_KD)
            return out_KD
        if not self._straight:
            grad_BFD = grad_BFD.index_select(1, self._slot_C)
        if scale_BC is not None:
            grad_BFD = grad_BFD * scale_BC[..., None]
        grad_ID, at_I = grad_BFD.reshape(-1, width), at_BC.reshape(-1)
        out_KD = grad_ID.new_empty(rows, width)
        if not self._compiled:
            return out_KD.zero_().index_add_(0, at_I, grad_ID)
        kernels.apply(kernels.segment_sum, grad_ID, at_I, out_KD)
        return out_KD
