"""Adaptive regularisation that acts before a row is read: the batch that brings a row back finds it decayed already.

Source: our own, to tell why `adaptive_regularization` (arXiv 2511.06374) does not prevent the collapse here: its decay
comes with the update, when the net has already read a row that holds the label it is about to be told. Here the
gradient is taken at the decayed row, in a second pass; the update then decays the row as there. Evaluation reads rows
as the table holds them, less decayed than in training.
"""

from torch import Tensor

from harness.api import RowStep, Strategy, tuned


class DecayBeforeRead(Strategy):
    name = "decay_before_read"
    alpha: float = tuned(1e-3, 10**-6.5, 1e-1, log=True, neutral=0.0)
    """Share of a row that each missed step takes."""

    def perturb(self, step: RowStep) -> Tensor | None:
        return -self._share(step)[:, None] * step.weight_KD if self.alpha else None

    def on_rows(self, step: RowStep) -> RowStep:
        return step.add_decay(self._share(step))

    def _share(self, step: RowStep) -> Tensor:
        missed_K = (step.step - step.last_step_K - 1).clamp(min=0) * (step.last_step_K > 0)
        return (self.alpha * missed_K.float()).clamp(max=1)
