"""Replace some ids of a training batch, so that the net cannot rely on any one of them.

Source: shared, one row per field: DIN, arXiv 1706.06978, which drops half of a sparse field's ids (read). random, any
row of the field: stochastic shared embeddings, arXiv 1905.10630 (as summarised).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.api import FieldTable, Strategy, tuned


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

    def on_lookup(self, rows_BC: Tensor, tables_C: Sequence[FieldTable]) -> Tensor:
        if self.p == 0:
            return rows_BC
        other_C = torch.tensor([t.offset for t in tables_C], dtype=torch.int32)
        if self.mode == "random":
            size_C = torch.tensor([t.num_rows for t in tables_C])
            other_C = other_C + (torch.rand(rows_BC.shape, dtype=torch.float64) * size_C).to(torch.int32)
        fields = {table.offset: f for f, table in enumerate(dict.fromkeys(tables_C))}
        replaced_BF = torch.rand(len(rows_BC), len(fields)) < self.p
        return torch.where(replaced_BF[:, [fields[t.offset] for t in tables_C]], other_C, rows_BC)
