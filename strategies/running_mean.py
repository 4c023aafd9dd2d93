"""Step a row as a running mean is kept: by the plain gradient, and ever less as its id is seen more often.

Source: our own; the schedule is Robbins and Monro's 1/n (1951). Adam and Adagrad divide a row's first gradient by its
own size, so an id that was seen once moves as far after a click as after the far less telling absence of one. The plain
gradient keeps that proportion, as a posterior mean would. Its step, rate / (1 + n / prior_count), is constant while n,
the id's examples since its row was drawn, is small; for n far above prior_count every example weighs the same.

Behind one net gradients are a thousand times as large, squared, as behind another, and a step moves the logit by their
square. So the rate is in units of one over their mean square (Fisher's information, which Newton's step divides by). In
these units a posterior mean would take the rate 1 / prior_count, were a prior worth so many examples of a row.
"""

import dataclasses

from torch import Tensor

from harness.api import DenseSpec, RowStep, Strategy, TableSpec, tuned


class RunningMean(Strategy):
    """Where labels are unknown, the known ones of a task weigh more."""

    name = "running_mean"
    replaces = ("table_lr", "table_optimizer")
    rate: float = tuned(0.005, 1e-3, 0.05, log=True)
    """Of one example's step. It takes the place of `train.table_lr`, which suits optimisers that normalise."""
    prior_count: float = tuned(300.0, 10.0, 10_000.0, log=True)
    """Examples until the step is halved."""
    lr_ratio: float = tuned(0.0, 0.0, 1e6, search=False)
    """If not 0, the rate is this many times `train.table_lr` instead, as it was before `rate`."""
    unit: str = tuned("square", choices=("square", "none"), search=False)
    """What the rate is divided by: the mean square of an example's gradient at a row, of all steps so far, or nothing.

    The first edition's rule is unit = 'none', lr_ratio = 1e4, with which `deepfm` does not train; it needs 10 there.
    """
    radius: float = tuned(1.0, 1e-3, 1e3, log=True, search=False)
    """How far a step moves a row at most, as a Euclidean length; a strategy beside it may scale the step further."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer="sgd", lr=self.lr_ratio * spec.lr or self.rate)

    def on_rows(self, step: RowStep) -> RowStep:
        seen_R = step.row_buffer("seen_since_drawn")
        seen_K = seen_R.index_select(0, step.rows_K) + step.batch_count_K
        seen_R.index_copy_(0, step.rows_K, seen_K)
        scale_K, norm_K = step.examples / (1 + seen_K / self.prior_count), step.grad_KD.norm(dim=1)
        if self.unit == "square":
            scale_K /= _mean_square(step, norm_K)
        length_K = step.lr * scale_K * norm_K
        return step.scale_lr(scale_K * (self.radius / length_K.clamp(min=self.radius)))


def _mean_square(step: RowStep, norm_K: Tensor) -> Tensor:
    """Of the gradients of single examples, [1]: as those of a row add up like noise, a row's square is divided by their
    number."""
    mean, steps = step.run_buffer("mean_square"), step.run_buffer("steps_in_mean_square").add_(1)
    now = ((step.examples * norm_K).square() / step.batch_count_K).mean()
    return mean.add_((now - mean) / steps).clamp(min=1e-30)
