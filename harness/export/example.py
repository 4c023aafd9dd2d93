"""A tiny model that the engine and an exported module both train, so that their numbers can be compared.

The written module holds a copy of these lines.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROWS = {"user": 7, "item": 5}
TRAIN_IDS, EPOCHS, STEPS, EXAMPLES = 1000, 3, 4, 6


def example_weights(field: int, rows: int) -> Tensor:
    return torch.sin(torch.arange(2 * rows).view(rows, 2) * 1.3 + field) / 2


def example_ids(step: int, field: int, rows: int) -> Tensor:
    return (torch.arange(EXAMPLES) * (step + field)) ** 2 % rows


def example_counts(field: int, rows: int) -> Tensor:
    ids = torch.cat([example_ids(step, field, rows) for step in range(1, STEPS + 1)])
    return torch.bincount(ids, minlength=rows)


def example_loss(embedded_BFD: Tensor, step: int) -> Tensor:
    labels_B = ((torch.arange(EXAMPLES) + step) % 3 == 0).float()
    return nn.functional.binary_cross_entropy_with_logits(embedded_BFD.sum(dim=(1, 2)), labels_B)
