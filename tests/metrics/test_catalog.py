"""A metric is one entry and one function, and found everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from support.engine import strategy_of, train_records
from support.simulated import Bench

from harness.api import Model
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset
from harness.experiment.plan import SearchSpec
from harness.metrics import catalog, classification
from harness.metrics.catalog import METRICS, SELECTABLE, MetricInfo
from harness.metrics.classification import Predictions, Target
from harness.plugins.registry import Registry
from harness.report.write import write_report
from harness.results.keys import MetricKey
from harness.tracking.mlflow.points import name_of


@pytest.fixture
def skill(monkeypatch: pytest.MonkeyPatch) -> MetricInfo:
    """A new metric, added in the one place where metrics are."""
    info = MetricInfo("brier_skill", "Brier skill", "share of the base rate's Brier score that is saved", True)
    monkeypatch.setitem(METRICS, info.name, info)
    monkeypatch.setitem(SELECTABLE, info.name, info)
    monkeypatch.setitem(classification.FUNCTIONS, info.name, _skill)
    return info


def _skill(predictions: Predictions) -> float | None:
    base = predictions.target.base
    spread = base * (1 - base)
    return 1 - classification.FUNCTIONS["brier"](predictions) / spread if spread else None  # type: ignore[operator]


def test_a_new_metric_is_found_everywhere(
    skill: MetricInfo, dataset: IndexedDataset, model: Model, registry: Registry, tmp_path: Path
) -> None:
    assert SearchSpec(metric=skill.name).metric == skill.name
    last = train_records(dataset, model, [strategy_of(registry, "none")], epochs=1)[-1]
    assert {key.split for key in last.metrics if key.metric == skill.name} == {"sample", "valid", "test", "train"}
    assert name_of(MetricKey("valid", skill.name, "click")) == "valid/brier_skill/click"
    Bench(tmp_path, metric=skill.name).write()
    page = write_report(tmp_path, None).read_text()
    assert "click Brier skill" in page
    assert "click Brier skill" in (tmp_path / "report" / "bench.md").read_text()
    assert ",brier_skill," in (tmp_path / "report" / "bench.csv").read_text()


def test_without_it_the_metric_is_unknown() -> None:
    with pytest.raises(ValueError, match="unknown metric 'brier_skill'; did you mean 'brier'"):
        SearchSpec(metric="brier_skill")


def test_the_brier_score_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    logit, label = rng.normal(size=500).astype(np.float32), (rng.random(500) < 0.3).astype(np.uint8)
    probability = 1 / (1 + np.exp(-logit.astype(np.float64)))
    assert Target(label)(logit)["brier"] == pytest.approx(brier_score_loss(label, probability), rel=1e-12)


def test_the_documented_table_is_the_catalogue() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    better = {True: "more", False: "less", None: ""}
    expected = [(m.name, m.unit, better[m.larger_is_better], str(m.needs), m.meaning) for m in METRICS.values()]
    assert [tuple(cell.strip() for cell in row) for row in rows if row[0] in METRICS] == expected


def test_what_has_no_direction_cannot_be_ranked_by() -> None:
    assert set(METRICS) - set(SELECTABLE) == {"calibration", "gauc_share"}
    with pytest.raises(ValueError, match="unknown metric 'calibration'"):
        SearchSpec(metric="calibration")
    assert catalog.sign_of("auc") == -catalog.sign_of("logloss") == 1
