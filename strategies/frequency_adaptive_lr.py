"""Scale the update of a row by how often its id was seen, so that rare ids learn slowly.

Source: Pinterest, arXiv 2505.05605 (as summarised): log(F_i + 1) / max_j log(F_j + 1), the maximum per field, F counted
online over all epochs, incremented before the step. It multiplies the update, not the gradient, which an adaptive
optimiser would normalise away.
"""

import torch

from harness.api import RowStep, Strategy, tuned


class FrequencyAdaptiveLR(Strategy):
    name = "frequency_adaptive_lr"
    scaling: str = tuned("log", choices=("log", "linear", "power"))
    """How the scale grows with the count n: as log(n + 1), as n, or as n ** exponent."""
    exponent: float = tuned(0.5, 0.0, 2.0, search=False)
    """Of the power."""
    floor: float = tuned(0.0, 0.0, 0.5, neutral=1.0)
    """The smallest scale."""
    counts: str = tuned("online", choices=("online", "train"), search=False)
    """Occurrences so far in training, over all epochs; or in the whole training split."""

    def on_rows(self, step: RowStep) -> RowStep:
        online = self.counts == "online"
        count_K = (step.seen_K if online else step.train_count_K).float()
        most_F = (step.seen_max_F if online else step.train_max_F).float()
        scale_K = self._grow(count_K) / self._grow(most_F).index_select(0, step.field_K)
        return step.scale_lr(scale_K.clamp(min=self.floor))

    def _grow(self, count: torch.Tensor) -> torch.Tensor:
        if self.scaling == "log":
            return torch.log1p(count)
        return count if self.scaling == "linear" else count**self.exponent
