"""Send rare ids to one shared row per field, so that an id must be seen often enough to get a row of its own.

Source: FuxiCTR's tokenizer, `min_categr_count`; Zhang et al. 2022, official code, --filter_percent (both read).
"""

import numpy as np

from harness.api import Encoder, FieldStats, Generator, Strategy, tuned, vocabulary


class LowFrequencyFilter(Strategy):
    name = "low_frequency_filter"
    min_count: int = tuned(2, 1, 100, log=True, neutral=1)
    """Occurrences in training that an id needs to keep its row."""
    keep: float = tuned(1.0, 1e-3, 1.0, log=True, neutral=1.0, search=False)
    """Share of the most frequent ids that keep their rows."""
    min_ids: int = tuned(100, 1, 10**9, search=False)
    """`keep` leaves fields with fewer training ids alone."""

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        keep_U = stats.count_U >= self.min_count
        if (ids := len(keep_U)) >= self.min_ids:
            rarest_first = np.argsort(stats.count_U, kind="stable")
            keep_U[rarest_first[: ids - round(self.keep * ids)]] = False
        return vocabulary(stats, keep_U)
