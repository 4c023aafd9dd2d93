"""Rows that few steps touch, over many steps: against torch.optim.Adam on the whole table, and loops in float64."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import make_mapping
from torch import Tensor

from harness.api import RowStep, Strategy, TableSpec
from harness.engine import drift_kernel
from harness.engine.batches import DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.kernels import MOST
from harness.engine.missed_steps import NODES, REACH, drift, keeps, rules

ROWS, WIDTH = 40, 3
SPEC = TableSpec(lr=0.01, optimizer="adam_dense", init_std=0.1)


def touches(seed: int, steps: int) -> list[tuple[Tensor, Tensor]]:
    """Rows and gradients of each step: row r comes about every r + 1 steps, the last ones once or never."""
    rng = np.random.default_rng(seed)
    size_R = 10.0 ** rng.uniform(-7, 0, ROWS)
    often_R = 1 / (1 + np.arange(ROWS)) ** 1.5
    found = []
    for _ in range(steps):
        rows = np.flatnonzero(rng.random(ROWS) < often_R)
        grads = rng.standard_normal((len(rows), WIDTH)) * size_R[rows, None]
        found.append((torch.from_numpy(rows), torch.from_numpy(grads)))
    return found


def make_tables(spec: TableSpec, hooks: tuple[Strategy, ...] = (), *, compiled: bool) -> EmbeddingTables:
    return EmbeddingTables(make_mapping([ROWS]), spec, WIDTH, hooks, seed=0, compiled=compiled)


def train(tables: EmbeddingTables, rows_K: Tensor, grad_KD: Tensor) -> None:
    lookup = tables.lookup(DistinctFinder(ROWS)(rows_K.int()[:, None]))
    tables.update(lookup, grad_KD.float()[:, None, :])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("seed", [1, 2])
def test_dense_adam_is_torchs_on_the_whole_table(compiled: bool, decay: float, seed: int) -> None:
    """And AdamW's with decay; also where rows are read while they are absent."""
    tables = make_tables(dataclasses.replace(SPEC, decay=decay), compiled=compiled)
    weight = tables.weight_RD.double().clone().requires_grad_()
    torchs = torch.optim.AdamW([weight], lr=SPEC.lr, eps=SPEC.eps, weight_decay=decay)
    furthest = torch.zeros(ROWS, dtype=torch.float64)
    for step, (rows_K, grad_KD) in enumerate(touches(seed, 700)):
        start = weight.detach().clone()
        if len(rows_K):
            train(tables, rows_K, grad_KD)
            weight.grad = torch.zeros_like(weight).index_copy_(0, rows_K, grad_KD)
            torchs.step()
        furthest += (weight.detach() - start).abs().amax(dim=1)
        if step % 50 == 49:
            ours = tables.read(torch.arange(ROWS, dtype=torch.int32)[:, None])[:, 0]
            assert torch.equal(ours, tables.weight_RD)
            wrong_R = (ours.double() - weight.detach()).abs().amax(dim=1)
            assert (wrong_R <= 2e-5 * furthest + 2e-7).all()
    assert furthest.max() > 1


class Halved(Strategy):
    """Rows of odd steps move half as far."""

    name = "halved"

    def on_rows(self, step: RowStep) -> RowStep:
        return step.scale_lr(torch.full((len(step.rows_K),), 0.5)) if step.step % 2 else step


@pytest.mark.parametrize("change", [{}, {"decay": 2.0}, {"absent_decay": 1e-3}, {"absent_decay": 0.05, "decay": 1.0}])
def test_kernel_and_definition_agree(change: dict[str, Any]) -> None:
    """With decays of both kinds, scaled updates, rows redrawn with and without their state, and frozen at last."""
    ways = [make_tables(dataclasses.replace(SPEC, **change), (Halved(),), compiled=c) for c in (True, False)]
    for step, (rows_K, grad_KD) in enumerate(touches(3, 500)):
        for tables in ways:
            if len(rows_K):
                train(tables, rows_K, grad_KD)
            if step in (100, 230):
                tables.reset(tables.fields[0], torch.arange(step % 3, ROWS, 3), state=step == 100)
            if step == 450:
                tables.freeze()
    assert torch.allclose(ways[0].weight_RD, ways[1].weight_RD, rtol=1e-5, atol=1e-7)
    assert torch.allclose(ways[0].store, ways[1].store, rtol=1e-4, atol=1e-7)


