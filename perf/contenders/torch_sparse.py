"""What torch itself offers for sparse tables: `nn.Embedding(sparse=True)` with SparseAdam."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perf.captured import captured
from perf.contenders import Contender
from perf.work import FIELDS, TASKS, Work, batches, mlp


class TorchSparse(Contender):
    label = "nn.Embedding(sparse=True) + SparseAdam"
    times = (
        "gathering of examples, lookup in one `nn.Embedding` of all fields (faster than one each), forward, backward, "
        "SparseAdam, fused Adam on the net"
    )
    sparse = True

    def __init__(self, work: Work, device: str = "cpu", graphed: bool = False) -> None:
        super().__init__(work)
        self.device, self.graphed = torch.device(device), graphed
        torch.manual_seed(work.seed)
        self.net = mlp(work).to(self.device)
        self.table = nn.Embedding(sum(work.sizes), work.width, sparse=self.sparse, device=self.device)
        nn.init.normal_(self.table.weight, std=0.01)
        self.optimizers = self.make_optimizers()
        self.batches = batches(work, device=self.device)
        self.learn = captured(self.train, *next(self.batches)) if graphed else self.train

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        net = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True)
        return [torch.optim.SparseAdam(list(self.table.parameters()), lr=1e-3), net]

    def parameters(self) -> int:
        return sum(p.numel() for part in (self.net, self.table) for p in part.parameters())

    def loss(self, ids_BF: Tensor, labels_BT: Tensor) -> Tensor:
        logits = self.net(self.table(ids_BF).view(-1, len(FIELDS), self.work.width))
        return functional.binary_cross_entropy_with_logits(logits, labels_BT) * len(TASKS)

    def step(self) -> None:
        self.learn(*next(self.batches))

    def train(self, ids_BF: Tensor, labels_BT: Tensor) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.loss(ids_BF, labels_BT).backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers:
            optimizer.step()


CONTENDER = TorchSparse
