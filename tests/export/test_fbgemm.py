"""Settings for TorchRec, tried with FBGEMM's own operator on a CPU, where it is installed: no requirement of ours."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.experiment.specs import TrainSpec
from harness.export.exported import exported
from harness.export.torch_module import torch_module
from harness.export.torchrec import torchrec_settings
from harness.plugins.registry import Registry

SIZES, WIDTH, BATCH, STEPS = (60, 9, 25), 4, 20, 60


def fused_tables(settings: str) -> Any:
    training = pytest.importorskip("fbgemm_gpu.split_table_batched_embeddings_ops_training")
    names: dict[str, Any] = {}
    exec(settings, names)
    place = training.EmbeddingLocation.HOST, training.ComputeDevice.CPU
    specs = [(rows, WIDTH, *place) for rows in SIZES]
    return training.SplitTableBatchedEmbeddingBagsCodegen(specs, **names["fused_params"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("text", "optimizer"),
    [
        ("none", "sgd"),
        ("none", "adagrad"),
        ("none", "rowwise_adagrad"),
        ("counter_adagrad(bound=0.3)", "adam"),
        ("counter_adagrad(bound=10.0)", "adam"),
    ],
)
def test_fused_optimisers_step_as_exported_ones(text: str, optimizer: str) -> None:
    what = exported(text, TrainSpec.model_validate({"table_optimizer": optimizer, "table_lr": 0.05}), Registry())
    fused = fused_tables(torchrec_settings(what, text))
    written = ModuleType("exported")
    sys.modules["exported"] = written  # dataclasses look there
    exec(torch_module(what, "multiepoch export"), vars(written))
    random = torch.Generator().manual_seed(0)
    weights = {str(f): nn.Parameter(torch.randn(rows, WIDTH, generator=random) / 4) for f, rows in enumerate(SIZES)}
    for theirs, ours in zip(fused.split_embedding_weights(), weights.values(), strict=True):
        theirs.data.copy_(ours.data)
    tables = written.TableOptimizer(weights)
    for _ in range(STEPS):
        ids = [(rows * torch.rand(BATCH, generator=random) ** 3).long() for rows in SIZES]
        labels = (torch.stack(ids).sum(dim=0) % 2).float()

        def learn(embedded: list[Tensor], labels: Tensor = labels) -> None:
            logits = torch.cat(embedded, dim=1).sum(dim=1)
            torch.autograd.backward(nn.functional.binary_cross_entropy_with_logits(logits, labels))

        tables.zero_grad()
        learn(
            [nn.functional.embedding(i, weight, sparse=True) for i, weight in zip(ids, weights.values(), strict=True)]
        )
        tables.step()
        learn([fused(torch.cat(ids), torch.arange(len(SIZES) * BATCH + 1))])
    for theirs, ours in zip(fused.split_embedding_weights(), weights.values(), strict=True):
        assert (theirs - ours).abs().max() <= 1e-6 * ours.abs().max()
