"""Row-wise Adagrad whose accumulators begin at some gradients of the usual size, not at zero.

Source: our own in its unit; the knob is old (`initial_accumulator_value` of TensorFlow's and torch's Adagrad, as their
documentation has it, there a constant that users choose). An accumulator that begins at zero divides a row's first
gradient by its own size: an id that was seen once moves as far after a click as after the far less telling absence of
one. One that begins at `prior_count` times the mean square of a gradient keeps that proportion until the id was seen
about as often, and divides by the root of what it was told from there on. `running_mean` does the same with the
number of examples and without a root, so that its rows stop sooner.

With G the squares of a row's gradients, each in units of the mean square of an example's gradient until then, the step
is rate / sqrt(1 + G / prior_count), in the units of `running_mean`'s rate: one over that mean. Where the mean stays as
it is, this is row-wise Adagrad.
"""

import dataclasses

from harness.api import DenseSpec, RowStep, Strategy, TableSpec, tuned


class InitialAccumulator(Strategy):
    """A row that is redrawn begins again."""

    name = "initial_accumulator"
    replaces = ("table_lr", "table_optimizer")
    rate: float = tuned(0.01, 1e-3, 0.1, log=True)
    """While an accumulator has little beside what it began with. It takes the place of `train.table_lr`."""
    prior_count: float = tuned(10.0, 1.0, 1000.0, log=True)
    """Gradients of the usual size that an accumulator begins with."""
    radius: float = tuned(1.0, 1e-3, 1e3, log=True, search=False)
    """How far a step moves a row at most, as a Euclidean length; a strategy beside it may scale the step further."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer="sgd", lr=self.rate)

    def on_rows(self, step: RowStep) -> RowStep:
        norm_K = step.grad_KD.norm(dim=1)
        square_K = (step.examples * norm_K).square()
        mean, steps = step.run_buffer("mean_square"), step.run_buffer("steps_in_mean_square").add_(1)
        mean.add_(((square_K / step.batch_count_K).mean() - mean) / steps)
        unit = mean.clamp(min=1e-30)
        told_R = step.row_buffer("squares_since_drawn")
        told_K = told_R.index_select(0, step.rows_K) + square_K / unit
        told_R.index_copy_(0, step.rows_K, told_K)
        scale_K = step.examples / unit / (1 + told_K / self.prior_count).sqrt()
        length_K = step.lr * scale_K * norm_K
        return step.scale_lr(scale_K * (self.radius / length_K.clamp(min=self.radius)))
