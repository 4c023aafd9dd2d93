"""What `data match` reads off numbers, lists and sequences, tried on rows whose knobs are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.synthetic import coded

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.preset_draws import draws
from harness.data.profile.preset_fit import matched
from harness.data.profile.preset_kinds import match_kinds
from harness.data.profile.statistics import profile
from harness.data.synthetic.population import Population

LOG: dict[str, Any] = {
    "rows": 50_000,
    "fields": {"user": {"ids": 500, "exponent": 0.5}, "item": {"ids": 400, "exponent": 0.8}},
    "numbers": {
        "price": {
            "law": "lognormal",
            "deviation": 0.5,
            "of": "item",
            "strength": 0.6,
            "missing": 0.1,
            "scale": "log1p",
        },
        "age": {"of": "user"},
        "warmth": {"mean": 5.0, "scale": "none"},
    },
    "lists": {
        "tags": {"of": "item", "ids": 50, "exponent": 0.5, "length": 3.0},
        "words": {"ids": 1_000, "exponent": 1.1, "length": 4.0, "shortest": 1, "longest": 9},
    },
    "sequences": {"seen": {"of": "item", "by": "user", "length": 4.0, "per_day": 1.5, "longest": 30}},
    "tasks": {"click": {"rate": 0.3}},
}
FIELDS: dict[str, dict[str, Any]] = {"user": {}, "item": {}, "pair": {"cross": ["user", "item"]}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> IndexedDataset:
    return coded(LOG, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def found(data: IndexedDataset) -> dict[str, dict[str, dict[str, Any]]]:
    return match_kinds(data, FIELDS)


def test_what_a_history_holds_is_no_draw_of_its_field(data: IndexedDataset) -> None:
    f = data.fields.index("item")
    item = draws(data, f, profile(data).fields[f], None)
    assert item.count_V.sum() == item.profile.frequencies.rows == len(data.train) < data.counts(f).sum()


def test_numbers_go_with_the_field_that_they_were_drawn_for(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    price, age, warmth = (found["numbers"][name] for name in LOG["numbers"])
    assert (price["of"], age["of"], warmth.get("of")) == ("item", "user", None)
    assert price["strength"] == pytest.approx(0.6, abs=0.05)
    assert age["strength"] == pytest.approx(1.0, abs=1e-6)
    assert price["missing"] == pytest.approx(0.1, abs=0.01)
    assert [warmth["mean"], warmth["deviation"]] == pytest.approx([5, 1], abs=0.03)


def test_lists_have_their_law_their_lengths_and_their_field(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    tags, words = found["lists"]["tags"], found["lists"]["words"]
    assert (tags["of"], words.get("of")) == ("item", None)
    assert words["exponent"] == pytest.approx(1.1, abs=0.1)
    assert words["ids"] == pytest.approx(1_000, rel=0.1)
    assert (words["shortest"], words["longest"]) == (1, 9)
    assert words["length"] == pytest.approx(3.8, abs=0.2)


def test_a_history_is_of_its_user_and_grows_as_it_did(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    seen = found["sequences"]["seen"]
    assert (seen["of"], seen["by"]) == ("item", "user")
    assert seen["per_day"] == pytest.approx(1.5, rel=0.1)
    assert 4 < seen["length"] < 6, "as at the first rows, days of growth among them"


def test_what_is_found_makes_a_population(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    assert Population.model_validate({name: LOG[name] for name in ("rows", "fields", "tasks")} | found).kinds.shares


def test_what_a_log_says_was_left_out_is_put_back(tmp_path: Path) -> None:
    """Rates and rows of the full log, of the task that was thinned and of one beside it."""
    tasks: dict[str, dict[str, Any]] = {
        "click": {"rate": 0.1, "kept": 0.2},
        "like": {"rate": 0.3},
        "buy": {"rate": 0.03, "under": "click"},
    }
    log = {"rows": 50_000, "fields": LOG["fields"], "id_bias": 0.5, "tasks": tasks}
    data = coded(log, tmp_path)
    made = matched(data, profile(data), {name: dict(field) for name, field in LOG["fields"].items()}, None, "")
    assert made["tasks"]["click"]["kept"] == 0.2
    assert made["tasks"]["buy"]["under"] == "click"
    assert made["rows"] == pytest.approx(50_000, rel=0.03)
    for name, task in tasks.items():
        assert made["tasks"][name]["rate"] == pytest.approx(task["rate"], rel=0.08)
