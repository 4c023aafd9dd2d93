"""The dense net alone, on a batch that is already there: what no engine with this net in float32 torch can beat."""

from __future__ import annotations

import torch
from torch.nn import functional

from harness.engine import memory
from perf.captured import captured
from perf.contenders import Contender
from perf.work import FIELDS, TASKS, Work, mlp


class DenseNetOnly(Contender):
    label = "dense net alone"
    times = (
        "forward, loss, backward down to the gradient of the resident [B, 160] input, and fused Adam on the net: "
        "no ids, no tables, no loader"
    )

    def __init__(self, work: Work, device: str = "cpu", graphed: bool = False) -> None:
        super().__init__(work)
        self.device = torch.device(device)
        memory.keep_freed()
        torch.manual_seed(work.seed)
        self.net = mlp(work).to(self.device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True, capturable=graphed)
        self.input = torch.randn(work.batch, len(FIELDS) * work.width, device=self.device, requires_grad=True)
        self.labels = (torch.rand(work.batch, len(TASKS), device=self.device) < 0.1).float()
        self.step = captured(self.train) if graphed else self.train

    def parameters(self) -> int:
        return sum(p.numel() for p in self.net.parameters())

    def train(self) -> None:
        self.input.grad = None
        self.optimizer.zero_grad(set_to_none=True)
        loss = functional.binary_cross_entropy_with_logits(self.net(self.input), self.labels) * len(TASKS)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


CONTENDER = DenseNetOnly
