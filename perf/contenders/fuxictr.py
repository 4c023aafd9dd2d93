"""FuxiCTR with its own embedding layer, MLP block, optimiser settings, training step and loader."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fuxictr.features import FeatureMap
from fuxictr.pytorch.dataloaders import RankDataLoader
from fuxictr.pytorch.layers import FeatureEmbedding, MLP_Block
from fuxictr.pytorch.models.rank_model import BaseModel
from torch import Tensor
from torch.nn import functional

from perf.contenders import Contender
from perf.work import FIELDS, TASKS, Work, draw


class SharedBottom(BaseModel):  # type: ignore[misc]
    """One MLP with an output per task, and the sum of their losses."""

    def __init__(self, features: FeatureMap, work: Work, folder: str) -> None:
        super().__init__(features, verbose=0, model_root=folder, metrics=["AUC"])
        self.embedding_layer = FeatureEmbedding(features, work.width)
        self.mlp = MLP_Block(len(FIELDS) * work.width, list(work.hidden), output_dim=len(TASKS))
        self.compile("adam", "binary_cross_entropy", lr=1e-3)
        self.loss_fn = functional.binary_cross_entropy_with_logits
        self.reset_parameters()
        self._max_gradient_norm = 10.0

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        embedded = self.embedding_layer(self.get_inputs(inputs), flatten_emb=True)
        return {"y_pred": self.mlp(embedded)}

    def get_labels(self, inputs: dict[str, Tensor]) -> Tensor:
        return torch.stack([inputs[task] for task in TASKS], dim=1).float()

    def add_loss(self, outputs: dict[str, Tensor], labels_BT: Tensor) -> Tensor:
        loss: Tensor = super().add_loss(outputs, labels_BT)
        return loss * len(TASKS)


class FuxiCTR(Contender):
    label = "FuxiCTR, its own loader"
    times = (
        "the body of its `train_epoch`: its shuffled NpzDataLoader, in memory and in this process (on two cores faster "
        "than with 1 or 2 workers, or its Parquet loader), `train_step` with dense Adam and clipping, `loss.item()`"
    )
    distributions = ("fuxictr", "torch")

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        torch.manual_seed(work.seed)
        folder = tempfile.TemporaryDirectory()
        self.model = SharedBottom(_features(work), work, folder.name)
        self.model.train()
        ids_NF, labels_NT = draw(work)
        columns = dict(zip(FIELDS, ids_NF.T, strict=True)) | dict(zip(TASKS, labels_NT.T, strict=True))
        path = Path(folder.name) / "train.npz"
        np.savez(path, **columns)
        self.loader, _ = RankDataLoader(
            self.model.feature_map, stage="train", train_data=str(path), batch_size=work.batch, num_workers=0
        )
        folder.cleanup()
        self.batches = self._batches()

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        while True:
            yield from self.loader

    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())

    def step(self) -> None:
        self.model.train_step(next(self.batches)).item()


def _features(work: Work) -> Any:
    features = FeatureMap("perf", ".")
    features.features = OrderedDict(
        (name, {"source": "", "type": "categorical", "vocab_size": size})
        for name, size in zip(FIELDS, work.sizes, strict=True)
    )
    features.labels, features.num_fields = list(TASKS), len(FIELDS)
    features.set_column_index()
    return features


CONTENDER = FuxiCTR
