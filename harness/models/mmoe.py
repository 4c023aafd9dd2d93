"""MMoE: experts shared by all tasks, mixed for each task by a softmax gate of its own, and a tower per task.

Source: Ma, Zhao et al. 2018 (KDD, "Modeling task relationships in multi-task learning with multi-gate
mixture-of-experts"), eq. 5 to 7.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.api import Model, mlp, tuned


class Mixture(nn.Module):
    def __init__(self, inputs: int, experts: int, hidden: tuple[int, ...], tower: tuple[int, ...], tasks: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(mlp(inputs, *hidden) for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(inputs, experts, bias=False) for _ in range(tasks))
        widths = ((inputs, *hidden)[-1], *tower)
        self.towers = nn.ModuleList(nn.Sequential(mlp(*widths), nn.Linear(widths[-1], 1)) for _ in range(tasks))

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        input_NI = embedded_NFD.flatten(1)
        expert_NEH = torch.stack([expert(input_NI) for expert in self.experts], dim=1)
        gate_NTE = torch.stack([gate(input_NI) for gate in self.gates], dim=1).softmax(dim=-1)
        mixed_NTH = gate_NTE @ expert_NEH
        return torch.cat([tower(mixed_NTH[:, t]) for t, tower in enumerate(self.towers)], dim=1)


class MMoE(Model):
    """dim: embedding width. hidden: widths of an expert's ReLU layers. tower: those of a task's."""

    name = "mmoe"
    dim: int = tuned(16, 1, 4096, search=False)
    experts: int = tuned(4, 1, 64, search=False)
    hidden: tuple[int, ...] = tuned((64,), 1, 65_536, search=False)
    tower: tuple[int, ...] = tuned((32,), 1, 65_536, search=False)

    def width(self, tasks: int) -> int:
        return self.dim

    def network(self, fields: int, tasks: int) -> nn.Module:
        return Mixture(fields * self.dim, self.experts, self.hidden, self.tower, tasks)
