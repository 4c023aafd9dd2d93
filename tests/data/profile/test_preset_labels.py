"""How labels of one id go together: the estimate against all pairs of rows, and presets that are fitted to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.synthetic import coded

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.intraclass import intraclass, of_labels
from harness.data.profile.preset_labels import MOST_DEVIATION, match_labels
from harness.data.profile.statistics import profile
from harness.data.profile.tables import of_one_id
from harness.data.synthetic.population import Population

LOG: dict[str, Any] = {
    "rows": 80_000,
    "match": [["user"], ["item"]],
    "group": "user",
    "repeat": 0.5,
    "gap": 60,
    "correlation": 0.0,
    "drift": 0.0,
    "fields": {
        "user": {"ids": 4_000, "exponent": 0.3, "session": True},
        "item": {"ids": 800, "exponent": 0.8},
        "place": {"of": "user", "ids": 300, "exponent": 0.2},
        "page": {"ids": 200, "exponent": 0.2, "context": True},
        "session": {"time": "session", "hidden": True},
    },
    "tasks": {
        "click": {
            "rate": 0.3,
            "id_bias": 1.2,
            "context": 0.5,
            "interaction": 0.8,
            "weights": {"user": 0.5, "item": 0.1, "place": 0.1, "session": 0.3},
        },
        "buy": {"rate": 0.1, "id_bias": 0.8, "context": 0, "interaction": 0.1, "weights": {"user": 0, "session": 0}},
    },
}


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=3, max_size=40))
def test_the_estimate_is_that_of_all_pairs_of_rows_of_one_id(rows: list[tuple[int, bool]]) -> None:
    code_N, label_N = np.array([c for c, _ in rows]), np.array([float(y) for _, y in rows])
    found = intraclass(code_N, label_N)
    apart_N, total, weight = label_N - label_N.mean(), 0.0, 0
    for code in set(code_N.tolist()):
        own = apart_N[code_N == code]
        pairs = [own[i] * own[j] for i in range(len(own)) for j in range(len(own)) if i != j]
        total, weight = total + sum(pairs) / len(own), weight + len(own) - 1
    if not weight or not apart_N.any():
        assert found is None
    else:
        assert found is not None
        assert found.covariance == pytest.approx(total / weight, abs=1e-12)
        assert found.value == pytest.approx(found.covariance / np.square(apart_N).mean())


def test_where_labels_do_not_go_with_ids_the_estimate_scatters_around_none_as_its_error_says() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        one = intraclass(rng.zipf(1.5, 2_000) % 400, (rng.random(2_000) < 0.2).astype(float))
        assert one is not None
        found.append(one.value / one.error)
    assert abs(np.mean(found)) < 4 / np.sqrt(300)
    assert np.std(found) == pytest.approx(1, abs=4 / np.sqrt(2 * 300))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> IndexedDataset:
    return coded(LOG, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def fitted(log: IndexedDataset) -> dict[str, Any]:
    """The same but for all that labels depend on."""
    fields = {name: knobs for name, knobs in LOG["fields"].items() if name != "session"}
    tasks = {name: {"rate": task["rate"]} for name, task in LOG["tasks"].items()}
    return match_labels(log, profile(log), LOG | {"fields": fields, "tasks": tasks})


def test_a_fitted_preset_has_the_variances_that_made_the_log(fitted: dict[str, Any]) -> None:
    """Of parts that a tenth of the variance or more is of; sampled ids and labels leave a third of each open."""
    Population.model_validate(fitted)
    assert fitted["fields"]["session"] == {"time": "session", "hidden": True}
    for task, names in {"click": ["user", "place", "session"], "buy": ["item", "place"]}.items():
        made, found = (values["tasks"][task] for values in (LOG, fitted))
        total = sum(made["weights"].get(name, 1.0) for name in LOG["fields"] if name != "page")
        for name in names:
            wanted = made["id_bias"] ** 2 * made["weights"].get(name, 1.0) / total
            assert found["id_bias"] ** 2 * found["weights"][name] == pytest.approx(wanted, rel=0.35), (task, name)
    assert fitted["tasks"]["click"]["context"] == pytest.approx(0.5, rel=0.35)
    assert fitted["tasks"]["buy"]["weights"].get("user", 0.0) < 0.05
    assert fitted["tasks"]["buy"]["context"] < 0.1


def test_labels_of_its_ids_go_together_as_those_of_the_log(
    log: IndexedDataset, fitted: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = of_labels(coded(fitted, tmp_path_factory.mktemp("fitted")))
    for task, each in of_labels(log).items():
        for name, one in each.items():
            assert made[task][name].value == pytest.approx(one.value, abs=0.01 + 5 * one.error), (task, name)


def test_parts_that_no_logit_could_hold_between_them_are_held(tmp_path: Path) -> None:
    """Two fields that tell the same in the log, and all of it, and are drawn apart in the preset."""
    names = {"ids": 4_000, "exponent": 0.3}
    fields = {"user": LOG["fields"]["user"], "item": {"ids": 800}, "name": names | {"of": "user"}}
    task = {"rate": 0.4, "id_bias": 8, "interaction": 0, "weights": {"name": 0, "item": 0}}
    log = LOG | {"rows": 20_000, "fields": fields, "tasks": {"click": task}}
    data = coded(log, tmp_path)
    apart = fields | {"name": names}
    found = match_labels(data, profile(data), log | {"fields": apart, "tasks": {"click": {"rate": 0.4}}})["tasks"][
        "click"
    ]
    assert MOST_DEVIATION / 2 < found["id_bias"] <= MOST_DEVIATION
    assert found["weights"]["user"] == pytest.approx(found["weights"]["name"], rel=0.5)


def test_a_table_tells_labels_that_go_with_ids_from_those_that_do_not(log: IndexedDataset) -> None:
    table = of_one_id(profile(log))
    assert table is not None
    cells = {row[0]: dict(zip(table.columns[1:], row[1:], strict=True)) for row in table.rows}
    assert [*cells] == ["user", "item", "place", "page"]
    assert 0.05 < float(cells["user"]["click"]) < 0.3
    assert cells["page"]["buy"] == "none"
    unseen = of_one_id(replace(profile(log), of_one_id={"click": {}}, fields=profile(log).fields[:1]))
    assert unseen is not None
    assert (unseen.columns[1:], unseen.rows) == (("click",), (("user", "-"),))
