"""A state and the data of a run that begins with it must read numbers alike."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.engine import EVALUATION, TRAIN, make_split, store, train_epochs

from harness.api import Data, Kinds, Model, NumberField, UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import warm_start
from harness.engine.checkpoint import State
from harness.engine.evaluator import Evaluator
from harness.engine.trainer import Trainer
from harness.experiment.specs import StartSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import MetricKey

REGISTRY, START = Registry(), StartSpec(source="state.pt")


def net_of() -> Model:
    return build(REGISTRY.models, "model", "dnn", {"dim": 4, "hidden": (8,)})


def day(folder: Path, mean: float, *fields: NumberField, seed: int = 1) -> IndexedDataset:
    """A log whose labels go with a number of this mean; its held-out rows are the same every day."""

    def split(rows: int, seed: int, mean: float) -> Any:
        rng = np.random.default_rng(seed)
        ids_NF = rng.integers(0, 20, (rows, 1))
        number_N = mean + rng.standard_normal(rows).astype(np.float32)
        made = make_split(rng, ids_NF, numbers_NP=np.stack([number_N] * len(fields), axis=1))
        label_N = (rng.random(rows) < 1 / (1 + np.exp(-2 * (number_N - 1)))).astype(np.uint8)
        return replace(made, labels_NT=np.stack([label_N, label_N], axis=1))

    held_out = split(1000, 9, 1.5)
    kinds = Kinds(numbers=fields)
    return store(Data(("user",), ("click", "buy"), split(3000, seed, mean), held_out, held_out, kinds=kinds), folder)


def state_of(dataset: IndexedDataset) -> tuple[State, float]:
    """What a run leaves, and its logloss on held-out rows."""
    trainer = Trainer(dataset, net_of(), (), TRAIN, seed=1)
    train_epochs(trainer)
    logloss = logloss_of(trainer)
    return warm_start.end_state(trainer, net_of()), logloss


def logloss_of(trainer: Trainer) -> float:
    found = Evaluator(trainer.dataset, trainer.mapping, EVALUATION)(trainer.net, trainer.tables, full=True)
    return found[MetricKey("valid", "logloss", "click")]


def begun(state: State, dataset: IndexedDataset) -> Trainer:
    warm_start.check(state, START, net_of(), (), dataset, TRAIN)
    trainer = Trainer(warm_start.knowing(dataset, state, START), net_of(), (), TRAIN, seed=2)
    warm_start.begin(trainer, state, START)
    return trainer


@pytest.mark.parametrize("field", [{}, {"scale": "log1p"}, {"buckets": 8}], ids=str)
def test_a_state_of_another_scale_is_refused_and_begins_with_what_the_message_says(
    field: dict[str, Any], tmp_path: Path
) -> None:
    """Read so, held-out rows are predicted before the first step as the earlier run predicted them."""
    state, before = state_of(day(tmp_path / "one", 0.0, NumberField("price", **field)))
    other = day(tmp_path / "other", 3.0, NumberField("price", **field), seed=2)
    with pytest.raises(
        UserError, match=r"train.start: 'state.pt' reads number 'price' by .*, this run's data by"
    ) as got:
        warm_start.check(state, START, net_of(), (), other, TRAIN)
    given = tomllib.loads(
        f"price = {{ {str(got.value).partition('accepted: the same, as by a schema with price: ')[2]} }}"
    )
    said: dict[str, Any] = {key: tuple(v) if key == "edges" else v for key, v in given["price"].items()}
    again = NumberField("price", **said)
    fixed = begun(state, day(tmp_path / "fixed", 3.0, again, seed=2))
    assert logloss_of(fixed) == pytest.approx(before, abs=1e-6)


def test_every_number_that_differs_is_named_at_once(tmp_path: Path) -> None:
    fields = NumberField("a"), NumberField("b", "quantile"), NumberField("c", "none"), NumberField("d", buckets=300)
    state, _ = state_of(day(tmp_path / "one", 0.0, *fields))
    other = day(tmp_path / "other", 3.0, *fields)
    with pytest.raises(UserError) as got:
        warm_start.check(state, START, net_of(), (), other, TRAIN)
    read, accepted = str(got.value).split("; accepted: the same, as by a schema with ")
    assert re.findall(r"'(\w)' by", read) == ["a", "b", "d"]
    first, second, third = accepted.split("; ")
    assert re.fullmatch(r"a: scale = 'standard', mean = \S+, deviation = \S+", first)
    assert second == "b: scale = 'standard' or 'log1p', for the state too, as quantiles cannot be given"
    assert third == "d: the edges in meta.json of the state's data set"


@pytest.mark.parametrize("field", [{}, {"scale": "quantile"}, {"buckets": 8}], ids=str)
def test_the_same_training_split_needs_no_given_scale(field: dict[str, Any], tmp_path: Path) -> None:
    dataset = day(tmp_path / "one", 0.0, NumberField("price", **field))
    state, before = state_of(dataset)
    assert logloss_of(begun(state, dataset)) == before
    assert logloss_of(begun(state, day(tmp_path / "again", 0.0, NumberField("price", **field)))) == before


def test_numbers_as_they_are_need_no_scale(tmp_path: Path) -> None:
    state, before = state_of(day(tmp_path / "one", 0.0, NumberField("price", "none")))
    other = day(tmp_path / "other", 3.0, NumberField("price", "none"), seed=2)
    assert logloss_of(begun(state, other)) == pytest.approx(before, abs=1e-6)


def test_where_a_scale_is_not_told_the_training_split_must_be_the_same(tmp_path: Path) -> None:
    """As of states and data sets of versions that did not keep scales."""
    one, other = (day(tmp_path / str(mean), mean, NumberField("price"), seed=int(mean) + 1) for mean in (0.0, 3.0))
    state, _ = state_of(one)
    older = state | {"outline": {name: value for name, value in state["outline"].items() if name != "scales"}}
    for given in (state, older):
        for dataset in (one, replace(one, scales={})):
            begun(given, dataset)
    for dataset in (other, replace(other, scales={})):
        with pytest.raises(
            UserError, match=r"'state.pt' does not say how number 'price' is read.* delete it and its data"
        ):
            warm_start.check(older, START, net_of(), (), dataset, TRAIN)
    with pytest.raises(
        UserError, match=r"this run's data do not say how number 'price' is read.* delete this data set"
    ):
        warm_start.check(state, START, net_of(), (), replace(other, scales={}), TRAIN)


def test_buckets_of_an_older_data_set_are_told_by_the_state(tmp_path: Path) -> None:
    """There they look like any field of ids."""
    one, other = (day(tmp_path / str(m), m, NumberField("age", buckets=8), seed=int(m) + 1) for m in (0.0, 3.0))
    with pytest.raises(UserError, match="this run's data do not say how number 'age' is read"):
        warm_start.check(state_of(one)[0], START, net_of(), (), replace(other, scales={}), TRAIN)
