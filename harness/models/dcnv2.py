"""DCN-V2: layers that cross the input with itself, beside or below an MLP; one linear head per task.

Source: Wang et al. 2021 (WWW, arXiv 2008.13535), eq. 1, x_(l+1) = x_0 * (W_l x_l + b_l) + x_l, and figure 1 for the two
structures. W_l is the full matrix, not a product of two narrow ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.api import Model, mlp, tuned


class CrossNet(nn.Module):
    def __init__(self, inputs: int, depth: int, hidden: tuple[int, ...], stacked: bool, tasks: int) -> None:
        super().__init__()
        self.crosses = nn.ModuleList(nn.Linear(inputs, inputs) for _ in range(depth))
        widths = (inputs, *hidden)
        self.deep, self.stacked = mlp(*widths), stacked
        self.head = nn.Linear(widths[-1] + (0 if stacked else inputs), tasks)

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        input_NI = crossed_NI = embedded_NFD.flatten(1)
        for cross in self.crosses:
            crossed_NI = input_NI * cross(crossed_NI) + crossed_NI
        deep_NI = self.deep(crossed_NI if self.stacked else input_NI)
        logits_NT: Tensor = self.head(deep_NI if self.stacked else torch.cat([crossed_NI, deep_NI], dim=1))
        return logits_NT


class DCNv2(Model):
    """dim: embedding width. depth: cross layers. hidden: widths of the ReLU layers. structure: cross layers and MLP
    side by side (parallel), or the MLP on the cross layers (stacked)."""

    name = "dcnv2"
    dim: int = tuned(16, 1, 4096, search=False)
    depth: int = tuned(2, 1, 16, search=False)
    hidden: tuple[int, ...] = tuned((128, 64), 1, 65_536, search=False)
    structure: str = tuned("parallel", choices=("parallel", "stacked"), search=False)

    def width(self, tasks: int) -> int:
        return self.dim

    def network(self, fields: int, tasks: int) -> nn.Module:
        return CrossNet(fields * self.dim, self.depth, self.hidden, self.structure == "stacked", tasks)
