"""Each strategy: nothing at its neutral values, its formula against numpy, and stored numbers that must not move.

After a change that is meant to move numbers (and a new ENGINE version), or for a new strategy, write them again with

    GOLDEN=write pytest tests/strategies/test_strategies.py -k golden

and look at the difference before you commit it.
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import TRAIN, make_step, strategy_of, train_records
from torch import Tensor

from harness.api import DenseSpec, FieldTable, Model, RowStep, Strategy, TableSpec, UserError
from harness.base.plugin import knobs
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey
from harness.results.records import Record

REGISTRY = Registry()
GOLDEN = Path(__file__).with_name("golden.json")
ROUNDING = 1e-4
"""By how much a metric may differ on another processor, where products round otherwise: 2e-5 was seen with AVX-512."""
VARIANTS = [
    "frequency_adaptive_lr(scaling='linear', counts='train')",
    "frequency_adaptive_lr(scaling='power', floor=0.1)",
    "hashing(hashes=2)",
    "hashing(hashes=2, second='quotient')",
    "hashing(ratio=0.5)+frequency_adaptive_lr",
    "adaptive_regularization(alpha=0.05)+low_frequency_filter",
    "adaptive_regularization(when='touch', alpha=0.1)",
    "sparse_optimizer(optimizer='adam_dense')",
    "sparse_optimizer(optimizer='adam_dense')+adaptive_regularization(alpha=0.05)+frequency_adaptive_lr",
    "counter_sgd(exponent=1.0)",
    "cowclip(r=0.001)",
    "freeze_dense(scale=0.5)",
    "id_dropout(mode='random')",
    "l2(strength=0.01)",
    "l2(strength=0.01, form='by_count')",
    "l2(strength=0.1, coupling='decoupled')",
    "l2(strength=0.1, coupling='decoupled', form='by_count')",
    "l2(strength=0.1, coupling='decoupled', scope='all')",
    "low_frequency_filter(keep=0.2)",
    "low_frequency_filter+reinit",
    "reinit(min_cardinality=100, reset_state=False)",
    "reinit(share=0.5)",
    "reinit(to='start')",
    "reinit+frequency_adaptive_lr",
    "running_mean(unit='none', lr_ratio=1e4)",
    "running_mean+return_to_mean",
    "sparse_optimizer(optimizer='adam', lr_ratio=5.0)",
    "sparse_optimizer+frequency_adaptive_lr",
]
"""Besides every strategy at its defaults."""


def parse(text: str) -> list[Strategy]:
    return [*strategies_of(parse_strategy(text, REGISTRY), REGISTRY)]


# --- neutral values ---------------------------------------------------------------------------------------------------


def neutral_settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every strategy that declares neutral values, at all of them, under every combination of its choices."""
    for name, entry in REGISTRY.strategies.items():
        declared = knobs(entry.cls)
        neutral = {k: knob.neutral for k, knob in declared.items() if knob.neutral is not None}
        choices = {k: knob.choices for k, knob in declared.items() if knob.choices and k not in neutral}
        for values in itertools.product(*choices.values()):
            params = neutral | dict(zip(choices, values, strict=True))
            try:
                strategy_of(REGISTRY, name, **params)
            except UserError:
                continue
            if neutral:
                yield name, params


@pytest.fixture(scope="module")
def plain(dataset: IndexedDataset, model: Model) -> list[Record]:
    return train_records(dataset, model, parse("none"))


@pytest.mark.parametrize(("name", "params"), list(neutral_settings()))
def test_neutral_values_reproduce_none_to_the_bit(
    name: str, params: dict[str, Any], plain: list[Record], dataset: IndexedDataset, model: Model
) -> None:
    assert train_records(dataset, model, [strategy_of(REGISTRY, name, **params)]) == plain


STRONGER = {"adaptive_regularization": "alpha=0.05"}
STRONGER |= {"cowclip": "r=0.001", "l2": "strength=0.01", "stable_rank": "weight=0.1"}
ACTIVE = [f"{n}({STRONGER[n]})" if n in STRONGER else n for n in sorted(REGISTRY.strategies.keys() - {"none"})]
"""Every strategy, stronger where its defaults hardly show in a few steps."""
STEPPING = {name for name, entry in REGISTRY.strategies.items() if "table_optimizer" in entry.cls.replaces}
REDRAWING = {"prune_by_importance", "reinit", "return_to_mean"}


@pytest.fixture(scope="module")
def alone(dataset: IndexedDataset, model: Model) -> dict[str, float]:
    """The loss of each strategy after a few steps of two epochs."""
    return {text: few_steps(dataset, model, text) for text in ACTIVE}


@pytest.mark.parametrize("first", ACTIVE)
def test_any_two_train_together_and_neither_is_lost(
    first: str, alone: dict[str, float], dataset: IndexedDataset, model: Model
) -> None:
    for second in ACTIVE[ACTIVE.index(first) + 1 :]:
        if {first, second} <= STEPPING:
            continue  # both bring an optimiser, and are refused
        together = few_steps(dataset, model, f"{first}+{second}")
        assert math.isfinite(together), second
        if first == "freeze_tables" and second in REDRAWING:
            assert together == alone[first], f"{second} redraws frozen rows"
        else:
            assert together not in (alone[first], alone[second]), second


