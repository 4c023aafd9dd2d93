"""Row-wise Adagrad whose rate grows with the touches of a row, up to a bound, so that rare ids learn slowly.

Source: FBGEMM's `rowwise_adagrad_with_counter` at `counter_halflife = -2` (code read): the step is min(lr * touches,
bound) / (sqrt(v) + eps) times the gradient, v the sum of the row's mean squared gradients, touches those of its steps
that touched it. Its lazy decay is `l2(scope='all', coupling='decoupled')` beside it.
"""

import dataclasses

from harness.api import DenseSpec, RowStep, Strategy, TableSpec, tuned


class CounterAdagrad(Strategy):
    name = "counter_adagrad"
    replaces = ("table_optimizer",)
    bound: float = tuned(1.0, 1e-3, 10.0, log=True)
    """The largest rate; that of the first touch is `train.table_lr`, if that is smaller."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer="rowwise_adagrad")

    def on_rows(self, step: RowStep) -> RowStep:
        touches_R = step.row_buffer("touches")
        touches_K = touches_R.index_select(0, step.rows_K) + 1
        touches_R.index_copy_(0, step.rows_K, touches_K)
        return step.scale_lr(touches_K.clamp(max=self.bound / step.lr))
