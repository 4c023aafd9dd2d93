"""Redraw the embeddings at the start of every further epoch and keep the net: multi-epoch learning by MEDA.

Source: Liu et al. 2023, arXiv 2305.19531, and 2024, arXiv 2407.01607 (abstract and summaries); the threshold on
cardinality and the kept state of other tables follow a public conversion baseline (read). `to = "start"` is what EST
does from production's weights (arXiv 2602.10811, as summarised).
"""

import math

import torch

from harness.api import FieldTable, Strategy, Tables, UserError, tuned, unknown


class Reinit(Strategy):
    name = "reinit"
    every: float = tuned(1.0, 1.0, 1000.0, neutral=math.inf, search=False)
    """Epochs between redraws; inf: never."""
    start: int = tuned(1, 1, 1000, search=False)
    """The epoch from whose end they are counted."""
    to: str = tuned("init", choices=("init", "start"), search=False)
    """New draws from the initial distribution, or what the rows held before training."""
    fields: tuple[str, ...] = ()
    """The fields whose tables are redrawn; all, if none is named."""
    share: float = tuned(1.0, 0.0, 1.0, neutral=0.0, search=False)
    """Of the rows of a field, chosen anew each time."""
    min_cardinality: int = tuned(1, 1, 10**9, search=False)
    """Fields with fewer distinct training ids are kept."""
    reset_state: bool = tuned(True, choices=(True, False), search=False)
    """Whether the optimiser forgets the redrawn rows too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every % 1 != 0 and self.every != math.inf:
            raise UserError(f"reinit: every = {self.every} is not accepted; accepted: whole epochs, or inf")

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        names = [field.name for field in tables.fields]
        for name in self.fields:
            if name not in names:
                raise unknown("field", name, names, "reinit")
        if epoch > self.start and (epoch - self.start) % self.every == 0:
            for field in tables.fields:
                if field.train_ids >= self.min_cardinality and (not self.fields or field.name in self.fields):
                    self._redraw(field, tables)

    def _redraw(self, field: FieldTable, tables: Tables) -> None:
        rows = None
        if self.share < 1:
            rows = field.offset + torch.nonzero(torch.rand(field.num_rows) < self.share).flatten()
            if not len(rows):
                return
        tables.reset(field, rows, state=self.reset_state, again=self.to == "start")
