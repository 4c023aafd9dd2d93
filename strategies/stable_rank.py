"""Keep embeddings from collapsing onto one direction early on: a penalty on the inverse of their stable rank.

Source: arXiv 2410.23300 (abstract; collaborative filtering): raise srank = sum of squares / top singular value squared
in early training. Here of the rows that a batch touches, field by field, and by their D x D Gram matrix.
"""

import torch
from torch import Tensor

from harness.api import RowStep, Strategy, tuned


class StableRank(Strategy):
    name = "stable_rank"
    weight: float = tuned(1e-3, 1e-6, 1.0, log=True, neutral=0.0)
    """Of the penalty sum_f 1 / srank_f."""
    epochs: int = tuned(1, 1, 1000, search=False)
    """How many, from the first, have the penalty."""

    def on_rows(self, step: RowStep) -> RowStep:
        if step.epoch > self.epochs or self.weight == 0:
            return step
        grad_KD = step.grad_KD.clone()
        for f in torch.unique(step.field_K):
            mine_K = step.field_K == f
            grad_KD[mine_K] += self.weight * inverse_rank_gradient(step.weight_KD[mine_K])
        return step.with_grad(grad_KD)


def inverse_rank_gradient(weight_KD: Tensor) -> Tensor:
    """The gradient of s^2 / |E|^2, s the top singular value of E [K, D]; zeros once E is not finite."""
    gram_DD = weight_KD.T @ weight_KD
    if not torch.isfinite(gram_DD).all():
        return torch.zeros_like(weight_KD)
    value_D, vector_DD = torch.linalg.eigh(gram_DD)
    top_D, total = vector_DD[:, -1], value_D.sum().clamp(min=1e-30)
    along_KD = (weight_KD @ top_D)[:, None] * top_D
    gradient_KD: Tensor = 2 / total * (along_KD - value_D[-1] / total * weight_KD)
    return gradient_KD