def test_rows_redrawn_with_their_state_drift_on_from_the_moments_of_that_step() -> None:
    tables, rows = make_tables(SPEC, compiled=True), torch.tensor([5])
    weight = tables.weight_RD[5].double().clone()
    first = second = torch.zeros(WIDTH, dtype=torch.float64)
    for step in range(1, 61):
        grad = torch.full((1, WIDTH), 0.1 if step == 3 else 0.0, dtype=torch.float64)
        train(tables, rows if step == 3 else torch.tensor([6]), grad)
        first, second = 0.9 * first + 0.1 * grad[0], 0.999 * second + 0.001 * grad[0] ** 2
        weight -= SPEC.lr * first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + SPEC.eps)
        if step == 12:
            tables.reset(tables.fields[0], rows, state=False)
            weight = tables.weight_RD[5].double().clone()
    assert torch.allclose(tables.weight_RD[5].double(), weight, rtol=1e-5)


@given(
    root=st.floats(-8.5, 1), age=st.integers(1, 3000), missed=st.integers(1, 2000),
    rate=st.sampled_from([0, 1e-3, 0.3]), absent=st.sampled_from([0, 1e-4, 0.01, 0.3]),
)  # fmt: skip
def test_four_values_are_as_good_as_the_sum(root: float, age: int, missed: int, rate: float, absent: float) -> None:
    """Against the plain recursion in float64, up to REACH missed steps."""
    spec, square = dataclasses.replace(SPEC), 10.0 ** (2 * root)
    within, expected = min(missed, REACH), 0.0
    for j, keep in enumerate(keeps(rate, absent)[:within], start=1):
        term = spec.beta1**j / (1 - spec.beta1 ** (age + j))
        under = np.sqrt(spec.beta2**j * square / (1 - spec.beta2 ** (age + j))) + spec.eps
        expected = expected * keep + term / under
    table, keep_J = rules(spec.beta1, spec.beta2, rate, absent), torch.from_numpy(keeps(rate, absent)).float()
    counts = torch.tensor([missed], dtype=torch.int32), torch.tensor([age], dtype=torch.int32)
    got = drift(torch.ones(1, 1), torch.tensor([[square]]).float(), *counts, table, keep_J, spec).item()
    assert got == pytest.approx(expected, rel=1e-3 if root < -7 else 3e-5)


def test_the_rules_of_few_missed_steps_are_the_steps_themselves() -> None:
    table = rules(0.9, 0.999, 0.0, 0.0)
    for missed in range(1, NODES + 1):
        size_X, root_X, _ = table[-1, missed - 1].unbind(dim=-1)
        order = root_X[size_X > 0].argsort(descending=True)
        assert size_X[size_X > 0][order].tolist() == pytest.approx([0.9**j for j in range(1, missed + 1)], rel=1e-5)
        assert root_X[size_X > 0][order].tolist() == pytest.approx([0.999 ** (j / 2) for j in range(1, missed + 1)])
    assert table.shape == (drift_kernel.OLD - drift_kernel.YOUNG + 1, REACH, NODES, 3)


def beyond(tables: EmbeddingTables, hooks: tuple[Strategy, ...], *, counts: bool = True) -> EmbeddingTables:
    """Tables that begin with what others ended with, as a window does and a warm start."""
    tables.settle()
    other, rows_R = make_tables(tables.spec, hooks, compiled=tables._compiled), torch.arange(ROWS)
    other.adopt(tables.state(), rows_R, rows_R, optimizer=True, counts=counts)
    assert torch.equal(other.weight_RD, tables.weight_RD)
    again = make_tables(tables.spec, hooks, compiled=tables._compiled)
    again.restore(other.state())  # as from a checkpoint
    return again


