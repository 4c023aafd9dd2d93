"""Step the tables with an optimiser and a learning rate of their own, many times the dense net's.

Source: Pinterest, arXiv 2505.05605 (as summarised): a base learning rate 50 times the dense one; the optimiser's type
is not published. A public conversion baseline steps its tables with Adagrad at .05 and its net with AdamW at 1e-4
(read).
"""

import dataclasses

from harness.api import DenseSpec, Strategy, TableSpec, tuned


class SparseOptimizer(Strategy):
    name = "sparse_optimizer"
    replaces = ("table_lr", "table_optimizer")
    optimizer: str = tuned("rowwise_adagrad", choices=("rowwise_adagrad", "adagrad", "adam", "adam_dense"))
    """Of the tables; adam steps the rows of the batch, adam_dense all rows, as torch.optim.Adam does."""
    lr_ratio: float = tuned(50.0, 1.0, 500.0, log=True)
    """The learning rate of the tables over that of the net; it takes the place of `train.table_lr`."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer=self.optimizer, lr=self.lr_ratio * dense.lr)
