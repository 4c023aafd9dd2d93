"""Take the gradient where the loss is worse: a sharpness-aware step whose radius grows with an id's frequency.

Source: Helen, arXiv 2403.00798, official code (read): e is moved by rho * s * g / norm(g of the table), with
s = clip(c / max c, bound, 1) and c the row's occurrences in the batch; the gradient there steps e. Twice the cost.
The table is a field's. The official code moves the net as well unless told not to; here it stays, and steps on the
second gradient.
"""

import torch
from torch import Tensor

from harness.api import RowStep, Strategy, tuned


class Helen(Strategy):
    name = "helen"
    rho: float = tuned(0.05, 1e-3, 1.0, log=True, neutral=0.0)
    """How far rows are moved before the gradient is taken."""
    bound: float = tuned(0.3, 0.0, 1.0)
    """The smallest share of it, for the rarest ids."""

    def perturb(self, step: RowStep) -> Tensor | None:
        if self.rho == 0:
            return None
        fields, count_K = len(step.seen_max_F), step.batch_count_K.float()
        most_F = count_K.new_zeros(fields).scatter_reduce_(0, step.field_K, count_K, "amax")
        square_F = count_K.new_zeros(fields).index_add_(0, step.field_K, step.grad_KD.square().sum(dim=1))
        share_K = (count_K / most_F[step.field_K]).clamp(self.bound, 1)
        norm_K = square_F.sqrt().clamp_(min=torch.finfo(torch.float32).tiny)[step.field_K]
        return (self.rho * share_K / norm_K)[:, None] * step.grad_KD