class Swept:
    """Every row at every step, in float64: decay, decay for absence, and SGD, or Adam on the whole table."""

    def __init__(self, tables: EmbeddingTables) -> None:
        self.weight, self.spec, self.step = tables.weight_RD.double().numpy().copy(), tables.spec, 0
        self.first, self.second = np.zeros((2, ROWS, WIDTH))
        self.last, self.scale = np.zeros(ROWS), np.ones(ROWS)

    def train(self, rows_K: Tensor, grad_KD: Tensor, scale: float) -> None:
        self.step += 1
        spec, grad = self.spec, np.zeros((ROWS, WIDTH))
        grad[rows_K], self.scale[rows_K] = grad_KD, scale
        missed = np.where(self.last > 0, self.step - self.last, 0)
        missed[rows_K], self.last[rows_K] = 0, self.step
        self.weight *= ((1 - spec.lr * spec.decay) * (1 - np.minimum(1, spec.absent_decay * missed)))[:, None]
        moved = grad
        if spec.optimizer == "adam_dense":
            self.first += (1 - spec.beta1) * (grad - self.first)
            self.second += (1 - spec.beta2) * (grad**2 - self.second)
            root = np.sqrt(self.second / (1 - spec.beta2**self.step))
            moved = self.first / (1 - spec.beta1**self.step) / (root + spec.eps)
        self.weight -= spec.lr * self.scale[:, None] * moved


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("hooks", [(), (Halved(),)])
@pytest.mark.parametrize("optimizer", ["adam_dense", "sgd"])
@pytest.mark.parametrize(("absent", "decay"), [(1e-4, 0.0), (0.03, 0.0), (0.5, 1.0)])
def test_rows_that_are_absent_over_a_border_shrink_as_in_one_run(
    compiled: bool, hooks: tuple[Strategy, ...], optimizer: str, absent: float, decay: float
) -> None:
    """Several borders, near to each other and far, with rows that are absent over two of them."""
    spec = dataclasses.replace(SPEC, optimizer=optimizer, absent_decay=absent, decay=decay)
    tables = make_tables(spec, hooks, compiled=compiled)
    swept, size = Swept(tables), 1.0
    for step, (rows_K, grad_KD) in enumerate(touches(4, 160), start=1):
        if not len(rows_K):
            continue
        if step in (10, 11, 60, 63, 130):
            tables = beyond(tables, hooks)
        train(tables, rows_K, grad_KD)
        swept.train(rows_K, grad_KD, 0.5 if hooks and tables.step % 2 else 1.0)
        size = max(size, np.abs(swept.weight).max())
        if step % 7 == 0:
            wrong = np.abs(tables.weight_RD.double().numpy() - swept.weight)
            assert wrong.max() <= 2e-5 * size + 2e-7


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("change", [{"absent_decay": 0.05}, {"optimizer": "adam_by_touch"}, {"decay": 0.5}])
def test_the_last_steps_that_are_accepted_are_as_any_others(compiled: bool, change: dict[str, Any]) -> None:
    spec = dataclasses.replace(TableSpec(lr=0.1, optimizer="sgd"), **change)
    early, late = (make_tables(spec, (Halved(),), compiled=compiled) for _ in range(2))
    early.step, late.step = 1, MOST - 8
    for tables in (early, late):
        tables.reset(tables.fields[0], again=True)
        for rows in ([0, 1], [0], [0, 2], [0], [1], [0]):
            train(tables, torch.tensor(rows), torch.ones(len(rows), WIDTH))
        tables.reset(tables.fields[0], torch.tensor([0]), again=True)
        for rows in ([0], [2]):
            train(tables, torch.tensor(rows), torch.ones(len(rows), WIDTH))
        tables.settle()
    assert late.step == MOST
    assert torch.equal(early.weight_RD, late.weight_RD)


def test_absent_decay_is_the_product_over_missed_steps() -> None:
    """Whatever the optimiser; a row that was never touched keeps its weights."""
    for optimizer in ("adam", "sgd", "rowwise_adagrad"):
        tables = make_tables(TableSpec(lr=0.1, optimizer=optimizer, absent_decay=2e-3), compiled=True)
        drawn = tables.weight_RD.clone()
        train(tables, torch.tensor([1]), torch.ones(1, WIDTH))
        touched = tables.weight_RD.clone()
        for _ in range(300):
            train(tables, torch.tensor([0]), torch.ones(1, WIDTH))
        left = np.prod(1 - np.minimum(1, 2e-3 * np.arange(1, 301)))
        assert torch.allclose(tables.weight_RD[1], touched[1] * float(left), rtol=1e-5)
        assert torch.equal(tables.weight_RD[2:], drawn[2:])
