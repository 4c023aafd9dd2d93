"""Rows of rare ids take larger steps: the opposite of a frequency-adaptive learning rate, and its adverse control.

Source: arXiv 2110.04844 (abstract): a learning rate per token in inverse proportion to its frequency speeds up
convergence. Here relative to the most frequent id of the field, to a power, and bounded.
"""

from harness.api import RowStep, Strategy, tuned


class CounterSGD(Strategy):
    """scale = min(limit, (n_max / n) ** exponent), n the occurrences of the id in training."""

    name = "counter_sgd"
    exponent: float = tuned(0.5, 0.0, 1.0, neutral=0.0)
    """0: all rows step alike."""
    limit: float = tuned(10.0, 1.0, 1e4, log=True, search=False)
    """The largest scale."""

    def on_rows(self, step: RowStep) -> RowStep:
        most_K = step.train_max_F[step.field_K].float()
        rarity_K = most_K.clamp(min=1) / step.train_count_K.clamp(min=1)
        return step.scale_lr((rarity_K**self.exponent).clamp(max=self.limit))
