"""Clip each row's gradient by its weight's norm and its occurrences in the batch.

Source: CowClip, Zheng et al. 2022, arXiv 2204.06240, official code (read): the gradient of a row with c occurrences is
clipped to norm r * c * max(norm(e), r * sqrt(D) * zeta).
"""

import math

from harness.api import RowStep, Strategy, tuned


class CowClip(Strategy):
    """The gradient is that of the mean loss of a batch.

    With initial weights of .01 it stays far below r = 1, the published value, which then clips nothing.
    """

    name = "cowclip"
    r: float = tuned(1.0, 1e-4, 10.0, log=True, neutral=math.inf)
    """The largest norm of the gradient per occurrence, over the norm of the weight."""
    zeta: float = tuned(1e-4, 1e-5, 1e-3, log=True)
    """Stands for the weights of a row that are smaller than it."""

    def on_rows(self, step: RowStep) -> RowStep:
        floor = self.r * math.sqrt(step.weight_KD.shape[1]) * self.zeta
        bound_K = self.r * step.batch_count_K * step.weight_KD.norm(dim=1).clamp(min=floor)
        norm_K = step.grad_KD.norm(dim=1).clamp(min=1e-30)
        return step.with_grad(step.grad_KD * (bound_K / norm_K).clamp(max=1)[:, None])
