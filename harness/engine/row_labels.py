"""With which labels the rows occur in training, for the strategies that ask at the start of an epoch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from harness.data.indexed_dataset import IndexedSplit
from harness.engine.row_mapping import BLOCK, RowMapping


class RowLabels:
    """Counts them when it is asked. split: that of training."""

    def __init__(self, split: IndexedSplit, mapping: RowMapping) -> None:
        self._split, self._mapping = split, mapping

    def counted(self) -> tuple[Tensor, Tensor]:
        """Of each row and task, int32 [R, T]: occurrences in one pass whose label is known, and positive ones."""
        shape = self._mapping.num_rows, self._split.labels_NT.shape[1]
        known_RT, positive_RT = (torch.zeros(shape, dtype=torch.int32) for _ in range(2))
        for at in range(0, len(self._split), BLOCK):
            block = self._split.take(slice(at, at + BLOCK))
            rows_BC = self._mapping.rows_of(block).rows_BC
            known_BT = torch.ones(block.labels_NT.shape, dtype=torch.int32)
            if block.observed_NT is not None:
                known_BT = torch.from_numpy(np.array(block.observed_NT)).int()
            positive_BT = torch.from_numpy(np.array(block.labels_NT)).int() * known_BT
            for rows_B in rows_BC.T:
                there_B = rows_B >= 0
                known_RT.index_add_(0, rows_B[there_B], known_BT[there_B])
                positive_RT.index_add_(0, rows_B[there_B], positive_BT[there_B])
            self._split.release()
        return known_RT, positive_RT
