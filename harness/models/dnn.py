"""Embedding and MLP with a shared bottom and one linear head per task."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from harness.api import Model, UserError, tuned


class DNN(Model):
    """dim: embedding width. hidden: widths of the ReLU layers."""

    name = "dnn"
    dim: int = tuned(16, 1, 4096, search=False)
    hidden: tuple[int, ...] = tuned((128, 64), search=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(not isinstance(h, int) or h < 1 for h in self.hidden):
            raise UserError(f"dnn: hidden = {list(self.hidden)} is not accepted; accepted: positive layer widths")

    def width(self, tasks: int) -> int:
        return self.dim

    def network(self, fields: int, tasks: int) -> nn.Module:
        widths = (fields * self.dim, *self.hidden)
        layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(widths[-1], tasks))
