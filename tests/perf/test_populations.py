"""Traits of populations and what goes with them, as `perf.populations` makes them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry
from perf import populations


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of eight populations, on which plain training falls the more, the higher their number."""
    rows = [
        {"dataset": f"p{n}", "strategy": s, "quantity": q, "role": "arm", "task": "click", "metric": "auc", "mean": m}
        for n in range(8)
        for (s, q) in populations.QUANTITIES
        for m in [-0.01 * n if q == "final_epoch_gain" else 0.001 * (-1) ** n]
    ]
    path = tmp_path_factory.mktemp("table") / "populations.csv"
    other = [rows[0] | {"task": "convert", "mean": 9.0}, rows[0] | {"metric": "logloss", "mean": 9.0}]
    pl.DataFrame([*rows, *other]).write_csv(path)
    return path


def test_a_trait_that_grows_with_the_fall_is_told_from_one_that_does_not(table: Path) -> None:
    gains = populations.measured(table, "click")
    assert [gain["plain, last epoch"] for gain in gains.values()] == pytest.approx([-0.01 * n for n in range(8)])
    of = {name: dict.fromkeys(populations.TRAITS, float((5 * n) % 8)) for n, name in enumerate(gains)}
    for n, name in enumerate(gains):
        of[name]["ids seen once"] = n / 8
    found = populations.correlations(of, gains)
    assert found["ids seen once", "plain, last epoch"] == pytest.approx((-1.0, 0.0), abs=1e-6)
    assert found["positives", "plain, last epoch"][1] > 0.05
    assert "| ids seen once | **-1.00 (p 0.000)** |" in populations.markdown(of, gains)


def test_traits_are_those_of_the_data_that_the_plan_trains_on(tmp_path: Path) -> None:
    dataset = PluginSpec(name="powerlaw", params={"preset": "random-3", "rows": 50_000})
    found = populations.traits(dataset, Registry(), tmp_path)
    assert found["positives"] == pytest.approx(0.034, abs=0.003)
    assert found["rows with an unseen id"] + found["rows whose rarest id was seen once"] < 1
    assert 0.6 < found["AUC of the truth"] < 0.9
