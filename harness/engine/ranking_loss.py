"""A loss that ranks: each positive of a batch against all its negatives, as a softmax with sampled negatives does.

The log holds the negatives that were shown, and they stand for the sampled ones; nothing corrects for how often an item
is shown. A logit is then known but for a constant: AUC can be read, logloss, Brier score and calibration cannot.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def in_batch_softmax(
    logits_BT: Tensor, labels_BT: Tensor, known_BT: Tensor | None, weight_B: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The mean over positives, [T], of -log of its share of exp(logit), beside all negatives, in nats, and the gradient
    [B, T] of its sum over tasks at the logits.

    A weight of w counts as w examples. A task without positives or without negatives that count has the loss 0.
    """
    weight_BT = torch.ones_like(logits_BT) if known_BT is None else known_BT
    if weight_B is not None:
        weight_BT = weight_BT * weight_B[:, None]
    positive_BT = weight_BT * labels_BT
    share_BT = positive_BT / positive_BT.sum(dim=0).clamp(min=torch.finfo(torch.float32).tiny)
    against_BT = logits_BT + (weight_BT * (1 - labels_BT)).log()
    total_T = against_BT.logsumexp(dim=0)
    behind_BT = total_T - logits_BT
    pull_BT = torch.sigmoid(behind_BT) * share_BT
    push_BT = torch.exp(against_BT - total_T.clamp(min=torch.finfo(torch.float32).min))
    return (functional.softplus(behind_BT) * share_BT).sum(dim=0), push_BT * pull_BT.sum(dim=0) - pull_BT
