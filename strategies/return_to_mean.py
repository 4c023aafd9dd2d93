"""At the start of every further epoch, rows of rare ids forget their examples and return to the mean row of the field.

Source: our own. The net must meet every example with rows that do not yet hold its label, or it learns to trust rows
that are overfitted; redrawing them does that (`reinit`), but also undoes what all rows of a field have in common, which
the net has come to expect, and what frequent ids have learnt, of which one example's label is a negligible part.
"""

import torch

from harness.api import Strategy, Tables, tuned


class ReturnToMean(Strategy):
    name = "return_to_mean"
    below: int = tuned(1000, 1, 1_000_000, log=True, neutral=0)
    """Rows whose id has fewer training examples return, and those of unseen ids; of a field with none, no row does."""

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch == 1:
            return
        for field in tables.fields:
            count_N = tables.train_count(field)
            rows = field.offset + torch.nonzero(count_N < self.below).flatten()
            if len(rows) and (count_N > 0).any():
                tables.reset(field, rows, around=tables.weight(field)[count_N > 0].mean(dim=0))
