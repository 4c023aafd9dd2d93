"""The fastest of torch's dense ways: `nn.Embedding` with `Adam(fused=True)`, which steps every row at every step."""

from __future__ import annotations

import torch

from perf.contenders.torch_sparse import TorchSparse


class TorchDenseFused(TorchSparse):
    label = "nn.Embedding + fused Adam"
    times = "as nn.Embedding(sparse=True), but with dense gradients and one fused Adam for tables and net"
    sparse = False

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        parameters = [*self.net.parameters(), *self.table.parameters()]
        return [torch.optim.Adam(parameters, lr=1e-3, fused=True, capturable=self.graphed)]


CONTENDER = TorchDenseFused
