"""Diagnostics of why a second epoch hurts. A plan asks for them; evaluations record them beside the metrics.

`a_distance`, `label_noise_correlation` and `self_influence` look at the last batch, with its rows as they were before
its own step: in epoch 1 those rows had never been trained on its labels, in epoch 2 they had.
`true_logit_correlation` and `a_distance_held_out` look at validation examples, `row_norm` at all rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import logit
from torch import Tensor

from harness.data.indexed_dataset import IndexedDataset
from harness.engine.batch import Batch
from harness.engine.columns import Rows
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.lookup import Lookup
from harness.engine.row_mapping import RowMapping
from harness.metrics.catalog import BUCKETS
from harness.metrics.classification import bucket_of
from harness.results.keys import MetricKey

Floats = npt.NDArray[np.float64]
Values = dict[MetricKey, float]

FOLDS = 5
HELD_OUT = 4096
"""Validation examples that the held-out A-distance is of."""


class Probes:
    """What an evaluation adds to its metrics: `probe/<name>/<part>` -> value.

    names: of `metrics.catalog.PROBES`. task: index of the one whose known labels are looked at. Must be made before the
    first step, since it keeps the weights that rows were drawn with.
    """

    held_out: Rows
    """What the first validation examples look up."""
    label_N: npt.NDArray[np.float32]
    """Their labels."""
    truth_N: Floats | None
    """The probabilities that generated their labels, if known."""
    drawn_RD: Tensor
    """The weights of all rows when they were first drawn."""

    def __init__(
        self, names: Sequence[str], dataset: IndexedDataset, mapping: RowMapping, tables: EmbeddingTables, task: int = 0
    ) -> None:
        self._probes = [FUNCTIONS[name] for name in names]
        self.tables, self.task = tables, task
        if names:
            known_NT, first = dataset.valid.observed_NT, np.arange(min(HELD_OUT, len(dataset.valid)))
            held_out = dataset.valid.take(first if known_NT is None else first[known_NT[first, task]])
            self.held_out = mapping.rows_of(held_out).to(tables.device)
            self.label_N = held_out.labels_NT[:, task].astype(np.float32)
            self.truth_N = None if held_out.truth_NT is None else held_out.truth_NT[:, task].astype(np.float64)
            self.drawn_RD = tables.weight_RD.clone()

    def __call__(self, batch: Batch, lookup: Lookup) -> Values:
        """batch, lookup: those of the last step."""
        return {key: value for probe in self._probes for key, value in probe(self, batch, lookup).items()}

    def read_held_out(self) -> npt.NDArray[np.float32]:
        """Their embeddings, [N, F, D]."""
        return self.tables.read(self.held_out.rows_BC, self.held_out.scale_BC).cpu().numpy()


def a_distance(probes: Probes, batch: Batch, lookup: Lookup) -> Values:
    """By field, how well its embedding alone separates the labels of the last batch; `a_distance_held_out`: those of
    validation examples.

    2 (2 acc - 1), acc the balanced accuracy in five folds of a logistic regression on embeddings scaled to [0, 1]
    (Zhang et al. 2022, "Towards understanding the overfitting phenomenon of deep click-through rate models", derived);
    0 where that is below chance. Labels with fewer examples of a class than folds have none: what they tell is not
    known.
    """
    tables, (label_B, embedded_BFD) = probes.tables, _learnt(probes, batch, lookup)
    sets = [("a_distance", embedded_BFD, label_B)]
    sets.append(("a_distance_held_out", probes.read_held_out(), probes.label_N))
    return {
        MetricKey("probe", name, field): _separation(embedded_BFD[:, f], label_B)
        for name, embedded_BFD, label_B in sets
        if min(positives := np.count_nonzero(label_B), len(label_B) - positives) >= FOLDS
        for f, field in enumerate(tables.vectors.names)
    }


def label_noise_correlation(probes: Probes, batch: Batch, lookup: Lookup) -> Values:
    """By field, the correlation of the noise of the batch's labels with its prediction from the embedding.

    The noise, (y - p) / sqrt(p (1 - p)), cannot be predicted from the truth p: rows that were never trained on the
    label correlate with it by chance alone, so a correlation above zero is memory of this very label.
    """
    assert batch.truth_BT is not None
    label_B, embedded_BFD = _learnt(probes, batch, lookup)
    truth_B = batch.truth_BT[_known(probes, batch), probes.task].double().numpy().clip(1e-6, 1 - 1e-6)
    noise_B = (label_B - truth_B) / np.sqrt(truth_B * (1 - truth_B))
    return _correlation("label_noise_correlation", probes, embedded_BFD, noise_B)


def true_logit_correlation(probes: Probes, batch: Batch, lookup: Lookup) -> Values:
    """By field, the correlation of the true logit of validation examples with its prediction from the embedding."""
    assert probes.truth_N is not None
    logit_N = logit(probes.truth_N.clip(1e-6, 1 - 1e-6))
    embedded_NFD = probes.read_held_out()
    return _correlation("true_logit_correlation", probes, embedded_NFD, logit_N - logit_N.mean())


def row_norm(probes: Probes, batch: Batch, lookup: Lookup) -> Values:
    """By training count of the row, the mean Euclidean distance from where it was first drawn."""
    tables = probes.tables
    moved_R = (tables.weight_RD - probes.drawn_RD).norm(dim=1)
    return _by_bucket("row_norm", tables.train_count_R, moved_R, torch.ones_like(moved_R))


def self_influence(probes: Probes, batch: Batch, lookup: Lookup) -> Values:
    """By training count of the row, the share of its displacement that the last batch's own examples caused.

    sum of <own, total> / sum of <total, total> over the rows of the batch, own being the step just made and total the
    displacement since the row was first drawn: 1 for a row that no other batch has moved.
    """
    tables = probes.tables
    rows_K, before_KD = lookup.rows.rows_K, lookup.weight_KD
    now_KD = tables.weight_RD.index_select(0, rows_K)
    own_KD, total_KD = now_KD - before_KD, now_KD - probes.drawn_RD.index_select(0, rows_K)
    count_K = tables.train_count_R.index_select(0, rows_K)
    return _by_bucket("self_influence", count_K, (own_KD * total_KD).sum(dim=1), total_KD.square().sum(dim=1))


FUNCTIONS: dict[str, Callable[[Probes, Batch, Lookup], Values]] = {
    "a_distance": a_distance,
    "label_noise_correlation": label_noise_correlation,
    "true_logit_correlation": true_logit_correlation,
    "row_norm": row_norm,
    "self_influence": self_influence,
}


def _known(probes: Probes, batch: Batch) -> Tensor | slice:
    """Which of the batch's labels are known."""
    return slice(None) if batch.known_BT is None else batch.known_BT[:, probes.task].cpu() > 0


