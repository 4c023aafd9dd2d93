"""Logistic regression: the logit of a task is a bias plus one weight per id."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.api import Model


class Sum(nn.Module):
    """Sum over the fields of one number per task."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.bias_T = nn.Parameter(torch.zeros(tasks))

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        return embedded_NFD.sum(dim=1) + self.bias_T


class Logistic(Model):
    name = "logistic"

    def width(self, tasks: int) -> int:
        return tasks

    def network(self, fields: int, tasks: int) -> nn.Module:
        return Sum(tasks)
