"""TorchRec as one writes it: its fused embedding collection, fed by a KeyedJaggedTensor."""

from __future__ import annotations

import torch
from torch import Tensor
from torchrec.modules.embedding_configs import EmbeddingBagConfig
from torchrec.modules.fused_embedding_modules import FusedEmbeddingBagCollection
from torchrec.optim.rowwise_adagrad import RowWiseAdagrad
from torchrec.sparse.jagged_tensor import KeyedJaggedTensor

from perf.contenders.fbgemm import Fbgemm
from perf.work import FIELDS


class TorchRec(Fbgemm):
    label = "TorchRec"
    times = "as FBGEMM, through `FusedEmbeddingBagCollection`, with a KeyedJaggedTensor made of every batch"
    distributions = ("torchrec", "fbgemm-gpu-cpu", "torch")

    def make_tables(self) -> None:
        tables = [
            EmbeddingBagConfig(name=name, embedding_dim=self.work.width, num_embeddings=size, feature_names=[name])
            for name, size in zip(FIELDS, self.work.sizes, strict=True)
        ]
        settings = {"lr": 1e-3, "eps": 1e-8}
        self.tables = FusedEmbeddingBagCollection(tables, RowWiseAdagrad, settings, device=torch.device("cpu"))
        self.lengths = torch.ones(len(FIELDS) * self.work.batch, dtype=torch.int64)

    def embed(self, ids_FB: Tensor) -> Tensor:
        values = ids_FB.reshape(-1)
        jagged = KeyedJaggedTensor(list(FIELDS), values, lengths=self.lengths, offsets=self.offsets)
        embedded: Tensor = self.tables(jagged).values()
        return embedded


CONTENDER = TorchRec