def test_two_that_replace_one_knob_are_refused_and_so_is_a_misspelt_knob(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="both running_mean and sparse_optimizer replace table_lr"):
        parse("running_mean+reinit+sparse_optimizer")
    code = "from harness.api import Strategy\nclass Mine(Strategy):\n    name = 'mine'\n    replaces = ('tabel_lr',)\n"
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(UserError, match=r"'mine' replaces 'tabel_lr'; did you mean 'table_lr'\?"):
        parse_strategy("mine", Registry(tmp_path))


def few_steps(dataset: IndexedDataset, model: Model, text: str) -> float:
    """The loss of the last of five steps in each of two epochs."""
    trainer = Trainer(dataset, model, parse(text), TRAIN, seed=0)
    for epoch in (1, 2):
        trainer.start_epoch(epoch)
        with trainer.randomness():
            loss = [trainer.step(batch) for batch in itertools.islice(trainer.batches.epoch(epoch), 5)][-1]
        trainer.end_epoch(epoch)
    return float(loss)


# --- formulas ---------------------------------------------------------------------------------------------------------


SCALINGS: dict[str, Callable[[Any], Any]] = {"log": np.log1p, "linear": lambda n: n, "power": lambda n: n**0.7}


@pytest.mark.parametrize("counts", ["online", "train"])
@pytest.mark.parametrize("scaling", SCALINGS)
@given(seed=st.integers(0, 2**32), floor=st.sampled_from([0.0, 0.05, 0.5]))
def test_frequency_adaptive_lr_scales_by_count_over_the_largest_of_the_field(
    scaling: str, counts: str, seed: int, floor: float
) -> None:
    step = make_step(seed)
    strategy = strategy_of(REGISTRY, "frequency_adaptive_lr", scaling=scaling, counts=counts, floor=floor, exponent=0.7)
    got = strategy.on_rows(step)
    count, most = (step.seen_K, step.seen_max_F) if counts == "online" else (step.train_count_K, step.train_max_F)
    grow = SCALINGS[scaling]
    expected = grow(count.double().numpy()) / grow(most.double().numpy())[step.field_K.numpy()]
    assert got.lr_scale_K is not None
    assert np.allclose(got.lr_scale_K.numpy(), np.maximum(expected, floor), rtol=1e-5)
    assert torch.equal(got.grad_KD, step.grad_KD)
    assert got.decay_K is None


def test_frequency_adaptive_lr_gives_the_published_shares() -> None:
    """With a largest count of a million a singleton moves at .05 of the rate and an id seen 100 times at .33."""
    step = make_step(0, rows=2, fields=1)
    counts = {"seen_K": torch.tensor([1, 100]), "seen_max_F": torch.tensor([10**6])}
    got = strategy_of(REGISTRY, "frequency_adaptive_lr").on_rows(RowStep(**(vars(step) | counts)))
    assert got.lr_scale_K is not None
    assert got.lr_scale_K.tolist() == pytest.approx([0.05, 0.33], abs=0.005)


@pytest.mark.parametrize("form", ["constant", "by_count"])
@pytest.mark.parametrize("coupling", ["coupled", "decoupled"])
@given(seed=st.integers(0, 2**32), strength=st.sampled_from([0.0, 1e-7, 0.01, 0.1]))
def test_l2_on_touched_rows_adds_to_gradient_or_decay(coupling: str, form: str, seed: int, strength: float) -> None:
    step = make_step(seed)
    got = strategy_of(REGISTRY, "l2", strength=strength, coupling=coupling, form=form).on_rows(step)
    per_id = step.train_count_K.double().numpy() if form == "by_count" else np.ones(len(step.rows_K))
    rate, grad = strength / per_id, step.grad_KD.double().numpy()
    assert got.lr_scale_K is None
    if coupling == "decoupled":
        assert got.decay_K is not None
        assert np.allclose(got.decay_K.numpy(), step.lr * rate, rtol=1e-5, atol=0)
        assert torch.equal(got.grad_KD, step.grad_KD)
    else:
        assert got.decay_K is None
        assert np.allclose(got.grad_KD.numpy(), grad + rate[:, None] * step.weight_KD.double().numpy(), rtol=1e-5)


@given(shares=st.lists(st.floats(0, 3), min_size=1, max_size=3))
def test_decays_add_up_to_no_more_than_the_row(shares: list[float]) -> None:
    step = make_step(0, rows=1)
    for share in shares:
        step = step.add_decay(torch.tensor([share]))
    assert step.decay_K is not None
    assert step.decay_K.item() == pytest.approx(min(1.0, sum(shares)), rel=1e-5)


