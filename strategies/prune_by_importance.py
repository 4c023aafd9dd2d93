"""Between epochs, redraw the rows that mattered least: those with the smallest gradients so far.

Source: AdaEmbed, OSDI 2023 (as summarised): importance is a moving average of occurrences times the gradient's norm; a
field's most important rows, up to its budget, are kept. There the others give up their memory; here they are redrawn.
"""

import math

from harness.api import RowStep, Strategy, Tables, tuned


class PruneByImportance(Strategy):
    name = "prune_by_importance"
    budget: float = tuned(0.5, 0.01, 0.99, neutral=1.0)
    """Share of the rows of a field that are kept."""
    decay: float = tuned(0.9, 0.0, 0.999, search=False)
    """Of the importance, each time a row is touched. A row that never comes back keeps its importance."""
    min_ids: int = tuned(100, 1, 10**9, search=False)
    """Fields with fewer training ids are left alone."""

    def on_rows(self, step: RowStep) -> RowStep:
        importance_R, now_K = step.row_buffer("importance"), step.batch_count_K * step.grad_KD.norm(dim=1)
        before_K = importance_R.index_select(0, step.rows_K)
        importance_R.index_copy_(0, step.rows_K, self.decay * before_K + (1 - self.decay) * now_K)
        return step

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch == 1:
            return
        for field in tables.fields:
            if field.train_ids < self.min_ids:
                continue
            importance = tables.row_buffer("importance")[field.offset : field.offset + field.num_rows]
            least = importance.argsort(stable=True)[: field.num_rows - math.ceil(self.budget * field.num_rows)]
            if len(least):
                tables.reset(field, field.offset + least)