def _learnt(probes: Probes, batch: Batch, lookup: Lookup) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The known labels of the batch, and the embeddings of their examples, [B, F, D]."""
    known_B = _known(probes, batch)
    return batch.labels_BT.cpu()[known_B, probes.task].numpy(), lookup.embedded_BFD.detach().cpu()[known_B].numpy()


def _separation(embedded_BD: npt.NDArray[np.float32], label_B: npt.NDArray[np.float32]) -> float:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.preprocessing import minmax_scale
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(class_weight="balanced", solver="newton-cholesky")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal rows have no slope to follow
        scores = cross_val_score(
            model, minmax_scale(embedded_BD.astype(np.float64)), label_B, cv=FOLDS, scoring="balanced_accuracy"
        )
    return float(max(0.0, 2 * (2 * scores.mean() - 1)))


def _correlation(name: str, probes: Probes, embedded_BFD: npt.NDArray[np.float32], target_B: Floats) -> Values:
    """By field, the correlation of a target with its prediction from the field's embedding.

    Each of five folds is predicted by a ridge regression fitted on the others. It has no intercept, which would predict
    the mean of the fold with the wrong sign. Fewer examples than folds, as a last batch may have, give none.
    """
    if len(target_B) < FOLDS:
        return {}
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_predict
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        predicted_FB = [
            cross_val_predict(Ridge(1.0, fit_intercept=False), _features(embedded_BFD[:, f]), target_B, cv=FOLDS)
            for f in range(len(probes.tables.vectors.names))
        ]
    return {
        MetricKey("probe", name, field): _alike(predicted_B, target_B)
        for field, predicted_B in zip(probes.tables.vectors.names, predicted_FB, strict=True)
    }


def _alike(predicted_B: Floats, target_B: Floats) -> float:
    """Their correlation; 0 where one of them is the same everywhere."""
    return float(np.corrcoef(predicted_B, target_B)[0, 1]) if np.ptp(predicted_B) and np.ptp(target_B) else 0.0


def _features(embedded_BD: npt.NDArray[np.float32]) -> Floats:
    """Every column twice, with mean 0: in standard deviations, and as ranks from -1 to 1.

    A few rows of frequent ids are so long that the first alone would let them decide the regression.
    """
    from scipy.stats import rankdata  # here, as it takes seconds to import and few plans probe

    value_BD = embedded_BD - embedded_BD.mean(axis=0, dtype=np.float64)
    deviation_D = value_BD.std(axis=0)
    rank_BD = (2 * rankdata(embedded_BD, axis=0) - 1) / len(embedded_BD) - 1
    return np.hstack([value_BD / np.where(deviation_D > 1e-12, deviation_D, 1), rank_BD])


def _by_bucket(name: str, count: Tensor, above: Tensor, below: Tensor) -> Values:
    """Ratio of sums in each bucket of training counts that has rows."""
    bucket = torch.from_numpy(bucket_of(count.cpu().numpy())).to(above.device)
    sums = torch.zeros(2, len(BUCKETS), dtype=torch.float64, device=above.device)
    sums.index_add_(1, bucket, torch.stack([above, below]).double())
    above_G, below_G = sums.tolist()
    return {
        MetricKey("probe", name, bucket_name): above_G[b] / below_G[b]
        for b, (bucket_name, _) in enumerate(BUCKETS)
        if below_G[b] > 0
    }
