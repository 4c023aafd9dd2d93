"""Decay a row by how long it was absent, when it comes back: AdamAR and AdagradAR.

Source: arXiv 2511.06374 (ICLR 2026, as summarised): lambda = min(1, alpha * I), I the steps since the row's last
update less one; e <- e - lambda e - update. The decay is decoupled and not times the learning rate.
"""

from harness.api import RowStep, Strategy, tuned


class AdaptiveRegularization(Strategy):
    """A row that is touched for the first time since it was drawn is not decayed, or its initial weights would be lost.

    The decay acts with the update, so the batch that brings a row back has still read it whole.
    """

    name = "adaptive_regularization"
    alpha: float = tuned(1e-4, 10**-6.5, 1e-1, log=True, neutral=0.0)
    """Share of a row that each missed step takes. Larger batches make fewer steps, and it must grow with them."""

    def on_rows(self, step: RowStep) -> RowStep:
        missed_K = (step.step - step.last_step_K - 1).clamp(min=0) * (step.last_step_K > 0)
        return step.add_decay((self.alpha * missed_K.float()).clamp(max=1))
