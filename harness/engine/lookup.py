"""One batch looked up in the tables: what leads from the lookup to the update of the same step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.engine.batch import DistinctRows
from harness.engine.row_history import Touched


@dataclass(frozen=True)
class Lookup:
    """What `EmbeddingTables.lookup` returns, and `displaced` and `update` take."""

    rows: DistinctRows
    weight_KD: Tensor
    """The weights of the distinct rows before the update of this step."""
    embedded_BFD: Tensor
    """What the net reads: a leaf, whose gradient goes to `update`. Displaced, if strategies displace the rows."""
    touched: Touched | None
    """The history of the rows, read once per step; None where no strategy asks."""
    epoch: int
    """Counts from 1."""
    step: int
    """Counts from 1, over all epochs."""
