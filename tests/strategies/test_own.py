"""The project's own strategies: their formulas against numpy, and what they do to a real table."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import make_mapping, make_step, random_rows, strategy_of
from torch import Tensor

from harness.api import DenseSpec, TableSpec, UserError
from harness.engine.batches import DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables
from harness.plugins.registry import Registry

REGISTRY = Registry()


@pytest.mark.parametrize(("knobs", "rate"), [({}, 0.005), ({"rate": 0.05}, 0.05), ({"lr_ratio": 2000.0}, 2.0)])
def test_running_mean_steps_tables_by_plain_gradients(knobs: dict[str, float], rate: float) -> None:
    spec = strategy_of(REGISTRY, "running_mean", **knobs).table(TableSpec(lr=1e-3), DenseSpec(lr=0.5))
    assert spec.optimizer == "sgd"
    assert spec.lr == pytest.approx(rate)


@given(seed=st.integers(0, 2**32), prior=st.sampled_from([10.0, 300.0, 10_000.0]), radius=st.sampled_from([0.1, 1e3]))
def test_running_mean_shrinks_the_step_with_the_examples_seen_and_bounds_it(
    seed: int, prior: float, radius: float
) -> None:
    strategy = strategy_of(REGISTRY, "running_mean", prior_count=prior, radius=radius, unit="none")
    step = make_step(seed)
    before_K = np.random.default_rng(seed).integers(0, 10**4, len(step.rows_K))
    step.row_buffer("seen_since_drawn")[:] = torch.from_numpy(before_K)
    got = strategy.on_rows(step)
    assert got.lr_scale_K is not None
    scale_K = 1 / (1 + (before_K + step.batch_count_K.double().numpy()) / prior)
    free_KD = step.lr * scale_K[:, None] * step.grad_KD.double().numpy() * step.examples
    length_K = np.linalg.norm(free_KD, axis=1)
    moved_KD = step.lr * got.lr_scale_K.double().numpy()[:, None] * got.grad_KD.double().numpy()
    assert np.allclose(moved_KD, free_KD * np.minimum(1, radius / length_K)[:, None], rtol=1e-4, atol=1e-9)
    assert np.array_equal(step.row_buffer("seen_since_drawn").numpy(), before_K + step.batch_count_K.numpy())


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 4))
def test_running_mean_divides_its_rate_by_the_mean_square_of_the_gradients_so_far(seed: int, steps: int) -> None:
    strategy, rng, squares = strategy_of(REGISTRY, "running_mean", radius=1e3), np.random.default_rng(seed), []
    step = make_step(seed)
    seen_K = np.zeros(len(step.rows_K))
    for _ in range(steps):
        count_K = rng.integers(1, 30, len(step.rows_K))
        grad_KD = torch.from_numpy(rng.standard_normal((len(step.rows_K), 4), np.float32))
        batch_count_K = torch.from_numpy(count_K.astype(np.int32))
        got = strategy.on_rows(dataclasses.replace(step, grad_KD=grad_KD, batch_count_K=batch_count_K))
        seen_K += count_K
        squares.append(((step.examples * grad_KD.double().numpy()) ** 2).sum(axis=1) / count_K)
        expected_K = step.examples / (1 + seen_K / 300) / np.mean(squares)
        assert got.lr_scale_K is not None
        assert np.allclose(got.lr_scale_K.numpy(), expected_K, rtol=1e-4)


def test_running_mean_leaves_rows_where_nothing_has_a_gradient() -> None:
    step = dataclasses.replace(make_step(0), grad_KD=torch.zeros(9, 4))
    got = strategy_of(REGISTRY, "running_mean").on_rows(step)
    assert got.lr_scale_K is not None
    assert (got.lr_scale_K[:, None] * got.grad_KD == 0).all()


def grouped(rng: np.random.Generator, ids: int, share: float, rate: float, most: int = 40) -> tuple[Tensor, Tensor]:
    """Examples and positives of ids whose rates vary by this share of the variance of a label (beta-binomial)."""
    known_N = rng.integers(1, most, ids)
    prior = 1 / share - 1
    positive_N = rng.binomial(known_N, rng.beta(rate * prior, (1 - rate) * prior, ids))
    return torch.from_numpy(known_N)[:, None], torch.from_numpy(positive_N)[:, None]


@given(
    seed=st.integers(0, 2**32), share=st.sampled_from([0.003, 0.03, 0.2]), rate=st.sampled_from([0.1, 0.5])
)  # fmt: skip
def test_posterior_mean_finds_what_ids_explain_of_labels(seed: int, share: float, rate: float) -> None:
    known_NT, positive_NT = grouped(np.random.default_rng(seed), 5000, share, rate)
    weight_N = (known_NT / (1 + known_NT * share)).double().square()[known_NT > 1]
    error = float((2 / weight_N.sum()).sqrt() * (1 + 0.3 / rate))  # labels of rare positives have heavier tails
    assert float(posterior_mean().explained(known_NT, positive_NT)) == pytest.approx(share, abs=6 * error)


def test_posterior_mean_sees_nothing_in_ids_that_occur_once_or_labels_that_are_all_alike() -> None:
    ones_NT = torch.ones(50, 2, dtype=torch.int32)
    for known_NT, positive_NT in (
        (ones_NT, ones_NT * (torch.arange(50) % 2)[:, None].int()),
        (9 * ones_NT, 9 * ones_NT),
        (9 * ones_NT, 0 * ones_NT),
        (0 * ones_NT, 0 * ones_NT),
    ):
        assert float(posterior_mean().explained(known_NT, positive_NT)) == pytest.approx(1e-5)


@given(seed=st.integers(0, 2**32), strength=st.sampled_from([0.1, 1.0]), radius=st.sampled_from([0.1, 1e3]))
def test_posterior_mean_steps_each_field_by_its_share(seed: int, strength: float, radius: float) -> None:
    strategy, step = strategy_of(REGISTRY, "posterior_mean", strength=strength, radius=radius), make_step(seed)
    step = dataclasses.replace(step, lr=strategy.table(TableSpec(lr=1.0), DenseSpec(lr=1.0)).lr)
    rng = np.random.default_rng(seed)
    before_K = rng.integers(0, 10**4, len(step.rows_K))
    step.row_buffer("seen_since_drawn")[:] = torch.from_numpy(before_K)
    share_F = rng.uniform(1e-4, 0.2, len(step.seen_max_F))
    for f, share in enumerate(share_F):
        step.run_buffer(f"share_{f}").fill_(share)
    got = strategy.on_rows(step)
    assert got.lr_scale_K is not None
    gradient_KD, count_K = step.examples * step.grad_KD.double().numpy(), step.batch_count_K.numpy()
    square = ((gradient_KD**2).sum(axis=1) / count_K).mean()
    rate_K = strength * share_F[step.field_K.numpy()]
    free_K = rate_K / (1 + rate_K * (before_K + count_K)) / square
    length_K = np.linalg.norm(free_K[:, None] * gradient_KD, axis=1)
    expected_KD = (free_K * np.minimum(1, radius / length_K))[:, None] * gradient_KD
    moved_KD = step.lr * got.lr_scale_K.double().numpy()[:, None] * step.grad_KD.double().numpy()
    assert np.allclose(moved_KD, expected_KD, rtol=1e-4, atol=1e-9)


@given(seed=st.integers(0, 2**32), prior=st.sampled_from([1.0, 10.0, 300.0]), radius=st.sampled_from([0.1, 1e3]))
def test_initial_accumulator_divides_by_the_root_of_what_a_row_was_told(seed: int, prior: float, radius: float) -> None:
    strategy, step = strategy_of(REGISTRY, "initial_accumulator", prior_count=prior, radius=radius), make_step(seed)
    rng, told_K, squares = np.random.default_rng(seed), np.zeros(len(step.rows_K)), []
    for _ in range(3):
        grad_KD = rng.standard_normal((len(step.rows_K), 4), np.float32)
        got = strategy.on_rows(dataclasses.replace(step, grad_KD=torch.from_numpy(grad_KD)))
        gradient_KD = step.examples * grad_KD.astype(float)
        square_K = (gradient_KD**2).sum(axis=1)
        squares.append((square_K / step.batch_count_K.numpy()).mean())
        told_K += square_K / np.mean(squares)
    assert got.lr_scale_K is not None
    free_KD = step.lr * gradient_KD / np.mean(squares) / np.sqrt(1 + told_K / prior)[:, None]
    length_K = np.linalg.norm(free_KD, axis=1)
    moved_KD = step.lr * got.lr_scale_K.double().numpy()[:, None] * grad_KD
    assert np.allclose(moved_KD, free_KD * np.minimum(1, radius / length_K)[:, None], rtol=1e-4, atol=1e-9)


def test_initial_accumulator_is_rowwise_adagrad_that_does_not_begin_at_zero() -> None:
    """Where the mean square of gradients stays what it was: v begins at prior_count of them, the rate is as large."""
    prior, rate, mapping = 4.0, 0.02, make_mapping([1])
    strategy = strategy_of(REGISTRY, "initial_accumulator", prior_count=prior, rate=rate, radius=1e3)
    spec = strategy.table(TableSpec(lr=1e-3, init_std=0.0), DenseSpec(lr=1.0))
    tables, distinct = EmbeddingTables(mapping, spec, 4, [strategy], seed=0), DistinctFinder(1)
    rng, weight_D, square = np.random.default_rng(2), np.zeros(4), 9.0
    v = prior * square
    for _ in range(20):
        gradient_D = rng.standard_normal(4)
        gradient_D *= np.sqrt(square) / np.linalg.norm(gradient_D)
        lookup = tables.lookup(distinct(torch.zeros(1, 1, dtype=torch.int32)))
        tables.update(lookup, torch.from_numpy(gradient_D.astype(np.float32)).view(1, 1, 4))
        v += square
        weight_D -= rate * np.sqrt(prior / square) * gradient_D / np.sqrt(v)
    assert tables.weight_RD[0].numpy() == pytest.approx(weight_D, rel=1e-4, abs=1e-6)


def posterior_mean() -> Any:
    return sys.modules[REGISTRY.strategies["posterior_mean"].cls.__module__]


@given(seed=st.integers(0, 2**32), factor=st.sampled_from([0.01, 30.0]))
def test_running_mean_moves_logits_alike_however_steep_the_net_is(seed: int, factor: float) -> None:
    """Gradients `factor` times as large move rows by 1 / factor, so that the logit, as steep, moves as far."""
    strategy, mapping = strategy_of(REGISTRY, "running_mean", radius=1e3), make_mapping([6, 4])
    spec = strategy.table(TableSpec(lr=0.1, init_std=0.0), DenseSpec(lr=1.0))
    moved = []
    for steep in (1.0, factor):
        tables, rng = EmbeddingTables(mapping, spec, 3, [strategy], seed=0), np.random.default_rng(seed)
        for _ in range(5):
            lookup = tables.lookup(DistinctFinder(10)(random_rows(rng, mapping, 8)))
            tables.update(lookup, steep * torch.from_numpy(rng.standard_normal((8, 2, 3), np.float32)))
        moved.append(steep * tables.weight_RD)
    assert torch.allclose(moved[0], moved[1], rtol=1e-3, atol=1e-5 * float(moved[0].abs().max()))


def test_a_row_far_above_the_prior_count_holds_the_mean_of_what_it_was_told() -> None:
    """Its weight is then the mean of targets under squared loss, whatever their order."""
    mapping = make_mapping([1])
    strategy = strategy_of(REGISTRY, "running_mean", prior_count=10.0, lr_ratio=1.0, unit="none")
    tables = EmbeddingTables(mapping, strategy.table(TableSpec(lr=0.1), DenseSpec(lr=1.0)), 1, [strategy], seed=0)
    targets, distinct = np.random.default_rng(0).normal(2.0, 1.0, 4000), DistinctFinder(1)
    for target in targets:
        lookup = tables.lookup(distinct(torch.zeros(1, 1, dtype=torch.int32)))
        tables.update(lookup, lookup.embedded_BFD.detach() - float(target))
    assert float(tables.weight_RD) == pytest.approx(targets.mean(), abs=0.02)


def test_return_to_mean_moves_rare_rows_to_the_mean_and_forgets_their_state() -> None:
    mapping = make_mapping([200, 4])  # row r of a field trains r + 1 times
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, init_std=0.0), 3, [], seed=0)
    distinct = DistinctFinder(mapping.num_rows)
    rows = torch.stack([torch.arange(200), 200 + torch.arange(200) % 4], dim=1).int()
    tables.update(tables.lookup(distinct(rows)), torch.randn(200, 2, 3, generator=torch.Generator().manual_seed(0)))
    before_RD, state = tables.weight_RD.clone(), tables.store[:, 3:].clone()
    seen = tables.row_buffer("seen")
    seen += 7
    strategy = strategy_of(REGISTRY, "return_to_mean", below=50)
    strategy.on_epoch_start(1, tables)
    assert torch.equal(tables.weight_RD, before_RD)
    strategy.on_epoch_start(2, tables)
    rare = torch.cat([torch.arange(200) < 49, torch.ones(4, dtype=torch.bool)])
    assert torch.equal(tables.weight_RD[~rare], before_RD[~rare])
    assert torch.equal(tables.store[~rare, 3:], state[~rare])
    for field in (slice(0, 200), slice(200, 204)):
        mean_D = before_RD[field].mean(dim=0)
        assert torch.allclose(tables.weight_RD[field][rare[field]], mean_D.expand(int(rare[field].sum()), 3), atol=1e-6)
    assert tables.store[rare, 3:].count_nonzero() == 0
    assert torch.equal(seen, 7.0 * ~rare)


def test_the_mean_is_of_trained_rows_and_unseen_ids_get_it_too() -> None:
    mapping = make_mapping([6])
    mapping.train_count_R[:3] = 0
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, init_std=0.0), 2, [], seed=0)
    tables.store[:, :2] = torch.arange(12.0).view(6, 2)
    strategy_of(REGISTRY, "return_to_mean", below=5).on_epoch_start(2, tables)
    assert tables.weight_RD[:4].tolist() == [[8.0, 9.0]] * 4
    assert tables.weight_RD[4:].tolist() == [[8.0, 9.0], [10.0, 11.0]]


def test_rows_of_a_field_that_no_example_trained_stay() -> None:
    """As an optional column has them in a window in which it is empty: there is no mean to return to."""
    mapping = make_mapping([6, 3])
    mapping.train_count_R[6:] = 0
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1), 2, [], seed=0)
    before_RD = tables.weight_RD.clone()
    strategy_of(REGISTRY, "return_to_mean", below=5).on_epoch_start(2, tables)
    assert torch.equal(tables.weight_RD[6:], before_RD[6:])
    assert not torch.equal(tables.weight_RD[:4], before_RD[:4])
    assert tables.weight_RD.isfinite().all()


def test_a_reset_around_a_row_draws_what_it_draws_without_and_adds_it() -> None:
    drawn = []
    for around in (None, torch.tensor([1.0, -2.0])):
        tables = EmbeddingTables(make_mapping([5]), TableSpec(lr=0.1), 2, [], seed=3)
        tables.reset(tables.fields[0], torch.tensor([1, 3]), around=around)
        drawn.append(tables.weight_RD.clone())
    difference = drawn[1] - drawn[0]
    assert torch.allclose(difference[[1, 3]], torch.tensor([1.0, -2.0]).expand(2, 2))
    assert difference[[0, 2, 4]].count_nonzero() == 0


@pytest.mark.parametrize("to", ["init", "start"])
def test_reinit_redraws_the_named_fields_or_a_share_of_rows(to: str) -> None:
    tables = EmbeddingTables(make_mapping([400, 30]), TableSpec(lr=0.1), 2, [], seed=3)
    drawn = tables.weight_RD.clone()
    tables.store[:, :2] += 1
    moved = tables.weight_RD.clone()
    strategy_of(REGISTRY, "reinit", to=to, fields=("field0",), share=0.5).on_epoch_start(2, tables)
    changed_R = (tables.weight_RD != moved).any(dim=1)
    assert not changed_R[400:].any()
    assert 150 < changed_R.sum() < 250
    assert torch.equal(tables.weight_RD[changed_R], drawn[changed_R]) == (to == "start")
    strategy_of(REGISTRY, "reinit", to=to).on_epoch_start(2, tables)
    assert torch.equal(tables.weight_RD, drawn) == (to == "start")
    assert tables.weight_RD.abs().max() < 0.1


def test_reinit_refuses_a_field_that_there_is_not_before_the_first_step() -> None:
    tables = EmbeddingTables(make_mapping([4]), TableSpec(lr=0.1), 2, [], seed=3)
    with pytest.raises(UserError, match=r"reinit: unknown field 'feild0'; did you mean 'field0'"):
        strategy_of(REGISTRY, "reinit", fields=("feild0",)).on_epoch_start(1, tables)
