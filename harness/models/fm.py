"""Factorisation machine: per task a bias, one weight per id, and an inner product per pair of ids.

Source: Rendle 2010 (ICDM, "Factorization machines"), eq. 1, and lemma 3.1 for the pairs in linear time. Every task is a
machine of its own: they share rows, and no number in them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.api import Model, tuned


class Machine(nn.Module):
    """A row holds T first-order weights, then T factor vectors."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.bias_T = nn.Parameter(torch.zeros(tasks))

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        tasks = len(self.bias_T)
        first_NT = embedded_NFD[..., :tasks].sum(dim=1)
        factor_NFK = embedded_NFD[..., tasks:]
        twice_NK = factor_NFK.sum(dim=1).square() - factor_NFK.square().sum(dim=1)
        return self.bias_T + first_NT + twice_NK.view(len(twice_NK), tasks, -1).sum(dim=-1) / 2


class FM(Model):
    """dim: width of a factor vector. Tables that all start at zero stay there but for the first-order weights."""

    name = "fm"
    dim: int = tuned(8, 1, 4096, search=False)

    def width(self, tasks: int) -> int:
        return tasks * (1 + self.dim)

    def network(self, fields: int, tasks: int) -> nn.Module:
        return Machine(tasks)
