"""FBGEMM's table-batched embedding, the operator inside TorchRec, with row-wise Adagrad in its backward."""

from __future__ import annotations

from typing import ClassVar

import torch
from fbgemm_gpu.split_embedding_configs import EmbOptimType
from fbgemm_gpu.split_table_batched_embeddings_ops_training import (
    ComputeDevice,
    EmbeddingLocation,
    SplitTableBatchedEmbeddingBagsCodegen,
)
from torch import Tensor
from torch.nn import functional

from perf.captured import captured
from perf.contenders import Contender
from perf.work import FIELDS, TASKS, Work, batches, mlp


class Fbgemm(Contender):
    label = "FBGEMM table-batched embedding"
    times = (
        "gathering of examples, lookup of all fields in one call of the operator, forward, backward with exact "
        "row-wise Adagrad fused in, fused Adam on the net"
    )
    distributions: ClassVar[tuple[str, ...]] = ("fbgemm-gpu-cpu", "fbgemm-gpu", "torch")

    def __init__(self, work: Work, device: str = "cpu", graphed: bool = False) -> None:
        super().__init__(work)
        self.device = torch.device(device)
        torch.manual_seed(work.seed)
        self.net = mlp(work).to(self.device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, fused=True, capturable=graphed)
        self.batches = batches(work, offset=False, device=self.device)
        self.offsets = torch.arange(len(FIELDS) * work.batch + 1, device=self.device)
        self.make_tables()
        self.learn = captured(self.train, *next(self.batches)) if graphed else self.train

    def make_tables(self) -> None:
        on_gpu = self.device.type == "cuda"
        where = EmbeddingLocation.DEVICE if on_gpu else EmbeddingLocation.HOST
        place = where, ComputeDevice.CUDA if on_gpu else ComputeDevice.CPU
        self.tables = SplitTableBatchedEmbeddingBagsCodegen(
            [(size, self.work.width, *place) for size in self.work.sizes],
            optimizer=EmbOptimType.EXACT_ROWWISE_ADAGRAD,
            learning_rate=1e-3,
            eps=1e-8,
        )
        for weights in self.tables.split_embedding_weights():
            torch.nn.init.normal_(weights, std=0.01)

    def embed(self, ids_FB: Tensor) -> Tensor:
        embedded: Tensor = self.tables(ids_FB.reshape(-1), self.offsets)
        return embedded

    def parameters(self) -> int:
        return sum(self.work.sizes) * self.work.width + sum(p.numel() for p in self.net.parameters())

    def step(self) -> None:
        self.learn(*next(self.batches))

    def train(self, ids_BF: Tensor, labels_BT: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.net(self.embed(ids_BF.t()))
        loss = functional.binary_cross_entropy_with_logits(logits, labels_BT) * len(TASKS)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


CONTENDER = Fbgemm