def test_l2_on_all_rows_is_the_tables_lazy_decay() -> None:
    strategy = strategy_of(REGISTRY, "l2", strength=0.01, scope="all", coupling="decoupled")
    before = TableSpec(lr=0.1, decay=0.5)
    assert strategy.table(before, DenseSpec(lr=0.1)) == TableSpec(lr=0.1, decay=0.51)
    step = make_step(0)
    assert strategy.on_rows(step) is step
    touched = strategy_of(REGISTRY, "l2", strength=0.01)
    assert touched.table(before, DenseSpec(lr=0.1)) is before


@pytest.mark.parametrize("params", [{}, {"form": "by_count", "coupling": "decoupled"}, {"coupling": "coupled"}])
def test_l2_refuses_what_would_sweep_the_table(params: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"l2: scope = 'all' with coupling = .* would sweep the whole table"):
        strategy_of(REGISTRY, "l2", scope="all", **params)


@dataclass
class Resets:
    """Tables that only note which fields were reset."""

    fields: tuple[FieldTable, ...] = (FieldTable("big", 0, 101, 100), FieldTable("small", 101, 6, 5))
    calls: list[tuple[str, bool]] = field(default_factory=list)

    def reset(
        self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True, around: Tensor | None = None,
        again: bool = False,
    ) -> None:  # fmt: skip
        assert rows is None
        self.calls.append((field.name, state))

    def row_buffer(self, name: str) -> Tensor:
        raise NotImplementedError

    def freeze(self) -> None:
        raise NotImplementedError

    def weight(self, field: FieldTable) -> Tensor:
        raise NotImplementedError

    def label_counts(self) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def run_buffer(self, name: str) -> Tensor:
        raise NotImplementedError

    def train_count(self, field: FieldTable) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("params", "epochs"),
    [
        ({}, [2, 3, 4, 5, 6, 7]),
        ({"every": 2.0}, [3, 5, 7]),
        ({"start": 3}, [4, 5, 6, 7]),
        ({"every": 3.0, "start": 2}, [5]),
        ({"every": math.inf}, []),
    ],
)
def test_reinit_redraws_every_so_many_epochs_after_its_start(params: dict[str, Any], epochs: list[int]) -> None:
    strategy, redrawn = strategy_of(REGISTRY, "reinit", **params), []
    for epoch in range(1, 8):
        tables = Resets()
        strategy.on_epoch_start(epoch, tables)
        strategy.on_epoch_end(epoch, tables)
        assert tables.calls in ([], [("big", True), ("small", True)])
        redrawn += [epoch] * bool(tables.calls)
    assert redrawn == epochs


@pytest.mark.parametrize(
    ("cardinality", "fields"), [(1, ["big", "small"]), (5, ["big", "small"]), (6, ["big"]), (101, [])]
)
def test_reinit_keeps_fields_of_few_training_ids(cardinality: int, fields: list[str]) -> None:
    tables = Resets()
    strategy_of(REGISTRY, "reinit", min_cardinality=cardinality, reset_state=False).on_epoch_start(2, tables)
    assert tables.calls == [(name, False) for name in fields]


# --- stored numbers ---------------------------------------------------------------------------------------------------


def measure(text: str, dataset: IndexedDataset, model: Model) -> dict[str, list[float]]:
    """AUC and logloss of every task at the end of two epochs."""
    boundaries = [r.metrics for r in train_records(dataset, model, parse(text)) if r.boundary]
    names = [f"valid/{metric}/{task}" for metric in ("auc", "logloss") for task in dataset.tasks]
    return {name: [round(m[MetricKey.parse(name)], 7) for m in boundaries] for name in names}


GOLDEN_ARMS = [*sorted(REGISTRY.strategies.keys() - {"cowclip"}), *VARIANTS]
"""Without cowclip's defaults, which clip nothing here."""


@pytest.fixture(scope="session")
def golden(dataset: IndexedDataset, model: Model) -> dict[str, dict[str, list[float]]]:
    """The stored numbers, written first if the environment says so."""
    if os.environ.get("GOLDEN") == "write":
        values = {text: measure(text, dataset, model) for text in GOLDEN_ARMS}
        GOLDEN.write_text(json.dumps(values, indent=1) + "\n")
    stored: dict[str, dict[str, list[float]]] = json.loads(GOLDEN.read_text())
    return stored


@pytest.mark.parametrize("text", GOLDEN_ARMS)
def test_golden_numbers_hold(
    text: str, golden: dict[str, dict[str, list[float]]], dataset: IndexedDataset, model: Model
) -> None:
    assert text in golden, f"no numbers are stored for '{text}'; the top of {Path(__file__).name} says how to"
    got = measure(text, dataset, model)
    assert got.keys() == golden[text].keys()
    for name, values in got.items():
        assert values == pytest.approx(golden[text][name], abs=ROUNDING), name


def test_golden_numbers_are_of_arms_that_exist_and_differ(golden: dict[str, dict[str, list[float]]]) -> None:
    assert sorted(golden) == sorted(GOLDEN_ARMS)
    assert len({json.dumps(values) for values in golden.values()}) == len(golden)
