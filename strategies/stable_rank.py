"""Keep embeddings from collapsing onto one direction early on: a penalty on the inverse of their stable rank.

Source: arXiv 2410.23300 (abstract; collaborative filtering): raise srank = sum of squares / top singular value squared
in early training. Here of the rows that a batch touches, field by field, and by their D x D Gram matrix.
"""

import torch

from harness.api import RowStep, Strategy, tuned


class StableRank(Strategy):
    """weight: of the penalty sum_f 1 / srank_f. epochs: those with the penalty."""

    name = "stable_rank"
    weight: float = tuned(1e-3, 1e-6, 1.0, log=True, neutral=0.0)
    epochs: int = tuned(1, 1, 1000, search=False)

    def on_rows(self, step: RowStep) -> RowStep:
        if step.epoch > self.epochs or self.weight == 0:
            return step
        weight_KD, field_K = step.weight_KD, step.field_K
        fields, width = len(step.seen_max_F), weight_KD.shape[1]
        gram_FDD = weight_KD.new_zeros(fields, width, width)
        gram_FDD.index_add_(0, field_K, weight_KD[:, :, None] * weight_KD[:, None, :])
        value_FD, vector_FDD = torch.linalg.eigh(gram_FDD)
        top_K, total_K = value_FD[field_K, -1], value_FD.sum(dim=1).clamp(min=1e-30)[field_K]
        top_KD = vector_FDD[field_K, :, -1]
        along_K = (weight_KD * top_KD).sum(dim=1)
        grad_KD = 2 / total_K[:, None] * (along_K[:, None] * top_KD - (top_K / total_K)[:, None] * weight_KD)
        return step.with_grad(step.grad_KD + self.weight * grad_KD)
