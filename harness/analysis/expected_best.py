"""What a search of fewer trials would have reached, from the values of its trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def expected_best(values: Sequence[float], k: int, sign: int) -> float:
    """The best of k trials drawn with replacement from these, on average (Dodge et al., Show Your Work, 2019).

    sign: 1 where more is better, -1 where less is.
    """
    ascending, n = np.sort(sign * np.asarray(values, np.float64)), len(values)
    reached = (np.arange(n + 1) / n) ** k
    return float(sign * ascending @ np.diff(reached))


def budgets(trials: int) -> list[int]:
    """1, 2, 4, ... and all trials."""
    return sorted({*(2**i for i in range(trials.bit_length()) if 2**i <= trials), trials})
