"""Freeze the tables from an epoch on, and go on with the dense net alone.

Source: GPSD, arXiv 2506.03699 (as summarised), which freezes embeddings after pre-training.
"""

from harness.api import Strategy, Tables, tuned


class FreezeTables(Strategy):
    name = "freeze_tables"
    start: int = tuned(2, 1, 1000, neutral=10**9, search=False)
    """The first epoch in which no row changes."""

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch >= self.start:
            tables.freeze()
