"""Diagnostics of why a second epoch hurts, taken beside the metrics of an evaluation where a plan asks for them.

All look at the batch that was trained last, with its rows as they were before its own step: in epoch 1 rows that had
never met its labels, in epoch 2 rows that had.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.batches import Batch
from harness.corpus import Corpus
from harness.encode import Encoding
from harness.metrics import BUCKETS, bucket_of
from harness.tables import EmbeddingTables

FOLDS = 5
HELD_OUT = 4096
"""Validation examples that the held-out A-distance is of."""


class Probes:
    """What an evaluation adds to its metrics: `probe/<name>/<part>` -> value.

    names: of `PROBES`. held_out_NC: fused rows of the first validation examples; label_N: of their first task.
    drawn_RD: the tables as they are drawn, which is when this must be made.
    """

    def __init__(self, names: Sequence[str], corpus: Corpus, encoding: Encoding, tables: EmbeddingTables) -> None:
        self._probes = [PROBES[name] for name in names]
        self.tables = tables
        if names:
            held_out = corpus.valid.take(np.arange(min(HELD_OUT, len(corpus.valid))))
            self.held_out_NC = encoding.rows_BC(torch.from_numpy(held_out.codes_NF)).to(tables.device)
            self.label_N = held_out.labels_NT[:, 0]
            self.drawn_RD = tables.weight_RD.clone()

    def __call__(self, batch: Batch) -> dict[str, float]:
        """batch: the one that was stepped last."""
        return {key: value for probe in self._probes for key, value in probe(self, batch).items()}


def a_distance(probes: Probes, batch: Batch) -> dict[str, float]:
    """By field, how far its embedding alone tells the label of the training batch; `a_distance_held_out`: of fresh
    examples.

    2 (2 acc - 1), acc the balanced accuracy in five folds of a logistic regression on embeddings scaled to [0, 1]
    (Zhang et al. 2022, "Towards understanding the overfitting phenomenon of deep click-through rate models", derived).
    """
    tables, label_B = probes.tables, batch.labels_BT[:, 0].cpu().numpy()
    sets = [("a_distance", tables.stepped_BFD, label_B)]
    sets.append(("a_distance_held_out", tables.read(probes.held_out_NC), probes.label_N))
    return {
        f"probe/{name}/{field.name}": _separation(embedded_BFD[:, f].cpu().numpy(), label)
        for name, embedded_BFD, label in sets
        for f, field in enumerate(tables.fields)
    }


def row_norm(probes: Probes, batch: Batch) -> dict[str, float]:
    """By frequency of the row in training, the mean Euclidean norm of its displacement since it was first drawn."""
    tables = probes.tables
    moved_R = (tables.weight_RD - probes.drawn_RD).norm(dim=1)
    return _by_bucket("row_norm", tables.train_count_R, moved_R, torch.ones_like(moved_R))


def self_influence(probes: Probes, batch: Batch) -> dict[str, float]:
    """By frequency of the row in training, the part of its displacement that the last batch's own examples caused.

    sum of <own, total> / sum of <total, total> over the rows of the batch, own being the step just made and total the
    displacement since the row was first drawn: 1 for a row that no other batch has moved.
    """
    tables = probes.tables
    rows_K, before_KD = tables.stepped
    now_KD = tables.weight_RD.index_select(0, rows_K)
    own_KD, total_KD = now_KD - before_KD, now_KD - probes.drawn_RD.index_select(0, rows_K)
    count_K = tables.train_count_R.index_select(0, rows_K)
    return _by_bucket("self_influence", count_K, (own_KD * total_KD).sum(dim=1), total_KD.square().sum(dim=1))


PROBES = {"a_distance": a_distance, "row_norm": row_norm, "self_influence": self_influence}


def _separation(embedded_BD: npt.NDArray[np.float32], label_B: npt.NDArray[np.generic]) -> float:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.preprocessing import minmax_scale
    from threadpoolctl import threadpool_limits

    positives = np.count_nonzero(label_B)
    if min(positives, len(label_B) - positives) < FOLDS:
        return 0.0
    model = LogisticRegression(class_weight="balanced", solver="newton-cholesky")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # rows that tell nothing at all have no slope to follow
        scores = cross_val_score(
            model, minmax_scale(embedded_BD.astype(np.float64)), label_B, cv=FOLDS, scoring="balanced_accuracy"
        )
    return float(max(0.0, 2 * (2 * scores.mean() - 1)))


def _by_bucket(name: str, count: Tensor, above: Tensor, below: Tensor) -> dict[str, float]:
    """Ratio of sums in each bucket of training counts that has rows."""
    bucket = torch.from_numpy(bucket_of(count.cpu().numpy())).to(above.device)
    sums = torch.zeros(2, len(BUCKETS), dtype=torch.float64, device=above.device)
    sums.index_add_(1, bucket, torch.stack([above, below]).double())
    above_G, below_G = sums.tolist()
    return {
        f"probe/{name}/{bucket_name}": above_G[b] / below_G[b]
        for b, (bucket_name, _) in enumerate(BUCKETS)
        if below_G[b] > 0
    }
