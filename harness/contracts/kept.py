"""A log of which only a share of the rows of one class was kept, as most negatives of clicks are dropped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.base.errors import UserError


@dataclass(frozen=True)
class Kept:
    """Of the rows whose label of a task is `label`, `share` were kept, drawn at random; of the others all.

    Models are trained on what is there. With s the share of negatives kept, odds among the rows that were kept are 1/s
    times those of the full log: q / (1 - q) = s p / (1 - p), as in He et al. 2014, "Practical lessons from predicting
    clicks on ads at Facebook", section 6.3. Each negative that was kept stands for 1/s of the full log.

    Raises:
        UserError: share or label is not accepted.
    """

    share: float
    label: int = 0
    """0: negatives were dropped; 1: positives."""

    def __post_init__(self) -> None:
        if not 1e-9 <= self.share <= 1:
            raise UserError(f"kept: share = {self.share:g} is not accepted; accepted: above 0, at most 1")
        if self.label not in (0, 1):
            raise UserError(f"kept: label = {self.label} is not accepted; accepted: 0 or 1")

    @property
    def shift(self) -> float:
        """What makes the logit of the full log of one that was learnt of the rows that were kept."""
        return math.log(self.share) * (1 if self.label == 0 else -1)

    def full(self, p_N: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The probability in the full log of a label that has this one among the rows that were kept."""
        odds_N = p_N.astype(np.float64) * math.exp(self.shift)
        return odds_N / (odds_N + 1 - p_N)

    def stands_for(self, label_N: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """How many rows of the full log each row stands for."""
        return np.where(label_N == self.label, np.float32(1 / self.share), np.float32(1))
