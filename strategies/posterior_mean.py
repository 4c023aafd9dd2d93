"""Step a row towards the posterior mean of its id: a field as fast as the labels of training say that its ids differ.

Source: our own; the prior is found as in empirical Bayes (Robbins, 1956). If ids of a field explain a share s of the
variance of a label (the intraclass correlation), what is known beforehand of an id is worth 1 / s - 1 examples, and the
posterior mean moves by s / (1 + n s) at the n-th: in the units of `running_mean`, one over the mean square of an
example's gradient.

The share is found by moments. Two examples of one id have residuals, label less rate, whose product is on average the
variance that ids explain. An id of n examples has n (n - 1) such pairs, which tell the less anew the larger s is: their
mean counts as the square of n / (1 + n s). What one field says, others may say as well: so rows are stepped by
`strength` of it.
"""

import dataclasses

import torch
from torch import Tensor

from harness.api import DenseSpec, RowStep, Strategy, Tables, TableSpec, tuned

LEAST, MOST, ROUNDS = 1e-5, 0.5, 30
"""Bounds of a share, and how often its weights are found anew."""


class PosteriorMean(Strategy):
    """Rows of numbers are stepped as those of ids that explain a hundredth."""

    name = "posterior_mean"
    replaces = ("table_lr", "table_optimizer")
    strength: float = tuned(0.5, 0.05, 2.0, log=True)
    """How much of what the labels say of a field alone its rows are stepped by."""
    radius: float = tuned(1.0, 1e-3, 1e3, log=True, search=False)
    """How far a step moves a row at most, as a Euclidean length; a strategy beside it may scale the step further."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer="sgd", lr=self.strength)

    def on_epoch_start(self, epoch: int, tables: Tables) -> None:
        if epoch > 1:
            return
        known_RT, positive_RT = tables.label_counts()
        for f, field in enumerate(tables.fields):
            rows = slice(field.offset, field.offset + field.num_rows)
            tables.run_buffer(f"share_{f}").fill_(explained(known_RT[rows], positive_RT[rows]))

    def on_rows(self, step: RowStep) -> RowStep:
        share_F = torch.cat([step.run_buffer(f"share_{f}") for f in range(len(step.seen_max_F))])
        share_K = torch.where(share_F > 0, share_F, 0.01).index_select(0, step.field_K)
        seen_R = step.row_buffer("seen_since_drawn")
        seen_K = seen_R.index_select(0, step.rows_K) + step.batch_count_K
        seen_R.index_copy_(0, step.rows_K, seen_K)
        norm_K = step.grad_KD.norm(dim=1)
        scale_K = step.examples * share_K / (1 + step.lr * share_K * seen_K) / _mean_square(step, norm_K)
        length_K = step.lr * scale_K * norm_K
        return step.scale_lr(scale_K * (self.radius / length_K.clamp(min=self.radius)))


def explained(known_NT: Tensor, positive_NT: Tensor) -> Tensor:
    """The share of the variance of labels that N ids explain, [], of all T tasks together."""
    known_NT, positive_NT = known_NT.double(), positive_NT.double()
    rate_T = positive_NT.sum(dim=0) / known_NT.sum(dim=0).clamp(min=1)
    residual_NT = positive_NT - known_NT * rate_T
    own_NT = positive_NT * (1 - 2 * rate_T) + known_NT * rate_T.square()
    pair_NT = (residual_NT.square() - own_NT) / (known_NT * (known_NT - 1)).clamp(min=1)
    variance, share = (rate_T * (1 - rate_T)).sum().clamp(min=1e-30), torch.tensor(0.01, dtype=torch.float64)
    for _ in range(ROUNDS):
        weight_NT = (known_NT / (1 + known_NT * share)).square() * (known_NT > 1)
        of_ids_T = (weight_NT * pair_NT).sum(dim=0) / weight_NT.sum(dim=0).clamp(min=1e-30)
        share = (of_ids_T.sum() / variance).clamp(LEAST, MOST)
    return share


def _mean_square(step: RowStep, norm_K: Tensor) -> Tensor:
    """As that of `running_mean`: of the gradients of single examples, over all steps so far, [1]."""
    mean, steps = step.run_buffer("mean_square"), step.run_buffer("steps_in_mean_square").add_(1)
    now = ((step.examples * norm_K).square() / step.batch_count_K).mean()
    return mean.add_((now - mean) / steps).clamp(min=1e-30)
