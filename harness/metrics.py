"""Pure functions of arrays: how good N predicted logits are, in float64 and over the whole split at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import entr

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

BUCKETS = (("unseen", 0), ("1", 1), ("2-4", 2), ("5-19", 5), ("20-99", 20), ("100-up", 100))
"""Name and lowest training count of each frequency bucket."""


def task_metrics(logit_N: Array, label_N: Array, truth_N: Array | None = None) -> dict[str, float]:
    """AUC, PR-AUC, logloss, normalised entropy and calibration; with the generating probability also regret.

    What is undefined is left out: with one class AUC, PR-AUC and normalised entropy, without positives calibration,
    and the oracle share where the truth itself ranks no better than chance, as it may in a bucket of a few rows.
    Logits that are not finite have no metric but a logloss of nan.
    """
    logit, label = logit_N.astype(np.float64), label_N.astype(np.float64)
    if not np.isfinite(logit).all():
        return {"logloss": math.nan}
    out = {"logloss": logloss(logit, label)}
    base = label.mean()
    if 0 < base < 1:
        out["auc"], out["pr_auc"] = rank_metrics(logit, label)
        out["ne"] = out["logloss"] / float(-(base * np.log(base) + (1 - base) * np.log1p(-base)))
    if base > 0:
        out["calibration"] = float(_sigmoid(logit).sum() / label.sum())
    if truth_N is not None:
        truth = truth_N.astype(np.float64)
        out["regret"] = logloss(logit, truth) - float(np.mean(entr(truth) + entr(1 - truth)))
        if "auc" in out and (oracle := rank_metrics(truth, label)[0]) > 0.5:
            out["oracle_share"] = (out["auc"] - 0.5) / (oracle - 0.5)
    return out


def logloss(logit_N: Floats, label_N: Floats) -> float:
    """Mean cross-entropy in nats; labels may be probabilities."""
    return float(np.mean(np.logaddexp(0.0, logit_N) - label_N * logit_N))


def rank_metrics(score_N: Array, label_N: Array) -> tuple[float, float]:
    """Exact ROC AUC (ties count half) and average precision (PR-AUC, ties as one threshold), from one sort."""
    order = np.argsort(-score_N, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(score_N[order])), len(order) - 1)
    positives = np.cumsum(label_N[order].astype(np.float64))[last_of_tie]
    ranked = last_of_tie + 1.0
    negatives = ranked - positives
    gained_positives = np.diff(positives, prepend=0.0)
    gained_negatives = np.diff(negatives, prepend=0.0)
    auc = np.sum(gained_negatives * (positives - gained_positives / 2)) / (positives[-1] * negatives[-1])
    precision = np.sum(gained_positives * positives / ranked) / positives[-1]
    return float(auc), float(precision)


def gauc(logit_N: Array, label_N: Array, group_N: Array) -> dict[str, float]:
    """Mean AUC within a group, weighted by the group's examples; groups of one class are skipped.

    Also the share of examples in the groups that count; no AUC if there are none.
    """
    order = np.lexsort((logit_N, group_N))
    group, score, label = group_N[order], logit_N[order], label_N[order].astype(np.float64)
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    which = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(group))))
    position = np.arange(len(group)) - first[which] + 1.0
    new_tie = np.append(True, (group[1:] != group[:-1]) | (score[1:] != score[:-1]))
    tie = np.cumsum(new_tie) - 1
    rank = (np.bincount(tie, position) / np.bincount(tie))[tie]
    size, positives = np.bincount(which), np.bincount(which, label)
    negatives = size - positives
    mixed = (positives > 0) & (negatives > 0)
    if not mixed.any():
        return {"gauc_share": 0.0}
    wins = np.bincount(which, rank * label) - positives * (positives + 1) / 2
    value = np.average(wins[mixed] / (positives * negatives)[mixed], weights=size[mixed])
    return {"gauc": float(value), "gauc_share": float(size[mixed].sum() / size.sum())}


def bucket_of(count_N: Array) -> npt.NDArray[np.int64]:
    """Index into `BUCKETS` of each training count."""
    return np.searchsorted([low for _, low in BUCKETS], count_N, side="right") - 1


def _sigmoid(logit: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -logit))
