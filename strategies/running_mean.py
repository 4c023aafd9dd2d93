"""Step a row as a running mean is kept: by the plain gradient, and ever less as its id is seen more often.

Source: our own; the schedule is Robbins and Monro's 1/n (1951). Adam and Adagrad divide a row's first gradient by its
own size, so an id that was seen once moves as far after a click as after the far less telling absence of one. The plain
gradient keeps that proportion, as a posterior mean would. Its step, rate / (1 + n / prior_count), is constant while n,
the id's examples since its row was drawn, is small; for n far above prior_count every example weighs the same.
"""

import dataclasses

from harness.api import DenseSpec, RowStep, Strategy, TableSpec, tuned


class RunningMean(Strategy):
    """Where labels are unknown, the known ones of a task weigh more."""

    name = "running_mean"
    replaces = ("table_optimizer",)
    prior_count: float = tuned(300.0, 10.0, 10_000.0, log=True)
    """Examples until the step is halved."""
    lr_ratio: float = tuned(1e4, 1.0, 1e6, log=True, search=False)
    """The rate per example over `train.table_lr`, which is meant for an optimiser that normalises.

    Behind products of rows, as in `fm` and `deepfm`, gradients are far larger, and it must be far smaller, 10 say.
    """
    radius: float = tuned(1.0, 1e-3, 1e3, log=True, search=False)
    """How far a step moves a row at most, as a Euclidean length; a strategy beside it may scale the step further."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer="sgd", lr=self.lr_ratio * spec.lr)

    def on_rows(self, step: RowStep) -> RowStep:
        seen_R = step.row_buffer("seen_since_drawn")
        seen_K = seen_R.index_select(0, step.rows_K) + step.batch_count_K
        seen_R.index_copy_(0, step.rows_K, seen_K)
        scale_K = step.examples / (1 + seen_K / self.prior_count)
        length_K = step.lr * scale_K * step.grad_KD.norm(dim=1)
        return step.scale_lr(scale_K * (self.radius / length_K.clamp(min=self.radius)))
