"""Embedding and MLP with a shared bottom and one linear head per task."""

from __future__ import annotations

from torch import nn

from harness.api import Model, mlp, tuned


class DNN(Model):
    """dim: embedding width. hidden: widths of the ReLU layers."""

    name = "dnn"
    dim: int = tuned(16, 1, 4096, search=False)
    hidden: tuple[int, ...] = tuned((128, 64), 1, 65_536, search=False)

    def width(self, tasks: int) -> int:
        return self.dim

    def network(self, fields: int, tasks: int) -> nn.Module:
        widths = (fields * self.dim, *self.hidden)
        return nn.Sequential(nn.Flatten(), mlp(*widths), nn.Linear(widths[-1], tasks))
