"""Replace some ids of a training batch, so that the net cannot rely on any one of them.

Source: shared, one row per field: DIN, arXiv 1706.06978, which drops half of a sparse field's ids (read). random, any
row of the field: stochastic shared embeddings, arXiv 1905.10630 (as summarised).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.api import LookupColumn, Strategy, tuned


class IdDropout(Strategy):
    """The shared row is row 0 of the table: that of unknown ids, or after `hashing` a bucket like any other.

    Its training count is that of the data, and its count in a batch is what the batch holds: strategies that go by
    counts see a row that is rare by the one and frequent by the other.
    """

    name = "id_dropout"
    p: float = tuned(0.1, 0.01, 0.9, neutral=0.0)
    """Probability that an id is replaced, with all its rows."""
    mode: str = tuned("shared", choices=("shared", "random"))
    """What replaces it: the shared row of the field, or a random one."""

    def on_lookup(self, rows_BC: Tensor, columns_C: Sequence[LookupColumn]) -> Tensor:
        if self.p == 0:
            return rows_BC
        other_C = torch.tensor([c.table.offset for c in columns_C], dtype=torch.int32)
        if self.mode == "random":
            size_C = torch.tensor([c.table.num_rows for c in columns_C])
            other_C = other_C + (torch.rand(rows_BC.shape, dtype=torch.float64) * size_C).to(torch.int32)
        place_C = [c.place for c in columns_C]
        replaced_BC = (torch.rand(len(rows_BC), max(place_C) + 1) < self.p)[:, place_C]
        return torch.where(replaced_BC & (rows_BC >= 0), other_C, rows_BC)
