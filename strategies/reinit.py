"""Redraw the embeddings at the start of every further epoch and keep the net: multi-epoch learning by MEDA.

Source: Liu et al. 2023, arXiv 2305.19531, and 2024, arXiv 2407.01607 (abstract and summaries); the threshold on
cardinality and the kept state of other tables follow a public conversion baseline (read).
"""

import math

from harness.api import Strategy, Tables, UserError, tuned


class Reinit(Strategy):
    name = "reinit"
    every: float = tuned(1.0, 1.0, 1000.0, neutral=math.inf, search=False)
    """Epochs between redraws; inf: never."""
    start: int = tuned(1, 1, 1000, search=False)
    """The epoch from whose end they are counted."""
    min_cardinality: int = tuned(1, 1, 10**9, search=False)
    """Fields with fewer distinct training ids are kept."""
    reset_state: bool = tuned(True, choices=(True, False), search=False)
    """Whether the optimiser forgets the redrawn rows too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every % 1 != 0 and self.every != math.inf:
            raise UserError(f"reinit: every = {self.every} is not accepted; accepted: whole epochs, or inf")

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch > self.start and (epoch - self.start) % self.every == 0:
            for field in tables.fields:
                if field.train_ids >= self.min_cardinality:
                    tables.reset(field, state=self.reset_state)
