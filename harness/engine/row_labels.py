"""With which labels the rows occur in training, for the strategies that ask at the start of an epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from harness.data.indexed_dataset import IndexedSplit
from harness.engine import kernels
from harness.engine.row_mapping import BLOCK, RowMapping


class RowLabels:
    """Counts them when it is asked. split: that of training."""

    def __init__(self, split: IndexedSplit, mapping: RowMapping) -> None:
        self._split, self._mapping = split, mapping

    def counted(self) -> tuple[Tensor, Tensor]:
        """Of each row and task, int32 [R, T]: occurrences in one pass whose label is known, and positive ones.

        An example that does not count at all, by its weight, has no label here; else weights do not enter.
        """
        shape = self._mapping.num_rows, self._split.labels_NT.shape[1]
        known_RT, positive_RT = (torch.zeros(shape, dtype=torch.int32) for _ in range(2))
        for at in range(0, len(self._split), BLOCK):
            block = self._split.take(slice(at, at + BLOCK))
            rows_BC = self._mapping.rows_of(block).rows_BC
            labels_BT = np.ascontiguousarray(block.labels_NT)
            known_BT = np.ones(labels_BT.shape, bool) if block.observed_NT is None else np.array(block.observed_NT)
            if block.weight_N is not None:
                known_BT &= block.weight_N[:, None] > 0
            known_BT = known_BT.astype(np.uint8)
            kernels.apply(kernels.count_labels, rows_BC, labels_BT, known_BT, known_RT, positive_RT)
            self._split.release()
        return known_RT, positive_RT
