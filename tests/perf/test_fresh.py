"""The simulation behind the table of fresh test rows computes what the harness does."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.classification import Target
from harness.metrics.influence import influences
from perf.fresh import auc_and_influence


@pytest.mark.parametrize("rows", [1, 3])
def test_many_aucs_at_once_are_those_of_the_metrics(rows: int) -> None:
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, (1, 60)), rng.normal(size=(3, 60))
    aucs, moved = auc_and_influence(score, label, rows)
    target, group = Target(label[0]), np.arange(60) // rows
    for auc, influence, scores in zip(aucs, moved, score, strict=True):
        assert auc == pytest.approx(target(scores)["auc"], abs=1e-12)
        assert influence == pytest.approx(influences(target, scores, ("auc",), group)["auc"], abs=1e-12)
