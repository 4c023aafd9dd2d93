"""The published mitigations against their formulas in plain numpy, and every model against its own."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import TRAIN, make_mapping, make_step, strategy_of
from torch import Tensor, nn

from harness.api import (
    DenseSpec,
    FieldStats,
    FieldTable,
    LookupColumn,
    Model,
    RowStep,
    Strategy,
    TableSpec,
    UserError,
    hash_ids,
)
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.batches import DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.plugins.registry import Registry, build

REGISTRY = Registry()
SEEDS = st.integers(0, 2**32)


def batch_counts(step: RowStep, seed: int) -> RowStep:
    counts = np.random.default_rng(seed).integers(1, 30, len(step.rows_K)).astype(np.int32)
    return dataclasses.replace(step, batch_count_K=torch.from_numpy(counts))


# --- rows -------------------------------------------------------------------------------------------------------------


def test_sparse_optimizer_takes_its_rate_from_the_net() -> None:
    spec = strategy_of(REGISTRY, "sparse_optimizer", lr_ratio=20.0).table(TableSpec(lr=0.5), DenseSpec(lr=1e-3))
    assert spec.optimizer == "rowwise_adagrad"
    assert spec.lr == pytest.approx(0.02)


@given(seed=SEEDS, alpha=st.sampled_from([0.0, 1e-3, 0.1, 10.0]))
def test_adaptive_regularization_on_touch_decays_by_steps_since_but_no_new_row(seed: int, alpha: float) -> None:
    last_K = torch.from_numpy(np.random.default_rng(seed).integers(0, 40, 9).astype(np.int32))
    step = dataclasses.replace(make_step(seed), last_step_K=last_K, step=40)
    strategy = strategy_of(REGISTRY, "adaptive_regularization", alpha=min(alpha, 0.1), when="touch")
    step = dataclasses.replace(step, lr=step.lr * max(1.0, alpha / 0.1))
    got = strategy.on_rows(step)
    expected = [0.0 if last == 0 else min(0.9, step.lr * min(alpha, 0.1) * (40 - last)) for last in last_K.tolist()]
    assert got.decay_K is not None
    assert got.decay_K.tolist() == pytest.approx(expected, rel=1e-5)
    assert strategy.table(TableSpec(lr=0.5), DenseSpec(lr=1e-3)) == TableSpec(lr=0.5)


def test_adaptive_regularization_at_every_step_is_the_tables() -> None:
    """`tests/engine/test_absence.py` and `test_embedding_tables.py` hold the table to a loop over all rows."""
    strategy, step = strategy_of(REGISTRY, "adaptive_regularization", alpha=0.01), make_step(0)
    assert strategy.on_rows(step) is step
    both = strategy.table(strategy.table(TableSpec(lr=0.5), DenseSpec(lr=1e-3)), DenseSpec(lr=1e-3))
    assert both == TableSpec(lr=0.5, absent_decay=0.02)


@given(seed=SEEDS, r=st.sampled_from([0.02, 0.5, 1.0]), zeta=st.sampled_from([1e-5, 1e-3]), small=st.booleans())
def test_cowclip_bounds_the_gradient_by_weight_and_count(seed: int, r: float, zeta: float, small: bool) -> None:
    step = batch_counts(make_step(seed), seed)
    step = dataclasses.replace(step, weight_KD=step.weight_KD * (1e-6 if small else 1.0))
    got = strategy_of(REGISTRY, "cowclip", r=r, zeta=zeta).on_rows(step).grad_KD.double().numpy()
    for k in range(len(got)):
        grad, weight = step.grad_KD[k].double().numpy(), step.weight_KD[k].double().numpy()
        bound = r * int(step.batch_count_K[k]) * max(float(np.linalg.norm(weight)), r * 2.0 * zeta)  # sqrt(D) = 2
        assert np.allclose(got[k], grad * min(1.0, bound / np.linalg.norm(grad)), rtol=1e-4, atol=1e-12)


@given(seed=SEEDS, bound=st.sampled_from([0.0, 0.3, 1.0]))
def test_helen_moves_rows_along_the_gradient_by_their_share(seed: int, bound: float) -> None:
    step = batch_counts(make_step(seed), seed)
    got = strategy_of(REGISTRY, "helen", rho=0.1, bound=bound).perturb(step)
    assert got is not None
    grad, count = step.grad_KD.double().numpy(), step.batch_count_K.numpy()
    for k, f in enumerate(step.field_K.tolist()):
        mates = step.field_K.numpy() == f
        share = np.clip(count[k] / count[mates].max(), bound, 1)
        assert np.allclose(got[k].numpy(), 0.1 * share * grad[k] / np.linalg.norm(grad[mates]), rtol=1e-4, atol=1e-9)


@given(seed=SEEDS, exponent=st.sampled_from([0.0, 0.5, 1.0]), limit=st.sampled_from([1.0, 10.0, 1e4]))
def test_counter_sgd_raises_the_rate_of_rare_ids(seed: int, exponent: float, limit: float) -> None:
    step = make_step(seed)
    got = strategy_of(REGISTRY, "counter_sgd", exponent=exponent, limit=limit).on_rows(step)
    ratio = step.train_max_F.double().numpy()[step.field_K.numpy()] / step.train_count_K.double().numpy()
    assert got.lr_scale_K is not None
    assert np.allclose(got.lr_scale_K.numpy(), np.minimum(ratio**exponent, limit), rtol=1e-4)


@given(seed=SEEDS, lr=st.sampled_from([0.01, 0.3]), bound=st.sampled_from([0.1, 1.0]))
def test_counter_adagrad_multiplies_the_rate_by_the_touches_of_a_row(seed: int, lr: float, bound: float) -> None:
    """Against the loop of the published code, row by row, in float64."""
    strategy, rng = strategy_of(REGISTRY, "counter_adagrad", bound=bound), np.random.default_rng(seed)
    spec = strategy.table(TableSpec(lr=lr, init_std=0.1), DenseSpec(lr=1.0))
    tables = EmbeddingTables(make_mapping([5]), spec, 3, [strategy], seed=0)
    weight_RD, square_R, touches_R = tables.weight_RD.double().numpy(), np.zeros(5), np.zeros(5)
    for _ in range(12):
        rows_BC = torch.from_numpy(rng.integers(0, 5, (4, 1)).astype(np.int32))
        grad_BFD = torch.from_numpy(rng.standard_normal((4, 1, 3), np.float32))
        tables.update(tables.lookup(DistinctFinder(5)(rows_BC)), grad_BFD)
        for row in set(rows_BC[:, 0].tolist()):
            grad_D = grad_BFD[rows_BC[:, 0] == row].double().numpy().sum(axis=(0, 1))
            square_R[row] += np.mean(grad_D**2)
            touches_R[row] += 1
            weight_RD[row] -= min(lr * touches_R[row], bound) / (np.sqrt(square_R[row]) + spec.eps) * grad_D
    assert np.allclose(tables.weight_RD.numpy(), weight_RD, rtol=1e-4, atol=1e-5)


def test_rowwise_bias_correction_is_the_tables() -> None:
    """`tests/engine/test_embedding_tables.py` holds `adam_by_touch` to a loop over rows."""
    spec = strategy_of(REGISTRY, "rowwise_bias_correction").table(TableSpec(lr=0.5), DenseSpec(lr=1e-3))
    assert spec == TableSpec(lr=0.5, optimizer="adam_by_touch")


@pytest.mark.parametrize("late", [1, 5000])
def test_the_first_touch_moves_a_row_by_the_rate_however_late_it_is(late: int) -> None:
    moved = {}
    for optimizer in ("adam", "adam_by_touch"):
        tables = EmbeddingTables(make_mapping([1]), TableSpec(lr=0.1, optimizer=optimizer), 2, [], seed=0)
        tables.step, before = late - 1, tables.weight_RD.clone()
        tables.update(tables.lookup(DistinctFinder(1)(torch.zeros(1, 1, dtype=torch.int32))), torch.ones(1, 1, 2))
        moved[optimizer] = (before - tables.weight_RD).mean().item()
    assert moved["adam_by_touch"] == pytest.approx(0.1, rel=1e-4)
    assert moved["adam"] == pytest.approx(0.1 if late == 1 else 0.316, rel=0.01)


@given(seed=SEEDS)
def test_stable_rank_adds_the_gradient_of_the_inverse_stable_ranks(seed: int) -> None:
    step = dataclasses.replace(make_step(seed, rows=12, fields=2), epoch=1)
    weight_KD = step.weight_KD.double().requires_grad_()
    penalty = torch.zeros((), dtype=torch.float64)
    for f in torch.unique(step.field_K).tolist():
        singular = torch.linalg.svdvals(weight_KD[step.field_K == f])
        penalty = penalty + singular.max() ** 2 / singular.square().sum()
    penalty.backward()  # type: ignore[no-untyped-call]
    assert weight_KD.grad is not None
    strategy = strategy_of(REGISTRY, "stable_rank", weight=0.5)
    got = strategy.on_rows(step).grad_KD - step.grad_KD
    assert torch.allclose(got, 0.5 * weight_KD.grad.float(), rtol=1e-3, atol=1e-4)
    later = dataclasses.replace(step, epoch=2)
    assert strategy.on_rows(later) is later


@dataclass
class Noted:
    """Tables that only note what is asked of them."""

    fields: tuple[FieldTable, ...] = (FieldTable("a", 0, 6, 5), FieldTable("b", 6, 4, 3), FieldTable("few", 0, 3, 2))
    reset_rows: list[list[int]] = field(default_factory=list)
    frozen: bool = False
    importance: Tensor = field(default_factory=lambda: torch.arange(10.0))

    def reset(
        self, field: FieldTable, rows: Tensor | None = None, *, state: bool = True, around: Tensor | None = None,
        again: bool = False,
    ) -> None:  # fmt: skip
        assert rows is not None
        assert state
        self.reset_rows.append(sorted(rows.tolist()))

    def row_buffer(self, name: str) -> Tensor:
        return self.importance

    def freeze(self) -> None:
        self.frozen = True

    def weight(self, field: FieldTable) -> Tensor:
        raise NotImplementedError

    def label_counts(self) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def run_buffer(self, name: str) -> Tensor:
        raise NotImplementedError

    def train_count(self, field: FieldTable) -> Tensor:
        raise NotImplementedError


def test_prune_by_importance_redraws_the_least_important_rows_of_each_field() -> None:
    strategy, tables = strategy_of(REGISTRY, "prune_by_importance", budget=0.5, min_ids=3), Noted()
    strategy.on_epoch_start(1, tables)
    assert tables.reset_rows == []
    strategy.on_epoch_start(2, tables)
    assert tables.reset_rows == [[0, 1, 2], [6, 7]]


@given(seed=SEEDS)
def test_importance_is_a_moving_average_of_count_times_gradient(seed: int) -> None:
    strategy, step = strategy_of(REGISTRY, "prune_by_importance", decay=0.8), batch_counts(make_step(seed), seed)
    now = step.batch_count_K.numpy() * np.linalg.norm(step.grad_KD.double().numpy(), axis=1)
    for expected in (0.2 * now, 0.8 * 0.2 * now + 0.2 * now):
        assert strategy.on_rows(step) is step
        assert np.allclose(step.row_buffer("importance").numpy(), expected, rtol=1e-4)


# --- encoders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [4, 7, 8, 16])
def test_binary_code_hashing_gives_a_row_for_each_block_of_bits(block: int) -> None:
    """Blocks put together again are the hash of the id."""
    ids_U, salt = np.arange(2**18, dtype=np.int64), int(np.random.default_rng(3).integers(0, 2**63))
    stats = FieldStats("user", ids_U, np.ones_like(ids_U))
    strategy = strategy_of(REGISTRY, "binary_code_hashing", block=block)
    encoder = strategy.encoder(stats, np.random.default_rng(3))
    assert encoder is not None
    asked_M = np.array([-5, 0, 7, 2**40])
    rows_MH = encoder.rows_of(asked_M)
    blocks = math.ceil(32 / block)
    assert encoder.num_rows == blocks * 2**block
    code_M = sum((rows_MH[:, h] - h * 2**block) * 2 ** (h * block) for h in range(blocks))
    assert np.array_equal(code_M, (hash_ids(asked_M, salt) % np.uint64(2**32)).astype(np.int64))
    few = FieldStats("user", ids_U[: encoder.num_rows - 1], ids_U[: encoder.num_rows - 1] + 1)
    assert strategy.encoder(few, np.random.default_rng(3)) is None


def test_binary_code_hashing_tells_all_ids_apart_with_few_rows() -> None:
    ids_U = np.arange(100_000, dtype=np.int64)
    encoder = strategy_of(REGISTRY, "binary_code_hashing").encoder(
        FieldStats("user", ids_U, np.ones_like(ids_U)), np.random.default_rng(0)
    )
    assert encoder is not None
    assert encoder.num_rows == 1024
    assert len(np.unique(encoder.rows_of(ids_U), axis=0)) > len(ids_U) - 10


# --- what the net sees ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["shared", "random"])
def test_id_dropout_replaces_a_share_of_ids_within_their_tables(mode: str) -> None:
    tables = [FieldTable("a", 0, 50, 49), FieldTable("b", 50, 1000, 999)]
    rows_BC = torch.stack([torch.randint(1, 50, (20_000,)), torch.randint(51, 1050, (20_000,))], dim=1).int()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        got = strategy_of(REGISTRY, "id_dropout", p=0.3, mode=mode).on_lookup(
            rows_BC, [LookupColumn(table, f) for f, table in enumerate(tables)]
        )
    assert got.dtype == torch.int32
    changed = got != rows_BC
    # a random row is the old one in one of n draws; five standard errors
    expected = [0.3, 0.3] if mode == "shared" else [0.3 * (1 - 1 / 50), 0.3 * (1 - 1 / 1000)]
    for c, (table, share) in enumerate(zip(tables, expected, strict=True)):
        assert abs(changed[:, c].float().mean() - share) < 5 * (0.3 * 0.7 / 20_000) ** 0.5
        new = got[changed[:, c], c]
        assert table.offset <= new.min()
        assert new.max() < table.offset + table.num_rows
        assert (len(torch.unique(new)) == 1) == (mode == "shared")


def test_id_dropout_replaces_all_rows_of_an_id() -> None:
    columns = [LookupColumn(FieldTable("a", 0, 9, 8), 0)] * 2 + [LookupColumn(FieldTable("b", 9, 5, 4), 1)]
    got = strategy_of(REGISTRY, "id_dropout", p=0.5).on_lookup(
        torch.tensor([[3, 7, 12]] * 200, dtype=torch.int32), columns
    )
    assert {tuple(row[:2]) for row in got.tolist()} == {(3, 7), (0, 0)}
    assert {tuple(row[1:]) for row in got.tolist()} == {(7, 12), (7, 9), (0, 12), (0, 9)}


def test_stable_rank_leaves_divergence_to_the_loop() -> None:
    step = dataclasses.replace(make_step(0), epoch=1, weight_KD=torch.full((9, 4), torch.inf))
    assert torch.equal(strategy_of(REGISTRY, "stable_rank").on_rows(step).grad_KD, step.grad_KD)


@given(seed=SEEDS, strength=st.sampled_from([0.01, 0.5]))
def test_latent_mixup_mixes_with_examples_of_the_same_labels(seed: int, strength: float) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        labels_NT = torch.randint(-1, 2, (40, 2)).float()
        pattern_N = labels_NT[:, 0] * 10 + labels_NT[:, 1]
        embedded = pattern_N[:, None, None] + 0.01 * torch.rand(40, 3, 2)
        got = strategy_of(REGISTRY, "latent_mixup", strength=strength).on_embedded(embedded, labels_NT)
    assert ((got - pattern_N[:, None, None]) > -1e-5).all()  # a mixture of one pattern stays within it
    assert ((got - pattern_N[:, None, None]) < 0.01 + 1e-5).all()
    assert not torch.equal(got, embedded)


def test_embedding_dropout_keeps_the_mean() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        got = strategy_of(REGISTRY, "embedding_dropout", p=0.25).on_embedded(
            torch.ones(1000, 10, 4), torch.zeros(1000, 1)
        )
    assert sorted(torch.unique(got).tolist()) == pytest.approx([0, 1 / 0.75])
    assert abs((got == 0).float().mean() - 0.25) < 5 * (0.25 * 0.75 / 40_000) ** 0.5


def test_mlet_reads_the_product_of_table_and_matrix() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, width = strategy_of(REGISTRY, "mlet", ratio=3).network(nn.Identity(), 2, 4)
        rows = torch.randn(5, 2, 12)
    assert width == 12
    matrix = next(net.parameters()).detach().numpy()
    expected = np.stack([rows[:, f].numpy() @ matrix[f] for f in range(2)], axis=1)
    assert np.allclose(net(rows).detach().numpy(), expected, atol=1e-5)


# --- freezing ---------------------------------------------------------------------------------------------------------


def test_freeze_dense_slows_or_stops_the_net() -> None:
    spec = DenseSpec(lr=0.1)
    stop, slow = strategy_of(REGISTRY, "freeze_dense", start=3), strategy_of(REGISTRY, "freeze_dense", scale=0.5)
    assert [stop.dense(spec, e).frozen for e in (1, 2, 3, 4)] == [False, False, True, True]
    assert [slow.dense(spec, e).lr for e in (1, 2, 3)] == [0.1, 0.05, 0.05]


@pytest.mark.parametrize("other", ["none", "l2(strength=0.1, scope='all', coupling='decoupled')"])
def test_frozen_tables_stay_to_the_bit_while_the_net_learns(other: str, dataset: IndexedDataset, model: Model) -> None:
    strategies = strategies_of(parse_strategy(f"freeze_tables+{other}", REGISTRY), REGISTRY)
    trainer = Trainer(dataset, model, strategies, TRAIN, seed=0)
    seen = []
    for epoch in (1, 2, 3):
        trainer.start_epoch(epoch)
        for batch in trainer.batches.epoch(epoch):
            trainer.step(batch)
        seen.append((trainer.tables.weight_RD.clone(), [p.detach().clone() for p in trainer.net.parameters()]))
    assert torch.equal(seen[1][0], seen[2][0])
    assert torch.allclose(seen[0][0], seen[1][0])
    assert not any(torch.equal(a, b) for a, b in zip(seen[1][1], seen[2][1], strict=True))


# --- models -----------------------------------------------------------------------------------------------------------


def network(name: str, fields: int, tasks: int, **params: Any) -> tuple[nn.Module, int]:
    model = build(REGISTRY.models, "model", name, params)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.network(fields, tasks), model.width(tasks)


def test_fm_is_the_sum_over_pairs() -> None:
    net, width = network("fm", 4, 2, dim=3)
    x = torch.randn(5, 4, width, generator=torch.Generator().manual_seed(0)).double()
    got = net.double()(x).detach().numpy()
    for n in range(5):
        for t in range(2):
            row = x[n].numpy()
            factors = [row[f, 2 + 3 * t : 5 + 3 * t] for f in range(4)]
            pairs = sum(factors[i] @ factors[j] for i in range(4) for j in range(i))
            assert got[n, t] == pytest.approx(row[:, t].sum() + pairs)


def test_esmm_is_the_product_along_the_funnel() -> None:
    net, width = network("esmm", 3, 4, dim=4, parents=(-1, 0, 1, -1))
    x = torch.randn(6, 3, width, generator=torch.Generator().manual_seed(1)).double()
    net = net.double()
    towers: Any = net.towers
    alone = torch.sigmoid(torch.cat([tower(x.flatten(1)) for tower in towers], dim=1))
    expected = torch.stack([alone[:, 0], alone[:, :2].prod(1), alone[:, :3].prod(1), alone[:, 3]], dim=1)
    assert torch.allclose(torch.sigmoid(net(x)), expected)


def test_esmm_refuses_a_funnel_that_is_none() -> None:
    with pytest.raises(UserError, match=r"parents = \[1, -1\]"):
        network("esmm", 3, 2, parents=(1, -1))
    with pytest.raises(UserError, match="is of 3 tasks; the data has 2"):
        network("esmm", 3, 2, parents=(-1, 0, 0))


@pytest.mark.parametrize("structure", ["parallel", "stacked"])
def test_dcnv2_crosses_its_input(structure: str) -> None:
    net, width = network("dcnv2", 2, 1, dim=3, hidden=(), depth=2, structure=structure)
    x = torch.randn(4, 2, width, generator=torch.Generator().manual_seed(2))
    parts: Any = net
    start = last = x.flatten(1)
    for cross in parts.crosses:
        last = start * (last @ cross.weight.T + cross.bias) + last
    expected = parts.head(last if structure == "stacked" else torch.cat([last, start], dim=1))
    assert torch.allclose(net(x), expected)


def test_mmoe_mixes_experts_by_the_gate_of_each_task() -> None:
    net, width = network("mmoe", 2, 3, dim=4, experts=5, hidden=(7,), tower=())
    x = torch.randn(4, 2, width, generator=torch.Generator().manual_seed(3))
    parts: Any = net
    flat = x.flatten(1)
    for t in range(3):
        gate = torch.softmax(flat @ parts.gates[t].weight.T, dim=1)
        mixed = sum(gate[:, e : e + 1] * parts.experts[e](flat) for e in range(5))
        assert torch.allclose(net(x)[:, t], parts.towers[t](mixed).squeeze(1), atol=1e-6)


# --- everything with everything ---------------------------------------------------------------------------------------


def test_a_second_pass_sees_the_same_dropout(dataset: IndexedDataset, model: Model) -> None:
    class Watch(Strategy):
        name = "watch"

        def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
            dropped.append(embedded_NFD == 0)
            return embedded_NFD

    dropped: list[Tensor] = []
    trainer = Trainer(
        dataset, model, [strategy_of(REGISTRY, "helen"), strategy_of(REGISTRY, "embedding_dropout"), Watch()], TRAIN, 0
    )
    trainer.start_epoch(1)
    with trainer.randomness():
        for batch in islice(trainer.batches.epoch(1), 3):
            trainer.step(batch)
    assert len(dropped) == 6
    assert all(torch.equal(first, second) and first.any() for first, second in zip(*[iter(dropped)] * 2, strict=True))
    assert not torch.equal(dropped[0], dropped[2])
