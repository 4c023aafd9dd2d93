"""Freeze the dense net from an epoch on, or slow it down, and go on with the tables alone.

Source: Zhang et al. 2022 (CIKM, "Towards understanding the overfitting phenomenon of deep click-through rate models"),
figure 9 (read off).
"""

import dataclasses

from harness.api import DenseSpec, Strategy, tuned


class FreezeDense(Strategy):
    name = "freeze_dense"
    start: int = tuned(2, 1, 1000, search=False)
    """The first epoch in which the net is slower."""
    scale: float = tuned(0.0, 0.0, 1.0, neutral=1.0)
    """Of the learning rate from there on; 0 freezes."""

    def dense(self, spec: DenseSpec, epoch: int) -> DenseSpec:
        if epoch < self.start:
            return spec
        return dataclasses.replace(spec, lr=spec.lr * self.scale, frozen=spec.frozen or self.scale == 0)
